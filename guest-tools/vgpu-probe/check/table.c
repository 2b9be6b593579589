// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: every check of a device
 *
 * They make the validation, the text, the JSON, --list-checks and through that
 * the manual page's list.
 */
#include "check.h"
#include "vgpu_stub_config.h"

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
#define REGISTER_FIELDS(_id, _name, _reg, _offset, _mask, _expected, _advice) \
	.id = _id, .name = _name, .space = SPACE_BAR0, .offset = _offset, \
	.width = VGPU_STUB_REG_SIZE, .mask = _mask, .expected = _expected, \
	.detail = _reg, .run = check_register, .advice = _advice
#define REGISTER(...) \
	{ REGISTER_FIELDS(__VA_ARGS__), .applies = wants_registers }
#define QUEUE_FIELDS(...) \
	REGISTER_FIELDS(__VA_ARGS__), .kinds = KIND_QUEUES, \
	.applies = knows_queues
#define QUEUE_REGISTER(...)	{ QUEUE_FIELDS(__VA_ARGS__) }
/* The limits of a device are those of its interface version */
#define LIMIT(_id, _name, _limit) \
	QUEUE_REGISTER(_id, _name, REG_##_limit, VGPU_STUB_REG_##_limit, \
		       0xffffffff, VGPU_STUB_##_limit, WRONG_LIMIT)
#define QUEUE_CHECK(_id, _name, _offset, _want, _run, _advice) \
	.id = _id, .name = _name, .space = SPACE_BAR0, .offset = _offset, \
	.width = VGPU_STUB_REG_SIZE, .want = _want, .run = _run, \
	.kinds = KIND_QUEUES, .applies = knows_queues, .advice = _advice

#define ADD_CAP		"add capabilities with QEMU's helpers only, in realize()"
#define WRONG_LIMIT	"the interface version defines the limits: check what the " \
			"device model returns there"

#define RESERVED_BITS	"reserved bits read 0: check what the device model returns " \
			"there"
#define HALF_QUEUES	"MSI-X and FEATURES must agree on whether there are " \
			"queues: check what realize() does for queues="
#define NOT_READY	"the registers are not usable: reset the device"
#define INTERRUPTS	"the device has no pin and no MSI, and MSI-X only with " \
			"queues: the kernel shows another device's interrupts, " \
			"or the device was reset without its knowledge"
#define COMMAND_SETS	(1 << VGPU_STUB_SET_BASIC | 1 << VGPU_STUB_SET_BUFFER)

static const struct check answers = {
	.id = "answers", .name = "the function responds",
	.offset = PCI_VENDOR_ID, .width = 4, .want = "a header",
	.run = check_answers, .advice = "it is in D3cold, below a bridge in D3, "
	"off the bus, or being reprogrammed: check dmesg, then rescan the bus or "
	"take the dump again"
};

/* These follow the contract's rows */
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
	     "pointers after the header", ADD_CAP),
	WALK("cap-alignment", "capabilities: alignment", CHAIN_ALIGNMENT,
	     "pointers to multiples of 4", ADD_CAP),
	WALK("cap-loop", "capabilities: no loop", CHAIN_LOOP,
	     "a list that ends", ADD_CAP),
	WALK("cap-id", "capabilities: IDs", CHAIN_ID, "no ID of all ones",
	     "all ones: the device was removed while it was read, or only its "
	     "header responds; check dmesg"),
	{ PLACE("pm", "Power Management", PCI_CAP_ID_PM, VGPU_STUB_PM_CAP_OFFSET,
		"the contract has Power Management there: " ADD_CAP) },
	{ PLACE("express", "PCI Express", PCI_CAP_ID_EXP, VGPU_STUB_EXP_CAP_OFFSET,
		"the contract has Express there, on an Express bus: " ADD_CAP),
	  .forms = VGPU_STUB_FORM_EXPRESS },
	{ PLACE("msix", "MSI-X", PCI_CAP_ID_MSIX, VGPU_STUB_MSIX_CAP_OFFSET,
		"the contract has MSI-X there, if the device has queues: "
		ADD_CAP), .kinds = KIND_QUEUES },
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
		  "pointers after 0x100", check_walk, ADD_CAP),
	EXT_CHAIN("ext-cap-alignment", "extended: alignment", CHAIN_ALIGNMENT,
		  "pointers to multiples of 4", check_walk, ADD_CAP),
	EXT_CHAIN("ext-cap-loop", "extended: no loop", CHAIN_LOOP,
		  "a list that ends", check_walk, ADD_CAP),
	EXT_CHAIN("ext-cap-id", "extended: IDs", CHAIN_ID, "no ID of all ones",
		  check_walk, "all ones: extended space does not respond; the "
		  "bridge above may not be Express"),
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
	       "check the size in memory_region_init_io(), and dmesg for a BAR "
	       "that could not be assigned"),
	KERNEL("bar0-resource", "BAR0 in the kernel",
	       "the address in BAR0, plain memory", check_bar0_resource, is_live,
	       "BAR0 was moved without the kernel's knowledge, for example by a "
	       "reset: remove the device and rescan the bus"),
	KERNEL("kernel-ids", "IDs in the kernel",
	       "those in configuration space", check_kernel_ids, is_live,
	       "the device has changed since the kernel read its IDs: remove it "
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
	  .applies = is_driven, .advice = "memory decoding was disabled without "
	  "the driver's knowledge: unbind it and bind it again" },
	KERNEL("power-state", "power state, kernel and device",
	       "the same in both", check_power_state, tells_power_state,
	       "the state was changed without the kernel's knowledge: unbind the "
	       "driver and bind it again"),
	{ KERNEL_FIELDS("interrupts", "interrupts in use", "none",
			check_interrupts, is_live, INTERRUPTS),
	  .kinds = KIND_NO_QUEUES },
	{ KERNEL_FIELDS("interrupts", "interrupts in use",
			"MSI-X vectors of the device, or none", check_vectors,
			is_live, INTERRUPTS), .kinds = KIND_QUEUES },
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
	{ QUEUE_CHECK("mmio-version-queues", "interface version: queues",
		      VGPU_STUB_REG_VERSION, TEXT(VGPU_STUB_VERSION_QUEUES)
		      " or later", check_queue_version,
		      "queues need interface version 1.1: check what the device "
		      "model returns there") },
	REGISTER("mmio-features", "features: none unknown", REG_FEATURES,
		 VGPU_STUB_REG_FEATURES,
		 ~(VGPU_STUB_FEATURES | VGPU_STUB_FEATURE_QUEUES |
		   VGPU_STUB_FEATURE_MEDIATOR), 0,
		 "the device is newer than this tool: use the one that came "
		 "with it"),
	{ REGISTER_FIELDS("mmio-feature-queues", "features: queues",
			  REG_FEATURES, VGPU_STUB_REG_FEATURES,
			  VGPU_STUB_FEATURE_QUEUES, 0, HALF_QUEUES),
	  .kinds = KIND_NO_QUEUES, .applies = wants_registers },
	{ REGISTER_FIELDS("mmio-feature-queues", "features: queues",
			  REG_FEATURES, VGPU_STUB_REG_FEATURES,
			  VGPU_STUB_FEATURE_QUEUES, VGPU_STUB_FEATURE_QUEUES,
			  HALF_QUEUES),
	  .kinds = KIND_QUEUES, .applies = wants_registers },
	{ REGISTER_FIELDS("mmio-status", "status: ready", REG_STATUS,
			  VGPU_STUB_REG_STATUS, 0xffffffff, VGPU_STUB_STATUS,
			  NOT_READY), .applies = lacks_mediator },
	{ REGISTER_FIELDS("mmio-status", "status: ready", REG_STATUS,
			  VGPU_STUB_REG_STATUS, ~VGPU_STUB_STATUS_NO_BACKEND,
			  VGPU_STUB_STATUS, NOT_READY),
	  .applies = has_mediator },
	REGISTER("mmio-bad-access", "no bad access", REG_BAD_ACCESS,
		 VGPU_STUB_REG_BAD_ACCESS, 0xffffffff, VGPU_STUB_BAD_ACCESS,
		 "software made invalid accesses to BAR0: QEMU's -d guest_errors "
		 "shows them"),

	QUEUE_REGISTER("mmio-control", "control: reserved bits", REG_CONTROL,
		       VGPU_STUB_REG_CONTROL, ~VGPU_STUB_CONTROL_RESET, 0,
		       RESERVED_BITS),
	{ QUEUE_CHECK("mmio-queues", "number of queues", VGPU_STUB_REG_QUEUES,
		      "1 to 16, and MSI-X vectors for them", check_queue_count,
		      "one vector for each queue and one for events: compare what "
		      "realize() passes to msix_init() with this register") },
	{ QUEUE_CHECK("mmio-vectors", "number of vectors",
		      VGPU_STUB_REG_VECTORS, "one more than queues",
		      check_vector_count, "one vector for each queue and one for "
		      "events: check what the device model returns there") },
	QUEUE_REGISTER("mmio-command-sets", "command sets 0 and 1",
		       REG_COMMAND_SETS, VGPU_STUB_REG_COMMAND_SETS,
		       COMMAND_SETS, COMMAND_SETS, WRONG_LIMIT),
	LIMIT("mmio-queue-size-max", "entries of a queue", QUEUE_SIZE_MAX),
	LIMIT("mmio-list-max", "segments of a list", LIST_MAX),
	LIMIT("mmio-buffers-max", "registered buffers", BUFFERS_MAX),
	LIMIT("mmio-buffer-segments-max", "segments of a buffer",
	      BUFFER_SEGMENTS_MAX),
	LIMIT("mmio-segments-max", "segments of all buffers", SEGMENTS_MAX),
	LIMIT("mmio-transfer-max", "bytes of a descriptor", TRANSFER_MAX),
	QUEUE_REGISTER("mmio-event-vector", "event vector: upper half",
		       REG_EVENT_VECTOR, VGPU_STUB_REG_EVENT_VECTOR, 0xffff0000,
		       0, RESERVED_BITS),
	QUEUE_REGISTER("mmio-events", "events: none unknown", REG_EVENTS,
		       VGPU_STUB_REG_EVENTS, ~VGPU_STUB_EVENT_QUEUE_ERROR, 0,
		       RESERVED_BITS),
	{ QUEUE_CHECK("mmio-queue-states", "state of each queue",
		      VGPU_STUB_WIN_QUEUE, "a state, and an error only in ERROR",
		      check_queue_states, "STATUS of this queue is inconsistent: "
		      "check what the device model returns there") },
	{ QUEUE_CHECK("mmio-queue-errors", "no queue in error",
		      VGPU_STUB_WIN_QUEUE, "none", check_queue_errors,
		      "the driver set up or used the queue incorrectly; the "
		      "specification lists the errors, and disabling the queue "
		      "clears them"), .severity = SEVERITY_WARNING },
};

_Static_assert(MAX_ROWS + ARRAY_SIZE(others) < MAX_CHECKS,
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
