// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: dumps written by lspci -x, -xxx and -xxxx or by vgpu-probe
 *
 * A function is a title followed by lines of bytes from offset 0 without a gap.
 * Other lines are ignored, unless they look like damaged bytes. Then the file is
 * refused, because it no longer shows what was read from the device.
 */
#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "dump.h"

struct parser {
	struct source *source;
	unsigned int number;	/* of the line */
	struct line line;

	unsigned int title;	/* line of the last title, 0 if none */
	struct slot slot;
	const char *slot_fault;
	bool is_open;		/* no empty line since the title */
	unsigned int empty;	/* the first empty line since the title */
	bool has_bytes;		/* of the last title */
	unsigned int next;	/* offset at which they continue */
	unsigned int last;	/* line of the last bytes */
	unsigned int other;	/* line of the first other text after them */

	unsigned int lost;	/* line of a damaged title, 0 if none */
	char lost_why[160];

	uint8_t *store;		/* where the next byte is put */
	unsigned int room;	/* for functions */
};

static const char *name_of(const struct parser *p)
{
	return strcmp(p->source->name, "-") ? p->source->name : "standard input";
}

static bool refuse(const struct parser *p, const char *why)
{
	return fail(EXIT_USAGE, "%s: line %u %s", name_of(p), p->number, why);
}

/*** Functions ***/

static bool add_function(struct parser *p)
{
	struct source *source = p->source;
	struct function *functions;

	if (source->function_count == p->room) {
		p->room = p->room ? 2 * p->room : 16;
		functions = realloc(source->functions,
				    p->room * sizeof(*functions));
		if (!functions)
			return out_of_memory();
		source->functions = functions;
	}
	source->functions[source->function_count++] = (struct function){
		.slot = p->slot, .line = p->title, .data = p->store,
	};
	p->has_bytes = true;
	return true;
}

/*
 * A byte takes less room than its digits, so bytes overwrite the text that has
 * already been parsed.
 */
static void add_bytes(struct parser *p)
{
	struct function *f = &p->source->functions[p->source->function_count - 1];

	for (const char *c = p->line.bytes; c + 3 <= p->line.end; c += 3) {
		const char digits[] = { c[1], c[2], '\0' };

		*p->store++ = strtoul(digits, NULL, 16);
		f->len++;
	}
	p->next = f->len;
	p->last = p->number;
}

/*** Bytes that cannot be those of the last title ***/

static bool refuse_orphan(const struct parser *p)
{
	const char *name = name_of(p);

	if (p->lost > p->title)
		return fail(EXIT_USAGE,
			    "%s: line %u has bytes without a title: line %u %s",
			    name, p->number, p->lost, p->lost_why);
	if (!p->title)
		return fail(EXIT_USAGE,
			    "%s: line %u has bytes without a title, such as '00:02.0 ', above them",
			    name, p->number);
	if (!p->has_bytes)
		return fail(EXIT_USAGE,
			    "%s: line %u: an empty line (%u) separates these bytes from their title (line %u); remove it",
			    name, p->number, p->empty, p->title);
	if (p->line.offset)
		return fail(EXIT_USAGE,
			    "%s: line %u continues the bytes of line %u after an empty line (%u); remove it",
			    name, p->number, p->last, p->empty);
	return fail(EXIT_USAGE,
		    "%s: line %u has a second block of bytes for the title in line %u; give it its own title",
		    name, p->number, p->title);
}

static bool refuse_offset(const struct parser *p)
{
	if (!p->line.offset)
		return fail(EXIT_USAGE,
			    "%s: line %u has a second block of bytes for the title in line %u; give it its own title",
			    name_of(p), p->number, p->title);
	return fail(EXIT_USAGE, "%s: line %u begins at 0x%02lx, expected 0x%02x",
		    name_of(p), p->number, p->line.offset, p->next);
}

static bool refuse_interruption(const struct parser *p)
{
	return fail(EXIT_USAGE,
		    "%s: line %u continues the bytes of line %u after other text (line %u); remove it",
		    name_of(p), p->number, p->last, p->other);
}

