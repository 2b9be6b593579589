// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: hints on where to look for a device that was not found
 *
 * They are in the order in which a person would look, and include what the tool
 * can look up itself.
 */
#include <string.h>

#include "../error.h"
#include "command.h"
#include "vgpu_stub.h"

#define PCI_VENDOR_QEMU		0x1234
#define PCI_DEVICE_IVSHMEM	0x1110

/* Why a device that does not match may be the one meant, or NULL */
static const char *near_miss(const struct function *f)
{
	if (f->vendor == VGPU_STUB_VENDOR_ID && f->device == VGPU_STUB_DEVICE_ID)
		return f->class == VGPU_STUB_CLASS ?
		       "is a vgpu-stub, but not what -s or -d asks for" :
		       "has the right IDs, but another class";
	if (f->vendor == PCI_VENDOR_QEMU && f->device == VGPU_STUB_DEVICE_ID)
		return "is QEMU's VGA, not a vgpu-stub";
	if (f->vendor == VGPU_STUB_VENDOR_ID && f->device == PCI_DEVICE_IVSHMEM)
		return "is ivshmem, not a vgpu-stub";
	if (f->class == VGPU_STUB_CLASS)
		return "has the right class, but other IDs";
	return NULL;
}

static void hint_near_misses(const struct source *source)
{
	for (unsigned int i = 0; i < source->function_count; i++) {
		const struct function *f = &source->functions[i];
		const char *why = near_miss(f);
		char slot[32];

		if (!why)
			continue;
		format_slot(slot, sizeof(slot), &f->slot, true);
		add_hint("near miss: %s [%04x:%04x] %s", slot, f->vendor,
			 f->device, why);
	}
}

/* A function that does not respond may be the one that is missing */
static void hint_silent(const struct source *source)
{
	static struct config config;

	for (unsigned int i = 0; i < source->function_count; i++) {
		const struct function *f = &source->functions[i];
		const char *silence;
		char slot[32];

		if (!read_config(f, HEADER_SIZE, &config))
			return;
		silence = silence_of(&config);
		format_slot(slot, sizeof(slot), &f->slot, true);
		if (silence)
			add_hint("%s does not respond, it reads as %s: in D3cold, "
				 "below a bridge in D3, off the bus, or being "
				 "reprogrammed", slot, silence);
		else if (f->vendor == 0xffff && f->device == 0xffff)
			add_hint("%s has IDs of all ones, but the rest responds: "
				 "an SR-IOV virtual function?", slot);
	}
}

static void hint_count(const struct source *source, const char *where)
{
	unsigned int all = source->function_count, ours = 0;

	for (unsigned int i = 0; i < all; i++)
		ours += source->functions[i].vendor == VGPU_STUB_VENDOR_ID;
	add_hint("%s has %u PCI %s, %u of vendor %04x", where, all,
		 all == 1 ? "device" : "devices", ours, VGPU_STUB_VENDOR_ID);
}

/* Options that hide devices or whole buses from the kernel */
static void hint_kernel_options(void)
{
	char line[4096], *word, *save;

	if (!read_text("/proc/cmdline", line, sizeof(line)))
		return;
	for (word = strtok_r(line, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		if (!strncmp(word, "pci=", 4) || !strncmp(word, "acpi=", 5))
			add_hint("the kernel was started with '%.100s': does it hide the device?",
				 word);
}

static void hint_log_line(const char *line, void *data)
{
	(void)data;
	/* the last hints are about the host */
	if (error.hint_count < MAX_HINTS - 3)
		add_hint("the kernel log says: %.200s", line);
}

static void hint_kernel_log(void)
{
	char ids[16];
	const char *words[] = { ids, DRIVER_NAME, NULL };

	snprintf(ids, sizeof(ids), "[%04x:%04x]", VGPU_STUB_VENDOR_ID,
		 VGPU_STUB_DEVICE_ID);
	if (!read_kernel_log(words, hint_log_line, NULL))
		add_hint("the kernel log is for root: sudo dmesg | grep -i -e pci -e vgpu");
}

static void hint_host(void)
{
	add_hint("in this machine: was it removed? echo 1 >/sys/bus/pci/rescan, as root");
	add_hint("on the host: does this machine's QEMU have the device? "
		 "qemu-system-x86_64 -device help | grep vgpu-stub");
	add_hint("on the host: was it started with -device vgpu-stub? "
		 "ps -ef | grep vgpu-stub, and QEMU's log");
}

void look_for_causes(const struct source *source)
{
	if (source->name) {
		hint_count(source, "the dump");
		hint_near_misses(source);
		hint_silent(source);
		return;
	}
	if (source->function_count)
		hint_count(source, "this machine");
	else
		add_hint("the kernel shows no PCI device at all: is it built with "
			 "CONFIG_PCI, and is sysfs mounted on /sys?");
	hint_near_misses(source);
	hint_silent(source);
	hint_kernel_options();
	hint_kernel_log();
	hint_host();
}
