// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: what to look at where no device was found
 *
 * In the order in which a person would, and having looked itself where it can.
 */
#include <stdarg.h>
#include <string.h>

#include "kernel-log.h"
#include "probe.h"
#include "vgpu_stub.h"

#define PCI_VENDOR_QEMU		0x1234
#define PCI_DEVICE_IVSHMEM	0x1110

static void __attribute__((format(printf, 2, 3)))
hint(struct report *r, const char *fmt, ...)
{
	va_list args;

	if (r->hint_count == MAX_HINTS)
		return;
	va_start(args, fmt);
	vsnprintf(r->hints[r->hint_count++], sizeof(r->hints[0]), fmt, args);
	va_end(args);
}

/* Why a device that is no match might have been meant, or NULL */
static const char *near_miss(const struct pci_dev *pci)
{
	if (pci->vendor_id == VGPU_STUB_VENDOR_ID &&
	    pci->device_id == VGPU_STUB_DEVICE_ID)
		return pci->device_class == VGPU_STUB_CLASS ?
		       "is a vgpu-stub, but not what -s or -d asks for" :
		       "has the right IDs, but another class";
	if (pci->vendor_id == PCI_VENDOR_QEMU &&
	    pci->device_id == VGPU_STUB_DEVICE_ID)
		return "is QEMU's VGA, not a vgpu-stub";
	if (pci->vendor_id == VGPU_STUB_VENDOR_ID &&
	    pci->device_id == PCI_DEVICE_IVSHMEM)
		return "is ivshmem, not a vgpu-stub";
	if (pci->device_class == VGPU_STUB_CLASS)
		return "has the right class, but other IDs";
	return NULL;
}

static void hint_near_misses(struct report *r)
{
	for (struct pci_dev *pci = r->source.pacc->devices; pci;
	     pci = pci->next) {
		const char *why = near_miss(pci);
		char slot[32];

		if (!why)
			continue;
		format_slot(slot, sizeof(slot), pci, true);
		hint(r, "near miss: %s [%04x:%04x] %s", slot, pci->vendor_id,
		     pci->device_id, why);
	}
}

static void hint_count(struct report *r, const char *where)
{
	unsigned int all = 0, ours = 0;

	for (struct pci_dev *pci = r->source.pacc->devices; pci;
	     pci = pci->next) {
		all++;
		ours += pci->vendor_id == VGPU_STUB_VENDOR_ID;
	}
	hint(r, "%s has %u PCI %s, %u of vendor %04x", where, all,
	     all == 1 ? "device" : "devices", ours, VGPU_STUB_VENDOR_ID);
}

/* Options that take devices or whole buses away from the kernel */
static void hint_kernel_options(struct report *r)
{
	char line[4096], *word, *save;

	if (!read_text("/proc/cmdline", line, sizeof(line)))
		return;
	for (word = strtok_r(line, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		if (!strncmp(word, "pci=", 4) || !strncmp(word, "acpi=", 5))
			hint(r, "the kernel was started with '%.100s': does it hide the device?",
			     word);
}

static void hint_log_line(const char *line, void *data)
{
	struct report *r = data;

	/* the last hints are for what is to be done on the host */
	if (r->hint_count < MAX_HINTS - 3)
		hint(r, "the kernel log says: %.200s", line);
}

static void hint_kernel_log(struct report *r)
{
	char ids[16];
	const char *words[] = { ids, DRIVER_NAME, NULL };

	snprintf(ids, sizeof(ids), "[%04x:%04x]", VGPU_STUB_VENDOR_ID,
		 VGPU_STUB_DEVICE_ID);
	if (!read_kernel_log(words, hint_log_line, r))
		hint(r, "the kernel log is for root: sudo dmesg | grep -i -e pci -e vgpu");
}

static void hint_host(struct report *r)
{
	hint(r, "in this machine: was it removed? echo 1 >/sys/bus/pci/rescan, as root");
	hint(r, "on the host: has the QEMU that runs this machine the device? "
	     "qemu-system-x86_64 -device help | grep vgpu-stub");
	hint(r, "on the host: was it started with -device vgpu-stub? "
	     "ps -ef | grep vgpu-stub, and QEMU's log");
}

void look_for_causes(struct report *r)
{
	if (r->source.name) {
		hint_count(r, "the dump");
		hint_near_misses(r);
		return;
	}
	if (r->source.pacc->devices)
		hint_count(r, "this machine");
	else
		hint(r, "the kernel shows no PCI device at all: is it built with "
		     "CONFIG_PCI, is sysfs mounted on /sys?");
	hint_near_misses(r);
	hint_kernel_options(r);
	hint_kernel_log(r);
	hint_host(r);
}