static bool take_bytes(struct parser *p)
{
	const char *fault;

	if (!p->is_open)
		return refuse_orphan(p);
	fault = bytes_fault(&p->line);
	if (fault)
		return refuse(p, fault);
	if (p->slot_fault)
		return fail(EXIT_USAGE, "%s: line %u %s", name_of(p), p->title,
			    p->slot_fault);
	if (p->line.offset != p->next)
		return refuse_offset(p);
	if (p->other)
		return refuse_interruption(p);
	if (p->next + (p->line.end - p->line.bytes) / 3 > CONFIG_SIZE_EXP)
		return refuse(p, "goes beyond 4096 bytes");
	if (!p->has_bytes && !add_function(p))
		return false;
	add_bytes(p);
	return true;
}

/*** Lines ***/

static bool take_title(struct parser *p)
{
	p->title = p->number;
	p->slot = p->line.slot;
	p->slot_fault = p->line.fault;
	p->is_open = true;
	p->has_bytes = false;
	p->next = p->other = p->empty = 0;
	return true;
}

/* "Cc: a@b" is a mail header, unless it is between a title and its bytes */
static bool take_offset(struct parser *p)
{
	const char *why = disguise(&p->line);

	if (p->is_open && !p->slot_fault)
		why = bytes_fault(&p->line);
	return why ? refuse(p, why) : true;
}

static bool take_empty(struct parser *p)
{
	if (p->is_open)
		p->empty = p->number;
	p->is_open = false;
	return true;
}

static bool take_other(struct parser *p)
{
	const char *why = disguise(&p->line);

	if (why)
		return refuse(p, why);
	if (p->has_bytes && !p->other)
		p->other = p->number;
	why = title_disguise(&p->line);
	if (why) {
		p->lost = p->number;
		snprintf(p->lost_why, sizeof(p->lost_why), "%s", why);
	}
	return true;
}

static bool take_line(struct parser *p)
{
	if (memchr(p->line.text, '\0', p->line.end - p->line.text))
		return refuse(p, "contains a NUL byte; this is not a text file");
	switch (p->line.kind) {
	case LINE_EMPTY:
		return take_empty(p);
	case LINE_TITLE:
		return take_title(p);
	case LINE_BYTES:
		return take_bytes(p);
	case LINE_OFFSET:
		return take_offset(p);
	case LINE_OTHER:
		break;
	}
	return take_other(p);
}

static bool parse_text(struct parser *p, const struct text *text)
{
	const char *line = text->data, *end = text->data + text->len;

	while (line < end) {
		const char *eol = memchr(line, '\n', end - line);

		p->number++;
		parse_line(&p->line, line, eol);
		if (!take_line(p))
			return false;
		line = eol + 1;
	}
	if (p->source->function_count)
		return true;
	return fail(EXIT_USAGE,
		    "%s: contains no configuration space; is it the output of 'lspci -x' or 'lspci -xxx'?",
		    name_of(p));
}

/*** A function's IDs from its bytes; unreadable ones are ones, as in libpci ***/

static unsigned int byte_of(const struct function *f, unsigned int offset)
{
	return offset < f->len ? f->data[offset] : 0xff;
}

static unsigned int word_of(const struct function *f, unsigned int offset)
{
	return byte_of(f, offset) | byte_of(f, offset + 1) << 8;
}

static void identify(struct function *f)
{
	f->vendor = word_of(f, PCI_VENDOR_ID);
	f->device = word_of(f, PCI_DEVICE_ID);
	f->class = word_of(f, PCI_CLASS_DEVICE);
	f->prog_if = byte_of(f, PCI_CLASS_PROG);
}

bool open_dump(struct source *source)
{
	struct parser parser = { .source = source };
	struct text text = { 0 };
	bool is_good = read_dump_text(source->name, &text);

	source->text = text.data;
	parser.store = (uint8_t *)text.data;
	if (!is_good || !parse_text(&parser, &text))
		return false;
	for (unsigned int i = 0; i < source->function_count; i++)
		identify(&source->functions[i]);
	return true;
}
