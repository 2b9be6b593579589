/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: jansson, with every failure recorded
 */
#ifndef JSON_H
#define JSON_H

#include <jansson.h>

/* Increased when a member changes or is removed, but not for new members */
#define JSON_SCHEMA_VERSION	1

json_t *json_head(void);
json_t *json_text(const char *s);
void json_add(json_t *array, json_t *value);
void json_set(json_t *object, const char *name, json_t *value);
/* Prints a value, indented for its depth, and frees it */
void json_print(json_t *value, unsigned int indent);

#endif /* JSON_H */
