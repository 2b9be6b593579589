// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: libpci, with what the command line sets of it
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "../error.h"
#include "../options.h"
#include "read.h"

static jmp_buf *rescue;		/* set while libpci runs */
static const char *dump_name;

/* libpci takes it that this does not return; its own would exit(1) */
static void __attribute__((noreturn, format(printf, 1, 2)))
libpci_error(char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (dump_name)
		fail(EXIT_USAGE, "%s: %s", dump_name, text);
	else
		fail(EXIT_USAGE, "%s", text);
	longjmp(*rescue, 1);
}

/* Its warnings are about single reads that fail, which the report shows itself */
static void __attribute__((format(printf, 1, 2)))
libpci_silent(char *fmt, ...)
{
	(void)fmt;
}

/* -G; libpci's own would write between the report's lines */
static void __attribute__((format(printf, 1, 2)))
libpci_debug(char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
}

bool call_libpci(void (*call)(void *data), void *data)
{
	jmp_buf here;

	if (setjmp(here)) {
		rescue = NULL;
		return false;
	}
	rescue = &here;
	call(data);
	rescue = NULL;
	return !has_failed();
}

static bool set_method(struct pci_access *pacc)
{
	int method = pci_lookup_method((char *)opt.method);

	if (method < 0)
		return fail(EXIT_USAGE, "-A %s: no such access method, see -A help",
			    opt.method);
	pacc->method = method;
	return true;
}

static bool set_param(struct pci_access *pacc, const char *text)
{
	char name[64];
	const char *value = strchr(text, '=');

	if (!value || (size_t)(value - text) >= sizeof(name))
		return fail(EXIT_USAGE, "-O %s: not of the form NAME=VALUE",
			    text);
	snprintf(name, sizeof(name), "%.*s", (int)(value - text), text);
	if (pci_set_param(pacc, name, (char *)value + 1) < 0)
		return fail(EXIT_USAGE, "-O %s: no such parameter, see -O help",
			    text);
	return true;
}

static bool set_names(struct pci_access *pacc)
{
	if (access(opt.ids_path, R_OK))
		return fail(EXIT_USAGE, "-i %s: %s", opt.ids_path,
			    strerror(errno));
	pci_set_name_list_path(pacc, (char *)opt.ids_path, 0);
	return true;
}

static bool apply_options(struct pci_access *pacc)
{
	if (opt.method && !set_method(pacc))
		return false;
	for (unsigned int i = 0; i < opt.param_count; i++)
		if (!set_param(pacc, opt.params[i]))
			return false;
	if (opt.ids_path && !set_names(pacc))
		return false;
	pacc->numeric_ids = opt.numeric;
	pacc->debugging = opt.debug;
	return true;
}

/* Call it, and what uses its result, through call_libpci() */
struct pci_access *open_libpci(const char *dump)
{
	struct pci_access *pacc = pci_alloc();

	dump_name = dump;
	pacc->error = libpci_error;
	pacc->warning = libpci_silent;
	pacc->debug = opt.debug ? libpci_debug : libpci_silent;
	return apply_options(pacc) ? pacc : NULL;
}
