// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What libvgpu-stub promises, with the driver and a device: TAP on standard output
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <libvgpu-stub.h>
#include <vgpu_stub_queue.h>

#define SIZE	(2UL << 20)

static unsigned int test_count;
static struct vgpu_stub *vgpu;
static struct vgpu_stub_memory memory, other;

static void ok(bool good, const char *what)
{
	printf("%sok %u - %s\n", good ? "" : "not ", ++test_count, what);
}

static void is(long found, long expected, const char *what)
{
	ok(found == expected, what);
	if (found != expected)
		printf("# found %ld, expected %ld\n", found, expected);
}

/* Run one command; its status, or a negative errno */
static int run(struct vgpu_stub_command *command, uint64_t *result)
{
	struct vgpu_stub_completion completion;
	int ret = vgpu_stub_submit(vgpu, command, 1);

	if (ret == 1)
		ret = vgpu_stub_wait(vgpu, &completion, 1, 1, -1);
	if (ret != 1)
		return ret;
	if (completion.user_data != command->user_data)
		return -EILSEQ;
	if (result)
		*result = completion.result;
	return completion.status;
}

static bool has_pattern(const uint8_t *data, size_t length, uint64_t pattern)
{
	for (size_t i = 0; i < length; i++)
		if (data[i] != (uint8_t)(pattern >> 8 * (i % 8)))
			return false;
	return true;
}

static void test_commands(void)
{
	struct vgpu_stub_command command;
	uint8_t *to = memory.addr, *from = other.addr;
	uint64_t result = 0;

	vgpu_stub_nop(&command, 7);
	is(run(&command, &result), 0, "nop");
	vgpu_stub_fill(&command, 8, &memory, 3, 4095, 0x0123456789abcdef);
	is(run(&command, &result), 0, "fill at an odd offset");
	is(result, 4095, "... returns the length");
	ok(has_pattern(to + 3, 4095, 0x0123456789abcdef), "... writes the pattern");
	ok(!to[2] && !to[3 + 4095], "... and nothing else");
	memset(from, 0x5a, SIZE);
	vgpu_stub_copy(&command, 9, &memory, SIZE / 2, &other, 1, SIZE / 2);
	is(run(&command, &result), 0, "copy");
	ok(!memcmp(to + SIZE / 2, from, SIZE / 2), "... of a megabyte");
	memcpy(to, "123456789", 9);
	vgpu_stub_crc32c(&command, 10, &memory, 0, 4, 0);
	is(run(&command, &result), 0, "crc32c of a part");
	vgpu_stub_crc32c(&command, 11, &memory, 4, 5, result);
	is(run(&command, &result), 0, "... of the rest");
	is(result, 0xe3069283, "... is the checksum of both");
}

static void test_statuses(void)
{
	struct vgpu_stub_command command;
	uint64_t result = 1;

	vgpu_stub_fill(&command, 1, &memory, 0, 0, 0);
	is(run(&command, &result), VGPU_STUB_ERR_LENGTH, "length 0");
	is(result, 0, "... has no result");
	vgpu_stub_copy(&command, 1, &memory, 10, &memory, 0, 20);
	is(run(&command, NULL), VGPU_STUB_ERR_OVERLAP, "overlapping copy");
	vgpu_stub_nop(&command, 1);
	command.opcode = 0x7f;
	is(run(&command, NULL), VGPU_STUB_ERR_OPCODE, "unknown opcode");
	vgpu_stub_crc32c(&command, 1, &memory, 0, 1, 0);
	command.arg = 1ULL << 32;
	is(run(&command, NULL), VGPU_STUB_ERR_ARG, "invalid argument");
	for (uint32_t status = 0; status <= VGPU_STUB_ERR_BACKEND; status++)
		if (!strcmp(vgpu_stub_strstatus(status), "unknown status"))
			ok(false, "each status has a text");
	ok(!strcmp(vgpu_stub_strstatus(VGPU_STUB_STATUS_RESET), "device was reset, suspended or removed"),
	   "so has that of a reset");
	ok(!strcmp(vgpu_stub_strstatus(0xffffffff), "unknown status"),
	   "and what is no status");
}

