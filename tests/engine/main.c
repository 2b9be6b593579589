// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of the engine: prints TAP */
#include <stdio.h>
#include "host.h"

int main(void)
{
	test_statuses();
	test_buffers();
	test_data();
	printf("1..%d\n", ok_count());
	return 0;
}
