/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/config_errors.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What is about the whole file stands behind its lines. */
static bool is_behind(int line, int other)
{
	return other && (!line || line > other);
}

/* Where an entry of @line belongs: behind those of its line and of lines before it. */
static unsigned find_place(const struct sp_config_errors *errors, int line)
{
	unsigned place = errors->kept;

	while (place && is_behind(errors->one[place - 1].line, line))
		place--;
	return place;
}

void sp_config_errors_add(struct sp_config_errors *errors, const char *path, int line,
                          const char *format, ...)
{
	unsigned place = find_place(errors, line), behind;
	char sentence[SP_ERROR_TEXT], where[16] = "";
	struct sp_error whole;
	va_list args;

	errors->count++;
	if (place == SP_CONFIG_ERRORS)
		return;
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	if (line)
		snprintf(where, sizeof(where), ":%d", line);
	sp_fail(&whole, -EINVAL, SP_EXIT_USAGE, "%s%s: %s", path, where, sentence);
	if (errors->kept < SP_CONFIG_ERRORS)
		errors->kept++;
	behind = errors->kept - place - 1;
	memmove(&errors->one[place + 1], &errors->one[place], behind * sizeof(errors->one[0]));
	errors->one[place].line = line;
	memcpy(errors->one[place].text, whole.text, sizeof(whole.text));
}

unsigned sp_config_errors_lines(const struct sp_config_errors *errors)
{
	return errors->kept + (errors->count > errors->kept ? 1 : 0);
}

void sp_config_errors_get(const struct sp_config_errors *errors, const char *path, unsigned index,
                          struct sp_error *err)
{
	unsigned more = errors->count - errors->kept;

	if (index < errors->kept)
		sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s", errors->one[index].text);
	else
		sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: and %u more error%s", path, more,
		        more == 1 ? "" : "s");
}
