/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: the parts of the dump parser
 */
#ifndef DUMP_H
#define DUMP_H

#include "read.h"

struct text {
	char *data;
	size_t len;
};

/* file.c: even the last line ends with LF */
bool read_dump_text(const char *name, struct text *text);

enum line_kind {
	LINE_EMPTY,
	LINE_TITLE,		/* "00:02.0 ..." */
	LINE_BYTES,		/* "10: 00 00 ..." */
	LINE_OFFSET,		/* starts like bytes, but does not continue so */
	LINE_OTHER,
};

struct line {
	const char *text, *end;	/* without trailing blanks */
	enum line_kind kind;
	struct slot slot;	/* of a title */
	const char *fault;	/* why the title's slot cannot exist, or NULL */
	unsigned long offset;	/* of bytes */
	const char *bytes;	/* after the colon */
};

/* lines.c */
void parse_line(struct line *line, const char *text, const char *end);
/* These return what is wrong with a line, to follow "line N", or NULL */
const char *bytes_fault(const struct line *line);
const char *disguise(const struct line *line);
const char *title_disguise(const struct line *line);

#endif /* DUMP_H */
