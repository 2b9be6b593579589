// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Both protocols are stable and documented by systemd. They need a dozen lines each, so
 * this program, and with it each worker, does without libsystemd.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "listeners.h"
#include "parse.h"
#include "systemd.h"

#define FIRST_FD 3

static bool get_number(const char *variable, uint64_t *number)
{
	const char *text = getenv(variable);

	return text && parse_number(text, false, number);
}

bool systemd_take_sockets(const struct config *config)
{
	uint64_t pid, sockets;
	bool good = true;

	if (!get_number("LISTEN_PID", &pid) || pid != (uint64_t)getpid() ||
	    !get_number("LISTEN_FDS", &sockets))
		return true;
	for (uint64_t i = 0; good && i < sockets; i++)
		good = listeners_inherit(FIRST_FD + i, config);
	return good;
}

void systemd_notify(const char *state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t length = path ? strlen(path) : 0;

	if (length && length < sizeof(address.sun_path) && fd >= 0) {
		memcpy(address.sun_path, path, length);
		/* a socket of Linux's abstract namespace */
		if (path[0] == '@')
			address.sun_path[0] = 0;
		sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
		       offsetof(struct sockaddr_un, sun_path) + length);
	}
	if (fd >= 0)
		close(fd);
}
