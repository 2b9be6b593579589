// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the report as one JSON object, also where it ends in an error
 *
 * vgpu-probe.schema.json describes it and carries the same version.
 */
#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "../options.h"
#include "show.h"

static bool domains;	/* shown in titles */

/*
 * A string that is not UTF-8, a file's name for instance, is taken for Latin-1:
 * something readable instead of nothing.
 */
json_t *json_text(const char *s)
{
	char *utf8, *p;
	json_t *json;

	if (!s)
		return json_null();
	json = json_string(s);
	if (json)
		return json;
	utf8 = p = calloc(2, strlen(s) + 1);
	if (!utf8)
		abort();
	for (; *s; s++) {
		unsigned char c = *s;

		if (c >= 0x80)
			*p++ = 0xc0 | c >> 6;
		*p++ = c >= 0x80 ? 0x80 | (c & 0x3f) : c;
	}
	json = json_string(utf8);
	free(utf8);
	return json;
}

static json_t *json_config(const struct config *config)
{
	static char hex[2 * CONFIG_SIZE_EXP + 1];

	hex[0] = '\0';
	for (unsigned int i = 0; i < config->len; i++)
		snprintf(hex + 2 * i, 3, "%02x", config->data[i]);
	return json_string(hex);
}

static json_t *json_fields(const struct device *device)
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < field_count; i++) {
		const struct field *field = &fields[i];
		int offset = field_offset(field, device);
		json_t *value;

		if (offset == NO_OFFSET)
			continue;
		value = config_has(&device->config, offset, field->width) ?
			json_integer(config_get(&device->config, offset,
						field->width)) : json_null();
		json_array_append_new(array, json_pack("{s:s, s:i, s:i, s:o}",
			"name", field->name, "offset", offset,
			"width", field->width, "value", value));
	}
	return array;
}

static json_t *json_caps(const struct chain *chain,
			 const char *(*name)(uint16_t id))
{
	json_t *array = json_array();

	for (unsigned int i = 0; i < chain->count; i++) {
		const struct cap *cap = &chain->caps[i];

		json_array_append_new(array, json_pack("{s:i, s:s, s:i, s:i}",
			"id", cap->id, "name", name(cap->id),
			"offset", cap->offset, "version", cap->version));
	}
	return array;
}

static json_t *json_ext_caps(const struct device *device)
{
	static const struct chain none;
	bool there = device->config.len > CONFIG_SIZE &&
		     find_cap(&device->chain, PCI_CAP_ID_EXP);

	return json_caps(there ? &device->ext_chain : &none, ext_cap_name);
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
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:o}",
			 "driver", json_or_null(kernel->driver),
			 "power_state", json_or_null(kernel->power_state),
			 "reset_method", json_or_null(kernel->reset_method),
			 "enable", json_number(kernel->enable),
			 "irq", json_number(kernel->irq),
			 "msi_vectors", (json_int_t)kernel->msi,
			 "resource0", resource);
}

static json_t *json_registers(const struct registers *regs)
{
	json_t *object;

	if (!opt.mmio)
		return json_null();
	object = json_pack("{s:o}", "source", json_text(regs->source));
	for (int reg = 0; reg < REG_COUNT; reg++)
		json_object_set_new(object, register_names[reg],
				    regs->known[reg] ?
				    json_integer(regs->value[reg]) :
				    json_null());
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
		json_array_append_new(array,
				      json_finding(findings->device,
						   &findings->list[i]));
	return array;
}

/* The host has checks and nothing else */
static json_t *json_host(const struct findings *findings)
{
	return json_pack("{s:o, s:i, s:i, s:i}",
			 "checks", json_findings(findings),
			 "passed", findings->totals[RESULT_PASS],
			 "failed", findings->totals[RESULT_FAIL],
			 "unknown", findings->totals[RESULT_UNKNOWN]);
}

static json_t *json_device(const struct findings *findings)
{
	const struct device *device = findings->device;
	char slot[32], title[512];

	format_slot(slot, sizeof(slot), &device->function->slot, true);
	format_title(title, sizeof(title), device, opt.domains || domains);
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:i}",
			 "slot", slot, "title", json_text(title),
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

/* What every object begins with */
json_t *json_head(void)
{
	return json_pack("{s:i, s:s}", "schema_version", JSON_SCHEMA_VERSION,
			 "version", VGPU_PROBE_VERSION);
}

void json_show(json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(json);
}

/*** The form ***/

static json_t *report, *devices;

static void begin(const struct source *source)
{
	domains = source->domains;
	report = json_head();
	devices = json_array();
	json_object_set_new(report, "source", json_text(source->name));
	json_object_set_new(report, "devices", devices);
}

static void show_json(const struct findings *findings)
{
	if (findings->device)
		json_array_append_new(devices, json_device(findings));
	else
		json_object_set_new(report, "host", json_host(findings));
}

static void end(int status)
{
	json_t *hints = json_array();

	for (unsigned int i = 0; i < error.hint_count; i++)
		json_array_append_new(hints, json_text(error.hints[i]));
	json_object_set_new(report, "error",
			    json_text(has_failed() ? error.text : NULL));
	json_object_set_new(report, "hints", hints);
	json_object_set_new(report, "exit_status", json_integer(status));
	json_show(report);
}

const struct form json_form = { begin, show_json, end };
