/*
 * vgpu-stub: the mediator, from the first message to its absence
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <glib-unix.h>
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/error-report.h"
#include "qemu/timer.h"
#include "trace.h"
#include "vgpu-stub-mediator.h"

/* For the messages and the log: no byte may control a terminal */
static void vgpu_mediator_set_name(VGPUMediator *m)
{
    pstrcpy(m->name, sizeof(m->name), qemu_get_vm_name() ?: "");
    for (char *p = m->name; *p; p++) {
        if ((uint8_t)*p < 0x20 || *p == 0x7f) {
            *p = '?';
        }
    }
    if (!m->name[0]) {
        pstrcpy(m->name, sizeof(m->name), "unnamed");
    }
}

/* Commands: whether the back end is there */

/* Whether a worker that refused the shared path has the other one */
static bool vgpu_mediator_can_serve(const VGPUMediator *m)
{
    return !m->is_refused || m->features & VGPU_MEDIATOR_FEATURE_FRAMED;
}

VGPUBackEnd vgpu_back_end(VGPUStubState *s)
{
    VGPUMediator *m = s->mediator;

    if (!m || (m->ready && vgpu_mediator_can_serve(m))) {
        return VGPU_BACK_END_READY;
    }
    return m->away ? VGPU_BACK_END_AWAY : VGPU_BACK_END_EXPECTED;
}

VGPUPath vgpu_path(VGPUStubState *s)
{
    VGPUMediator *m = s->mediator;

    if (m && m->ready && !m->is_refused && vgpu_memory_is_shared(m) &&
        m->features & VGPU_MEDIATOR_FEATURE_SHARED) {
        return VGPU_PATH_SHARED;
    }
    if (m && m->ready && m->features & VGPU_MEDIATOR_FEATURE_FRAMED) {
        return VGPU_PATH_FRAMED;
    }
    return VGPU_PATH_EMBEDDED;
}

/* What is sent in between is sent together */
void vgpu_mediator_gather(VGPUStubState *s, bool gather)
{
    if (s->mediator) {
        vgpu_channel_gather(s->mediator, gather);
    }
}

static void vgpu_mediator_give_up(void *opaque)
{
    VGPUMediator *m = opaque;

    m->away = true;
    trace_vgpu_stub_mediator_away();
    vgpu_queues_kick(m->s);
    vgpu_shared_update(m->s);
}

/* The worker cannot use the shared path */
void vgpu_mediator_refused(VGPUMediator *m)
{
    if (vgpu_mediator_can_serve(m)) {
        vgpu_queues_kick(m->s);
    } else {
        vgpu_mediator_give_up(m);
    }
}

static void vgpu_mediator_expect(VGPUMediator *m)
{
    m->away = !m->s->mediator_timeout;
    if (!m->away) {
        timer_mod(m->away_timer, vgpu_now() + m->s->mediator_timeout);
    }
    vgpu_queues_kick(m->s);
}

/* The lifeline: hangs up when no process of the back end can access memory */

static void vgpu_lifeline_close(VGPUMediator *m)
{
    if (m->lifeline_watch) {
        g_source_remove(m->lifeline_watch);
        m->lifeline_watch = 0;
    }
    if (m->lifeline >= 0) {
        close(m->lifeline);
        m->lifeline = -1;
    }
}

static void vgpu_mediator_send_hello(VGPUMediator *m);

static void vgpu_lifeline_ended(VGPUMediator *m)
{
    vgpu_lifeline_close(m);
    vgpu_shared_worker_ended(m);
    if (m->hello_waits) {
        vgpu_mediator_send_hello(m);
    } else if (m->open) {
        vgpu_channel_close(m);
    }
}

static gboolean vgpu_lifeline_hung_up(gint fd, GIOCondition condition,
                                      gpointer opaque)
{
    VGPUMediator *m = opaque;

    m->lifeline_watch = 0;
    vgpu_lifeline_ended(m);
    return G_SOURCE_REMOVE;
}

static bool vgpu_lifeline_has_hung_up(const VGPUMediator *m, int timeout_ms)
{
    GPollFD poll = { .fd = m->lifeline };

    return g_poll(&poll, 1, timeout_ms) == 1 && poll.revents & G_IO_HUP;
}

/*
 * End the connection and wait until no process of the back end can access
 * memory, or for a second
 */
void vgpu_mediator_end_worker(VGPUMediator *m)
{
    if (m->open) {
        vgpu_channel_close(m);
    }
    if (m->connected) {
        qemu_chr_fe_disconnect(&m->s->mediator_chr);
    }
    if (m->lifeline >= 0 &&
        vgpu_lifeline_has_hung_up(m, VGPU_CHANNEL_DEADLINE_MS)) {
        vgpu_lifeline_ended(m);
    }
}

static bool vgpu_is_lifeline(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) &&
           (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
}

/* Watch only for hang-up: what a worker writes is never read */
static bool vgpu_lifeline_open(VGPUMediator *m)
{
    int fd = vgpu_channel_take_fd(m, 0);

    if (!vgpu_is_lifeline(fd)) {
        close(fd);
        return false;
    }
    m->lifeline = fd;
    m->lifeline_watch = g_unix_fd_add(fd, G_IO_HUP, vgpu_lifeline_hung_up, m);
    return true;
}

/* The handshake */

static uint32_t vgpu_mediator_paths(const VGPUMediator *m)
{
    return (m->table.is_shared ? VGPU_MEDIATOR_FEATURE_SHARED : 0) |
           VGPU_MEDIATOR_FEATURE_FRAMED;
}

