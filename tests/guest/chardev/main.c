// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tests of /dev/vgpu_stub<n> from inside a guest
 *
 *   chardev TEST [FILE]
 *
 * Each check prints a line of TAP; the last line is "end".
 */
#include "calls.h"

const char *device = "/dev/vgpu_stub0";

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "info", test_info }, { "errors", test_errors }, { "work", test_work },
	{ "events", test_events }, { "limits", test_limits }, { "uring", test_uring },
	{ "pair", test_pair }, { "bounce", test_bounce }, { "busy", keep_busy },
	{ "idle", wait_idle }, { "measure", measure }, { "random", test_random },
	{ "failing", test_failing }, { "outlive", outlive }, { "full", keep_full },
	{ "sometimes", now_and_then },
};

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc > 2)
		device = argv[2];
	for (i = 0; argc > 1 && i < sizeof(tests) / sizeof(*tests); i++) {
		if (strcmp(argv[1], tests[i].name))
			continue;
		tests[i].run();
		puts("end");
		return 0;
	}
	fprintf(stderr, "usage: chardev TEST [FILE]\n");
	return 2;
}
