// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checks of commands, in the order of the table of statuses in docs/specs/vgpu-stub.rst.
 * Each check of a descriptor is made for OUT before IN.
 */
#include <endian.h>
#include <string.h>
#include "vgpu_engine.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static void desc_to_host(struct vgpu_stub_desc *desc)
{
	desc->addr = le64toh(desc->addr);
	desc->len = le32toh(desc->len);
	desc->number = le16toh(desc->number);
}

void vgpu_sqe_to_host(struct vgpu_stub_sqe *entry)
{
	entry->opcode = le16toh(entry->opcode);
	entry->flags = le16toh(entry->flags);
	entry->id = le32toh(entry->id);
	entry->arg = le64toh(entry->arg);
	desc_to_host(&entry->out);
	desc_to_host(&entry->in);
}

/* Command set 1, which is not the back end's */
static const struct vgpu_operation buffer_operations[] = {
	{ VGPU_STUB_OP_REGISTER, .out = true,
	  .arg_mask = UINT16_MAX | VGPU_STUB_BUFFER_READ | VGPU_STUB_BUFFER_WRITE },
	{ VGPU_STUB_OP_UNREGISTER, .arg_mask = UINT16_MAX },
};

static const struct vgpu_operation *find_buffer_operation(unsigned int opcode)
{
	for (size_t i = 0; i < ARRAY_SIZE(buffer_operations); i++) {
		if (buffer_operations[i].opcode == opcode)
			return &buffer_operations[i];
	}
	return NULL;
}

static const struct vgpu_operation *find_operation(const struct vgpu_host *host,
						   const struct vgpu_backend *backend,
						   unsigned int opcode)
{
	if (opcode >> 8 != VGPU_STUB_SET_BUFFER)
		return backend->operation(opcode);
	return host->has_set_buffer ? find_buffer_operation(opcode) : NULL;
}

struct command {
	const struct vgpu_host *host;
	const struct vgpu_operation *operation;
	const struct vgpu_stub_sqe *entry;
	struct vgpu_data *out, *in;
};

/* Checks of a descriptor */

typedef unsigned int check(const struct command *command, const struct vgpu_stub_desc *desc);

static bool is_out(const struct command *command, const struct vgpu_stub_desc *desc)
{
	return desc == &command->entry->out;
}

static bool wraps(uint64_t addr, uint64_t len)
{
	return addr + (len - 1) < addr;
}

static unsigned int check_reserved(const struct command *command,
				   const struct vgpu_stub_desc *desc)
{
	bool none = desc->type == VGPU_STUB_DESC_NONE;
	bool no_addr = none || desc->type == VGPU_STUB_DESC_INLINE;
	bool no_number = no_addr || desc->type == VGPU_STUB_DESC_DIRECT;

	(void)command;
	if (desc->reserved || (no_addr && desc->addr) || (no_number && desc->number) ||
	    (none && desc->len))
		return VGPU_STUB_ERR_RESERVED;
	return VGPU_STUB_OK;
}

static unsigned int check_type(const struct command *command,
			       const struct vgpu_stub_desc *desc)
{
	bool has_data = is_out(command, desc) ? command->operation->out : command->operation->in;

	if (has_data == (desc->type == VGPU_STUB_DESC_NONE) ||
	    desc->type > VGPU_STUB_DESC_INLINE ||
	    (desc->type == VGPU_STUB_DESC_INLINE && !is_out(command, desc)) ||
	    (desc->type == VGPU_STUB_DESC_BUFFER &&
	     command->entry->opcode == VGPU_STUB_OP_REGISTER))
		return VGPU_STUB_ERR_DESC;
	return VGPU_STUB_OK;
}

/* What the command demands of the length of OUT or IN */
static bool is_good_length(const struct command *command, uint32_t len)
{
	const struct vgpu_operation *operation = command->operation;

	if (operation->opcode == VGPU_STUB_OP_REGISTER)
		return len % sizeof(struct vgpu_stub_segment) == 0;
	return !operation->out || !operation->in ||
	       command->entry->out.len == command->entry->in.len;
}

static unsigned int check_length(const struct command *command,
				 const struct vgpu_stub_desc *desc)
{
	if (desc->type == VGPU_STUB_DESC_NONE)
		return VGPU_STUB_OK;
	if (!desc->len || desc->len > VGPU_STUB_TRANSFER_MAX ||
	    (desc->type == VGPU_STUB_DESC_INLINE && desc->len > VGPU_STUB_INLINE_MAX) ||
	    (desc->type == VGPU_STUB_DESC_DIRECT && wraps(desc->addr, desc->len)) ||
	    !is_good_length(command, desc->len))
		return VGPU_STUB_ERR_LENGTH;
	return VGPU_STUB_OK;
}

static unsigned int check_list(const struct command *command,
			       const struct vgpu_stub_desc *desc)
{
	uint64_t size = desc->number * sizeof(struct vgpu_stub_segment);

	(void)command;
	if (desc->type != VGPU_STUB_DESC_LIST)
		return VGPU_STUB_OK;
	if (!desc->number || desc->number > VGPU_STUB_LIST_MAX ||
	    desc->addr % sizeof(uint64_t) || wraps(desc->addr, size))
		return VGPU_STUB_ERR_LIST;
	return VGPU_STUB_OK;
}

static const struct vgpu_buffer *find_buffer(const struct command *command,
					     unsigned int handle)
{
	return vgpu_buffers_find(command->host->buffers, handle);
}

