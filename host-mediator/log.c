// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "log.h"

/* systemd names the device and the inode of the journal's stream */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat file;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &file) && file.st_dev == device && file.st_ino == inode;
}

/* Texts of a peer may be in the line: one line remains one line */
static void make_printable(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
	}
}

void log_line(int priority, const char *format, ...)
{
	char text[512], line[sizeof(text) + 32];
	va_list args;
	int length;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	make_printable(text);
	if (is_journal())
		length = snprintf(line, sizeof(line), "<%d>%s\n", priority, text);
	else
		length = snprintf(line, sizeof(line), "vgpu-mediator: %s\n", text);
	/* there is no other place to report that this failed */
	if (write(STDERR_FILENO, line, length) < 0)
		return;
}
