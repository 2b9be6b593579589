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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "channel.h"
#include "connections.h"
#include "listeners.h"
#include "log.h"
#include "options.h"
#include "sandbox.h"
#include "status.h"
#include "systemd.h"

/* How long no connection is accepted after the host had no resources for one */
#define PAUSE_MS 1000
/* Beside those of connections: signals, the status socket, sockets that listen */
#define POLL_FDS (2 + LISTENERS_MAX + CONNECTION_FDS)
/* Those and some that are open for a short time */
#define DESCRIPTORS_MIN (POLL_FDS + 32)

static struct options options;
static struct config config;
static int signal_fd = -1;
static int64_t accept_at; /* not before this time */
static bool failed;

/* Connections */

/* One at a time: between two of them, workers get their turns and are ended in time */
static void accept_connection(int listen_fd, const char *vm, int64_t now)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		connections_start(fd, &config, vm);
		return;
	}
	if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)
		return;
	log_line(LOG_ERR, "cannot accept a connection: %s; trying again in a second",
		 strerror(errno));
	accept_at = now + PAUSE_MS;
}

/* SIGHUP: workers that exist keep their limits, and sockets stay as they are */
static void reload(void)
{
	static struct config loaded; /* too large for a stack */

	if (!load_config(&options, &loaded)) {
		log_line(LOG_ERR, "the earlier configuration stays in use");
		return;
	}
	config = loaded;
	log_line(LOG_NOTICE, "the configuration was read again");
}

/* Returns whether to go on: SIGTERM and SIGINT end the program */
static bool take_signals(void)
{
	struct signalfd_siginfo info;
	bool go_on = true;

	while (read(signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload();
		go_on = go_on && (info.ssi_signo == SIGCHLD || info.ssi_signo == SIGHUP);
	}
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

static bool fail_to_wait(void)
{
	log_line(LOG_ERR, "cannot wait for connections: %s", strerror(errno));
	failed = true;
	return false;
}

static bool take_turn(void)
{
	struct pollfd fds[POLL_FDS];
	struct pollfd *listening = fds + 2, *ends = listening + listeners_count();
	int64_t now = channel_now();

	fds[0] = (struct pollfd){ signal_fd, POLLIN, 0 };
	fds[1] = (struct pollfd){ status_fd(), POLLIN, 0 };
	listeners_watch(listening, accept_at > now);
	connections_watch(ends);
	if (poll(fds, ends + CONNECTION_FDS - fds, milliseconds_left(now)) < 0)
		return errno == EINTR || fail_to_wait();
	now = channel_now();
	connections_check(ends, now);
	if (fds[0].revents && !take_signals())
		return false;
	connections_kill_late(now);
	if (fds[1].revents)
		status_serve(config.connections);
	for (unsigned int i = 0; i < listeners_count(); i++) {
		if (listening[i].revents)
			accept_connection(listening[i].fd, listeners_vm(i), now);
	}
	return true;
}

/* Start */

/* A soft limit below the hard one may be raised */
static bool raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= DESCRIPTORS_MIN)
		return true;
	limit.rlim_cur = DESCRIPTORS_MIN;
	if (limit.rlim_max >= DESCRIPTORS_MIN && !setrlimit(RLIMIT_NOFILE, &limit))
		return true;
	log_line(LOG_ERR, "the limit of open files is %ju, and %d are needed: raise it with "
		 "ulimit -Hn, or LimitNOFILE= of the unit", (uintmax_t)limit.rlim_max,
		 DESCRIPTORS_MIN);
	return false;
}

static bool take_over_signals(void)
{
	sigset_t mask, old_mask;

	/* a reader of the log that goes away is no reason to end */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, &old_mask);
	connections_init(&old_mask);
	signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return signal_fd >= 0;
}

/* --fd: a connection, or a socket that listens */
static bool use_fd(int fd)
{
	socklen_t size = sizeof(int);
	int listens;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size)) {
		log_line(LOG_ERR, "cannot use descriptor %d: %s", fd, strerror(errno));
		return false;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (listens)
		return listeners_inherit(fd, &config);
	return connections_start(fd, &config, NULL);
}

static bool open_sockets(void)
{
	if (options.fd >= 0)
		return use_fd(options.fd);
	return systemd_take_sockets(&config) && listeners_create(&config);
}

/* The default is beside the socket that was created for all VMs */
static bool open_status(void)
{
	char path[SOCKET_PATH_SIZE + sizeof(STATUS_SUFFIX)];

	if (options.status_path)
		return status_listen(options.status_path);
	if (!config.socket.path[0] || options.fd >= 0)
		return true;
	snprintf(path, sizeof(path), "%s%s", config.socket.path, STATUS_SUFFIX);
	return status_listen(path);
}

/* EXIT_GOOD: serve */
static enum exit_code start(void)
{
	if (!load_config(&options, &config))
		return EXIT_USAGE;
	if (!raise_limit() || !sandbox_prepare() || !take_over_signals() || !open_sockets() ||
	    !open_status())
		return EXIT_FAILED;
	if (listeners_count() || connections_count())
		return EXIT_GOOD;
	log_line(LOG_ERR, "there is no socket to listen on: give --socket-path, --fd, or a file with one");
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	enum exit_code code;

	if (argc > 1 && !strcmp(argv[1], "status"))
		return status_main(argc - 1, argv + 1);
	options = parse_options(argc, argv);
	if (options.check_config)
		return load_config(&options, &config) ? EXIT_GOOD : EXIT_USAGE;
	code = start();
	if (code == EXIT_GOOD) {
		systemd_notify("READY=1");
		while (take_turn() && (listeners_count() || connections_count()))
			;
		systemd_notify("STOPPING=1");
	}
	listeners_close();
	status_close();
	connections_kill_all();
	return failed ? EXIT_FAILED : code;
}
