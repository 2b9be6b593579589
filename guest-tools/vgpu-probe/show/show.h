/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: what a run prints, as text, JSON or TAP
 */
#ifndef SHOW_H
#define SHOW_H

#include "../check/check.h"

/*
 * show.c: findings in the form that the options ask for. show_end() shows the
 * error too, if there is one; it may come without anything before it.
 */
void show_begin(const struct source *source);
void show_findings(const struct findings *findings);
void show_end(int status);

/* failure.c: on standard error */
void show_error(void);
void show_hints(void);

struct form {
	void (*begin)(const struct source *source);
	void (*findings)(const struct findings *findings);
	void (*end)(int status);
};

extern const struct form text_form, quiet_form, json_form, tap_form;

/* machines.c: a line for each, after a prefix */
void show_machines(const char *prefix);

/* registers.c */
void show_registers(const struct registers *regs);

/* findings.c */
void list_findings(const struct findings *findings);
void show_quiet(const struct findings *findings);

/* text.c */
void show_difference(int offset, const char *name, const char *a,
		     const char *b, const char *flags);

/* title.c */
void format_title(char *text, size_t size, const struct device *device,
		  bool domain);
void format_where(char *text, size_t size, const struct device *device);
void show_subsystem(const struct device *device);
void show_driver(const struct kernel *kernel);

#endif /* SHOW_H */
