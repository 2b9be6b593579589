/*
 * vgpu-stub: bring the device into Debian's own QEMU
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * LD_PRELOAD names this library. It uses no symbol of QEMU's directly, so it
 * loads into any program. In a QEMU it checks that the version is the one that
 * the device was compiled for, then loads the device from its own folder. QEMU
 * has no stable ABI: in another version the device would corrupt memory, so any
 * other version is refused.
 *
 * Exit status: 1 with one line on standard error if the device cannot be used
 * in this QEMU, as QEMU does for a bad command line. Every other program that
 * inherits LD_PRELOAD, such as a script or helper that QEMU starts, runs as if
 * the library were not there.
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
#error "VGPU_BUILT_FOR is the version of the QEMU that the device is built for"
#endif

#define DEVICE_LIBRARY "vgpu-stub.so"

/*
 * A trace event of the device, which is a global symbol wherever the device is
 * compiled in: a QEMU that has it in its tree, or another copy of the library.
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
    /* not exit(): QEMU is not up yet, its exit handlers must not run */
    fflush(stderr);
    _Exit(1);
}

/* In the form that "qemu-system-x86_64 --version" prints */
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
    /* global, for check_single() of another copy of this library */
    if (!dlopen(path, RTLD_NOW | RTLD_GLOBAL)) {
        refuse("cannot load the device built for QEMU " VGPU_BUILT_FOR
               ": %s; run 'make device' to rebuild it", dlerror());
    }
}

/* QEMU's tools have the version too, but no PCI */
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
               "the device into its source instead, see docs/in-tree.md",
               program);
    }
}
