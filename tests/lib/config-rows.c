// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table of configuration space as Contract.pm reads it, after "gcc -E -P"
 */
#include "vgpu_stub_config.h"

#define ROW(NAME, FORMS, OFFSET, WIDTH, MASK, CLASS, VALUE) \
	row #NAME #FORMS OFFSET WIDTH MASK #CLASS VALUE VGPU_STUB_FORM_##FORMS;

#ifdef WITH_QUEUES
VGPU_STUB_CONFIG_WITH_QUEUES(ROW)
#else
VGPU_STUB_CONFIG(ROW)
#endif
