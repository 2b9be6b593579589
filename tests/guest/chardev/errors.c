// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every error that vgpu_stub_ioctl.h documents
 */
#include <sys/resource.h>

#include "calls.h"

static long page;
static int fd;

static int call(unsigned int number, void *args)
{
	return ioctl(fd, _IO(VGPU_STUB_IOC_MAGIC, number), args);
}

/* Sizes and pointers, of each call by its number */
static void frames(void)
{
	static const __u32 sizes[] = {
		sizeof(struct vgpu_stub_info), sizeof(struct vgpu_stub_buffer),
		sizeof(struct vgpu_stub_destroy), sizeof(struct vgpu_stub_submit),
		sizeof(struct vgpu_stub_wait), sizeof(struct vgpu_stub_eventfd),
	};
	char args[8192];
	unsigned int n;
	char what[40];

	for (n = 0; n < 6; n++) {
		snprintf(what, sizeof(what), "call %u", n);
		memset(args, 0, sizeof(args));
		*(__u32 *)args = sizes[n] - 4;
		check_errno(call(n, args), EINVAL, strcat(what, ", too short"));
		snprintf(what, sizeof(what), "call %u, longer and not zero", n);
		*(__u32 *)args = sizes[n] + 8;
		args[sizes[n] + 3] = 1;
		check_errno(call(n, args), E2BIG, what);
		snprintf(what, sizeof(what), "call %u, longer than a page", n);
		*(__u32 *)args = sizeof(args);
		check_errno(call(n, args), E2BIG, what);
		snprintf(what, sizeof(what), "call %u, no structure", n);
		check_errno(call(n, NULL), EFAULT, what);
		snprintf(what, sizeof(what), "call %u, an unknown flag", n);
		memset(args, 0, sizeof(args));
		*(__u32 *)args = sizes[n];
		args[7] = 0x40;
		check_errno(call(n, args), EINVAL, what);
	}
	check_errno(call(6, args), ENOTTY, "call 6");
	check_errno(ioctl(fd, TCGETS, args), ENOTTY, "a call of a terminal");
}

static void longer_info(void)
{
	struct {
		struct vgpu_stub_info info;
		__u64 later;
	} args = { .info.size = sizeof(args) };

	check_errno(ioctl(fd, VGPU_STUB_IOC_INFO, &args), 0,
		    "a longer structure that is zero there");
	check(args.info.depth > 0, "it is filled in");
}

static void create_fails(struct vgpu_stub_buffer args, int expected, const char *what)
{
	check_errno(create(fd, &args), expected, what);
}

