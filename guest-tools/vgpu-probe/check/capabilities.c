// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the checks of the capabilities
 */
#include "check.h"

static const struct chain *chain_of(const struct check *check,
				    const struct device *device)
{
	return check->detail == DETAIL_EXT_CHAIN ? &device->ext_chain :
						   &device->chain;
}

static const char *plural(unsigned int count)
{
	return count == 1 ? "capability" : "capabilities";
}

/* PCI Local Bus 3.0, section 6.7: the bit says whether the pointer is one */
CHECK_FUNCTION(check_pointer)
{
	bool listed;
	unsigned int pointer;

	if (!config_has(&device->config, finding->offset, check->width))
		return found(finding, RESULT_UNKNOWN, "not readable");
	pointer = config_get(&device->config, finding->offset, check->width);
	listed = config_get(&device->config, PCI_STATUS, 2) &
		 PCI_STATUS_CAP_LIST;
	found(finding, listed == !!pointer ? RESULT_PASS : RESULT_FAIL,
	      "pointer 0x%02x, list bit %d", pointer, listed);
}

/*
 * One row for each fault. A loop is met after all that it loops through was
 * looked at; behind any other fault there may be more of this row's.
 */
CHECK_FUNCTION(check_walk)
{
	const struct chain *chain = chain_of(check, device);

	if (chain->fault == check->mask) {
		finding->offset = chain->where;
		return found(finding, RESULT_FAIL, "0x%0*x",
			     2 * check->width, chain->value);
	}
	if (is_complete(chain))
		return found(finding, RESULT_PASS, "%u %s", chain->count,
			     plural(chain->count));
	if (chain->fault == CHAIN_UNREADABLE)
		finding->offset = chain->where;
	found(finding, RESULT_UNKNOWN, chain->fault == CHAIN_UNREADABLE ?
	      "not readable" : "the list cannot be followed to its end");
}

static void found_no_more(const struct chain *chain, struct finding *finding)
{
	if (is_complete(chain))
		found(finding, RESULT_PASS, "%u %s", chain->count,
		      plural(chain->count));
	else
		found(finding, RESULT_UNKNOWN,
		      "the list cannot be followed to its end");
}

/* These are made to stand more than once */
static bool may_repeat(const struct check *check, uint16_t id)
{
	if (check->detail == DETAIL_EXT_CHAIN)
		return id == PCI_EXT_CAP_ID_VNDR || id == PCI_EXT_CAP_ID_DVSEC;
	return id == PCI_CAP_ID_VNDR || id == PCI_CAP_ID_HT;
}

CHECK_FUNCTION(check_duplicates)
{
	const struct chain *chain = chain_of(check, device);

	for (unsigned int i = 0; i < chain->count; i++) {
		const struct cap *cap = &chain->caps[i];

		if (find_cap(chain, cap->id) == cap ||
		    may_repeat(check, cap->id))
			continue;
		finding->offset = cap->offset;
		return found(finding, RESULT_FAIL, "ID %02x again", cap->id);
	}
	found_no_more(chain, finding);
}

/* The least that a capability takes; of unknown ones, ID and pointer */
static unsigned int cap_length(const struct config *config,
			       const struct cap *cap)
{
	switch (cap->id) {
	case PCI_CAP_ID_PM:
		return PCI_PM_SIZEOF;
	case PCI_CAP_ID_EXP:
		return PCI_EXP_LNKCAP;
	case PCI_CAP_ID_MSI:
		return PCI_MSI_DATA_32 + 2;
	case PCI_CAP_ID_MSIX:
		return 12;
	case PCI_CAP_ID_VNDR:
		if (config_has(config, cap->offset + 2, 1))
			return config_get(config, cap->offset + 2, 1);
		return 3;
	default:
		return 2;
	}
}

/* Where the next thing begins: a capability, or the end of the space */
static unsigned int room_end(const struct chain *chain, const struct cap *cap)
{
	unsigned int end = CONFIG_SIZE;

	for (unsigned int i = 0; i < chain->count; i++)
		if (chain->caps[i].offset > cap->offset &&
		    chain->caps[i].offset < end)
			end = chain->caps[i].offset;
	return end;
}

CHECK_FUNCTION(check_overlaps)
{
	const struct chain *chain = chain_of(check, device);

	for (unsigned int i = 0; i < chain->count; i++) {
		const struct cap *cap = &chain->caps[i];
		unsigned int length = cap_length(&device->config, cap);
		unsigned int room = room_end(chain, cap) - cap->offset;

		if (length <= room)
			continue;
		finding->offset = cap->offset;
		return found(finding, RESULT_FAIL, "%u bytes in room for %u",
			     length, room);
	}
	found_no_more(chain, finding);
}

CHECK_FUNCTION(check_present)
{
	if (finding->offset != NO_OFFSET)
		found(finding, RESULT_PASS, "at 0x%02x", finding->offset);
	else if (is_complete(&device->chain))
		found(finding, RESULT_FAIL, "no such capability");
	else
		found(finding, RESULT_UNKNOWN, "capability not reached");
	(void)check;
}

/* The value of a capability's field, for rows that judge it by themselves */
static bool get_field(const struct check *check, const struct device *device,
		      struct finding *finding, unsigned int *value)
{
	if (finding->offset == NO_OFFSET) {
		found(finding, RESULT_UNKNOWN, "capability not reached");
		return false;
	}
	if (!config_has(&device->config, finding->offset, check->width)) {
		found(finding, RESULT_UNKNOWN, "not readable");
		return false;
	}
	*value = config_get(&device->config, finding->offset, check->width);
	return true;
}

CHECK_FUNCTION(check_pm_state)
{
	static const char *const names[] = { "D0", "D1", "D2", "D3hot" };
	unsigned int state;

	if (!get_field(check, device, finding, &state))
		return;
	state &= PCI_PM_CTRL_STATE_MASK;
	found(finding, state == 0 || state == 3 ? RESULT_PASS : RESULT_FAIL,
	      "%s", names[state]);
}

CHECK_FUNCTION(check_express_version)
{
	unsigned int flags;

	if (!get_field(check, device, finding, &flags))
		return;
	flags &= PCI_EXP_FLAGS_VERS;
	found(finding, flags ? RESULT_PASS : RESULT_FAIL, "%u", flags);
}

/* PCI Express 4.0, section 7.5.3.2: an endpoint, or one of the root complex */
CHECK_FUNCTION(check_express_type)
{
	unsigned int type;

	if (!get_field(check, device, finding, &type))
		return;
	type = (type & PCI_EXP_FLAGS_TYPE) >> 4;
	if (type == PCI_EXP_TYPE_ENDPOINT)
		found(finding, RESULT_PASS, "endpoint");
	else if (type == PCI_EXP_TYPE_ROOT_INT_EP)
		found(finding, RESULT_PASS, "integrated endpoint");
	else
		found(finding, RESULT_FAIL, "type %u", type);
}

CHECK_FUNCTION(check_ext_versions)
{
	const struct chain *chain = chain_of(check, device);

	for (unsigned int i = 0; i < chain->count; i++) {
		if (chain->caps[i].version)
			continue;
		finding->offset = chain->caps[i].offset;
		return found(finding, RESULT_FAIL, "0 of ID %04x",
			     chain->caps[i].id);
	}
	found_no_more(chain, finding);
}
