// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: every check, as one table
 *
 * It drives the validation, the text, the JSON, --list-checks and through that
 * the manual page's list.
 */
#include "check.h"
#include "vgpu_stub.h"

#define TEXT(_macro)	TEXT_OF(_macro)
#define TEXT_OF(_value)	#_value
#define FIELD(_id, _name, _offset, _width, _mask, _expected, _advice) \
	{ .id = _id, .name = _name, .offset = _offset, .width = _width, \
	  .mask = _mask, .expected = _expected, .advice = _advice }
#define ERROR_BITS(_id, _name, _mask, _advice) \
	{ .id = _id, .name = _name, .offset = PCI_STATUS, .width = 2, \
	  .mask = _mask, .severity = SEVERITY_WARNING, .advice = _advice }
#define UNUSED_BAR(_n) \
	FIELD("bar" #_n, "BAR" #_n " unused", PCI_BASE_ADDRESS_##_n, 4, \
	      0xffffffff, 0, "the device registers BAR0 alone; look for a " \
	      "second pci_register_bar() in its realize()")
#define RESERVED(_id, _name, _offset, _width, _mask) \
	FIELD(_id, _name, _offset, _width, _mask, 0, \
	      "reserved bits read as zero; look for what writes there in the " \
	      "device's realize()")
#define CAP_FIELD(_cap, _applies, _id, _name, _offset, _width, _mask, _expected, _advice) \
	{ .id = _id, .name = _name, .cap = _cap, .applies = _applies, \
	  .offset = _offset, \
	  .width = _width, .mask = _mask, .expected = (_expected) & (_mask), \
	  .advice = _advice }
#define PM_FIELD(...)	CAP_FIELD(PCI_CAP_ID_PM, may_have_pm, __VA_ARGS__)
#define WALK(_id, _name, _fault, _want, _advice) \
	{ .id = _id, .name = _name, .offset = PCI_CAPABILITY_LIST, .width = 1, \
	  .mask = _fault, .want = _want, .run = check_walk, .advice = _advice }
#define EXT_WALK(_id, _name, _fault, _want, _advice) \
	{ .id = _id, .name = _name, .offset = CONFIG_SIZE, .width = 4, \
	  .mask = _fault, .want = _want, .run = check_walk, \
	  .detail = DETAIL_EXT_CHAIN, .applies = has_ext_space, \
	  .advice = _advice }
#define KERNEL(_id, _name, _want, _run, _applies, _advice) \
	{ .id = _id, .name = _name, .space = SPACE_KERNEL, .want = _want, \
	  .run = _run, .applies = _applies, .advice = _advice }
#define REGISTER(_id, _name, _reg, _offset, _mask, _expected, _advice) \
	{ .id = _id, .name = _name, .space = SPACE_BAR0, .offset = _offset, \
	  .width = VGPU_STUB_REG_SIZE, .mask = _mask, .expected = _expected, \
	  .detail = _reg, .run = check_register, .applies = wants_registers, \
	  .advice = _advice }

#define WRONG_ID	"this is another device, or one with wrong IDs: look at " \
			"the command line of QEMU and at the IDs in the " \
			"device's class_init()"
#define WRONG_CLASS	"the class is 16 bits, subclass and base class: set " \
			"class_id in class_init(), write no bytes"
#define ADD_CAP		"add capabilities with QEMU's helpers only, in realize()"
#define CLEAR_ERROR	"the kernel log tells what went wrong (dmesg | grep -i " \
			"pci); the bit stays until a driver clears it"

