/*
 * vgpu-stub: bring the device into Debian's own QEMU
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This library is what LD_PRELOAD names. It needs nothing of QEMU itself, so
 * it loads into any program; it makes sure that the program is the very QEMU
 * that the device was compiled for, then loads the device from beside itself.
 * QEMU keeps no ABI between builds: a device in the wrong one would corrupt
 * memory far from here, so anything but the same version is refused.
 *
 * Exit status: 1 with one line on standard error when the QEMU is the wrong
 * one, as QEMU does for a bad command line. A program that is not QEMU (a
 * helper that QEMU starts) is left alone.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef VGPU_BUILT_FOR
#error "VGPU_BUILT_FOR is the version of the QEMU that the device is built for"
#endif

#define DEVICE_LIBRARY "vgpu-stub.so"

/* As QEMU's schema has them (qapi/misc or control.json, VersionInfo) */
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
               ", but this is QEMU %s; run 'make device' to build it anew",
               running);
    }
}

static void load_device(void)
{
    char path[PATH_MAX];
    const char *slash;
    Dl_info self;

    if (!dladdr((void *)load_device, &self)) {
        refuse("cannot tell where this library lies");
    }
    slash = strrchr(self.dli_fname, '/');
    snprintf(path, sizeof(path), "%.*s" DEVICE_LIBRARY,
             slash ? (int)(slash + 1 - self.dli_fname) : 0, self.dli_fname);
    if (!dlopen(path, RTLD_NOW)) {
        refuse("cannot load the device built for QEMU " VGPU_BUILT_FOR
               ": %s; run 'make device' to build it anew", dlerror());
    }
}

static void __attribute__((constructor)) vgpu_preload(void)
{
    QueryVersion *query = (QueryVersion *)dlsym(RTLD_DEFAULT,
                                                "qmp_query_version");

    if (query) {
        check_version(query);
        load_device();
        return;
    }
    if (strncmp(program_invocation_short_name, "qemu-system-", 12) == 0) {
        refuse("the device is built for QEMU " VGPU_BUILT_FOR ", but this %s "
               "exports no symbols (it is built without modules); build the "
               "device into its source instead",
               program_invocation_short_name);
    }
}