static void creating(void)
{
	void *read_only = mmap(NULL, page, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	void *memory = mmap(NULL, page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const __u32 user = VGPU_STUB_BUFFER_USER | READ_WRITE;
	struct vgpu_stub_buffer good = { .flags = READ_WRITE, .length = page };
	struct vgpu_stub_buffer bad = good;

	bad.reserved = 1;
	create_fails(bad, EINVAL, "create: reserved");
	bad = good;
	bad.flags = 0;
	create_fails(bad, EINVAL, "create: no direction");
	bad.flags = READ_WRITE | 0x10;
	create_fails(bad, EINVAL, "create: an unknown flag");
	bad = good;
	bad.addr = page;
	create_fails(bad, EINVAL, "create: an address, and not _USER");
	bad = good;
	bad.length = 0;
	create_fails(bad, EINVAL, "create: length 0");
	bad.length = page + 1;
	create_fails(bad, EINVAL, "create: a part of a page");
	bad.length = 1ULL << 40;
	create_fails(bad, EINVAL, "create: above max_length");
	bad = (struct vgpu_stub_buffer) { .flags = user, .length = page };
	bad.addr = (uintptr_t)memory + 1;
	create_fails(bad, EINVAL, "create: addr is misaligned");
	bad.addr = -(__u64)page;
	bad.length = 2 * page;
	create_fails(bad, EINVAL, "create: addr wraps");
	bad.length = page;
	bad.addr = page;
	create_fails(bad, EFAULT, "create: nothing is mapped there");
	bad.addr = (uintptr_t)read_only;
	create_fails(bad, EFAULT, "create: not writable, and the device may write");
}

static void submit_fails(struct vgpu_stub_command command, int expected, const char *what)
{
	check_errno(submit_one(fd, command), expected, what);
}

static void submitting(void)
{
	struct vgpu_stub_buffer args = { .flags = VGPU_STUB_BUFFER_DEVICE_READ, .length = page };
	struct buffer both = make_buffer(fd, page);
	struct vgpu_stub_command nop = { .opcode = VGPU_STUB_OP_NOP }, command = nop;
	int other = open_device();
	struct buffer foreign = make_buffer(other, page);
	__u32 submitted;

	must(!create(fd, &args), "create a buffer to read");
	check_errno(submit(fd, &nop, 0, NULL), EINVAL, "submit: nothing");
	check_errno(submit(fd, NULL, 1, NULL), EFAULT, "submit: no commands");
	command.flags = 4;
	submit_fails(command, EINVAL, "submit: an unknown flag");
	command = nop;
	command.reserved = 1;
	submit_fails(command, EINVAL, "submit: reserved");
	command = nop;
	command.opcode = VGPU_STUB_OP_UNREGISTER;
	submit_fails(command, EINVAL, "submit: UNREGISTER");
	command = nop;
	command.out.length = 1;
	submit_fails(command, EINVAL, "submit: a length and no handle");
	command.out = part(both, 0, page);
	command.out.reserved = 1;
	submit_fails(command, EINVAL, "submit: reserved in an operand");
	command.out = (struct vgpu_stub_operand) { .handle = 999, .length = 1 };
	submit_fails(command, ENOENT, "submit: no such buffer");
	/* the same number in both contexts would prove nothing */
	check(foreign.handle == both.handle, "each context counts its own handles");
	must(!destroy(fd, both.handle), "destroy");
	command.out = part(foreign, 0, page);
	submit_fails(command, ENOENT, "submit: a buffer of another file");
	both = make_buffer(fd, page);
	command.out = part(both, 1, page);
	submit_fails(command, ERANGE, "submit: beyond the end");
	command.out = part(both, -1ULL, 2);
	submit_fails(command, ERANGE, "submit: an offset that wraps");
	command = (struct vgpu_stub_command) {
		.opcode = VGPU_STUB_OP_FILL,
		.in = { .handle = args.handle, .length = page },
	};
	submit_fails(command, EACCES, "submit: the device may not write to it");
	struct vgpu_stub_command two[2] = { nop, command };

	check_errno(submit(fd, two, 2, &submitted), 0, "submit: the second is wrong");
	check(submitted == 1, "submit: the first is accepted");
	struct vgpu_stub_completion done;

	check(wait_for(fd, &done, 1, 1, SECOND) == 1, "and completed");
	close(other);
}

/* What the device says of a command that the driver lets through */
static void statuses(void)
{
	struct buffer buffer = make_buffer(fd, page);
	struct vgpu_stub_command command = { .opcode = 0x7f };

	check(run(fd, command, NULL) == VGPU_STUB_ERR_OPCODE, "an unknown opcode: its status");
	command = (struct vgpu_stub_command) { .opcode = VGPU_STUB_OP_NOP, .arg = 1 };
	check(run(fd, command, NULL) == VGPU_STUB_ERR_ARG, "a wrong argument: its status");
	command = (struct vgpu_stub_command) {
		.opcode = VGPU_STUB_OP_COPY, .out = part(buffer, 0, 100), .in = part(buffer, 50, 100),
	};
	check(run(fd, command, NULL) == VGPU_STUB_ERR_OVERLAP, "an overlap: its status");
	command.in.length = 0;
	check(run(fd, command, NULL) == VGPU_STUB_ERR_LENGTH, "length 0: its status");
}

static void depth(void)
{
	struct vgpu_stub_command nops[300] = { 0 };
	struct vgpu_stub_completion done[256];
	__u32 submitted = 0, all = 0;
	int ret;

	do {
		ret = submit(fd, nops, 300, &submitted);
		all += ret ? 0 : submitted;
	} while (!ret);
	check_errno(ret, EAGAIN, "submit: depth is reached");
	check(all == 256, "submit: %u were accepted", all);
	check(wait_for(fd, done, 256, 256, 10 * SECOND) == 256, "all of them complete");
}

static void waiting(void)
{
	struct vgpu_stub_wait args = { .size = sizeof(args), .reserved = 1, .max = 1 };
	struct vgpu_stub_completion done[2];
	struct vgpu_stub_command nop = { 0 };

	check_errno(ioctl(fd, VGPU_STUB_IOC_WAIT, &args), EINVAL, "wait: reserved");
	check_errno(wait_for(fd, done, 0, 0, 0), EINVAL, "wait: max 0");
	check_errno(wait_for(fd, done, 2, 1, 0), EINVAL, "wait: min above max");
	check_errno(wait_for(fd, done, 0, 257, 0), EINVAL, "wait: max above depth");
	check_errno(wait_for(fd, done, 0, 1, -2), EINVAL, "wait: a negative timeout");
	check(wait_for(fd, done, 0, 1, 0) == 0, "wait: min 0, nothing is there");
	check_errno(wait_for(fd, done, 1, 1, -1), ENODATA, "wait: nothing can come");
	must(!submit_one(fd, nop), "submit");
	check_errno(wait_for(fd, done, 2, 2, -1), ENODATA, "wait: not as many can come");
	check(wait_for(fd, done, 1, 2, -1) == 1, "wait: fewer than max");
	must(!submit_one(fd, nop), "submit");
	check_errno(wait_for(fd, NULL, 1, 1, -1), EFAULT, "wait: no place for completions");
	check(wait_for(fd, done, 1, 1, -1) == 1, "wait: nothing was lost");
}

static void other_calls(void)
{
	struct vgpu_stub_destroy args = { .size = sizeof(args), .reserved = 1 };
	int file = open("/dev/null", O_RDWR);

	check_errno(ioctl(fd, VGPU_STUB_IOC_DESTROY, &args), EINVAL, "destroy: reserved");
	check_errno(destroy(fd, 999), ENOENT, "destroy: no such buffer");
	check_errno(set_eventfd(fd, 999), EBADF, "eventfd: not open");
	check_errno(set_eventfd(fd, file), EINVAL, "eventfd: another file");
	check_errno(set_eventfd(fd, -2), EINVAL, "eventfd: below -1");
	check_errno(set_eventfd(fd, -1), 0, "eventfd: none");
	close(file);
}

static void mapping(void)
{
	struct vgpu_stub_buffer args = { .flags = READ_WRITE, .length = page };

	must(!create(fd, &args), "create a buffer");
	errno = 0;
	check(mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, args.mmap_offset) == MAP_FAILED &&
	      errno == EINVAL, "mmap: private");
	check(mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, fd, args.mmap_offset) == MAP_FAILED,
	      "mmap: longer than the buffer");
	check(mmap(NULL, page, PROT_READ, MAP_SHARED, fd, args.mmap_offset + page) == MAP_FAILED,
	      "mmap: not at the offset");
	check(mmap(NULL, page, PROT_READ, MAP_SHARED, fd, args.mmap_offset << 5) == MAP_FAILED,
	      "mmap: no such buffer");
}

void test_errors(void)
{
	page = sysconf(_SC_PAGESIZE);
	fd = open_device();
	frames();
	longer_info();
	creating();
	submitting();
	statuses();
	depth();
	waiting();
	other_calls();
	mapping();
	close(fd);
}
