// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: whether each capability has room for its length
 */
#include "check.h"

/* MSI: PCI Local Bus 3.0, section 6.8.1; the flags select one of four forms */
static unsigned int msi_length(unsigned int flags)
{
	unsigned int length = flags & PCI_MSI_FLAGS_64BIT ? 14 : 10;

	if (flags & PCI_MSI_FLAGS_MASK_BIT)
		length += 10;
	return length;
}

/* Express: PCI Express 4.0, section 7.5.3; version 1 depends on the type */
static unsigned int express_length(unsigned int flags)
{
	unsigned int type = (flags & PCI_EXP_FLAGS_TYPE) >> 4;

	if ((flags & PCI_EXP_FLAGS_VERS) >= 2)
		return 0x3c;
	if (type == PCI_EXP_TYPE_ROOT_PORT || type == PCI_EXP_TYPE_ROOT_EC)
		return 0x24;
	return flags & PCI_EXP_FLAGS_SLOT ? 0x1c : 0x14;
}

struct length {
	uint16_t id;
	unsigned int length;
};

static unsigned int find_length(const struct length *lengths, size_t count,
				uint16_t id, unsigned int least)
{
	for (size_t i = 0; i < count; i++)
		if (lengths[i].id == id)
			return lengths[i].length;
	return least;
}

/* An unlisted capability has at least an ID and a pointer */
static unsigned int cap_length(const struct config *config,
			       const struct cap *cap)
{
	static const struct length lengths[] = {
		{ PCI_CAP_ID_PM, 8 }, { PCI_CAP_ID_AGP, 12 },
		{ PCI_CAP_ID_VPD, 8 }, { PCI_CAP_ID_SLOTID, 4 },
		{ PCI_CAP_ID_PCIX, 8 }, { PCI_CAP_ID_HT, 4 },
		{ PCI_CAP_ID_DBG, 4 }, { PCI_CAP_ID_SSVID, 8 },
		{ PCI_CAP_ID_MSIX, 12 }, { PCI_CAP_ID_SATA, 8 },
		{ PCI_CAP_ID_AF, 6 }, { PCI_CAP_ID_EA, 4 },
	};
	unsigned int flags = config_has(config, cap->offset + 2, 2) ?
			     config_get(config, cap->offset + 2, 2) : 0;

	if (cap->id == PCI_CAP_ID_MSI)
		return msi_length(flags);
	if (cap->id == PCI_CAP_ID_EXP)
		return express_length(flags);
	if (cap->id == PCI_CAP_ID_VNDR)
		return flags & 0xff;
	return find_length(lengths, ARRAY_SIZE(lengths), cap->id, 2);
}

/* PCI Express 4.0, sections 7.9.5 and 7.9.6: these two contain their length */
static unsigned int ext_cap_length(const struct config *config,
				   const struct cap *cap)
{
	static const struct length lengths[] = {
		{ PCI_EXT_CAP_ID_AER, 0x2c }, { PCI_EXT_CAP_ID_VC, 0x10 },
		{ PCI_EXT_CAP_ID_DSN, 12 }, { PCI_EXT_CAP_ID_PB, 16 },
		{ PCI_EXT_CAP_ID_ACS, 8 }, { PCI_EXT_CAP_ID_ARI, 8 },
		{ PCI_EXT_CAP_ID_ATS, 8 }, { PCI_EXT_CAP_ID_SRIOV, 0x40 },
		{ PCI_EXT_CAP_ID_LTR, 8 }, { PCI_EXT_CAP_ID_PASID, 8 },
	};
	bool tells = cap->id == PCI_EXT_CAP_ID_VNDR ||
		     cap->id == PCI_EXT_CAP_ID_DVSEC;

	if (tells && config_has(config, cap->offset + 4, 4))
		return config_get(config, cap->offset + 4, 4) >> 20;
	return find_length(lengths, ARRAY_SIZE(lengths), cap->id, 4);
}

/* The minimum for a capability that contains its length */
static unsigned int least_length(const struct cap *cap, bool is_ext)
{
	if (is_ext)
		return cap->id == PCI_EXT_CAP_ID_VNDR ? 8 :
		       cap->id == PCI_EXT_CAP_ID_DVSEC ? 10 : 0;
	return cap->id == PCI_CAP_ID_VNDR ? 3 : 0;
}

/* The start of the next capability, or the end of the space */
static unsigned int room_end(const struct chain *chain, const struct cap *cap,
			     unsigned int end)
{
	for (unsigned int i = 0; i < chain->count; i++)
		if (chain->caps[i].offset > cap->offset &&
		    chain->caps[i].offset < end)
			end = chain->caps[i].offset;
	return end;
}

CHECK_FUNCTION(check_overlaps)
{
	bool is_ext = check->detail == DETAIL_EXT_CHAIN;
	const struct chain *chain = is_ext ? &device->ext_chain : &device->chain;
	unsigned int end = is_ext ? CONFIG_SIZE_EXP : CONFIG_SIZE;

	for (unsigned int i = 0; i < chain->count; i++) {
		const struct cap *cap = &chain->caps[i];
		unsigned int length = is_ext ?
			ext_cap_length(&device->config, cap) :
			cap_length(&device->config, cap);
		unsigned int room = room_end(chain, cap, end) - cap->offset;

		finding->offset = cap->offset;
		if (length < least_length(cap, is_ext))
			return found(finding, RESULT_FAIL,
				     "a length of %u, which is less than its header",
				     length);
		if (length > room)
			return found(finding, RESULT_FAIL,
				     "%u bytes in room for %u", length, room);
	}
	finding->offset = check->offset;
	found_none(chain, finding);
}
