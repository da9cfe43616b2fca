/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/utf8.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes of the sequence that @text begins with; 0 if it is none. */
static size_t sequence(const uint8_t *text)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = text[0] < 0x80             ? 1
	                : (text[0] & 0xe0) == 0xc0 ? 2
	                : (text[0] & 0xf0) == 0xe0 ? 3
	                : (text[0] & 0xf8) == 0xf0 ? 4
	                                           : 0;
	uint32_t point = length > 1 ? text[0] & (0xffu >> (length + 1)) : text[0];

	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (text[i] & 0x3f);
	}
	if (point < 0x20 || (point >= 0x7f && point < 0xa0) || point > 0x10ffff ||
	    (point >= 0xd800 && point < 0xe000))
		return 0;
	return length && point >= least[length] ? length : 0;
}

bool sp_utf8_printable(const char *text)
{
	const uint8_t *at = (const uint8_t *)text;

	while (*at) {
		size_t length = sequence(at);

		if (!length)
			return false;
		at += length;
	}
	return true;
}
