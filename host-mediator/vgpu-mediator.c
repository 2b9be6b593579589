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
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "channel.h"
#include "listen.h"
#include "log.h"
#include "worker.h"

#define CONNECTIONS_MAX 256
/* How long a worker may exist without its connection */
#define KILL_MS 100
/* How long no connection is accepted after the host had no resources for one */
#define PAUSE_MS 1000

struct connection {
	pid_t pid; /* of the worker; 0: this one is free */
	int fd;
	bool ended;
	int64_t kill_at;
};

static struct connection connections[CONNECTIONS_MAX];
static unsigned int connection_count;
static int listen_fd = -1, signal_fd = -1;
static int64_t accept_at; /* not before this time */
static sigset_t old_mask;

/* Workers */

/* The guest's memory must not get into a core file, and no program gains rights by exec */
static bool limit_worker(void)
{
	const struct rlimit none = { 0, 0 };

	return !setrlimit(RLIMIT_CORE, &none) && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

__attribute__((noreturn)) static void become_worker(int fd, pid_t supervisor)
{
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* it may have died before that */
	if (getppid() != supervisor || null < 0 || !limit_worker())
		_exit(EXIT_FAILED);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO + 1);
	close_range(STDERR_FILENO + 2, ~0U, 0);
	sigprocmask(SIG_SETMASK, &old_mask, NULL);
	worker_run(STDERR_FILENO + 1);
	_exit(EXIT_GOOD);
}

static struct connection *find_free(void)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		if (!connections[i].pid)
			return &connections[i];
	}
	return NULL;
}

static void log_warning(const char *line)
{
	log_line(LOG_WARNING, "%s", line);
}

/* The channel sends ERROR and closes the descriptor */
static void refuse(int fd, const char *why)
{
	static struct channel channel; /* too large for a stack */

	channel_open(&channel, fd, FROM_DEVICE, "unknown", log_warning);
	channel_fault(&channel, VGPU_MEDIATOR_BUSY, why);
}

static bool start_worker(int fd)
{
	struct connection *connection = find_free();
	pid_t supervisor = getpid(), pid;

	if (!connection) {
		refuse(fd, "too many connections");
		return false;
	}
	pid = fork();
	if (!pid)
		become_worker(fd, supervisor);
	if (pid < 0) {
		refuse(fd, "cannot start a worker");
		return false;
	}
	*connection = (struct connection){ .pid = pid, .fd = fd };
	connection_count++;
	return true;
}

static void end_connection(pid_t pid, int status)
{
	struct connection *connection = connections;

	while (connection < connections + CONNECTIONS_MAX && connection->pid != pid)
		connection++;
	if (connection == connections + CONNECTIONS_MAX)
		return;
	if (WIFSIGNALED(status) && !connection->ended)
		log_line(LOG_ERR, "worker %d was killed by signal %d (%s)", (int)pid,
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	shutdown(connection->fd, SHUT_RDWR);
	close(connection->fd);
	connection->pid = 0;
	connection_count--;
}

static void reap_workers(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		end_connection(pid, status);
}

static void kill_late_workers(int64_t now)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *connection = &connections[i];

		if (!connection->pid || !connection->ended || now < connection->kill_at)
			continue;
		log_line(LOG_WARNING, "worker %d did not exit and is killed: its connection ended",
			 (int)connection->pid);
		kill(connection->pid, SIGKILL);
		connection->kill_at = INT64_MAX;
	}
}

static void kill_all_workers(void)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		if (connections[i].pid)
			kill(connections[i].pid, SIGKILL);
	}
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

/* Connections */

static void accept_connections(int64_t now)
{
	/* not more at a time, as workers have to be ended in time */
	for (int i = 0; i < 16; i++) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			start_worker(fd);
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
	reap_workers();
	return go_on;
}

static int milliseconds_left(int64_t now)
{
	int64_t next = accept_at > now ? accept_at : INT64_MAX;

	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		if (connections[i].pid && connections[i].ended && connections[i].kill_at < next)
			next = connections[i].kill_at;
	}
	if (next == INT64_MAX)
		return -1;
	return next > now ? (int)(next - now) : 0;
}

/* The end of a connection is reported even if the worker has not read what came before */
static struct pollfd watch(const struct connection *connection)
{
	bool watched = connection->pid && !connection->ended;

	return (struct pollfd){ watched ? connection->fd : -1, POLLRDHUP, 0 };
}

static bool take_turn(void)
{
	struct pollfd fds[2 + CONNECTIONS_MAX];
	int64_t now = channel_now();

	fds[0] = (struct pollfd){ signal_fd, POLLIN, 0 };
	fds[1] = (struct pollfd){ accept_at > now ? -1 : listen_fd, POLLIN, 0 };
	for (size_t i = 0; i < CONNECTIONS_MAX; i++)
		fds[2 + i] = watch(&connections[i]);
	if (poll(fds, 2 + CONNECTIONS_MAX, milliseconds_left(now)) < 0)
		return errno == EINTR;
	now = channel_now();
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		if (!fds[2 + i].revents)
			continue;
		connections[i].ended = true;
		connections[i].kill_at = now + KILL_MS;
	}
	if (fds[0].revents && !take_signals())
		return false;
	kill_late_workers(now);
	if (fds[1].revents)
		accept_connections(now);
	return true;
}

/* Start */

static bool take_over_signals(void)
{
	sigset_t mask;

	/* a reader of the log that goes away is no reason to end */
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_BLOCK, &mask, &old_mask);
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
		return start_worker(fd);
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

	if (!take_over_signals() || !open_socket(&options))
		return EXIT_FAILED;
	if (listen_fd >= 0)
		fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) | O_NONBLOCK);
	while (take_turn() && (listen_fd >= 0 || connection_count))
		;
	if (options.socket_path)
		unlink(options.socket_path);
	kill_all_workers();
	return EXIT_GOOD;
}
