// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vgpu-probe: the contract on configuration space, from include/vgpu_stub_config.h
 *
 * Each row of that table is a check, unless the guest or the platform may set its
 * bits. A separate check (unused.c) tests that bits without a row are zero.
 */
#include <ctype.h>
#include <string.h>

#include "check.h"
#include "vgpu_stub_config.h"

struct row {
	int kinds;
	const char *name;
	unsigned int forms, offset, width;
	uint32_t mask;
	int class;
	uint32_t value;
};

#define ROW(_kinds, _name, _forms, _offset, _width, _mask, _class, _value) \
	{ _kinds, #_name, VGPU_STUB_FORM_##_forms, _offset, _width, _mask, \
	  VGPU_STUB_BITS_##_class, _value },
#define COMMON_ROW(...)		ROW(KIND_ALL, __VA_ARGS__)
#define NO_QUEUES_ROW(...)	ROW(KIND_NO_QUEUES, __VA_ARGS__)
#define QUEUES_ROW(...)		ROW(KIND_QUEUES, __VA_ARGS__)

static struct row rows[] = {
	VGPU_STUB_CONFIG_COMMON(COMMON_ROW)
	VGPU_STUB_CONFIG_NO_QUEUES(NO_QUEUES_ROW)
	VGPU_STUB_CONFIG_QUEUES(QUEUES_ROW)
};
_Static_assert(ARRAY_SIZE(rows) <= MAX_ROWS, "every row has a place");

/* In the table, the rows that depend on queues follow all others */
static void sort_rows(void)
{
	for (size_t i = 1; i < ARRAY_SIZE(rows); i++) {
		struct row row = rows[i];
		size_t j = i;

		for (; j && rows[j - 1].offset > row.offset; j--)
			rows[j] = rows[j - 1];
		rows[j] = row;
	}
}

/*** Rows ***/

static CHECK_FUNCTION(check_row)
{
	uint32_t value;

	if (!get_value(check, device, finding, &value))
		return;
	value &= check->mask;
	found(finding, value == check->expected ? RESULT_PASS : RESULT_FAIL,
	      "0x%0*x", 2 * check->width, value);
}

/* The device has no D1 and D2, and writing them changes nothing */
static CHECK_FUNCTION(check_power_state_bits)
{
	static const char *const names[] = { "D0", "D1", "D2", "D3hot" };
	uint32_t state;

	if (!get_value(check, device, finding, &state))
		return;
	state &= check->mask;
	found(finding, state == 0 || state == 3 ? RESULT_PASS : RESULT_FAIL,
	      "%s", names[state]);
}

/*
 * A BAR without an address looks like one that does not exist. Only the kernel can
 * distinguish them (bar0-assigned).
 */
static CHECK_FUNCTION(check_bar0_address)
{
	uint32_t bar, command;

	if (!get_value(check, device, finding, &bar))
		return;
	command = config_get(&device->config, PCI_COMMAND, 2);
	if (bar & check->mask)
		found(finding, RESULT_PASS, "0x%08x", bar & check->mask);
	else if (command & PCI_COMMAND_MEMORY)
		found(finding, RESULT_FAIL,
		      "BAR0 has no address, and memory decoding is on");
	else
		found(finding, RESULT_UNKNOWN, "BAR0 has no address");
}

/* There is one vector more than queues; the field is the number of vectors minus 1 */
static CHECK_FUNCTION(check_table_size)
{
	uint32_t value;

	if (!get_value(check, device, finding, &value))
		return;
	value &= check->mask;
	found(finding, value >= 1 && value <= VGPU_STUB_QUEUES_MAX ?
	      RESULT_PASS : RESULT_FAIL, "0x%0*x", 2 * check->width, value);
}

static bool set_function(const struct row *row, struct check *check)
{
	if (row->class == VGPU_STUB_BITS_FIXED ||
	    row->class == VGPU_STUB_BITS_ERROR) {
		check->run = check_row;
	} else if (!strcmp(row->name, "PMCSR_POWER_STATE")) {
		check->run = check_power_state_bits;
		check->want = "D0 or D3hot";
	} else if (!strcmp(row->name, "BAR0_ADDRESS")) {
		check->run = check_bar0_address;
		check->want = "an address";
	} else if (!strcmp(row->name, "MSIX_TABLE_SIZE")) {
		check->run = check_table_size;
		check->want = "1 to " TEXT(VGPU_STUB_QUEUES_MAX);
	}
	return check->run;
}

/* "COMMAND_VGA_SNOOP" is the check command-vga-snoop */
static const char *make_id(const char *name)
{
	static char ids[ARRAY_SIZE(rows)][40];
	static unsigned int count;
	char *id = ids[count++];

	for (size_t i = 0; i < sizeof(ids[0]) - 1 && name[i]; i++)
		id[i] = name[i] == '_' ? '-' : tolower((unsigned char)name[i]);
	return id;
}

unsigned int add_contract(struct check *checks)
{
	unsigned int count = 0;

	sort_rows();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct text *text = row_text(rows[i].name);
		struct check check = {
			.name = text->name, .advice = text->advice,
			.forms = rows[i].forms, .kinds = rows[i].kinds,
			.in_contract = true,
			.offset = rows[i].offset,
			.width = rows[i].width, .mask = rows[i].mask,
			.expected = rows[i].value,
			.severity = rows[i].class == VGPU_STUB_BITS_ERROR ?
				    SEVERITY_WARNING : SEVERITY_ERROR,
			.applies = rows[i].offset < CONFIG_SIZE ? NULL :
				   has_ext_space,
		};

		if (!set_function(&rows[i], &check))
			continue;
		check.id = make_id(rows[i].name);
		checks[count++] = check;
	}
	return count;
}

/*** Bits ***/

void cover_rows(const struct device *device, uint8_t *covered)
{
	unsigned int form = form_of(device);
	int kind = kind_of(device);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int at = place(device, rows[i].offset);

		if (!(rows[i].forms & form) || !(rows[i].kinds & kind))
			continue;
		for (unsigned int byte = 0; byte < rows[i].width; byte++)
			if (at + byte < CONFIG_SIZE_EXP)
				covered[at + byte] |= rows[i].mask >> 8 * byte;
	}
}

/*** Registers: rows of one offset and width, with names ***/

unsigned int list_fields(struct field *fields)
{
	unsigned int count = 0;

	sort_rows();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct text *text = row_text(rows[i].name);
		const struct field *last = count ? &fields[count - 1] : NULL;

		if (!text->field || (last && last->offset == rows[i].offset &&
				     last->width == rows[i].width))
			continue;
		fields[count++] = (struct field){
			.name = text->field, .offset = rows[i].offset,
			.width = rows[i].width, .first_row = i,
		};
	}
	return count;
}

/* Its offset in this device, NO_OFFSET without that capability */
int field_offset(const struct field *field, const struct device *device)
{
	uint8_t id = home_of(field->offset);

	if (id && !find_cap(&device->chain, id))
		return NO_OFFSET;
	return place(device, field->offset);
}

/* "I/O- Mem+ ...", of the flags in mask; "" if the register has none */
void format_flags(char *text, size_t size, const struct field *field,
		  uint32_t value, uint32_t mask)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = field->first_row; i < ARRAY_SIZE(rows) && len < size; i++) {
		const struct row *row = &rows[i];
		const char *flag = row_text(row->name)->flag;

		if (row->offset != field->offset || row->width != field->width)
			return;
		if (flag && row->mask & mask)
			len += snprintf(text + len, size - len, "%s%s%c",
					len ? " " : "", flag,
					value & row->mask ? '+' : '-');
	}
}
