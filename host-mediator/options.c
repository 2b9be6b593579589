// SPDX-License-Identifier: GPL-2.0-or-later
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "options.h"
#include "parse.h"
#include "sandbox.h"
#include "worker.h"

static const char help_text[] =
"Usage: vgpu-mediator --socket-path=PATH [--owner=USER] [--group=GROUP] [--config=FILE]\n"
"       vgpu-mediator --config=FILE [--check-config]\n"
"       vgpu-mediator --fd=FD [--config=FILE]\n"
"       vgpu-mediator status [--help]\n"
"       vgpu-mediator --self-test-sandbox\n"
"\n"
"Execute the commands of vgpu-stub devices, in a process for each device.\n"
"\n"
"  --socket-path=PATH    create a Unix socket and listen on it\n"
"  --owner=USER          give the socket to this user, a name or a number\n"
"  --group=GROUP         let this group connect, too\n"
"  --fd=FD               use this socket: one that listens, or one connection\n"
"  --config=FILE         read the limits of VMs, and sockets, from this file\n"
"  --status-socket=PATH  where the command \"status\" asks; default PATH of --socket-path\n"
"                        with .status\n"
"  --check-config        only check the file, and report each fault\n"
"  --print-capabilities  print what this program supports, as JSON\n"
"  --self-test-sandbox   try what a worker must not do, and print how it is refused\n"
"  --help, --version\n"
"\n"
"Sockets that systemd passes are used, too. SIGHUP reads the file again.\n"
"\n"
"Exit status: 0 ended by SIGTERM or SIGINT, or the connection of --fd ended; 1 a\n"
"socket or the sandbox cannot be used, or too few files may be open; 2 bad usage or a\n"
"fault in the file.\n";

static const struct option long_options[] = {
	{ "socket-path", required_argument, NULL, 's' },
	{ "fd", required_argument, NULL, 'f' },
	{ "owner", required_argument, NULL, 'o' },
	{ "group", required_argument, NULL, 'g' },
	{ "config", required_argument, NULL, 'C' },
	{ "status-socket", required_argument, NULL, 'S' },
	{ "check-config", no_argument, NULL, 'k' },
	{ "print-capabilities", no_argument, NULL, 'c' },
	{ "self-test-sandbox", no_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ }
};

__attribute__((noreturn, format(printf, 1, 2))) static void usage_error(const char *format, ...)
{
	va_list args;

	fputs("vgpu-mediator: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("; see vgpu-mediator --help\n", stderr);
	exit(EXIT_USAGE);
}

__attribute__((noreturn)) static void print(const char *text)
{
	if (fputs(text, stdout) < 0 || fflush(stdout)) {
		perror("vgpu-mediator: cannot write to standard output");
		exit(EXIT_FAILED);
	}
	exit(EXIT_GOOD);
}

__attribute__((noreturn)) static void print_capabilities(void)
{
	static const char *const names[] = { "shared", "framed" };
	const char *separator = "";

	printf("{\n  \"type\": \"vgpu-stub\",\n  \"protocol\": %d,\n  \"features\": [",
	       VGPU_MEDIATOR_VERSION);
	for (unsigned int bit = 0; bit < sizeof(names) / sizeof(names[0]); bit++) {
		if (!(WORKER_FEATURES & 1U << bit))
			continue;
		printf("%s\n    \"%s\"", separator, names[bit]);
		separator = ",";
	}
	print("\n  ]\n}\n");
}

static int parse_fd(const char *text)
{
	uint64_t fd;

	if (!parse_number(text, false, &fd) || fd > INT_MAX)
		usage_error("--fd=%s is not the number of a descriptor", text);
	return fd;
}

static uid_t parse_owner(const char *text)
{
	uid_t user;

	if (!parse_user(text, &user))
		usage_error("--owner=%s is not a user of this host, nor a number", text);
	return user;
}

static gid_t parse_group_option(const char *text)
{
	gid_t group;

	if (!parse_group(text, &group))
		usage_error("--group=%s is not a group of this host, nor a number", text);
	return group;
}

static void check_options(const struct options *options)
{
	if (options->fd >= 0 && options->socket_path)
		usage_error("give either --socket-path or --fd");
	if (!options->socket_path &&
	    (options->owner != (uid_t)-1 || options->group != (gid_t)-1))
		usage_error("--owner and --group need --socket-path");
	if (options->socket_path && strlen(options->socket_path) >= SOCKET_PATH_SIZE)
		usage_error("--socket-path: a path has at most %zu bytes", SOCKET_PATH_SIZE - 1);
	if (options->check_config && !options->config_path)
		usage_error("--check-config needs --config");
}

struct options parse_options(int argc, char **argv)
{
	struct options options = { .fd = -1, .owner = -1, .group = -1 };
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case 's':
			options.socket_path = optarg;
			break;
		case 'f':
			options.fd = parse_fd(optarg);
			break;
		case 'o':
			options.owner = parse_owner(optarg);
			break;
		case 'g':
			options.group = parse_group_option(optarg);
			break;
		case 'C':
			options.config_path = optarg;
			break;
		case 'S':
			options.status_path = optarg;
			break;
		case 'k':
			options.check_config = true;
			break;
		case 'c':
			print_capabilities();
		case 't':
			exit(sandbox_test());
		case 'h':
			print(help_text);
		case 'V':
			print("vgpu-mediator " VGPU_MEDIATOR_PROGRAM_VERSION "\n");
		default:
			exit(EXIT_USAGE);
		}
	}
	if (optind < argc)
		usage_error("unexpected argument '%s'", argv[optind]);
	check_options(&options);
	return options;
}

static void override(const struct options *options, struct socket_config *socket)
{
	if (!options->socket_path)
		return;
	strcpy(socket->path, options->socket_path);
	if (options->owner != (uid_t)-1)
		socket->owner = options->owner;
	if (options->group != (gid_t)-1)
		socket->group = options->group;
}

bool load_config(const struct options *options, struct config *config)
{
	config_init(config);
	if (options->config_path && !config_load(config, options->config_path))
		return false;
	override(options, &config->socket);
	return true;
}
