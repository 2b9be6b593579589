// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-run: the result as text and as JSON
 */
#include <jansson.h>
#include <stdio.h>

#include "run.h"

static double rate(const struct result *result)
{
	return result->seconds > 0 ? result->done / result->seconds : 0;
}

/* Bytes of a command */
static uint64_t data_size(const struct options *options)
{
	return options->operation == OP_NOP ? 0 : options->size;
}

static double percentile_us(const struct result *result, unsigned int percent)
{
	return latency_percentile(&result->latency, percent) / 1e3;
}

static void show_size(uint64_t size)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB" };
	unsigned int unit = 0;

	while (unit < 3 && size && !(size & 1023)) {
		size >>= 10;
		unit++;
	}
	printf(" of %llu %s", (unsigned long long)size, units[unit]);
}

void show_text(const struct options *options, const struct result *result)
{
	uint64_t size = data_size(options);

	printf("%s: %llu commands", operation_names[options->operation],
	       (unsigned long long)result->done);
	if (size)
		show_size(size);
	printf(", %u in flight, %.3f s\n", options->depth, result->seconds);
	printf("rate: %.0f commands/s", rate(result));
	if (size)
		printf(", %.1f MB/s", rate(result) * size / 1e6);
	printf("\nlatency: p50 %.1f us, p90 %.1f us, p99 %.1f us, max %.1f us\n",
	       percentile_us(result, 50), percentile_us(result, 90),
	       percentile_us(result, 99), percentile_us(result, 100));
	if (options->verify)
		printf("verified: all %llu results are correct\n",
		       (unsigned long long)result->verified);
}

static json_t *pack_latency(const struct result *result)
{
	return json_pack("{s:f, s:f, s:f, s:f, s:f}",
			 "min", result->latency.min_ns / 1e3,
			 "p50", percentile_us(result, 50),
			 "p90", percentile_us(result, 90),
			 "p99", percentile_us(result, 99),
			 "max", percentile_us(result, 100));
}

/* NULL if it is not UTF-8, which a name on the command line need not be */
static json_t *pack_error(void)
{
	json_t *text;

	if (error_status() == EXIT_GOOD)
		return json_null();
	text = json_string(error_text());
	return text ? text : json_string("not UTF-8, see standard error");
}

/* What is there even if no command was run */
static json_t *pack_end(void)
{
	return json_pack("{s:s, s:o, s:i}", "version", VGPU_RUN_VERSION,
			 "error", pack_error(),
			 "exit_status", (int)error_status());
}

static json_t *pack_result(const struct options *options,
			   const struct result *result)
{
	return json_pack("{s:s, s:I, s:i, s:I, s:f, s:f, s:f, s:o, s:o}",
			 "operation", operation_names[options->operation],
			 "size", (json_int_t)data_size(options),
			 "depth", (int)options->depth,
			 "commands", (json_int_t)result->done,
			 "seconds", result->seconds,
			 "commands_per_second", rate(result),
			 "bytes_per_second", rate(result) * data_size(options),
			 "latency_us", pack_latency(result),
			 "verified", options->verify ?
				json_integer(result->verified) : json_null());
}

/* NULL if there is no memory */
static json_t *pack_all(const struct options *options,
			const struct result *result)
{
	json_t *json = pack_end();

	if (!json || !result->done ||
	    !json_object_update_new(json, pack_result(options, result)))
		return json;
	json_decref(json);
	return NULL;
}

void show_json(const struct options *options, const struct result *result)
{
	json_t *json = pack_all(options, result);

	if (!json || json_dumpf(json, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12)))
		fail(EXIT_USAGE, "cannot write the result as JSON");
	putchar('\n');
	json_decref(json);
}
