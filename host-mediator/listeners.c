// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "listen.h"
#include "listeners.h"
#include "log.h"

struct listener {
	int fd;
	bool created;
	char path[SOCKET_PATH_SIZE];
	char vm[VGPU_MEDIATOR_NAME_MAX]; /* "": any */
};

static struct listener listeners[LISTENERS_MAX];
static unsigned int count;

static void add(int fd, bool created, const char *path, const char *vm)
{
	struct listener *listener = &listeners[count++];

	*listener = (struct listener){ .fd = fd, .created = created };
	snprintf(listener->path, sizeof(listener->path), "%s", path);
	snprintf(listener->vm, sizeof(listener->vm), "%s", vm);
}

static bool is_known(const char *path)
{
	for (unsigned int i = 0; i < count; i++) {
		if (!strcmp(listeners[i].path, path))
			return true;
	}
	return false;
}

static const char *vm_of(const struct config *config, const char *path)
{
	for (unsigned int i = 0; i < config->vm_count; i++) {
		if (path[0] && !strcmp(config->vms[i].socket.path, path))
			return config->vms[i].name;
	}
	return "";
}

static int option_of(int fd, int option)
{
	socklen_t size = sizeof(int);
	int value = 0;

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) ? -1 : value;
}

bool listeners_inherit(int fd, const struct config *config)
{
	struct sockaddr_un address = { 0 };
	/* a byte less: the path need not end with zero */
	socklen_t size = sizeof(address) - 1;

	if (option_of(fd, SO_ACCEPTCONN) != 1 || option_of(fd, SO_TYPE) != SOCK_STREAM ||
	    getsockname(fd, (struct sockaddr *)&address, &size) ||
	    address.sun_family != AF_UNIX) {
		log_line(LOG_ERR, "cannot use descriptor %d: it is not a Unix stream socket that listens",
			 fd);
		return false;
	}
	if (count == LISTENERS_MAX) {
		log_line(LOG_ERR, "cannot use descriptor %d: more than %d sockets were passed",
			 fd, LISTENERS_MAX);
		return false;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	add(fd, false, address.sun_path, vm_of(config, address.sun_path));
	return true;
}

static bool create(const struct socket_config *config, const char *vm)
{
	int fd;

	if (!config->path[0] || is_known(config->path))
		return true;
	if (count == LISTENERS_MAX) {
		log_line(LOG_ERR, "cannot listen on %s: there are %d sockets already",
			 config->path, LISTENERS_MAX);
		return false;
	}
	fd = listen_on(config);
	if (fd >= 0)
		add(fd, true, config->path, vm);
	return fd >= 0;
}

bool listeners_create(const struct config *config)
{
	bool good = create(&config->socket, "");

	for (unsigned int i = 0; good && i < config->vm_count; i++)
		good = create(&config->vms[i].socket, config->vms[i].name);
	return good;
}

void listeners_close(void)
{
	for (unsigned int i = 0; i < count; i++) {
		if (listeners[i].created)
			unlink(listeners[i].path);
		close(listeners[i].fd);
	}
	count = 0;
}

unsigned int listeners_count(void)
{
	return count;
}

const char *listeners_path(void)
{
	return count ? listeners[0].path : "";
}

const char *listeners_vm(unsigned int i)
{
	return listeners[i].vm[0] ? listeners[i].vm : NULL;
}

void listeners_watch(struct pollfd *fds, bool pause)
{
	for (unsigned int i = 0; i < count; i++)
		fds[i] = (struct pollfd){ pause ? -1 : listeners[i].fd, POLLIN, 0 };
}
