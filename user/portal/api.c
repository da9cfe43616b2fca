/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/api.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "portal/problem.h"
#include "portal/reply.h"
#include "web/accept.h"
#include "web/api.h"

/* The largest integer that every reader of JSON knows exactly (RFC 7493 section 2.2). */
#define MOST ((1ull << 53) - 1)

static int put_remaining(json_t *object, const char *name, uint64_t left)
{
	if (left == UINT64_MAX)
		return 0;
	return json_object_set_new(object, name,
	                           json_integer((json_int_t)(left < MOST ? left : MOST)));
}

static int put_text(json_t *object, const char *name, const char *text)
{
	return *text ? json_object_set_new(object, name, json_string(text)) : 0;
}

/* user-portal-url is there in either state: with can-extend-session it is where a session is
 * extended. */
static int fill(json_t *object, const struct sp_ipc_api *api, const struct sp_ipc_answer *answer)
{
	int ret = json_object_set_new(object, "captive", json_boolean(!answer->authorized));

	ret |= put_text(object, "user-portal-url", api->url);
	ret |= put_text(object, "venue-info-url", api->venue_info);
	if (api->tell_extend)
		ret |= json_object_set_new(object, "can-extend-session",
		                           json_boolean(api->can_extend));
	if (answer->authorized) {
		ret |= put_remaining(object, "seconds-remaining", answer->seconds_left);
		ret |= put_remaining(object, "bytes-remaining", answer->bytes_left);
	}
	return ret;
}

char *sp_api_state(const struct sp_ipc_api *api, const struct sp_ipc_answer *answer)
{
	json_t *object;
	char *text = NULL;

	/* Keys are our own: any seed will do, and jansson would open a file for a better one. */
	json_object_seed(1);
	object = json_object();
	if (object && !fill(object, api, answer))
		text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}

/* Browsers, which do not ask for the type, are led to the page for people. */
static enum MHD_Result lead_to_page(struct sp_request *request)
{
	static const struct sp_field fields[] = {
		{"Location", "/"},
		{"Vary", "Accept"},
		{"Cache-Control", "private, no-store"},
		{NULL, NULL},
	};
	static const struct sp_field *const lists[] = {fields, NULL};

	return sp_reply_send(request->connection, MHD_HTTP_FOUND, NULL, 0, lists);
}

static enum MHD_Result respond_state(struct sp_request *request)
{
	static const struct sp_field fields[] = {
		{"Content-Type", SP_API_TYPE},
		{"Vary", "Accept"},
		{"Cache-Control", "private, no-store"},
		{"X-Content-Type-Options", "nosniff"},
		{NULL, NULL},
	};
	static const struct sp_field *const lists[] = {fields, NULL};
	const struct sp_ipc_answer *answer = &request->ask.answer;
	char *text;

	/* Who is blocked is captive. */
	if (!request->ask.answered ||
	    (answer->result != SP_IPC_DONE && answer->result != SP_IPC_REFUSED))
		return sp_problem_respond(request, MHD_HTTP_SERVICE_UNAVAILABLE,
		                          SP_MESSAGE_ERROR_FAILED, NULL);
	text = sp_api_state(&sp_request_zone(request)->api, answer);
	return text ? sp_reply_send(request->connection, MHD_HTTP_OK, text, strlen(text), lists)
	            : MHD_NO;
}

enum MHD_Result sp_api_handle(struct sp_request *request, const char *method)
{
	static const struct sp_field allow[] = {{"Allow", "GET, HEAD"}, {NULL, NULL}};
	struct sp_ipc_request question = {.header.kind = SP_IPC_QUERY};
	int ret;

	if (request->asked)
		return respond_state(request);
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return sp_problem_respond(request, MHD_HTTP_METHOD_NOT_ALLOWED,
		                          SP_MESSAGE_ERROR_REQUEST, allow);
	if (!sp_request_accepts(request, SP_API_TYPE))
		return lead_to_page(request);
	/* RFC 8908 section 4: it is at an https URI and at no other. */
	if (!sp_request_is_secure(request))
		return sp_problem_respond(request, MHD_HTTP_NOT_FOUND, SP_MESSAGE_ERROR_NOT_FOUND,
		                          NULL);
	ret = sp_request_ask(request, &question);
	if (ret == -ENOENT)
		return sp_problem_respond(request, MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_UNKNOWN,
		                          NULL);
	return ret ? sp_problem_respond(request, MHD_HTTP_SERVICE_UNAVAILABLE,
	                                SP_MESSAGE_ERROR_FAILED, NULL)
	           : MHD_YES;
}
