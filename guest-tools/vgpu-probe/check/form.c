// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the form of a device, which depends on its bus, whether it has queues,
 * and where its capabilities are
 */
#include "check.h"
#include "vgpu_stub_config.h"

/*** Where capabilities are ***/

#define MSIX_LENGTH	(PCI_MSIX_PBA + 4)

static const struct {
	uint8_t id;
	unsigned int offset, length;
} homes[] = {
	{ PCI_CAP_ID_PM, VGPU_STUB_PM_CAP_OFFSET, PCI_PM_SIZEOF },
	{ PCI_CAP_ID_MSIX, VGPU_STUB_MSIX_CAP_OFFSET, MSIX_LENGTH },
	{ PCI_CAP_ID_EXP, VGPU_STUB_EXP_CAP_OFFSET, PCI_EXP_SLTSTA2 + 2 },
};

/* The capability at this offset in the contract, 0 if there is none */
uint8_t home_of(unsigned int offset)
{
	for (size_t i = 0; i < ARRAY_SIZE(homes); i++)
		if (offset >= homes[i].offset &&
		    offset < homes[i].offset + homes[i].length)
			return homes[i].id;
	return 0;
}

unsigned int home_offset(uint8_t id)
{
	for (size_t i = 0; i < ARRAY_SIZE(homes); i++)
		if (homes[i].id == id)
			return homes[i].offset;
	return 0;
}

/*
 * Where this device has what the contract has at an offset. A capability at
 * another offset is one fault (check_place), not one in each field.
 */
unsigned int place(const struct device *device, unsigned int offset)
{
	uint8_t id = home_of(offset);
	const struct cap *cap = id ? find_cap(&device->chain, id) : NULL;

	return cap ? offset - home_offset(id) + cap->offset : offset;
}

/*** Whether it has queues ***/

static bool holds(const struct config *config, unsigned int offset,
		  unsigned int width, uint32_t value)
{
	return config_has(config, offset, width) &&
	       config_get(config, offset, width) == value;
}

/*
 * Four places show that a device has queues. Two must agree, because one may be
 * broken in either direction. Of the four, the kernel shows only the first to
 * ordinary users.
 */
int kind_of(const struct device *device)
{
	const struct config *config = &device->config;
	unsigned int at = place(device, VGPU_STUB_MSIX_CAP_OFFSET);
	int signs = holds(config, PCI_CAPABILITY_LIST, 1,
			  VGPU_STUB_MSIX_CAP_OFFSET);

	if (!config_has(config, at, MSIX_LENGTH) ||
	    is_silent_behind_header(config))
		return signs ? KIND_QUEUES : KIND_NO_QUEUES;
	signs += holds(config, at, 1, PCI_CAP_ID_MSIX);
	signs += holds(config, at + PCI_MSIX_TABLE, 4, VGPU_STUB_MSIX_TABLE);
	signs += holds(config, at + PCI_MSIX_PBA, 4, VGPU_STUB_MSIX_PBA);
	return signs >= 2 ? KIND_QUEUES : KIND_NO_QUEUES;
}

/* Message Control, wherever the device has MSI-X; -1 if it is not readable */
int msix_control(const struct device *device)
{
	const struct cap *cap = find_cap(&device->chain, PCI_CAP_ID_MSIX);

	if (!cap || !config_has(&device->config, cap->offset + PCI_MSI_FLAGS, 2))
		return -1;
	return config_get(&device->config, cap->offset + PCI_MSI_FLAGS, 2);
}

/*** The form of a device ***/

/* The list starts there, or continues there after MSI-X */
static bool points_to_express(const struct device *device)
{
	unsigned int msix = place(device, VGPU_STUB_MSIX_CAP_OFFSET);
	unsigned int where = kind_of(device) == KIND_QUEUES ?
			     msix + PCI_CAP_LIST_NEXT : PCI_CAPABILITY_LIST;

	return holds(&device->config, where, 1, VGPU_STUB_EXP_CAP_OFFSET);
}

/* One broken ID must not hide what the rest of the device shows */
static bool expects_express(const struct device *device)
{
	return find_cap(&device->chain, PCI_CAP_ID_EXP) ||
	       device->config.len > CONFIG_SIZE || points_to_express(device);
}

/* Only an endpoint below a port has a link */
static unsigned int form_by_type(const struct device *device)
{
	const struct config *config = &device->config;
	unsigned int at = place(device, VGPU_STUB_EXP_CAP_OFFSET);
	unsigned int type;

	if (!config_has(config, at + PCI_EXP_LNKCAP, 4))
		return VGPU_STUB_FORM_ENDPOINT;
	type = (config_get(config, at + PCI_EXP_FLAGS, 2) &
		PCI_EXP_FLAGS_TYPE) >> 4;
	if (type == PCI_EXP_TYPE_ENDPOINT)
		return VGPU_STUB_FORM_ENDPOINT;
	if (type == PCI_EXP_TYPE_ROOT_INT_EP)
		return VGPU_STUB_FORM_INTEGRATED;
	return config_get(config, at + PCI_EXP_LNKCAP, 4) ?
	       VGPU_STUB_FORM_ENDPOINT : VGPU_STUB_FORM_INTEGRATED;
}

unsigned int form_of(const struct device *device)
{
	switch (device->bus) {
	case BUS_CONVENTIONAL:
		return VGPU_STUB_FORM_CONVENTIONAL;
	case BUS_EXPRESS_ROOT:
		return VGPU_STUB_FORM_INTEGRATED;
	case BUS_EXPRESS_PORT:
		return VGPU_STUB_FORM_ENDPOINT;
	case BUS_UNKNOWN:
		break;
	}
	return expects_express(device) ? form_by_type(device) :
					 VGPU_STUB_FORM_CONVENTIONAL;
}

const char *form_name(unsigned int forms)
{
	switch (forms) {
	case VGPU_STUB_FORM_CONVENTIONAL:
		return "conventional";
	case VGPU_STUB_FORM_INTEGRATED:
		return "integrated endpoint";
	case VGPU_STUB_FORM_ENDPOINT:
		return "endpoint";
	case VGPU_STUB_FORM_EXPRESS:
		return "Express";
	}
	return "any";
}
