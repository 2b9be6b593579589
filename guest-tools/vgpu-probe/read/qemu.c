// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the QEMU processes of this host
 *
 * A process and its executable may have any name, so QEMU is recognized by the
 * contents of the executable.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../error.h"
#include "qemu.h"

/*** Executables ***/

/*
 * Texts in QEMU's help that no other program has, not even QEMU's tools. They are
 * split in two, so that this program does not contain them itself.
 */
static const char *const marks[][2] = {
	{ "QEMU emulator ", "version" }, { "-readconfig ", "<file>" },
};
#define LONGEST_MARK	32

static bool holds_mark(const char *data, size_t len, size_t i)
{
	char mark[LONGEST_MARK];

	snprintf(mark, sizeof(mark), "%s%s", marks[i][0], marks[i][1]);
	return memmem(data, len, mark, strlen(mark));
}

/* Read the file in pieces, because a debug build may have a gigabyte */
static bool holds_marks(int fd)
{
	static char data[LONGEST_MARK + (1 << 16)];
	bool found[ARRAY_SIZE(marks)] = { false };
	size_t kept = 0;
	ssize_t got;

	while ((got = read(fd, data + kept, sizeof(data) - kept)) > 0) {
		size_t len = kept + got;
		bool all = true;

		for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
			found[i] |= holds_mark(data, len, i);
			all &= found[i];
		}
		if (all)
			return true;
		kept = len < LONGEST_MARK ? len : LONGEST_MARK;
		memmove(data, data + len - kept, kept);
	}
	return false;
}

/* A cache: hosts run the same few programs many times */
struct program {
	dev_t dev;
	ino_t ino;
	bool is_qemu;
};

static bool is_qemu_file(int fd)
{
	static struct program known[64];
	static unsigned int count;
	struct program *program = &known[count % ARRAY_SIZE(known)];
	struct stat st;

	if (fstat(fd, &st))
		return false;
	for (unsigned int i = 0; i < count && i < ARRAY_SIZE(known); i++)
		if (known[i].dev == st.st_dev && known[i].ino == st.st_ino)
			return known[i].is_qemu;
	count++;
	*program = (struct program){ st.st_dev, st.st_ino, holds_marks(fd) };
	return program->is_qemu;
}

/* The name that distributions use, for an executable that cannot be read */
static bool is_qemu_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	return !strncmp(name, "qemu-system-", strlen("qemu-system-")) ||
	       !strcmp(name, "qemu-kvm") || !strcmp(name, "kvm");
}

static bool is_qemu(const char *process, const char *name)
{
	char path[400];
	bool is_ours;
	int fd;

	snprintf(path, sizeof(path), "%s/exe", process);
	fd = open_regular(path);
	if (fd < 0)
		return (errno == EACCES || errno == EPERM) && is_qemu_name(name);
	is_ours = is_qemu_file(fd);
	close(fd);
	return is_ours;
}

/* The executable in /proc, or else argv[0] */
static void set_program(struct machine *machine, const char *process,
			const char *name)
{
	char path[400];
	ssize_t len;

	snprintf(path, sizeof(path), "%s/exe", process);
	len = readlink(path, machine->program, sizeof(machine->program) - 1);
	if (len > 0)
		machine->program[len] = '\0';
	else
		snprintf(machine->program, sizeof(machine->program), "%s", name);
	make_printable(machine->program);
}

/*** Processes ***/

struct machines machines;

static bool add_machine(const struct machine *machine)
{
	struct machine *list = realloc(machines.list, (machines.count + 1) *
				       sizeof(*list));

	if (!list)
		return out_of_memory();
	machines.list = list;
	list[machines.count++] = *machine;
	return true;
}

static bool take_process(const char *proc, const char *pid,
			 struct bytes *arguments)
{
	struct machine machine = { .pid = strtoul(pid, NULL, 10) };
	char process[320], path[400];

	snprintf(process, sizeof(process), "%.256s/%.20s", proc, pid);
	snprintf(path, sizeof(path), "%s/cmdline", process);
	if (!read_bytes(path, arguments)) {
		/* ignore a process that has exited meanwhile */
		machines.hidden += errno != ENOENT && errno != ESRCH;
		return !has_failed();
	}
	if (!arguments->len || !is_qemu(process, arguments->data))
		return true;
	set_program(&machine, process, arguments->data);
	return read_arguments(arguments, process, &machine) &&
	       add_machine(&machine);
}

unsigned int count_machines(enum presence device)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < machines.count; i++)
		count += machines.list[i].device == device;
	return count;
}

static int compare_machines(const void *a, const void *b)
{
	const struct machine *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

bool find_machines(void)
{
	struct bytes arguments = { 0 };
	char proc[300];
	struct dirent *entry;
	DIR *dir;

	host_path(proc, sizeof(proc), "/proc");
	dir = opendir(proc);
	machines.no_proc = !dir;
	while (dir && !has_failed() && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			take_process(proc, entry->d_name, &arguments);
	if (dir)
		closedir(dir);
	free(arguments.data);
	if (machines.count)
		qsort(machines.list, machines.count, sizeof(*machines.list),
		      compare_machines);
	return !has_failed();
}