static void test_refused(void)
{
	struct vgpu_stub_command command;
	struct vgpu_stub_completion completion;
	struct vgpu_stub *second = NULL;
	struct vgpu_stub_memory readable, none = { 0 };

	vgpu_stub_fill(&command, 1, &memory, 1, memory.length, 0);
	is(run(&command, NULL), -ERANGE, "beyond the end of the memory");
	vgpu_stub_fill(&command, 1, &memory, -1, 2, 0);
	is(run(&command, NULL), -ERANGE, "an offset that wraps around");
	vgpu_stub_nop(&command, 1);
	is(vgpu_stub_submit(vgpu, &command, 0), -EINVAL, "no command");
	command.flags = 0x8000;
	is(run(&command, NULL), -EINVAL, "unknown flag");
	is(vgpu_stub_wait(vgpu, &completion, 1, 1, -1), -ENODATA, "nothing to wait for");
	is(vgpu_stub_wait(vgpu, &completion, 0, 1, -1), 0, "no wait");
	is(vgpu_stub_wait(vgpu, &completion, 2, 1, -1), -EINVAL, "min above max");

	is(vgpu_stub_alloc(vgpu, 100, VGPU_STUB_READ, &readable), 0, "allocate a page");
	is(readable.length, sysconf(_SC_PAGESIZE), "... a whole one");
	vgpu_stub_fill(&command, 1, &readable, 0, 100, 0);
	is(run(&command, NULL), -EACCES, "memory that the device may only read");
	is(vgpu_stub_free(vgpu, &readable), 0, "free it");
	is(vgpu_stub_free(vgpu, &none), -ENOENT, "free nothing");
	is(vgpu_stub_alloc(vgpu, 0, VGPU_STUB_READ, &none), -EINVAL, "allocate nothing");
	is(vgpu_stub_alloc(vgpu, -1, VGPU_STUB_READ, &none), -EINVAL, "allocate too much");
	is(vgpu_stub_alloc(vgpu, 4096, 0, &none), -EINVAL, "allocate for no access");
	is(vgpu_stub_alloc(vgpu, 4096, VGPU_STUB_BUFFER_USER | VGPU_STUB_READ, &none),
	   -EINVAL, "allocate with a flag of register");
	ok(!none.addr && !none.handle, "... none of them leaves a trace");

	is(vgpu_stub_open(NULL, &second), 0, "open the device again");
	vgpu_stub_fill(&command, 1, &other, 0, 1, 0);
	is(vgpu_stub_submit(second, &command, 1), -ENOENT, "memory of another context");
	vgpu_stub_close(second);
	vgpu_stub_close(NULL);
	is(vgpu_stub_open("/dev/null", &second), -ENOTTY, "open another device");
	is(vgpu_stub_open("/no/such", &second), -ENOENT, "open nothing");
}

static void test_register(void)
{
	char *own = aligned_alloc(4096, 3 * 4096);
	struct vgpu_stub_memory mine;
	struct vgpu_stub_command command;

	memset(own, 0, 3 * 4096);
	is(vgpu_stub_register(vgpu, own + 1, 4096, VGPU_STUB_WRITE, &mine), -EINVAL,
	   "register an odd address");
	is(vgpu_stub_register(vgpu, own, 3 * 4096, VGPU_STUB_WRITE, &mine), 0,
	   "register own memory");
	ok(mine.addr == own && mine.length == 3 * 4096, "... as it is");
	vgpu_stub_fill(&command, 1, &mine, 4096, 4096, 0x11);
	is(run(&command, NULL), 0, "fill it");
	ok(own[4096] == 0x11 && !own[4095] && !own[8192], "... one page of three");
	is(vgpu_stub_free(vgpu, &mine), 0, "free it");
	ok(!mine.addr && own[4096] == 0x11, "... it is still mapped");
	free(own);
}

/* A batch, as large as the context allows */
static void test_depth(void)
{
	struct vgpu_stub_info info = { .size = sizeof(info) };
	struct vgpu_stub_command *commands;
	struct vgpu_stub_completion *completions;
	uint64_t sum = 0;
	int count, read;

	is(vgpu_stub_get_info(vgpu, &info), 0, "get_info");
	ok(info.version >= VGPU_STUB_VERSION_QUEUES && info.depth >= 64 &&
	   info.command_sets & 1 && info.max_length >= SIZE, "... limits of use");
	commands = calloc(info.depth + 1, sizeof(*commands));
	completions = calloc(info.depth, sizeof(*completions));
	for (unsigned int i = 0; i <= info.depth; i++)
		vgpu_stub_nop(&commands[i], i);
	count = vgpu_stub_submit(vgpu, commands, info.depth + 1);
	is(count, info.depth, "no more than depth are accepted");
	is(vgpu_stub_submit(vgpu, commands, 1), -EAGAIN, "then none");
	is(vgpu_stub_wait(vgpu, completions, count, count, -1), count, "wait for all");
	for (int i = 0; i < count; i++)
		sum += completions[i].user_data;
	is(sum, (uint64_t)count * (count - 1) / 2, "... each came once");

	commands[0].flags = VGPU_STUB_COMMAND_QUIET;
	commands[1].flags = VGPU_STUB_COMMAND_BARRIER;
	is(vgpu_stub_submit(vgpu, commands, 2), 2, "a quiet command, and a barrier");
	read = vgpu_stub_wait(vgpu, completions, 1, 2, -1);
	ok(read == 1 && completions[0].user_data == 1, "... has one completion");
	free(commands);
	free(completions);
}

