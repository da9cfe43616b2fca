/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The catalogue's texts are HTML already. Of what the visitor sent only the wanted URL is ever
 * written, after its tag was verified, and escaped.
 */
#include "portal/page.h"

#include <inttypes.h>

#include "web/html.h"

#define SPACE "\u00a0" /* no line break between a number and its sign */

static void put_escaped(FILE *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		const char *entity = sp_html_entity(text[i]);

		if (entity)
			fputs(entity, out);
		else
			fputc(text[i], out);
	}
}

/* The word @index of the list that the text @message is. */
static void put_word(FILE *out, const struct sp_language *language, enum sp_message message,
                     unsigned index)
{
	int length;
	const char *word = sp_catalogue_word(language->text[message], index, &length);

	fprintf(out, SPACE "%.*s", length, word);
}

void sp_page_put_duration(FILE *out, const struct sp_language *language, uint64_t seconds)
{
	static const uint64_t units[SP_TIME_WORDS] = {86400, 3600, 60, 1};
	unsigned unit = SP_TIME_DAYS;
	uint64_t rest;

	while (unit < SP_TIME_SECONDS && seconds < units[unit])
		unit++;
	fprintf(out, "%" PRIu64, seconds / units[unit]);
	put_word(out, language, SP_MESSAGE_TIMES, unit);
	if (unit > SP_TIME_HOURS)
		return; /* seconds beside minutes would only be out of date */
	rest = seconds % units[unit] / units[unit + 1];
	if (!rest)
		return;
	fprintf(out, SPACE "%" PRIu64, rest);
	put_word(out, language, SP_MESSAGE_TIMES, unit + 1);
}

void sp_page_put_size(FILE *out, const struct sp_language *language, uint64_t bytes)
{
	uint64_t whole = bytes, unit = 1;
	unsigned size = 0;

	for (; whole >= 1000; whole /= 1000, unit *= 1000)
		size++;
	fprintf(out, "%" PRIu64, whole);
	/* Rounded down: a promise that is kept. */
	if (size && whole < 100)
		fprintf(out, "%s%" PRIu64, language->text[SP_MESSAGE_DECIMAL],
		        bytes / (unit / 10) % 10);
	put_word(out, language, SP_MESSAGE_SIZES, size);
}

static void begin(FILE *out, const struct sp_page_look *look, enum sp_message title)
{
	const struct sp_language *language = look->language;

	fprintf(out,
	        "<!DOCTYPE html>\n"
	        "<html lang=\"%s\" dir=\"%s\">\n"
	        "<head>\n"
	        "<meta charset=\"utf-8\">\n"
	        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	        "<meta name=\"color-scheme\" content=\"light dark\">\n"
	        "<title>%s</title>\n"
	        "<link rel=\"icon\" href=\"data:,\">\n"
	        "<link rel=\"stylesheet\" href=\"/style.css\">\n"
	        "</head>\n"
	        "<body>\n"
	        "<main>\n",
	        language->tag, language->direction, language->text[title]);
	if (look->logo)
		fprintf(out, "<img class=\"logo\" src=\"/logo\" alt=\"%s\">\n",
		        language->text[SP_MESSAGE_LOGO]);
	fprintf(out, "<h1>%s</h1>\n", language->text[title]);
}

static void end(FILE *out)
{
	fputs("</main>\n</body>\n</html>\n", out);
}

static void put_hidden(FILE *out, const struct sp_page_link *link)
{
	if (!link->length)
		return;
	fputs("<input type=\"hidden\" name=\"u\" value=\"", out);
	put_escaped(out, link->wanted, link->length);
	fprintf(out, "\">\n<input type=\"hidden\" name=\"t\" value=\"%s\">\n", link->tag);
}

void sp_page_terms(FILE *out, const struct sp_page_look *look, const struct sp_page_link *link)
{
	const struct sp_language *language = look->language;

	begin(out, look, SP_MESSAGE_WELCOME);
	fprintf(out,
	        "<section aria-labelledby=\"terms\">\n"
	        "<h2 id=\"terms\">%s</h2>\n"
	        "<p>%s</p>\n"
	        "<p>%s</p>\n"
	        "</section>\n"
	        "<form method=\"post\" action=\"/accept\">\n",
	        language->text[SP_MESSAGE_TERMS_TITLE], language->text[SP_MESSAGE_TERMS],
	        language->text[SP_MESSAGE_TERMS_PRIVACY]);
	put_hidden(out, link);
	fprintf(out, "<button type=\"submit\">%s</button>\n</form>\n",
	        language->text[SP_MESSAGE_ACCEPT]);
	end(out);
}

static void put_left(FILE *out, const struct sp_language *language,
                     const struct sp_ipc_answer *answer)
{
	if (answer->seconds_left == UINT64_MAX && answer->bytes_left == UINT64_MAX)
		return;
	fputs("<dl>\n", out);
	if (answer->seconds_left != UINT64_MAX) {
		fprintf(out, "<div><dt>%s</dt><dd>", language->text[SP_MESSAGE_TIME_LEFT]);
		sp_page_put_duration(out, language, answer->seconds_left);
		fputs("</dd></div>\n", out);
	}
	if (answer->bytes_left != UINT64_MAX) {
		fprintf(out, "<div><dt>%s</dt><dd>", language->text[SP_MESSAGE_DATA_LEFT]);
		sp_page_put_size(out, language, answer->bytes_left);
		fputs("</dd></div>\n", out);
	}
	fputs("</dl>\n", out);
}

void sp_page_connected(FILE *out, const struct sp_page_look *look, const struct sp_page_link *link,
                       const struct sp_ipc_answer *answer)
{
	const struct sp_language *language = look->language;

	begin(out, look, SP_MESSAGE_CONNECTED_TITLE);
	fprintf(out, "<p>%s</p>\n", language->text[SP_MESSAGE_CONNECTED]);
	put_left(out, language, answer);
	if (link->length) {
		fputs("<p><a class=\"button\" rel=\"noreferrer\" href=\"", out);
		put_escaped(out, link->wanted, link->length);
		fprintf(out, "\">%s</a></p>\n", language->text[SP_MESSAGE_CONTINUE]);
	}
	fprintf(out,
	        "<form method=\"post\" action=\"/logout\">\n"
	        "<button type=\"submit\" class=\"quiet\">%s</button>\n"
	        "</form>\n",
	        language->text[SP_MESSAGE_SIGN_OUT]);
	end(out);
}

void sp_page_message(FILE *out, const struct sp_page_look *look, enum sp_message title,
                     enum sp_message text)
{
	const struct sp_language *language = look->language;

	begin(out, look, title);
	fprintf(out, "<p>%s</p>\n<p><a class=\"button\" href=\"/\">%s</a></p>\n",
	        language->text[text], language->text[SP_MESSAGE_RETRY]);
	end(out);
}
