/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation: libmicrohttpd calls the handler when the header is complete, for each piece
 * of the body, and at its end. There a route that concerns the visitor asks the keeper, and the
 * connection is suspended; with the answer, or without one at the deadline, it is resumed, and the
 * handler is called once more to respond.
 */
#include "portal/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/method.h"
#include "lib/text.h"
#include "portal/api.h"
#include "portal/form.h"
#include "portal/respond.h"
#include "portal/site.h"
#include "portal/visitor.h"
#include "web/accept.h"
#include "web/api.h"

#define FORM_TYPE "application/x-www-form-urlencoded"

/* What to do with a path, and how the keeper's answer is shown. */
struct sp_route {
	const char *path;
	bool post; /* else GET and HEAD */
	enum sp_ipc_kind kind;
	enum MHD_Result (*respond)(struct sp_request *request);
	/* Does all of that by itself, called with the whole request and again when the keeper was
	 * asked; the others are not used then. */
	enum MHD_Result (*handle)(struct sp_request *request, const char *method);
};

static enum MHD_Result respond_error(struct sp_request *request, unsigned status,
                                     enum sp_message text)
{
	return sp_respond_message(request, status, SP_MESSAGE_ERROR_TITLE, text, NULL);
}

static enum MHD_Result respond_state(struct sp_request *request)
{
	return request->ask.answer.authorized ? sp_respond_connected(request)
	                                      : sp_respond_terms(request);
}

static enum MHD_Result respond_login(struct sp_request *request)
{
	return request->ask.answer.authorized ? sp_respond_onward(request)
	                                      : respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE,
	                                                      SP_MESSAGE_ERROR_FAILED);
}

static enum MHD_Result respond_logout(struct sp_request *request)
{
	return sp_respond_message(request, MHD_HTTP_OK, SP_MESSAGE_SIGNED_OUT_TITLE,
	                          SP_MESSAGE_SIGNED_OUT, NULL);
}

static const struct sp_route routes[] = {
	{"/", false, SP_IPC_QUERY, respond_state, NULL},
	{"/accept", true, SP_IPC_LOGIN, respond_login, NULL},
	{"/logout", true, SP_IPC_LOGOUT, respond_logout, NULL},
	{"/style.css", false, 0, sp_respond_style, NULL},
	{"/logo", false, 0, sp_respond_logo, NULL},
	{.path = SP_API_PATH, .handle = sp_api_handle},
};

static const struct sp_route *find_route(const char *path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
		if (!strcmp(routes[i].path, path))
			return &routes[i];
	return NULL;
}

const char *sp_request_header(const struct sp_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

struct type_search {
	const char *type;
	bool found;
};

static enum MHD_Result look_for_type(void *context, enum MHD_ValueKind kind, const char *name,
                                     const char *value)
{
	struct type_search *search = context;

	(void)kind;
	if (value && !strcasecmp(name, "Accept"))
		search->found |= sp_accept_names(value, strlen(value), search->type);
	return search->found ? MHD_NO : MHD_YES;
}

bool sp_request_accepts(const struct sp_request *request, const char *type)
{
	struct type_search search = {.type = type};

	MHD_get_connection_values(request->connection, MHD_HEADER_KIND, look_for_type, &search);
	return search.found;
}

static struct sp_request *make_request(struct sp_portal *portal, struct MHD_Connection *connection,
                                       const char *path)
{
	struct sp_request *request = calloc(1, sizeof(*request));
	const struct sp_catalogue *catalogue = &portal->pages.catalogue;
	const char *languages;

	if (!request)
		return NULL;
	request->portal = portal;
	request->connection = connection;
	request->route = find_route(path);
	languages = sp_request_header(request, "Accept-Language");
	request->look.language = &catalogue->language[sp_catalogue_choose(
		catalogue, languages ? languages : "", languages ? strlen(languages) : 0)];
	request->look.logo = portal->pages.logo.data != NULL;
	return request;
}

/* Whether the body is announced as longer than is taken. */
static bool announces_too_much(struct sp_request *request)
{
	const char *length = sp_request_header(request, "Content-Length");
	uint64_t bytes;

	return length && sp_text_number(length, 0, SP_REQUEST_BODY, &bytes) != 0;
}

/* Keep what fits; a body that does not is refused at its end, when a response can be queued. */
static enum MHD_Result take_body(struct sp_request *request, const char *upload, size_t *size)
{
	if (request->body_length + *size <= SP_REQUEST_BODY)
		memcpy(request->body + request->body_length, upload, *size);
	request->body_length += *size;
	*size = 0;
	return request->body_length > SP_REQUEST_DISCARD ? MHD_NO : MHD_YES;
}

static bool is_form(const char *type)
{
	size_t length = strlen(FORM_TYPE);

	return type && !strncasecmp(type, FORM_TYPE, length) &&
	       (type[length] == '\0' || strchr("; \t", type[length]));
}

/* Believe the wanted URL only with the tag that a responder gave it. */
static void check_link(struct sp_request *request)
{
	struct sp_page_link *link = &request->link;

	if (!sp_link_acceptable(link->wanted, link->length) ||
	    strlen(link->tag) != SP_LINK_TAG - 1 ||
	    !sp_link_verify(link->tag, request->portal->setup.key, link->wanted, link->length))
		*link = (struct sp_page_link){0};
}

static void read_link_of_form(struct sp_request *request)
{
	struct sp_page_link *link = &request->link;
	int length = sp_form_value(request->body, request->body_length, "u", link->wanted,
	                           sizeof(link->wanted));

	if (length > 0 && sp_form_value(request->body, request->body_length, "t", link->tag,
	                                sizeof(link->tag)) > 0)
		link->length = (size_t)length;
	check_link(request);
}

static bool copy_argument(struct sp_request *request, const char *name, char *out, size_t room,
                          size_t *length)
{
	const char *value = NULL;

	if (!MHD_lookup_connection_value_n(request->connection, MHD_GET_ARGUMENT_KIND, name,
	                                   strlen(name), &value, length) ||
	    !value || *length >= room || memchr(value, '\0', *length))
		return false;
	memcpy(out, value, *length);
	out[*length] = '\0';
	return true;
}

static void read_link_of_query(struct sp_request *request)
{
	struct sp_page_link *link = &request->link;
	size_t length, tag_length;

	if (copy_argument(request, "u", link->wanted, sizeof(link->wanted), &length) &&
	    copy_argument(request, "t", link->tag, sizeof(link->tag), &tag_length))
		link->length = length;
	check_link(request);
}

bool sp_request_is_secure(const struct sp_request *request)
{
	return MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_PROTOCOL) != NULL;
}

