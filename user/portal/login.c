/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/login.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/monotonic.h"
#include "lib/text.h"
#include "lib/voucher_code.h"
#include "portal/external.h"
#include "portal/form.h"
#include "portal/outcome.h"
#include "portal/respond.h"
#include "portal/token.h"
#include "web/handover.h"

/* --- asking
 * ----------------------------------------------------------------------------------------
 */

static enum MHD_Result ask(struct sp_request *request, struct sp_ipc_request *question)
{
	int ret = sp_request_ask(request, question);

	if (ret == -ENOENT)
		return sp_respond_error(request, MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_UNKNOWN);
	return ret ? sp_respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE,
	                              SP_MESSAGE_ERROR_FAILED)
	           : MHD_YES;
}

/* The form is not for the keeper: ask only what there is to be shown beside @text. */
static enum MHD_Result decline(struct sp_request *request, enum sp_page_subject about,
                               enum sp_message text)
{
	struct sp_ipc_request question = {.header.kind = SP_IPC_QUERY};

	request->note = (struct sp_page_note){.about = about, .text = text};
	return ask(request, &question);
}

static int value(const struct sp_request *request, const char *name, char *out, size_t room)
{
	int length = sp_form_value(request->body, request->body_length, name, out, room);

	if (length < 0)
		*out = '\0';
	return length;
}

/* Whether the form came from a page that this visitor had from us. */
static bool has_token(const struct sp_request *request)
{
	char token[SP_TOKEN];

	return value(request, "c", token, sizeof(token)) > 0 &&
	       sp_token_verify(token, request->portal->setup.key, &request->visitor.client,
	                       sp_monotonic_ms());
}

/* --- responding
 * ------------------------------------------------------------------------------------
 */

/* What the visitor sees now, with the note if there is one. */
static enum MHD_Result respond_state(struct sp_request *request, unsigned status)
{
	const struct sp_ipc_answer *answer = &request->ask.answer;
	char seconds[16];
	const struct sp_field wait[] = {{"Retry-After", seconds}, {NULL, NULL}};
	const struct sp_field *extra = request->note.wait ? wait : NULL;

	snprintf(seconds, sizeof(seconds), "%u", request->note.wait);
	if (answer->result == SP_IPC_REFUSED)
		return sp_respond_error(request, MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_REFUSED);
	return answer->authorized ? sp_respond_connected(request, status, extra)
	                          : sp_respond_sign_in(request, status, extra);
}

static enum MHD_Result respond_failure(struct sp_request *request)
{
	struct sp_ipc_answer *answer = &request->ask.answer;
	struct sp_outcome outcome = sp_outcome_of(answer->result, request->method);

	request->note = (struct sp_page_note){.about = outcome.about, .text = outcome.text};
	if (answer->result == SP_IPC_BUSY)
		request->note.wait = answer->retry_after ? answer->retry_after : 1;
	if (memchr(answer->said, '\0', sizeof(answer->said)) &&
	    sp_text_printable(answer->said, strlen(answer->said)))
		request->note.said = answer->said;
	return respond_state(request, outcome.status);
}

/* Whether the answer has been dealt with, as it is for all routes alike; @result is the response.
 */
static bool responded(struct sp_request *request, enum MHD_Result *result)
{
	const struct sp_ipc_answer *answer = &request->ask.answer;

	if (!request->ask.answered)
		*result = sp_respond_error(request, MHD_HTTP_SERVICE_UNAVAILABLE,
		                           SP_MESSAGE_ERROR_FAILED);
	else if (request->note.about != SP_PAGE_NOTHING)
		*result = respond_state(request, MHD_HTTP_FORBIDDEN);
	else if (answer->result != SP_IPC_DONE)
		*result = respond_failure(request);
	else
		return false;
	return true;
}

/* --- the first page
 * --------------------------------------------------------------------------------
 */

/* The code of a voucher's QR code stands in the form; nothing is redeemed by looking at a page. */
static void read_code_of_query(struct sp_request *request)
{
	char text[SP_REQUEST_CODE], plain[SP_VOUCHER_CODE], shown[SP_VOUCHER_SHOWN];
	size_t length;

	if (!sp_request_argument(request, "voucher", text, sizeof(text), &length) ||
	    sp_voucher_code_read(text, plain))
		return;
	snprintf(request->code, sizeof(request->code), "%s", sp_voucher_code_show(shown, plain));
}

/* Whether there is nothing to do or to read here: the only way in is at an external portal. */
static bool leads_on(const struct sp_request *request)
{
	const struct sp_ipc_answer *answer = &request->ask.answer;

	return sp_request_zone(request)->methods == SP_METHOD_BIT(SP_METHOD_EXTERNAL) &&
	       !answer->authorized && !sp_page_tells_end(answer->ended);
}

static enum MHD_Result respond_front(struct sp_request *request)
{
	char link[SP_HANDOVER_LINK];

	if (leads_on(request) && !sp_external_link(request, link, sizeof(link)))
		return sp_respond_found(request, link);
	return respond_state(request, MHD_HTTP_OK);
}

enum MHD_Result sp_login_front(struct sp_request *request)
{
	struct sp_ipc_request question = {.header.kind = SP_IPC_QUERY};
	enum MHD_Result result;

