/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: what a run prints, as text, JSON or TAP
 */
#ifndef SHOW_H
#define SHOW_H

#include <jansson.h>

#include "../check/check.h"

/*
 * show.c: findings in the form that the options ask for. show_end() shows the
 * error too, if there is one; it may come without anything before it.
 */
void show_begin(const struct source *source);
void show_findings(const struct findings *findings);
void show_end(int status);

struct form {
	void (*begin)(const struct source *source);
	void (*findings)(const struct findings *findings);
	void (*end)(int status);
};

extern const struct form text_form, quiet_form, json_form, tap_form;

/* text.c */
void show_difference(int offset, const char *name, const char *a,
		     const char *b, const char *flags);

/* fields.c */
struct flag {
	unsigned int mask;
	const char *name;
};

struct field {
	const char *name;
	unsigned int offset;	/* from the capability if cap is set */
	unsigned int width;
	uint8_t cap;
	const struct flag *flags;	/* ends with a mask of 0 */
};

extern const struct field fields[];
extern const unsigned int field_count;
int field_offset(const struct field *field, const struct device *device);
void format_flags(char *text, size_t size, const struct flag *flags,
		  unsigned int value, unsigned int mask);

/* title.c */
void format_title(char *text, size_t size, const struct device *device,
		  bool domain);
void show_subsystem(const struct device *device);
void show_driver(const struct kernel *kernel);

/* json.c: raised when a member changes or goes; new members do not count */
#define JSON_SCHEMA_VERSION	1

json_t *json_head(void);
json_t *json_text(const char *s);
void json_show(json_t *json);

#endif /* SHOW_H */
