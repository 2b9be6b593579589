// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "metrics.h"
#include "options.h"
#include "status.h"

static const char help_text[] =
"Usage: vgpu-mediator status [--json | --prometheus] [--output=FILE]\n"
"                            [--socket-path=PATH | --status-socket=PATH]\n"
"\n"
"Print the status of a running vgpu-mediator, and what its VMs have done.\n"
"\n"
"  --json                print JSON\n"
"  --prometheus          print metrics for Prometheus\n"
"  --output=FILE         replace this file instead, at once\n"
"  --socket-path=PATH    of the mediator that was started with this option\n"
"  --status-socket=PATH  the mediator's status socket; default " STATUS_DEFAULT "\n";

static const struct option long_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "prometheus", no_argument, NULL, 'p' },
	{ "output", required_argument, NULL, 'o' },
	{ "socket-path", required_argument, NULL, 's' },
	{ "status-socket", required_argument, NULL, 'S' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

struct request {
	bool (*print)(const struct status *status);
	const char *output;
	struct sockaddr_un address;
};

__attribute__((noreturn, format(printf, 2, 3)))
static void fail(enum exit_code code, const char *format, ...)
{
	va_list args;

	fputs("vgpu-mediator status: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(code);
}

const char *status_path(const struct status_vm *vm)
{
	static const char *const names[] = { "-", "shared", "framed", "both" };

	return names[(vm->paths >> PATH_SHARED) & 3];
}

/* Options */

static void set_address(struct request *request, const char *path, const char *suffix)
{
	struct sockaddr_un *address = &request->address;

	address->sun_family = AF_UNIX;
	if (snprintf(address->sun_path, sizeof(address->sun_path), "%s%s", path, suffix) >=
	    (int)sizeof(address->sun_path))
		fail(EXIT_USAGE, "%s%s is longer than the path of a socket", path, suffix);
}

static struct request parse(int argc, char **argv)
{
	struct request request = { .print = status_print_text };
	int option;

	set_address(&request, STATUS_DEFAULT, "");
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == 'j')
			request.print = status_print_json;
		else if (option == 'p')
			request.print = status_print_prometheus;
		else if (option == 'o')
			request.output = optarg;
		else if (option == 's')
			set_address(&request, optarg, STATUS_SUFFIX);
		else if (option == 'S')
			set_address(&request, optarg, "");
		else if (option == 'h')
			exit(fputs(help_text, stdout) < 0 ? EXIT_FAILED : EXIT_GOOD);
		else
			exit(EXIT_USAGE);
	}
	if (optind < argc)
		fail(EXIT_USAGE, "unexpected argument '%s'; see vgpu-mediator status --help",
		     argv[optind]);
	return request;
}

/* The mediator */

/* A supervisor that is stopped must not stop us */
static int connect_to(const struct sockaddr_un *address)
{
	const struct timeval limit = { .tv_sec = 5 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		fail(EXIT_FAILED, "cannot connect to the mediator at %s: %s; is it running, and may "
		     "you open its status socket?", address->sun_path, strerror(errno));
	return fd;
}

static ssize_t receive_all(int fd, char *bytes)
{
	ssize_t n, size = 0;

	while ((n = recv(fd, bytes + size, STATUS_SIZE_MAX - size, 0)) > 0)
		size += n;
	return n ? -1 : size;
}

/* The name that a device sent, in which a worker may have put anything */
static void make_utf8(char name[VGPU_MEDIATOR_NAME_MAX])
{
	json_t *valid;

	name[VGPU_MEDIATOR_NAME_MAX - 1] = 0;
	valid = json_string(name);
	for (char *at = name; !valid && *at; at++) {
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	}
	json_decref(valid);
}

static struct status *ask(const struct sockaddr_un *address)
{
	int fd = connect_to(address);
	struct status *status = malloc(STATUS_SIZE_MAX);
	ssize_t size = status ? receive_all(fd, (char *)status) : -1;

	if (size < 0)
		fail(EXIT_FAILED, "no answer from the mediator at %s: %s", address->sun_path,
		     strerror(errno));
	close(fd);
	if (size >= (ssize_t)sizeof(*status) && status->version != STATUS_VERSION)
		fail(EXIT_FAILED, "the running mediator is of another version; restart it");
	if (size < (ssize_t)sizeof(*status) ||
	    size != (ssize_t)(sizeof(*status) + status->vm_count * sizeof(status->vms[0])))
		fail(EXIT_FAILED, "the mediator's answer is not complete; see its log");
	for (uint32_t i = 0; i < status->vm_count; i++)
		make_utf8(status->vms[i].name);
	return status;
}

/* Output */

/* Readers of the file see the old content or the new one */
static void print_to(const struct request *request, const struct status *status)
{
	char name[4096];
	int fd;

	if (snprintf(name, sizeof(name), "%s.XXXXXX", request->output) >= (int)sizeof(name))
		fail(EXIT_USAGE, "the name of the output file is too long");
	fd = mkstemp(name);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
		fail(EXIT_FAILED, "cannot create a file beside %s: %s", request->output,
		     strerror(errno));
	if (!request->print(status) || fflush(stdout) || fchmod(fd, 0644) ||
	    rename(name, request->output)) {
		int error = errno;

		unlink(name);
		fail(EXIT_FAILED, "cannot write %s: %s", request->output, strerror(error));
	}
}

int status_main(int argc, char **argv)
{
	struct request request = parse(argc, argv);
	struct status *status = ask(&request.address);

	if (request.output)
		print_to(&request, status);
	else if (!request.print(status) || fflush(stdout))
		fail(EXIT_FAILED, "cannot write to standard output: %s", strerror(errno));
	free(status);
	return EXIT_GOOD;
}
