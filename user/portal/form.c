/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/form.h"

#include <errno.h>
#include <string.h>

#include "lib/text.h"

/* The character at @text, which has @left bytes, and how many of them it takes; -EINVAL. */
static int decode_one(const char *text, size_t left, size_t *taken)
{
	int high, low;

	*taken = 1;
	if (*text == '+')
		return ' ';
	if (*text != '%')
		return *text ? (unsigned char)*text : -EINVAL;
	if (left < 3)
		return -EINVAL;
	high = sp_text_hex_digit(text[1]);
	low = sp_text_hex_digit(text[2]);
	if (high < 0 || low < 0 || (high == 0 && low == 0))
		return -EINVAL;
	*taken = 3;
	return high << 4 | low;
}

static int decode(const char *text, size_t length, char *out, size_t room)
{
	size_t used = 0, taken;

	for (size_t i = 0; i < length; i += taken) {
		int c = decode_one(text + i, length - i, &taken);

		if (c < 0)
			return c;
		if (used + 1 >= room)
			return -ENOSPC;
		out[used++] = (char)c;
	}
	out[used] = '\0';
	return (int)used;
}

int sp_form_value(const char *body, size_t length, const char *name, char *out, size_t room)
{
	const size_t name_length = strlen(name);
	const char *value = NULL, *end = body + length;
	size_t value_length = 0;

	while (body < end) {
		const char *next = memchr(body, '&', (size_t)(end - body));
		size_t field = (size_t)((next ? next : end) - body);

		if (field > name_length && body[name_length] == '=' &&
		    !memcmp(body, name, name_length)) {
			if (value)
				return -EINVAL;
			value = body + name_length + 1;
			value_length = field - name_length - 1;
		}
		body = next ? next + 1 : end;
	}
	return value ? decode(value, value_length, out, room) : -ENOENT;
}
