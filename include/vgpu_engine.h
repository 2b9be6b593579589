/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine: it checks commands, opens their data and has a back end execute
 * them. QEMU and the mediator's worker use the same code, which is in engine/
 * and needs nothing of either. What they do differently is how they reach
 * guest memory (struct vgpu_host), and in which thread the back end works.
 *
 * Numbers in entries and descriptors are in the byte order of the host.
 */
#ifndef VGPU_ENGINE_H
#define VGPU_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include "vgpu_stub_queue.h"

/* Registered buffers and lists of segments */

/* A range of bus addresses; start is its offset in its list */
struct vgpu_segment {
    uint64_t addr;
    uint64_t start;
    uint32_t len;
};

struct vgpu_buffer {
    struct vgpu_segment *segments;
    uint32_t count;
    uint32_t access;    /* bits 63:32 of REGISTER's ARG */
    uint64_t len;
    unsigned int users; /* commands that have opened it */
    bool closing;       /* commands that start now do not find it */
};

struct vgpu_buffers {
    struct vgpu_buffer *by_handle[VGPU_STUB_BUFFERS_MAX];
    uint32_t segments;  /* of all buffers */
};

/* NULL if there is not enough memory, as the guest chooses the size */
struct vgpu_buffer *vgpu_buffer_new(uint32_t count, uint32_t access);
void vgpu_buffer_free(struct vgpu_buffer *buffer);
/* The handle must be free */
void vgpu_buffers_insert(struct vgpu_buffers *buffers, unsigned int handle,
                         struct vgpu_buffer *buffer);
/* The buffer must exist, and have no users */
void vgpu_buffers_remove(struct vgpu_buffers *buffers, unsigned int handle);
/* NULL if there is none, or it is closing */
struct vgpu_buffer *vgpu_buffers_find(const struct vgpu_buffers *buffers,
                                      unsigned int handle);
/*
 * Convert segments as the guest writes them, and add their lengths to *len,
 * where the first one starts. Returns whether all of them are allowed.
 */
bool vgpu_segments_decode(const struct vgpu_stub_segment *from, uint32_t count,
                          struct vgpu_segment *to, uint64_t *len);

/* Guest memory */

/* What the owner of the engine provides; the functions get opaque */
struct vgpu_host {
    struct vgpu_buffers *buffers;
    bool has_set_buffer;    /* commands of set 1 are executed here */
    /* Read bytes; false is a DMA fault */
    bool (*read)(void *opaque, uint64_t addr, void *to, size_t len);
    /* Map up to *len bytes, and set *len to how many; NULL is a DMA fault */
    void *(*map)(void *opaque, uint64_t addr, size_t *len, bool is_write);
    void (*unmap)(void *opaque, void *at, size_t len, bool is_write);
    void *opaque;
};

/* A command's data: a position in a list of segments, or inline bytes */
struct vgpu_data {
    const struct vgpu_segment *segment;
    uint32_t offset;            /* in that segment */
    uint64_t left;              /* bytes from there to the end of the data */
    const uint8_t *bytes;       /* DESC_INLINE: there are no segments */
    struct vgpu_segment direct; /* DESC_DIRECT: the only segment */
    struct vgpu_segment *list;  /* DESC_LIST: allocated */
    uint32_t list_count;
    struct vgpu_buffer *buffer; /* DESC_BUFFER: in use */
};

/* Open the data of a descriptor that is checked; returns a status */
unsigned int vgpu_data_open(const struct vgpu_host *host,
                            const struct vgpu_stub_sqe *entry,
                            const struct vgpu_stub_desc *desc,
                            struct vgpu_data *data);
/* Whether data that was just opened overlaps, as COPY must not */
bool vgpu_data_overlap(const struct vgpu_data *a, const struct vgpu_data *b);
/* How many of @len bytes are contiguous on the bus, or inline */
size_t vgpu_data_contiguous(const struct vgpu_data *data, size_t len);
void vgpu_data_advance(struct vgpu_data *data, size_t len);
/*
 * Read the next @len bytes, which @data must have, and advance past them; false
 * is a DMA fault.
 */
