/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that the pages are made of: the shipped texts, frame and style, and the operator's own. */
#ifndef SP_WEB_PAGES_H
#define SP_WEB_PAGES_H

#include <stdint.h>

#include "web/asset.h"
#include "web/catalogue.h"
#include "web/frame.h"

struct sp_pages {
	struct sp_catalogue catalogue;
	struct sp_frame frame;
	struct sp_asset style, logo;
};

/* Load from DIRECTORY/pages and @own (NULL or "": none). 0 or negative errno; nothing stays
 * allocated then. */
int sp_pages_load(struct sp_pages *pages, const char *directory, const char *own,
                  struct sp_error *err);
void sp_pages_free(struct sp_pages *pages);

/* A number that is another one once a file of theirs has changed. */
uint64_t sp_pages_stamp(const char *directory, const char *own);

/* Load and free: whether responder and portal can do so. */
int sp_pages_check(const char *directory, const char *own, struct sp_error *err);

#endif
