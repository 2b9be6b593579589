// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: libpci, configured by the command line
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../error.h"
#include "../options.h"
#include "read.h"

struct pci_access *libpci;

static jmp_buf *rescue;		/* set while libpci runs */
static bool is_asking;		/* an error is an expected answer */

/* libpci expects that this does not return; its default calls exit(1) */
static void __attribute__((noreturn, format(printf, 1, 2)))
libpci_error(char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (!strncmp(text, "Out of memory", strlen("Out of memory")))
		out_of_memory();
	else if (!is_asking)
		fail(EXIT_USAGE, "%s", text);
	longjmp(*rescue, 1);
}

/* Drop warnings: they are about failed reads, which the report shows itself */
static void __attribute__((format(printf, 1, 2)))
libpci_silent(char *fmt, ...)
{
	(void)fmt;
}

/* -G; libpci's default would write into the report */
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

bool ask_libpci(void (*call)(void *data), void *data)
{
	bool is_good;

	is_asking = true;
	is_good = call_libpci(call, data);
	is_asking = false;
	return is_good;
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

/*
 * If pci_alloc() runs out of memory, it ends the program, because the error callback
 * can be set only afterwards. So check that there is enough: allocate it and free
 * it, which leaves it in the heap.
 */
static bool has_memory(void)
{
	void *memory = malloc(1 << 16);
	bool is_enough = memory;

	free(memory);
	return is_enough;
}

static void open_access(void *data)
{
	(void)data;
	libpci = pci_alloc();
	libpci->error = libpci_error;
	libpci->warning = libpci_silent;
	libpci->debug = opt.debug ? libpci_debug : libpci_silent;
	apply_options(libpci);
}

/* Enough to look up names, which is all that a dump needs */
bool open_libpci(void)
{
	if (libpci)
		return true;
	return has_memory() ? call_libpci(open_access, NULL) : out_of_memory();
}
