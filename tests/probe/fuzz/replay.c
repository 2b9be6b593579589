// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Give files to the fuzz target, without libFuzzer: replay FILE...
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Copy the input to a buffer of exactly its size, to detect reads past its end */
static void replay(const char *name)
{
	static uint8_t buffer[1 << 20];
	FILE *file = fopen(name, "rb");
	uint8_t *data;
	size_t size;

	if (!file) {
		perror(name);
		exit(2);
	}
	size = fread(buffer, 1, sizeof(buffer), file);
	fclose(file);
	data = malloc(size ? size : 1);
	for (size_t i = 0; i < size; i++)
		data[i] = buffer[i];
	/* the log of a crash must name the input */
	fprintf(stderr, "%s\n", name);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
}

int main(int argc, char **argv)
{
	LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	return 0;
}
