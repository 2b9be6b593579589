// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: every check of a device
 *
 * They make the validation, the text, the JSON, --list-checks and through that
 * the manual page's list.
 */
#include "check.h"
#include "vgpu_stub_config.h"

#define TEXT(_macro)	TEXT_OF(_macro)
#define TEXT_OF(_value)	#_value
#define WALK(_id, _name, _fault, _want, _advice) \
	{ .id = _id, .name = _name, .offset = PCI_CAPABILITY_LIST, .width = 1, \
	  .mask = _fault, .want = _want, .run = check_walk, .advice = _advice }
#define EXT_CHAIN(_id, _name, _fault, _want, _run, _advice) \
	{ .id = _id, .name = _name, .offset = CONFIG_SIZE, .width = 4, \
	  .mask = _fault, .want = _want, .run = _run, \
	  .detail = DETAIL_EXT_CHAIN, .forms = VGPU_STUB_FORM_EXPRESS, \
	  .applies = has_ext_space, \
	  .advice = _advice }
#define PLACE(_id, _name, _cap, _place, _advice) \
	.id = _id, .name = _name, .mask = _cap, .offset = _place, .width = 1, \
	.expected = _place, .run = check_place, .advice = _advice
#define KERNEL_FIELDS(_id, _name, _want, _run, _applies, _advice) \
	.id = _id, .name = _name, .space = SPACE_KERNEL, .want = _want, \
	.run = _run, .applies = _applies, .advice = _advice
#define KERNEL(...)	{ KERNEL_FIELDS(__VA_ARGS__) }
#define REGISTER(_id, _name, _reg, _offset, _mask, _expected, _advice) \
	{ .id = _id, .name = _name, .space = SPACE_BAR0, .offset = _offset, \
	  .width = VGPU_STUB_REG_SIZE, .mask = _mask, .expected = _expected, \
	  .detail = _reg, .run = check_register, .applies = wants_registers, \
	  .advice = _advice }

#define ADD_CAP		"add capabilities with QEMU's helpers only, in realize()"

static const struct check answers = {
	.id = "answers", .name = "the function answers",
	.offset = PCI_VENDOR_ID, .width = 4, .want = "a header",
	.run = check_answers, .advice = "it is in D3cold, behind a bridge that is "
	"asleep, off the bus, or being reprogrammed: look at dmesg, then rescan "
	"the bus or take the dump again"
};

