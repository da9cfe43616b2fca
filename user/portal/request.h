/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One HTTP request from its first line to its response. */
#ifndef SP_PORTAL_REQUEST_H
#define SP_PORTAL_REQUEST_H

#include <microhttpd.h>

#include "lib/method.h"
#include "portal/ask.h"
#include "portal/page.h"
#include "portal/server.h"
#include "portal/visitor.h"

#define SP_REQUEST_BODY    8192u  /* bytes; a longer body is refused with 413 */
#define SP_REQUEST_DISCARD 65536u /* bytes; of a longer one not even that is heard */
#define SP_REQUEST_CODE    65u    /* a voucher code as it was typed, NUL included */

struct sp_route;

struct sp_request {
	struct sp_ask ask;
	bool asked;     /* the keeper was asked; what follows is the response */
	bool login;     /* that was a login */
	uint64_t begun; /* us: when its head was there */
	struct sp_portal *portal;
	struct MHD_Connection *connection;
	const struct sp_route *route;
	struct sp_page_look look;
	struct sp_page_link link;
	unsigned zone;             /* of the visitor; 0 also where nobody can tell who it is */
	struct sp_visitor visitor; /* since sp_request_visitor() */
	enum sp_method method;     /* of a login */
	struct sp_page_note note;  /* what the page has to say */
	char code[SP_REQUEST_CODE], name[SP_IPC_NAME]; /* to stand in the form again */
	size_t body_length;                            /* bytes received */
	char body[SP_REQUEST_BODY];
};

/* MHD_AccessHandlerCallback; @cls is the struct sp_portal. */
enum MHD_Result sp_request_handle(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **slot);

/* MHD_RequestCompletedCallback. */
void sp_request_completed(void *cls, struct MHD_Connection *connection, void **slot,
                          enum MHD_RequestTerminationCode why);

/* A header of the request, or NULL. */
const char *sp_request_header(const struct sp_request *request, const char *name);

/* Whether its Accept fields, all of them, name exactly the media type @type. */
bool sp_request_accepts(const struct sp_request *request, const char *type);

/* Copy the parameter @name of the query, which has no NUL, into @out and set its @length. False:
 * there is none, or it does not fit. */
bool sp_request_argument(const struct sp_request *request, const char *name, char *out, size_t room,
                         size_t *length);

/* Whether the query has that parameter, whatever its value. */
bool sp_request_has_argument(const struct sp_request *request, const char *name);

/* What the setup says of the visitor's zone. */
const struct sp_ipc_portal_zone *sp_request_zone(const struct sp_request *request);

/* Find out whose connection it is, for request->visitor. 0 or negative errno; -ENOENT: nobody can
 * tell. */
int sp_request_visitor(struct sp_request *request);

/* Whether it came over TLS. */
bool sp_request_is_secure(const struct sp_request *request);

/*
 * Ask the keeper what @question says; the visitor and how they came are filled in here. The
 * connection waits, and its route is called once more when request->ask is answered or out of time.
 * 0 or negative errno; -ENOENT: nobody can tell who the visitor is.
 */
int sp_request_ask(struct sp_request *request, struct sp_ipc_request *question);

/* sp_ask_done: go on with the request that asked. */
void sp_request_answered(struct sp_ask *ask);

#endif
