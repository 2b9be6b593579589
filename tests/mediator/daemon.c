// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A device that tests a running vgpu-mediator. It prints TAP.
 *
 *   daemon SOCKET SUPERVISOR work|faults|framed|long|kill|peers
 *   daemon SOCKET SUPERVISOR vector STATE FDS AT <BYTES
 *                 send a test vector, and print the fault that the mediator reports
 *
 * SUPERVISOR is the process ID of the mediator.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "channel.h"
#include "crc32c.h"

#define BASE 0x100000000ULL /* bus address of the memory */
#define MEMORY 0x800000
#define SQ 0
#define CQ 0x10000
#define INDEX 0x20000
#define LIST 0x30000
#define DATA 0x100000
#define SIZE 64 /* entries of the queue */
#define HANDLE 5
#define LATE_MS 5000
#define COMMAND_MS 60000 /* with sanitizers on a busy machine */

static const char *path;
static pid_t supervisor;
static unsigned int tests, failed;

/* The state that outlives workers */
static unsigned char *memory;
static int memory_fd, record_fd, segments_fd, kick, call;
static struct vgpu_mediator_record *record;
static uint32_t submitted, consumed;

/* A connection */
struct peer {
	int fd, lifeline;
	uint32_t serial;
	union message in;
};

static struct peer peer;
static bool answer_executes = true;
static unsigned int executes, features = 1;

static void ok(bool good, const char *name)
{
	tests++;
	failed += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", tests, name);
	fflush(stdout);
}

__attribute__((noreturn)) static void stop(const char *why)
{
	printf("not ok %u - %s\n1..%u\n", tests + 1, why, tests + 1);
	exit(1);
}

/* Messages */

