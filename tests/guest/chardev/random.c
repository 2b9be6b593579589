// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random calls, most of them nearly right, from processes with two threads each
 *
 *   SEED=N SECONDS=N chardev random
 *
 * The threads of a process share files, buffers and memory. Processes fork, are killed and
 * started again. A thread's choices follow from SEED; what the calls return depends on
 * timing, too. Fails if a call returns an error that vgpu_stub_ioctl.h does not document
 * for it, or if a process does not end.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "calls.h"

#define PROCESSES	4
#define FILES		3
#define MAPS		8
#define PAGE		4096
#define ARENA_PAGES	64
#define COMMANDS	24
#define NOBODY		65534

enum kind {
	INFO, CREATE, DESTROY, SUBMIT, WAIT, EVENTFD, OTHER, MMAP, POLL, READ, OPEN, FORK, KINDS
};

/* The errors of all ioctls, and those of a file that another thread has closed */
#define COMMON	ENODEV, EFAULT, EINVAL, E2BIG, EINTR, EBADF, ENOTTY

static const struct {
	const char *name;
	int errors[16];
} kinds[KINDS] = {
	[INFO] = { "info", { COMMON } },
	[CREATE] = { "create", { COMMON, ENOMEM, ENOSPC, EIO } },
	[DESTROY] = { "destroy", { COMMON, ENOENT } },
	[SUBMIT] = { "submit", { COMMON, ENOENT, ERANGE, EACCES, EAGAIN } },
	[WAIT] = { "wait", { COMMON, ETIMEDOUT, ENODATA } },
	[EVENTFD] = { "eventfd", { COMMON } },
	[OTHER] = { "unknown ioctl", { ENOTTY, EBADF, EFAULT, EINVAL } },
	[MMAP] = { "mmap", { EINVAL, ENODEV, EBADF, ENOMEM, EACCES, EOVERFLOW } },
	[POLL] = { "poll", { EINTR } },
	[READ] = { "read", { EINVAL, EBADF, EAGAIN } },
	[OPEN] = { "open", { ENODEV, ENOENT, ENXIO, EACCES } },
	[FORK] = { "fork", { EAGAIN, ENOMEM } },
};

/* Shared by all processes */
static struct {
	unsigned long good[KINDS], bad[KINDS];
	int unexpected[KINDS];
} *counts;

static struct {
	int files[FILES], event;
	char *arena;	/* pages for buffers; others are mapped over them at random */
} shared;

struct worker {
	__u64 state;
	void *maps[MAPS];
	size_t lengths[MAPS];
	struct vgpu_stub_command commands[COMMANDS];
	/* a wrong pointer may be one byte off */
	struct vgpu_stub_completion before[2], done[256], after[2];
};

static __u64 end_time;

/* xorshift64* */
static __u64 next(struct worker *worker)
{
	worker->state ^= worker->state >> 12;
	worker->state ^= worker->state << 25;
	worker->state ^= worker->state >> 27;
	return worker->state * 0x2545f4914f6cdd1dULL;
}

static __u32 below(struct worker *worker, __u32 limit)
{
	return (next(worker) >> 32) % limit;
}

/* The right value, but for one time in sixteen */
static __u64 mostly(struct worker *worker, __u64 right)
{
	switch (below(worker, 96)) {
	case 0:
		return 0;
	case 1:
		return ~0ULL;
	case 2:
		return right + 1;
	case 3:
		return right - 1;
	case 4:
		return next(worker);
	case 5:
		return next(worker) >> below(worker, 64);
	default:
		return right;
	}
}

static bool documented(enum kind kind, int error)
{
	unsigned int i;

	for (i = 0; i < sizeof(kinds[kind].errors) / sizeof(int); i++)
		if (kinds[kind].errors[i] == error)
			return true;
	return false;
}