const struct check checks[] = {
	{ .id = "answers", .name = "the function answers",
	  .offset = PCI_VENDOR_ID, .width = 4, .want = "not all ones",
	  .run = check_answers, .advice = "the device is gone, asleep (D3cold) "
	  "or behind a bridge that is: rescan the bus, look at dmesg" },
	FIELD("vendor-id", "vendor ID", PCI_VENDOR_ID, 2, 0xffff,
	      VGPU_STUB_VENDOR_ID, WRONG_ID),
	FIELD("device-id", "device ID", PCI_DEVICE_ID, 2, 0xffff,
	      VGPU_STUB_DEVICE_ID, WRONG_ID),
	RESERVED("command-reserved", "command: reserved bits", PCI_COMMAND, 2,
		 0xf800),
	FIELD("status-cap-list", "status: capability list", PCI_STATUS, 2,
	      PCI_STATUS_CAP_LIST, PCI_STATUS_CAP_LIST, ADD_CAP),
	RESERVED("status-reserved", "status: reserved bits", PCI_STATUS, 2,
		 0x0007 | PCI_STATUS_UDF),
	FIELD("status-interrupt", "status: no interrupt", PCI_STATUS, 2,
	      PCI_STATUS_INTx, 0, "the device has no interrupt pin, so none can "
	      "be pending"),
	ERROR_BITS("status-parity", "status: no parity error",
		   PCI_STATUS_PARITY | PCI_STATUS_DETECTED_PARITY, CLEAR_ERROR),
	ERROR_BITS("status-target-abort", "status: no target abort",
		   PCI_STATUS_SIG_TARGET_ABORT | PCI_STATUS_REC_TARGET_ABORT,
		   CLEAR_ERROR),
	ERROR_BITS("status-master-abort", "status: no master abort",
		   PCI_STATUS_REC_MASTER_ABORT, CLEAR_ERROR),
	ERROR_BITS("status-serr", "status: no system error",
		   PCI_STATUS_SIG_SYSTEM_ERROR, CLEAR_ERROR),
	FIELD("revision", "revision", PCI_REVISION_ID, 1, 0xff,
	      VGPU_STUB_REVISION, "another revision than this tool knows: use "
	      "the vgpu-probe that came with the device"),
	FIELD("prog-if", "programming interface", PCI_CLASS_PROG, 1, 0xff,
	      VGPU_STUB_PROG_IF, WRONG_CLASS),
	FIELD("subclass", "subclass", PCI_CLASS_DEVICE, 1, 0xff,
	      VGPU_STUB_CLASS & 0xff, WRONG_CLASS),
	FIELD("base-class", "base class", PCI_CLASS_DEVICE + 1, 1, 0xff,
	      VGPU_STUB_CLASS >> 8, WRONG_CLASS),
	FIELD("header-type", "header type", PCI_HEADER_TYPE, 1, 0x7f,
	      VGPU_STUB_HEADER_TYPE, "an endpoint has a type 0 header; the IDs "
	      "may be those of a bridge"),
	RESERVED("bist", "no built-in self test", PCI_BIST, 1, 0xff),
	FIELD("bar0-kind", "BAR0 kind", PCI_BASE_ADDRESS_0, 4, 0xf,
	      VGPU_STUB_BAR0_FLAGS, "register BAR0 with "
	      "PCI_BASE_ADDRESS_SPACE_MEMORY and no other flag"),
	FIELD("bar0-alignment", "BAR0 alignment", PCI_BASE_ADDRESS_0, 4,
	      (VGPU_STUB_BAR0_SIZE - 1) & ~0xfU, 0, "BAR0 is smaller than it "
	      "has to be: look at the size in memory_region_init_io()"),
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
	UNUSED_BAR(1),
	UNUSED_BAR(2),
	UNUSED_BAR(3),
	UNUSED_BAR(4),
	UNUSED_BAR(5),
	RESERVED("cardbus-cis", "no CardBus pointer", PCI_CARDBUS_CIS, 4,
		 0xffffffff),
	FIELD("subsystem-vendor-id", "subsystem vendor ID",
	      PCI_SUBSYSTEM_VENDOR_ID, 2, 0xffff,
	      VGPU_STUB_SUBSYSTEM_VENDOR_ID, "set subsystem_vendor_id in "
	      "class_init()"),
	FIELD("subsystem-id", "subsystem ID", PCI_SUBSYSTEM_ID, 2, 0xffff,
	      VGPU_STUB_SUBSYSTEM_ID, "set subsystem_id in class_init(); 1100 "
	      "is QEMU's default"),
	FIELD("expansion-rom", "no expansion ROM", PCI_ROM_ADDRESS, 4,
	      0xffffffff, 0, "the device has no ROM: start QEMU without "
	      "romfile= for it"),
	RESERVED("reserved-35", "reserved after pointer",
		 PCI_CAPABILITY_LIST, 4, 0xffffff00),
	RESERVED("reserved-38", "reserved double word", 0x38, 4, 0xffffffff),
	FIELD("interrupt-pin", "no interrupt pin", PCI_INTERRUPT_PIN, 1, 0xff, 0,
	      "the device raises no interrupt: set no pin in realize()"),
	RESERVED("min-gnt-max-lat", "Min_Gnt, Max_Lat", PCI_MIN_GNT, 2, 0xffff),

	{ .id = "cap-pointer", .name = "capability pointer",
	  .offset = PCI_CAPABILITY_LIST, .width = 1,
	  .want = "a pointer where status has the list bit, else zero",
	  .run = check_pointer, .advice = "status bit 4 and the pointer are set "
	  "together: " ADD_CAP },
	WALK("cap-bounds", "capabilities: bounds", CHAIN_BOUNDS,
	     "pointers behind the header", ADD_CAP),
	WALK("cap-alignment", "capabilities: alignment", CHAIN_ALIGNMENT,
	     "pointers to multiples of 4", ADD_CAP),
	WALK("cap-loop", "capabilities: no loop", CHAIN_LOOP,
	     "a list that ends", ADD_CAP),
	WALK("cap-id", "capabilities: IDs", CHAIN_ID, "IDs that answer",
	     "all ones: the device is gone, asleep or was unplugged"),
	{ .id = "cap-duplicate", .name = "capabilities: no duplicate",
	  .offset = PCI_CAPABILITY_LIST, .width = 1, .want = "each ID once",
	  .run = check_duplicates, .advice = "a capability is added twice: "
	  ADD_CAP },
	{ .id = "cap-overlap", .name = "capabilities: no overlap",
	  .offset = PCI_CAPABILITY_LIST, .width = 1,
	  .want = "room for each, up to the next", .run = check_overlaps,
	  .advice = "give each capability an offset with room for its length" },

	{ .id = "pm", .name = "Power Management", .cap = PCI_CAP_ID_PM,
	  .width = 1, .want = "present", .run = check_present,
	  .advice = "the contract asks for Power Management: " ADD_CAP },
	PM_FIELD("pm-version", "PM version", PCI_CAP_FLAGS, 2,
		 PCI_PM_CAP_VER_MASK, VGPU_STUB_PMC,
		 "set version 3 in the PMC register"),
	PM_FIELD("pm-d1-d2", "PM without D1, D2", PCI_CAP_FLAGS, 2,
		 PCI_PM_CAP_D1 | PCI_PM_CAP_D2, VGPU_STUB_PMC,
		 "the device knows D0 and D3hot only"),
	PM_FIELD("pm-pme", "PM without PME", PCI_CAP_FLAGS, 2,
		 0xf800 | PCI_PM_CAP_PME_CLOCK, VGPU_STUB_PMC,
		 "the device raises no power management event"),
	PM_FIELD("pm-reserved", "PM: reserved bits", PCI_CAP_FLAGS, 2,
		 0x0010 | PCI_PM_CAP_DSI | PCI_PM_CAP_AUX_C_MASK, VGPU_STUB_PMC,
		 "write the PMC register as a whole"),
	{ .id = "pm-state", .name = "PM state", .cap = PCI_CAP_ID_PM,
	  .offset = PCI_PM_CTRL, .width = 2, .want = "D0 or D3hot",
	  .run = check_pm_state, .applies = may_have_pm, .advice = "a write of an unsupported state "
	  "must change nothing" },
	PM_FIELD("pm-no-soft-reset", "PM NoSoftRst", PCI_PM_CTRL, 2,
		 PCI_PM_CTRL_NO_SOFT_RST, VGPU_STUB_PMCSR,
		 "set NoSoftRst in PMCSR: D3hot keeps the registers"),
	PM_FIELD("pm-control-reserved", "PMCSR: other bits", PCI_PM_CTRL, 2,
		 (uint16_t)~(PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_NO_SOFT_RST),
		 VGPU_STUB_PMCSR, "no PME and no data register: these bits "
		 "are not writable"),
	PM_FIELD("pm-data", "PM without data", PCI_PM_PPB_EXTENSIONS, 2, 0xffff,
		 0, "bridge extensions and data register are zero"),

	{ .id = "express-version", .name = "Express version",
	  .cap = PCI_CAP_ID_EXP, .offset = PCI_EXP_FLAGS, .width = 2,
	  .want = "1 or later", .run = check_express_version,
	  .applies = has_express, .advice = ADD_CAP },
	{ .id = "express-type", .name = "Express endpoint",
	  .cap = PCI_CAP_ID_EXP, .offset = PCI_EXP_FLAGS, .width = 2,
	  .want = "endpoint or integrated endpoint",
	  .run = check_express_type, .applies = has_express,
	  .advice = "pcie_endpoint_cap_init() takes the type from the bus" },
	{ .id = "express-flr", .name = "Function Level Reset",
	  .cap = PCI_CAP_ID_EXP, .offset = PCI_EXP_DEVCAP, .width = 4,
	  .mask = PCI_EXP_DEVCAP_FLRESET, .expected = PCI_EXP_DEVCAP_FLRESET,
	  .applies = has_express, .advice = "call pcie_cap_flr_init() in "
	  "realize() and pcie_cap_flr_write_config() on writes" },
	{ .id = "express-errors", .name = "Express: no error",
	  .cap = PCI_CAP_ID_EXP, .offset = PCI_EXP_DEVSTA, .width = 2,
	  .mask = 0x000f, .severity = SEVERITY_WARNING,
	  .applies = has_express, .advice = CLEAR_ERROR },
	EXT_WALK("ext-cap-bounds", "extended: bounds", CHAIN_BOUNDS,
		 "pointers behind 0x100", ADD_CAP),
	EXT_WALK("ext-cap-alignment", "extended: alignment", CHAIN_ALIGNMENT,
		 "pointers to multiples of 4", ADD_CAP),
	EXT_WALK("ext-cap-loop", "extended: no loop", CHAIN_LOOP,
		 "a list that ends", ADD_CAP),
	EXT_WALK("ext-cap-id", "extended: IDs", CHAIN_ID, "IDs that answer",
		 "all ones: nothing answers there, the bridge in front may not "
		 "be Express"),
	{ .id = "ext-cap-version", .name = "extended: versions",
	  .offset = CONFIG_SIZE, .width = 4, .want = "1 or later",
	  .detail = DETAIL_EXT_CHAIN, .run = check_ext_versions,
	  .applies = has_ext_space, .advice = ADD_CAP },
	{ .id = "ext-cap-duplicate", .name = "extended: no duplicate",
	  .offset = CONFIG_SIZE, .width = 4, .want = "each ID once",
	  .detail = DETAIL_EXT_CHAIN, .run = check_duplicates,
	  .applies = has_ext_space, .advice = ADD_CAP },

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
	KERNEL("reset-method", "reset method", "flr among them",
	       check_reset_method, tells_reset_method,
	       "the kernel found no working Function Level Reset: dmesg | grep "
	       "-i flr"),

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

const unsigned int check_count = ARRAY_SIZE(checks);

_Static_assert(ARRAY_SIZE(checks) <= MAX_FINDINGS, "every check has a place");
