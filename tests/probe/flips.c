// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Flip every bit of a dump's device, one at a time, and run vgpu-probe's checks. For
 * each bit, print its offset, its number in the byte and the checks that do not pass.
 *
 *   flips DUMP
 */
#include <stdio.h>

#include "check/check.h"
#include "error.h"
#include "options.h"

static struct source source;
static struct device device;
static struct findings findings;

static void check(void)
{
	unsigned int count;
	const struct check *checks = device_checks(&count);

	walk_chain(&device.config, &device.chain);
	walk_ext_chain(&device.config, &device.ext_chain);
	run_checks(&device, checks, count, &findings);
	for (unsigned int i = 0; i < findings.count; i++)
		if (findings.list[i].result != RESULT_PASS)
			printf(" %s", findings.list[i].check->id);
	putchar('\n');
}

int main(int argc, char **argv)
{
	char all[] = ":";

	opt.id = all;
	if (argc != 2 || !open_source(&source, argv[1]) ||
	    !read_device(&source, source.functions, &device)) {
		fprintf(stderr, "flips: %s\n", error.text);
		return 2;
	}
	for (unsigned int offset = 0; offset < device.config.len; offset++)
		for (unsigned int bit = 0; bit < 8; bit++) {
			device.config.data[offset] ^= 1 << bit;
			printf("%u %u", offset, bit);
			check();
			device.config.data[offset] ^= 1 << bit;
		}
	return 0;
}
