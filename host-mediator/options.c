// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "options.h"
#include "sandbox.h"

static const char help_text[] =
"Usage: vgpu-mediator --socket-path=PATH [--owner=USER] [--group=GROUP]\n"
"       vgpu-mediator --fd=FD\n"
"       vgpu-mediator --self-test-sandbox\n"
"\n"
"Execute the commands of vgpu-stub devices, in a process for each device.\n"
"\n"
"  --socket-path=PATH    listen on a Unix socket that is created here\n"
"  --owner=USER          give the socket to this user, a name or a number\n"
"  --group=GROUP         let this group connect, too\n"
"  --fd=FD               use this socket: one that listens, or one connection\n"
"  --print-capabilities  print what this program can do, as JSON\n"
"  --self-test-sandbox   try what a worker must not do, and print how it is refused\n"
"  --help, --version\n"
"\n"
"Exit status: 0 ended by SIGTERM or SIGINT, or the connection of --fd ended; 1 the\n"
"socket or the sandbox cannot be used; 2 bad usage.\n";

static const char capabilities[] =
"{\n"
"  \"type\": \"vgpu-stub\",\n"
"  \"protocol\": 1,\n"
"  \"features\": [\n"
"    \"shared\",\n"
"    \"framed\"\n"
"  ]\n"
"}\n";

static const struct option long_options[] = {
	{ "socket-path", required_argument, NULL, 's' },
	{ "fd", required_argument, NULL, 'f' },
	{ "owner", required_argument, NULL, 'o' },
	{ "group", required_argument, NULL, 'g' },
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

/* Digits alone: strtoul() also takes signs and spaces. The largest number means "none". */
static unsigned long parse_number(const char *option, const char *text, unsigned long max)
{
	unsigned long number;

	errno = 0;
	number = strtoul(text, NULL, 10);
	if (!*text || text[strspn(text, "0123456789")] || errno || number >= max)
		usage_error("%s=%s is not a number or a name that is known", option, text);
	return number;
}

static uid_t parse_owner(const char *text)
{
	const struct passwd *user = getpwnam(text);

	return user ? user->pw_uid : parse_number("--owner", text, (uid_t)-1);
}

static gid_t parse_group(const char *text)
{
	const struct group *group = getgrnam(text);

	return group ? group->gr_gid : parse_number("--group", text, (gid_t)-1);
}

static void check_options(const struct options *options)
{
	if ((options->fd >= 0) == (options->socket_path != NULL))
		usage_error("give either --socket-path or --fd");
	if (options->fd >= 0 && (options->owner != (uid_t)-1 || options->group != (gid_t)-1))
		usage_error("--owner and --group need --socket-path");
}

struct options parse_options(int argc, char **argv)
{
	struct options options = { NULL, -1, -1, -1 };
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (option) {
		case 's':
			options.socket_path = optarg;
			break;
		case 'f':
			options.fd = parse_number("--fd", optarg, INT_MAX);
			break;
		case 'o':
			options.owner = parse_owner(optarg);
			break;
		case 'g':
			options.group = parse_group(optarg);
			break;
		case 'c':
			print(capabilities);
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
