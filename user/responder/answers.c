/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "responder/answers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "responder/date.h"
#include "responder/page.h"
#include "web/link.h"

/* "?u=", the encoded URL, "&amp;t=", the tag. */
#define MAX_LINK (SP_IPC_URL + 3 * SP_LINK_WANTED + SP_LINK_TAG + 16)

/* Most that is fixed in a head or filled in besides the link; checked when the heads are made. */
#define MAX_HEAD_TEXT 512

_Static_assert(MAX_HEAD_TEXT + MAX_LINK + SP_MAX_BODY <= SP_MAX_ANSWER, "every answer fits");

/* The login link in the three ways in which it is written. */
struct link {
	struct sp_text raw, html, bare;
	char raw_text[MAX_LINK], html_text[MAX_LINK];
};

/* Nothing in a login URL may need escaping in HTML, JSON, or a header field. */
static int check_login_url(const char *name, const char *url, size_t room, struct sp_error *err)
{
	size_t length = strnlen(url, room);

	if (length == room || strncmp(url, "http", 4) != 0 ||
	    strspn(url, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	                "-._~:/[]%") != length)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "setup: %s: expected an http or https URL without a query", name);
	return 0;
}

static int set_login_urls(struct sp_answers *answers, const struct sp_ipc_responder_zone *zone,
                          struct sp_error *err)
{
	/* A gateway may have addresses of one family only: better the other one's than none. */
	const char *ipv4 = *zone->login_url4 ? zone->login_url4 : zone->login_url6;
	const char *ipv6 = *zone->login_url6 ? zone->login_url6 : zone->login_url4;
	int ret = check_login_url("login_url4", ipv4, SP_IPC_URL, err);

	if (!ret)
		ret = check_login_url("login_url6", ipv6, SP_IPC_URL, err);
	if (ret)
		return ret;
	answers->login_url[false] = (struct sp_text){ipv4, strlen(ipv4)};
	answers->login_url[true] = (struct sp_text){ipv6, strlen(ipv6)};
	return 0;
}

static int check_body(const struct sp_answers *answers, const struct sp_template *body,
                      const char *tag, struct sp_error *err)
{
	for (size_t family = 0; family < 2; family++) {
		const struct sp_text values[SP_HOLE_COUNT] = {
			[SP_HOLE_LINK] = answers->login_url[family],
			[SP_HOLE_LINK2] = answers->login_url[family],
		};

		if (sp_template_length(body, values) >= SP_MAX_BODY)
			return sp_fail(err, -E2BIG, SP_EXIT_USAGE,
			               "pages/%s.conf: the answer would be %u bytes or more; "
			               "shorten title, explain or login",
			               tag, SP_MAX_BODY);
	}
	return 0;
}

static int make_format(struct sp_answers *answers, const struct sp_catalogue *catalogue,
                       size_t language, enum sp_format format, unsigned refresh,
                       struct sp_error *err)
{
	const struct sp_language *texts = &catalogue->language[language];
	struct sp_template *head = &answers->login_head[language][format];
	struct sp_template *body = &answers->body[language][format];
	int ret = sp_template_init(head, sp_page_login_head(texts->tag, format));

	if (!ret)
		ret = sp_template_init(body, sp_page_body(texts, format, refresh));
	if (!ret && head->fixed + SP_DATE_LENGTH + sizeof("9999") > MAX_HEAD_TEXT)
		ret = -E2BIG;
	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED, "pages/%s.conf: %s", texts->tag,
		               strerror(-ret));
	return check_body(answers, body, texts->tag, err);
}

static int make_language(struct sp_answers *answers, const struct sp_catalogue *catalogue,
                         size_t language, unsigned refresh, struct sp_error *err)
{
	const char *tag = catalogue->language[language].tag;
	int ret = sp_template_init(&answers->probe_head[language], sp_page_probe_head(tag));

	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED, "pages/%s.conf: %s", tag, strerror(-ret));
	for (enum sp_format format = SP_FORMAT_HTML; !ret && format < SP_FORMAT_COUNT; format++)
		ret = make_format(answers, catalogue, language, format, refresh, err);
	return ret;
}

static int make_refusals(struct sp_answers *answers, struct sp_error *err)
{
	static const struct {
		const char *status, *text;
	} refusals[SP_REFUSAL_COUNT] = {
		[SP_REFUSAL_BAD] = {"400 Bad Request", "This is not a valid HTTP/1.1 request.\n"},
		[SP_REFUSAL_TARGET] = {"414 URI Too Long", "The address is too long.\n"},
		[SP_REFUSAL_HEAD] = {"431 Request Header Fields Too Large",
	                             "The header fields are too long.\n"},
	};

	for (size_t i = 0; i < SP_REFUSAL_COUNT; i++) {
		int ret = sp_template_init(&answers->refusal_head[i],
		                           sp_page_refusal_head(refusals[i].status));

		if (!ret)
			ret = sp_template_init(&answers->refusal_body[i], strdup(refusals[i].text));
		if (ret)
			return sp_fail(err, ret, SP_EXIT_FAILED, "%s", strerror(-ret));
	}
	return 0;
}

