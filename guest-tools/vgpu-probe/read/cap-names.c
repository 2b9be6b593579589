// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: names of capabilities (PCI Code and ID Assignment Specification
 * 1.11, sections 2 and 3)
 */
#include "read.h"

static const char *find_name(const char *const *names, size_t count, uint16_t id)
{
	return id < count && names[id] ? names[id] : "unknown";
}

/* Indexed by ID; older headers of libpci do not define all of them */
const char *cap_name(uint16_t id)
{
	static const char *const names[] = {
		"Null", "Power Management", "AGP", "Vital Product Data",
		"Slot Identification", "MSI", "CompactPCI Hot Swap", "PCI-X",
		"HyperTransport", "Vendor Specific", "Debug Port",
		"CompactPCI Resource Control", "Hot-Plug Controller",
		"Bridge Subsystem ID", "AGP 8x", "Secure Device", "PCI Express",
		"MSI-X", "SATA", "Advanced Features", "Enhanced Allocation",
		"Flattening Portal Bridge",
	};

	return find_name(names, ARRAY_SIZE(names), id);
}

const char *ext_cap_name(uint16_t id)
{
	static const char *const names[] = {
		"Null", "Advanced Error Reporting", "Virtual Channel",
		"Device Serial Number", "Power Budgeting",
		"Root Complex Link Declaration", "Root Complex Internal Link",
		"Root Complex Event Collector", "Multi-Function Virtual Channel",
		"Virtual Channel with MFVC", "Root Complex Register Block",
		"Vendor Specific", "Configuration Access", "Access Control Services",
		"Alternative Routing-ID", "Address Translation", "SR-IOV",
		"MR-IOV", "Multicast", "Page Request", "reserved for AMD",
		"Resizable BAR", "Dynamic Power Allocation",
		"TPH Requester", "Latency Tolerance Reporting", "Secondary Express",
		"Protocol Multiplexing", "Process Address Space ID", "LN Requester",
		"Downstream Port Containment", "L1 PM Substates",
		"Precision Time Measurement", "M-PCIe", "FRS Queueing",
		"Readiness Time Reporting", "Designated Vendor Specific",
		"VF Resizable BAR", "Data Link Feature", "16 GT/s Physical Layer",
		"Lane Margining", "Hierarchy ID", "Native Enclosure Management",
		"32 GT/s Physical Layer", "Alternate Protocol",
		"System Firmware Intermediary", "Shadow Functions",
		"Data Object Exchange",
	};

	return find_name(names, ARRAY_SIZE(names), id);
}
