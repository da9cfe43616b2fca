/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The style sheet, DIRECTORY/pages/style.css: read once, before privileges are given up. */
#ifndef SP_PORTAL_STYLE_H
#define SP_PORTAL_STYLE_H

#include <stddef.h>

#include "lib/error.h"

#define SP_STYLE_MOST 65536u /* bytes */

struct sp_style {
	char *text;
	size_t length;
};

/* 0 or negative errno. */
int sp_style_load(struct sp_style *style, const char *directory, struct sp_error *err);
void sp_style_free(struct sp_style *style);

#endif
