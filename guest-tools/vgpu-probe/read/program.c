// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the lines that another program prints
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "read.h"

static void __attribute__((noreturn)) run(const int out[2],
					  const char *const *argv)
{
	dup2(out[1], STDOUT_FILENO);
	dup2(out[1], STDERR_FILENO);
	close(out[0]);
	close(out[1]);
	/* a program that reads input gets none, so it does not wait */
	if (!freopen("/dev/null", "r", stdin))
		_exit(127);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

int read_program(const char *const *argv,
		 void (*take)(const char *line, void *data), void *data)
{
	char *line = NULL;
	size_t size = 0;
	int out[2], status;
	FILE *file;
	pid_t pid;

	fflush(stdout);
	if (pipe(out))
		return 127;
	pid = fork();
	if (!pid)
		run(out, argv);
	close(out[1]);
	file = fdopen(out[0], "r");
	while (file && getline(&line, &size, file) >= 0)
		take(line, data);
	free(line);
	if (file)
		fclose(file);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 127;
	return WEXITSTATUS(status);
}
