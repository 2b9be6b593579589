// SPDX-License-Identifier: GPL-2.0-or-later
#include <endian.h>
#include <string.h>
#include "vgpu_mediator_message.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

enum kind {
	NOTICE,
	REQUEST,
	ANSWER,
};

/*
 * The fields behind the header, one letter each: a number of 1 (b), 2 (h), 4 (w) or 8 (q)
 * bytes, the same but reserved (H, W), and an entry of a submission ring (e). Bytes that
 * follow are not converted.
 */
struct layout {
	unsigned int type;
	unsigned int from;
	enum kind kind;
	unsigned int descriptors;
	size_t length, longest;
	const char *fields;
	const char *name;
};

#define MESSAGE(name, from, kind, descriptors, length, fields) \
	{ VGPU_MEDIATOR_##name, from, kind, descriptors, length, length, fields, #name }
#define DATA(name, from)                                                                 \
	{ VGPU_MEDIATOR_##name, from, NOTICE, 0, sizeof(struct vgpu_mediator_data) + 1, \
	  VGPU_MEDIATOR_MESSAGE_MAX, "wW", #name }
#define ANSWER_TO(name, from, descriptors, length, fields)                          \
	{ VGPU_MEDIATOR_##name | VGPU_MEDIATOR_ANSWER, from, ANSWER, descriptors, \
	  length, length, fields, "answer to " #name }

static const struct layout layouts[] = {
	MESSAGE(HELLO, FROM_DEVICE, REQUEST, 0, 96, "hhwhHW"),
	MESSAGE(MEMORY_ADD, FROM_DEVICE, REQUEST, 1, 48, "qqqwW"),
	MESSAGE(MEMORY_CLEAR, FROM_DEVICE, REQUEST, 0, 16, ""),
	MESSAGE(BUFFER_ADD, FROM_DEVICE, REQUEST, 1, 32, "hhwq"),
	MESSAGE(BUFFER_REMOVE, FROM_DEVICE, REQUEST, 0, 24, "hHW"),
	MESSAGE(QUEUE_START, FROM_DEVICE, REQUEST, 3, 48, "hHwqqq"),
	MESSAGE(QUEUE_STOP, FROM_DEVICE, REQUEST, 0, 24, "hHW"),
	MESSAGE(RESET, FROM_DEVICE, REQUEST, 0, 16, ""),
	MESSAGE(PING, FROM_DEVICE, REQUEST, 0, 16, ""),
	MESSAGE(COMMAND, FROM_DEVICE, NOTICE, 0, 40, "whhqww"),
	DATA(DATA_OUT, FROM_DEVICE),
	MESSAGE(CREDIT_IN, FROM_DEVICE, NOTICE, 0, 24, "wW"),
	MESSAGE(CANCEL, FROM_DEVICE, REQUEST, 0, 24, "wW"),
	ANSWER_TO(EXECUTE, FROM_DEVICE, 0, 32, "whHq"),

	ANSWER_TO(HELLO, FROM_BACK_END, 1, 40, "whHwwwW"),
	ANSWER_TO(MEMORY_ADD, FROM_BACK_END, 0, 24, "wW"),
	ANSWER_TO(MEMORY_CLEAR, FROM_BACK_END, 0, 24, "wW"),
	ANSWER_TO(BUFFER_ADD, FROM_BACK_END, 0, 24, "wW"),
	ANSWER_TO(BUFFER_REMOVE, FROM_BACK_END, 0, 24, "wW"),
	ANSWER_TO(QUEUE_START, FROM_BACK_END, 0, 32, "whHww"),
	ANSWER_TO(QUEUE_STOP, FROM_BACK_END, 0, 32, "whHww"),
	ANSWER_TO(RESET, FROM_BACK_END, 0, 24, "wW"),
	ANSWER_TO(PING, FROM_BACK_END, 0, 24, "wW"),
	ANSWER_TO(CANCEL, FROM_BACK_END, 0, 24, "wW"),
	MESSAGE(EXECUTE, FROM_BACK_END, REQUEST, 0, 88, "hHwe"),
	MESSAGE(QUEUE_ERROR, FROM_BACK_END, NOTICE, 0, 32, "hhwwW"),
	MESSAGE(COMMAND_DONE, FROM_BACK_END, NOTICE, 0, 32, "whHq"),
	DATA(DATA_IN, FROM_BACK_END),
	MESSAGE(CREDIT_OUT, FROM_BACK_END, NOTICE, 0, 24, "wW"),

	MESSAGE(ERROR, FROM_DEVICE | FROM_BACK_END, NOTICE, 0, 96, "hhw"),
};

static const struct layout *find_layout(unsigned int type)
{
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		if (layouts[i].type == type)
			return &layouts[i];
	}
	return NULL;
}

/* Bytes */

static const char header_fields[] = "whhwW";
static const char entry_fields[] = "hhwqqwhbbqwhbb";

static size_t width_of(char field)
{
	switch (field) {
	case 'b':
		return 1;
	case 'h':
	case 'H':
		return 2;
	case 'w':
	case 'W':
		return 4;
	case 'q':
		return 8;
	default:
		return sizeof(struct vgpu_stub_sqe);
	}
}

/* Both directions, as converting twice changes nothing */
static void convert(void *bytes, const char *fields)
{
	unsigned char *at = bytes;

	for (; *fields; at += width_of(*fields++)) {
		uint16_t h;
		uint32_t w;
		uint64_t q;

		switch (width_of(*fields)) {
		case 1:
			break;
		case 2:
			memcpy(&h, at, 2);
			h = le16toh(h);
			memcpy(at, &h, 2);
			break;
		case 4:
			memcpy(&w, at, 4);
			w = le32toh(w);
			memcpy(at, &w, 4);
			break;
		case 8:
			memcpy(&q, at, 8);
			q = le64toh(q);
			memcpy(at, &q, 8);
			break;
		default:
			convert(at, entry_fields);
		}
	}
}

static bool reserved_are_zero(const unsigned char *at, const char *fields)
{
	static const unsigned char zero[8];

	for (; *fields; at += width_of(*fields++)) {
		if (strchr("HW", *fields) && memcmp(at, zero, width_of(*fields)))
			return false;
	}
	return true;
}

/* Values; check 11 of the specification, as far as it needs only the message */

static bool is_power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

/* A text in an array: not longer than the array less one, and zeros behind it */
static bool is_text(const unsigned char *text, size_t size)
{
	size_t length = strnlen((const char *)text, size);

	for (size_t i = length; i < size; i++) {
		if (text[i])
			return false;
	}
	return length < size;
}

static bool is_name(const unsigned char *name)
{
	for (size_t i = 0; i < VGPU_MEDIATOR_NAME_MAX && name[i]; i++) {
		if (name[i] < 0x20 || name[i] == 0x7f)
			return false;
	}
	return name[0] && is_text(name, VGPU_MEDIATOR_NAME_MAX);
}

static bool is_good_hello(const struct vgpu_mediator_hello *hello)
{
	return hello->version_min <= hello->version_max && hello->queues &&
	       hello->queues <= VGPU_STUB_QUEUES_MAX && is_name(hello->name);
}

#define BEYOND (1ULL << 63)

/* Without a sum, which could wrap around */
static bool is_range(uint64_t start, uint64_t size)
{
	return size <= BEYOND && start <= BEYOND - size;
}

static bool is_good_region(const struct vgpu_mediator_memory_add *add)
{
	uint64_t all = add->address | add->size | add->offset;

	return add->size && all % VGPU_MEDIATOR_PAGE == 0 &&
	       is_range(add->address, add->size) && is_range(add->offset, add->size) &&
	       !(add->flags & ~VGPU_MEDIATOR_MEMORY_WRITE);
}

static bool is_good_buffer(const struct vgpu_mediator_buffer_add *add)
{
	return add->handle < VGPU_STUB_BUFFERS_MAX && add->access &&
	       !(add->access & ~(VGPU_MEDIATOR_BUFFER_READ | VGPU_MEDIATOR_BUFFER_WRITE)) &&
	       add->count && add->count <= VGPU_STUB_BUFFER_SEGMENTS_MAX;
}

static bool is_good_ring(uint64_t address, uint64_t size, uint64_t align)
{
	return address % align == 0 && address + (size - 1) >= address;
}

static bool is_good_start(const struct vgpu_mediator_queue_start *start)
{
	uint64_t size = start->size;

	return start->queue < VGPU_STUB_QUEUES_MAX && is_power_of_two(start->size) &&
	       size >= VGPU_STUB_QUEUE_SIZE_MIN && size <= VGPU_STUB_QUEUE_SIZE_MAX &&
	       is_good_ring(start->sq, size * sizeof(struct vgpu_stub_sqe),
			    VGPU_STUB_RING_ALIGN) &&
	       is_good_ring(start->cq, size * sizeof(struct vgpu_stub_cqe),
			    VGPU_STUB_RING_ALIGN) &&
	       is_good_ring(start->index, sizeof(struct vgpu_stub_index),
			    VGPU_STUB_INDEX_ALIGN);
}

static bool is_good_queue_error(const struct vgpu_mediator_queue_error *notice)
{
	return notice->queue < VGPU_STUB_QUEUES_MAX && notice->error >= VGPU_STUB_QERR_DMA &&
	       notice->error <= VGPU_STUB_QERR_BACKEND;
}

static bool is_good_command(const struct vgpu_mediator_command *command)
{
	return command->queue < VGPU_STUB_QUEUES_MAX &&
	       command->out_bytes <= VGPU_STUB_TRANSFER_MAX &&
	       command->in_bytes <= VGPU_STUB_TRANSFER_MAX;
}

static bool is_good_execute(const struct vgpu_mediator_execute *execute)
{
	return execute->queue < VGPU_STUB_QUEUES_MAX &&
	       execute->entry.opcode >> 8 == VGPU_STUB_SET_BUFFER;
}

static bool is_good_execute_answer(const struct vgpu_mediator_execute_answer *answer)
{
	if (answer->status == VGPU_MEDIATOR_CANCELLED)
		return !answer->command_status && !answer->result;
	return answer->status == VGPU_MEDIATOR_OK &&
	       answer->command_status <= VGPU_STUB_ERR_BACKEND &&
	       (!answer->command_status || !answer->result);
}

/* STATUS is in the same place in all answers */
static bool is_good_answer(const struct vgpu_mediator_answer *answer)
{
	switch (answer->header.type & ~VGPU_MEDIATOR_ANSWER) {
	case VGPU_MEDIATOR_MEMORY_ADD:
	case VGPU_MEDIATOR_BUFFER_ADD:
	case VGPU_MEDIATOR_QUEUE_START:
		return answer->status < VGPU_MEDIATOR_CANCELLED;
	default:
		return answer->status == VGPU_MEDIATOR_OK;
	}
}

static bool is_good_hello_answer(const struct vgpu_mediator_hello_answer *answer)
{
	bool framed = answer->features & VGPU_MEDIATOR_FEATURE_FRAMED;

	return !answer->status && answer->command_sets & 1 &&
	       (framed ? answer->credit_out >= VGPU_MEDIATOR_DATA_MAX : !answer->credit_out);
}

static bool is_good_done(const struct vgpu_mediator_command_done *done)
{
	return done->status <= VGPU_STUB_ERR_BACKEND && (!done->status || !done->result);
}

static bool is_good_value(const union message *message)
{
	switch (message->header.type) {
	case VGPU_MEDIATOR_HELLO:
		return is_good_hello(&message->hello);
	case VGPU_MEDIATOR_MEMORY_ADD:
		return is_good_region(&message->memory_add);
	case VGPU_MEDIATOR_BUFFER_ADD:
		return is_good_buffer(&message->buffer_add);
	case VGPU_MEDIATOR_BUFFER_REMOVE:
		return message->buffer_remove.handle < VGPU_STUB_BUFFERS_MAX;
	case VGPU_MEDIATOR_QUEUE_START:
		return is_good_start(&message->queue_start);
	case VGPU_MEDIATOR_QUEUE_STOP:
		return message->queue_stop.queue < VGPU_STUB_QUEUES_MAX;
	case VGPU_MEDIATOR_COMMAND:
		return is_good_command(&message->command);
	case VGPU_MEDIATOR_CREDIT_IN:
	case VGPU_MEDIATOR_CREDIT_OUT:
		return message->credit.bytes;
	case VGPU_MEDIATOR_EXECUTE:
		return is_good_execute(&message->execute);
	case VGPU_MEDIATOR_QUEUE_ERROR:
		return is_good_queue_error(&message->queue_error);
	case VGPU_MEDIATOR_COMMAND_DONE:
		return is_good_done(&message->command_done);
	case VGPU_MEDIATOR_ERROR:
		return message->error.code && message->error.code <= VGPU_MEDIATOR_INTERNAL &&
		       is_text(message->error.text, sizeof(message->error.text));
	case VGPU_MEDIATOR_HELLO | VGPU_MEDIATOR_ANSWER:
		return is_good_hello_answer(&message->hello_answer);
	case VGPU_MEDIATOR_EXECUTE | VGPU_MEDIATOR_ANSWER:
		return is_good_execute_answer(&message->execute_answer);
	default:
		return !(message->header.type & VGPU_MEDIATOR_ANSWER) ||
		       is_good_answer(&message->answer);
	}
}

/* Interface */

unsigned int message_decode_header(union message *message, enum side from)
{
	struct vgpu_mediator_header *header = &message->header;
	const struct layout *layout;

	convert(header, header_fields);
	if (header->length < sizeof(*header) || header->length > VGPU_MEDIATOR_MESSAGE_MAX)
		return VGPU_MEDIATOR_BAD_LENGTH;
	layout = find_layout(header->type);
	if (!layout || !(layout->from & from))
		return VGPU_MEDIATOR_BAD_TYPE;
	if (header->length < layout->length || header->length > layout->longest)
		return VGPU_MEDIATOR_BAD_LENGTH;
	if (header->descriptors != layout->descriptors)
		return VGPU_MEDIATOR_BAD_DESCRIPTORS;
	if (header->reserved)
		return VGPU_MEDIATOR_BAD_RESERVED;
	/* for an answer, the caller knows what was asked */
	if ((layout->kind == NOTICE) != !header->serial)
		return VGPU_MEDIATOR_BAD_SERIAL;
	return 0;
}

unsigned int message_decode_body(union message *message)
{
	const struct layout *layout = find_layout(message->header.type);

	if (!reserved_are_zero(message->bytes + sizeof(message->header), layout->fields))
		return VGPU_MEDIATOR_BAD_RESERVED;
	convert(message->bytes + sizeof(message->header), layout->fields);
	return is_good_value(message) ? 0 : VGPU_MEDIATOR_BAD_VALUE;
}

void message_encode(union message *message)
{
	convert(message->bytes + sizeof(message->header),
		find_layout(message->header.type)->fields);
	convert(&message->header, header_fields);
}

bool message_is_request(unsigned int type)
{
	const struct layout *layout = find_layout(type);

	return layout && layout->kind == REQUEST;
}

const char *message_name(unsigned int type)
{
	const struct layout *layout = find_layout(type);

	return layout ? layout->name : "unknown message";
}

const char *message_fault_name(unsigned int code)
{
	static const char *const names[] = {
		[VGPU_MEDIATOR_BAD_LENGTH] = "BAD_LENGTH",
		[VGPU_MEDIATOR_BAD_TYPE] = "BAD_TYPE",
		[VGPU_MEDIATOR_BAD_DESCRIPTORS] = "BAD_DESCRIPTORS",
		[VGPU_MEDIATOR_BAD_RESERVED] = "BAD_RESERVED",
		[VGPU_MEDIATOR_BAD_SERIAL] = "BAD_SERIAL",
		[VGPU_MEDIATOR_BAD_STATE] = "BAD_STATE",
		[VGPU_MEDIATOR_BAD_VALUE] = "BAD_VALUE",
		[VGPU_MEDIATOR_BAD_VERSION] = "BAD_VERSION",
		[VGPU_MEDIATOR_BAD_TIMEOUT] = "BAD_TIMEOUT",
		[VGPU_MEDIATOR_BUSY] = "BUSY",
		[VGPU_MEDIATOR_INTERNAL] = "INTERNAL",
	};

	return code < ARRAY_SIZE(names) && names[code] ? names[code] : "unknown fault";
}
