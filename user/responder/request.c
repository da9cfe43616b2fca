/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "responder/request.h"

#include <string.h>

#include "responder/field.h"
#include "responder/target.h"

void sp_request_init(struct sp_request *request)
{
	memset(request, 0, sizeof(*request));
}

static bool equals(const char *head, struct sp_span span, const char *word)
{
	return span.length == strlen(word) && memcmp(head + span.at, word, span.length) == 0;
}

/* Cut what stands before the next single blank off @rest. */
static bool next_word(const char *head, struct sp_span *rest, struct sp_span *word)
{
	const char *start = head + rest->at, *blank = memchr(start, ' ', rest->length);

	if (!blank)
		return false;
	*word = (struct sp_span){rest->at, (uint16_t)(blank - start)};
	rest->at = (uint16_t)(rest->at + word->length + 1);
	rest->length = (uint16_t)(rest->length - word->length - 1);
	return true;
}

/* Visible ASCII only; which of it belongs into a URL is decided where one is made of it. */
static bool is_plain(const char *head, struct sp_span target)
{
	for (size_t i = 0; i < target.length; i++)
		if (head[target.at + i] <= 0x20 || head[target.at + i] >= 0x7f)
			return false;
	return target.length > 0;
}

/* HTTP/1.x: every minor version is one we can answer (RFC 9110 section 2.5). */
static bool parse_version(struct sp_request *request, const char *head, struct sp_span version)
{
	const char *text = head + version.at;

	if (version.length != 8 || memcmp(text, "HTTP/1.", 7) != 0 || text[7] < '0' ||
	    text[7] > '9')
		return false;
	request->minor = (uint8_t)(text[7] - '0');
	return true;
}

static enum sp_request_result read_request_line(struct sp_request *request, const char *head,
                                                struct sp_span line)
{
	if (!next_word(head, &line, &request->method) || request->method.length > SP_MAX_METHOD ||
	    !sp_is_token(head + request->method.at, request->method.length))
		return SP_REQUEST_BAD;
	request->head = equals(head, request->method, "HEAD");
	request->get = equals(head, request->method, "GET");
	if (!next_word(head, &line, &request->target) || !is_plain(head, request->target) ||
	    !parse_version(request, head, line))
		return SP_REQUEST_BAD;
	if (request->target.length > SP_MAX_TARGET)
		return SP_REQUEST_TARGET_TOO_LONG;
	if (!sp_target_parse(request, head))
		return SP_REQUEST_BAD;
	request->in_fields = true;
	return SP_REQUEST_MORE;
}

/* The empty line: what only all fields together can tell. */
static enum sp_request_result finish(struct sp_request *request)
{
	bool body = request->encoded || request->content_length > 0;

	if (request->minor > 0 && !request->host_seen)
		return SP_REQUEST_BAD;
	/* Nobody can say where such a body ends (RFC 9112 section 6.3). */
	if (request->encoded && !request->chunked)
		return SP_REQUEST_BAD;
	if (request->form == SP_TARGET_ORIGIN) {
		if (request->minor > 0 && request->host.length == 0)
			return SP_REQUEST_BAD;
		request->authority = request->host;
	}
	request->length = request->scanned;
	request->last = !body && (request->close || (request->minor == 0 && !request->keep_alive));
	return SP_REQUEST_DONE;
}

static enum sp_request_result read_line(struct sp_request *request, const char *head,
                                        struct sp_span line)
{
	if (!request->in_fields)
		/* RFC 9112 section 2.2: empty lines before the request line are ignored. */
		return line.length ? read_request_line(request, head, line) : SP_REQUEST_MORE;
	if (line.length == 0)
		return finish(request);
	return sp_field_read(request, head, line) ? SP_REQUEST_MORE : SP_REQUEST_BAD;
}

/* What is left at the end of the received bytes is a line without its end. */
static enum sp_request_result check_rest(const struct sp_request *request, const char *head,
                                         size_t length)
{
	size_t rest = length - request->line;

	if (!request->in_fields && rest > SP_MAX_METHOD) {
		if (!memchr(head + request->line, ' ', SP_MAX_METHOD + 1))
			return SP_REQUEST_BAD;
		if (rest > SP_MAX_METHOD + SP_MAX_TARGET + sizeof("  HTTP/1.1\r"))
			return SP_REQUEST_TARGET_TOO_LONG;
	}
	return length >= SP_MAX_HEAD ? SP_REQUEST_HEAD_TOO_LONG : SP_REQUEST_MORE;
}

enum sp_request_result sp_request_read(struct sp_request *request, const char *head, size_t length)
{
	while (request->scanned < length) {
		unsigned char c = (unsigned char)head[request->scanned];
		enum sp_request_result result;
		struct sp_span line;
		uint16_t end = request->scanned;

		if ((c >= 0x20 && c != 0x7f) || c == '\t') {
			request->scanned++;
			continue;
		}
		if (c == '\r') {
			if ((size_t)end + 1 == length)
				break;
			if (head[end + 1] != '\n')
				return SP_REQUEST_BAD;
			request->scanned++;
		} else if (c != '\n') {
			return SP_REQUEST_BAD;
		}
		request->scanned++;
		line = (struct sp_span){request->line, (uint16_t)(end - request->line)};
		request->line = request->scanned;
		result = read_line(request, head, line);
		if (result != SP_REQUEST_MORE)
			return result;
	}
	return check_rest(request, head, length);
}
