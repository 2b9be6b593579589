/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ARG of the commands of hang.c */
#ifndef HANG_H
#define HANG_H

#define HANG_IN_SLICE 0x51
#define HANG_IN_SLICES 0x52

#endif
