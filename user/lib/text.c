/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <sallyport/abi.h>

#define LEAST_RATE   8000ull
#define LONGEST_NAME 253 /* of a DNS name, RFC 1035 section 2.3.4 without the root */

int sp_text_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int sp_text_hex(const char *text, uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		int high = sp_text_hex_digit(text[2 * i]);
		int low = high < 0 ? -1 : sp_text_hex_digit(text[2 * i + 1]);

		if (low < 0)
			return -EINVAL;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}

int sp_text_mac(const char *text, uint8_t mac[6])
{
	size_t length = strlen(text);
	size_t group = length == 17 ? 2 : 4; /* digits between two separators */
	char separator = length == 17 ? text[2] : '.';
	uint8_t bytes[6] = {0};
	size_t digits = 0;

	if (length != 17 && length != 14)
		return -EINVAL;
	if (group == 2 && separator != ':' && separator != '-')
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		int digit;

		if (i % (group + 1) == group) {
			if (text[i] != separator)
				return -EINVAL;
			continue;
		}
		digit = sp_text_hex_digit(text[i]);
		if (digit < 0)
			return -EINVAL;
		bytes[digits / 2] = (uint8_t)(bytes[digits / 2] << 4 | digit);
		digits++;
	}
	memcpy(mac, bytes, sizeof(bytes));
	return 0;
}

/* Read the digits at the beginning of @text; @rest is what follows them. An overflow is reported
 * only after all digits are read, so that a wrong form is called that. */
static int read_digits(const char *text, uint64_t *number, const char **rest)
{
	uint64_t value = 0;
	int result = 0;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			result = -ERANGE;
	}
	*number = value;
	*rest = text;
	return result;
}

struct unit {
	char letter;
	uint64_t factor;
};

/* Read digits and one letter of @units; a unit of letter 0 stands for no letter. */
static int read_quantity(const char *text, const struct unit *units, size_t count, uint64_t least,
                         uint64_t most, uint64_t *quantity)
{
	const char *rest = text;
	uint64_t value;
	int result = read_digits(text, &value, &rest);

	if (result == -EINVAL || (rest[0] && rest[1]))
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		if (rest[0] != units[i].letter)
			continue;
		if (result || __builtin_mul_overflow(value, units[i].factor, &value) ||
		    value < least || value > most)
			return -ERANGE;
		*quantity = value;
		return 0;
	}
	return -EINVAL;
}

int sp_text_number(const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
	static const struct unit none[] = {{'\0', 1}};

	return read_quantity(text, none, 1, least, most, number);
}

int sp_text_vlan(const char *text, uint16_t *vlan)
{
	uint64_t number;
	int result = sp_text_number(text, 0, SP_VLAN_MAX, &number);

	if (!result)
		*vlan = (uint16_t)number;
	return result;
}

int sp_text_duration(const char *text, uint64_t *seconds)
{
	static const struct unit units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};

	return read_quantity(text, units, sizeof(units) / sizeof(units[0]), 1,
	                     SP_TEXT_DURATION_MOST, seconds);
}

static int read_decimal_multiple(const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
	static const struct unit units[] = {
		{'\0', 1},         {'K', 1000},          {'k', 1000},
		{'M', 1000000},    {'m', 1000000},       {'G', 1000000000},
		{'g', 1000000000}, {'T', 1000000000000}, {'t', 1000000000000},
	};

	return read_quantity(text, units, sizeof(units) / sizeof(units[0]), least, most, value);
}

int sp_text_size(const char *text, uint64_t *bytes)
{
	return read_decimal_multiple(text, 1, UINT64_MAX, bytes);
}

int sp_text_rate(const char *text, uint64_t *bits_per_second)
{
	return read_decimal_multiple(text, LEAST_RATE, SP_TEXT_RATE_MOST, bits_per_second);
}

/* Length of the UTF-8 sequence that begins with @first and the smallest code point it may hold (an
 * overlong form is no UTF-8); 0 if nothing begins with it. */
static size_t utf8_length(unsigned char first, uint32_t *least)
{
	if (first < 0x80) {
		*least = 0;
		return 1;
	}
	if (first >= 0xc2 && first <= 0xdf) {
		*least = 0x80;
		return 2;
	}
	if ((first & 0xf0) == 0xe0) {
		*least = 0x800;
		return 3;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		*least = 0x10000;
		return 4;
	}
	return 0;
}

