// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: names of the contract's rows, and advice for a row that is violated
 */
#include <string.h>

#include "check.h"

#define WRONG_ID	"this is another device, or one with wrong IDs: check " \
			"QEMU's command line and the IDs in the device's " \
			"class_init()"
#define WRONG_CLASS	"the class is 16 bits, base class and subclass: set " \
			"class_id in class_init() instead of writing bytes"
#define CONSTANT	"these bits never change: look for what writes them in " \
			"the device's realize()"
#define ONE_BAR		"the device registers only BAR0; look for a second " \
			"pci_register_bar() in its realize()"
#define ERROR_BIT	"the kernel log shows the error (dmesg | grep -i pci); " \
			"the bit stays set until a driver clears it"
#define PMC		"write the PMC register as a whole: version 3, no D1, no " \
			"D2, no PME"
#define PMCSR		"no PME and no data register: only PowerState is writable"
#define EXPRESS		"pcie_endpoint_cap_init() takes these bits from the bus; " \
			"look for what changes them in the device's realize()"
#define NO_LINK		"an integrated endpoint has no link: clear the link " \
			"registers after pcie_endpoint_cap_init(); an endpoint " \
			"has QEMU's values"
#define MSIX		"msix_init() adds this capability, with the table and " \
			"the PBA in BAR0: check its arguments in the device's " \
			"realize()"
#define NO_SLOT		"only ports have slot and root registers: look for what " \
			"writes there in the device's realize()"

