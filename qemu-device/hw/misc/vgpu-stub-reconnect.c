/*
 * vgpu-stub: connect again to the mediator, without a delay
 *
 * A chardev with reconnect=1 waits for a second before it connects again. When
 * only a worker has died, the supervisor listens, and a second is long for the
 * commands that wait. QEMU 7.2 has no shorter interval, and
 * qemu_chr_fe_wait_connected() blocks, so this lets the chardev's own timer
 * expire at once. If that attempt fails, the chardev waits as usual.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "chardev/char.h"
#include "vgpu-stub-mediator.h"

/* A worker that dies sooner is not replaced at once: it may do so each time */
#define VGPU_RECONNECT_LIFE_MS  100

/* A connection ends; call this before it is marked as not ready */
void vgpu_reconnect_decide(VGPUMediator *m)
{
    m->reconnect = m->ready && vgpu_now() - m->opened >= VGPU_RECONNECT_LIFE_MS;
}

/* The chardev has started its timer, unless it has reconnect=0 */
void vgpu_reconnect(VGPUMediator *m)
{
    Chardev *chr = qemu_chr_fe_get_driver(&m->s->mediator_chr);
    GSource *source;

    if (!m->reconnect || !chr) {
        return;
    }
    m->reconnect = false;
    source = g_main_context_find_source_by_user_data(chr->gcontext, chr);
    if (source && g_source_get_name(source) &&
        g_str_has_prefix(g_source_get_name(source),
                         "chardev-socket-reconnect-")) {
        g_source_set_ready_time(source, 0);
    }
}