bool vgpu_data_read(const struct vgpu_host *host, struct vgpu_data *data,
                    void *to, size_t len);
/* Read an array of segments; returns a status */
unsigned int vgpu_data_read_segments(const struct vgpu_host *host,
                                     struct vgpu_data *data, uint32_t count,
                                     struct vgpu_segment *to, uint64_t *len);
/*
 * Any data may be closed, even if it is all zero. Returns whether this was the
 * last user of a buffer that is closing.
 */
bool vgpu_data_close(struct vgpu_data *data);

/* Back ends */

/* What a command looks like. With OUT and IN, they have the same length. */
struct vgpu_operation {
    uint16_t opcode;
    bool out, in;       /* has data */
    bool can_replay;    /* executing it in part, then as a whole, is harmless */
    uint64_t arg_mask;  /* allowed bits of ARG */
};

/* A command that is being executed */
struct vgpu_job {
    unsigned int opcode;
    uint64_t arg;
    uint64_t done;      /* bytes */
    uint64_t state;     /* of the back end; ARG at first */
};

/*
 * The functions may be called in any thread; they take no lock and do not wait.
 */
struct vgpu_backend {
    /* NULL: no such command */
    const struct vgpu_operation *(*operation)(unsigned int opcode);
    /*
     * Execute a part of a command: the next @len bytes, of which done were
     * before. @from is NULL if the command has no OUT, @to if it has no IN.
     */
    void (*execute)(struct vgpu_job *job, const void *from, void *to,
                    size_t len);
    uint64_t (*result)(const struct vgpu_job *job);
};

/* Command set 0 in software */
extern const struct vgpu_backend vgpu_software;

/* The checksum of bytes that follow those with the checksum @crc, or 0 */
uint32_t vgpu_crc32c(uint32_t crc, const void *bytes, size_t len);

/* Commands */

/* Convert an entry from the byte order of the ring to that of the host */
void vgpu_sqe_to_host(struct vgpu_stub_sqe *entry);
/*
 * Check an entry, in the order of the table of statuses in
 * docs/specs/vgpu-stub.rst, and open its data. @entry is used until the data is
 * closed, which the caller has to do whatever the status is.
 */
unsigned int vgpu_command_open(const struct vgpu_host *host,
                               const struct vgpu_backend *backend,
                               const struct vgpu_stub_sqe *entry,
                               struct vgpu_data *out, struct vgpu_data *in);
/* The same for a command of the back end that comes without descriptors */
unsigned int vgpu_operation_check(const struct vgpu_backend *backend,
                                  unsigned int opcode, uint64_t arg,
                                  uint32_t out_len, uint32_t in_len);
void vgpu_job_begin(struct vgpu_job *job, unsigned int opcode, uint64_t arg);
void vgpu_job_execute(const struct vgpu_backend *backend, struct vgpu_job *job,
                      const void *from, void *to, size_t len);

/* Mapped data of a command; in and out are NULL or have the same length */
struct vgpu_piece {
    void *out;
    void *in;
    size_t len;
};

#define VGPU_PIECES_MAX     256

struct vgpu_pieces {
    unsigned int count;
    struct vgpu_piece pieces[VGPU_PIECES_MAX];
};

/*
 * Map the next pieces, @max bytes at most, and advance past them; none are left
 * from before. False is a DMA fault. In both cases they have to be unmapped.
 */
bool vgpu_pieces_map(const struct vgpu_host *host, struct vgpu_pieces *pieces,
                     struct vgpu_data *out, struct vgpu_data *in, size_t max);
/* In any thread */
void vgpu_pieces_execute(const struct vgpu_pieces *pieces,
                         const struct vgpu_backend *backend,
                         struct vgpu_job *job);
void vgpu_pieces_unmap(const struct vgpu_host *host, struct vgpu_pieces *pieces,
                       const struct vgpu_data *out, const struct vgpu_data *in);

#endif
