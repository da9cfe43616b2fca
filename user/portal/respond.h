/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Responses: what all of them have in common, and the pages in them. */
#ifndef SP_PORTAL_RESPOND_H
#define SP_PORTAL_RESPOND_H

#include "portal/reply.h"
#include "portal/request.h"

/* Each queues one response. MHD_NO: the connection is closed without one. */
enum MHD_Result sp_respond_terms(struct sp_request *request);
enum MHD_Result sp_respond_style(struct sp_request *request);
enum MHD_Result sp_respond_logo(struct sp_request *request); /* 404 without one */

/* The forms, and what the request's note says. @extra: further fields, ended by a NULL name; NULL:
 * none. The keeper has answered. */
enum MHD_Result sp_respond_sign_in(struct sp_request *request, unsigned status,
                                   const struct sp_field *extra);

/* You are connected; the same otherwise. */
enum MHD_Result sp_respond_connected(struct sp_request *request, unsigned status,
                                     const struct sp_field *extra);

/* 303: to where the visitor wanted to go, or to the first page. */
enum MHD_Result sp_respond_onward(struct sp_request *request);

/* 302, without a page. */
enum MHD_Result sp_respond_found(struct sp_request *request, const char *location);

/* A page with a title and a text. */
enum MHD_Result sp_respond_message(struct sp_request *request, unsigned status,
                                   enum sp_message title, enum sp_message text,
                                   const struct sp_field *extra);

/* The same with the title of an error. */
enum MHD_Result sp_respond_error(struct sp_request *request, unsigned status, enum sp_message text);

#endif