static void count(enum kind kind, bool good)
{
	int error = errno;

	__atomic_add_fetch(good ? &counts->good[kind] : &counts->bad[kind], 1, __ATOMIC_RELAXED);
	if (!good && !documented(kind, error))
		counts->unexpected[kind] = error;
}

static void open_file(int slot)
{
	int old = shared.files[slot];

	shared.files[slot] = open(device, O_RDWR);
	count(OPEN, shared.files[slot] >= 0);
	if (old >= 0)
		close(old);
	if (shared.files[slot] < 0)
		usleep(20000);	/* the driver is being bound */
}

/* A file that fails with ENODEV is of no use any more */
static bool call(struct worker *worker, enum kind kind, void *args, __u32 size)
{
	int slot = below(worker, FILES), ret;
	unsigned char frame[2 * PAGE] = { 0 };

	memcpy(frame, args, size);
	*(__u32 *)frame = mostly(worker, size);
	if (!below(worker, 32))
		frame[below(worker, size + 8)] ^= 1 << below(worker, 8);
	ret = ioctl(shared.files[slot], _IO(VGPU_STUB_IOC_MAGIC, kind),
		    below(worker, 200) ? frame : NULL);
	count(kind, ret >= 0);
	if (ret < 0 && (errno == ENODEV || errno == EBADF))
		open_file(slot);
	memcpy(args, frame, size);
	return ret >= 0;
}

static void do_info(struct worker *worker)
{
	struct vgpu_stub_info args = { 0 };

	call(worker, INFO, &args, sizeof(args));
}

static void do_create(struct worker *worker)
{
	struct vgpu_stub_buffer args = {
		.flags = mostly(worker, VGPU_STUB_BUFFER_DEVICE_READ + 2 * below(worker, 3)),
	};
	__u32 pages = 1 + below(worker, ARENA_PAGES / 2);

	args.length = mostly(worker, (__u64)pages * PAGE);
	if (below(worker, 2)) {
		args.flags |= VGPU_STUB_BUFFER_USER;
		args.addr = mostly(worker, (uintptr_t)shared.arena +
				   below(worker, ARENA_PAGES - pages) * PAGE);
	}
	call(worker, CREATE, &args, sizeof(args));
}

/* Handles are small numbers */
static __u32 some_handle(struct worker *worker)
{
	return mostly(worker, 1 + below(worker, 8));
}

static void do_destroy(struct worker *worker)
{
	struct vgpu_stub_destroy args = { .handle = some_handle(worker) };

	call(worker, DESTROY, &args, sizeof(args));
}

static struct vgpu_stub_operand some_part(struct worker *worker)
{
	struct vgpu_stub_operand part = { 0 };

	if (!below(worker, 4))
		return part;
	part.handle = some_handle(worker);
	part.offset = mostly(worker, below(worker, 4 * PAGE));
	part.length = mostly(worker, 1 + below(worker, 4 * PAGE));
	return part;
}

static void do_submit(struct worker *worker)
{
	struct vgpu_stub_submit args = {
		.commands = mostly(worker, (uintptr_t)worker->commands),
		.count = mostly(worker, 1 + below(worker, COMMANDS)),
	};
	int i;

	if (args.count > COMMANDS)
		args.count = below(worker, 2) ? 0 : COMMANDS;
	for (i = 0; i < COMMANDS; i++)
		worker->commands[i] = (struct vgpu_stub_command) {
			.opcode = mostly(worker, below(worker, 4)),
			.flags = mostly(worker, below(worker, 4)),
			.user_data = next(worker), .arg = mostly(worker, 0),
			.out = some_part(worker), .in = some_part(worker),
		};
	call(worker, SUBMIT, &args, sizeof(args));
}

/* What would wait for ever is interrupted by a timer's signal */
static void do_wait(struct worker *worker)
{
	static const __s64 timeouts[] = { 0, 1000, SECOND / 1000, SECOND / 50, -1 };
	struct vgpu_stub_wait args = {
		.completions = mostly(worker, (uintptr_t)worker->done),
		.min = mostly(worker, below(worker, 8)),
		.max = mostly(worker, 8 + below(worker, 248)),
		.timeout_ns = timeouts[below(worker, 5)],
	};

	call(worker, WAIT, &args, sizeof(args));
}

