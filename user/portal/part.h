/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the pages are put together from. The catalogue's texts are HTML already. Of what the visitor
 * sent, only the wanted URL (after its tag was verified) and what was typed into a form with a good
 * token are ever written, escaped.
 */
#ifndef SP_PORTAL_PART_H
#define SP_PORTAL_PART_H

#include "portal/page.h"

/* The id of the note, for the aria-describedby of what it is about. */
#define SP_PART_NOTE_ID "note"

/* A page's title and what the frame has of it. */
struct sp_part_head {
	enum sp_message title;
	bool failed;   /* the title in the window says so too */
	size_t behind; /* the first piece of the frame behind the content; set by _begin */
};

/* The frame up to the content, and the heading; the frame behind the content. */
void sp_part_begin(FILE *out, const struct sp_page_look *look, struct sp_part_head *head);
void sp_part_end(FILE *out, const struct sp_page_look *look, const struct sp_part_head *head);

/* A text from outside. */
void sp_part_escaped(FILE *out, const char *text, size_t length);

/* Nothing, if there is no note. */
void sp_part_note(FILE *out, const struct sp_page_look *look, const struct sp_page_note *note);

/* "" or "?u=...&amp;t=...": keeps the wanted URL in a link of ours. */
void sp_part_query(FILE *out, const struct sp_page_link *link);

/* The wanted URL and the token, in a form. */
void sp_part_hidden(FILE *out, const struct sp_page_form *form);

#endif
