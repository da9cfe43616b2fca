/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation: libmicrohttpd calls the handler when the header is complete, for each piece
 * of the body, and at its end. There a route that concerns the visitor asks the keeper, and the
 * connection is suspended; with the answer, or without one at the deadline, it is resumed, and the
 * handler is called once more to respond.
 */
#include "portal/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ipc/tally.h"
#include "lib/monotonic.h"
#include "lib/text.h"
#include "portal/api.h"
#include "portal/form.h"
#include "portal/login.h"
#include "portal/machine.h"
#include "portal/respond.h"
#include "portal/site.h"
#include "portal/visitor.h"
#include "web/accept.h"
#include "web/api.h"

#define FORM_TYPE "application/x-www-form-urlencoded"

/* What is asked of a path before its handler is called. */
enum methods { ANY, GET, POST };

struct sp_route {
	const char *path;
	enum methods methods;
	/* Called with the whole request, and again when the keeper was asked. */
	enum MHD_Result (*handle)(struct sp_request *request);
	enum MHD_Result (*handle_any)(struct sp_request *request, const char *method);
};

static const struct sp_route routes[] = {
	{"/", GET, sp_login_front, NULL},
	{"/terms", GET, sp_respond_terms, NULL},
	{"/accept", POST, sp_login_click, NULL},
	{"/voucher", POST, sp_login_voucher, NULL},
	{"/password", POST, sp_login_password, NULL},
	{"/external", GET, sp_login_external, NULL},
	{"/logout", POST, sp_login_out, NULL},
	{"/style.css", GET, sp_respond_style, NULL},
	{"/logo", GET, sp_respond_logo, NULL},
	{SP_API_PATH, ANY, NULL, sp_api_handle},
	{SP_API_LOGIN_PATH, ANY, NULL, sp_machine_login},
	{SP_API_LOGOUT_PATH, ANY, NULL, sp_machine_logout},
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
	const struct sp_pages *pages;
	const char *languages;

	if (!request)
		return NULL;
	request->begun = sp_monotonic_us();
	request->portal = portal;
	request->connection = connection;
	request->route = find_route(path);
	(void)sp_request_visitor(request); /* what needs to know looks again */
	pages = portal->pages[request->zone];
	languages = sp_request_header(request, "Accept-Language");
	request->look.language = &pages->catalogue.language[sp_catalogue_choose(
		&pages->catalogue, languages ? languages : "", languages ? strlen(languages) : 0)];
	request->look.frame = &pages->frame;
	request->look.logo = pages->logo.data != NULL;
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

bool sp_request_argument(const struct sp_request *request, const char *name, char *out, size_t room,
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

bool sp_request_has_argument(const struct sp_request *request, const char *name)
{
	return MHD_lookup_connection_value_n(request->connection, MHD_GET_ARGUMENT_KIND, name,
	                                     strlen(name), NULL, NULL);
}

static void read_link_of_query(struct sp_request *request)
{
	struct sp_page_link *link = &request->link;
	size_t length, tag_length;

	if (sp_request_argument(request, "u", link->wanted, sizeof(link->wanted), &length) &&
	    sp_request_argument(request, "t", link->tag, sizeof(link->tag), &tag_length))
		link->length = length;
	check_link(request);
}

bool sp_request_is_secure(const struct sp_request *request)
{
	return MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_PROTOCOL) != NULL;
}

int sp_request_visitor(struct sp_request *request)
{
	int ret = sp_visitor_of(request->portal, request->connection, &request->visitor);

	if (!ret && request->visitor.zone < request->portal->setup.zone_count)
		request->zone = request->visitor.zone;
	return ret;
}

const struct sp_ipc_portal_zone *sp_request_zone(const struct sp_request *request)
{
	return &request->portal->setup.zone[request->zone];
}

int sp_request_ask(struct sp_request *request, struct sp_ipc_request *question)
{
	int ret = sp_request_visitor(request);

	if (ret)
		return ret;
	question->client = request->visitor.client;
	question->origin = request->visitor.origin;
	ret = sp_visitor_address(request->connection, &question->address);
	if (ret)
		return ret;
	if (question->header.kind == SP_IPC_LOGIN)
		question->secure = sp_request_is_secure(request);
	ret = sp_ask_send(&request->portal->asker, &request->ask, question);
	if (ret)
		return ret;
	request->asked = true;
	request->login = question->header.kind == SP_IPC_LOGIN;
	MHD_suspend_connection(request->connection);
	return 0;
}

static enum MHD_Result handle_post(struct sp_request *request)
{
	if (!sp_site_is_own(sp_request_header(request, "Host"),
	                    sp_request_header(request, "Sec-Fetch-Site"),
	                    sp_request_header(request, "Origin"),
	                    sp_request_header(request, "Referer")))
		return sp_respond_error(request, MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_REQUEST);
	if (request->body_length > SP_REQUEST_BODY)
		return sp_respond_error(request, MHD_HTTP_CONTENT_TOO_LARGE,
		                        SP_MESSAGE_ERROR_REQUEST);
	if (request->body_length && !is_form(sp_request_header(request, "Content-Type")))
		return sp_respond_error(request, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
		                        SP_MESSAGE_ERROR_REQUEST);
	read_link_of_form(request);
	return request->route->handle(request);
}

static const struct sp_field allow_post[] = {{"Allow", "POST"}, {NULL, NULL}};
static const struct sp_field allow_get[] = {{"Allow", "GET, HEAD"}, {NULL, NULL}};

/* The request is there as a whole, or the answer to what it asked. */
static enum MHD_Result handle_whole(struct sp_request *request, const char *method)
{
	const struct sp_route *route = request->route;
	bool get = !strcmp(method, "GET") || !strcmp(method, "HEAD");

	if (!route)
		return sp_respond_error(request, MHD_HTTP_NOT_FOUND, SP_MESSAGE_ERROR_NOT_FOUND);
	if (route->methods == ANY)
		return route->handle_any(request, method);
	if (request->asked)
		return route->handle(request);
	if (route->methods == POST ? strcmp(method, "POST") != 0 : !get)
		return sp_respond_message(request, MHD_HTTP_METHOD_NOT_ALLOWED,
		                          SP_MESSAGE_ERROR_TITLE, SP_MESSAGE_ERROR_REQUEST,
		                          route->methods == POST ? allow_post : allow_get);
	if (route->methods == POST)
		return handle_post(request);
	read_link_of_query(request);
	return route->handle(request);
}

enum MHD_Result sp_request_handle(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **slot)
{
	struct sp_request *request = *slot;
	enum MHD_Result result;
	bool login;

	(void)version;
	if (!request) {
		request = *slot = make_request(cls, connection, url);
		if (!request)
			return MHD_NO;
		return announces_too_much(request)
		               ? sp_respond_error(request, MHD_HTTP_CONTENT_TOO_LARGE,
		                                  SP_MESSAGE_ERROR_REQUEST)
		               : MHD_YES;
	}
	if (*upload_size)
		return take_body(request, upload, upload_size);
	login = request->login;
	result = handle_whole(request, method);
	if (login)
		sp_histogram_count(&sp_tally->portal.login, sp_monotonic_us() - request->begun);
	return result;
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
	explicit_bzero(request->body, sizeof(request->body)); /* there may be a password in it */
	free(request);
	*slot = NULL;
}

void sp_request_answered(struct sp_ask *ask)
{
	/* The question is the first member of its request. */
	MHD_resume_connection(((struct sp_request *)ask)->connection);
}
