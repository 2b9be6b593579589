// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the report as one JSON object, even if it ends in an error
 *
 * vgpu-probe.schema.json describes it and has the same version. Devices are
 * written one at a time, so that thousands need no more memory than one.
 */
#include "../error.h"
#include "../options.h"
#include "json.h"
#include "show.h"

static bool domains;	/* shown in titles */

static json_t *json_config(const struct config *config)
{
	static char hex[2 * CONFIG_SIZE_EXP + 1];

	hex[0] = '\0';
	for (unsigned int i = 0; i < config->len; i++)
		snprintf(hex + 2 * i, 3, "%02x", config->data[i]);
	return json_string(hex);
}

static json_t *json_field(const struct device *device,
			  const struct field *field, int offset)
{
	const struct config *config = &device->config;
	json_t *value = config_has(config, offset, field->width) ?
			json_integer(config_get(config, offset, field->width)) :
			json_null();

	return json_pack("{s:s, s:i, s:i, s:o}", "name", field->name,
			 "offset", offset, "width", field->width, "value", value);
}

static json_t *json_fields(const struct device *device)
{
	static struct field fields[MAX_FIELDS];
	unsigned int count = list_fields(fields);
	json_t *array = json_array();

	for (unsigned int i = 0; i < count; i++) {
		int offset = field_offset(&fields[i], device);

		if (offset != NO_OFFSET)
			json_add(array, json_field(device, &fields[i],
						   offset));
	}
	return array;
}

static json_t *json_caps(const struct chain *chain,
			 const char *(*name)(uint16_t id))
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < chain->count; i++) {
		const struct cap *cap = &chain->caps[i];

		json_add(array, json_pack("{s:i, s:s, s:i, s:i}",
			"id", cap->id, "name", name(cap->id),
			"offset", cap->offset, "version", cap->version));
	}
	return array;
}

static json_t *json_ext_caps(const struct device *device)
{
	static const struct chain none;

	return json_caps(has_ext_space(device) ? &device->ext_chain : &none,
			 ext_cap_name);
}

static json_t *json_number(long long value)
{
	return value < 0 ? json_null() : json_integer(value);
}

static json_t *json_or_null(const char *s)
{
	return json_text(s[0] ? s : NULL);
}

static json_t *json_kernel(const struct kernel *kernel)
{
	json_t *resource = json_null();

	if (!kernel->present)
		return json_null();
	if (kernel->resource_known)
		resource = json_pack("{s:I, s:I, s:I}",
				     "start", (json_int_t)kernel->start,
				     "size", (json_int_t)kernel->size,
				     "flags", (json_int_t)kernel->flags);
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "driver", json_or_null(kernel->driver),
			 "power_state", json_or_null(kernel->power_state),
			 "reset_method", json_or_null(kernel->reset_method),
			 "enable", json_number(kernel->enable),
			 "irq", json_number(kernel->irq),
			 "msi_vectors", json_number(kernel->msi),
			 "resource0", resource);
}

static json_t *json_queue(const struct queue *queue)
{
	return json_pack("{s:I, s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I}",
			 "control", (json_int_t)queue->control,
			 "status", (json_int_t)queue->status,
			 "state", queue_state_name(queue->status),
			 "error", queue_error_name(queue->status),
			 "size", (json_int_t)queue->size,
			 "vector", (json_int_t)queue->vector,
			 "sq", (json_int_t)queue->sq,
			 "cq", (json_int_t)queue->cq,
			 "index", (json_int_t)queue->index);
}

/* null if they are unknown, or if the device has none */
static json_t *json_queues(const struct registers *regs)
{
	json_t *array;

	if (!regs->known[REG_QUEUES])
		return json_null();
	array = json_array();
	for (unsigned int n = 0; n < regs->queue_count; n++)
		json_add(array, json_queue(&regs->queues[n]));
	return array;
}

static json_t *json_registers(const struct registers *regs)
{
	json_t *object;

	if (!opt.mmio)
		return json_null();
	object = json_pack("{s:o}", "source", json_text(regs->source));
	for (int reg = 0; reg < REG_COUNT; reg++)
		json_set(object, register_names[reg], regs->known[reg] ?
			 json_integer(regs->value[reg]) : json_null());
	json_set(object, "each_queue", json_queues(regs));
	return object;
}

