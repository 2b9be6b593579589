// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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
	bool killed; /* by the supervisor */
	int64_t kill_at;
	int64_t since;
	struct metrics *metrics; /* the worker's page */
};

static struct connection connections[CONNECTIONS_MAX];
static unsigned int connection_count;
static struct records records; /* of workers that have ended */
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

static void log_warning(const char *line)
{
	log_line(LOG_WARNING, "%s", line);
}

/* The channel sends ERROR and closes the descriptor */
static void refuse(int fd, const char *vm, const char *why)
{
	static struct channel channel; /* too large for a stack */

	channel_open(&channel, fd, FROM_DEVICE, vm ? vm : "unknown", log_warning);
	channel_fault(&channel, VGPU_MEDIATOR_BUSY, why);
}

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
static void become_worker(int fd, struct turn turn, struct metrics *metrics,
			  const struct config *config, const char *vm, pid_t supervisor)
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
		refuse(fd, vm, "the worker cannot enter its sandbox");
		_exit(EXIT_FAILED);
	}
	worker_run(fd, &turn, metrics, config, vm);
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

static struct metrics *map_metrics(void)
{
	struct metrics *page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

/* Returns the worker's process, or -1 */
static pid_t fork_worker(unsigned int i, int fd, struct metrics *metrics,
			 const struct config *config, const char *vm)
{
	pid_t supervisor = getpid(), pid = -1;
	struct turn turn;

	if (metrics && turns_open(i, &turn)) {
		pid = fork();
		if (!pid)
			become_worker(fd, turn, metrics, config, vm, supervisor);
		turns_started(&turn);
		/* other workers do not get this page */
		madvise(metrics, sizeof(*metrics), MADV_DONTFORK);
	}
	if (pid < 0) {
		turns_close(i);
		if (metrics)
			munmap(metrics, sizeof(*metrics));
	}
	return pid;
}

bool connections_start(int fd, const struct config *config, const char *vm)
{
	struct connection *connection = find_free();
	bool full = connection_count >= config->connections;
	struct metrics *metrics;
	pid_t pid;

	if (!connection || full) {
		refuse(fd, vm, "too many connections");
		return false;
	}
	metrics = map_metrics();
	pid = fork_worker(connection - connections, fd, metrics, config, vm);
	if (pid < 0) {
		refuse(fd, vm, "cannot start a worker");
		return false;
	}
	*connection = (struct connection){ .pid = pid, .fd = fd, .metrics = metrics,
					   .since = channel_now() };
	connection_count++;
	return true;
}

/* End */

__attribute__((format(printf, 3, 4)))
static void log_worker(const struct connection *connection, int priority, const char *format, ...)
{
	char name[VGPU_MEDIATOR_NAME_MAX], text[128];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	record_name(connection->metrics, name);
	log_line(priority, "VM %s: worker %d %s", name[0] ? name : "unknown",
		 (int)connection->pid, text);
}

static enum worker_end log_end(const struct connection *connection, int status)
{
	if (connection->killed)
		return WORKER_KILLED;
	/* for the administrator, it makes no difference which process has seen the limit */
	if (WIFEXITED(status) && WEXITSTATUS(status) == WORKER_EXIT_TIME)
		return WORKER_KILLED;
	if (!WIFSIGNALED(status))
		return WORKER_EXITED;
	log_worker(connection, LOG_ERR, "was killed by signal %d (%s)", WTERMSIG(status),
		   strsignal(WTERMSIG(status)));
	return WORKER_CRASHED;
}

static void end_connection(pid_t pid, int status)
{
	struct connection *connection = connections;

	while (connection < connections + CONNECTIONS_MAX && connection->pid != pid)
		connection++;
	if (connection == connections + CONNECTIONS_MAX)
		return;
	records_add(&records, connection->metrics, connection->since, channel_now(),
		    log_end(connection, status));
	turns_close(connection - connections);
	munmap(connection->metrics, sizeof(*connection->metrics));
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
	log_worker(connection, LOG_WARNING, "is killed: %s", why);
	kill(connection->pid, SIGKILL);
	connection->killed = true;
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

/* Status */

void connections_report(struct records *report)
{
	int64_t now = channel_now();

	*report = records;
	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		if (connections[i].pid)
			records_add(report, connections[i].metrics, connections[i].since, now,
				    WORKER_CONNECTED);
	}
}
