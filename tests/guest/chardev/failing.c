// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each allocation that a call needs fails once: the call returns an error that
 * vgpu_stub_ioctl.h documents, or works without it, and works the next time. Needs a
 * kernel with fault injection (/proc/self/fail-nth).
 */
#include <sys/eventfd.h>

#include "calls.h"

#define LENGTH	(1 << 20)
#define LONG	(16 << 20)	/* more than the kernel's other memory varies */
#define ENOUGH	500	/* allocations of one call */

static int file;		/* open all the time */
static int fail_nth;
static struct buffer buffer;
static void *pages;
static bool armed, failed;

struct held {
	long locked;	/* KiB, of RLIMIT_MEMLOCK */
	long pinned;	/* pages */
	long free;	/* KiB */
};

static void fail(int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", nth);

	must(pwrite(fail_nth, text, length, 0) == length, "write fail-nth");
	armed = nth;
}

/* No more failures. Whether the allocation that was to fail was made is in failed */
static void stop_failing(void)
{
	char text[16] = "";

	if (!armed)
		return;
	must(pread(fail_nth, text, sizeof(text) - 1, 0) > 0, "read fail-nth");
	failed = failed || !atoi(text);
	fail(0);
}

static int do_open(void)
{
	int fd = open(device, O_RDWR);

	if (fd < 0)
		return -1;
	stop_failing();
	return close(fd);
}

static int do_info(void)
{
	struct vgpu_stub_info info = { .size = sizeof(info) };

	return ioctl(file, VGPU_STUB_IOC_INFO, &info);
}

static int create_and_destroy(__u32 flags, __u64 addr, __u64 length)
{
	struct vgpu_stub_buffer args = { .flags = flags, .addr = addr, .length = length };

	if (create(file, &args))
		return -1;
	return destroy(file, args.handle);
}

static int do_create(void)
{
	return create_and_destroy(READ_WRITE, 0, LONG);
}

static int do_create_user(void)
{
	return create_and_destroy(READ_WRITE | VGPU_STUB_BUFFER_USER, (uintptr_t)pages,
				  LENGTH);
}

static int do_mmap(void)
{
	void *memory = mmap(NULL, buffer.length, PROT_READ | PROT_WRITE, MAP_SHARED, file,
			    (__u64)buffer.handle << 30);

	if (memory == MAP_FAILED)
		return -1;
	memset(memory, 1, buffer.length);
	return munmap(memory, buffer.length);
}

static int do_run(void)
{
	struct vgpu_stub_command command = {
		.opcode = VGPU_STUB_OP_FILL, .in = part(buffer, 0, buffer.length),
	};
	int status = run(file, command, NULL);

	return status > 0 ? 0 : status;
}

static int do_eventfd(void)
{
	int event = eventfd(0, 0), ret, error;

	if (event < 0)
		return -1;
	ret = set_eventfd(file, event);
	error = errno;
	stop_failing();
	must(!set_eventfd(file, -1) && !close(event), "take the eventfd back");
	errno = error;
	return ret;
}

static const struct {
	const char *name;
	int (*run)(void);
	int error;	/* besides ENOMEM */
	bool allocates;
} calls[] = {
	{ "open", do_open, ENFILE, true }, { "INFO", do_info, 0, false },
	{ "CREATE", do_create, 0, true }, { "CREATE of user pages", do_create_user, 0, true },
	{ "mmap", do_mmap, 0, true }, { "SUBMIT and WAIT", do_run, 0, false },
	{ "EVENTFD", do_eventfd, 0, true },
};

/* The number after name in a file of /proc */
static long in_proc(const char *path, const char *name)
{
	FILE *proc = fopen(path, "r");
	char line[256], found[64];
	long value = -1, number;

	must(proc, path);
	while (fgets(line, sizeof(line), proc))
		if (sscanf(line, "%63s %ld", found, &number) == 2 && !strcmp(found, name))
			value = number;
	fclose(proc);
	must(value >= 0, name);
	return value;
}

/* Reading this file adds up what each processor has counted */
static void refresh_counters(void)
{
	int fd = open("/proc/sys/vm/stat_refresh", O_RDONLY);
	char none;

	must(fd >= 0 && !read(fd, &none, 1), "/proc/sys/vm/stat_refresh");
	close(fd);
}

/* What the program and the kernel hold. The rest shows when the driver is unloaded */
static struct held look_what_is_held(void)
{
	refresh_counters();
	return (struct held) {
		.locked = in_proc("/proc/self/status", "VmLck:"),
		.pinned = in_proc("/proc/vmstat", "nr_foll_pin_acquired") -
			  in_proc("/proc/vmstat", "nr_foll_pin_released"),
		.free = in_proc("/proc/meminfo", "MemFree:"),
	};
}

static void check_held(const char *name, struct held before)
{
	struct held now = look_what_is_held();

	check(now.locked == before.locked, "%s: %ld KiB are accounted, %ld before", name,
	      now.locked, before.locked);
	check(now.pinned == before.pinned, "%s: %ld pages are pinned, %ld before", name,
	      now.pinned, before.pinned);
	check(now.free > before.free - LONG / 1024 / 2, "%s: %ld KiB are free, %ld before", name,
	      now.free, before.free);
}

static void test_call(int number)
{
	int (*run_call)(void) = calls[number].run;
	struct held before;
	int nth, ret = -1, error, refused = 0;

	must(!run_call(), calls[number].name);	/* what is kept from now on is a leak */
	before = look_what_is_held();
	for (nth = 1, failed = true; failed && nth < ENOUGH; nth++) {
		failed = false;
		fail(nth);
		ret = run_call();
		error = errno;
		stop_failing();
		errno = error;
		if (ret < 0 && error != ENOMEM && error != calls[number].error)
			check_errno(-1, ENOMEM, calls[number].name);
		refused += ret < 0;
		check_errno(run_call(), 0, calls[number].name);
	}
	check(!failed && !ret, "%s: %d allocations, %d refusals", calls[number].name, nth - 2,
	      refused);
	if (calls[number].allocates)
		check(refused, "%s: a failure is noticed", calls[number].name);
	check_held(calls[number].name, before);
}

void test_failing(void)
{
	unsigned int i;

	file = open_device();
	buffer = make_buffer(file, LENGTH);
	pages = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	fail_nth = open("/proc/self/fail-nth", O_RDWR);
	must(fail_nth >= 0, "/proc/self/fail-nth");
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		test_call(i);
	must(!destroy(file, buffer.handle), "destroy");
	close(file);
}
