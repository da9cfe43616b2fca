/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "responder/target.h"

#include <string.h>
#include <strings.h>

#include "web/authority.h"

static bool is_method(const struct sp_request *request, const char *head, const char *method)
{
	return request->method.length == strlen(method) &&
	       memcmp(head + request->method.at, method, request->method.length) == 0;
}

static struct sp_span span(const char *head, const char *start, const char *end)
{
	return (struct sp_span){(uint16_t)(start - head), (uint16_t)(end - start)};
}

static bool parse_authority_form(struct sp_request *request, const char *head)
{
	struct sp_authority authority;

	request->form = SP_TARGET_AUTHORITY;
	request->authority = request->target;
	return sp_authority_parse(head + request->target.at, request->target.length, &authority) &&
	       authority.has_port;
}

/* scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) */
static bool is_scheme(const char *at, const char *end)
{
	bool first = true;

	if (at == end)
		return false;
	for (; at < end; at++, first = false) {
		char lower = (char)(*at | 0x20);
		bool letter = lower >= 'a' && lower <= 'z';

		if (!letter && (first || !((*at >= '0' && *at <= '9') || *at == '+' || *at == '-' ||
		                           *at == '.')))
			return false;
	}
	return true;
}

static bool parse_absolute_form(struct sp_request *request, const char *head)
{
	const char *start = head + request->target.at, *end = start + request->target.length;
	const char *colon = memchr(start, ':', request->target.length);
	const char *host, *path;
	struct sp_authority authority;

	if (!colon || !is_scheme(start, colon) || end - colon < 3 || memcmp(colon, "://", 3) != 0)
		return false;
	host = colon + 3;
	for (path = host; path < end && *path != '/' && *path != '?';)
		path++;
	if (!sp_authority_parse(host, (size_t)(path - host), &authority))
		return false;
	request->form = SP_TARGET_ABSOLUTE;
	request->authority = span(head, host, path);
	if (colon - start == 4 && strncasecmp(start, "http", 4) == 0)
		request->path = span(head, path, end);
	return true;
}

bool sp_target_parse(struct sp_request *request, const char *head)
{
	if (is_method(request, head, "CONNECT"))
		return parse_authority_form(request, head);
	if (head[request->target.at] == '/') {
		request->form = SP_TARGET_ORIGIN;
		request->path = request->target;
		return true;
	}
	if (request->target.length == 1 && head[request->target.at] == '*') {
		request->form = SP_TARGET_ASTERISK;
		return is_method(request, head, "OPTIONS");
	}
	return parse_absolute_form(request, head);
}