static json_t *json_finding(const struct device *device,
			    const struct finding *finding)
{
	const struct check *check = finding->check;

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}",
			 "id", check->id, "name", check->name,
			 "severity", severity_words[check->severity],
			 "result", result_words[finding->result],
			 "space", space_words[check->space],
			 "offset", json_number(finding->offset),
			 "expected", json_text(finding->expected),
			 "found", json_text(finding->found),
			 "advice", json_text(finding_advice(device, finding)));
}

static json_t *json_findings(const struct findings *findings)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < findings->count; i++)
		json_add(array, json_finding(findings->device,
					     &findings->list[i]));
	return array;
}

static json_t *json_machines(void)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < machines.count; i++) {
		const struct machine *machine = &machines.list[i];

		json_add(array, json_pack("{s:i, s:o, s:o, s:o}",
			"pid", (int)machine->pid,
			"name", json_or_null(machine->name),
			"program", json_text(machine->program),
			"device", machine->device == PRESENCE_UNKNOWN ?
			json_null() :
			json_boolean(machine->device == PRESENCE_YES)));
	}
	return array;
}

/* A host has only machines and checks */
static json_t *json_host(const struct findings *findings)
{
	return json_pack("{s:o, s:o, s:i, s:i, s:i}",
			 "machines", json_machines(),
			 "checks", json_findings(findings),
			 "passed", findings->totals[RESULT_PASS],
			 "failed", findings->totals[RESULT_FAIL],
			 "unknown", findings->totals[RESULT_UNKNOWN]);
}

static json_t *json_device(const struct findings *findings)
{
	const struct device *device = findings->device;
	unsigned int line = device->function->line;
	char slot[32], title[512];

	format_slot(slot, sizeof(slot), &device->function->slot, true);
	format_title(title, sizeof(title), device, opt.domains || domains);
	return json_pack("{s:s, s:o, s:o, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:i}",
			 "slot", slot, "title", json_text(title),
			 "line", line ? json_integer(line) : json_null(),
			 "form", form_name(form_of(device)),
			 "queues", kind_of(device) == KIND_QUEUES,
			 "fields", json_fields(device),
			 "capabilities", json_caps(&device->chain, cap_name),
			 "extended_capabilities", json_ext_caps(device),
			 "config", json_config(&device->config),
			 "kernel", json_kernel(&device->kernel),
			 "registers", json_registers(&device->registers),
			 "checks", json_findings(findings),
			 "passed", findings->totals[RESULT_PASS],
			 "failed", findings->totals[RESULT_FAIL],
			 "unknown", findings->totals[RESULT_UNKNOWN]);
}

/*** The form ***/

static unsigned int count;
static json_t *host;

static void print_member(const char *name, json_t *value)
{
	printf(",\n  \"%s\": ", name);
	json_print(value, 2);
}

static void begin(const struct source *source)
{
	domains = source->domains;
	printf("{\n  \"schema_version\": %d,\n  \"version\": \"%s\"",
	       JSON_SCHEMA_VERSION, VGPU_PROBE_VERSION);
	print_member("source", json_text(source->name));
	printf(",\n  \"devices\": [");
}

static void show_json(const struct findings *findings)
{
	if (!findings->device) {
		host = json_host(findings);
		return;
	}
	printf("%s\n    ", count++ ? "," : "");
	json_print(json_device(findings), 4);
}

static void end(int status)
{
	json_t *hints = json_array();

	for (unsigned int i = 0; i < error.hint_count; i++)
		json_add(hints, json_text(error.hints[i]));
	printf("%s]", count ? "\n  " : "");
	if (host)
		print_member("host", host);
	print_member("hints", hints);
	/* written last, because the members before it may run out of memory */
	print_member("error", json_text(has_failed() ? error.text : NULL));
	printf(",\n  \"exit_status\": %d\n}\n",
	       has_failed() ? error.status : status);
	/* also on standard error, because the JSON may lack it */
	if (error.is_memory)
		show_error();
}

const struct form json_form = { begin, show_json, end };
