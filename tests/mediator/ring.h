// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The queue of the test device, its memory and its in-flight record: they outlive
 * connections and workers.
 */
#ifndef RING_H
#define RING_H

#include "message.h"

extern unsigned char *memory;
extern int memory_fd, record_fd, segments_fd, kick, call;
extern uint32_t submitted, consumed;

struct vgpu_stub_index *rings(void);
void make_state(void);
/* The worker may be away; the next one will look by itself */
void submit(struct vgpu_stub_sqe entry);
/* NULL: there is none yet */
const struct vgpu_stub_cqe *next_completion(void);
/* Answer EXECUTE until there is a completion */
const struct vgpu_stub_cqe *complete(void);
bool run(struct vgpu_stub_sqe entry, unsigned int status, uint64_t result);
struct vgpu_stub_desc direct(uint64_t offset, uint32_t len);
struct vgpu_stub_desc buffer(uint64_t offset, uint32_t len);
/* Half a gibibyte to read, as a list of the same two mebibytes */
struct vgpu_stub_sqe long_command(void);
unsigned int state_of(uint32_t i);

#endif
