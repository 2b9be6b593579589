/*
 * vgpu-stub: receiving messages and descriptors from the mediator
 *
 * A chardev receives as many bytes as its front end can take, and keeps the
 * descriptors that came with them. Every read takes its descriptors: those of
 * the first byte are the message's, and any others are a fault. The answer to
 * HELLO, which has one, is the first message. Until it was received, can_read()
 * asks for the rest of one message only.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "trace.h"
#include "vgpu-stub-mediator.h"

/* Descriptors */

void vgpu_close_fds(int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
}

void vgpu_channel_drop_fds(VGPUMediator *m)
{
    vgpu_close_fds(m->fds, m->fd_count);
    m->fd_count = 0;
}

int vgpu_channel_take_fd(VGPUMediator *m, unsigned i)
{
    int fd = m->fds[i];

    m->fds[i] = -1;
    return fd;
}

/* Those that came with the bytes being read; false if they must not be there */
static bool vgpu_channel_get_fds(VGPUMediator *m)
{
    int fds[ARRAY_SIZE(m->fds)];
    int count = qemu_chr_fe_get_msgfds(&m->s->mediator_chr, fds,
                                       ARRAY_SIZE(fds));

    if (count <= 0) {
        return true;
    }
    if (m->received) {
        vgpu_close_fds(fds, count);
        return false;
    }
    memcpy(m->fds, fds, sizeof(fds));
    m->fd_count = count;
    return true;
}

/* Receive */

/* End the request that this answers; false if there is none */
static bool vgpu_channel_end_request(VGPUMediator *m)
{
    const struct vgpu_mediator_header *header = &m->in.header;

    for (size_t i = 0; i < ARRAY_SIZE(m->requests); i++) {
        VGPURequest *request = &m->requests[i];

        if (request->serial == header->serial &&
            (request->type | VGPU_MEDIATOR_ANSWER) == header->type) {
            m->in_tag = request->tag;
            request->serial = 0;
            return true;
        }
    }
    return false;
}

static unsigned vgpu_channel_check_header(VGPUMediator *m)
{
    unsigned code = message_decode_header(&m->in, FROM_BACK_END);
    unsigned type = m->in.header.type;

    if (code) {
        return code;
    }
    if (type & VGPU_MEDIATOR_ANSWER && !vgpu_channel_end_request(m)) {
        return VGPU_MEDIATOR_BAD_SERIAL;
    }
    if (!m->ready && type != VGPU_MEDIATOR_ERROR &&
        type != (VGPU_MEDIATOR_HELLO | VGPU_MEDIATOR_ANSWER)) {
        return VGPU_MEDIATOR_BAD_STATE;
    }
    return 0;
}

/* The text comes from the back end and must not control a terminal */
static void vgpu_channel_peer_error(VGPUMediator *m)
{
    struct vgpu_mediator_error *error = &m->in.error;

    for (size_t i = 0; error->text[i]; i++) {
        if (error->text[i] < 0x20 || error->text[i] >= 0x7f) {
            error->text[i] = '?';
        }
    }
    vgpu_channel_log(m, "the mediator reports", message_fault_name(error->code),
                     (const char *)error->text);
    vgpu_channel_close(m);
}

static void vgpu_channel_dispatch(VGPUMediator *m)
{
    unsigned code = m->fd_count != m->in.header.descriptors
                    ? VGPU_MEDIATOR_BAD_DESCRIPTORS
                    : message_decode_body(&m->in);

    if (code) {
        vgpu_channel_fault(m, code, "");
        return;
    }
    trace_vgpu_stub_mediator_receive(message_name(m->in.header.type),
                                     m->in.header.serial);
    if (m->in.header.type == VGPU_MEDIATOR_ERROR) {
        vgpu_channel_peer_error(m);
    } else {
        vgpu_mediator_message(m);
    }
}

static size_t vgpu_channel_missing(const VGPUMediator *m)
{
    size_t length = m->received < VGPU_HEADER_SIZE ? VGPU_HEADER_SIZE
                                              : m->in.header.length;

    return length - m->received;
}

int vgpu_channel_can_read(void *opaque)
{
    VGPUMediator *m = opaque;

    if (!m->open || m->out_bytes > VGPU_CHANNEL_OUT_MAX / 2) {
        return 0;
    }
    return m->ready ? VGPU_MEDIATOR_MESSAGE_MAX : vgpu_channel_missing(m);
}

/* A part of one message, or the rest of it */
static void vgpu_channel_take_part(VGPUMediator *m, const uint8_t *bytes,
                                   size_t size)
{
    unsigned code = 0;

    if (!m->received) {
        m->in_deadline = vgpu_now() + VGPU_CHANNEL_DEADLINE_MS;
    }
    memcpy(m->in.bytes + m->received, bytes, size);
    m->received += size;
    if (m->received == VGPU_HEADER_SIZE) {
        code = vgpu_channel_check_header(m);
    }
    if (code) {
        vgpu_channel_fault(m, code, "");
    } else if (m->received >= VGPU_HEADER_SIZE && !vgpu_channel_missing(m)) {
        vgpu_channel_dispatch(m);
        vgpu_channel_drop_fds(m);
        m->received = 0;
    }
}

/* @size is at most what can_read() returned */
static void vgpu_channel_take_bytes(VGPUMediator *m, const uint8_t *bytes,
                                    size_t size)
{
    while (m->open && size) {
        size_t part = MIN(size, vgpu_channel_missing(m));

        vgpu_channel_take_part(m, bytes, part);
        bytes += part;
        size -= part;
    }
}

void vgpu_channel_read(void *opaque, const uint8_t *bytes, int size)
{
    VGPUMediator *m = opaque;
    bool fds_are_right = vgpu_channel_get_fds(m);

    if (!m->open) {
        return;
    }
    if (!fds_are_right) {
        vgpu_channel_fault(m, VGPU_MEDIATOR_BAD_DESCRIPTORS,
                           "not with the first byte");
        return;
    }
    vgpu_channel_take_bytes(m, bytes, size);
    vgpu_channel_set_timer(m);
}
