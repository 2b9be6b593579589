// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Contract.pm preprocesses this with "gcc -E -P" and parses the rows
 */
#include "vgpu_stub_config.h"

#define ROW(NAME, FORMS, OFFSET, WIDTH, MASK, CLASS, VALUE) \
	row #NAME #FORMS OFFSET WIDTH MASK #CLASS VALUE VGPU_STUB_FORM_##FORMS;

#ifdef WITH_QUEUES
VGPU_STUB_CONFIG_WITH_QUEUES(ROW)
#else
VGPU_STUB_CONFIG(ROW)
#endif