/* row; register, if its first row; name of the check; flag as in lspci; advice */
static const struct text texts[] = {
	{ "VENDOR_ID", "Vendor ID", "vendor ID", NULL, WRONG_ID },
	{ "DEVICE_ID", "Device ID", "device ID", NULL, WRONG_ID },
	{ "COMMAND_IO", "Command", NULL, "I/O" },
	{ "COMMAND_MEMORY", NULL, NULL, "Mem" },
	{ "COMMAND_MASTER", NULL, NULL, "BusMaster" },
	{ "COMMAND_SPECIAL", NULL, "command: special cycles", "SpecCycle" },
	{ "COMMAND_INVALIDATE", NULL, "command: write and invalidate", "MemWINV" },
	{ "COMMAND_VGA_SNOOP", NULL, "command: VGA snoop", "VGASnoop" },
	{ "COMMAND_PARITY", NULL, "command: parity", "ParErr" },
	{ "COMMAND_STEPPING", NULL, "command: stepping", "Stepping" },
	{ "COMMAND_SERR", NULL, NULL, "SERR" },
	{ "COMMAND_FAST_BACK", NULL, "command: fast back-to-back", "FastB2B" },
	{ "COMMAND_INTX_DISABLE", NULL, NULL, "DisINTx" },
	{ "COMMAND_RESERVED", NULL, "command: reserved bits" },
	{ "STATUS_RESERVED", "Status", "status: reserved bits" },
	{ "STATUS_INTX", NULL, "status: no interrupt", "INTx",
	  "the device has no interrupt pin, so none can be pending" },
	{ "STATUS_CAP_LIST", NULL, "status: capability list", "Cap",
	  "add capabilities with QEMU's helpers only, in realize()" },
	{ "STATUS_66MHZ", NULL, "status: 66 MHz", "66MHz" },
	{ "STATUS_UDF", NULL, "status: UDF", "UDF" },
	{ "STATUS_FAST_BACK", NULL, "status: fast back-to-back", "FastB2B" },
	{ "STATUS_MASTER_PARITY", NULL, "status: no master parity error",
	  "ParErr", ERROR_BIT },
	{ "STATUS_DEVSEL", NULL, "status: DEVSEL timing" },
	{ "STATUS_SIG_TARGET_ABORT", NULL, "status: no target abort sent",
	  ">TAbort", ERROR_BIT },
	{ "STATUS_REC_TARGET_ABORT", NULL, "status: no target abort received",
	  "<TAbort", ERROR_BIT },
	{ "STATUS_REC_MASTER_ABORT", NULL, "status: no master abort received",
	  "<MAbort", ERROR_BIT },
	{ "STATUS_SIG_SYSTEM_ERROR", NULL, "status: no system error", ">SERR",
	  ERROR_BIT },
	{ "STATUS_DETECTED_PARITY", NULL, "status: no parity error", "<PERR",
	  ERROR_BIT },
	{ "REVISION", "Revision", "revision", NULL, "another revision than this "
	  "tool knows: use the vgpu-probe that came with the device" },
	{ "PROG_IF", "Programming interface", "programming interface", NULL,
	  WRONG_CLASS },
	{ "CLASS", "Class", "class", NULL, WRONG_CLASS },
	{ "CACHE_LINE_SIZE", "Cache line size" },
	{ "LATENCY_TIMER", "Latency timer", "latency timer" },
	{ "HEADER_TYPE", "Header type", "header type", NULL, "an endpoint has a "
	  "type 0 header; the IDs may be those of a bridge" },
	{ "MULTIFUNCTION", NULL, NULL, "Multifunction" },
	{ "BIST", "BIST", "no built-in self test" },
	{ "BAR0_FLAGS", "BAR0", "BAR0 kind", NULL, "register BAR0 with "
	  "PCI_BASE_ADDRESS_SPACE_MEMORY and no other flag" },
	{ "BAR0_ALIGNMENT", NULL, "BAR0 alignment", NULL, "BAR0 is too small: "
	  "check the size in memory_region_init_io()" },
	{ "BAR0_ADDRESS", NULL, "BAR0 address", NULL, "no address is assigned, "
	  "or pci_register_bar() is missing in the device's realize(); to tell "
	  "which, run vgpu-probe in the machine, without -F" },
	{ "BAR1", "BAR1", "BAR1 unused", NULL, ONE_BAR },
	{ "BAR2", "BAR2", "BAR2 unused", NULL, ONE_BAR },
	{ "BAR3", "BAR3", "BAR3 unused", NULL, ONE_BAR },
	{ "BAR4", "BAR4", "BAR4 unused", NULL, ONE_BAR },
	{ "BAR5", "BAR5", "BAR5 unused", NULL, ONE_BAR },
	{ "CARDBUS_CIS", "CardBus CIS pointer", "no CardBus pointer" },
	{ "SUBSYSTEM_VENDOR_ID", "Subsystem vendor ID", "subsystem vendor ID",
	  NULL, "set subsystem_vendor_id in class_init()" },
	{ "SUBSYSTEM_ID", "Subsystem ID", "subsystem ID", NULL,
	  "set subsystem_id in class_init(); 1100 is QEMU's default" },
	{ "EXPANSION_ROM", "Expansion ROM", "no expansion ROM", NULL,
	  "the device has no ROM: start QEMU without romfile= for it" },
	{ "CAP_POINTER", "Capabilities pointer", "capabilities pointer", NULL,
	  "MSI-X comes first if the device has queues, then Express on an Express "
	  "bus, then PM: check the order in the device's realize()" },
	{ "RESERVED_35", NULL, "reserved after the pointer" },
	{ "RESERVED_38", NULL, "reserved double word" },
	{ "INTERRUPT_LINE", "Interrupt line" },
	{ "INTERRUPT_PIN", "Interrupt pin", "no interrupt pin", NULL,
	  "the device raises no interrupt: set no pin in realize()" },
	{ "MIN_GRANT", "Min_Gnt", "Min_Gnt" },
	{ "MAX_LATENCY", "Max_Lat", "Max_Lat" },

	{ "PM_ID", NULL, "PM: capability ID" },
	{ "PM_NEXT", NULL, "PM: last capability", NULL,
	  "no capability follows Power Management" },
	{ "PMC_VERSION", "PM capabilities", "PM: version", NULL, PMC },
	{ "PMC_PME_CLOCK", NULL, "PM: no PME clock", NULL, PMC },
	{ "PMC_RESERVED", NULL, "PM: reserved bit", NULL, PMC },
	{ "PMC_DSI", NULL, "PM: no DSI", NULL, PMC },
	{ "PMC_AUX_CURRENT", NULL, "PM: no auxiliary current", NULL, PMC },
	{ "PMC_D1_D2", NULL, "PM: without D1, D2", NULL, PMC },
	{ "PMC_PME", NULL, "PM: without PME", NULL, PMC },
	{ "PMCSR_POWER_STATE", "PM control and status", "PM: state", NULL,
	  "a write of an unsupported state must change nothing" },
	{ "PMCSR_NO_SOFT_RESET", NULL, "PM: NoSoftRst", "NoSoftRst",
	  "set NoSoftRst in PMCSR: D3hot keeps the registers" },
	{ "PMCSR_RESERVED", NULL, "PM: reserved control bits", NULL, PMCSR },
	{ "PMCSR_PME", NULL, "PM: no PME enabled, pending", "PME", PMCSR },
	{ "PMCSR_DATA", NULL, "PM: no data selected", NULL, PMCSR },
	{ "PM_BRIDGE", "PM bridge extensions", "PM: no bridge extensions", NULL,
	  PMCSR },
	{ "PM_DATA", "PM data", "PM: no data", NULL, PMCSR },

	{ "MSIX_ID", NULL, "MSI-X: capability ID", NULL, MSIX },
	{ "MSIX_NEXT", NULL, "MSI-X: next capability", NULL,
	  "Express follows MSI-X, or PM on a conventional bus: check the order in "
	  "the device's realize()" },
	{ "MSIX_TABLE_SIZE", "MSI-X control", "MSI-X: vectors", NULL,
	  "one vector for each queue and one for events: check the number that "
	  "the device's realize() passes to msix_init()" },
	{ "MSIX_RESERVED", NULL, "MSI-X: reserved bits" },
	{ "MSIX_MASK_ALL", NULL, NULL, "Masked" },
	{ "MSIX_ENABLE", NULL, NULL, "Enable" },
	{ "MSIX_TABLE", "MSI-X table", "MSI-X: table in BAR0", NULL, MSIX },
	{ "MSIX_PBA", "MSI-X PBA", "MSI-X: PBA in BAR0", NULL, MSIX },

	{ "EXP_ID", NULL, "Express: capability ID", NULL, EXPRESS },
	{ "EXP_NEXT", NULL, "Express: next capability", NULL,
	  "Power Management follows Express: check the order in the device's "
	  "realize()" },
	{ "EXP_VERSION", "Express capabilities", "Express: version", NULL,
	  EXPRESS },
	{ "EXP_TYPE", NULL, "Express: type", NULL, EXPRESS },
	{ "EXP_SLOT", NULL, "Express: no slot", "Slot", NO_SLOT },
	{ "EXP_INTERRUPT_MESSAGE", NULL, "Express: interrupt message" },
	{ "EXP_RESERVED", NULL, "Express: reserved bits" },
	{ "DEVCAP_MAX_PAYLOAD", "Express device caps", "Express: payload size",
	  NULL, EXPRESS },
	{ "DEVCAP_PHANTOM", NULL, "Express: phantom functions" },
	{ "DEVCAP_EXT_TAG", NULL, "Express: extended tags", "ExtTag" },
	{ "DEVCAP_LATENCY", NULL, "Express: latencies" },
	{ "DEVCAP_ROLE_BASED_ERRORS", NULL, "Express: role-based errors",
	  "RBE", EXPRESS },
	{ "DEVCAP_SLOT_POWER", NULL, "Express: slot power" },
	{ "DEVCAP_FLR", NULL, "Function Level Reset", "FLReset",
	  "call pcie_cap_flr_init() in realize() and "
	  "pcie_cap_flr_write_config() on writes" },
	{ "DEVCAP_RESERVED", NULL, "Express: reserved caps" },
	{ "DEVCTL", "Express device control", "Express: device control", NULL,
	  "only FLR is writable in device control: check wmask" },
	{ "DEVCTL_FLR", NULL, "Express: FLR reads 0", "FLReset" },
	{ "DEVSTA_ERRORS", "Express device status", "Express: no error", NULL,
	  ERROR_BIT },
	{ "DEVSTA_AUX_POWER", NULL, "Express: no auxiliary power", "AuxPwr" },
	{ "DEVSTA_PENDING", NULL, "Express: nothing pending", "TransPend" },
	{ "DEVSTA_RESERVED", NULL, "Express: reserved status" },
	{ "LNKCAP", "Express link caps", "Express: link caps", NULL, NO_LINK },
	{ "LNKCTL", "Express link control", "Express: link control", NULL,
	  NO_LINK },
	{ "LNKSTA", "Express link status", "Express: link status", NULL,
	  NO_LINK },
	{ "SLTCAP", "Express slot caps", "Express: no slot caps", NULL, NO_SLOT },
	{ "SLTCTL", "Express slot control", "Express: no slot control", NULL,
	  NO_SLOT },
	{ "SLTSTA", "Express slot status", "Express: no slot status", NULL,
	  NO_SLOT },
	{ "RTCTL", "Express root control", "Express: no root control", NULL,
	  NO_SLOT },
	{ "RTCAP", "Express root caps", "Express: no root caps", NULL, NO_SLOT },
	{ "RTSTA", "Express root status", "Express: no root status", NULL,
	  NO_SLOT },
	{ "DEVCAP2_EXT_FORMAT", "Express device caps 2",
	  "Express: extended format", "ExtFmt", EXPRESS },
	{ "DEVCAP2_EETLP_PREFIX", NULL, "Express: TLP prefixes", "EETLPPrefix",
	  EXPRESS },
	{ "DEVCAP2", NULL, "Express: other device caps 2" },
	{ "DEVCTL2", "Express device control 2", "Express: device control 2",
	  NULL, "only EETLP prefix blocking is writable: check wmask" },
	{ "DEVCTL2_EETLP_BLOCKING", NULL, NULL, "EETLPPrefixBlk" },
	{ "DEVSTA2", "Express device status 2", "Express: device status 2" },
	{ "LNKCAP2", "Express link caps 2", "Express: link caps 2" },
	{ "LNKCTL2", "Express link control 2", "Express: link control 2" },
	{ "LNKSTA2", "Express link status 2", "Express: link status 2" },
	{ "SLTCAP2", "Express slot caps 2", "Express: no slot caps 2", NULL,
	  NO_SLOT },
	{ "SLTCTL2", "Express slot control 2", "Express: no slot control 2", NULL,
	  NO_SLOT },
	{ "SLTSTA2", "Express slot status 2", "Express: no slot status 2", NULL,
	  NO_SLOT },
	{ "EXT_CAP", NULL, "no extended capability", NULL,
	  "the list of extended capabilities is empty: look for what adds one" },
};

/* A row that was added to the contract and not here is called by its own name */
const struct text *row_text(const char *row)
{
	static struct text text;

	text = (struct text){ .row = row, .name = row, .advice = CONSTANT };
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (strcmp(texts[i].row, row))
			continue;
		text = texts[i];
		if (!text.name)
			text.name = row;
		if (!text.advice)
			text.advice = CONSTANT;
	}
	return &text;
}
