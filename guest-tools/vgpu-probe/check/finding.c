// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: what a check found
 */
#include <stdarg.h>

#include "check.h"

const char *const result_words[RESULT_COUNT] = {
	[RESULT_PASS] = "pass",
	[RESULT_FAIL] = "fail",
	[RESULT_UNKNOWN] = "unknown",
};

const char *const severity_words[SEVERITY_COUNT] = {
	[SEVERITY_ERROR] = "error",
	[SEVERITY_WARNING] = "warning",
};

const char *const space_words[SPACE_COUNT] = {
	[SPACE_CONFIG] = "config",
	[SPACE_KERNEL] = "kernel",
	[SPACE_BAR0] = "bar0",
	[SPACE_HOST] = "host",
};

void found(struct finding *finding, enum result result, const char *fmt, ...)
{
	va_list args;

	finding->result = result;
	va_start(args, fmt);
	vsnprintf(finding->found, sizeof(finding->found), fmt, args);
	va_end(args);
}

bool get_value(const struct check *check, const struct device *device,
	       struct finding *finding, uint32_t *value)
{
	if (!config_has(&device->config, finding->offset, check->width)) {
		found(finding, RESULT_UNKNOWN, "not readable");
		return false;
	}
	*value = config_get(&device->config, finding->offset, check->width);
	return true;
}
