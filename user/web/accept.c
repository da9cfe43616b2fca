/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/accept.h"

#include <string.h>
#include <strings.h>

#include "web/weighted.h"

static const char *const types[SP_FORMAT_COUNT] = {
	[SP_FORMAT_HTML] = "text/html",
	[SP_FORMAT_PROBLEM] = "application/problem+json",
	[SP_FORMAT_JSON] = "application/json",
	[SP_FORMAT_TEXT] = "text/plain",
};

/* How exactly a media range names a type; the more exact one decides its quality. */
enum precision { PRECISION_NONE, PRECISION_ANY, PRECISION_TYPE, PRECISION_EXACT };

struct rating {
	enum precision precision;
	unsigned weight;
};

const char *sp_format_type(enum sp_format format)
{
	return types[format];
}

static enum precision match(const struct sp_weighted *range, const char *type)
{
	size_t major = strcspn(type, "/") + 1; /* the '/' included */

	if (range->length == 3 && memcmp(range->name, "*/*", 3) == 0)
		return PRECISION_ANY;
	if (range->length == major + 1 && range->name[major] == '*' &&
	    strncasecmp(range->name, type, major) == 0)
		return PRECISION_TYPE;
	if (range->length == strlen(type) && strncasecmp(range->name, type, range->length) == 0)
		return PRECISION_EXACT;
	return PRECISION_NONE;
}

static bool is_better(const struct rating *a, const struct rating *b)
{
	return a->weight != b->weight ? a->weight > b->weight : a->precision > b->precision;
}

enum sp_format sp_accept_choose(const char *value, size_t length)
{
	struct rating rating[SP_FORMAT_COUNT] = {0};
	enum sp_format best = SP_FORMAT_HTML;
	struct sp_weighted range;
	const char *at = value;

	while (sp_weighted_next(&at, value + length, &range)) {
		for (size_t i = 0; i < SP_FORMAT_COUNT; i++) {
			enum precision precision = match(&range, types[i]);

			if (precision > rating[i].precision)
				rating[i] = (struct rating){precision, range.weight};
		}
	}
	for (enum sp_format i = SP_FORMAT_HTML; i < SP_FORMAT_COUNT; i++)
		if (rating[i].weight > 0 && is_better(&rating[i], &rating[best]))
			best = i;
	return best;
}

bool sp_accept_names(const char *value, size_t length, const char *type)
{
	struct sp_weighted range;
	const char *at = value;

	while (sp_weighted_next(&at, value + length, &range))
		if (range.weight > 0 && match(&range, type) == PRECISION_EXACT)
			return true;
	return false;
}