static void send_bytes(int fd, const void *bytes, size_t length, const int *fds, size_t count)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(16 * sizeof(int))];
	} control = { .align = { .cmsg_len = CMSG_LEN(count * sizeof(int)),
				 .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { (void *)bytes, length };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (count) {
		memcpy(CMSG_DATA(&control.align), fds, count * sizeof(int));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	sendmsg(fd, &msg, MSG_NOSIGNAL);
}

static uint32_t send_request(union message message, unsigned int type, size_t length,
			     const int *fds, size_t count)
{
	message.header = (struct vgpu_mediator_header){
		.length = length, .type = type, .descriptors = count, .serial = ++peer.serial };
	message_encode(&message);
	send_bytes(peer.fd, &message, length, fds, count);
	return peer.serial;
}

/* False at the end of the connection */
static bool read_bytes(void *to, size_t length)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { to, length };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct pollfd wait = { peer.fd, POLLIN, 0 };

	if (poll(&wait, 1, LATE_MS) != 1)
		stop("nothing was received for five seconds");
	if (recvmsg(peer.fd, &msg, MSG_WAITALL) != (ssize_t)length)
		return false;
	if (CMSG_FIRSTHDR(&msg))
		memcpy(&peer.lifeline, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return true;
}

static bool receive(void)
{
	struct vgpu_mediator_header *header = &peer.in.header;

	if (!read_bytes(header, sizeof(*header)))
		return false;
	if (message_decode_header(&peer.in, FROM_BACK_END))
		stop("the header of a message is bad");
	if (header->length > sizeof(*header) &&
	    !read_bytes(header + 1, header->length - sizeof(*header)))
		return false;
	if (message_decode_body(&peer.in))
		stop("a message is bad");
	return true;
}

static unsigned int wait_for(uint32_t serial);

static unsigned int request(union message message, unsigned int type, size_t length,
			    const int *fds, size_t count)
{
	return wait_for(send_request(message, type, length, fds, count));
}

static unsigned int add_buffer(void)
{
	union message message = { .buffer_add = { .handle = HANDLE, .count = 2, .bytes = 8192,
						  .access = 3 } };

	return request(message, VGPU_MEDIATOR_BUFFER_ADD, sizeof(message.buffer_add), &segments_fd,
		       1);
}

static unsigned int remove_buffer(void)
{
	union message message = { .buffer_remove = { .handle = HANDLE } };

	return request(message, VGPU_MEDIATOR_BUFFER_REMOVE, sizeof(message.buffer_remove), NULL, 0);
}

static void answer_execute(uint32_t serial, unsigned int status, unsigned int command_status,
			   uint64_t result)
{
	union message message = { .execute_answer = {
		.header = { .length = sizeof(message.execute_answer), .serial = serial,
			    .type = VGPU_MEDIATOR_EXECUTE | VGPU_MEDIATOR_ANSWER },
		.status = status, .command_status = command_status, .result = result } };

	message_encode(&message);
	send_bytes(peer.fd, &message, sizeof(message.execute_answer), NULL, 0);
}

/* As the device does */
static void execute(void)
{
	struct vgpu_mediator_execute ask = peer.in.execute;
	bool is_register = ask.entry.opcode == VGPU_STUB_OP_REGISTER;
	unsigned int failure;

	executes++;
	if (!answer_executes)
		return;
	failure = is_register ? add_buffer() : remove_buffer();
	answer_execute(ask.header.serial, VGPU_MEDIATOR_OK, failure ? VGPU_STUB_ERR_SPACE : 0,
		       is_register && !failure ? 8192 : 0);
}

/* STATUS of the answer, or 100 + the fault */
static unsigned int wait_for(uint32_t serial)
{
	while (receive()) {
		if (peer.in.header.type == VGPU_MEDIATOR_EXECUTE)
			execute();
		else if (peer.in.header.type == VGPU_MEDIATOR_ERROR)
			return 100 + peer.in.error.code;
		else if (peer.in.header.serial == serial)
			return peer.in.answer.status;
	}
	return 99;
}

/* Connections */

static int connect_to(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		stop("cannot connect");
	return fd;
}

static unsigned int hello(void)
{
	union message message = { .hello = { .version_min = 1, .version_max = 1,
					     .features = features, .queues = 2,
					     .name = "test" } };

	peer.fd = connect_to();
	return request(message, VGPU_MEDIATOR_HELLO, sizeof(message.hello), NULL, 0);
}

static unsigned int hello_again(void)
{
	union message message = { .hello = { .version_min = 1, .version_max = 1, .queues = 2,
					     .name = "test" } };

	return request(message, VGPU_MEDIATOR_HELLO, sizeof(message.hello), NULL, 0);
}

static unsigned int simple(unsigned int type)
{
	return request((union message){ 0 }, type, sizeof(struct vgpu_mediator_header), NULL, 0);
}

static unsigned int add_memory(void)
{
	union message message = { .memory_add = { .address = BASE, .size = MEMORY, .flags = 1 } };

	return request(message, VGPU_MEDIATOR_MEMORY_ADD, sizeof(message.memory_add), &memory_fd, 1);
}

static unsigned int start_queue(void)
{
	union message message = { .queue_start = { .size = SIZE, .sq = BASE + SQ, .cq = BASE + CQ,
						   .index = BASE + INDEX } };
	int fds[] = { kick, call, record_fd };

	return request(message, VGPU_MEDIATOR_QUEUE_START, sizeof(message.queue_start), fds, 3);
}

static uint32_t send_stop(void)
{
	union message message = { 0 };

	return send_request(message, VGPU_MEDIATOR_QUEUE_STOP, sizeof(message.queue_stop), NULL, 0);
}

static void connect_all(void)
{
	if (hello() || add_memory() || add_buffer() || remove_buffer() || start_queue())
		stop("a connection with a queue");
}

/* Whether the worker has ended */
static bool lifeline_ends(int milliseconds)
{
	struct pollfd wait = { peer.lifeline, 0, 0 };
	bool ended = poll(&wait, 1, milliseconds) == 1 && wait.revents & POLLHUP;

	close(peer.lifeline);
	return ended;
}

static bool disconnect(void)
{
	close(peer.fd);
	return lifeline_ends(LATE_MS);
}

/* The queue */

static struct vgpu_stub_index *rings(void)
{
	return (void *)(memory + INDEX);
}

static int make_file(const char *name, size_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, size) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK))
		stop("cannot create a memfd");
	return fd;
}

static void make_state(void)
{
	const size_t size = sizeof(*record) + SIZE * sizeof(struct vgpu_mediator_slot);
	struct vgpu_stub_segment segments[] = { { .addr = BASE + DATA + 4096, .len = 4096 },
						{ .addr = BASE + DATA, .len = 4096 } };

	memory_fd = make_file("memory", MEMORY);
	record_fd = make_file("record", size);
	segments_fd = make_file("segments", sizeof(segments));
	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd, 0);
	record = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, record_fd, 0);
	kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (pwrite(segments_fd, segments, sizeof(segments), 0) != sizeof(segments))
		stop("cannot write the segments");
	record->version = 1;
	record->size = SIZE;
}

/* The worker may be away; the next one will look by itself */
static void submit(struct vgpu_stub_sqe entry)
{
	uint64_t one = 1;

	entry.id = submitted;
	((struct vgpu_stub_sqe *)(memory + SQ))[submitted % SIZE] = entry;
	__atomic_store_n(&rings()->sq_tail, ++submitted, __ATOMIC_SEQ_CST);
	if (write(kick, &one, sizeof(one)) < 0)
		stop("cannot kick");
}

