/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "radius/terms.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "lib/text.h"

#define LEAST_RATE 8000u /* bit/s, as sp_text_rate: a slower one is unusable */

/* What becomes of a number: */
enum term_kind {
	SECONDS, /* a duration; the shorter one counts */
	WORD_LOW,
	WORD_HIGH, /* times 2^32 */
	RATE,
	RATE_KILO, /* thousands */
	INTERIM,
	UNTIL, /* a point in time as text */
};

#define LIMIT(name) offsetof(struct sp_ipc_limits, name)

static const struct term {
	uint32_t vendor;
	uint8_t type;
	uint8_t given;
	enum term_kind kind;
	size_t offset;
} known[] = {
	{0, SP_RADIUS_SESSION_TIMEOUT, SP_IPC_CHANGES_SECONDS, SECONDS, LIMIT(seconds)},
	{0, SP_RADIUS_IDLE_TIMEOUT, SP_IPC_CHANGES_IDLE, SECONDS, LIMIT(idle)},
	{0, SP_RADIUS_ACCT_INTERIM_INTERVAL, SP_IPC_CHANGES_INTERIM, INTERIM, LIMIT(interim)},
	{SP_RADIUS_VENDOR_WISPR, SP_RADIUS_WISPR_BANDWIDTH_MAX_UP, SP_IPC_CHANGES_RATE_UP, RATE,
         LIMIT(rate_up)},
	{SP_RADIUS_VENDOR_WISPR, SP_RADIUS_WISPR_BANDWIDTH_MAX_DOWN, SP_IPC_CHANGES_RATE_DOWN, RATE,
         LIMIT(rate_down)},
	{SP_RADIUS_VENDOR_WISPR, SP_RADIUS_WISPR_SESSION_TERMINATE_TIME, SP_IPC_CHANGES_SECONDS,
         UNTIL, LIMIT(seconds)},
	{SP_RADIUS_VENDOR_CHILLISPOT, SP_RADIUS_CHILLI_MAX_INPUT_OCTETS, SP_IPC_CHANGES_QUOTA_UP,
         WORD_LOW, LIMIT(quota_up)},
	{SP_RADIUS_VENDOR_CHILLISPOT, SP_RADIUS_CHILLI_MAX_INPUT_GIGAWORDS, SP_IPC_CHANGES_QUOTA_UP,
         WORD_HIGH, LIMIT(quota_up)},
	{SP_RADIUS_VENDOR_CHILLISPOT, SP_RADIUS_CHILLI_MAX_OUTPUT_OCTETS, SP_IPC_CHANGES_QUOTA_DOWN,
         WORD_LOW, LIMIT(quota_down)},
	{SP_RADIUS_VENDOR_CHILLISPOT, SP_RADIUS_CHILLI_MAX_OUTPUT_GIGAWORDS,
         SP_IPC_CHANGES_QUOTA_DOWN, WORD_HIGH, LIMIT(quota_down)},
	{SP_RADIUS_VENDOR_CHILLISPOT, SP_RADIUS_CHILLI_MAX_TOTAL_OCTETS, SP_IPC_CHANGES_QUOTA,
         WORD_LOW, LIMIT(quota)},
	{SP_RADIUS_VENDOR_CHILLISPOT, SP_RADIUS_CHILLI_MAX_TOTAL_GIGAWORDS, SP_IPC_CHANGES_QUOTA,
         WORD_HIGH, LIMIT(quota)},
	{SP_RADIUS_VENDOR_CHILLISPOT, SP_RADIUS_CHILLI_BANDWIDTH_MAX_UP, SP_IPC_CHANGES_RATE_UP,
         RATE_KILO, LIMIT(rate_up)},
	{SP_RADIUS_VENDOR_CHILLISPOT, SP_RADIUS_CHILLI_BANDWIDTH_MAX_DOWN, SP_IPC_CHANGES_RATE_DOWN,
         RATE_KILO, LIMIT(rate_down)},
};

static const struct term *find(const struct sp_radius_attribute *attribute)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].vendor == attribute->vendor && known[i].type == attribute->type)
			return &known[i];
	return NULL;
}

bool sp_radius_terms_has(const struct sp_radius_attribute *attribute)
{
	return find(attribute) != NULL;
}

/* Two digits. */
static bool read_pair(const char *text, long most, long *value)
{
	if (!isdigit((unsigned char)text[0]) || !isdigit((unsigned char)text[1]))
		return false;
	*value = (text[0] - '0') * 10 + (text[1] - '0');
	return *value <= most;
}

