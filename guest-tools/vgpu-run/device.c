// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-run: open the device, or say why that is not possible and what to do
 */
#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run.h"
#include "vgpu_stub_queue.h"

#define DEFAULT_DEVICE	"/dev/vgpu_stub"

static uint64_t read_number(const char *folder, const char *name)
{
	char path[512];
	unsigned long long number = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%lli", (long long *)&number) != 1)
		number = 0;
	fclose(file);
	return number;
}

/* The first vgpu-stub of the machine, a folder of sysfs; false if there is none */
static bool find_device(char *path, size_t size)
{
	const char *found = NULL;
	glob_t all;

	path[0] = 0;
	if (glob("/sys/bus/pci/devices/*", 0, NULL, &all))
		return false;
	for (size_t i = 0; i < all.gl_pathc && !found; i++)
		if (read_number(all.gl_pathv[i], "vendor") == VGPU_STUB_VENDOR_ID &&
		    read_number(all.gl_pathv[i], "device") == VGPU_STUB_DEVICE_ID)
			found = all.gl_pathv[i];
	if (found)
		snprintf(path, size, "%s", found);
	globfree(&all);
	return found;
}

static bool exists(const char *folder, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return !access(path, F_OK);
}

/* The default device's file is missing: how far did the device get? */
static bool explain_missing(void)
{
	char device[256];
	const char *slot;
	uint64_t features;

	if (!find_device(device, sizeof(device)))
		return fail(EXIT_NO_DEVICE,
			    "this machine has no vgpu-stub device (%04x:%04x): start QEMU with -device vgpu-stub",
			    VGPU_STUB_VENDOR_ID, VGPU_STUB_DEVICE_ID);
	slot = strrchr(device, '/') + 1;
	if (access("/sys/bus/pci/drivers/vgpu_stub", F_OK))
		return fail(EXIT_NO_DEVICE,
			    "the driver of %s is not loaded: run modprobe vgpu_stub as root",
			    slot);
	if (!exists(device, "vgpu_stub"))
		return fail(EXIT_NO_DEVICE,
			    "the driver is not bound to %s: dmesg | grep vgpu may say why",
			    slot);
	features = read_number(device, "vgpu_stub/features");
	if (!(features & VGPU_STUB_FEATURE_QUEUES))
		return fail(EXIT_NO_DEVICE,
			    "%s has no queues: start QEMU with -device vgpu-stub,queues=1",
			    slot);
	return fail(EXIT_NO_DEVICE,
		    "%s has no " DEFAULT_DEVICE ": name its file with --device, or see dmesg | grep vgpu",
		    slot);
}

static const char *file_of(const struct options *options)
{
	if (options->device)
		return options->device;
	return access(DEFAULT_DEVICE, F_OK) ? DEFAULT_DEVICE "0" : DEFAULT_DEVICE;
}

/* The group is root's if there is no udev rule */
static bool explain_permission(const char *file, int error)
{
	struct stat st;
	struct group *group = NULL;

	if (!stat(file, &st) && st.st_gid && st.st_mode & S_IWGRP)
		group = getgrgid(st.st_gid);
	if (group)
		return fail(EXIT_NO_DEVICE,
			    "cannot open %s: %s; it is for members of the group %s: run usermod -aG %s USER as root, and log in again",
			    file, strerror(error), group->gr_name, group->gr_name);
	return fail(EXIT_NO_DEVICE,
		    "cannot open %s: %s; run as root, or install the driver's udev rule, which gives it to a group",
		    file, strerror(error));
}

static bool explain(const struct options *options, int error)
{
	const char *file = file_of(options);

	switch (error) {
	case ENOENT:
		if (!options->device)
			return explain_missing();
		break;
	case EACCES:
	case EPERM:
		return explain_permission(file, error);
	case ENOMEM:
		return fail(EXIT_USAGE, "out of memory");
	case ENOTTY:
		return fail(EXIT_NO_DEVICE, "%s is not a vgpu-stub device", file);
	case ENODEV:
	case ENXIO:
		return fail(EXIT_NO_DEVICE, "cannot open %s: the device is gone",
			    file);
	}
	return fail(EXIT_NO_DEVICE, "cannot open %s: %s", file, strerror(error));
}

bool open_device(struct run *run)
{
	const struct options *options = run->options;
	int ret = vgpu_stub_open(options->device, &run->vgpu);

	if (ret)
		return explain(options, -ret);
	run->info.size = sizeof(run->info);
	ret = vgpu_stub_get_info(run->vgpu, &run->info);
	if (ret)
		return explain(options, -ret);
	if (options->depth > run->info.depth)
		return fail(EXIT_USAGE, "--depth %u: the driver accepts up to %u",
			    options->depth, run->info.depth);
	return true;
}