/* NULL: there is none yet */
static const struct vgpu_stub_cqe *next_completion(void)
{
	const struct vgpu_stub_cqe *cqe = (void *)(memory + CQ);

	if (__atomic_load_n(&rings()->cq_tail, __ATOMIC_ACQUIRE) == consumed)
		return NULL;
	cqe += consumed % SIZE;
	__atomic_store_n(&rings()->cq_head, ++consumed, __ATOMIC_SEQ_CST);
	__atomic_store_n(&rings()->cq_event, consumed, __ATOMIC_SEQ_CST);
	return cqe;
}

/* Answer EXECUTE until there is a completion */
static const struct vgpu_stub_cqe *complete(void)
{
	const struct vgpu_stub_cqe *cqe;

	for (int64_t end = channel_now() + COMMAND_MS; channel_now() < end;) {
		struct pollfd wait[] = { { peer.fd, POLLIN, 0 }, { call, POLLIN, 0 } };
		uint64_t count;

		cqe = next_completion();
		if (cqe)
			return cqe;
		poll(wait, 2, 100);
		if (wait[1].revents && read(call, &count, sizeof(count)) < 0)
			stop("cannot read the signal");
		if (!wait[0].revents)
			continue;
		if (!receive() || peer.in.header.type != VGPU_MEDIATOR_EXECUTE)
			stop("no other message than EXECUTE");
		execute();
	}
	stop("no completion");
}

static bool run(struct vgpu_stub_sqe entry, unsigned int status, uint64_t result)
{
	const struct vgpu_stub_cqe *cqe;

	submit(entry);
	cqe = complete();
	if (cqe->status != status || cqe->result != result || cqe->id != submitted - 1)
		printf("# id %u of %u, status %u, result %llu\n", cqe->id, submitted - 1, cqe->status,
		       (unsigned long long)cqe->result);
	return cqe->status == status && cqe->result == result && cqe->id == submitted - 1;
}

static struct vgpu_stub_desc direct(uint64_t offset, uint32_t len)
{
	return (struct vgpu_stub_desc){ .addr = BASE + offset, .len = len,
					.type = VGPU_STUB_DESC_DIRECT };
}

static struct vgpu_stub_desc buffer(uint64_t offset, uint32_t len)
{
	return (struct vgpu_stub_desc){ .addr = offset, .len = len, .number = HANDLE,
					.type = VGPU_STUB_DESC_BUFFER };
}

/* Half a gibibyte to read, as a list of the same two mebibytes */
static struct vgpu_stub_sqe long_command(void)
{
	struct vgpu_stub_segment *list = (void *)(memory + LIST);

	for (int i = 0; i < 256; i++)
		list[i] = (struct vgpu_stub_segment){ .addr = BASE + DATA, .len = 0x200000 };
	return (struct vgpu_stub_sqe){ .opcode = VGPU_STUB_OP_CRC32C,
				       .out = { .addr = BASE + LIST, .len = 0x20000000, .number = 256,
						.type = VGPU_STUB_DESC_LIST } };
}

static unsigned int state_of(uint32_t i)
{
	const struct vgpu_mediator_slot *slots = (void *)(record + 1);

	return slots[i % SIZE].word >> 32;
}

/* Processes */

/* The workers of the supervisor */
static unsigned int find_workers(pid_t *pids, unsigned int max)
{
	char name[64];
	unsigned int count = 0;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/task/%d/children", (int)supervisor, (int)supervisor);
	file = fopen(name, "r");
	while (file && count < max && fscanf(file, "%d", &pids[count]) == 1)
		count++;
	if (file)
		fclose(file);
	return count;
}

/* Those of earlier connections end soon */
static pid_t only_worker(void)
{
	pid_t pids[8];

	for (int i = 0; i < 500; i++) {
		if (find_workers(pids, 8) == 1)
			return pids[0];
		usleep(10000);
	}
	stop("there is not one worker");
}

static bool workers_end(void)
{
	pid_t pids[8];

	for (int i = 0; i < 50; i++) {
		if (!find_workers(pids, 8))
			return true;
		usleep(100000);
	}
	return false;
}

