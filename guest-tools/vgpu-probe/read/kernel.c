// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: what the kernel knows about a device, from sysfs
 *
 * The kernel's Documentation/ABI/testing/sysfs-bus-pci describes the files. All
 * are opened read-only.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "read.h"

/* The first line of a small file */
bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	text[0] = '\0';
	if (fd < 0)
		return false;
	len = read(fd, text, size - 1);
	close(fd);
	if (len < 0)
		return false;
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return true;
}

static bool read_file(const struct kernel *kernel, const char *name, char *text,
		      size_t size)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", kernel->dir, name);
	return read_text(path, text, size);
}

static long long read_number(const struct kernel *kernel, const char *name)
{
	char text[32], *end;
	long long value;

	if (!read_file(kernel, name, text, sizeof(text)))
		return -1;
	value = strtoll(text, &end, 0);
	return end == text ? -1 : value;
}

static void read_driver(struct kernel *kernel)
{
	char path[400], target[256];
	const char *name;
	ssize_t len;

	snprintf(path, sizeof(path), "%s/driver", kernel->dir);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return;
	target[len] = '\0';
	name = strrchr(target, '/');
	snprintf(kernel->driver, sizeof(kernel->driver), "%.63s",
		 name ? name + 1 : target);
}

/* MSI and MSI-X vectors in use: one file each; without any, no directory */
static long long count_vectors(const struct kernel *kernel)
{
	char path[400];
	struct dirent *entry;
	long long count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/msi_irqs", kernel->dir);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? 0 : -1;
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static void read_ids(struct kernel *kernel)
{
	kernel->vendor = read_number(kernel, "vendor");
	kernel->device = read_number(kernel, "device");
	kernel->class = read_number(kernel, "class");
	kernel->revision = read_number(kernel, "revision");
	kernel->subsystem_vendor = read_number(kernel, "subsystem_vendor");
	kernel->subsystem_device = read_number(kernel, "subsystem_device");
}

static void read_state(struct kernel *kernel)
{
	char path[400];

	read_file(kernel, "power_state", kernel->power_state,
		  sizeof(kernel->power_state));
	read_file(kernel, "reset_method", kernel->reset_method,
		  sizeof(kernel->reset_method));
	snprintf(path, sizeof(path), "%s/reset", kernel->dir);
	kernel->resettable = !access(path, F_OK);
	kernel->enable = read_number(kernel, "enable");
	kernel->irq = read_number(kernel, "irq");
	kernel->msi = count_vectors(kernel);
}

/* Some access methods find functions that are not in sysfs */
void read_kernel(const struct function *function, struct kernel *kernel)
{
	const struct slot *slot = &function->slot;

	*kernel = (struct kernel){
		.enable = -1, .irq = -1, .msi = -1, .vendor = -1, .device = -1,
		.class = -1, .revision = -1, .subsystem_vendor = -1,
		.subsystem_device = -1,
	};
	snprintf(kernel->dir, sizeof(kernel->dir),
		 "%.256s/devices/%04x:%02x:%02x.%x", sysfs_path(),
		 slot->domain, slot->bus, slot->dev, slot->func);
	if (access(kernel->dir, R_OK))
		return;
	kernel->present = true;
	read_ids(kernel);
	read_driver(kernel);
	read_resource(function, kernel);
	read_state(kernel);
}
