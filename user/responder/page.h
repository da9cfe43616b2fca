/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of every answer: sources of templates, allocated; NULL without memory.
 *
 * The 511 and the 302 have one set of header fields and, in HTML, one body: a link to the login
 * page and a refresh that goes there (RFC 6585 section 6), no form and nothing of the request.
 */
#ifndef SP_RESPONDER_PAGE_H
#define SP_RESPONDER_PAGE_H

#include "web/accept.h"
#include "web/catalogue.h"

char *sp_page_login_head(const char *language, enum sp_format format);
char *sp_page_probe_head(const char *language);
char *sp_page_body(const struct sp_language *texts, enum sp_format format, unsigned refresh);
char *sp_page_refusal_head(const char *status);

#endif
