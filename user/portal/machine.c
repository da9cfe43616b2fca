/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both answer with the object of RFC 8908, as the API does, or with the page for people when that
 * is what is asked for; errors are those of problem.h.
 */
#include "portal/machine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/method.h"
#include "lib/voucher_code.h"
#include "portal/api.h"
#include "portal/basic.h"
#include "portal/outcome.h"
#include "portal/problem.h"
#include "portal/reply.h"
#include "portal/respond.h"
#include "portal/site.h"
#include "web/accept.h"
#include "web/api.h"

#define CHALLENGE "Basic realm=\"%s\", charset=\"UTF-8\"" /* RFC 7617 section 2.1 */

static enum MHD_Result respond_failed(struct sp_request *request)
{
	return sp_problem_respond(request, MHD_HTTP_SERVICE_UNAVAILABLE, SP_MESSAGE_ERROR_FAILED,
	                          NULL);
}

/* 401 with what a program must send. */
static enum MHD_Result respond_challenge(struct sp_request *request, enum sp_message text)
{
	const char *realm = sp_request_zone(request)->api.realm;
	char challenge[sizeof(CHALLENGE) + sizeof(((struct sp_ipc_api *)0)->realm)];
	const struct sp_field fields[] = {{"WWW-Authenticate", challenge}, {NULL, NULL}};

	snprintf(challenge, sizeof(challenge), CHALLENGE, realm);
	return sp_problem_respond(request, MHD_HTTP_UNAUTHORIZED, text, fields);
}

static enum MHD_Result respond_state(struct sp_request *request)
{
	static const struct sp_field fields[] = {
		{"Content-Type", "application/json"},
		{"Vary", "Accept"},
		{"Cache-Control", "private, no-store"},
		{"X-Content-Type-Options", "nosniff"},
		{NULL, NULL},
	};
	static const struct sp_field *const lists[] = {fields, NULL};
	char *text = sp_api_state(&sp_request_zone(request)->api, &request->ask.answer);

	return text ? sp_reply_send(request->connection, MHD_HTTP_OK, text, strlen(text), lists)
	            : MHD_NO;
}

/* What the keeper said to a login or logout that did not work out. */
static enum MHD_Result respond_refusal(struct sp_request *request)
{
	const struct sp_ipc_answer *answer = &request->ask.answer;
	struct sp_outcome outcome = sp_outcome_of(answer->result, request->method);
	char seconds[16];
	const struct sp_field wait[] = {{"Retry-After", seconds}, {NULL, NULL}};

	if (answer->result == SP_IPC_WRONG)
		return respond_challenge(request, outcome.text);
	snprintf(seconds, sizeof(seconds), "%u", answer->retry_after ? answer->retry_after : 1);
	return sp_problem_respond(request, outcome.status, outcome.text,
	                          answer->result == SP_IPC_BUSY ? wait : NULL);
}

/*
 * Pages of other sites must not sign anybody in or out, with credentials that the browser
 * remembers. What a person typed into the address bar comes from no site.
 */
static bool comes_from_elsewhere(const struct sp_request *request)
{
	const char *fetch_site = sp_request_header(request, "Sec-Fetch-Site");

	if (fetch_site && !strcmp(fetch_site, "none"))
		fetch_site = NULL;
	return !sp_site_is_own(sp_request_header(request, "Host"), fetch_site,
	                       sp_request_header(request, "Origin"),
	                       sp_request_header(request, "Referer"));
}

static enum MHD_Result ask(struct sp_request *request, struct sp_ipc_request *question)
{
	int ret = sp_request_ask(request, question);

	explicit_bzero(question, sizeof(*question));
	if (ret == -ENOENT)
		return sp_problem_respond(request, MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_UNKNOWN,
		                          NULL);
	return ret ? respond_failed(request) : MHD_YES;
}

/* Fill in who asks to be let in. False when nobody can be called so. */
static bool take_credentials(const struct sp_basic *basic, struct sp_ipc_request *question)
{
	char code[SP_VOUCHER_CODE];

	if ((!*basic->secret || !strcmp(basic->secret, basic->name)) &&
	    !sp_voucher_code_read(basic->name, code)) {
		question->method = SP_METHOD_VOUCHER;
		memcpy(question->name, code, sizeof(code));
		return true;
	}
	question->method = SP_METHOD_USER;
	memcpy(question->name, basic->name, sizeof(question->name));
	memcpy(question->secret, basic->secret, sizeof(question->secret));
	return *basic->name && *basic->secret;
}

static enum MHD_Result log_in(struct sp_request *request)
{
	struct sp_ipc_request question = {.header.kind = SP_IPC_LOGIN};
	struct sp_basic basic;
	int ret = sp_basic_read(sp_request_header(request, "Authorization"), &basic);
	bool complete = !ret && take_credentials(&basic, &question);

	explicit_bzero(&basic, sizeof(basic));
	request->method = question.method;
	return complete ? ask(request, &question)
	                : respond_challenge(request, SP_MESSAGE_ERROR_PASSWORD);
}

static enum MHD_Result respond_logged_in(struct sp_request *request)
{
	const struct sp_ipc_answer *answer = &request->ask.answer;

	if (!request->ask.answered)
		return respond_failed(request);
	if (answer->result != SP_IPC_DONE || !answer->authorized)
		return respond_refusal(request);
	return sp_problem_format(request) == SP_FORMAT_HTML
	               ? sp_respond_connected(request, MHD_HTTP_OK, NULL)
	               : respond_state(request);
}

enum MHD_Result sp_machine_login(struct sp_request *request, const char *method)
{
	static const struct sp_field allow[] = {{"Allow", "GET, HEAD, POST"}, {NULL, NULL}};

	if (request->asked)
		return respond_logged_in(request);
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0 &&
	    strcmp(method, "POST") != 0)
		return sp_problem_respond(request, MHD_HTTP_METHOD_NOT_ALLOWED,
		                          SP_MESSAGE_ERROR_REQUEST, allow);
	if (comes_from_elsewhere(request))
		return sp_problem_respond(request, MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_REQUEST,
		                          NULL);
	/* A challenge here would have the password sent in the clear (RFC 7617 section 4). */
	if (!sp_request_is_secure(request))
		return sp_problem_respond(request, MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_INSECURE,
		                          NULL);
	return log_in(request);
}

static enum MHD_Result respond_logged_out(struct sp_request *request)
{
	if (!request->ask.answered)
		return respond_failed(request);
	if (request->ask.answer.result != SP_IPC_DONE)
		return respond_refusal(request);
	return sp_problem_format(request) == SP_FORMAT_HTML
	               ? sp_respond_message(request, MHD_HTTP_OK, SP_MESSAGE_SIGNED_OUT_TITLE,
	                                    SP_MESSAGE_SIGNED_OUT, NULL)
	               : respond_state(request);
}

enum MHD_Result sp_machine_logout(struct sp_request *request, const char *method)
{
	static const struct sp_field allow[] = {{"Allow", "POST"}, {NULL, NULL}};
	struct sp_ipc_request question = {.header.kind = SP_IPC_LOGOUT};

	if (request->asked)
		return respond_logged_out(request);
	if (strcmp(method, "POST") != 0)
		return sp_problem_respond(request, MHD_HTTP_METHOD_NOT_ALLOWED,
		                          SP_MESSAGE_ERROR_REQUEST, allow);
	if (comes_from_elsewhere(request))
		return sp_problem_respond(request, MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_REQUEST,
		                          NULL);
	return ask(request, &question);
}
