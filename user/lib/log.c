/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/monotonic.h"

static const char *const words[] = {"error", "warning", "notice", "info", "debug"};

static const char *process = "sallyport";
static enum sp_log_level least = SP_LOG_DEBUG;
static bool names;

static void to_stderr(const struct sp_log_entry *entry)
{
	char line[SP_LOG_TEXT + 64];
	size_t room = sizeof(line) - 1; /* the end of the line */
	int length = snprintf(line, room, "%s: %s: %s", entry->process, words[entry->level],
	                      entry->text);

	if (length < 0)
		return;
	if ((size_t)length >= room)
		length = (int)room - 1;
	line[length++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)length) < 0) {
		/* There is nowhere left to say so. */
	}
}

static void (*sink)(const struct sp_log_entry *entry) = to_stderr;

void sp_log_name(const char *name)
{
	process = name;
}

void sp_log_to(void (*other)(const struct sp_log_entry *entry))
{
	sink = other ? other : to_stderr;
}

void sp_log_least(enum sp_log_level level)
{
	least = level;
}

void sp_log_names(bool on)
{
	names = on;
}

bool sp_log_has_names(void)
{
	return names;
}

const char *sp_log_word(enum sp_log_level level)
{
	return words[level];
}

/* One line that shows on any terminal as it is. */
static void make_plain(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

static void put(const struct sp_log_place *place, const struct sp_log_about *about,
                enum sp_log_level level, const char *format, va_list args)
{
	static const struct sp_log_about nothing;
	const int saved = errno;
	char text[SP_LOG_TEXT];

	if (vsnprintf(text, sizeof(text), format, args) >= 0) {
		make_plain(text);
		sink(&(struct sp_log_entry){level, process, text, about ? about : &nothing, place});
	}
	errno = saved;
}

__attribute__((format(printf, 3, 4))) static void
say(const struct sp_log_place *place, enum sp_log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put(place, NULL, level, format, args);
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

/* Whether there is room for a line of @level; says how many had none. */
static bool pass(const struct sp_log_place *place, struct sp_log_limit *limit,
                 enum sp_log_level level)
{
	if (level > least || (limit && !admit(limit)))
		return false;
	if (limit && limit->dropped)
		say(place, SP_LOG_NOTICE, "%llu lines of the next kind were left out",
		    (unsigned long long)limit->dropped);
	if (limit)
		limit->dropped = 0;
	return true;
}

void sp_log_put(const struct sp_log_place *place, struct sp_log_limit *limit,
                const struct sp_log_about *about, enum sp_log_level level, const char *format, ...)
{
	va_list args;

	if (!pass(place, limit, level))
		return;
	va_start(args, format);
	put(place, about, level, format, args);
	va_end(args);
}

/* What is behind "HEAD: " at the beginning of @line, or NULL. */
static const char *behind(const char *line, const char *head)
{
	const size_t length = strlen(head);

	if (strncmp(line, head, length) != 0 || strncmp(line + length, ": ", 2) != 0)
		return NULL;
	return line + length + 2;
}

void sp_log_relay(struct sp_log_limit *limit, const char *other, int pid, const char *line,
                  unsigned length)
{
	struct sp_log_about about = {.pid = pid};
	enum sp_log_level level = SP_LOG_WARNING;
	char copy[SP_LOG_TEXT];
	const char *text = copy, *rest;

	while (length && (line[length - 1] == '\n' || !line[length - 1]))
		length--;
	snprintf(copy, sizeof(copy), "%.*s", (int)length, line);
	make_plain(copy);
	rest = behind(text, other);
	if (rest)
		text = rest;
	for (unsigned i = 0; rest && i < sizeof(words) / sizeof(*words); i++)
		if (behind(rest, words[i])) {
			text = behind(rest, words[i]);
			level = (enum sp_log_level)i;
			break;
		}
	if (*text && pass(NULL, limit, level))
		sink(&(struct sp_log_entry){level, other, text, &about, NULL});
}