static int count_fds(pid_t pid)
{
	char name[64];
	int count = 0;
	DIR *dir;

	snprintf(name, sizeof(name), "/proc/%d/fd", (int)pid);
	dir = opendir(name);
	if (!dir)
		stop("cannot read a process's descriptors");
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static bool has_line(pid_t pid, const char *file, const char *start)
{
	char name[64], line[256];
	bool found = false;
	FILE *lines;

	snprintf(name, sizeof(name), "/proc/%d/%s", (int)pid, file);
	lines = fopen(name, "r");
	while (lines && !found && fgets(line, sizeof(line), lines))
		found = !strncmp(line, start, strlen(start));
	if (lines)
		fclose(lines);
	return found;
}

/* Scenarios */

static void test_queue(void)
{
	uint32_t crc;

	for (int i = 0; i < 0x200000; i++)
		memory[DATA + i] = i * 7 % 251;
	ok(run((struct vgpu_stub_sqe){ 0 }, 0, 0), "NOP");
	ok(run((struct vgpu_stub_sqe){ .opcode = VGPU_STUB_OP_COPY, .out = direct(DATA, 3000000),
				       .in = direct(0x400001, 3000000) }, 0, 3000000) &&
	   !memcmp(memory + DATA, memory + 0x400001, 3000000), "COPY in three slices");
	ok(run((struct vgpu_stub_sqe){ .opcode = VGPU_STUB_OP_FILL, .arg = 0x0807060504030201,
				       .in = direct(0x400000, 2097155) }, 0, 2097155) &&
	   memory[0x400000] == 1 && memory[0x400000 + 2097154] == 3, "FILL");
	crc = crc32c(9, memory + DATA, 0x180000);
	ok(run((struct vgpu_stub_sqe){ .opcode = VGPU_STUB_OP_CRC32C, .arg = 9,
				       .out = direct(DATA, 0x180000) }, 0, crc), "CRC32C");
	ok(run((struct vgpu_stub_sqe){ .opcode = 77 }, VGPU_STUB_ERR_OPCODE, 0), "a bad opcode");
	ok(run((struct vgpu_stub_sqe){ .opcode = VGPU_STUB_OP_FILL, .in = direct(MEMORY - 4, 8) },
	       VGPU_STUB_ERR_DMA, 0), "a DMA fault");
	submit((struct vgpu_stub_sqe){ .flags = VGPU_STUB_SQE_QUIET });
	ok(run((struct vgpu_stub_sqe){ .flags = VGPU_STUB_SQE_BARRIER }, 0, 0),
	   "a quiet command and one with a barrier");
}

static void test_buffers(void)
{
	struct vgpu_stub_sqe copy = { .opcode = VGPU_STUB_OP_COPY, .out = buffer(100, 8000),
				      .in = direct(0x400000, 8000) };

	ok(run(copy, VGPU_STUB_ERR_HANDLE, 0), "no buffer");
	ok(run((struct vgpu_stub_sqe){ .opcode = VGPU_STUB_OP_REGISTER, .arg = HANDLE }, 0, 8192),
	   "REGISTER by the device");
	ok(run(copy, 0, 8000) && !memcmp(memory + 0x400000, memory + DATA + 4196, 3996) &&
	   !memcmp(memory + 0x400000 + 3996, memory + DATA, 4004), "COPY from a buffer");
	ok(run((struct vgpu_stub_sqe){ .opcode = VGPU_STUB_OP_UNREGISTER, .arg = HANDLE }, 0, 0),
	   "UNREGISTER by the device");
	ok(run(copy, VGPU_STUB_ERR_HANDLE, 0), "no buffer again");
}

/* A command that the device has cancelled stays in the queue */
static void test_cancelled(void)
{
	uint32_t serial;

	answer_executes = false;
	submit((struct vgpu_stub_sqe){ .opcode = VGPU_STUB_OP_REGISTER, .arg = HANDLE });
	if (!receive() || peer.in.header.type != VGPU_MEDIATOR_EXECUTE)
		stop("EXECUTE");
	serial = peer.in.header.serial;
	ok(peer.in.execute.number == submitted - 1, "EXECUTE has the index of the command");
	answer_executes = true;
	send_stop();
	ok(!simple(VGPU_MEDIATOR_PING), "PING is answered while QUEUE_STOP waits");
	answer_execute(serial, VGPU_MEDIATOR_CANCELLED, 0, 0);
	ok(!wait_for(peer.serial - 1) && peer.in.queue_answer.sq_head == submitted - 1 &&
	   peer.in.queue_answer.cq_tail == consumed, "QUEUE_STOP cancels REGISTER");
	ok(state_of(submitted - 1) == VGPU_MEDIATOR_SLOT_FREE, "... and its slot is free");
	ok(!start_queue() && peer.in.queue_answer.sq_head == submitted - 1, "the queue starts again");
	ok(complete()->status == 0, "... and executes it");
}

/* Faults that need more than the message; each costs its connection */
static void test_faults(void)
{
	union message message = { .buffer_add = { .handle = HANDLE, .count = 2, .bytes = 8193,
						  .access = 3 } };
	union message stop_2 = { .queue_stop = { .queue = 2 } };

	connect_all();
	ok(simple(VGPU_MEDIATOR_MEMORY_CLEAR) == 100 + VGPU_MEDIATOR_BAD_STATE,
	   "MEMORY_CLEAR while a queue is running");
	disconnect();
	connect_all();
	ok(add_memory() == 100 + VGPU_MEDIATOR_BAD_STATE, "MEMORY_ADD while a queue is running");
	disconnect();
	connect_all();
	ok(start_queue() == 100 + VGPU_MEDIATOR_BAD_STATE, "QUEUE_START of a queue that is running");
	disconnect();
	connect_all();
	ok(remove_buffer() == 100 + VGPU_MEDIATOR_BAD_STATE, "BUFFER_REMOVE without a buffer");
	disconnect();
	connect_all();
	ok(!add_buffer() && add_buffer() == 100 + VGPU_MEDIATOR_BAD_STATE, "BUFFER_ADD twice");
	disconnect();
	connect_all();
	ok(request(message, VGPU_MEDIATOR_BUFFER_ADD, sizeof(message.buffer_add), &segments_fd, 1) ==
	   100 + VGPU_MEDIATOR_BAD_VALUE, "BUFFER_ADD with another sum");
	disconnect();
	connect_all();
	ok(request(message, VGPU_MEDIATOR_BUFFER_ADD, sizeof(message.buffer_add), &kick, 1) ==
	   100 + VGPU_MEDIATOR_BAD_DESCRIPTORS, "BUFFER_ADD with an eventfd");
	disconnect();
	connect_all();
	ok(request(stop_2, VGPU_MEDIATOR_QUEUE_STOP, sizeof(stop_2.queue_stop), NULL, 0) ==
	   100 + VGPU_MEDIATOR_BAD_VALUE, "QUEUE_STOP of a queue that the device lacks");
	disconnect();
	hello();
	ok(hello_again() == 100 + VGPU_MEDIATOR_BAD_STATE, "HELLO twice");
	disconnect();
}

static void test_work(void)
{
	int fds;

	ok(!hello(), "HELLO");
	ok(peer.in.hello_answer.features == 1 && peer.in.hello_answer.version == 1, "... its answer");
	ok(!simple(VGPU_MEDIATOR_PING), "PING");
	fds = count_fds(only_worker());
	/* with . and .., standard descriptors, the connection and the lifeline */
	ok(fds == 2 + 3 + 1 + 1, "the worker has no descriptor of the supervisor");
	ok(has_line(only_worker(), "status", "NoNewPrivs:\t1"), "... gains no rights by exec");
	ok(has_line(only_worker(), "limits",
		    "Max core file size        0                    0 "), "... and dumps no core");
	ok(!add_memory(), "MEMORY_ADD");
	ok(!start_queue(), "QUEUE_START");
	test_queue();
	test_buffers();
	test_cancelled();
	ok(!wait_for(send_stop()) && peer.in.queue_answer.sq_head == submitted &&
	   peer.in.queue_answer.cq_tail == consumed, "QUEUE_STOP");
	ok(!wait_for(send_stop()) && peer.in.queue_answer.sq_head == submitted, "QUEUE_STOP again");
	ok(!simple(VGPU_MEDIATOR_MEMORY_CLEAR), "MEMORY_CLEAR");
	ok(start_queue() == VGPU_MEDIATOR_FAIL_ADDRESS, "QUEUE_START without memory");
	ok(!add_memory() && !start_queue(), "QUEUE_START with memory");
	ok(!simple(VGPU_MEDIATOR_RESET), "RESET");
	ok(count_fds(only_worker()) == fds, "... and the worker has no descriptor more");
	ok(!add_memory() && !add_buffer() && !start_queue(), "all again");
	rings()->sq_tail = submitted + 1000;
	submitted = rings()->sq_tail;
	submit((struct vgpu_stub_sqe){ 0 });
	ok(receive() && peer.in.header.type == VGPU_MEDIATOR_QUEUE_ERROR &&
	   peer.in.queue_error.error == VGPU_STUB_QERR_SQ_TAIL, "QUEUE_ERROR");
	ok(disconnect(), "the lifeline ends after the connection");
}

static void test_long(void)
{
	int64_t start;

	connect_all();
	submit(long_command());
	usleep(20000);
	start = channel_now();
	ok(!simple(VGPU_MEDIATOR_PING) && channel_now() - start < 500,
	   "PING while a command is executed");
	ok(!wait_for(send_stop()) && channel_now() - start < 500, "QUEUE_STOP, too");
	ok(peer.in.queue_answer.sq_head == 0 && state_of(0) == VGPU_MEDIATOR_SLOT_FREE,
	   "... and the command is cancelled");
	ok(!start_queue(), "the queue starts again");
	start = channel_now();
	ok(!simple(VGPU_MEDIATOR_RESET) && channel_now() - start < 500,
	   "RESET while a command is executed");
	ok(!add_memory() && !start_queue(), "the queue starts again");
	ok(complete()->status == 0, "... and the command is completed");
	ok(disconnect(), "the lifeline ends");
}

/* Each command has one completion, whenever its worker dies */
static void test_kill(void)
{
	enum { KILLS = 100 };
	static unsigned char completions[1000000];
	unsigned int seed = 1, wrong = 0, killed = 0;

	connect_all();
	while (killed < KILLS || consumed != submitted) {
		const struct vgpu_stub_cqe *cqe;

		while (killed < KILLS && submitted - consumed < SIZE && rand_r(&seed) % 8)
			submit((struct vgpu_stub_sqe){
				.opcode = VGPU_STUB_OP_FILL, .arg = submitted,
				.in = direct(DATA + submitted % 1000 * 4096, 1 + submitted % 4096) });
		while ((cqe = next_completion()))
			wrong += cqe->status || cqe->result != 1 + cqe->id % 4096 ||
				 completions[cqe->id]++;
		if (killed == KILLS || rand_r(&seed) % 64)
			continue;
		kill(only_worker(), SIGKILL);
		killed++;
		if (!lifeline_ends(LATE_MS))
			stop("a killed worker's lifeline ends");
		close(peer.fd);
		if (!workers_end())
			stop("the supervisor notices");
		connect_all();
	}
	printf("# %u commands, %u workers killed\n", submitted, killed);
	for (uint32_t i = 0; i < submitted; i++)
		wrong += completions[i] != 1;
	ok(wrong == 0 && submitted > 100, "each command is completed once, with its result");
	ok(disconnect(), "the lifeline ends");
}

static unsigned int fault_after(int fd, const char *bytes, size_t length, unsigned int repeat,
				unsigned int delay)
{
	struct peer good = peer;
	unsigned int code;

	while (repeat--) {
		send_bytes(fd, bytes, length, NULL, 0);
		usleep(delay);
	}
	peer.fd = fd;
	code = wait_for(UINT32_MAX);
	close(fd);
	peer = good;
	return code;
}

/* The framed path */

static void send_notice(union message message, unsigned int type, size_t length)
{
	message.header = (struct vgpu_mediator_header){ .length = length, .type = type };
	message_encode(&message);
	send_bytes(peer.fd, &message, length, NULL, 0);
}

static void send_command(uint32_t tag, unsigned int opcode, uint64_t arg, uint32_t out, uint32_t in)
{
	union message message = { .command = { .tag = tag, .opcode = opcode, .arg = arg,
					       .out_bytes = out, .in_bytes = in } };

	send_notice(message, VGPU_MEDIATOR_COMMAND, sizeof(message.command));
}

static void send_data(uint32_t tag, const void *bytes, size_t len)
{
	static union message message;

	message.data = (struct vgpu_mediator_data){ .tag = tag };
	memcpy(message.bytes + sizeof(message.data), bytes, len);
	send_notice(message, VGPU_MEDIATOR_DATA_OUT, sizeof(message.data) + len);
}

static void send_credit(uint32_t bytes)
{
	union message message = { .credit = { .bytes = bytes } };

	send_notice(message, VGPU_MEDIATOR_CREDIT_IN, sizeof(message.credit));
}

static unsigned int cancel(uint32_t tag)
{
	union message message = { .cancel = { .tag = tag } };

	return request(message, VGPU_MEDIATOR_CANCEL, sizeof(message.cancel), NULL, 0);
}

static uint64_t out_credit; /* what may be sent */

/* Keep the bytes of DATA_IN until COMMAND_DONE or, if there is data to send, credit for it */
static size_t receive_data(unsigned char *to, size_t have, bool wants_credit)
{
	while (receive()) {
		size_t len = peer.in.header.length - sizeof(peer.in.data);

		if (peer.in.header.type == VGPU_MEDIATOR_CREDIT_OUT)
			out_credit += peer.in.credit.bytes;
		if (peer.in.header.type != VGPU_MEDIATOR_DATA_IN) {
			if (wants_credit || peer.in.header.type != VGPU_MEDIATOR_CREDIT_OUT)
				return have;
			continue;
		}
		memcpy(to + have, peer.in.bytes + sizeof(peer.in.data), len);
		have += len;
		send_credit(len);
	}
	stop("the connection ended");
}

/* COPY of more bytes than the credits allow at a time */
static void test_framed_copy(void)
{
	enum { BYTES = 3000001 };
	static unsigned char bytes[BYTES], back[BYTES + VGPU_MEDIATOR_DATA_MAX];
	size_t sent = 0, have = 0;

	for (int i = 0; i < BYTES; i++)
		bytes[i] = i * 13 % 253;
	send_command(1, VGPU_STUB_OP_COPY, 0, BYTES, BYTES);
	send_credit(100000);
	while (sent < BYTES) {
		size_t len = BYTES - sent < 50000 ? BYTES - sent : 50000;

		while (out_credit < len)
			have = receive_data(back, have, true);
		send_data(1, bytes + sent, len);
		out_credit -= len;
		sent += len;
	}
	have = receive_data(back, have, false);
	ok(peer.in.header.type == VGPU_MEDIATOR_COMMAND_DONE && !peer.in.command_done.status &&
	   peer.in.command_done.result == BYTES, "COPY with credits");
	ok(have == BYTES && !memcmp(bytes, back, BYTES), "... and its bytes");
}

static unsigned char received[2 * VGPU_MEDIATOR_DATA_MAX];

static bool is_done(unsigned int status, uint64_t result)
{
	receive_data(received, 0, false);
	return peer.in.header.type == VGPU_MEDIATOR_COMMAND_DONE &&
	       peer.in.command_done.status == status && peer.in.command_done.result == result;
}

static void try_framed_fault(const char *name, unsigned int code, void (*send)(void))
{
	if (hello())
		stop("HELLO");
	send();
	ok(wait_for(UINT32_MAX) == 100 + code, name);
	disconnect();
}

static void send_same_tag(void)
{
	send_command(1, VGPU_STUB_OP_CRC32C, 0, 9, 0);
	send_command(1, VGPU_STUB_OP_CRC32C, 0, 9, 0);
}

static void send_too_much(void)
{
	send_command(1, VGPU_STUB_OP_CRC32C, 0, 2, 0);
	send_data(1, "abc", 3);
}

static void send_unknown_tag(void)
{
	send_data(7, "abc", 3);
}

static void send_beyond_credit(void)
{
	static char bytes[VGPU_MEDIATOR_DATA_MAX];

	send_command(1, VGPU_STUB_OP_COPY, 0, 0x200000, 0x200000);
	for (int i = 0; i < 17; i++)
		send_data(1, bytes, sizeof(bytes));
}

static void send_too_much_credit(void)
{
	send_credit(0x1000000);
	send_credit(1);
}

static void send_too_many(void)
{
	for (uint32_t i = 0; i < 1025; i++)
		send_command(i, VGPU_STUB_OP_CRC32C, 0, 9, 0);
}

static void send_to_no_queue(void)
{
	union message message = { .command = { .queue = 2 } };

	send_notice(message, VGPU_MEDIATOR_COMMAND, sizeof(message.command));
}

static void test_framed(void)
{
	features = 3;
	ok(!hello() && peer.in.hello_answer.features == 3, "HELLO");
	out_credit = peer.in.hello_answer.credit_out;
	send_command(1, VGPU_STUB_OP_NOP, 0, 0, 0);
	ok(is_done(0, 0), "NOP");
	send_command(1, VGPU_STUB_OP_CRC32C, 0, 9, 0);
	send_data(1, "1234", 4);
	ok(!simple(VGPU_MEDIATOR_PING), "PING during a command");
	send_data(1, "56789", 5);
	out_credit -= 9;
	ok(is_done(0, 0xe3069283), "CRC32C");
	send_credit(100000);
	send_command(2, VGPU_STUB_OP_FILL, 0x0807060504030201, 0, 70001);
	ok(is_done(0, 70001) && received[65537] == 2 && received[70000] == 1, "FILL");
	send_command(1, 9, 0, 0, 0);
	ok(is_done(VGPU_STUB_ERR_OPCODE, 0), "a bad opcode");
	send_command(1, VGPU_STUB_OP_NOP, 1, 0, 0);
	ok(is_done(VGPU_STUB_ERR_ARG, 0), "a bad argument");
	send_command(1, VGPU_STUB_OP_FILL, 0, 0, 0);
	ok(is_done(VGPU_STUB_ERR_DESC, 0), "no data");
	send_command(1, VGPU_STUB_OP_COPY, 0, 5, 6);
	ok(is_done(VGPU_STUB_ERR_LENGTH, 0), "other lengths");
	send_data(1, "abc", 3);
	ok(!cancel(1), "data that is discarded, and CANCEL");
	ok(!cancel(1), "CANCEL of nothing");
	test_framed_copy();
	send_command(1, VGPU_STUB_OP_COPY, 0, 5, 5);
	ok(!simple(VGPU_MEDIATOR_RESET), "RESET");
	send_command(1, VGPU_STUB_OP_NOP, 0, 0, 0);
	ok(is_done(0, 0), "... and the tag is free");
	disconnect();

	try_framed_fault("a tag twice", VGPU_MEDIATOR_BAD_STATE, send_same_tag);
	try_framed_fault("more data than announced", VGPU_MEDIATOR_BAD_VALUE, send_too_much);
	try_framed_fault("data for no command", VGPU_MEDIATOR_BAD_STATE, send_unknown_tag);
	try_framed_fault("data beyond the credit", VGPU_MEDIATOR_BAD_VALUE, send_beyond_credit);
	try_framed_fault("too much credit", VGPU_MEDIATOR_BAD_VALUE, send_too_much_credit);
	try_framed_fault("too many commands", VGPU_MEDIATOR_BAD_STATE, send_too_many);
	try_framed_fault("a queue that the device lacks", VGPU_MEDIATOR_BAD_VALUE,
			 send_to_no_queue);
	if (hello() || add_memory())
		stop("HELLO");
	send_command(1, VGPU_STUB_OP_CRC32C, 0, 9, 0);
	ok(start_queue() == 100 + VGPU_MEDIATOR_BAD_STATE, "QUEUE_START during a command");
	disconnect();
	features = 1;
	try_framed_fault("COMMAND without the feature", VGPU_MEDIATOR_BAD_STATE, send_same_tag);
}

static bool is_closed(int fd)
{
	struct pollfd hangup = { fd, 0, 0 };

	return poll(&hangup, 1, 0) == 1 && hangup.revents & POLLHUP;
}

/* The supervisor may have yet to accept a connection, or to notice that one has ended */
static bool supervisor_has_at_most(int fds)
{
	for (int i = 0; i < 250; i++) {
		if (workers_end() && count_fds(supervisor) <= fds)
			return true;
		usleep(20000);
	}
	return false;
}

/* Peers that do not keep to the protocol, and a connection that does not notice */
static void test_peers(void)
{
	static char pings[16 * 4096];
	int64_t start;
	pid_t worker;
	int fds = count_fds(supervisor), fd;

	connect_all();
	ok(fault_after(connect_to(), NULL, 0, 0, 0) == 100 + VGPU_MEDIATOR_BAD_TIMEOUT,
	   "a peer that says nothing");
	ok(fault_after(connect_to(), "\x60", 1, 1, 0) == 100 + VGPU_MEDIATOR_BAD_TIMEOUT,
	   "a peer that stops in the middle");
	ok(fault_after(connect_to(), "\0", 1, 3, 600000) >= 99, "a slow peer");
	for (size_t i = 0; i < sizeof(pings); i += 16)
		memcpy(pings + i, "\x10\0\0\0\x09\0\0\0\1\0\0\0\0\0\0\0", 16);
	ok(fault_after(connect_to(), pings, sizeof(pings), 1, 0) == 100 + VGPU_MEDIATOR_BAD_STATE,
	   "a peer that floods without HELLO");
	ok(!simple(VGPU_MEDIATOR_PING) && run((struct vgpu_stub_sqe){ 0 }, 0, 0),
	   "the other connection works");
	/* answers that are not read fill the socket, then the worker closes the connection */
	fcntl(peer.fd, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 300 && !is_closed(peer.fd); i++) {
		send_bytes(peer.fd, pings, sizeof(pings), NULL, 0);
		usleep(10000);
	}
	ok(is_closed(peer.fd), "a peer that floods and does not read loses the connection");
	ok(disconnect(), "... and its worker ends");

	connect_all();
	worker = only_worker();
	kill(worker, SIGSTOP);
	start = channel_now();
	close(peer.fd);
	ok(lifeline_ends(LATE_MS) && channel_now() - start < 1000,
	   "a worker that is stopped is killed after its connection");
	fd = connect_to();
	close(fd);
	ok(supervisor_has_at_most(fds), "the supervisor has no descriptor more");
}

/* Vectors */

static void send_vector(const char *state, unsigned int fds, size_t at)
{
	static char bytes[4 * VGPU_MEDIATOR_MESSAGE_MAX];
	size_t length = fread(bytes, 1, sizeof(bytes), stdin);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), list[16];
	unsigned int code;

	for (unsigned int i = 0; i < 16; i++)
		list[i] = null;
	if (strcmp(state, "ready"))
		peer.fd = connect_to();
	else if (hello())
		stop("HELLO");
	if (at)
		send_bytes(peer.fd, bytes, at, NULL, 0);
	send_bytes(peer.fd, bytes + at, length - at, list, fds);
	code = wait_for(UINT32_MAX);
	printf("%s\n", code < 100 ? "closed" : message_fault_name(code - 100));
	exit(0);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	path = argv[1];
	supervisor = atoi(argv[2]);
	make_state();
	if (!strcmp(argv[3], "vector"))
		send_vector(argv[4], atoi(argv[5]), atoi(argv[6]));
	else if (!strcmp(argv[3], "work"))
		test_work();
	else if (!strcmp(argv[3], "long"))
		test_long();
	else if (!strcmp(argv[3], "faults"))
		test_faults();
	else if (!strcmp(argv[3], "framed"))
		test_framed();
	else if (!strcmp(argv[3], "kill"))
		test_kill();
	else
		test_peers();
	printf("1..%u\n", tests);
	return failed != 0;
}
