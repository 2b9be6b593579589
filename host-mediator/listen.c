// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "listen.h"
#include "log.h"

/* A socket on which nobody listens was left by a supervisor that was killed */
static bool is_left_over(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) &&
		       errno == ECONNREFUSED;
	struct stat file;

	close(fd);
	return refused && !lstat(address->sun_path, &file) && S_ISSOCK(file.st_mode);
}

/* Nobody can connect before listen() */
static bool bind_to(int fd, const struct sockaddr_un *address)
{
	mode_t mask = umask(0177);
	bool bound;

	if (is_left_over(address))
		unlink(address->sun_path);
	bound = !bind(fd, (const struct sockaddr *)address, sizeof(*address));
	umask(mask);
	return bound;
}

static bool set_rights(const struct options *options)
{
	bool for_group = options->group != (gid_t)-1;

	return !lchown(options->socket_path, options->owner, options->group) &&
	       (!for_group || !chmod(options->socket_path, 0660));
}

static int fail(const struct options *options, const char *what, int fd)
{
	log_line(LOG_ERR, "cannot %s %s: %s", what, options->socket_path, strerror(errno));
	close(fd);
	return -1;
}

int listen_on(const struct options *options)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(options->socket_path) >= sizeof(address.sun_path)) {
		log_line(LOG_ERR, "cannot create the socket %s: the path is longer than %zu bytes",
			 options->socket_path, sizeof(address.sun_path) - 1);
		return -1;
	}
	strcpy(address.sun_path, options->socket_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || !bind_to(fd, &address))
		return fail(options, "create the socket", fd);
	if (!set_rights(options)) {
		fail(options, "set owner and group of", fd);
		unlink(options->socket_path);
		return -1;
	}
	if (listen(fd, SOMAXCONN))
		return fail(options, "listen on", fd);
	return fd;
}
