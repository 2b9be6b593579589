// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target (libFuzzer): any bytes as a dump, through every form of the
 * report and through diff. Behind a byte 1 they are configuration space instead,
 * which is written as a dump first: mutations of digits would seldom get there.
 *
 * A run that ends in an error comes back here instead of leaving the program.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe.h"

struct report report;
static jmp_buf back;

void finish(int status)
{
	longjmp(back, status + 1);
}

void finish_error(int status, const char *fmt, ...)
{
	(void)fmt;
	finish(status);
}

static void write_config(FILE *file, const uint8_t *data, size_t size)
{
	fputs("00:02.0 x", file);
	for (size_t i = 0; i < size; i++) {
		if (i % 16 == 0)
			fprintf(file, "\n%02zx:", i);
		fprintf(file, " %02x", data[i]);
	}
	fputc('\n', file);
}

static void make_file(char *path, const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", 0);
	FILE *file = fdopen(dup(fd), "w");

	if (!file)
		abort();
	if (size && *data == 1)
		write_config(file, data + 1, size - 1);
	else
		fwrite(data, size, 1, file);
	fclose(file);
	sprintf(path, "/proc/self/fd/%d", fd);
}

static void run_forms(void)
{
	open_source(&report.source);
	collect_devices(&report.source);
	if (!report.source.devices)
		look_for_causes(&report);
	report.status = worst_status(&report.source);
	show_text(&report);
	show_quiet(&report);
	show_tap(&report);
	show_json(&report);
}

static void free_source(struct source *source)
{
	while (source->devices) {
		struct device *next = source->devices->next;

		free(source->devices);
		source->devices = next;
	}
	if (source->pacc)
		pci_cleanup(source->pacc);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (!freopen("/dev/null", "w", stdout))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[2][32], all[] = ":", diff[] = "diff";
	static char *arguments[] = { diff, path[0], path[1] };
	int lowest = dup(STDERR_FILENO);

	opt = (struct options){ .id = all, .ids_path = "/dev/null",
				.verbose = size % 2, .hex = size % 5 };
	report = (struct report){ .source.name = path[0] };
	make_file(path[0], data, size);
	if (!setjmp(back)) {
		if (size % 16) {
			run_forms();
		} else {
			make_file(path[1], data + size / 2, size - size / 2);
			opt.arguments = arguments;
			run_diff();
		}
	}
	free_source(&report.source);
	close_range(lowest, ~0U, 0);
	return 0;
}
