// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "channel.h"
#include "connections.h"
#include "log.h"
#include "options.h"
#include "sandbox.h"
#include "turns.h"
#include "worker.h"

/* How long a worker may exist without its connection */
#define KILL_MS 100

struct connection {
	pid_t pid; /* of the worker; 0: this one is free */
	int fd;
	bool ended;
	int64_t kill_at;
};

static struct connection connections[CONNECTIONS_MAX];
static unsigned int connection_count;
static sigset_t worker_mask;

void connections_init(const sigset_t *mask)
{
	worker_mask = *mask;
	turns_init(0);
}

unsigned int connections_count(void)
{
	return connection_count;
}

/* Start */

/* Behind the standard ones, and no other is open */
static void move_fds(int *connection, int *turn)
{
	/* not where the other one is */
	int fd = fcntl(*turn, F_DUPFD, STDERR_FILENO + 3);

	dup2(*connection, STDERR_FILENO + 1);
	dup2(fd, STDERR_FILENO + 2);
	close_range(STDERR_FILENO + 3, ~0U, 0);
	*connection = STDERR_FILENO + 1;
	*turn = STDERR_FILENO + 2;
}

__attribute__((noreturn))
static void become_worker(int fd, struct turn turn, const struct config *config, const char *vm,
			  pid_t supervisor)
{
	int null = open("/dev/null", O_RDWR);
	struct sandbox_level level;

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	sandbox_enter(SANDBOX_NAMESPACES, &level);
	move_fds(&fd, &turn.fd);
	sigprocmask(SIG_SETMASK, &worker_mask, NULL);
	/* the supervisor may have died before the sandbox ends this process with it */
	if (null < 0 || !sandbox_enter(SANDBOX_ALL & ~SANDBOX_NAMESPACES, &level) ||
	    getppid() != supervisor) {
		log_line(LOG_ERR, "a worker cannot start: it could not enter its sandbox");
		_exit(EXIT_FAILED);
	}
	worker_run(fd, &turn, config, vm);
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

bool connections_start(int fd, const struct config *config, const char *vm)
{
	struct connection *connection = find_free();
	bool full = connection_count >= config->connections;
	pid_t supervisor = getpid(), pid = -1;
	struct turn turn;

	if (!connection || full) {
		refuse(fd, "too many connections");
		return false;
	}
	if (turns_open(connection - connections, &turn)) {
		pid = fork();
		if (!pid)
			become_worker(fd, turn, config, vm, supervisor);
		turns_started(&turn);
	}
	if (pid < 0) {
		turns_close(connection - connections);
		refuse(fd, "cannot start a worker");
		return false;
	}
	*connection = (struct connection){ .pid = pid, .fd = fd };
	connection_count++;
	return true;
}

/* End */

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
	turns_close(connection - connections);
	shutdown(connection->fd, SHUT_RDWR);
	close(connection->fd);
	connection->pid = 0;
	connection_count--;
}

void connections_reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		end_connection(pid, status);
}

static void kill_late(struct connection *connection, int64_t now)
{
	const char *why = NULL;

	if (connection->ended && now >= connection->kill_at)
		why = "its connection ended";
	else if (!connection->ended && turns_is_stuck(connection - connections))
		why = "it executes something that does not end";
	if (!why)
		return;
	log_line(LOG_WARNING, "worker %d is killed: %s", (int)connection->pid, why);
	kill(connection->pid, SIGKILL);
	connection->ended = true;
	connection->kill_at = INT64_MAX;
}

void connections_kill_late(int64_t now)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		if (connections[i].pid)
			kill_late(&connections[i], now);
	}
}

void connections_kill_all(void)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		if (connections[i].pid)
			kill(connections[i].pid, SIGKILL);
	}
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

/* Watch */

int64_t connections_deadline(int64_t now)
{
	int64_t next = turns_deadline(now);

	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		if (connections[i].pid && connections[i].ended && connections[i].kill_at < next)
			next = connections[i].kill_at;
	}
	return next;
}

/* The end of a connection is reported even if the worker has not read what came before */
void connections_watch(struct pollfd *fds)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		bool watched = connections[i].pid && !connections[i].ended;

		fds[i] = (struct pollfd){ watched ? connections[i].fd : -1, POLLRDHUP, 0 };
	}
	turns_watch(fds + CONNECTIONS_MAX);
}

void connections_check(const struct pollfd *fds, int64_t now)
{
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		if (!fds[i].revents)
			continue;
		connections[i].ended = true;
		connections[i].kill_at = now + KILL_MS;
	}
	turns_check(fds + CONNECTIONS_MAX);
}
