// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the fields of configuration space by name
 */
#include "show.h"

/* Named as lspci names them */
static const struct flag command_flags[] = {
	{ PCI_COMMAND_IO, "I/O" },
	{ PCI_COMMAND_MEMORY, "Mem" },
	{ PCI_COMMAND_MASTER, "BusMaster" },
	{ PCI_COMMAND_SPECIAL, "SpecCycle" },
	{ PCI_COMMAND_INVALIDATE, "MemWINV" },
	{ PCI_COMMAND_VGA_PALETTE, "VGASnoop" },
	{ PCI_COMMAND_PARITY, "ParErr" },
	{ PCI_COMMAND_WAIT, "Stepping" },
	{ PCI_COMMAND_SERR, "SERR" },
	{ PCI_COMMAND_FAST_BACK, "FastB2B" },
	{ PCI_COMMAND_DISABLE_INTx, "DisINTx" },
	{ 0 }
};

static const struct flag status_flags[] = {
	{ PCI_STATUS_CAP_LIST, "Cap" },
	{ PCI_STATUS_66MHZ, "66MHz" },
	{ PCI_STATUS_UDF, "UDF" },
	{ PCI_STATUS_FAST_BACK, "FastB2B" },
	{ PCI_STATUS_PARITY, "ParErr" },
	{ PCI_STATUS_SIG_TARGET_ABORT, ">TAbort" },
	{ PCI_STATUS_REC_TARGET_ABORT, "<TAbort" },
	{ PCI_STATUS_REC_MASTER_ABORT, "<MAbort" },
	{ PCI_STATUS_SIG_SYSTEM_ERROR, ">SERR" },
	{ PCI_STATUS_DETECTED_PARITY, "<PERR" },
	{ PCI_STATUS_INTx, "INTx" },
	{ 0 }
};

static const struct flag pmcsr_flags[] = {
	{ PCI_PM_CTRL_NO_SOFT_RST, "NoSoftRst" },
	{ PCI_PM_CTRL_PME_ENABLE, "PME-Enable" },
	{ PCI_PM_CTRL_PME_STATUS, "PME" },
	{ 0 }
};

static const struct flag devsta_flags[] = {
	{ PCI_EXP_DEVSTA_CED, "CorrErr" },
	{ PCI_EXP_DEVSTA_NFED, "NonFatalErr" },
	{ PCI_EXP_DEVSTA_FED, "FatalErr" },
	{ PCI_EXP_DEVSTA_URD, "UnsupReq" },
	{ PCI_EXP_DEVSTA_AUXPD, "AuxPwr" },
	{ PCI_EXP_DEVSTA_TRPND, "TransPend" },
	{ 0 }
};

const struct field fields[] = {
	{ "Vendor ID", PCI_VENDOR_ID, 2 },
	{ "Device ID", PCI_DEVICE_ID, 2 },
	{ "Command", PCI_COMMAND, 2, 0, command_flags },
	{ "Status", PCI_STATUS, 2, 0, status_flags },
	{ "Revision", PCI_REVISION_ID, 1 },
	{ "Programming interface", PCI_CLASS_PROG, 1 },
	{ "Subclass", PCI_CLASS_DEVICE, 1 },
	{ "Base class", PCI_CLASS_DEVICE + 1, 1 },
	{ "Cache line size", PCI_CACHE_LINE_SIZE, 1 },
	{ "Latency timer", PCI_LATENCY_TIMER, 1 },
	{ "Header type", PCI_HEADER_TYPE, 1 },
	{ "BIST", PCI_BIST, 1 },
	{ "BAR0", PCI_BASE_ADDRESS_0, 4 },
	{ "BAR1", PCI_BASE_ADDRESS_1, 4 },
	{ "BAR2", PCI_BASE_ADDRESS_2, 4 },
	{ "BAR3", PCI_BASE_ADDRESS_3, 4 },
	{ "BAR4", PCI_BASE_ADDRESS_4, 4 },
	{ "BAR5", PCI_BASE_ADDRESS_5, 4 },
	{ "CardBus CIS pointer", PCI_CARDBUS_CIS, 4 },
	{ "Subsystem vendor ID", PCI_SUBSYSTEM_VENDOR_ID, 2 },
	{ "Subsystem ID", PCI_SUBSYSTEM_ID, 2 },
	{ "Expansion ROM", PCI_ROM_ADDRESS, 4 },
	{ "Capabilities pointer", PCI_CAPABILITY_LIST, 1 },
	{ "Interrupt line", PCI_INTERRUPT_LINE, 1 },
	{ "Interrupt pin", PCI_INTERRUPT_PIN, 1 },
	{ "Min_Gnt", PCI_MIN_GNT, 1 },
	{ "Max_Lat", PCI_MAX_LAT, 1 },
	{ "PM capabilities", PCI_CAP_FLAGS, 2, PCI_CAP_ID_PM },
	{ "PM control and status", PCI_PM_CTRL, 2, PCI_CAP_ID_PM, pmcsr_flags },
	{ "Express capabilities", PCI_EXP_FLAGS, 2, PCI_CAP_ID_EXP },
	{ "Express device caps", PCI_EXP_DEVCAP, 4, PCI_CAP_ID_EXP },
	{ "Express device control", PCI_EXP_DEVCTL, 2, PCI_CAP_ID_EXP },
	{ "Express device status", PCI_EXP_DEVSTA, 2, PCI_CAP_ID_EXP,
	  devsta_flags },
};

const unsigned int field_count = ARRAY_SIZE(fields);

/* Where the field is in this device, NO_OFFSET where it has none */
int field_offset(const struct field *field, const struct device *device)
{
	const struct cap *cap;

	if (!field->cap)
		return field->offset;
	cap = find_cap(&device->chain, field->cap);
	return cap ? (int)(cap->offset + field->offset) : NO_OFFSET;
}

/* "I/O- Mem+ ...", of the flags in mask */
void format_flags(char *text, size_t size, const struct flag *flags,
		  unsigned int value, unsigned int mask)
{
	size_t len = 0;

	text[0] = '\0';
	for (; flags->mask; flags++) {
		if (!(flags->mask & mask) || len >= size)
			continue;
		len += snprintf(text + len, size - len, "%s%s%c",
				len ? " " : "", flags->name,
				value & flags->mask ? '+' : '-');
	}
}
