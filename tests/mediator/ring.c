// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include "channel.h"
#include "peer.h"
#include "ring.h"

#define COMMAND_MS 60000 /* with sanitizers on a busy machine */

unsigned char *memory;
int memory_fd, record_fd, segments_fd, kick, call;
uint32_t submitted, consumed;

static struct vgpu_mediator_record *record;

struct vgpu_stub_index *rings(void)
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

void make_state(void)
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

void submit(struct vgpu_stub_sqe entry)
{
	uint64_t one = 1;

	entry.id = submitted;
	((struct vgpu_stub_sqe *)(memory + SQ))[submitted % SIZE] = entry;
	__atomic_store_n(&rings()->sq_tail, ++submitted, __ATOMIC_SEQ_CST);
	if (write(kick, &one, sizeof(one)) < 0)
		stop("cannot kick");
}

const struct vgpu_stub_cqe *next_completion(void)
{
	const struct vgpu_stub_cqe *cqe = (void *)(memory + CQ);

	if (__atomic_load_n(&rings()->cq_tail, __ATOMIC_ACQUIRE) == consumed)
		return NULL;
	cqe += consumed % SIZE;
	__atomic_store_n(&rings()->cq_head, ++consumed, __ATOMIC_SEQ_CST);
	__atomic_store_n(&rings()->cq_event, consumed, __ATOMIC_SEQ_CST);
	return cqe;
}

const struct vgpu_stub_cqe *complete(void)
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

bool run(struct vgpu_stub_sqe entry, unsigned int status, uint64_t result)
{
	const struct vgpu_stub_cqe *cqe;

	submit(entry);
	cqe = complete();
	if (cqe->status != status || cqe->result != result || cqe->id != submitted - 1)
		printf("# id %u of %u, status %u, result %llu\n", cqe->id, submitted - 1, cqe->status,
		       (unsigned long long)cqe->result);
	return cqe->status == status && cqe->result == result && cqe->id == submitted - 1;
}

struct vgpu_stub_desc direct(uint64_t offset, uint32_t len)
{
	return (struct vgpu_stub_desc){ .addr = BASE + offset, .len = len,
					.type = VGPU_STUB_DESC_DIRECT };
}

struct vgpu_stub_desc buffer(uint64_t offset, uint32_t len)
{
	return (struct vgpu_stub_desc){ .addr = offset, .len = len, .number = HANDLE,
					.type = VGPU_STUB_DESC_BUFFER };
}

struct vgpu_stub_sqe long_command(void)
{
	struct vgpu_stub_segment *list = (void *)(memory + LIST);

	for (int i = 0; i < 256; i++)
		list[i] = (struct vgpu_stub_segment){ .addr = BASE + DATA, .len = 0x200000 };
	return (struct vgpu_stub_sqe){ .opcode = VGPU_STUB_OP_CRC32C,
				       .out = { .addr = BASE + LIST, .len = 0x20000000, .number = 256,
						.type = VGPU_STUB_DESC_LIST } };
}

unsigned int state_of(uint32_t i)
{
	const struct vgpu_mediator_slot *slots = (void *)(record + 1);

	return slots[i % SIZE].word >> 32;
}
