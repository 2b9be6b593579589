/*
 * vgpu-stub: sending messages and descriptors to the mediator
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "trace.h"
#include "vgpu-stub-mediator.h"

/* Of an answer before which the worker may have to cancel commands */
#define VGPU_STOP_DEADLINE_MS   500
/* Notices that are sent together */
#define VGPU_GATHER_MAX         (8 * KiB)

static void vgpu_outgoing_free(VGPUOutgoing *out)
{
    vgpu_close_fds(out->fds, out->fd_count);
    g_free(out);
}

/* The caller may close its descriptors before the message is sent */
static bool vgpu_outgoing_dup(VGPUOutgoing *out, const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        out->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
        if (out->fds[i] < 0) {
            return false;
        }
        out->fd_count++;
    }
    return true;
}

static int64_t vgpu_answer_time(uint16_t type)
{
    switch (type) {
    case VGPU_MEDIATOR_BUFFER_REMOVE:
        return VGPU_NEVER;
    case VGPU_MEDIATOR_QUEUE_STOP:
    case VGPU_MEDIATOR_RESET:
    case VGPU_MEDIATOR_CANCEL:
        return VGPU_STOP_DEADLINE_MS;
    default:
        return VGPU_CHANNEL_DEADLINE_MS;
    }
}

static void vgpu_channel_sent(VGPUMediator *m, uint32_t serial)
{
    for (size_t i = 0; i < ARRAY_SIZE(m->requests) && serial; i++) {
        VGPURequest *request = &m->requests[i];
        int64_t time = vgpu_answer_time(request->type);

        if (request->serial == serial && time != VGPU_NEVER) {
            request->deadline = vgpu_now() + time;
        }
    }
}

/* How many bytes were sent; 0 if sending would block or the connection ended */
static size_t vgpu_channel_write(VGPUMediator *m, VGPUOutgoing *out)
{
    CharFrontend *chr = &m->s->mediator_chr;
    int n;

    if (out->fd_count) {
        /* none with the rest of a message, of which a part has been sent */
        qemu_chr_fe_set_msgfds(chr, out->fds, out->sent ? 0 : out->fd_count);
    }
    n = qemu_chr_fe_write(chr, out->bytes + out->sent,
                          out->length - out->sent);
    return MAX(n, 0);
}

static void vgpu_channel_flush(VGPUMediator *m);

static gboolean vgpu_channel_can_write(void *unused, GIOCondition cond,
                                       void *opaque)
{
    VGPUMediator *m = opaque;

    m->out_watch = 0;
    vgpu_channel_flush(m);
    vgpu_channel_set_timer(m);
    return G_SOURCE_REMOVE;
}

/* The chardev can end the connection in the middle of this */
static void vgpu_channel_flush(VGPUMediator *m)
{
    VGPUOutgoing *out;

    while (m->open && (out = QSIMPLEQ_FIRST(&m->out))) {
        size_t n = vgpu_channel_write(m, out);

        if (!n) {
            break;
        }
        out->sent += n;
        m->out_bytes -= n;
        m->out_deadline = vgpu_now() + VGPU_CHANNEL_DEADLINE_MS;
        if (out->sent == out->length) {
            QSIMPLEQ_REMOVE_HEAD(&m->out, next);
            vgpu_channel_sent(m, out->serial);
            vgpu_outgoing_free(out);
        }
    }
    vgpu_frames_writable(m);
    if (m->open && m->out_bytes && !m->out_watch) {
        m->out_watch = qemu_chr_fe_add_watch(&m->s->mediator_chr,
                                             G_IO_OUT | G_IO_HUP,
                                             vgpu_channel_can_write, m);
    }
}

/* Whatever is sent until this is called without @gather is sent together */
void vgpu_channel_gather(VGPUMediator *m, bool gather)
{
    m->is_gathering = gather;
    if (!gather && m->out_bytes) {
        vgpu_channel_flush(m);
        vgpu_channel_set_timer(m);
    }
}

static bool vgpu_outgoing_has_room(const VGPUOutgoing *out, size_t length,
                                   uint32_t serial)
{
    return out && !serial && !out->serial && !out->fd_count &&
           out->length + length <= VGPU_GATHER_MAX;
}