static void test_events(void)
{
	struct pollfd event = { .fd = vgpu_stub_fd(vgpu), .events = POLLIN | POLLOUT };
	struct vgpu_stub_command command;
	struct vgpu_stub_completion completion;
	int signal = eventfd(0, 0);
	uint64_t value = 0;

	poll(&event, 1, 0);
	is(event.revents, POLLOUT, "poll: ready for a command");
	is(vgpu_stub_set_eventfd(vgpu, 0), -EINVAL, "a file that is no eventfd");
	is(vgpu_stub_set_eventfd(vgpu, signal), 0, "an eventfd");
	vgpu_stub_nop(&command, 1);
	vgpu_stub_submit(vgpu, &command, 1);
	ok(read(signal, &value, sizeof(value)) == sizeof(value) && value >= 1,
	   "... is signalled");
	poll(&event, 1, -1);
	is(event.revents, POLLIN | POLLOUT, "poll: a completion is there");
	is(vgpu_stub_wait(vgpu, &completion, 1, 1, 0), 1, "... and is read");
	is(vgpu_stub_set_eventfd(vgpu, -1), 0, "no eventfd");
	close(signal);
}

#define THREADS		4
#define EACH		500

static unsigned int seen[THREADS * EACH];

/* Any thread may get the completion of any command */
static void *submit_and_wait(void *first)
{
	struct vgpu_stub_command command;
	struct vgpu_stub_completion completion;
	long errors = 0;

	for (int i = 0; i < EACH; i++) {
		vgpu_stub_fill(&command, (uintptr_t)first + i, &memory, 0, 64, i);
		if (vgpu_stub_submit(vgpu, &command, 1) != 1 ||
		    vgpu_stub_wait(vgpu, &completion, 1, 1, -1) != 1 ||
		    completion.status || completion.user_data >= THREADS * EACH)
			errors++;
		else
			__atomic_add_fetch(&seen[completion.user_data], 1,
					   __ATOMIC_RELAXED);
	}
	return (void *)errors;
}

static void test_threads(void)
{
	pthread_t threads[THREADS];
	unsigned int once = 0;
	void *errors;
	long all = 0;

	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, submit_and_wait, (void *)(i * EACH));
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &errors);
		all += (long)errors;
	}
	for (int i = 0; i < THREADS * EACH; i++)
		once += seen[i] == 1;
	is(all, 0, "four threads in one context: no error");
	is(once, THREADS * EACH, "... and each completion came once");
}

#define SLOW		40	/* commands, which take a while together */
#define LIMIT_S		20

static void submit_slow_nop(void)
{
	struct vgpu_stub_command commands[SLOW + 1];

	for (int i = 0; i < SLOW; i++) {
		vgpu_stub_crc32c(&commands[i], 0, &other, 0, SIZE, 0);
		commands[i].flags = VGPU_STUB_COMMAND_QUIET;
	}
	vgpu_stub_nop(&commands[SLOW], 0);
	commands[SLOW].flags = VGPU_STUB_COMMAND_BARRIER;
	is(vgpu_stub_submit(vgpu, commands, SLOW + 1), SLOW + 1,
	   "a nop after commands that take a while");
}

static void *wait_for_one(void *completion)
{
	return (void *)(long)vgpu_stub_wait(vgpu, completion, 1, 1,
					    LIMIT_S * 1000000000LL);
}

/*
 * The first completion wakes both threads, and one of them reads it. The other one sleeps
 * again, and must be woken by the second: at the end of the time it would read it too.
 */
static void test_second_waiter(void)
{
	struct vgpu_stub_completion completions[2];
	pthread_t threads[2];
	time_t start = time(NULL);
	void *read;
	long sum = 0;

	submit_slow_nop();
	submit_slow_nop();
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, wait_for_one, &completions[i]);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], &read);
		sum += (long)read;
	}
	is(sum, 2, "two threads wait, each reads a completion");
	ok(time(NULL) - start < LIMIT_S, "... and both are woken");
}

int main(void)
{
	if (vgpu_stub_open(NULL, &vgpu) ||
	    vgpu_stub_alloc(vgpu, SIZE, VGPU_STUB_READ_WRITE, &memory) ||
	    vgpu_stub_alloc(vgpu, SIZE, VGPU_STUB_READ, &other)) {
		puts("Bail out! no device");
		return 1;
	}
	test_commands();
	test_statuses();
	test_refused();
	test_register();
	test_depth();
	test_events();
	test_second_waiter();
	test_threads();
	is(vgpu_stub_free(vgpu, &memory), 0, "free");
	ok(!memory.addr && !memory.handle, "... leaves nothing");
	vgpu_stub_free(vgpu, &other);
	vgpu_stub_close(vgpu);
	printf("1..%u\n", test_count);
	return 0;
}
