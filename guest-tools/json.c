// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the report as one JSON object, also where it ends in an error
 *
 * vgpu-probe(8) describes it. Strings are the tool's own ASCII, but for what
 * the user gave and what libpci says of it.
 */
#include <stdio.h>

#include "probe.h"

#define SCHEMA_VERSION	1

static const char *const result_words[RESULT_COUNT] = {
	[RESULT_PASS] = "pass",
	[RESULT_FAIL] = "fail",
	[RESULT_UNKNOWN] = "unknown",
};

/*
 * A byte outside ASCII is written as the code point of the same number: a file
 * name need not be UTF-8, the JSON text must be.
 */
static void put_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void put_member(const char *name, const char *value)
{
	printf("\"%s\": ", name);
	if (value)
		put_string(value);
	else
		printf("null");
}

static void put_config(const struct config *config)
{
	printf("\"config\": \"");
	for (unsigned int i = 0; i < config->len; i++)
		printf("%02x", config->data[i]);
	putchar('"');
}

static void put_caps(const struct chain *chain)
{
	printf("\"capabilities\": [");
	for (unsigned int i = 0; i < chain->count; i++)
		printf("%s{\"id\": %u, \"offset\": %u}", i ? ", " : "",
		       chain->caps[i].id, chain->caps[i].offset);
	putchar(']');
}

static void put_finding(const struct finding *finding)
{
	printf("\n       {");
	put_member("id", finding->id);
	printf(", ");
	put_member("name", finding->name);
	printf(", ");
	put_member("result", result_words[finding->result]);
	if (finding->offset == NO_OFFSET)
		printf(", \"offset\": null, ");
	else
		printf(", \"offset\": %d, ", finding->offset);
	put_member("expected", finding->expected);
	printf(", ");
	put_member("found", finding->found);
	putchar('}');
}

static void put_checks(const struct device *device)
{
	printf("\"checks\": [");
	for (unsigned int i = 0; i < device->finding_count; i++) {
		if (i)
			putchar(',');
		put_finding(&device->findings[i]);
	}
	putchar(']');
}

static void put_device(const struct device *device)
{
	printf("\n    {\"slot\": \"%04x:%02x:%02x.%d\",\n     ",
	       device->pci->domain, device->pci->bus, device->pci->dev,
	       device->pci->func);
	put_config(&device->config);
	printf(",\n     ");
	put_caps(&device->chain);
	printf(",\n     ");
	put_checks(device);
	printf(",\n     \"passed\": %u, \"failed\": %u, \"unknown\": %u}",
	       device->totals[RESULT_PASS], device->totals[RESULT_FAIL],
	       device->totals[RESULT_UNKNOWN]);
}

void show_json(const struct report *report)
{
	printf("{\"schema_version\": %d, ", SCHEMA_VERSION);
	put_member("version", VGPU_PROBE_VERSION);
	printf(",\n ");
	put_member("source", report->source);
	printf(",\n \"devices\": [");
	for (struct device *d = report->devices; d; d = d->next) {
		put_device(d);
		if (d->next)
			putchar(',');
	}
	printf("],\n ");
	put_member("error", report->error);
	printf(",\n \"exit_status\": %d}\n", report->status);
}
