// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands on the shared path, short and long */
#include <string.h>
#include <unistd.h>
#include "channel.h"
#include "vgpu_engine.h"
#include "daemon.h"
#include "peer.h"
#include "processes.h"
#include "ring.h"

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
	crc = vgpu_crc32c(9, memory + DATA, 0x180000);
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

	peer.answer_executes = false;
	submit((struct vgpu_stub_sqe){ .opcode = VGPU_STUB_OP_REGISTER, .arg = HANDLE });
	if (!receive() || peer.in.header.type != VGPU_MEDIATOR_EXECUTE)
		stop("EXECUTE");
	serial = peer.in.header.serial;
	ok(peer.in.execute.number == submitted - 1, "EXECUTE has the index of the command");
	peer.answer_executes = true;
	send_stop();
	ok(!simple(VGPU_MEDIATOR_PING), "PING is answered while QUEUE_STOP waits");
	answer_execute(serial, VGPU_MEDIATOR_CANCELLED, 0, 0);
	ok(!wait_for(peer.serial - 1) && peer.in.queue_answer.sq_head == submitted - 1 &&
	   peer.in.queue_answer.cq_tail == consumed, "QUEUE_STOP cancels REGISTER");
	ok(state_of(submitted - 1) == VGPU_MEDIATOR_SLOT_FREE, "... and its slot is free");
	ok(!start_queue() && peer.in.queue_answer.sq_head == submitted - 1, "the queue starts again");
	ok(complete()->status == 0, "... and peer.executes it");
}

void test_work(void)
{
	int fds;

	ok(!hello(), "HELLO");
	ok(peer.in.hello_answer.features == 1 && peer.in.hello_answer.version == 1, "... its answer");
	ok(!simple(VGPU_MEDIATOR_PING), "PING");
	fds = count_fds(only_worker());
	/* with . and .., standard descriptors, the connection, the lifeline and the turn */
	ok(fds == 2 + 3 + 1 + 1 + 1, "the worker has no descriptor of the supervisor");
	ok(has_line(only_worker(), "status", "NoNewPrivs:\t1"), "... gains no rights by exec");
	ok(has_line(only_worker(), "status", "CapEff:\t0000000000000000"), "... has no capability");
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

void test_long(void)
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