int sp_request_ask(struct sp_request *request, struct sp_ipc_request *question)
{
	struct sp_portal *portal = request->portal;
	int ret = sp_visitor_of(portal, request->connection, &question->client);

	if (!ret)
		ret = sp_ask_send(&portal->asker, &request->ask, question);
	if (ret)
		return ret;
	request->asked = true;
	MHD_suspend_connection(request->connection);
	return 0;
}

static enum MHD_Result ask_keeper(struct sp_request *request)
{
	struct sp_ipc_request question = {.header.kind = request->route->kind};
	int ret;

	if (request->route->kind == SP_IPC_LOGIN)
		question.method = SP_METHOD_CLICK;
	ret = sp_request_ask(request, &question);
	if (ret == -ENOENT)
		return respond_error(request, MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_UNKNOWN);
	return ret ? respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, SP_MESSAGE_ERROR_FAILED)
	           : MHD_YES;
}

static enum MHD_Result respond_answer(struct sp_request *request)
{
	if (!request->ask.answered)
		return respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE,
		                     SP_MESSAGE_ERROR_FAILED);
	switch (request->ask.answer.result) {
	case SP_IPC_DONE:
		return request->route->respond(request);
	case SP_IPC_REFUSED:
		return respond_error(request, MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_REFUSED);
	case SP_IPC_FULL:
		return respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, SP_MESSAGE_ERROR_FULL);
	default:
		return respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE,
		                     SP_MESSAGE_ERROR_FAILED);
	}
}

static enum MHD_Result handle_post(struct sp_request *request)
{
	if (!sp_site_is_own(sp_request_header(request, "Host"),
	                    sp_request_header(request, "Sec-Fetch-Site"),
	                    sp_request_header(request, "Origin"),
	                    sp_request_header(request, "Referer")))
		return respond_error(request, MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_REQUEST);
	if (request->body_length > SP_REQUEST_BODY)
		return respond_error(request, MHD_HTTP_CONTENT_TOO_LARGE, SP_MESSAGE_ERROR_REQUEST);
	if (request->body_length && !is_form(sp_request_header(request, "Content-Type")))
		return respond_error(request, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
		                     SP_MESSAGE_ERROR_REQUEST);
	read_link_of_form(request);
	return ask_keeper(request);
}

static const struct sp_field allow_post[] = {{"Allow", "POST"}, {NULL, NULL}};
static const struct sp_field allow_get[] = {{"Allow", "GET, HEAD"}, {NULL, NULL}};

/* The request is there as a whole. */
static enum MHD_Result handle_whole(struct sp_request *request, const char *method)
{
	const struct sp_route *route = request->route;
	bool get = !strcmp(method, "GET") || !strcmp(method, "HEAD");

	if (!route)
		return respond_error(request, MHD_HTTP_NOT_FOUND, SP_MESSAGE_ERROR_NOT_FOUND);
	if (route->handle)
		return route->handle(request, method);
	if (route->post ? strcmp(method, "POST") != 0 : !get)
		return sp_respond_message(request, MHD_HTTP_METHOD_NOT_ALLOWED,
		                          SP_MESSAGE_ERROR_TITLE, SP_MESSAGE_ERROR_REQUEST,
		                          route->post ? allow_post : allow_get);
	if (route->post)
		return handle_post(request);
	if (!route->kind)
		return route->respond(request);
	read_link_of_query(request);
	return ask_keeper(request);
}

enum MHD_Result sp_request_handle(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **slot)
{
	struct sp_request *request = *slot;

	(void)version;
	if (!request) {
		request = *slot = make_request(cls, connection, url);
		if (!request)
			return MHD_NO;
		return announces_too_much(request)
		               ? respond_error(request, MHD_HTTP_CONTENT_TOO_LARGE,
		                               SP_MESSAGE_ERROR_REQUEST)
		               : MHD_YES;
	}
	if (*upload_size)
		return take_body(request, upload, upload_size);
	if (!request->asked || request->route->handle)
		return handle_whole(request, method);
	return respond_answer(request);
}

void sp_request_completed(void *cls, struct MHD_Connection *connection, void **slot,
                          enum MHD_RequestTerminationCode why)
{
	struct sp_request *request = *slot;

	(void)cls;
	(void)connection;
	(void)why;
	if (!request)
		return;
	sp_ask_forget(&request->ask);
	free(request);
	*slot = NULL;
}

void sp_request_answered(struct sp_ask *ask)
{
	/* The question is the first member of its request. */
	MHD_resume_connection(((struct sp_request *)ask)->connection);
}