	if (!request->asked) {
		read_code_of_query(request);
		return ask(request, &question);
	}
	return responded(request, &result) ? result : respond_front(request);
}

/* --- the forms
 * -------------------------------------------------------------------------------------
 */

static enum MHD_Result respond_login(struct sp_request *request)
{
	enum MHD_Result result;

	if (responded(request, &result))
		return result;
	return request->ask.answer.authorized ? sp_respond_onward(request)
	                                      : respond_failure(request);
}

/* Whether the form may be read; if not, @result is what comes of it. */
static bool is_good_form(struct sp_request *request, enum MHD_Result *result)
{
	if (sp_request_visitor(request))
		*result = sp_respond_error(request, MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_UNKNOWN);
	else if (!has_token(request))
		*result = decline(request, SP_PAGE_ALL, SP_MESSAGE_ERROR_FORM);
	else
		return true;
	return false;
}

enum MHD_Result sp_login_click(struct sp_request *request)
{
	struct sp_ipc_request question = {.header.kind = SP_IPC_LOGIN, .method = SP_METHOD_CLICK};
	enum MHD_Result result;

	if (request->asked)
		return respond_login(request);
	request->method = SP_METHOD_CLICK;
	return is_good_form(request, &result) ? ask(request, &question) : result;
}

enum MHD_Result sp_login_voucher(struct sp_request *request)
{
	struct sp_ipc_request question = {.header.kind = SP_IPC_LOGIN, .method = SP_METHOD_VOUCHER};
	char plain[SP_VOUCHER_CODE], shown[SP_VOUCHER_SHOWN];
	enum MHD_Result result;

	if (request->asked)
		return respond_login(request);
	request->method = SP_METHOD_VOUCHER;
	value(request, "code", request->code, sizeof(request->code));
	if (!is_good_form(request, &result))
		return result;
	if (sp_voucher_code_read(request->code, plain))
		return decline(request, SP_PAGE_CODE, SP_MESSAGE_ERROR_VOUCHER);
	snprintf(request->code, sizeof(request->code), "%s", sp_voucher_code_show(shown, plain));
	memcpy(question.name, plain, sizeof(plain));
	return ask(request, &question);
}

enum MHD_Result sp_login_password(struct sp_request *request)
{
	struct sp_ipc_request question = {.header.kind = SP_IPC_LOGIN, .method = SP_METHOD_USER};
	enum MHD_Result result;
	int name, secret;

	if (request->asked)
		return respond_login(request);
	request->method = SP_METHOD_USER;
	name = value(request, "name", request->name, sizeof(request->name));
	if (!is_good_form(request, &result))
		return result;
	secret = value(request, "password", question.secret, sizeof(question.secret));
	if (name <= 0 || secret <= 0 || !sp_text_printable(request->name, (size_t)name)) {
		result = decline(request, SP_PAGE_PASSWORD, SP_MESSAGE_ERROR_PASSWORD);
	} else {
		memcpy(question.name, request->name, (size_t)name);
		result = ask(request, &question);
	}
	explicit_bzero(question.secret, sizeof(question.secret));
	return result;
}

static enum MHD_Result hand_over(struct sp_request *request)
{
	char link[SP_HANDOVER_LINK];
	int ret;

	if (sp_request_visitor(request))
		return sp_respond_error(request, MHD_HTTP_FORBIDDEN, SP_MESSAGE_ERROR_UNKNOWN);
	ret = sp_external_link(request, link, sizeof(link));
	if (ret == -ENOENT)
		return decline(request, SP_PAGE_ALL, SP_MESSAGE_ERROR_DISABLED);
	return ret ? decline(request, SP_PAGE_ALL, SP_MESSAGE_ERROR_FAILED)
	           : sp_respond_found(request, link);
}

/*
 * The browser comes back from another site, so there is no token of ours to be asked for, and it is
 * a GET that changes something. The external portal's token does for both: it was signed for this
 * client, who was handed over lately, and is good once.
 */
enum MHD_Result sp_login_external(struct sp_request *request)
{
	struct sp_ipc_request question = {.header.kind = SP_IPC_LOGIN,
	                                  .method = SP_METHOD_EXTERNAL};
	size_t length;

	if (request->asked)
		return respond_login(request);
	request->method = SP_METHOD_EXTERNAL;
	if (!sp_request_has_argument(request, "token"))
		return hand_over(request);
	if (!sp_request_argument(request, "token", question.secret, sizeof(question.secret),
	                         &length) ||
	    !length)
		return decline(request, SP_PAGE_ALL, SP_MESSAGE_ERROR_EXTERNAL);
	return ask(request, &question);
}

enum MHD_Result sp_login_out(struct sp_request *request)
{
	struct sp_ipc_request question = {.header.kind = SP_IPC_LOGOUT};
	enum MHD_Result result;

	if (!request->asked)
		return is_good_form(request, &result) ? ask(request, &question) : result;
	if (responded(request, &result))
		return result;
	return request->ask.answer.authorized
	               ? respond_failure(request)
	               : sp_respond_message(request, MHD_HTTP_OK, SP_MESSAGE_SIGNED_OUT_TITLE,
	                                    SP_MESSAGE_SIGNED_OUT, NULL);
}
