/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/quantity.h"

#include <inttypes.h>

#define SPACE "\u00a0" /* no line break between a number and its sign */

/* The word @index of the list that the text @message is. */
static void put_word(FILE *out, const struct sp_language *language, enum sp_message message,
                     unsigned index)
{
	int length;
	const char *word = sp_catalogue_word(language->text[message], index, &length);

	fprintf(out, SPACE "%.*s", length, word);
}

void sp_quantity_put_duration(FILE *out, const struct sp_language *language, uint64_t seconds)
{
	static const uint64_t units[SP_TIME_WORDS] = {86400, 3600, 60, 1};
	unsigned unit = SP_TIME_DAYS;
	uint64_t rest;

	while (unit < SP_TIME_SECONDS && seconds < units[unit])
		unit++;
	fprintf(out, "%" PRIu64, seconds / units[unit]);
	put_word(out, language, SP_MESSAGE_TIMES, unit);
	if (unit > SP_TIME_HOURS)
		return; /* seconds beside minutes would only be out of date */
	rest = seconds % units[unit] / units[unit + 1];
	if (!rest)
		return;
	fprintf(out, SPACE "%" PRIu64, rest);
	put_word(out, language, SP_MESSAGE_TIMES, unit + 1);
}

void sp_quantity_put_size(FILE *out, const struct sp_language *language, uint64_t bytes)
{
	uint64_t whole = bytes, unit = 1;
	unsigned size = 0;

	for (; whole >= 1000; whole /= 1000, unit *= 1000)
		size++;
	fprintf(out, "%" PRIu64, whole);
	/* Rounded down: a promise that is kept. */
	if (size && whole < 100)
		fprintf(out, "%s%" PRIu64, language->text[SP_MESSAGE_DECIMAL],
		        bytes / (unit / 10) % 10);
	put_word(out, language, SP_MESSAGE_SIZES, size);
}