int sp_answers_init(struct sp_answers *answers, const struct sp_catalogue *catalogue,
                    const struct sp_ipc_responder_setup *setup, unsigned zone, struct sp_error *err)
{
	int ret;

	*answers = (struct sp_answers){.key = setup->key};
	ret = set_login_urls(answers, &setup->zone[zone], err);
	if (!ret)
		ret = make_refusals(answers, err);
	for (size_t i = 0; !ret && i < catalogue->count; i++)
		ret = make_language(answers, catalogue, i, setup->refresh, err);
	if (ret)
		sp_answers_free(answers);
	return ret;
}

void sp_answers_free(struct sp_answers *answers)
{
	for (size_t i = 0; i < SP_MAX_LANGUAGES; i++) {
		sp_template_free(&answers->probe_head[i]);
		for (size_t format = 0; format < SP_FORMAT_COUNT; format++) {
			sp_template_free(&answers->login_head[i][format]);
			sp_template_free(&answers->body[i][format]);
		}
	}
	for (size_t i = 0; i < SP_REFUSAL_COUNT; i++) {
		sp_template_free(&answers->refusal_head[i]);
		sp_template_free(&answers->refusal_body[i]);
	}
}

/* LOGIN_URL?u=ENCODED&t=TAG, with @ampersand as the context writes it. */
static struct sp_text join_link(char out[MAX_LINK], struct sp_text url, struct sp_text encoded,
                                const char *ampersand, const char *tag)
{
	char *end = mempcpy(out, url.at, url.length);

	end = stpcpy(end, "?u=");
	end = mempcpy(end, encoded.at, encoded.length);
	end = stpcpy(end, ampersand);
	end = stpcpy(end, "t=");
	end = stpcpy(end, tag);
	return (struct sp_text){out, (size_t)(end - out)};
}

static void make_link(const struct sp_answers *answers, const struct sp_answer *answer,
                      struct link *link)
{
	char encoded[3 * SP_LINK_WANTED], tag[SP_LINK_TAG];
	struct sp_text text = {encoded, 0};

	link->bare = answers->login_url[answer->ipv6];
	link->raw = link->html = link->bare;
	if (!answer->wanted)
		return;
	text.length =
		sp_link_encode(encoded, sizeof(encoded), answer->wanted, answer->wanted_length);
	if (text.length == 0)
		return;
	sp_link_tag(tag, answers->key, answer->wanted, answer->wanted_length);
	link->raw = join_link(link->raw_text, link->bare, text, "&", tag);
	link->html = join_link(link->html_text, link->bare, text, "&amp;", tag);
}

/*
 * The whole link in both places as long as the page stays small enough; else in the refresh, which
 * is what is followed; else, only Location has it. Returns the length of the body.
 */
static size_t place_links(const struct sp_template *body, const struct link *link, bool html,
                          struct sp_text values[SP_HOLE_COUNT])
{
	const struct sp_text full = html ? link->html : link->raw;
	const struct sp_text choices[][2] = {
		{full, full}, {full, link->bare}, {link->bare, link->bare}};
	size_t length = 0;

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		values[SP_HOLE_LINK] = choices[i][0];
		values[SP_HOLE_LINK2] = choices[i][1];
		length = sp_template_length(body, values);
		if (length < SP_MAX_BODY)
			break;
	}
	return length;
}

static size_t write_answer(const struct sp_template *head, const struct sp_template *body,
                           const struct sp_text values[SP_HOLE_COUNT], bool head_only, char *out)
{
	char *end = sp_template_fill(head, values, out);

	if (!head_only)
		end = sp_template_fill(body, values, end);
	return (size_t)(end - out);
}

static struct sp_text decimal(char out[8], size_t number)
{
	return (struct sp_text){out, (size_t)snprintf(out, 8, "%hu", (unsigned short)number)};
}

size_t sp_answers_render(const struct sp_answers *answers, const struct sp_answer *answer,
                         char out[SP_MAX_ANSWER])
{
	const struct sp_template *head =
		answer->probe ? &answers->probe_head[answer->language]
			      : &answers->login_head[answer->language][answer->format];
	const struct sp_template *body = &answers->body[answer->language][answer->format];
	struct sp_text values[SP_HOLE_COUNT] = {[SP_HOLE_DATE] = {answer->date, SP_DATE_LENGTH}};
	struct link link;
	char length[8];

	make_link(answers, answer, &link);
	values[SP_HOLE_LOCATION] = link.raw;
	values[SP_HOLE_LENGTH] =
		decimal(length, place_links(body, &link, answer->format == SP_FORMAT_HTML, values));
	return write_answer(head, body, values, answer->head_only, out);
}

size_t sp_answers_refuse(const struct sp_answers *answers, enum sp_request_result result,
                         bool head_only, const char *date, char out[SP_MAX_ANSWER])
{
	enum sp_refusal refusal = result == SP_REQUEST_TARGET_TOO_LONG ? SP_REFUSAL_TARGET
	                          : result == SP_REQUEST_HEAD_TOO_LONG ? SP_REFUSAL_HEAD
	                                                               : SP_REFUSAL_BAD;
	const struct sp_template *body = &answers->refusal_body[refusal];
	struct sp_text values[SP_HOLE_COUNT] = {[SP_HOLE_DATE] = {date, SP_DATE_LENGTH}};
	char length[8];

	values[SP_HOLE_LENGTH] = decimal(length, body->fixed);
	return write_answer(&answers->refusal_head[refusal], body, values, head_only, out);
}
