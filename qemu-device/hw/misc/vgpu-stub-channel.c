/*
 * vgpu-stub: the connection to the mediator, its deadlines and its end
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "trace.h"
#include "vgpu-stub-mediator.h"

/*
 * A timer that runs so late shows that QEMU's main loop was busy. It then reads
 * what has arrived meanwhile, for this time, before a deadline has passed.
 */
#define VGPU_LATE_MS    50

int64_t vgpu_now(void)
{
    return qemu_clock_get_ms(QEMU_CLOCK_REALTIME);
}

/* Time */

static int64_t vgpu_channel_deadline(const VGPUMediator *m)
{
    int64_t deadline = m->ready ? VGPU_NEVER : m->hello_deadline;

    if (m->received) {
        deadline = MIN(deadline, m->in_deadline);
    }
    if (m->out_bytes) {
        deadline = MIN(deadline, m->out_deadline);
    }
    for (size_t i = 0; i < ARRAY_SIZE(m->requests); i++) {
        if (m->requests[i].serial) {
            deadline = MIN(deadline, m->requests[i].deadline);
        }
    }
    return MAX(deadline, m->grace);
}

void vgpu_channel_set_timer(VGPUMediator *m)
{
    int64_t deadline = m->open ? vgpu_channel_deadline(m) : VGPU_NEVER;

    if (deadline == VGPU_NEVER) {
        timer_del(m->timer);
    } else {
        timer_mod(m->timer, deadline);
    }
}

/* The end of a connection */

void vgpu_channel_close(VGPUMediator *m)
{
    vgpu_reconnect_decide(m);
    m->open = m->ready = false;
    m->ended = true;
    vgpu_channel_set_timer(m);
    qemu_bh_schedule(m->end_bh);
}

void vgpu_channel_log(const VGPUMediator *m, const char *message,
                      const char *fault, const char *detail)
{
    error_report("vgpu-stub: VM %s: the connection to the mediator was closed: "
                 "%s: %s%s%s", m->name, message, fault, detail[0] ? ": " : "",
                 detail);
}

void vgpu_channel_stuck(VGPUMediator *m)
{
    vgpu_channel_log(m, "a message", "the mediator does not receive", "");
    vgpu_channel_close(m);
}

/* A fault in the message @type, or in its answer if that is late */
static void vgpu_channel_fault_in(VGPUMediator *m, unsigned code,
                                  unsigned type, uint32_t serial,
                                  const char *detail)
{
    union message error = { .error = {
        .header.type = VGPU_MEDIATOR_ERROR,
        .code = code, .type = type, .serial = serial,
    } };

    if (!m->open) {
        return;
    }
    vgpu_channel_log(m, type ? message_name(type) : "a message",
                     message_fault_name(code), detail);
    pstrcpy((char *)error.error.text, sizeof(error.error.text), detail);
    vgpu_channel_queue(m, &error, sizeof(error.error), 0);
    vgpu_channel_close(m);
}

void vgpu_channel_fault(VGPUMediator *m, unsigned code, const char *detail)
{
    bool has_header = m->received >= VGPU_HEADER_SIZE;

    vgpu_channel_fault_in(m, code, has_header ? m->in.header.type : 0,
                          has_header ? m->in.header.serial : 0, detail);
}

static void vgpu_channel_late_answer(VGPUMediator *m, int64_t now)
{
    for (size_t i = 0; i < ARRAY_SIZE(m->requests) && m->open; i++) {
        VGPURequest *request = &m->requests[i];

        if (request->serial && now >= request->deadline) {
            vgpu_channel_fault_in(m, VGPU_MEDIATOR_BAD_TIMEOUT, request->type,
                                  request->serial, "no answer in time");
        }
    }
}

static void vgpu_channel_timeout(void *opaque)
{
    VGPUMediator *m = opaque;
    int64_t now = vgpu_now();

    if (now - vgpu_channel_deadline(m) > VGPU_LATE_MS) {
        m->grace = now + VGPU_LATE_MS;
        vgpu_channel_set_timer(m);
        return;
    }
    if (m->open && m->out_bytes && now >= m->out_deadline) {
        vgpu_channel_stuck(m);
    }
    if (m->open && m->received && now >= m->in_deadline) {
        vgpu_channel_fault(m, VGPU_MEDIATOR_BAD_TIMEOUT, "incomplete");
    }
    if (m->open && !m->ready && now >= m->hello_deadline) {
        vgpu_channel_fault_in(m, VGPU_MEDIATOR_BAD_TIMEOUT, VGPU_MEDIATOR_HELLO,
                              0, "no answer in time");
    }
    vgpu_channel_late_answer(m, now);
    vgpu_channel_set_timer(m);
}

/* Connections */

static void vgpu_channel_clear(VGPUMediator *m)
{
    vgpu_channel_drop_queue(m);
    vgpu_channel_drop_fds(m);
    m->received = 0;
    m->serial = 0;
    memset(m->requests, 0, sizeof(m->requests));
}

/* A bottom half, because the chardev may be in the middle of reading */
static void vgpu_channel_end(void *opaque)
{
    VGPUMediator *m = opaque;

    if (!m->ended) {
        return;
    }
    m->ended = false;
    vgpu_channel_clear(m);
    vgpu_mediator_ended(m);
    if (m->connected) {
        qemu_chr_fe_disconnect(&m->s->mediator_chr);
    }
    vgpu_reconnect(m);
}

static void vgpu_channel_open(VGPUMediator *m)
{
    /* the bottom half may not have run yet */
    m->connected = false;
    vgpu_channel_end(m);
    m->connected = m->open = true;
    m->opened = vgpu_now();
    m->hello_deadline = vgpu_now() + VGPU_CHANNEL_DEADLINE_MS;
    vgpu_mediator_opened(m);
    vgpu_channel_set_timer(m);
}

static void vgpu_channel_event(void *opaque, QEMUChrEvent event)
{
    VGPUMediator *m = opaque;

    if (event == CHR_EVENT_OPENED) {
        vgpu_channel_open(m);
    } else if (event == CHR_EVENT_CLOSED) {
        m->connected = false;
        if (m->open && m->received) {
            vgpu_channel_log(m, m->received < VGPU_HEADER_SIZE ? "a message"
                             : message_name(m->in.header.type), "ends early",
                             "");
        }
        if (m->open) {
            vgpu_channel_close(m);
        }
    }
}

void vgpu_channel_realize(VGPUMediator *m)
{
    QSIMPLEQ_INIT(&m->out);
    m->end_bh = qemu_bh_new(vgpu_channel_end, m);
    m->timer = timer_new_ms(QEMU_CLOCK_REALTIME, vgpu_channel_timeout, m);
    qemu_chr_fe_set_handlers(&m->s->mediator_chr, vgpu_channel_can_read,
                             vgpu_channel_read, vgpu_channel_event, NULL, m,
                             NULL, true);
}

void vgpu_channel_unrealize(VGPUMediator *m)
{
    if (!m->timer) {
        return; /* the machine was never complete */
    }
    m->open = m->ready = m->ended = false;
    qemu_chr_fe_set_handlers(&m->s->mediator_chr, NULL, NULL, NULL, NULL, NULL,
                             NULL, false);
    vgpu_channel_clear(m);
    if (m->connected) {
        qemu_chr_fe_disconnect(&m->s->mediator_chr);
    }
    m->connected = false;
    timer_del(m->timer);
    timer_free(m->timer);
    qemu_bh_delete(m->end_bh);
}
