/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/flat_json.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/text.h"

struct reader {
	char *at;
	const char *expected;
};

static int fail(struct reader *reader, const char *expected)
{
	reader->expected = expected;
	return -EBADMSG;
}

static void skip_blanks(struct reader *reader)
{
	while (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\r' ||
	       *reader->at == '\n')
		reader->at++;
}

/* Take @c, with blanks before and after it. */
static bool take(struct reader *reader, char c)
{
	skip_blanks(reader);
	if (*reader->at != c)
		return false;
	reader->at++;
	skip_blanks(reader);
	return true;
}

static bool take_word(struct reader *reader, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(reader->at, word, length) != 0)
		return false;
	reader->at += length;
	return true;
}

/* Four hexadecimal digits; -1: they are none. */
static int32_t hexadecimal(const char *digits)
{
	int32_t value = 0;

	for (int i = 0; i < 4; i++) {
		int digit = sp_text_hex_digit(digits[i]);

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* UTF-8 of @point at @out, which has room for it: an escape is longer. Returns its end. */
static char *put_point(char *out, uint32_t point)
{
	if (point < 0x80) {
		*out++ = (char)point;
	} else if (point < 0x800) {
		*out++ = (char)(0xc0 | point >> 6);
		*out++ = (char)(0x80 | (point & 0x3f));
	} else if (point < 0x10000) {
		*out++ = (char)(0xe0 | point >> 12);
		*out++ = (char)(0x80 | (point >> 6 & 0x3f));
		*out++ = (char)(0x80 | (point & 0x3f));
	} else {
		*out++ = (char)(0xf0 | point >> 18);
		*out++ = (char)(0x80 | (point >> 12 & 0x3f));
		*out++ = (char)(0x80 | (point >> 6 & 0x3f));
		*out++ = (char)(0x80 | (point & 0x3f));
	}
	return out;
}

/* Behind "\u". NULL: no character that may be in a text. */
static char *take_point(struct reader *reader, char *out)
{
	int32_t point = hexadecimal(reader->at);

	if (point <= 0)
		return NULL;
	reader->at += 4;
	if (point >= 0xd800 && point <= 0xdbff) {
		int32_t low = take_word(reader, "\\u") ? hexadecimal(reader->at) : -1;

		if (low < 0xdc00 || low > 0xdfff)
			return NULL;
		reader->at += 4;
		point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
	} else if (point >= 0xdc00 && point <= 0xdfff) {
		return NULL;
	}
	return put_point(out, (uint32_t)point);
}

/* Behind a backslash. */
static char *take_escape(struct reader *reader, char *out)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	char letter = *reader->at++;
	const char *found = letter ? strchr(letters, letter) : NULL;

	if (letter == 'u')
		return take_point(reader, out);
	if (!found)
		return NULL;
	*out++ = meant[found - letters];
	return out;
}

/* A string, its opening quote taken; decoded where it stands. */
static int take_text(struct reader *reader, const char **text)
{
	static const char what[] = "expected a string of printable UTF-8 that ends in '\"'";
	char *out = reader->at;
	bool plain = true;

	*text = out;
	while (*reader->at != '"') {
		unsigned char c = (unsigned char)*reader->at++;

		if (c < 0x20)
			return fail(reader, what);
		if (c == '\\') {
			out = take_escape(reader, out);
			if (!out)
				return fail(reader, "expected an escape such as \\n or \\u00e9");
			continue;
		}
		plain = plain && c < 0x80;
		*out++ = (char)c;
	}
	reader->at++;
	*out = '\0';
	/* What escapes made are characters of their own. */
	return plain || sp_text_printable(*text, (size_t)(out - *text)) ? 0 : fail(reader, what);
}

static int take_number(struct reader *reader, uint64_t *number)
{
	const char *begin = reader->at;

	*number = 0;
	while (*reader->at >= '0' && *reader->at <= '9') {
		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, (uint64_t)(*reader->at - '0'), number))
			return fail(reader, "expected a number of at most 64 bits");
		reader->at++;
	}
	if (reader->at == begin || (*begin == '0' && reader->at > begin + 1) ||
	    strchr(".eE", *reader->at ? *reader->at : 'x'))
		return fail(reader,
		            "expected a string, a whole number, true, false or null as a value");
	return 0;
}

static int take_value(struct reader *reader, struct sp_flat_member *member)
{
	if (*reader->at == '"') {
		reader->at++;
		member->kind = SP_FLAT_TEXT;
		return take_text(reader, &member->text);
	}
	if (take_word(reader, "null"))
		member->kind = SP_FLAT_NULL;
	else if (take_word(reader, "true"))
		member->kind = SP_FLAT_TRUE;
	else if (take_word(reader, "false"))
		member->kind = SP_FLAT_FALSE;
	else
		member->kind = SP_FLAT_NUMBER;
	return member->kind == SP_FLAT_NUMBER ? take_number(reader, &member->number) : 0;
}

static int take_member(struct reader *reader, sp_flat_visit visit, void *context)
{
	struct sp_flat_member member = {.name = NULL};
	int code;

	if (*reader->at != '"')
		return fail(reader, "expected a name in quotes");
	reader->at++;
	code = take_text(reader, &member.name);
	if (!code && !take(reader, ':'))
		code = fail(reader, "expected ':' behind a name");
	if (!code)
		code = take_value(reader, &member);
	return code ? code : visit(&member, context);
}

int sp_flat_json(char *line, sp_flat_visit visit, void *context, const char **expected)
{
	struct reader reader = {.at = line};
	int code = take(&reader, '{') ? 0 : fail(&reader, "expected an object: '{'");
	bool more = !code && !take(&reader, '}');

	while (!code && more) {
		code = take_member(&reader, visit, context);
		more = !code && take(&reader, ',');
		if (!code && !more && !take(&reader, '}'))
			code = fail(&reader, "expected ',' or '}' behind a value");
	}
	if (!code && *reader.at)
		code = fail(&reader, "expected nothing behind the object");
	*expected = reader.expected;
	return code;
}
