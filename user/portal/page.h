/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The portal's pages: HTML without script, in the visitor's language. */
#ifndef SP_PORTAL_PAGE_H
#define SP_PORTAL_PAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ipc/ipc.h"
#include "web/catalogue.h"
#include "web/frame.h"
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
	const struct sp_frame *frame;
	bool logo; /* there is one, at /logo */
};

/* What a note is about. */
enum sp_page_subject {
	SP_PAGE_NOTHING, /* there is no note */
	SP_PAGE_ALL,
	SP_PAGE_CODE,     /* the voucher code */
	SP_PAGE_PASSWORD, /* user name and password */
};

/* What went wrong with the form that the visitor has just sent. */
struct sp_page_note {
	enum sp_page_subject about;
	enum sp_message text;
	const char *said; /* by the server that was asked: plain text; NULL or "": nothing */
	uint32_t wait;    /* seconds until the next attempt; 0: none */
};

/* The forms of a page and what they hold. */
struct sp_page_form {
	const char *token;               /* portal/token.h */
	const struct sp_page_link *link; /* where to go on to */
	uint32_t methods;                /* SP_METHOD_BIT of those the operator enabled */
	bool secure;                     /* the page goes over TLS */
	const char *secure_url;          /* of the first page over TLS; NULL or "": there is none */
	const char *code, *name;         /* as the visitor entered them; NULL or "": nothing yet */
};

/* The methods there are, and what is wrong; without that, why the last session @ended. */
void sp_page_sign_in(FILE *out, const struct sp_page_look *look, const struct sp_page_form *form,
                     const struct sp_page_note *note, enum sp_ipc_ended ended);

/* Whether there is something to say about a session that ended so. */
bool sp_page_tells_end(enum sp_ipc_ended ended);

/* The terms by themselves. */
void sp_page_terms(FILE *out, const struct sp_page_look *look, const struct sp_page_link *link);

/* You are connected: what is left, the way on, the way out. */
void sp_page_connected(FILE *out, const struct sp_page_look *look, const struct sp_page_form *form,
                       const struct sp_page_note *note, const struct sp_ipc_answer *answer);

/* Something to read, and a link to the first page. */
void sp_page_message(FILE *out, const struct sp_page_look *look, enum sp_message title,
                     enum sp_message text);

#endif