static void vgpu_mediator_send_hello(VGPUMediator *m)
{
    union message message = { .hello = {
        .header.type = VGPU_MEDIATOR_HELLO,
        .version_min = VGPU_MEDIATOR_VERSION,
        .version_max = VGPU_MEDIATOR_VERSION,
        .features = vgpu_mediator_paths(m),
        .queues = m->s->queue_count,
    } };

    m->hello_waits = false;
    m->hello_deadline = vgpu_now() + VGPU_CHANNEL_DEADLINE_MS;
    memcpy(message.hello.name, m->name, sizeof(m->name));
    vgpu_channel_request(m, &message, sizeof(message.hello), 0);
}

/* Two workers never serve one device */
void vgpu_mediator_opened(VGPUMediator *m)
{
    if (m->no_path) {
        vgpu_channel_close(m);
    } else if (m->lifeline >= 0) {
        m->hello_waits = true;
        m->hello_deadline = VGPU_NEVER;
    } else {
        vgpu_mediator_send_hello(m);
    }
}

static bool vgpu_mediator_offers(const VGPUMediator *m,
                                 const struct vgpu_mediator_hello_answer *hello)
{
    return hello->version == VGPU_MEDIATOR_VERSION &&
           !(hello->features & ~vgpu_mediator_paths(m)) &&
           hello->credit_out <= VGPU_FRAMES_CREDIT_MAX;
}

static void vgpu_mediator_hello(VGPUMediator *m)
{
    const struct vgpu_mediator_hello_answer *hello = &m->in.hello_answer;

    if (!vgpu_mediator_offers(m, hello)) {
        vgpu_channel_fault(m, VGPU_MEDIATOR_BAD_VALUE, "not what was offered");
        return;
    }
    if (!vgpu_lifeline_open(m)) {
        vgpu_channel_fault(m, VGPU_MEDIATOR_BAD_DESCRIPTORS, "not a pipe");
        return;
    }
    if (!hello->features) {
        m->no_path = true;
        error_report("vgpu-stub: VM %s: cannot use the mediator: it has no way "
                     "to serve queues in common with this device; it is not "
                     "asked again before QEMU is restarted", m->name);
        vgpu_channel_close(m);
        return;
    }
    m->features = hello->features;
    m->ready = true;
    m->away = m->is_refused = false;
    m->frames.first_credit = hello->credit_out;
    vgpu_frames_reset(m);
    timer_del(m->away_timer);
    trace_vgpu_stub_mediator_ready(hello->features);
    vgpu_queues_kick(m->s);
    vgpu_shared_update(m->s);
}

void vgpu_mediator_message(VGPUMediator *m)
{
    if (vgpu_frames_message(m)) {
        return;
    }
    switch (m->in.header.type) {
    case VGPU_MEDIATOR_HELLO | VGPU_MEDIATOR_ANSWER:
        vgpu_mediator_hello(m);
        break;
    case VGPU_MEDIATOR_PING | VGPU_MEDIATOR_ANSWER:
        break;
    default:
        vgpu_shared_message(m);
    }
}

void vgpu_mediator_ended(VGPUMediator *m)
{
    m->hello_waits = false;
    if (m->lifeline >= 0 && vgpu_lifeline_has_hung_up(m, 0)) {
        vgpu_lifeline_ended(m);
    }
    vgpu_frames_lost(m);
    if (!timer_pending(m->away_timer) && !m->away) {
        vgpu_mediator_expect(m);
    }
}

/* Life cycle */

static bool vgpu_mediator_wanted(VGPUStubState *s)
{
    return qemu_chr_fe_backend_connected(&s->mediator_chr);
}

bool vgpu_mediator_check(VGPUStubState *s, Error **errp)
{
    if (!s->queue_count && vgpu_mediator_wanted(s)) {
        error_setg(errp, "vgpu-stub: mediator= needs queues: remove queues=0, "
                   "or mediator=");
        return false;
    }
    return true;
}

/* The machine has its memory now, and perhaps an IOMMU */
static void vgpu_mediator_machine_done(Notifier *notifier, void *unused)
{
    VGPUMediator *m = container_of(notifier, VGPUMediator, machine_done);

    vgpu_memory_realize(m);
    vgpu_channel_realize(m);
}

void vgpu_mediator_realize(VGPUStubState *s)
{
    VGPUMediator *m;

    if (!vgpu_mediator_wanted(s)) {
        return;
    }
    m = g_new0(VGPUMediator, 1);
    m->s = s;
    m->lifeline = -1;
    m->away_timer = timer_new_ms(QEMU_CLOCK_REALTIME, vgpu_mediator_give_up, m);
    s->mediator = m;
    vgpu_mediator_set_name(m);
    vgpu_shared_realize(m);
    vgpu_mediator_expect(m);
    m->machine_done.notify = vgpu_mediator_machine_done;
    qemu_add_machine_init_done_notifier(&m->machine_done);
}

void vgpu_mediator_unrealize(VGPUStubState *s)
{
    VGPUMediator *m = s->mediator;

    if (!m) {
        return;
    }
    qemu_remove_machine_init_done_notifier(&m->machine_done);
    vgpu_channel_unrealize(m);
    vgpu_memory_unrealize(m);
    vgpu_shared_unrealize(m);
    vgpu_lifeline_close(m);
    timer_del(m->away_timer);
    timer_free(m->away_timer);
    g_clear_pointer(&s->mediator, g_free);
}
