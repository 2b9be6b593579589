/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: reading devices, of this machine or of a dump
 *
 * What fails records an error (error.h) and returns false or NULL.
 */
#ifndef READ_H
#define READ_H

#include "../device.h"

/* source.c */
bool open_source(struct source *source, const char *name);
void close_source(struct source *source);
const char *selection_text(void);

/* libpci.c: calls that libpci may leave through its error callback */
struct pci_access *open_libpci(const char *dump);
bool call_libpci(void (*call)(void *data), void *data);

/* names.c */
const char *class_name(char *text, size_t size, unsigned int class);
const char *prog_if_name(char *text, size_t size, unsigned int class,
			 unsigned int prog_if);
const char *device_name(char *text, size_t size, unsigned int vendor,
			unsigned int device);
const char *subsystem_name(char *text, size_t size,
			   const struct function *function,
			   unsigned int vendor, unsigned int device);

/* config.c: all of these take any offset and any content */
bool config_has(const struct config *config, unsigned int offset,
		unsigned int width);
uint32_t config_get(const struct config *config, unsigned int offset,
		    unsigned int width);

/* chain.c */
void walk_chain(const struct config *config, struct chain *chain);
void walk_ext_chain(const struct config *config, struct chain *chain);
bool is_complete(const struct chain *chain);
const struct cap *find_cap(const struct chain *chain, uint16_t id);
const char *cap_name(uint16_t id);
const char *ext_cap_name(uint16_t id);

/* slot.c */
int compare_slots(const struct slot *a, const struct slot *b);
/* "host" if there is no slot */
void format_slot(char *text, size_t size, const struct slot *slot, bool domain);

/* dump.c */
const char *stage_dump(const char *name);

/* kernel.c */
void read_kernel(const char *sysfs, const struct slot *slot,
		 struct kernel *kernel);
bool read_text(const char *path, char *text, size_t size);

/* modules.c: calls take() for each module that could drive the device */
void find_modules(const struct kernel *kernel,
		  void (*take)(const char *module, void *data), void *data);

/* registers.c */
void read_registers(struct device *device);
extern const char *const register_names[REG_COUNT];

/*
 * kernel-log.c: calls take() for each line that holds one of the words (the last
 * is NULL) in upper or lower case. False if the kernel denies this user the log.
 */
bool read_kernel_log(const char *const *words,
		     void (*take)(const char *line, void *data), void *data);

/*
 * program.c: runs a program, without a shell, and calls take() for each line that
 * it writes to its standard output or error. argv ends with NULL; begin it with
 * timeout(1). Returns the exit status, 127 if the program could not be run.
 */
int read_program(const char *const *argv,
		 void (*take)(const char *line, void *data), void *data);

#endif /* READ_H */
