/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int sp_fail(struct sp_error *err, int code, enum sp_exit exit_code, const char *format, ...)
{
	int saved = errno;
	va_list args;
	int length;

	if (!err)
		return code;
	err->exit_code = exit_code;
	va_start(args, format);
	length = vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	if (length < 0)
		err->text[0] = '\0';
	else if ((size_t)length >= sizeof(err->text))
		memcpy(err->text + sizeof(err->text) - 4, "...", 4);
	errno = saved;
	return code;
}
