/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/problem.h"

#include <jansson.h>
#include <string.h>

#include "lib/text.h"
#include "portal/respond.h"
#include "web/accept.h"

enum sp_format sp_problem_format(const struct sp_request *request)
{
	const char *accept = sp_request_header(request, "Accept");
	enum sp_format format;

	if (!accept)
		return SP_FORMAT_PROBLEM;
	format = sp_accept_choose(accept, strlen(accept));
	if (format == SP_FORMAT_HTML && sp_request_accepts(request, sp_format_type(format)))
		return format;
	return format == SP_FORMAT_JSON ? format : SP_FORMAT_PROBLEM;
}

static char *problem(unsigned status, const char *detail)
{
	json_t *object;
	char *text;

	json_object_seed(1); /* as in api.c */
	object = json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title",
	                   MHD_get_reason_phrase_for(status), "status", (int)status, "detail",
	                   detail);
	text = json_dumps(object, JSON_COMPACT); /* of NULL: NULL */
	json_decref(object);
	return text;
}

/* What the server that was asked has to say (RADIUS Reply-Message), or our own words. */
static const char *detail_of(const struct sp_request *request, enum sp_message text)
{
	const char *said = request->ask.answer.said;
	size_t length = strnlen(said, sizeof(request->ask.answer.said));

	if (request->ask.answered && length && length < sizeof(request->ask.answer.said) &&
	    sp_text_printable(said, length))
		return said;
	return request->look.language->plain[text];
}

enum MHD_Result sp_problem_respond(struct sp_request *request, unsigned status,
                                   enum sp_message text, const struct sp_field *extra)
{
	const struct sp_language *language = request->look.language;
	enum sp_format format = sp_problem_format(request);
	const struct sp_field fields[] = {
		{"Content-Type", sp_format_type(format)}, {"Content-Language", language->tag},
		{"Vary", "Accept, Accept-Language"},      {"Cache-Control", "private, no-store"},
		{"X-Content-Type-Options", "nosniff"},    {NULL, NULL},
	};
	const struct sp_field *const lists[] = {fields, extra, NULL};
	char *body;

	if (format == SP_FORMAT_HTML)
		return sp_respond_message(request, status, SP_MESSAGE_ERROR_TITLE, text, extra);
	body = problem(status, detail_of(request, text));
	return body ? sp_reply_send(request->connection, status, body, strlen(body), lists)
	            : MHD_NO;
}