static void do_eventfd(struct worker *worker)
{
	struct vgpu_stub_eventfd args = {
		.fd = mostly(worker, below(worker, 2) ? shared.event : -1),
	};

	call(worker, EVENTFD, &args, sizeof(args));
}

static void do_other(struct worker *worker)
{
	char args[256] = { 0 };
	unsigned int number = next(worker);

	if (below(worker, 2))
		number = _IO(VGPU_STUB_IOC_MAGIC, 6 + below(worker, 250));
	else if (_IOC_TYPE(number) != VGPU_STUB_IOC_MAGIC)
		number = _IOWR(VGPU_STUB_IOC_MAGIC, below(worker, 6), int);
	count(OTHER, ioctl(shared.files[below(worker, FILES)], number, args) >= 0);
}

static void touch(struct worker *worker, int slot, bool write)
{
	volatile char *byte = (char *)worker->maps[slot] + worker->lengths[slot] - 1;

	if (write)
		*byte = 1;
	else
		(void)*byte;
}

static void do_mmap(struct worker *worker)
{
	int slot = below(worker, MAPS), prot = PROT_READ | (below(worker, 2) ? PROT_WRITE : 0);
	__u64 offset = mostly(worker, some_handle(worker)) << 30;

	if (worker->maps[slot])
		munmap(worker->maps[slot], worker->lengths[slot]);
	worker->lengths[slot] = (1 + below(worker, 8)) * PAGE;
	worker->maps[slot] = mmap(NULL, worker->lengths[slot], prot,
				  below(worker, 16) ? MAP_SHARED : MAP_PRIVATE,
				  shared.files[below(worker, FILES)],
				  below(worker, 16) ? offset : mostly(worker, offset) & -PAGE);
	count(MMAP, worker->maps[slot] != MAP_FAILED);
	if (worker->maps[slot] == MAP_FAILED)
		worker->maps[slot] = NULL;
	else
		touch(worker, slot, prot & PROT_WRITE);
}

