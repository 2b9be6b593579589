// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: a dump on its way to libpci
 *
 * libpci parses dumps. What it gets is a copy in memory, for three reasons: it
 * takes a file's name only, and standard input has none; it stops at a last
 * line without its end; and it writes wherever a line's offset leads, also in
 * front of its buffer (3.9.0), so lines have to be looked at first.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../error.h"
#include "read.h"

/* A thousand functions with all of their 4096 bytes */
#define MAX_DUMP	(16u << 20)
/* libpci's own limit is a little above */
#define MAX_LINE	250

struct buffer {
	char *data;
	size_t len, size;
};

static bool grow(struct buffer *buffer)
{
	size_t size = buffer->size ? 2 * buffer->size : 1u << 16;
	char *data = realloc(buffer->data, size);

	if (!data)
		return out_of_memory();
	buffer->data = data;
	buffer->size = size;
	return true;
}

/* There is always room left for one more character */
static bool read_whole(const char *name, int fd, struct buffer *buffer)
{
	ssize_t got;

	do {
		if (buffer->len + 1 >= buffer->size && !grow(buffer))
			return false;
		got = read(fd, buffer->data + buffer->len,
			   buffer->size - buffer->len - 1);
		if (got < 0)
			return fail(EXIT_USAGE, "%s: %s", name,
				    strerror(errno));
		buffer->len += got;
	} while (got && buffer->len <= MAX_DUMP);
	if (buffer->len > MAX_DUMP)
		return fail(EXIT_USAGE, "%s: larger than %u MiB, this is no dump",
			    name, MAX_DUMP >> 20);
	return true;
}

static bool read_dump(const char *name, struct buffer *buffer)
{
	bool is_stdin = !strcmp(name, "-");
	int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	bool is_read;

	if (fd < 0)
		return fail(EXIT_USAGE, "%s: %s", name, strerror(errno));
	is_read = read_whole(is_stdin ? "standard input" : name, fd, buffer);
	if (!is_stdin)
		close(fd);
	if (is_read && !buffer->len)
		return fail(EXIT_USAGE, "%s: the file is empty", name);
	return is_read;
}

/* "HEX: ": a line that libpci takes for bytes of the device above it */
static bool is_hex_line(const char *line, size_t len, size_t *digits)
{
	*digits = 0;
	while (*digits < len && isxdigit((unsigned char)line[*digits]))
		++*digits;
	return *digits >= 2 && *digits + 1 < len && line[*digits] == ':' &&
	       line[*digits + 1] == ' ';
}

/* Two digits a byte, single spaces: "" or what is wrong with the line */
static const char *hex_fault(const char *p, const char *end)
{
	while (p < end) {
		if (end - p < 3 || p[0] != ' ' ||
		    !isxdigit((unsigned char)p[1]) ||
		    !isxdigit((unsigned char)p[2]))
			break;
		p += 3;
	}
	while (p < end && (*p == ' ' || *p == '\r'))
		p++;
	return p == end ? "" : "is not made of two-digit bytes";
}

/*
 * "" or what is wrong with the line. Bytes start at 0 or where the line before
 * them ended (at *next): libpci would show a hole as bytes of all ones.
 */
static const char *line_fault(const char *line, size_t len, unsigned long *next)
{
	unsigned long offset;
	size_t digits;

	if (memchr(line, '\0', len))
		return "holds a zero byte";
	if (len > MAX_LINE)
		return "is too long for a dump's";
	if (!is_hex_line(line, len, &digits)) {
		*next = len && *line != '\t' ? 0 : *next;
		return "";
	}
	offset = strtoul(line, NULL, 16);
	if (offset && offset != *next)
		return "does not go on where the bytes before it end";
	*next = offset + (len - digits - 1) / 3;
	if (*next > CONFIG_SIZE_EXP)
		return "goes beyond 4096 bytes";
	return hex_fault(line + digits + 1, line + len);
}

/* Line by line, so that the message can name the one at fault */
static bool check_lines(const char *name, const struct buffer *buffer)
{
	const char *line = buffer->data, *end = line + buffer->len;
	unsigned long next = 0;

	for (unsigned int number = 1; line < end; number++) {
		const char *eol = memchr(line, '\n', end - line);
		const char *fault = line_fault(line, eol - line, &next);

		if (*fault)
			return fail(EXIT_USAGE, "%s: line %u %s", name, number,
				    fault);
		line = eol + 1;
	}
	return true;
}

static int write_copy(const char *name, const struct buffer *buffer)
{
	int fd = memfd_create("vgpu-probe", MFD_CLOEXEC);
	size_t done = 0;

	while (fd >= 0 && done < buffer->len) {
		ssize_t put = write(fd, buffer->data + done, buffer->len - done);

		if (put <= 0)
			break;
		done += put;
	}
	if (fd >= 0 && done == buffer->len)
		return fd;
	fail(EXIT_USAGE, "%s: no memory for a copy: %s", name, strerror(errno));
	return -1;
}

/* The name of the copy, which vanishes with the process, or NULL */
const char *stage_dump(const char *name)
{
	static struct buffer buffer;
	static char path[64];
	int fd;

	buffer.len = 0;
	if (!read_dump(name, &buffer))
		return NULL;
	if (buffer.data[buffer.len - 1] != '\n')
		buffer.data[buffer.len++] = '\n';
	if (!check_lines(name, &buffer))
		return NULL;
	fd = write_copy(name, &buffer);
	if (fd < 0)
		return NULL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}
