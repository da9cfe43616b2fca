/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that the pages are made of: the shipped texts, frame and style, and the operator's own. */
#ifndef SP_WEB_PAGES_H
#define SP_WEB_PAGES_H

#include <stdint.h>

#include "lib/config.h"
#include "web/asset.h"
#include "web/catalogue.h"
#include "web/frame.h"

struct sp_pages {
	struct sp_catalogue catalogue;
	struct sp_frame frame;
	struct sp_asset style, logo;
};

/* The operator's own ones for zone number @zone: its folder and that of [portal], which @config
 * keeps. */
struct sp_own_pages sp_pages_own(const struct sp_config *config, unsigned zone);

/* Load from DIRECTORY/pages and @own (NULL: none). 0 or negative errno; nothing stays allocated
 * then. */
int sp_pages_load(struct sp_pages *pages, const char *directory, const struct sp_own_pages *own,
                  struct sp_error *err);
void sp_pages_free(struct sp_pages *pages);

/* A number that is another one once a file of any zone's has changed. */
uint64_t sp_pages_stamp(const char *directory, const struct sp_config *config);

/* Load and free those of each zone: whether responder and portal can do so. */
int sp_pages_check(const char *directory, const struct sp_config *config, struct sp_error *err);

#endif
