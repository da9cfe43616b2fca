/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "responder/page.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "responder/template.h"

/*
 * Connection: close, because the client must not meet us on an old connection after its login.
 * Date is required in a 302 and a 4xx of a server with a clock (RFC 9110 section 6.6.1).
 */
#define HEAD                                          \
	"HTTP/1.1 %s\r\n"                             \
	"Date: " SP_HOLE_DATE_MARK "\r\n"             \
	"Connection: close\r\n"                       \
	"Cache-Control: no-store\r\n"                 \
	"Content-Length: " SP_HOLE_LENGTH_MARK "\r\n" \
	"Content-Type: %s%s\r\n"
#define LOGIN_HEAD                                     \
	HEAD "Content-Language: %s\r\n"                \
	     "Vary: %s\r\n"                            \
	     "Referrer-Policy: no-referrer\r\n"        \
	     "Location: " SP_HOLE_LOCATION_MARK "\r\n" \
	     "\r\n"

#define CHARSET "; charset=utf-8"

static char *format_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *format_text(const char *format, ...)
{
	va_list args;
	char *text;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	return length < 0 ? NULL : text;
}

char *sp_page_login_head(const char *language, enum sp_format format)
{
	/* JSON has no charset parameter (RFC 8259 section 11). */
	bool json = format == SP_FORMAT_JSON || format == SP_FORMAT_PROBLEM;

	return format_text(LOGIN_HEAD, "511 Network Authentication Required",
	                   sp_format_type(format), json ? "" : CHARSET, language,
	                   "Accept, Accept-Language");
}

char *sp_page_probe_head(const char *language)
{
	return format_text(LOGIN_HEAD, "302 Found", sp_format_type(SP_FORMAT_HTML), CHARSET,
	                   language, "Accept-Language");
}

char *sp_page_refusal_head(const char *status)
{
	return format_text(HEAD "\r\n", status, sp_format_type(SP_FORMAT_TEXT), CHARSET);
}

/* A long word of the title is not wider than a telephone. */
#define STYLE "body{font-family:sans-serif;margin:1em;overflow-wrap:anywhere;hyphens:auto}"

static char *html_body(const struct sp_language *texts, unsigned refresh)
{
	return format_text("<!doctype html>\n"
	                   "<html lang=\"%s\" dir=\"%s\">\n"
	                   "<head>\n"
	                   "<meta charset=\"utf-8\">\n"
	                   "<meta name=\"viewport\" content=\"width=device-width\">\n"
	                   "<meta name=\"color-scheme\" content=\"light dark\">\n"
	                   "<meta http-equiv=\"refresh\" content=\"%u;url=" SP_HOLE_LINK_MARK
	                   "\">\n"
	                   "<title>%s</title>\n"
	                   "<style>" STYLE "</style>\n"
	                   "</head>\n"
	                   "<body>\n"
	                   "<h1>%s</h1>\n"
	                   "<p>%s</p>\n"
	                   "<p><a href=\"" SP_HOLE_LINK2_MARK "\">%s</a></p>\n"
	                   "</body>\n"
	                   "</html>\n",
	                   texts->tag, texts->direction, refresh, texts->text[SP_MESSAGE_TITLE],
	                   texts->text[SP_MESSAGE_TITLE], texts->text[SP_MESSAGE_EXPLAIN],
	                   texts->text[SP_MESSAGE_LOGIN]);
}

/* @text, which has no control characters, as the inside of a JSON string. */
static char *json_text(const char *text)
{
	char *out = malloc(2 * strlen(text) + 1), *end = out;

	if (!out)
		return NULL;
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			*end++ = '\\';
		*end++ = *text;
	}
	*end = '\0';
	return out;
}

/* Problem details (RFC 9457); "about:blank": the status says it all. */
static char *json_body(const struct sp_language *texts)
{
	char *title = json_text(texts->plain[SP_MESSAGE_TITLE]);
	char *detail = json_text(texts->plain[SP_MESSAGE_EXPLAIN]);
	char *body = NULL;

	if (title && detail)
		body = format_text("{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":511,"
		                   "\"detail\":\"%s\",\"login\":\"" SP_HOLE_LINK_MARK "\"}\n",
		                   title, detail);
	free(title);
	free(detail);
	return body;
}

static char *text_body(const struct sp_language *texts)
{
	return format_text("%s - " SP_HOLE_LINK_MARK "\n", texts->plain[SP_MESSAGE_TITLE]);
}

char *sp_page_body(const struct sp_language *texts, enum sp_format format, unsigned refresh)
{
	switch (format) {
	case SP_FORMAT_PROBLEM:
	case SP_FORMAT_JSON:
		return json_body(texts);
	case SP_FORMAT_TEXT:
		return text_body(texts);
	default:
		return html_body(texts, refresh);
	}
}