static unsigned int check_handle(const struct command *command,
				 const struct vgpu_stub_desc *desc)
{
	if (desc->type == VGPU_STUB_DESC_BUFFER && !find_buffer(command, desc->number))
		return VGPU_STUB_ERR_HANDLE;
	return VGPU_STUB_OK;
}

static unsigned int check_bounds(const struct command *command,
				 const struct vgpu_stub_desc *desc)
{
	uint64_t len;

	if (desc->type != VGPU_STUB_DESC_BUFFER)
		return VGPU_STUB_OK;
	len = find_buffer(command, desc->number)->len;
	if (desc->addr > len || desc->len > len - desc->addr)
		return VGPU_STUB_ERR_BOUNDS;
	return VGPU_STUB_OK;
}

static unsigned int check_access(const struct command *command,
				 const struct vgpu_stub_desc *desc)
{
	uint64_t wanted = is_out(command, desc) ? VGPU_STUB_BUFFER_READ
						: VGPU_STUB_BUFFER_WRITE;

	if (desc->type == VGPU_STUB_DESC_BUFFER &&
	    !(find_buffer(command, desc->number)->access & wanted >> 32))
		return VGPU_STUB_ERR_ACCESS;
	return VGPU_STUB_OK;
}

static unsigned int open_data(const struct command *command,
			      const struct vgpu_stub_desc *desc)
{
	return vgpu_data_open(command->host, command->entry, desc,
			      is_out(command, desc) ? command->out : command->in);
}

static unsigned int check_descs(const struct command *command, check *const *checks,
				size_t count)
{
	unsigned int status = VGPU_STUB_OK;

	for (size_t i = 0; i < count && !status; i++) {
		status = checks[i](command, &command->entry->out);
		if (!status)
			status = checks[i](command, &command->entry->in);
	}
	return status;
}

/* Checks of the whole entry */

static unsigned int check_entry(const struct command *command)
{
	if (!command->operation)
		return VGPU_STUB_ERR_OPCODE;
	if (command->entry->flags & ~VGPU_STUB_SQE_FLAGS)
		return VGPU_STUB_ERR_FLAGS;
	return VGPU_STUB_OK;
}

static unsigned int check_arg(const struct command *command)
{
	uint64_t arg = command->entry->arg;

	if (arg & ~command->operation->arg_mask)
		return VGPU_STUB_ERR_ARG;
	if (command->operation->opcode == VGPU_STUB_OP_REGISTER &&
	    (!(arg >> 32) || (arg & UINT16_MAX) >= VGPU_STUB_BUFFERS_MAX))
		return VGPU_STUB_ERR_ARG;
	return VGPU_STUB_OK;
}

static unsigned int check_handle_arg(const struct command *command)
{
	unsigned int opcode = command->operation->opcode;
	unsigned int handle = command->entry->arg & UINT16_MAX;

	if ((opcode == VGPU_STUB_OP_REGISTER && command->host->buffers->by_handle[handle]) ||
	    (opcode == VGPU_STUB_OP_UNREGISTER && !find_buffer(command, handle)))
		return VGPU_STUB_ERR_HANDLE;
	return VGPU_STUB_OK;
}

static unsigned int check_overlap(const struct command *command)
{
	if (command->operation->out && command->operation->in &&
	    vgpu_data_overlap(command->out, command->in))
		return VGPU_STUB_ERR_OVERLAP;
	return VGPU_STUB_OK;
}

static unsigned int check_space(const struct command *command)
{
	uint32_t count = command->entry->out.len / sizeof(struct vgpu_stub_segment);

	if (command->operation->opcode == VGPU_STUB_OP_REGISTER &&
	    (count > VGPU_STUB_BUFFER_SEGMENTS_MAX ||
	     count > VGPU_STUB_SEGMENTS_MAX - command->host->buffers->segments))
		return VGPU_STUB_ERR_SPACE;
	return VGPU_STUB_OK;
}

unsigned int vgpu_command_open(const struct vgpu_host *host,
			       const struct vgpu_backend *backend,
			       const struct vgpu_stub_sqe *entry, struct vgpu_data *out,
			       struct vgpu_data *in)
{
	static check *const before_arg[] = { check_reserved };
	static check *const before_handle[] = { check_type, check_length, check_list };
	static check *const after_handle[] = { check_handle, check_bounds, check_access,
					       open_data };
	const struct command command = { host, find_operation(host, backend, entry->opcode),
					 entry, out, in };
	unsigned int status = check_entry(&command);

	memset(out, 0, sizeof(*out));
	memset(in, 0, sizeof(*in));
	if (!status)
		status = check_descs(&command, before_arg, ARRAY_SIZE(before_arg));
	if (!status)
		status = check_arg(&command);
	if (!status)
		status = check_descs(&command, before_handle, ARRAY_SIZE(before_handle));
	if (!status)
		status = check_handle_arg(&command);
	if (!status)
		status = check_descs(&command, after_handle, ARRAY_SIZE(after_handle));
	if (!status)
		status = check_overlap(&command);
	return status ? status : check_space(&command);
}

unsigned int vgpu_operation_check(const struct vgpu_backend *backend, unsigned int opcode,
				  uint64_t arg, uint32_t out_len, uint32_t in_len)
{
	const struct vgpu_operation *operation = backend->operation(opcode);

	if (!operation)
		return VGPU_STUB_ERR_OPCODE;
	if (arg & ~operation->arg_mask)
		return VGPU_STUB_ERR_ARG;
	if (operation->out != !!out_len || operation->in != !!in_len)
		return VGPU_STUB_ERR_DESC;
	if (operation->out && operation->in && out_len != in_len)
		return VGPU_STUB_ERR_LENGTH;
	return VGPU_STUB_OK;
}