/* Other pages take the place of some that may be pinned */
static void do_remap(struct worker *worker)
{
	__u32 first = below(worker, ARENA_PAGES), pages = 1 + below(worker, 8);

	if (first + pages > ARENA_PAGES)
		pages = ARENA_PAGES - first;
	mmap(shared.arena + first * PAGE, pages * PAGE,
	     PROT_READ | (below(worker, 8) ? PROT_WRITE : 0),
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void do_poll(struct worker *worker)
{
	struct pollfd file = {
		.fd = shared.files[below(worker, FILES)], .events = POLLIN | POLLOUT,
	};

	count(POLL, poll(&file, 1, below(worker, 5)) >= 0);
}

static void do_read(struct worker *worker)
{
	char byte;

	count(READ, read(shared.files[below(worker, FILES)], &byte, 1) >= 0);
}

static void do_open(struct worker *worker)
{
	open_file(below(worker, FILES));
}

static void do_fork(struct worker *worker);

static const struct {
	void (*run)(struct worker *worker);
	int weight;
} actions[] = {
	{ do_info, 2 }, { do_create, 20 }, { do_destroy, 14 }, { do_submit, 60 }, { do_wait, 50 },
	{ do_eventfd, 4 }, { do_other, 4 }, { do_mmap, 14 }, { do_remap, 6 }, { do_poll, 8 },
	{ do_read, 1 }, { do_open, 2 }, { do_fork, 1 },
};

static void act(struct worker *worker)
{
	int chosen = below(worker, 186), i;

	for (i = 0; chosen >= actions[i].weight; i++)
		chosen -= actions[i].weight;
	actions[i].run(worker);
}

/* The child uses its parent's files for a while, and may be the last who has them */
static void do_fork(struct worker *worker)
{
	pid_t child = fork();
	int i;

	if (!child) {
		for (i = 0; i < 20; i++)
			act(worker);
		_exit(0);
	}
	count(FORK, child > 0);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static void *work(void *data)
{
	struct worker *worker = data;

	while (now() < end_time)
		act(worker);
	return NULL;
}

static void nothing(int number)
{
	(void)number;
}

/* A user whom RLIMIT_MEMLOCK binds, but of the group that may open the file */
static void become_nobody(void)
{
	struct rlimit limit = { .rlim_cur = 8 << 20, .rlim_max = 8 << 20 };

	if (setrlimit(RLIMIT_MEMLOCK, &limit) || setuid(NOBODY))
		_exit(3);
}

static void process(__u64 seed)
{
	static struct worker workers[2];
	struct sigaction action = { .sa_handler = nothing };
	struct itimerval timer = { { 0, 30000 }, { 0, 30000 } };
	pthread_t thread;
	int i;

	become_nobody();
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	shared.arena = mmap(NULL, ARENA_PAGES * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	shared.event = eventfd(0, EFD_NONBLOCK);
	for (i = 0; i < FILES; i++) {
		shared.files[i] = -1;
		open_file(i);
	}
	workers[0].state = seed * 2 + 1;
	workers[1].state = ~seed * 2 + 1;
	pthread_create(&thread, NULL, work, &workers[1]);
	work(&workers[0]);
	pthread_join(thread, NULL);
	_exit(0);
}

static pid_t start(__u64 *seed)
{
	pid_t child = fork();

	if (!child)
		process(*seed);
	*seed += 1;
	return child;
}

static __u64 setting(const char *name, __u64 otherwise)
{
	const char *value = getenv(name);

	return value ? strtoull(value, NULL, 0) : otherwise;
}

static unsigned long all_calls(void)
{
	unsigned long sum = 0;
	int i;

	for (i = 0; i < KINDS; i++)
		sum += counts->good[i] + counts->bad[i];
	return sum;
}

static void report(int killed)
{
	int i;

	printf("# %lu calls, %d processes killed\n", all_calls(), killed);
	for (i = 0; i < KINDS; i++) {
		printf("# %s: %lu succeeded, %lu failed\n", kinds[i].name, counts->good[i],
		       counts->bad[i]);
		errno = counts->unexpected[i];
		check(!errno, "%s: every error is documented", kinds[i].name);
	}
}

/* Within a minute */
static bool ends(pid_t child)
{
	int tenths = 600;

	while (waitpid(child, NULL, WNOHANG) != child) {
		if (!tenths--)
			return false;
		usleep(100000);
	}
	return true;
}

void test_random(void)
{
	__u64 seed = setting("SEED", 1), seconds = setting("SECONDS", 30), minute = now();
	struct worker chooser = { .state = seed * 2 + 1 };
	pid_t children[PROCESSES];
	int i, killed = 0;

	printf("# SEED=%llu SECONDS=%llu\n", seed, seconds);
	fflush(stdout);
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	end_time = now() + seconds * SECOND;
	seed <<= 32;	/* the processes' seeds; another run has others */
	for (i = 0; i < PROCESSES; i++)
		children[i] = start(&seed);
	while (now() + SECOND < end_time) {
		usleep(200000 + below(&chooser, 800000));
		i = below(&chooser, PROCESSES);
		kill(children[i], SIGKILL);
		killed++;
		if (!ends(children[i])) {
			check(false, "process %d does not end when it is killed", children[i]);
			return;
		}
		children[i] = start(&seed);
		if (now() - minute > 60 * SECOND) {
			minute = now();
			printf("# %lu calls so far\n", all_calls());
		}
	}
	for (i = 0; i < PROCESSES; i++)
		check(ends(children[i]), "process %d ends", children[i]);
	report(killed);
}
