// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

static bool set_rights(const struct socket_config *config)
{
	bool for_group = config->group != (gid_t)-1;

	return !lchown(config->path, config->owner, config->group) &&
	       (!for_group || !chmod(config->path, 0660));
}

static int fail(const struct socket_config *config, const char *what, int fd)
{
	log_line(LOG_ERR, "cannot %s %s: %s", what, config->path, strerror(errno));
	close(fd);
	return -1;
}

int listen_on(const struct socket_config *config)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, config->path);
	if (fd < 0 || !bind_to(fd, &address))
		return fail(config, "create the socket", fd);
	if (!set_rights(config)) {
		fail(config, "set owner and group of", fd);
		unlink(config->path);
		return -1;
	}
	if (listen(fd, SOMAXCONN))
		return fail(config, "listen on", fd);
	return fd;
}
