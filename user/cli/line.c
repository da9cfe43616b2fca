/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/line.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "lib/text.h"

static void put_bytes(struct sp_line *line, const char *bytes, size_t count)
{
	if (line->length + count <= SP_LINE)
		memcpy(line->text + line->length, bytes, count);
	line->length += count;
}

static void put_char(struct sp_line *line, char c)
{
	if (line->length < SP_LINE)
		line->text[line->length] = c;
	line->length++;
}

void sp_line_put(struct sp_line *line, const char *text)
{
	put_bytes(line, text, strlen(text));
}

/* --- JSON --- */

void sp_line_begin(struct sp_line *line)
{
	line->length = 0;
	put_char(line, '{');
}

/* Names are ours: they need no escapes. */
static void put_name(struct sp_line *line, const char *name)
{
	if (line->length > 1)
		put_char(line, ',');
	put_char(line, '"');
	sp_line_put(line, name);
	put_bytes(line, "\":", 2);
}

static void put_digits(struct sp_line *line, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	put_bytes(line, digits + at, sizeof(digits) - at);
}

/* What is no UTF-8 cannot be in JSON (RFC 8259 section 8.1): U+FFFD stands for each of its bytes.
 */
static void put_escaped(struct sp_line *line, unsigned char c, bool utf8)
{
	char escape[8];

	if (c >= 0x80 && !utf8) {
		put_bytes(line, "\\ufffd", 6);
	} else if (c == '"' || c == '\\') {
		put_char(line, '\\');
		put_char(line, (char)c);
	} else if (c < 0x20) {
		snprintf(escape, sizeof(escape), "\\u%04x", c);
		put_bytes(line, escape, 6);
	} else {
		put_char(line, (char)c);
	}
}

static bool is_plain(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e || *text == '"' ||
		    *text == '\\')
			return false;
	return true;
}

void sp_line_text(struct sp_line *line, const char *name, const char *text)
{
	bool utf8;

	put_name(line, name);
	if (!text) {
		put_bytes(line, "null", 4);
		return;
	}
	put_char(line, '"');
	if (is_plain(text)) {
		sp_line_put(line, text);
	} else {
		utf8 = sp_text_printable(text, strlen(text));
		for (; *text; text++)
			put_escaped(line, (unsigned char)*text, utf8);
	}
	put_char(line, '"');
}

void sp_line_number(struct sp_line *line, const char *name, uint64_t number)
{
	put_name(line, name);
	put_digits(line, number);
}

void sp_line_optional(struct sp_line *line, const char *name, uint64_t number, bool present)
{
	put_name(line, name);
	if (present)
		put_digits(line, number);
	else
		put_bytes(line, "null", 4);
}

void sp_line_bool(struct sp_line *line, const char *name, bool value)
{
	put_name(line, name);
	sp_line_put(line, value ? "true" : "false");
}

static int write_out(struct sp_line *line, struct sp_error *err)
{
	put_char(line, '\n');
	if (line->length > SP_LINE)
		return sp_fail(err, -E2BIG, SP_EXIT_FAILED, "a line is longer than %d bytes",
		               SP_LINE);
	if (fwrite_unlocked(line->text, 1, line->length, stdout) != line->length)
		return sp_put_end(err);
	line->length = 0;
	return 0;
}

int sp_line_end(struct sp_line *line, struct sp_error *err)
{
	put_char(line, '}');
	return write_out(line, err);
}

/* --- a row --- */

static void put_blanks(struct sp_line *line, size_t count)
{
	while (count--)
		put_char(line, ' ');
}

/* The columns that a text takes: bytes that go on a UTF-8 character take none. */
static size_t columns(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += (*text & 0xc0) != 0x80;
	return count;
}

void sp_line_left(struct sp_line *line, const char *text, size_t width)
{
	size_t taken = columns(text);

	sp_line_put(line, text);
	put_blanks(line, (width > taken ? width - taken : 0) + 2);
}

void sp_line_right(struct sp_line *line, const char *text, size_t width)
{
	size_t taken = columns(text);

	put_blanks(line, width > taken ? width - taken : 0);
	sp_line_put(line, text);
	put_blanks(line, 2);
}

int sp_line_row_end(struct sp_line *line, struct sp_error *err)
{
	return write_out(line, err);
}
