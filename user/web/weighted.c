/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/weighted.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void trim(const char **start, const char **end)
{
	while (*start < *end && is_blank(**start))
		(*start)++;
	while (*end > *start && is_blank((*end)[-1]))
		(*end)--;
}

/* The first @mark from @at on that is not inside a quoted string; @end if there is none. */
static const char *find(const char *at, const char *end, char mark)
{
	bool quoted = false;

	for (; at < end; at++) {
		if (quoted && *at == '\\' && at + 1 < end)
			at++;
		else if (*at == '"')
			quoted = !quoted;
		else if (!quoted && *at == mark)
			break;
	}
	return at;
}

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ) */
static bool parse_weight(const char *at, const char *end, unsigned *weight)
{
	unsigned value, unit = 100;

	if (at == end || (*at != '0' && *at != '1'))
		return false;
	value = *at++ == '1' ? 1000 : 0;
	if (at < end && *at++ != '.')
		return false;
	for (; at < end && *at >= '0' && *at <= '9' && unit; at++, unit /= 10)
		value += (unsigned)(*at - '0') * unit;
	if (at != end || value > 1000)
		return false;
	*weight = value;
	return true;
}

/* One parameter; only q means something to us. */
static bool parse_parameter(const char *at, const char *end, unsigned *weight)
{
	trim(&at, &end);
	if (end - at < 2 || (at[0] | 0x20) != 'q' || at[1] != '=')
		return true;
	return parse_weight(at + 2, end, weight);
}

static bool parse_element(const char *at, const char *end, struct sp_weighted *element)
{
	const char *stop = find(at, end, ';'), *name_end = stop;

	element->weight = 1000;
	while (stop < end) {
		const char *parameter = stop + 1;

		stop = find(parameter, end, ';');
		if (!parse_parameter(parameter, stop, &element->weight))
			return false;
	}
	trim(&at, &name_end);
	element->name = at;
	element->length = (size_t)(name_end - at);
	return element->length > 0;
}

bool sp_weighted_next(const char **cursor, const char *end, struct sp_weighted *element)
{
	while (*cursor < end) {
		const char *start = *cursor, *stop = find(start, end, ',');

		*cursor = stop < end ? stop + 1 : end;
		if (parse_element(start, stop, element))
			return true;
	}
	return false;
}
