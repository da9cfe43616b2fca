/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_WEB_UTF8_H
#define SP_WEB_UTF8_H

#include <stdbool.h>

/* Whether @text is well-formed UTF-8 (RFC 3629) without control characters. */
bool sp_utf8_printable(const char *text);

#endif
