/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the portal's pages load besides themselves, read once, before privileges are given up. */
#ifndef SP_WEB_ASSET_H
#define SP_WEB_ASSET_H

#include <stddef.h>

#include "lib/error.h"

#define SP_STYLE_MOST 65536u  /* bytes of a style sheet */
#define SP_LOGO_MOST  262144u /* bytes of a logo */
#define SP_PAGE_MOST  65536u  /* bytes of a frame */
#define SP_ASSET_PATH 4096    /* buffer for the path of a file */

struct sp_asset {
	char *data; /* NULL: there is none */
	size_t length;
	const char *type; /* for Content-Type */
};

/* DIRECTORY/pages/style.css followed by OWN/style.css, if there is one, which can thus say anew
 * what it wants otherwise (@own NULL or "": none). 0 or negative errno. */
int sp_asset_style(struct sp_asset *style, const char *directory, const char *own,
                   struct sp_error *err);

/* OWN/logo.svg, .png, .jpg or .webp, the first that is there; there may be none. 0 or negative
 * errno. */
int sp_asset_logo(struct sp_asset *logo, const char *own, struct sp_error *err);

/* OWN/page.html or, without one, DIRECTORY/pages/page.html, NUL-terminated, and its path for errors
 * (web/frame.h makes something of it). 0 or negative errno. */
int sp_asset_page(struct sp_asset *page, const char *directory, const char *own,
                  char path[SP_ASSET_PATH], struct sp_error *err);

void sp_asset_free(struct sp_asset *asset);

#endif
