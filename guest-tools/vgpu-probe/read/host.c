// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: files of the host
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../error.h"
#include "read.h"

/* Larger than any argument list or configuration file */
#define MAX_FILE	(64 << 20)

/* The path of a file of the host, below VGPU_PROBE_ROOT if that is set */
void host_path(char *path, size_t size, const char *below)
{
	const char *root = getenv("VGPU_PROBE_ROOT");

	snprintf(path, size, "%s%s", root ? root : "", below);
}

/* Opening a FIFO would block, and opening a device may have side effects */
int open_regular(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode))) {
		close(fd);
		fd = -1;
		errno = EINVAL;
	}
	return fd;
}

static bool grow(struct bytes *bytes)
{
	size_t room = bytes->room ? 2 * bytes->room : 4096;
	char *data = realloc(bytes->data, room);

	if (!data)
		return out_of_memory();
	bytes->data = data;
	bytes->room = room;
	return true;
}

/* Read a file and append a NUL. False, with errno set, if it cannot be read. */
bool read_bytes(const char *path, struct bytes *bytes)
{
	int fd = open_regular(path), cause;
	ssize_t got = fd < 0 ? -1 : 1;

	bytes->len = 0;
	while (got > 0) {
		if (bytes->len > MAX_FILE) {
			errno = EFBIG;
			break;
		}
		/* a file of /proc has no size before it is read */
		if (bytes->len + 1 >= bytes->room && !grow(bytes))
			break;
		got = read(fd, bytes->data + bytes->len,
			   bytes->room - bytes->len - 1);
		bytes->len += got > 0 ? got : 0;
	}
	cause = errno;
	if (fd >= 0)
		close(fd);
	if (bytes->data)
		bytes->data[bytes->len] = '\0';
	errno = cause;
	return !got;
}

void copy_line(char *text, size_t size, const char *line)
{
	size_t len = strcspn(line, "\r\n");

	if (len >= size)
		len = size - 1;
	for (size_t i = 0; i < len; i++)
		text[i] = isprint((unsigned char)line[i]) ? line[i] : '?';
	text[len] = '\0';
}
