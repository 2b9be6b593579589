// SPDX-License-Identifier: GPL-2.0-or-later
#include "schedule.h"

void schedule_wait(struct schedule *schedule, unsigned int i, uint64_t weight)
{
	schedule->entries[i].state = SCHEDULE_WAITING;
	schedule->entries[i].weight = weight;
}

void schedule_remove(struct schedule *schedule, unsigned int i)
{
	schedule->entries[i] = (struct schedule_entry){ 0 };
}

static bool is_any_waiting(const struct schedule *schedule)
{
	for (unsigned int i = 0; i < SCHEDULE_MAX; i++) {
		if (schedule->entries[i].state == SCHEDULE_WAITING)
			return true;
	}
	return false;
}

/* Returns whether the worker gets a turn. One that is idle only gets its debt reduced. */
static bool visit(struct schedule_entry *entry)
{
	if (entry->state == SCHEDULE_WORKING)
		return false;
	entry->deficit += entry->weight * SCHEDULE_QUANTUM_NS;
	if (entry->state == SCHEDULE_IDLE && entry->deficit > 0)
		entry->deficit = 0;
	return entry->state == SCHEDULE_WAITING && entry->deficit > 0;
}

/* Weights are at least 1, so the loop ends when the largest debt is paid */
int schedule_next(struct schedule *schedule, uint64_t *ns)
{
	if (!is_any_waiting(schedule))
		return -1;
	for (;;) {
		unsigned int i = schedule->next;
		struct schedule_entry *entry = &schedule->entries[i];

		schedule->next = (i + 1) % SCHEDULE_MAX;
		if (!visit(entry))
			continue;
		entry->state = SCHEDULE_WORKING;
		*ns = entry->deficit;
		return i;
	}
}

void schedule_charge(struct schedule *schedule, unsigned int i, uint64_t ns, bool idle)
{
	struct schedule_entry *entry = &schedule->entries[i];

	entry->state = SCHEDULE_IDLE;
	entry->deficit -= ns < SCHEDULE_CHARGE_MAX_NS ? ns : SCHEDULE_CHARGE_MAX_NS;
	if (idle && entry->deficit > 0)
		entry->deficit = 0;
}
