// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "target.h"

#define MESSAGE	64	/* bytes, as a submission queue entry */

static int fd;

static void open_echo(const char *path, unsigned int depth, size_t size)
{
	(void)depth;
	(void)size;
	fd = open(path, O_RDWR);
	if (fd < 0)
		die(path);
}

static void submit(const unsigned int *slots, unsigned int count)
{
	static char messages[MAX_DEPTH * MESSAGE];

	for (unsigned int i = 0; i < count; i++)
		memcpy(messages + i * MESSAGE, &slots[i], sizeof(slots[i]));
	for (size_t done = 0; done < count * MESSAGE;) {
		ssize_t more = write(fd, messages + done, count * MESSAGE - done);

		if (more < 0)
			die("write");
		done += more;
	}
}

/* Whole messages; the rest of the last one is waited for */
static unsigned int reap(unsigned int *slots)
{
	static char messages[MAX_DEPTH * MESSAGE];
	size_t have = 0;

	while (!have || have % MESSAGE) {
		ssize_t more = read(fd, messages + have, sizeof(messages) - have);

		if (more <= 0)
			die("read");
		have += more;
	}
	for (size_t i = 0; i < have / MESSAGE; i++)
		memcpy(&slots[i], messages + i * MESSAGE, sizeof(slots[i]));
	return have / MESSAGE;
}

const struct target target_echo = {
	.name = "echo", .max_depth = 64,
	.open = open_echo, .submit = submit, .reap = reap,
};
