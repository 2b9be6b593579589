/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: the functions of the rows that are no plain field
 */
#ifndef CHECK_H
#define CHECK_H

#include "probe.h"

/* "detail" of the rows about chains: which of the two */
enum { DETAIL_CHAIN, DETAIL_EXT_CHAIN };

#define CHECK_FUNCTION(name) \
	void name(const struct check *check, const struct device *device, \
		  struct finding *finding)

/* checks.c */
CHECK_FUNCTION(check_answers);

/* check-chain.c; the rows of the walk have the fault as their mask */
CHECK_FUNCTION(check_pointer);
CHECK_FUNCTION(check_walk);
CHECK_FUNCTION(check_duplicates);
CHECK_FUNCTION(check_overlaps);
CHECK_FUNCTION(check_present);
CHECK_FUNCTION(check_pm_state);
CHECK_FUNCTION(check_express_type);
CHECK_FUNCTION(check_express_version);
CHECK_FUNCTION(check_ext_versions);

/* check-kernel.c */
CHECK_FUNCTION(check_kernel_ids);
CHECK_FUNCTION(check_bar0_size);
CHECK_FUNCTION(check_bar0_assigned);
CHECK_FUNCTION(check_bar0_resource);
CHECK_FUNCTION(check_driver);
CHECK_FUNCTION(check_enabled);
CHECK_FUNCTION(check_decoded);
CHECK_FUNCTION(check_power_state);
CHECK_FUNCTION(check_interrupts);
CHECK_FUNCTION(check_reset_method);
CHECK_FUNCTION(check_register);

/* Which devices a row concerns */
bool is_live(const struct device *device);
bool is_driven(const struct device *device);
bool has_express(const struct device *device);
bool has_ext_space(const struct device *device);
bool may_have_pm(const struct device *device);
bool tells_power_state(const struct device *device);
bool tells_reset_method(const struct device *device);
bool wants_registers(const struct device *device);

#endif /* CHECK_H */
