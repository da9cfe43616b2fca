/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The choice of a language by Accept-Language. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "web/catalogue.h"
#include "web/weighted.h"

_Static_assert(SP_MAX_LANGUAGES <= 32, "a bit for each in a uint32_t");

static bool is_wildcard(const struct sp_weighted *range)
{
	return range->length == 1 && range->name[0] == '*';
}

/* Basic filtering (RFC 4647 section 3.3.1): what a range of weight 0 excludes. */
static bool covers(const struct sp_weighted *range, const char *tag)
{
	return strncasecmp(tag, range->name, range->length) == 0 &&
	       (tag[range->length] == '\0' || tag[range->length] == '-');
}

static uint32_t excluded_languages(const struct sp_catalogue *catalogue, const char *at,
                                   const char *end)
{
	struct sp_weighted range;
	uint32_t excluded = 0;

	while (sp_weighted_next(&at, end, &range))
		for (size_t i = 0; range.weight == 0 && i < catalogue->count; i++)
			if (range.length < sizeof(catalogue->language[i].tag) &&
			    covers(&range, catalogue->language[i].tag))
				excluded |= 1u << i;
	return excluded;
}

static size_t without_last_subtag(const struct sp_weighted *range, size_t length)
{
	while (length > 0 && range->name[--length] != '-')
		;
	return length;
}

static bool is_same(const char *tag, const char *name, size_t length)
{
	return strlen(tag) == length && strncasecmp(tag, name, length) == 0;
}

static bool has_alias(const struct sp_language *language, const char *name, size_t length)
{
	for (size_t i = 0; i < SP_MAX_ALIASES && *language->alias[i]; i++)
		if (is_same(language->alias[i], name, length))
			return true;
	return false;
}

/* The language of the tag @name, else one that has it as an alias, else the count of languages. */
static size_t find_tag(const struct sp_catalogue *catalogue, const char *name, size_t length,
                       uint32_t excluded)
{
	size_t found = catalogue->count;

	for (size_t i = catalogue->count; i-- > 0;) {
		if (excluded >> i & 1)
			continue;
		if (is_same(catalogue->language[i].tag, name, length))
			return i;
		if (has_alias(&catalogue->language[i], name, length))
			found = i;
	}
	return found;
}

/* Lookup (RFC 4647 section 3.4): the range, then the range without its last subtag, and so on. */
static size_t look_up(const struct sp_catalogue *catalogue, const struct sp_weighted *range,
                      uint32_t excluded)
{
	size_t found = catalogue->count, length = range->length;

	if (length >= SP_LANGUAGE_TAG)
		length = without_last_subtag(range, SP_LANGUAGE_TAG);
	for (; length > 0 && found == catalogue->count; length = without_last_subtag(range, length))
		found = find_tag(catalogue, range->name, length, excluded);
	return found;
}

/* What "*" stands for: English, or the first language that is not excluded. */
static size_t any_language(const struct sp_catalogue *catalogue, uint32_t excluded)
{
	size_t i = 0;

	if (!(excluded >> catalogue->english & 1))
		return catalogue->english;
	while (i < catalogue->count && (excluded >> i & 1))
		i++;
	return i;
}

size_t sp_catalogue_choose(const struct sp_catalogue *catalogue, const char *value, size_t length)
{
	const char *at = value, *end = value + length;
	uint32_t excluded = excluded_languages(catalogue, value, end);
	size_t best = catalogue->english;
	unsigned best_weight = 0;
	struct sp_weighted range;

	while (sp_weighted_next(&at, end, &range)) {
		size_t found;

		if (range.weight <= best_weight)
			continue;
		found = is_wildcard(&range) ? any_language(catalogue, excluded)
		                            : look_up(catalogue, &range, excluded);
		if (found < catalogue->count) {
			best = found;
			best_weight = range.weight;
		}
	}
	return best;
}
