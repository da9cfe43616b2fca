/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/page.h"

#include "portal/part.h"
#include "portal/quantity.h"

void sp_page_terms(FILE *out, const struct sp_page_look *look, const struct sp_page_link *link)
{
	const struct sp_language *language = look->language;
	struct sp_part_head head = {.title = SP_MESSAGE_TERMS_TITLE};

	sp_part_begin(out, look, &head);
	fprintf(out, "<p>%s</p>\n<p>%s</p>\n<p><a class=\"button\" href=\"/",
	        language->text[SP_MESSAGE_TERMS], language->text[SP_MESSAGE_TERMS_PRIVACY]);
	sp_part_query(out, link);
	fprintf(out, "\">%s</a></p>\n", language->text[SP_MESSAGE_RETRY]);
	sp_part_end(out, look, &head);
}

static void put_left(FILE *out, const struct sp_language *language,
                     const struct sp_ipc_answer *answer)
{
	if (answer->seconds_left == UINT64_MAX && answer->bytes_left == UINT64_MAX)
		return;
	fputs("<dl>\n", out);
	if (answer->seconds_left != UINT64_MAX) {
		fprintf(out, "<div><dt>%s</dt><dd>", language->text[SP_MESSAGE_TIME_LEFT]);
		sp_quantity_put_duration(out, language, answer->seconds_left);
		fputs("</dd></div>\n", out);
	}
	if (answer->bytes_left != UINT64_MAX) {
		fprintf(out, "<div><dt>%s</dt><dd>", language->text[SP_MESSAGE_DATA_LEFT]);
		sp_quantity_put_size(out, language, answer->bytes_left);
		fputs("</dd></div>\n", out);
	}
	fputs("</dl>\n", out);
}

void sp_page_connected(FILE *out, const struct sp_page_look *look, const struct sp_page_form *form,
                       const struct sp_page_note *note, const struct sp_ipc_answer *answer)
{
	const struct sp_language *language = look->language;
	static const struct sp_page_link nowhere;
	const struct sp_page_form logout = {.token = form->token, .link = &nowhere};
	struct sp_part_head head = {SP_MESSAGE_CONNECTED_TITLE, note->about != SP_PAGE_NOTHING, 0};

	sp_part_begin(out, look, &head);
	sp_part_note(out, look, note);
	fprintf(out, "<p>%s</p>\n", language->text[SP_MESSAGE_CONNECTED]);
	put_left(out, language, answer);
	if (form->link->length) {
		fputs("<p><a class=\"button\" rel=\"noreferrer\" href=\"", out);
		sp_part_escaped(out, form->link->wanted, form->link->length);
		fprintf(out, "\">%s</a></p>\n", language->text[SP_MESSAGE_CONTINUE]);
	}
	fputs("<form method=\"post\" action=\"/logout\">\n", out);
	sp_part_hidden(out, &logout);
	fprintf(out, "<button type=\"submit\" class=\"quiet\">%s</button>\n</form>\n",
	        language->text[SP_MESSAGE_SIGN_OUT]);
	sp_part_end(out, look, &head);
}

void sp_page_message(FILE *out, const struct sp_page_look *look, enum sp_message title,
                     enum sp_message text)
{
	const struct sp_language *language = look->language;
	struct sp_part_head head = {.title = title};

	sp_part_begin(out, look, &head);
	fprintf(out, "<p>%s</p>\n<p><a class=\"button\" href=\"/\">%s</a></p>\n",
	        language->text[text], language->text[SP_MESSAGE_RETRY]);
	sp_part_end(out, look, &head);
}