bool sp_text_printable(const char *text, size_t length)
{
	static const unsigned char payload[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	const unsigned char *bytes = (const unsigned char *)text;
	size_t at = 0;

	while (at < length) {
		uint32_t least, point;
		size_t size = utf8_length(bytes[at], &least);

		if (size == 0 || size > length - at)
			return false;
		point = bytes[at] & payload[size];
		for (size_t i = 1; i < size; i++) {
			if ((bytes[at + i] & 0xc0) != 0x80)
				return false;
			point = point << 6 | (bytes[at + i] & 0x3fu);
		}
		if (point < least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
			return false;
		if (point < 0x20 || (point >= 0x7f && point < 0xa0))
			return false;
		at += size;
	}
	return true;
}

bool sp_text_is_host_name(const char *text)
{
	bool letter = false;
	size_t label = 0;

	if (strlen(text) > LONGEST_NAME)
		return false;
	for (const char *at = text;; at++) {
		if (*at == '.' || *at == '\0') {
			if (label == 0 || label > 63 || at[-1] == '-')
				return false;
			if (*at == '\0')
				return letter;
			label = 0;
			letter = false;
			continue;
		}
		if (!isalnum((unsigned char)*at) && (*at != '-' || label == 0))
			return false;
		letter = letter || isalpha((unsigned char)*at);
		label++;
	}
}

static unsigned lesser(unsigned one, unsigned other)
{
	return one < other ? one : other;
}

unsigned sp_text_distance(const char *one, const char *other)
{
	unsigned rows[3][SP_TEXT_WORD + 1]; /* this letter of @one, the last, the one before */
	size_t height = strlen(one), width = strlen(other);

	if (height > SP_TEXT_WORD || width > SP_TEXT_WORD)
		return UINT_MAX;
	for (unsigned k = 0; k <= width; k++)
		rows[0][k] = k;
	for (unsigned i = 1; i <= height; i++) {
		unsigned *now = rows[i % 3], *last = rows[(i - 1) % 3], *older = rows[(i + 1) % 3];

		now[0] = i;
		for (unsigned k = 1; k <= width; k++) {
			now[k] = lesser(last[k], now[k - 1]) + 1;
			now[k] = lesser(now[k], last[k - 1] + (one[i - 1] != other[k - 1]));
			if (i > 1 && k > 1 && one[i - 1] == other[k - 2] &&
			    one[i - 2] == other[k - 1])
				now[k] = lesser(now[k], older[k - 2] + 1);
		}
	}
	return rows[height % 3][width];
}

char *sp_text_put_mac(char out[SP_TEXT_MAC], const uint8_t mac[6])
{
	static const char digits[] = "0123456789abcdef";

	/* Without snprintf, which takes as long as all the rest of a line of a long list. */
	for (size_t i = 0; i < 6; i++) {
		out[3 * i] = digits[mac[i] >> 4];
		out[3 * i + 1] = digits[mac[i] & 15];
		out[3 * i + 2] = i < 5 ? ':' : '\0';
	}
	return out;
}

char *sp_text_put_duration(char out[SP_TEXT_QUANTITY], uint64_t seconds)
{
	static const struct unit units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
	size_t i = 0;
	int length;

	while (i < 3 && seconds < units[i].factor)
		i++;
	length = snprintf(out, SP_TEXT_QUANTITY, "%" PRIu64 "%c", seconds / units[i].factor,
	                  units[i].letter);
	if (i == 3)
		return out;
	seconds = seconds % units[i].factor / units[i + 1].factor;
	if (seconds)
		snprintf(out + length, SP_TEXT_QUANTITY - (size_t)length, "%" PRIu64 "%c", seconds,
		         units[i + 1].letter);
	return out;
}

static const char prefixes[] = " kMGTPE";

/* Divide @value by 1000 until at most "999.9" is left; returns tenths, and the index of the prefix.
 * For index 0 the tenths are always 0. */
static uint64_t scale(uint64_t value, size_t *prefix)
{
	uint64_t divisor = 1;
	uint64_t tenths;

	*prefix = 0;
	if (value < 1000)
		return value * 10;
	do {
		divisor *= 1000;
		++*prefix;
		tenths = value / divisor * 10 + (value % divisor * 10 + divisor / 2) / divisor;
	} while (tenths >= 10000 && *prefix < sizeof(prefixes) - 2);
	return tenths;
}

char *sp_text_put_size(char out[SP_TEXT_QUANTITY], uint64_t bytes)
{
	size_t prefix;
	uint64_t tenths = scale(bytes, &prefix);

	if (prefix == 0)
		snprintf(out, SP_TEXT_QUANTITY, "%" PRIu64 " B", bytes);
	else
		snprintf(out, SP_TEXT_QUANTITY, "%" PRIu64 ".%" PRIu64 " %cB", tenths / 10,
		         tenths % 10, prefixes[prefix]);
	return out;
}

char *sp_text_put_rate(char out[SP_TEXT_QUANTITY], uint64_t bits_per_second)
{
	size_t prefix;
	uint64_t tenths = scale(bits_per_second, &prefix);
	char letter[2] = {prefix ? prefixes[prefix] : '\0', '\0'};

	if (tenths % 10)
		snprintf(out, SP_TEXT_QUANTITY, "%" PRIu64 ".%" PRIu64 " %sbit/s", tenths / 10,
		         tenths % 10, letter);
	else
		snprintf(out, SP_TEXT_QUANTITY, "%" PRIu64 " %sbit/s", tenths / 10, letter);
	return out;
}
