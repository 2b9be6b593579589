/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vgpu-probe: reading devices of this machine or of a dump
 *
 * A function that fails records an error (error.h) and returns false or NULL.
 */
#ifndef READ_H
#define READ_H

#include "../device.h"

/* source.c */
bool open_source(struct source *source, const char *name);
void close_source(struct source *source);
const char *selection_text(void);

/* device.c */
bool read_device(const struct source *source, const struct function *function,
		 struct device *device);

/* dump.c */
bool open_dump(struct source *source);

/* machine.c */
bool open_machine(struct source *source);
bool read_machine_config(const struct function *function, unsigned int limit,
			 struct config *config);
void read_resource(const struct function *function, struct kernel *kernel);
const char *sysfs_path(void);

/* bus.c */
enum bus find_bus(const struct source *source, const struct slot *slot);

/*
 * libpci.c: libpci may leave a call through its error callback. Then both functions
 * return false; call_libpci() records the error, ask_libpci() does not. Code that
 * uses "libpci" must be called through them.
 */
extern struct pci_access *libpci;
bool open_libpci(void);
bool call_libpci(void (*call)(void *data), void *data);
bool ask_libpci(void (*call)(void *data), void *data);

/* names.c */
const char *class_name(char *text, size_t size, unsigned int class);
const char *prog_if_name(char *text, size_t size, unsigned int class,
			 unsigned int prog_if);
const char *device_name(char *text, size_t size, unsigned int vendor,
			unsigned int device);
const char *subsystem_name(char *text, size_t size,
			   const struct function *function,
			   unsigned int vendor, unsigned int device);

/* config.c: these take any offset and any content */
bool read_config(const struct function *function, unsigned int limit,
		 struct config *config);
bool config_has(const struct config *config, unsigned int offset,
		unsigned int width);
uint32_t config_get(const struct config *config, unsigned int offset,
		    unsigned int width);
const char *silence_of(const struct config *config);
bool is_silent_behind_header(const struct config *config);

/* chain.c */
void walk_chain(const struct config *config, struct chain *chain);
void walk_ext_chain(const struct config *config, struct chain *chain);
bool is_complete(const struct chain *chain);
const struct cap *find_cap(const struct chain *chain, uint16_t id);

/* cap-names.c */
const char *cap_name(uint16_t id);
const char *ext_cap_name(uint16_t id);

/* slot.c */
int compare_slots(const struct slot *a, const struct slot *b);
/* "host" if there is no slot */
void format_slot(char *text, size_t size, const struct slot *slot, bool domain);

/* kernel.c */
void read_kernel(const struct function *function, struct kernel *kernel);
bool read_text(const char *path, char *text, size_t size);

/* modules.c: calls take() for each module that could drive the device */
void find_modules(const struct kernel *kernel,
		  void (*take)(const char *module, void *data), void *data);

/* registers.c */
void read_registers(struct device *device);
extern const char *const register_names[REG_COUNT];
extern const unsigned int register_offsets[REG_COUNT];

/*
 * host.c: files of the host, which may be below another directory. open_regular()
 * and read_bytes() do not wait for a FIFO; the caller frees data.
 */
struct bytes {
	char *data;
	size_t len, room;
};

void host_path(char *path, size_t size, const char *below);
int open_regular(const char *path);
bool read_bytes(const char *path, struct bytes *bytes);
/* Copies a line without control characters */
void copy_line(char *text, size_t size, const char *line);

/*
 * kernel-log.c: calls take() for each line with one of the words (the last is NULL)
 * in upper or lower case. False if the kernel denies this user the log.
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
