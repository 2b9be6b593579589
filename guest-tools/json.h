/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: what all JSON that it writes shares
 */
#ifndef JSON_H
#define JSON_H

#include <jansson.h>

#include "probe.h"

/* Raised when a member changes or goes; members may come without that */
#define JSON_SCHEMA_VERSION	1

json_t *json_head(void);
json_t *json_text(const char *s);
void json_show(json_t *json);

#endif /* JSON_H */
