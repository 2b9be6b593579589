// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the registers in BAR0 as text (--mmio)
 */
#include <inttypes.h>

#include "show.h"

static void show_register(const struct registers *regs, int reg)
{
	uint32_t value = regs->value[reg];

	if (!regs->known[reg])
		return;
	printf("\tBAR0+0x%03x  %-21s%08x", register_offsets[reg],
	       register_names[reg], value);
	if (reg == REG_VERSION)
		printf("  %u.%u", VGPU_STUB_MAJOR(value),
		       VGPU_STUB_MINOR(value));
	putchar('\n');
}

static void show_queue(const struct queue *queue, unsigned int number)
{
	const char *error = queue_error_name(queue->status);

	printf("\tqueue %-6u %s%s%s, %u entries, ", number,
	       queue_state_name(queue->status), *error ? ": " : "", error,
	       queue->size);
	if (queue->vector == VGPU_STUB_VECTOR_NONE)
		printf("no vector");
	else
		printf("vector %u", queue->vector);
	printf(", rings at 0x%" PRIx64 " and 0x%" PRIx64 ", indices at 0x%" PRIx64 "\n",
	       queue->sq, queue->cq, queue->index);
}

void show_registers(const struct registers *regs)
{
	for (int reg = 0; reg < REG_COUNT; reg++)
		show_register(regs, reg);
	for (unsigned int n = 0; n < regs->queue_count; n++)
		show_queue(&regs->queues[n], n);
}
