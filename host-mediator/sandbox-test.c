// SPDX-License-Identifier: GPL-2.0-or-later
/* --self-test-sandbox: what a worker tries when a guest has taken it over */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "options.h"
#include "sandbox.h"

/* Another VM's worker, and what it has in memory at the same address */
static pid_t other;
static int null;
static char secret[16] = "other VM's data";
static struct sockaddr_un listener = { .sun_family = AF_UNIX };

/* Attempts: true if it was not refused */

static bool open_file(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool list_root(void)
{
	return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0;
}

static bool connect_to(int family, const void *address, socklen_t size)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && !connect(fd, address, size);
}

static bool connect_unix(void)
{
	return connect_to(AF_UNIX, &listener, sizeof(sa_family_t) + 1 + strlen(listener.sun_path + 1));
}

/* Nothing has to listen: "connection refused" would come from the network */
static bool connect_tcp(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	return connect_to(AF_INET, &address, sizeof(address)) || errno == ECONNREFUSED;
}

static bool trace(void)
{
	return !ptrace(PTRACE_ATTACH, other, NULL, NULL);
}

static bool signal_other(void)
{
	return !kill(other, 0);
}

static bool read_other(void)
{
	char bytes[sizeof(secret)];
	struct iovec to = { bytes, sizeof(bytes) }, from = { secret, sizeof(secret) };

	return process_vm_readv(other, &to, 1, &from, 1, 0) == sizeof(bytes);
}

static bool open_memory(void)
{
	char name[32];

	snprintf(name, sizeof(name), "/proc/%d/mem", (int)other);
	return open(name, O_RDONLY | O_CLOEXEC) >= 0;
}

static bool take_descriptor(void)
{
	int fd = syscall(SYS_pidfd_open, other, 0);

	return fd >= 0 && syscall(SYS_pidfd_getfd, fd, STDERR_FILENO, 0) >= 0;
}

static bool execute(void)
{
	static char path[] = "/proc/self/exe", option[] = "--version";
	char *arguments[] = { path, option, NULL };

	execv(path, arguments);
	return false;
}

static bool fork_process(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid > 0;
}

static bool map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	       MAP_FAILED;
}

static bool make_code(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return page != MAP_FAILED && !mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static bool new_namespace(void)
{
	return !unshare(CLONE_NEWUSER);
}

static bool use_io_uring(void)
{
	struct io_uring_params params = { 0 };

	return syscall(SYS_io_uring_setup, 1, &params) >= 0;
}

static bool many_descriptors(void)
{
	int last = 0;

	for (int i = 0; i < 1000 && last >= 0; i++)
		last = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
	return last >= 0;
}

static const struct attempt {
	const char *name;
	bool (*succeeds)(void);
} attempts[] = {
	{ "opening a file", open_file },
	{ "opening the root directory", list_root },
	{ "opening another worker's memory", open_memory },
	{ "reading another worker's memory", read_other },
	{ "tracing another worker", trace },
	{ "taking another worker's descriptor", take_descriptor },
	{ "signalling another worker", signal_other },
	{ "connecting to a Unix socket", connect_unix },
	{ "connecting to a TCP port", connect_tcp },
	{ "executing a program", execute },
	{ "creating a process", fork_process },
	{ "creating a user namespace", new_namespace },
	{ "mapping memory to execute", map_code },
	{ "making memory executable", make_code },
	{ "using io_uring", use_io_uring },
	{ "having a thousand descriptors", many_descriptors },
};

/* Running them */

/* The wait status of a process that makes the attempt; its exit status is an errno value */
static int run(const struct attempt *attempt, unsigned int layers)
{
	struct sandbox_level level;
	int status;
	pid_t pid = fork();

	if (!pid) {
		/* for the program that it executes */
		dup2(null, STDOUT_FILENO);
		if (!sandbox_enter(layers, &level))
			_exit(255);
		errno = 0;
		_exit(attempt->succeeds() ? 0 : errno ?: EPERM);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : 0;
}

static bool is_refused(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS;
	return WEXITSTATUS(status) && WEXITSTATUS(status) != 255;
}

static const char *describe(int status)
{
	if (!is_refused(status))
		return WIFEXITED(status) && !WEXITSTATUS(status) ? "not refused" : "failed";
	return WIFSIGNALED(status) ? "killed by seccomp" : strerror(WEXITSTATUS(status));
}

/* Print how the attempt ends with these layers */
static bool try_with(const struct attempt *attempt, unsigned int layers, const char *name)
{
	int status = run(attempt, layers);

	printf("%s: %s", name, describe(status));
	return is_refused(status);
}

/* Without a sandbox it should not be refused; if it is, the host does not allow it anyway */
static bool try_attempt(const struct attempt *attempt)
{
	bool refused = try_with(attempt, SANDBOX_ALL, attempt->name);

	try_with(attempt, SANDBOX_ALL & ~SANDBOX_SECCOMP, "; without seccomp");
	try_with(attempt, 0, "; without a sandbox");
	puts("");
	fflush(stdout);
	return refused;
}

static pid_t start_other(void)
{
	struct sandbox_level level;
	pid_t pid = fork();

	if (pid)
		return pid;
	if (!sandbox_enter(SANDBOX_ALL & ~SANDBOX_SECCOMP, &level))
		_exit(EXIT_FAILED);
	for (;;)
		pause();
}

static int start_listener(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t size;

	size = snprintf(listener.sun_path + 1, sizeof(listener.sun_path) - 1,
			"vgpu-mediator-self-test-%d", (int)getpid());
	size += sizeof(sa_family_t) + 1;
	return fd >= 0 && !bind(fd, (struct sockaddr *)&listener, size) && !listen(fd, 100) ? fd : -1;
}

int sandbox_test(void)
{
	int listener_fd = start_listener();
	bool good = sandbox_prepare() && listener_fd >= 0;

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	other = start_other();
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		good = try_attempt(&attempts[i]) && good;
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	puts(good ? "all was refused" : "the sandbox has a hole: see the lines above");
	return good ? EXIT_GOOD : EXIT_FAILED;
}
