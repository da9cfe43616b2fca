/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Lines of a long list are made in memory: json_dumpf would write them token by token. */
static bool put_line(const json_t *object)
{
	char line[4096];
	size_t length = json_dumpb(object, line, sizeof(line), JSON_COMPACT);

	if (!length)
		return false;
	if (length > sizeof(line))
		return !json_dumpf(object, stdout, JSON_COMPACT);
	return fwrite(line, 1, length, stdout) == length;
}

int sp_put_json(json_t *object, struct sp_error *err)
{
	bool written;

	if (!object)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	written = put_line(object) && putchar('\n') != EOF;
	json_decref(object);
	/* A long list stops early when nobody can read it. */
	return written ? 0 : sp_put_end(err);
}

void sp_put_field(const char *name, const char *format, ...)
{
	va_list args;

	printf("%s%c%*s", name, *name ? ':' : ' ', (int)(strlen(name) < 14 ? 15 - strlen(name) : 1),
	       "");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

json_t *sp_json_number(uint64_t value, bool present)
{
	return present ? json_integer((json_int_t)value) : json_null();
}

const char *sp_colour(enum sp_colour colour)
{
	static const char *const codes[] = {"\033[0m", "\033[32m", "\033[31m", "\033[2m"};
	static int wanted = -1;

	if (wanted < 0) {
		const char *none = getenv("NO_COLOR");

		wanted = isatty(STDOUT_FILENO) && !(none && *none);
	}
	return wanted ? codes[colour] : "";
}

int sp_put_end(struct sp_error *err)
{
	if (!ferror(stdout) && !fflush(stdout))
		return 0;
	return sp_fail(err, errno ? -errno : -EIO, SP_EXIT_FAILED, "cannot write the output: %s",
	               strerror(errno));
}

void sp_put_error(const struct sp_error *err, bool json)
{
	json_t *object;

	if (!json) {
		fprintf(stderr, "sallyport: %s\n", err->text);
		return;
	}
	object = json_pack("{s:s, s:i}", "error", err->text, "exit_code", (int)err->exit_code);
	if (object)
		json_dumpf(object, stderr, JSON_COMPACT);
	fputc('\n', stderr);
	json_decref(object);
}
