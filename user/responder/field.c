/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "responder/field.h"

#include <string.h>
#include <strings.h>

#include "web/authority.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool sp_is_token(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char c = text[i], lower = (char)(c | 0x20);

		if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') &&
		    (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
			return false;
	}
	return length > 0;
}

static struct sp_span trim(const char *head, struct sp_span span)
{
	while (span.length > 0 && is_blank(head[span.at])) {
		span.at++;
		span.length--;
	}
	while (span.length > 0 && is_blank(head[span.at + span.length - 1]))
		span.length--;
	return span;
}

/* Cut the first element off the list @rest; false at its end. Empty elements are passed over. */
static bool next_element(const char *head, struct sp_span *rest, struct sp_span *element)
{
	while (rest->length > 0) {
		const char *start = head + rest->at, *comma = memchr(start, ',', rest->length);
		uint16_t length = comma ? (uint16_t)(comma - start) : rest->length;
		uint16_t taken = (uint16_t)(comma ? length + 1 : length);

		*element = trim(head, (struct sp_span){rest->at, length});
		rest->at = (uint16_t)(rest->at + taken);
		rest->length = (uint16_t)(rest->length - taken);
		if (element->length > 0)
			return true;
	}
	return false;
}

static bool equals(const char *head, struct sp_span span, const char *word)
{
	return span.length == strlen(word) && strncasecmp(head + span.at, word, span.length) == 0;
}

static bool take_host(struct sp_request *request, const char *head, struct sp_span value)
{
	struct sp_authority authority;

	if (request->host_seen)
		return false;
	request->host_seen = true;
	request->host = value;
	return value.length == 0 || sp_authority_parse(head + value.at, value.length, &authority);
}

static void take_first(struct sp_span *field, struct sp_span value)
{
	if (field->length == 0)
		*field = value;
}

static bool take_user_agent(struct sp_request *request, const char *head, struct sp_span value)
{
	(void)head;
	take_first(&request->user_agent, value);
	return true;
}

static bool take_accept(struct sp_request *request, const char *head, struct sp_span value)
{
	(void)head;
	take_first(&request->accept, value);
	return true;
}

static bool take_accept_language(struct sp_request *request, const char *head, struct sp_span value)
{
	(void)head;
	take_first(&request->accept_language, value);
	return true;
}

static bool parse_length(const char *text, size_t length, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < length; i++)
		if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, (uint64_t)(text[i] - '0'), number))
			return false;
	return length > 0;
}

/* Several equal lengths are as good as one; different ones are an attack (RFC 9112 section 6.3). */
static bool take_content_length(struct sp_request *request, const char *head, struct sp_span value)
{
	struct sp_span element;
	uint64_t number;
	bool any = false;

	while (next_element(head, &value, &element)) {
		if (!parse_length(head + element.at, element.length, &number) ||
		    (request->length_seen && number != request->content_length))
			return false;
		request->length_seen = any = true;
		request->content_length = number;
	}
	return any;
}

static bool take_transfer_encoding(struct sp_request *request, const char *head,
                                   struct sp_span value)
{
	struct sp_span element;

	request->encoded = true;
	while (next_element(head, &value, &element))
		request->chunked = equals(head, element, "chunked");
	return true;
}

static bool take_connection(struct sp_request *request, const char *head, struct sp_span value)
{
	struct sp_span element;

	while (next_element(head, &value, &element)) {
		request->close |= equals(head, element, "close");
		request->keep_alive |= equals(head, element, "keep-alive");
	}
	return true;
}

static const struct {
	const char *name;
	bool (*take)(struct sp_request *request, const char *head, struct sp_span value);
} fields[] = {
	{"host", take_host},
	{"user-agent", take_user_agent},
	{"accept", take_accept},
	{"accept-language", take_accept_language},
	{"content-length", take_content_length},
	{"transfer-encoding", take_transfer_encoding},
	{"connection", take_connection},
};

bool sp_field_read(struct sp_request *request, const char *head, struct sp_span line)
{
	const char *colon = memchr(head + line.at, ':', line.length);
	struct sp_span name, value;

	if (!colon)
		return false;
	name = (struct sp_span){line.at, (uint16_t)(colon - head - line.at)};
	/* A blank in front, which is also how a folded line begins, is no token character. */
	if (!sp_is_token(head + name.at, name.length))
		return false;
	value = (struct sp_span){(uint16_t)(name.at + name.length + 1),
	                         (uint16_t)(line.length - name.length - 1)};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (equals(head, name, fields[i].name))
			return fields[i].take(request, head, trim(head, value));
	return true;
}
