// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include "parse.h"

static unsigned int shift_of(const char *unit)
{
	switch (*unit) {
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	default:
		return 0;
	}
}

/* strtoull() also takes signs and spaces */
bool parse_number(const char *text, bool units, uint64_t *number)
{
	const char *unit = text + strspn(text, "0123456789");
	unsigned int shift = units ? shift_of(unit) : 0;

	errno = 0;
	*number = strtoull(text, NULL, 10);
	if (unit == text || errno || *number > UINT64_MAX >> shift)
		return false;
	*number <<= shift;
	return !unit[shift != 0];
}

/* The largest ID means "none" to the kernel */
static bool parse_id(const char *text, uint64_t *id)
{
	return parse_number(text, false, id) && *id < UINT32_MAX;
}

bool parse_user(const char *text, uid_t *user)
{
	const struct passwd *entry = getpwnam(text);
	uint64_t id;

	if (!entry && !parse_id(text, &id))
		return false;
	*user = entry ? entry->pw_uid : id;
	return true;
}

bool parse_group(const char *text, gid_t *group)
{
	const struct group *entry = getgrnam(text);
	uint64_t id;

	if (!entry && !parse_id(text, &id))
		return false;
	*group = entry ? entry->gr_gid : id;
	return true;
}
