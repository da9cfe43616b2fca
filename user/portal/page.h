/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The portal's pages: HTML without script, in the visitor's language. */
#ifndef SP_PORTAL_PAGE_H
#define SP_PORTAL_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ipc/ipc.h"
#include "web/catalogue.h"
#include "web/link.h"

/* Where the visitor wanted to go, with the tag that shows it is a responder's word. */
struct sp_page_link {
	char wanted[SP_LINK_WANTED]; /* "": nowhere */
	size_t length;
	char tag[SP_LINK_TAG];
};

/* How a page is to look. */
struct sp_page_look {
	const struct sp_language *language;
	bool logo; /* there is one, at /logo */
};

/* "7 h 59 min", "2 d 3 h", "45 s", in the words of @language. */
void sp_page_put_duration(FILE *out, const struct sp_language *language, uint64_t seconds);

/* "812 B", "1.5 MB", in the words of @language. */
void sp_page_put_size(FILE *out, const struct sp_language *language, uint64_t bytes);

/* The terms and the button that accepts them. */
void sp_page_terms(FILE *out, const struct sp_page_look *look, const struct sp_page_link *link);

/* You are connected: what is left, the way on, the way out. */
void sp_page_connected(FILE *out, const struct sp_page_look *look, const struct sp_page_link *link,
                       const struct sp_ipc_answer *answer);

/* Something to read, and a link to the first page. */
void sp_page_message(FILE *out, const struct sp_page_look *look, enum sp_message title,
                     enum sp_message text);

#endif
