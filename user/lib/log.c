/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/monotonic.h"

static const char *process = "sallyport";

void sp_log_name(const char *name)
{
	process = name;
}

static void put(enum sp_log_level level, const char *format, va_list args)
{
	static const char *const words[] = {"error", "warning", "notice"};
	int saved = errno;
	char line[1024];
	size_t room = sizeof(line) - 1; /* the newline */
	int head = snprintf(line, room, "%s: %s: ", process, words[level]);
	size_t length;

	if (head < 0 || (size_t)head >= room)
		return;
	if (vsnprintf(line + head, room - (size_t)head, format, args) < 0)
		return;
	length = strlen(line);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[length++] = '\n';
	if (write(STDERR_FILENO, line, length) < 0) {
		/* There is nowhere left to say so. */
	}
	errno = saved;
}

void sp_log(enum sp_log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put(level, format, args);
	va_end(args);
}

static bool admit(struct sp_log_limit *limit)
{
	uint64_t seconds = sp_monotonic_ms() / 1000;
	uint64_t earned = seconds - limit->since;

	limit->since = seconds;
	limit->spent = earned >= limit->spent ? 0 : limit->spent - (uint32_t)earned;
	if (limit->spent >= limit->burst) {
		limit->dropped++;
		return false;
	}
	limit->spent++;
	return true;
}

void sp_log_limited(struct sp_log_limit *limit, enum sp_log_level level, const char *format, ...)
{
	va_list args;

	if (!admit(limit))
		return;
	if (limit->dropped)
		sp_log(SP_LOG_NOTICE, "%llu lines of the next kind were left out",
		       (unsigned long long)limit->dropped);
	limit->dropped = 0;
	va_start(args, format);
	put(level, format, args);
	va_end(args);
}