/* Behind the contract's rows */
static const struct check others[] = {
	{ .id = "unused", .name = "no other bit", .want = "zero",
	  .mask = CONFIG_SIZE, .run = check_unused, .advice = "the contract has no "
	  "such bit: look for what writes there in the device's realize()" },
	{ .id = "ext-unused", .name = "extended: no other bit",
	  .offset = CONFIG_SIZE, .mask = CONFIG_SIZE_EXP - CONFIG_SIZE,
	  .want = "zero", .run = check_unused,
	  .forms = VGPU_STUB_FORM_EXPRESS, .applies = has_ext_space,
	  .advice = "the device's extended space is empty: look for what writes "
	  "there in its realize()" },

	WALK("cap-bounds", "capabilities: bounds", CHAIN_BOUNDS,
	     "pointers behind the header", ADD_CAP),
	WALK("cap-alignment", "capabilities: alignment", CHAIN_ALIGNMENT,
	     "pointers to multiples of 4", ADD_CAP),
	WALK("cap-loop", "capabilities: no loop", CHAIN_LOOP,
	     "a list that ends", ADD_CAP),
	WALK("cap-id", "capabilities: IDs", CHAIN_ID, "IDs that answer",
	     "all ones: the device went away while it was read, or answers for "
	     "its header alone; look at dmesg"),
	{ PLACE("pm", "Power Management", PCI_CAP_ID_PM, VGPU_STUB_PM_CAP_OFFSET,
		"the contract has Power Management there: " ADD_CAP) },
	{ PLACE("express", "PCI Express", PCI_CAP_ID_EXP, VGPU_STUB_EXP_CAP_OFFSET,
		"the contract has Express there, on an Express bus: " ADD_CAP),
	  .forms = VGPU_STUB_FORM_EXPRESS },
	{ .id = "cap-duplicate", .name = "capabilities: no duplicate",
	  .offset = PCI_CAPABILITY_LIST, .width = 1, .want = "each once",
	  .run = check_duplicates, .advice = "a capability is added twice: "
	  ADD_CAP },
	{ .id = "cap-unlisted", .name = "capabilities: no other",
	  .offset = PCI_CAPABILITY_LIST, .width = 1,
	  .want = "those of the contract", .run = check_unlisted,
	  .advice = "the contract has no such capability: look for what adds it "
	  "in the device's realize()" },
	{ .id = "cap-overlap", .name = "capabilities: no overlap",
	  .offset = PCI_CAPABILITY_LIST, .width = 1,
	  .want = "room for each, up to the next", .run = check_overlaps,
	  .advice = "give each capability an offset with room for its length" },
	EXT_CHAIN("ext-cap-bounds", "extended: bounds", CHAIN_BOUNDS,
		  "pointers behind 0x100", check_walk, ADD_CAP),
	EXT_CHAIN("ext-cap-alignment", "extended: alignment", CHAIN_ALIGNMENT,
		  "pointers to multiples of 4", check_walk, ADD_CAP),
	EXT_CHAIN("ext-cap-loop", "extended: no loop", CHAIN_LOOP,
		  "a list that ends", check_walk, ADD_CAP),
	EXT_CHAIN("ext-cap-id", "extended: IDs", CHAIN_ID, "IDs that answer",
		  check_walk, "all ones: nothing answers there, the bridge in "
		  "front may not be Express"),
	EXT_CHAIN("ext-cap-unlisted", "extended: no other", 0, "none",
		  check_unlisted, "the contract has no extended capability: look "
		  "for what adds it in the device's realize()"),
	EXT_CHAIN("ext-cap-overlap", "extended: no overlap", 0,
		  "room for each, up to the next", check_overlaps,
		  "give each capability an offset with room for its length"),

	KERNEL("bar0-assigned", "BAR0 assigned", "an address",
	       check_bar0_assigned, is_live, "no BAR, or no room for it: is "
	       "pci_register_bar() called in realize()? dmesg | grep 'BAR 0'"),
	KERNEL("bar0-size", "BAR0 size", TEXT(VGPU_STUB_BAR0_SIZE), check_bar0_size, is_live,
	       "look at the size in memory_region_init_io(); dmesg tells of a "
	       "BAR that could not be assigned"),
	KERNEL("bar0-resource", "BAR0 as the kernel has it",
	       "the address in BAR0, plain memory", check_bar0_resource, is_live,
	       "something moved BAR0 behind the kernel's back, a reset for "
	       "instance: remove the device and rescan the bus"),
	KERNEL("kernel-ids", "IDs as the kernel has them",
	       "what configuration space says", check_kernel_ids, is_live,
	       "the device changed since the kernel looked at it: remove it "
	       "and rescan the bus, or reboot"),
	KERNEL("driver", "driver", "vgpu_stub, or one that passes it on",
	       check_driver, is_driven, "another driver claims the device: "
	       "unbind it and run modprobe vgpu_stub"),
	KERNEL("enabled", "enabled by its driver", "1 or more", check_enabled,
	       is_driven, "the driver has not called pci_enable_device(): "
	       "dmesg | grep vgpu"),
	{ .id = "bar0-decoded", .name = "BAR0 decoded", .offset = PCI_COMMAND,
	  .width = 2, .mask = PCI_COMMAND_MEMORY,
	  .expected = PCI_COMMAND_MEMORY, .run = check_decoded,
	  .applies = is_driven, .advice = "memory decoding is off behind the "
	  "driver's back: unbind it and bind it again" },
	KERNEL("power-state", "power state, also kernel's",
	       "the same in both", check_power_state, tells_power_state,
	       "the state was changed behind the kernel's back: bind the "
	       "driver again"),
	KERNEL("interrupts", "no interrupt in use", "none", check_interrupts,
	       is_live, "the device has neither a pin nor MSI: what the kernel "
	       "shows is not its own"),
	{ KERNEL_FIELDS("reset-method", "reset method", "flr among them",
			check_reset_method, tells_reset_method,
			"the kernel found no working Function Level Reset: dmesg "
			"| grep -i flr"), .forms = VGPU_STUB_FORM_EXPRESS },

	REGISTER("mmio-magic", "magic", REG_MAGIC, VGPU_STUB_REG_MAGIC,
		 0xffffffff, VGPU_STUB_MAGIC, "this is not a vgpu-stub, or "
		 "BAR0 is not decoded (all ones)"),
	REGISTER("mmio-version", "interface version: major", REG_VERSION,
		 VGPU_STUB_REG_VERSION, 0xffff0000,
		 VGPU_STUB_VERSION_MAJOR << 16, "tools and driver are older or "
		 "newer than the device: use those that came with it"),
	REGISTER("mmio-features", "features: none unknown", REG_FEATURES,
		 VGPU_STUB_REG_FEATURES, ~VGPU_STUB_FEATURES, 0,
		 "the device is newer than this tool: use the one that came "
		 "with it"),
	REGISTER("mmio-status", "status: ready", REG_STATUS,
		 VGPU_STUB_REG_STATUS, 0xffffffff, VGPU_STUB_STATUS,
		 "the registers are not usable: reset the device"),
	REGISTER("mmio-bad-access", "no bad access", REG_BAD_ACCESS,
		 VGPU_STUB_REG_BAD_ACCESS, 0xffffffff, VGPU_STUB_BAD_ACCESS,
		 "some software accessed BAR0 wrongly: QEMU's -d guest_errors "
		 "tells what"),
};

#define ROW(...)	+1
_Static_assert(VGPU_STUB_CONFIG(ROW) + ARRAY_SIZE(others) < MAX_CHECKS,
	       "every check has a place");

const struct check *device_checks(unsigned int *count)
{
	static struct check checks[MAX_CHECKS];
	static unsigned int used;

	if (!used) {
		checks[used++] = answers;
		used += add_contract(checks + used);
		for (size_t i = 0; i < ARRAY_SIZE(others); i++)
			checks[used++] = others[i];
	}
	*count = used;
	return checks;
}
