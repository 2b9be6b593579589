// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the checks of the two lists of capabilities
 */
#include "check.h"
#include "vgpu_stub_config.h"

static const struct chain *chain_of(const struct check *check,
				    const struct device *device)
{
	return check->detail == DETAIL_EXT_CHAIN ? &device->ext_chain :
						   &device->chain;
}

void found_none(const struct chain *chain, struct finding *finding)
{
	if (is_complete(chain))
		found(finding, RESULT_PASS, "%u %s", chain->count,
		      chain->count == 1 ? "capability" : "capabilities");
	else
		found(finding, RESULT_UNKNOWN,
		      chain->fault == CHAIN_UNREADABLE ? "not readable" :
		      "the list cannot be followed to its end");
}

/*
 * One check for each fault. A loop is found after everything in it was visited;
 * after any other fault there may be more faults of the same kind.
 */
CHECK_FUNCTION(check_walk)
{
	const struct chain *chain = chain_of(check, device);

	if (chain->fault != check->mask) {
		if (chain->fault == CHAIN_UNREADABLE)
			finding->offset = chain->where;
		return found_none(chain, finding);
	}
	finding->offset = chain->where;
	found(finding, RESULT_FAIL, "0x%0*x", 2 * check->width, chain->value);
}

/* The capability is in the list, at the contract's offset */
CHECK_FUNCTION(check_place)
{
	const struct cap *cap = find_cap(&device->chain, check->mask);
	unsigned int at = cap ? cap->offset : 0;

	finding->offset = cap ? (int)at : NO_OFFSET;
	if (cap)
		found(finding, at == check->expected ? RESULT_PASS : RESULT_FAIL,
		      "0x%02x", at);
	else if (is_complete(&device->chain))
		found(finding, RESULT_FAIL, "no such capability");
	else
		found_none(&device->chain, finding);
}

static bool is_listed(const struct device *device, const struct cap *cap)
{
	return cap->id == PCI_CAP_ID_PM ||
	       (cap->id == PCI_CAP_ID_EXP && is_express(device)) ||
	       (cap->id == PCI_CAP_ID_MSIX && kind_of(device) == KIND_QUEUES);
}

CHECK_FUNCTION(check_duplicates)
{
	const struct chain *chain = &device->chain;

	(void)check;
	for (unsigned int i = 0; i < chain->count; i++) {
		const struct cap *cap = &chain->caps[i];

		if (!is_listed(device, cap) || find_cap(chain, cap->id) == cap)
			continue;
		finding->offset = cap->offset;
		return found(finding, RESULT_FAIL, "%s again",
			     cap_name(cap->id));
	}
	found_none(chain, finding);
}

/* Capabilities that are not in the contract */
CHECK_FUNCTION(check_unlisted)
{
	const struct chain *chain = chain_of(check, device);
	bool is_ext = check->detail == DETAIL_EXT_CHAIN;

	for (unsigned int i = 0; i < chain->count; i++) {
		const struct cap *cap = &chain->caps[i];

		if (!is_ext && is_listed(device, cap))
			continue;
		finding->offset = cap->offset;
		return found(finding, RESULT_FAIL, "ID %0*x (%s)",
			     is_ext ? 4 : 2, cap->id,
			     is_ext ? ext_cap_name(cap->id) : cap_name(cap->id));
	}
	found_none(chain, finding);
}
