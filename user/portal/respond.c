/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/respond.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/monotonic.h"
#include "portal/token.h"

/*
 * Browsers check form-action for each redirect that follows a form, too, so http: must be allowed
 * (and includes https:, where many sites go on to). With a Referrer-Policy of no-referrer they
 * would send "Origin: null" with our own forms.
 */
static const struct sp_field common[] = {
	{"Cache-Control", "no-store"},
	{"Content-Security-Policy",
         "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self' http:; "
         "base-uri 'none'; frame-ancestors 'none'"},
	{"Referrer-Policy", "same-origin"},
	{"X-Content-Type-Options", "nosniff"},
	{"X-Frame-Options", "DENY"},
	{NULL, NULL},
};

/* Send @text, which is freed, with the common fields and @extra. */
static enum MHD_Result send_page(struct sp_request *request, unsigned status, char *text,
                                 size_t length, const struct sp_field *extra)
{
	const struct sp_field page[] = {
		{"Content-Type", "text/html; charset=utf-8"},
		{"Content-Language", request->look.language->tag},
		{"Vary", "Accept-Language"},
		{NULL, NULL},
	};
	/* An @extra of NULL ends the list. */
	const struct sp_field *const lists[] = {common, page, extra, NULL};

	return sp_reply_send(request->connection, status, text, length, lists);
}

/* A page in the making: a stream into memory. */
struct draft {
	FILE *stream;
	char *text;
	size_t length;
};

static bool draft_begin(struct draft *draft)
{
	*draft = (struct draft){0};
	draft->stream = open_memstream(&draft->text, &draft->length);
	return draft->stream != NULL;
}

static enum MHD_Result draft_send(struct draft *draft, struct sp_request *request, unsigned status,
                                  const struct sp_field *extra)
{
	bool broken = ferror(draft->stream);

	if (fclose(draft->stream) || broken) {
		free(draft->text);
		return MHD_NO;
	}
	return send_page(request, status, draft->text, draft->length, extra);
}

/* The forms as this request left them; @token has to live as long. */
static struct sp_page_form make_form(const struct sp_request *request, char token[SP_TOKEN])
{
	const struct sp_ipc_portal_zone *zone = sp_request_zone(request);

	sp_token_make(token, request->portal->setup.key, &request->visitor.client,
	              sp_monotonic_ms());
	return (struct sp_page_form){
		.token = token,
		.link = &request->link,
		.methods = zone->methods,
		.secure = sp_request_is_secure(request),
		.secure_url = zone->api.url,
		.code = request->code,
		.name = request->name,
	};
}

enum MHD_Result sp_respond_terms(struct sp_request *request)
{
	struct draft draft;

	if (!draft_begin(&draft))
		return MHD_NO;
	sp_page_terms(draft.stream, &request->look, &request->link);
	return draft_send(&draft, request, MHD_HTTP_OK, NULL);
}

enum MHD_Result sp_respond_sign_in(struct sp_request *request, unsigned status,
                                   const struct sp_field *extra)
{
	char token[SP_TOKEN];
	const struct sp_page_form form = make_form(request, token);
	struct draft draft;

	if (!draft_begin(&draft))
		return MHD_NO;
	sp_page_sign_in(draft.stream, &request->look, &form, &request->note,
	                request->ask.answer.ended);
	return draft_send(&draft, request, status, extra);
}

enum MHD_Result sp_respond_connected(struct sp_request *request, unsigned status,
                                     const struct sp_field *extra)
{
	char token[SP_TOKEN];
	const struct sp_page_form form = make_form(request, token);
	struct draft draft;

	if (!draft_begin(&draft))
		return MHD_NO;
	sp_page_connected(draft.stream, &request->look, &form, &request->note,
	                  &request->ask.answer);
	return draft_send(&draft, request, status, extra);
}

enum MHD_Result sp_respond_onward(struct sp_request *request)
{
	const struct sp_field extra[] = {
		{"Location", request->link.length ? request->link.wanted : "/"},
		{NULL, NULL},
	};

	return sp_respond_connected(request, MHD_HTTP_SEE_OTHER, extra);
}

enum MHD_Result sp_respond_found(struct sp_request *request, const char *location)
{
	const struct sp_field fields[] = {{"Location", location}, {NULL, NULL}};
	const struct sp_field *const lists[] = {common, fields, NULL};

	return sp_reply_send(request->connection, MHD_HTTP_FOUND, NULL, 0, lists);
}

enum MHD_Result sp_respond_message(struct sp_request *request, unsigned status,
                                   enum sp_message title, enum sp_message text,
                                   const struct sp_field *extra)
{
	struct draft draft;

	if (!draft_begin(&draft))
		return MHD_NO;
	sp_page_message(draft.stream, &request->look, title, text);
	return draft_send(&draft, request, status, extra);
}

enum MHD_Result sp_respond_error(struct sp_request *request, unsigned status, enum sp_message text)
{
	return sp_respond_message(request, status, SP_MESSAGE_ERROR_TITLE, text, NULL);
}

/* A logo that is opened by itself must not run as a page of ours. */
static enum MHD_Result send_asset(struct sp_request *request, const struct sp_asset *asset)
{
	const struct sp_field fields[] = {
		{"Content-Type", asset->type},
		{"Cache-Control", "max-age=600"},
		{"Content-Security-Policy",
	         "default-src 'none'; style-src 'unsafe-inline'; sandbox"},
		{"X-Content-Type-Options", "nosniff"},
		{NULL, NULL},
	};
	const struct sp_field *const lists[] = {fields, NULL};

	return sp_reply_queue(
		request->connection, MHD_HTTP_OK,
		MHD_create_response_from_buffer(asset->length, asset->data, MHD_RESPMEM_PERSISTENT),
		lists);
}

enum MHD_Result sp_respond_style(struct sp_request *request)
{
	return send_asset(request, &request->portal->pages[request->zone]->style);
}

enum MHD_Result sp_respond_logo(struct sp_request *request)
{
	const struct sp_asset *logo = &request->portal->pages[request->zone]->logo;

	return logo->data
	               ? send_asset(request, logo)
	               : sp_respond_error(request, MHD_HTTP_NOT_FOUND, SP_MESSAGE_ERROR_NOT_FOUND);
}