/* Where to put a message: notices share a place */
static VGPUOutgoing *vgpu_outgoing_for(VGPUMediator *m, size_t length,
                                       uint32_t serial, unsigned fd_count)
{
    VGPUOutgoing *out = QSIMPLEQ_LAST(&m->out, VGPUOutgoing, next);

    if (!fd_count && vgpu_outgoing_has_room(out, length, serial)) {
        return out;
    }
    out = g_malloc(sizeof(*out) + MAX(length, VGPU_GATHER_MAX));
    *out = (VGPUOutgoing) { .serial = serial };
    QSIMPLEQ_INSERT_TAIL(&m->out, out, next);
    return out;
}

static void vgpu_channel_queue_fds(VGPUMediator *m, union message *message,
                                   size_t length, uint32_t serial,
                                   const int *fds, unsigned fd_count)
{
    VGPUOutgoing *out;

    if (length > VGPU_CHANNEL_OUT_MAX - m->out_bytes) {
        vgpu_channel_stuck(m);
        return;
    }
    out = vgpu_outgoing_for(m, length, serial, fd_count);
    if (!vgpu_outgoing_dup(out, fds, fd_count)) {
        vgpu_channel_log(m, message_name(message->header.type),
                         "cannot duplicate a descriptor", strerror(errno));
        vgpu_channel_close(m);
        return;
    }

    trace_vgpu_stub_mediator_send(message_name(message->header.type), serial);
    message->header.length = length;
    message->header.descriptors = fd_count;
    message->header.serial = serial;
    message_encode(message);
    memcpy(out->bytes + out->length, message->bytes, length);
    out->length += length;
    if (!m->out_bytes) {
        m->out_deadline = vgpu_now() + VGPU_CHANNEL_DEADLINE_MS;
    }
    m->out_bytes += length;
    if (!m->is_gathering || m->out_bytes > VGPU_GATHER_MAX) {
        vgpu_channel_flush(m);
        vgpu_channel_set_timer(m);
    }
}

void vgpu_channel_queue(VGPUMediator *m, union message *message, size_t length,
                        uint32_t serial)
{
    vgpu_channel_queue_fds(m, message, length, serial, NULL, 0);
}

unsigned vgpu_channel_free_requests(const VGPUMediator *m)
{
    unsigned count = 0;

    for (size_t i = 0; i < ARRAY_SIZE(m->requests); i++) {
        count += !m->requests[i].serial;
    }
    return count;
}

static VGPURequest *vgpu_channel_free_request(VGPUMediator *m)
{
    for (size_t i = 0; i < ARRAY_SIZE(m->requests); i++) {
        if (!m->requests[i].serial) {
            return &m->requests[i];
        }
    }
    return NULL;
}

void vgpu_channel_request_fds(VGPUMediator *m, union message *message,
                              size_t length, uint32_t tag, const int *fds,
                              unsigned fd_count)
{
    VGPURequest *request = vgpu_channel_free_request(m);

    if (!m->open || !request) {
        return;
    }
    m->serial = m->serial == UINT32_MAX ? 1 : m->serial + 1;
    *request = (VGPURequest) {
        .serial = m->serial, .type = message->header.type, .tag = tag,
        .deadline = VGPU_NEVER,
    };
    vgpu_channel_queue_fds(m, message, length, m->serial, fds, fd_count);
}

void vgpu_channel_request(VGPUMediator *m, union message *message,
                          size_t length, uint32_t tag)
{
    vgpu_channel_request_fds(m, message, length, tag, NULL, 0);
}

void vgpu_channel_drop_queue(VGPUMediator *m)
{
    VGPUOutgoing *out;

    while ((out = QSIMPLEQ_FIRST(&m->out))) {
        QSIMPLEQ_REMOVE_HEAD(&m->out, next);
        vgpu_outgoing_free(out);
    }
    if (m->out_watch) {
        g_source_remove(m->out_watch);
        m->out_watch = 0;
    }
    m->out_bytes = 0;
}
