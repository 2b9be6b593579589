// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>
#include "records.h"

static uint64_t load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* The worker can change the page meanwhile */
void record_name(const struct metrics *metrics, char name[VGPU_MEDIATOR_NAME_MAX])
{
	memcpy(name, metrics->name, VGPU_MEDIATOR_NAME_MAX);
	name[VGPU_MEDIATOR_NAME_MAX - 1] = 0;
	for (char *at = name; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	}
}

/* The record that changed the longest time ago, of a VM that is not connected */
static struct record *oldest(struct records *records)
{
	struct record *found = records->records;

	for (unsigned int i = 0; i < records->count; i++) {
		if (records->records[i].last < found->last)
			found = &records->records[i];
	}
	return found;
}

/* Half of the records are for VMs that were connected, so that their names do not end */
static struct record *find_or_add(struct records *records, const char *name,
				  enum worker_end end)
{
	unsigned int max = end == WORKER_CONNECTED ? RECORDS_MAX : RECORDS_MAX - 256;
	struct record *record = records->records;

	while (record < records->records + records->count && strcmp(record->name, name))
		record++;
	if (record < records->records + records->count)
		return record;
	record = records->count < max ? &records->records[records->count++] : oldest(records);
	memset(record, 0, sizeof(*record));
	strcpy(record->name, name);
	return record;
}

static void add_state(struct record *record, const struct metrics *metrics, int64_t since)
{
	uint32_t path = __atomic_load_n(&metrics->path, __ATOMIC_RELAXED);

	record->queues += __atomic_load_n(&metrics->queues, __ATOMIC_RELAXED) % 256;
	record->load.commands += load(&metrics->load.commands);
	record->load.bytes += load(&metrics->load.bytes);
	record->memory += load(&metrics->memory);
	if (path == PATH_SHARED || path == PATH_FRAMED)
		record->paths |= 1U << path;
	if (!record->devices || since < record->since)
		record->since = since;
	record->devices++;
}

void records_add(struct records *records, const struct metrics *metrics, int64_t since,
		 int64_t now, enum worker_end end)
{
	char name[VGPU_MEDIATOR_NAME_MAX];
	struct record *record;

	record_name(metrics, name);
	if (!name[0])
		return;
	record = find_or_add(records, name, end);
	record->last = now;
	record->workers++;
	record->crashes += end == WORKER_CRASHED;
	record->kills += end == WORKER_KILLED;
	record->commands += load(&metrics->commands);
	record->failed += load(&metrics->failed);
	record->bytes += load(&metrics->bytes);
	record->busy_ns += load(&metrics->busy_ns);
	record->faults += load(&metrics->faults);
	for (unsigned int i = 0; i < METRICS_BUCKETS; i++)
		record->latency[i] += load(&metrics->latency[i]);
	if (end == WORKER_CONNECTED)
		add_state(record, metrics, since);
}

uint64_t record_percentile(const struct record *record, unsigned int percent)
{
	uint64_t total = 0, below = 0;

	for (unsigned int i = 0; i < METRICS_BUCKETS; i++)
		total += record->latency[i];
	for (unsigned int i = 0; total && i < METRICS_BUCKETS; i++) {
		below += record->latency[i];
		if (below >= total - total / 100 * (100 - percent) -
			     total % 100 * (100 - percent) / 100)
			return metrics_limit(i);
	}
	return 0;
}
