// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a program may claim: RLIMIT_MEMLOCK, the device's buffers, and what it may open
 */
#include <grp.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

#include "calls.h"

static unsigned long locked_kib(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	unsigned long kib = 0;
	char line[256];

	while (fgets(line, sizeof(line), file))
		sscanf(line, "VmLck: %lu", &kib);
	fclose(file);
	return kib;
}

static void *user_pages(size_t length)
{
	return mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* An ordinary user: root's CAP_IPC_LOCK ignores the limit */
static void memlock(__u32 flags, const char *what)
{
	struct rlimit limit = { .rlim_cur = 64 << 10, .rlim_max = 64 << 10 };
	struct vgpu_stub_buffer args = { .flags = flags | READ_WRITE, .length = 64 << 10 };
	struct vgpu_stub_buffer more = { .flags = flags | READ_WRITE, .length = 4096 };
	int fd = open_device();

	if (flags) {
		args.addr = (uintptr_t)user_pages(args.length);
		more.addr = (uintptr_t)user_pages(more.length);
	}
	setrlimit(RLIMIT_MEMLOCK, &limit);
	must(!setgroups(0, NULL) && !setgid(65534) && !setuid(65534), "become nobody");
	check_errno(create(fd, &args), 0, what);
	check(locked_kib() == 64, "%lu KiB are accounted", locked_kib());
	check_errno(create(fd, &more), ENOMEM, "beyond RLIMIT_MEMLOCK");
	check(locked_kib() == 64, "the failure left %lu KiB", locked_kib());
	must(!destroy(fd, args.handle), "destroy");
	check(locked_kib() == 0, "destroyed: %lu KiB", locked_kib());
	check_errno(create(fd, &more), 0, "there is room again");
	close(fd);
	check(locked_kib() == 0, "closed: %lu KiB", locked_kib());
	check_errno(open(device, O_RDWR), EACCES, "nobody may not open the file");
}

static void in_child(__u32 flags, const char *what)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child) {
		memlock(flags, what);
		exit(0);
	}
	waitpid(child, NULL, 0);
}

static void all_buffers(void)
{
	struct vgpu_stub_buffer args = { .flags = READ_WRITE, .length = 4096 };
	int fd = open_device(), other = open_device();
	int i;

	for (i = 0; !create(fd, &args); i++)
		;
	check_errno(-1, ENOSPC, "create: too many buffers");
	check(i == VGPU_STUB_BUFFERS_MAX, "%d buffers fit", i);
	check_errno(create(other, &args), ENOSPC, "they are the device's: none for another file");
	close(fd);
	check_errno(create(other, &args), 0, "closing gives them back");
	close(other);
}

/* More than DMA debugging can count for a page; that kernel warns of it */
static void same_page(void)
{
	struct vgpu_stub_buffer args = {
		.flags = VGPU_STUB_BUFFER_USER | READ_WRITE, .length = 4096,
	};
	struct vgpu_stub_command fill = { .opcode = VGPU_STUB_OP_FILL, .arg = 7 };
	unsigned char *page = user_pages(args.length);
	int fd = open_device(), i;
	__u32 handles[9];

	args.addr = (uintptr_t)page;
	for (i = 0; i < 9; i++) {
		check_errno(create(fd, &args), 0, "one more buffer of the same page");
		handles[i] = args.handle;
	}
	fill.in = (struct vgpu_stub_operand) { .handle = handles[8], .length = args.length };
	check(run(fd, fill, NULL) == VGPU_STUB_OK, "fill the last one");
	check(page[0] == 7 && page[4088] == 7, "the page has the data");
	for (i = 8; i > 0; i--)
		check_errno(destroy(fd, handles[i]), 0, "destroy it");
	fill.arg = 8;
	fill.in.handle = handles[0];
	check(run(fd, fill, NULL) == VGPU_STUB_OK, "fill the first one");
	check(page[0] == 8 && page[4088] == 8, "the page has its data");
	close(fd);
}

static __u64 free_ram(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return (__u64)info.freeram * info.mem_unit;
}

/* The error, and the rest of the machine goes on */
static void more_than_ram(void)
{
	struct vgpu_stub_info info = { .size = sizeof(info) };
	struct vgpu_stub_buffer args = { .flags = READ_WRITE };
	struct vgpu_stub_command nop = { 0 };
	__u64 before = free_ram();
	int fd = open_device();

	must(!ioctl(fd, VGPU_STUB_IOC_INFO, &info), "info");
	args.length = before & ~4095ULL;
	if (args.length > info.max_length)
		args.length = info.max_length;
	while (!create(fd, &args))
		;
	check_errno(-1, ENOMEM, "create: more than the memory");
	args.length = 1 << 20;
	while (!create(fd, &args))
		;
	check_errno(-1, ENOMEM, "create: a MiB, until there is no more");
	check(run(fd, nop, NULL) == VGPU_STUB_OK, "NOP works");
	close(fd);
	check(free_ram() > before / 2, "closed: %llu of %llu bytes are free", free_ram(), before);
}

void test_limits(void)
{
	more_than_ram();
	same_page();
	in_child(0, "a buffer of the driver's pages");
	in_child(VGPU_STUB_BUFFER_USER, "a buffer of the program's pages");
	all_buffers();
}

/* With swiotlb=force the device would see copies of the pages */
void test_bounce(void)
{
	struct vgpu_stub_buffer args = { .flags = READ_WRITE, .length = 4096 };
	struct vgpu_stub_command nop = { 0 };
	int fd = open_device();

	check_errno(create(fd, &args), EOPNOTSUPP, "create: bounce buffers");
	check(run(fd, nop, NULL) == VGPU_STUB_OK, "NOP works");
	close(fd);
}