/* "+hh:mm" or "-hh:mm" as seconds east of Greenwich. */
static bool read_zone(const char *text, long *east)
{
	long hours, minutes;

	if ((*text != '+' && *text != '-') || strlen(text) != strlen("+hh:mm") || text[3] != ':' ||
	    !read_pair(text + 1, 14, &hours) || !read_pair(text + 4, 59, &minutes))
		return false;
	*east = (hours * 3600 + minutes * 60) * (*text == '-' ? -1 : 1);
	return true;
}

/* YYYY-MM-DDThh:mm:ss with Z, an offset, or, for the gateway's time, nothing (WISPr 1.0). */
static bool read_time(const struct sp_radius_attribute *attribute, time_t *when)
{
	char text[32] = "";
	struct tm tm = {.tm_isdst = -1};
	const char *rest;
	long east = 0;

	if (attribute->length >= sizeof(text))
		return false;
	memcpy(text, attribute->value, attribute->length);
	rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!rest)
		return false;
	if (!*rest)
		*when = mktime(&tm);
	else if (!strcmp(rest, "Z") || read_zone(rest, &east))
		*when = timegm(&tm) - east;
	else
		return false;
	return *when != (time_t)-1;
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
	return value < most ? value : most;
}

static void shorten(uint64_t *seconds, uint64_t value)
{
	value = at_most(value, SP_IPC_TIME_MOST);
	if (!*seconds || value < *seconds)
		*seconds = value;
}

static bool take_until(struct sp_radius_terms *terms, const struct sp_radius_attribute *attribute,
                       uint64_t now)
{
	time_t when;

	if (!read_time(attribute, &when))
		return false;
	if (when <= (time_t)now)
		terms->over = true;
	else
		shorten(&terms->limits.seconds, (uint64_t)when - now);
	return true;
}

static bool take_number(const struct term *term, uint64_t *limit, uint32_t number)
{
	switch (term->kind) {
	case SECONDS:
		if (number)
			shorten(limit, number);
		break;
	case WORD_LOW:
		*limit = (*limit & ~(uint64_t)UINT32_MAX) | number;
		break;
	case WORD_HIGH:
		*limit = (*limit & UINT32_MAX) | (uint64_t)number << 32;
		break;
	case RATE:
	case RATE_KILO:
		*limit = at_most((uint64_t)number * (term->kind == RATE_KILO ? 1000 : 1),
		                 SP_IPC_RATE_MOST);
		if (*limit && *limit < LEAST_RATE)
			*limit = LEAST_RATE;
		break;
	case INTERIM:
		*limit = number && number < SP_RADIUS_INTERIM_LEAST
		                 ? SP_RADIUS_INTERIM_LEAST
		                 : at_most(number, SP_IPC_TIME_MOST);
		break;
	case UNTIL:
		return false;
	}
	return true;
}

void sp_radius_terms_read(struct sp_radius_terms *terms, const struct sp_radius_packet *packet,
                          uint64_t now)
{
	struct sp_radius_cursor cursor = {0};
	struct sp_radius_attribute attribute;

	*terms = (struct sp_radius_terms){0};
	while (sp_radius_next(packet, &cursor, &attribute)) {
		const struct term *term = find(&attribute);
		uint32_t number;
		bool taken;

		if (!term)
			continue;
		if (term->kind == UNTIL)
			taken = take_until(terms, &attribute, now);
		else
			taken = sp_radius_number(&attribute, &number) &&
			        take_number(
					term,
					(uint64_t *)(void *)((char *)&terms->limits + term->offset),
					number);
		if (taken)
			terms->given |= term->given;
	}
}

/* Servers end their messages with a line's end, or a NUL. */
static size_t without_end(const struct sp_radius_attribute *attribute)
{
	size_t length = attribute->length;

	while (length && attribute->value[length - 1] <= ' ')
		length--;
	return length;
}

/* How much of @text, of @length bytes, fits into @room without its NUL and ends with a character.
 */
static size_t whole_characters(const uint8_t *text, size_t length, size_t room)
{
	if (length <= room)
		return length;
	while (room && (text[room] & 0xc0) == 0x80)
		room--;
	return room;
}

void sp_radius_text(const struct sp_radius_packet *packet, uint8_t type, bool all, char *out,
                    size_t room)
{
	struct sp_radius_cursor cursor = {0};
	struct sp_radius_attribute attribute;
	size_t used = 0;

	while (sp_radius_next(packet, &cursor, &attribute)) {
		size_t part = without_end(&attribute), blank = used ? 1 : 0;

		if (attribute.vendor || attribute.type != type || (used && !all) || !part ||
		    !sp_text_printable((const char *)attribute.value, part) ||
		    used + blank + 1 >= room)
			continue;
		part = whole_characters(attribute.value, part, room - used - blank - 1);
		if (blank)
			out[used++] = ' ';
		memcpy(out + used, attribute.value, part);
		used += part;
	}
	memset(out + used, 0, room - used);
}
