/*
 * vgpu-stub: load the device into Debian's own QEMU
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * LD_PRELOAD names this library. It does not link to any symbol of QEMU, so it
 * loads into any program. In QEMU it checks that the version is the one that
 * the device was compiled for, then loads the device from its own directory.
 * QEMU has no stable ABI, and in another version the device would corrupt
 * memory, so every other version is refused.
 *
 * If this QEMU cannot use the device, it exits with status 1 and one line on
 * standard error, as for a bad command line. Other programs that inherit
 * LD_PRELOAD, such as scripts and helpers that QEMU starts, run unchanged.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef VGPU_BUILT_FOR
#error "define VGPU_BUILT_FOR as the QEMU version that the device is built for"
#endif

#define DEVICE_LIBRARY "vgpu-stub.so"

/*
 * A trace event of the device: a global symbol in any process that has the
 * device, whether it is built into QEMU or comes from another library.
 */
#define DEVICE_SYMBOL "_TRACE_VGPU_STUB_MMIO_READ_DSTATE"

/* VersionInfo of QEMU's QAPI schema (qapi/control.json) */
typedef struct VersionTriple {
    int64_t major;
    int64_t minor;
    int64_t micro;
} VersionTriple;

typedef struct VersionInfo {
    VersionTriple *qemu;
    char *package;
} VersionInfo;

typedef VersionInfo *QueryVersion(void *errp);

static void __attribute__((noreturn, format(printf, 1, 2)))
refuse(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "vgpu-stub: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    /* not exit(): QEMU's exit handlers must not run this early */
    fflush(stderr);
    _Exit(1);
}

/* In the format of "qemu-system-x86_64 --version" */
static void running_version(QueryVersion *query, char *buf, size_t size)
{
    VersionInfo *info = query(NULL);

    snprintf(buf, size, "%" PRId64 ".%" PRId64 ".%" PRId64 "%s%s%s",
             info->qemu->major, info->qemu->minor, info->qemu->micro,
             *info->package ? " (" : "", info->package,
             *info->package ? ")" : "");
}

static void check_version(QueryVersion *query)
{
    char running[256];

    running_version(query, running, sizeof(running));
    if (strcmp(running, VGPU_BUILT_FOR) != 0) {
        refuse("the device is built for QEMU " VGPU_BUILT_FOR
               ", but this is QEMU %s; run 'make device' to rebuild it",
               running);
    }
}

static const char *own_path(void)
{
    Dl_info self;

    if (!dladdr((void *)own_path, &self)) {
        refuse("cannot find the path of the preloaded library");
    }
    return self.dli_fname;
}

/* QEMU aborts when a type is registered twice */
static void check_single(void)
{
    if (dlsym(RTLD_DEFAULT, DEVICE_SYMBOL)) {
        refuse("this QEMU already has the device, built in or from another "
               "library in LD_PRELOAD; remove %s from LD_PRELOAD", own_path());
    }
}

static void load_device(void)
{
    const char *own = own_path();
    const char *slash = strrchr(own, '/');
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%.*s" DEVICE_LIBRARY,
             slash ? (int)(slash + 1 - own) : 0, own);
    /* global, so that another copy's check_single() finds it */
    if (!dlopen(path, RTLD_NOW | RTLD_GLOBAL)) {
        refuse("cannot load the device built for QEMU " VGPU_BUILT_FOR
               ": %s; run 'make device' to rebuild it", dlerror());
    }
}

/* QEMU's tools export the version function too, but not the PCI one */
static bool is_emulator(void)
{
    return dlsym(RTLD_DEFAULT, "qmp_query_version") &&
           dlsym(RTLD_DEFAULT, "pci_register_bar");
}

static void __attribute__((constructor)) vgpu_preload(void)
{
    const char *program = program_invocation_short_name;

    if (is_emulator()) {
        check_version((QueryVersion *)dlsym(RTLD_DEFAULT, "qmp_query_version"));
        check_single();
        load_device();
        return;
    }
    if (strncmp(program, "qemu-system-", 12) == 0) {
        refuse("the device cannot be loaded into this %s, which exports no "
               "PCI functions (built without modules, or without PCI); build "
               "the device into QEMU instead, see docs/in-tree.md",
               program);
    }
}
