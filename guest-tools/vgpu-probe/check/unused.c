// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: bits without a row in the contract, which must read as zero
 */
#include "check.h"

/* The check's offset and mask give the first byte and the number of bytes */
CHECK_FUNCTION(check_unused)
{
	static uint8_t covered[CONFIG_SIZE_EXP];
	const struct config *config = &device->config;
	unsigned int end = check->offset + check->mask;
	int first = NO_OFFSET;
	bool more = false;

	for (size_t i = 0; i < sizeof(covered); i++)
		covered[i] = 0;
	cover_rows(device, covered);
	for (unsigned int i = check->offset; i < end && i < config->len; i++) {
		if (!(config->data[i] & ~covered[i]))
			continue;
		if (first == NO_OFFSET)
			first = i;
		else
			more = true;
	}
	if (first != NO_OFFSET) {
		finding->offset = first;
		found(finding, RESULT_FAIL, "0x%02x at 0x%02x%s",
		      config->data[first] & ~covered[first], first,
		      more ? ", and more" : "");
	} else if (config->len < end) {
		finding->offset = config->len;
		found(finding, RESULT_UNKNOWN, "not readable");
	} else {
		found(finding, RESULT_PASS, "zero");
	}
}
