// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "log.h"
#include "namespaces.h"
#include "sandbox.h"

/* More than 16 queues with two eventfds each, a lifeline, and a message's descriptors */
#define DESCRIPTORS_MAX 128

/* Limits */

static bool set_limit(int resource, rlim_t value)
{
	const struct rlimit limit = { value, value };

	return !setrlimit(resource, &limit);
}

/* The guest's memory must not get into a core file. A worker ends with its supervisor. */
static bool set_limits(void)
{
	return !prctl(PR_SET_PDEATHSIG, SIGKILL) && set_limit(RLIMIT_CORE, 0) &&
	       set_limit(RLIMIT_NPROC, 0) &&
	       set_limit(RLIMIT_NOFILE, DESCRIPTORS_MAX) && set_limit(RLIMIT_MEMLOCK, 0) &&
	       !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* Namespaces */

static bool drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return !syscall(SYS_capset, &header, none);
}

static void enter_namespaces(struct sandbox_level *level)
{
	unsigned int joined = namespaces_join();

	level->user = joined & 1 << NAMESPACE_USER;
	level->mount = joined & 1 << NAMESPACE_MOUNT;
	level->net = joined & 1 << NAMESPACE_NET;
	level->ipc = joined & 1 << NAMESPACE_IPC;
}

/*
 * Landlock, with system calls and constants that the headers of Debian 12 lack in part. A
 * ruleset without rules refuses all that it handles.
 */

struct landlock_ruleset {
	uint64_t fs, net, scoped;
};

static int landlock_version(void)
{
	const long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);

	return version > 0 ? (int)version : 0;
}

/* What versions 1, 2, ... of the interface handle */
static struct landlock_ruleset landlock_handled(int version)
{
	static const uint64_t fs[] = { 0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff };
	struct landlock_ruleset handled = { .fs = fs[version < 5 ? version - 1 : 4] };

	if (version >= 4)
		handled.net = 0x3; /* bind, connect: TCP */
	if (version >= 6)
		handled.scoped = 0x3; /* abstract sockets, signals */
	return handled;
}

static size_t landlock_size(int version)
{
	if (version < 4)
		return sizeof(uint64_t);
	return version < 6 ? 2 * sizeof(uint64_t) : 3 * sizeof(uint64_t);
}

static bool enter_landlock(int version)
{
	const struct landlock_ruleset handled = landlock_handled(version);
	int fd = syscall(SYS_landlock_create_ruleset, &handled, landlock_size(version), 0);
	bool entered = fd >= 0 && !syscall(SYS_landlock_restrict_self, fd, 0);

	if (fd >= 0)
		close(fd);
	return entered;
}

/* seccomp */

/* All that a worker and the C library below it need */
static const int allowed[] = {
	SCMP_SYS(brk), SCMP_SYS(clock_gettime), SCMP_SYS(close), SCMP_SYS(exit),
	SCMP_SYS(exit_group), SCMP_SYS(fcntl), SCMP_SYS(fstat), SCMP_SYS(futex),
	SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(madvise), SCMP_SYS(munmap), SCMP_SYS(mremap),
	SCMP_SYS(newfstatat), SCMP_SYS(pipe2), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(pread64), SCMP_SYS(read), SCMP_SYS(recvmsg), SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sendmsg),
	SCMP_SYS(shutdown), SCMP_SYS(write),
};

static bool allow_calls(scmp_filter_ctx filter)
{
	int failed = 0;

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	/* memory, but none that is executed */
	failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				   SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return !failed;
}

#ifdef __SANITIZE_ADDRESS__
static const bool is_sanitized = true;
#else
static const bool is_sanitized = false;
#endif

/* A worker that makes another call is not itself any more. Sanitizers make others. */
static bool enter_seccomp(void)
{
	scmp_filter_ctx filter;
	bool entered;

	if (is_sanitized)
		return true;
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!filter)
		return false;
	entered = allow_calls(filter) && !seccomp_load(filter);
	seccomp_release(filter);
	return entered;
}

bool sandbox_enter(unsigned int layers, struct sandbox_level *level)
{
	*level = (struct sandbox_level){ .seccomp = layers & SANDBOX_SECCOMP };
	if (layers & SANDBOX_NAMESPACES)
		enter_namespaces(level);
	if (layers & SANDBOX_LIMITS && !(set_limits() && drop_capabilities()))
		return false;
	if (layers & SANDBOX_LANDLOCK)
		level->landlock = landlock_version();
	if (level->landlock && !enter_landlock(level->landlock))
		return false;
	return !(layers & SANDBOX_SECCOMP) || enter_seccomp();
}

/* The level */

static bool try_sandbox(struct sandbox_level *level)
{
	int pipe_fds[2];
	pid_t pid;
	bool good;

	if (pipe2(pipe_fds, O_CLOEXEC))
		return false;
	pid = fork();
	if (!pid) {
		good = sandbox_enter(SANDBOX_ALL, level);
		if (write(pipe_fds[1], level, sizeof(*level)) != sizeof(*level))
			good = false;
		_exit(!good);
	}
	close(pipe_fds[1]);
	good = pid > 0 && read(pipe_fds[0], level, sizeof(*level)) == sizeof(*level);
	close(pipe_fds[0]);
	return waitpid(pid, NULL, 0) == pid && good;
}

bool sandbox_prepare(void)
{
	struct sandbox_level level;

	namespaces_create();
	if (!try_sandbox(&level)) {
		log_line(LOG_ERR, "cannot put a worker into its sandbox; see vgpu-mediator "
			 "--self-test-sandbox");
		return false;
	}
	log_line(level.landlock && level.mount ? LOG_INFO : LOG_WARNING,
		 "sandbox: limits, seccomp, Landlock: %d, namespaces:%s%s%s%s%s", level.landlock,
		 level.user ? " user" : "", level.mount ? " mount" : "", level.net ? " net" : "",
		 level.ipc ? " ipc" : "",
		 level.user || level.mount || level.net || level.ipc ? "" : " none");
	return true;
}
