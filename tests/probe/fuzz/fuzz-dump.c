// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target (libFuzzer): the input is a dump, which goes through every form of
 * the report and through diff. After a byte 1, it is raw configuration space and is
 * converted to a dump first, because mutations of hex digits rarely get that far.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "command/command.h"
#include "error.h"
#include "options.h"

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

static void run_form(const struct form *form, const struct source *source)
{
	static struct findings findings;
	static struct device device;
	int status = EXIT_PASSED;
	unsigned int count;
	const struct check *checks = device_checks(&count);

	form->begin(source);
	for (unsigned int i = 0; i < source->function_count; i++) {
		if (!read_device(source, &source->functions[i], &device))
			break;
		run_checks(&device, checks, count, &findings);
		form->findings(&findings);
		status = worst_status(status, &findings);
	}
	form->end(status);
}

static void run_forms(struct source *source)
{
	if (!source->selected)
		look_for_causes(source);
	run_form(&text_form, source);
	run_form(&quiet_form, source);
	run_form(&tap_form, source);
	run_form(&json_form, source);
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
	struct source source;

	opt = (struct options){ .id = all, .ids_path = "/dev/null",
				.verbose = size % 2, .hex = size % 5 };
	error = (struct error){ 0 };
	make_file(path[0], data, size);
	if (size % 16) {
		if (open_source(&source, path[0]))
			run_forms(&source);
		close_source(&source);
	} else {
		make_file(path[1], data + size / 2, size - size / 2);
		opt.arguments = arguments;
		run_diff();
	}
	close_range(lowest, ~0U, 0);
	return 0;
}
