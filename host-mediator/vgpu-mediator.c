// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The supervisor: it starts a worker for each connection, and ends it when the connection
 * has ended. It reads nothing from a connection and has no guest memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "channel.h"
#include "connections.h"
#include "listen.h"
#include "log.h"
#include "sandbox.h"

/* How long no connection is accepted after the host had no resources for one */
#define PAUSE_MS 1000

static int listen_fd = -1, signal_fd = -1;
static int64_t accept_at; /* not before this time */

/* Connections */

static void accept_connections(int64_t now)
{
	/* not more at a time, as workers have to be ended in time */
	for (int i = 0; i < 16; i++) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			connections_start(fd);
			continue;
		}
		if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)
			return;
		log_line(LOG_ERR, "cannot accept a connection: %s; trying again in a second",
			 strerror(errno));
		accept_at = now + PAUSE_MS;
		return;
	}
}

/* Returns whether to go on: SIGTERM and SIGINT end the program */
static bool take_signals(void)
{
	struct signalfd_siginfo info;
	bool go_on = true;

	while (read(signal_fd, &info, sizeof(info)) == sizeof(info))
		go_on = go_on && info.ssi_signo == SIGCHLD;
	connections_reap();
	return go_on;
}

static int milliseconds_left(int64_t now)
{
	int64_t next = connections_deadline(now);

	if (accept_at > now && accept_at < next)
		next = accept_at;
	if (next == INT64_MAX)
		return -1;
	return next > now ? (int)(next - now) : 0;
}

static bool take_turn(void)
{
	struct pollfd fds[2 + CONNECTION_FDS];
	int64_t now = channel_now();

	fds[0] = (struct pollfd){ signal_fd, POLLIN, 0 };
	fds[1] = (struct pollfd){ accept_at > now ? -1 : listen_fd, POLLIN, 0 };
	connections_watch(fds + 2);
	if (poll(fds, 2 + CONNECTION_FDS, milliseconds_left(now)) < 0)
		return errno == EINTR;
	now = channel_now();
	connections_check(fds + 2, now);
	if (fds[0].revents && !take_signals())
		return false;
	connections_kill_late(now);
	if (fds[1].revents)
		accept_connections(now);
	return true;
}

/* Start */

static bool take_over_signals(void)
{
	sigset_t mask, old_mask;

	/* a reader of the log that goes away is no reason to end */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, &old_mask);
	connections_init(&old_mask);
	signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return signal_fd >= 0;
}

/* --fd: a socket that listens, as systemd passes it, or a connection */
static bool use_fd(int fd)
{
	socklen_t size = sizeof(int);
	int listens;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size)) {
		log_line(LOG_ERR, "cannot use descriptor %d: %s", fd, strerror(errno));
		return false;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (!listens)
		return connections_start(fd);
	listen_fd = fd;
	return true;
}

static bool open_socket(const struct options *options)
{
	if (!options->socket_path)
		return use_fd(options->fd);
	listen_fd = listen_on(options);
	return listen_fd >= 0;
}

int main(int argc, char **argv)
{
	struct options options = parse_options(argc, argv);

	if (!sandbox_log_level() || !take_over_signals() || !open_socket(&options))
		return EXIT_FAILED;
	if (listen_fd >= 0)
		fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) | O_NONBLOCK);
	while (take_turn() && (listen_fd >= 0 || connections_count()))
		;
	if (options.socket_path)
		unlink(options.socket_path);
	connections_kill_all();
	return EXIT_GOOD;
}
