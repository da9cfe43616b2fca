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

/* Folders of the operator's own; what is in the second one goes before what is in the first. NULL
 * or
 * "": none. */
#define SP_OWN_PAGES 2
struct sp_own_pages {
	const char *folder[SP_OWN_PAGES];
};

struct sp_asset {
	char *data; /* NULL: there is none */
	size_t length;
	const char *type; /* for Content-Type */
};

/* DIRECTORY/pages/style.css followed by style.css of the folders of @own (NULL: none), which can
 * thus say anew what they want otherwise. 0 or negative errno. */
int sp_asset_style(struct sp_asset *style, const char *directory, const struct sp_own_pages *own,
                   struct sp_error *err);

/* logo.svg, .png, .jpg or .webp of @own, the first that is there; there may be none. 0 or negative
 * errno. */
int sp_asset_logo(struct sp_asset *logo, const struct sp_own_pages *own, struct sp_error *err);

/* page.html of @own or, without one, DIRECTORY/pages/page.html, NUL-terminated, and its path for
 * errors (web/frame.h makes something of it). 0 or negative errno. */
int sp_asset_page(struct sp_asset *page, const char *directory, const struct sp_own_pages *own,
                  char path[SP_ASSET_PATH], struct sp_error *err);

void sp_asset_free(struct sp_asset *asset);

#endif
