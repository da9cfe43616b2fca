/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/moment.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/text.h"

/* Whether the whole of @text is a time as @format has it. */
static bool matches(const char *text, const char *format, struct tm *parts)
{
	const char *end;

	*parts = (struct tm){.tm_isdst = -1};
	end = strptime(text, format, parts);
	return end && !*end && text[0] >= '0' && text[0] <= '9';
}

static bool read_parts(const char *text, bool end, struct tm *parts)
{
	static const char *const formats[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M",
	                                      "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"};

	if (matches(text, "%Y-%m-%d", parts)) {
		parts->tm_mday += end;
		return true;
	}
	for (unsigned i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (matches(text, formats[i], parts))
			return true;
	return false;
}

/* There is no 31st of June, which mktime() would take for the 1st of July. */
static bool exists(const struct tm *parts, bool end)
{
	struct tm day = {.tm_year = parts->tm_year,
	                 .tm_mon = parts->tm_mon,
	                 .tm_mday = parts->tm_mday - end,
	                 .tm_hour = 12,
	                 .tm_isdst = -1};
	int month = day.tm_mon;

	return mktime(&day) != -1 && day.tm_mon == month;
}

int sp_moment_read(const char *text, bool end, uint64_t *seconds)
{
	struct tm parts;
	time_t when;

	if (!read_parts(text, end, &parts))
		return -EINVAL;
	if (!exists(&parts, end && strlen(text) <= strlen("2026-08-01")))
		return -EINVAL;
	when = mktime(&parts);
	if (when <= 0)
		return -EINVAL;
	*seconds = (uint64_t)when;
	return 0;
}

int sp_moment_option(const struct sp_invocation *invocation, enum sp_option option, bool end,
                     uint64_t *seconds, struct sp_error *err)
{
	const char *text = invocation->option[option];

	if (!text || !sp_moment_read(text, end, seconds))
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
	               "--%s: expected a date such as 2026-08-01 or \"2026-08-01 14:00\", got "
	               "\"%s\"",
	               sp_options[option].name, text);
}

int sp_moment_past_option(const struct sp_invocation *invocation, enum sp_option option, bool end,
                          uint64_t *seconds, struct sp_error *err)
{
	const char *text = invocation->option[option];
	uint64_t now = (uint64_t)time(NULL), ago;

	if (!text)
		return 0;
	if (!sp_text_duration(text, &ago)) {
		*seconds = ago < now ? now - ago : 1;
		return 0;
	}
	if (!sp_moment_read(text, end, seconds))
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
	               "--%s: expected a date such as 2026-08-01 or \"2026-08-01 14:00\", or how "
	               "long ago, such as 2h or 7d; got \"%s\"",
	               sp_options[option].name, text);
}

static char *write_moment(char out[SP_MOMENT], uint64_t seconds, const char *format)
{
	time_t when = (time_t)seconds;
	struct tm parts;

	if (!seconds || !localtime_r(&when, &parts) || !strftime(out, SP_MOMENT, format, &parts))
		snprintf(out, SP_MOMENT, "-");
	return out;
}

char *sp_moment_text(char out[SP_MOMENT], uint64_t seconds)
{
	return write_moment(out, seconds, "%Y-%m-%d %H:%M");
}

char *sp_moment_second(char out[SP_MOMENT], uint64_t seconds)
{
	return write_moment(out, seconds, "%Y-%m-%d %H:%M:%S");
}
