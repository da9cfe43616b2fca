/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/part.h"

#include <string.h>

#include "portal/quantity.h"
#include "web/html.h"

void sp_part_escaped(FILE *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		const char *entity = sp_html_entity(text[i]);

		if (entity)
			fputs(entity, out);
		else
			fputc(text[i], out);
	}
}

static void put_title(FILE *out, const struct sp_language *language,
                      const struct sp_part_head *head)
{
	if (head->failed)
		fprintf(out, "%s \u2013 ", language->text[SP_MESSAGE_ERROR_TITLE]);
	fputs(language->text[head->title], out);
}

static void put_place(FILE *out, const struct sp_page_look *look, const struct sp_part_head *head,
                      enum sp_frame_place place)
{
	const struct sp_language *language = look->language;

	if (place == SP_FRAME_LANGUAGE)
		fputs(language->tag, out);
	else if (place == SP_FRAME_DIRECTION)
		fputs(language->direction, out);
	else if (place == SP_FRAME_TITLE)
		put_title(out, language, head);
	else if (place == SP_FRAME_LOGO && look->logo)
		fprintf(out, "<img class=\"logo\" src=\"/logo\" alt=\"%s\">\n",
		        language->text[SP_MESSAGE_LOGO]);
}

/* Write the frame from the piece @i on up to @stop. Returns the piece behind that. */
static size_t put_frame(FILE *out, const struct sp_page_look *look, const struct sp_part_head *head,
                        size_t i, enum sp_frame_place stop)
{
	const struct sp_frame *frame = look->frame;

	for (;; i++) {
		fwrite(frame->piece[i].text, 1, frame->piece[i].length, out);
		if (frame->piece[i].place == stop)
			return i + 1;
		put_place(out, look, head, frame->piece[i].place);
	}
}

void sp_part_begin(FILE *out, const struct sp_page_look *look, struct sp_part_head *head)
{
	head->behind = put_frame(out, look, head, 0, SP_FRAME_CONTENT);
	fprintf(out, "<h1>%s</h1>\n", look->language->text[head->title]);
}

void sp_part_end(FILE *out, const struct sp_page_look *look, const struct sp_part_head *head)
{
	put_frame(out, look, head, head->behind, SP_FRAME_END);
}

void sp_part_note(FILE *out, const struct sp_page_look *look, const struct sp_page_note *note)
{
	const struct sp_language *language = look->language;

	if (note->about == SP_PAGE_NOTHING)
		return;
	fprintf(out, "<div class=\"note\" id=\"" SP_PART_NOTE_ID "\" role=\"alert\">\n<p>%s</p>\n",
	        language->text[note->text]);
	if (note->said && *note->said) {
		fputs("<p dir=\"auto\">", out); /* in whatever language the server speaks */
		sp_part_escaped(out, note->said, strlen(note->said));
		fputs("</p>\n", out);
	}
	if (note->wait) {
		fprintf(out, "<dl><div><dt>%s</dt><dd>", language->text[SP_MESSAGE_WAIT]);
		sp_quantity_put_duration(out, language, note->wait);
		fputs("</dd></div></dl>\n", out);
	}
	fputs("</div>\n", out);
}

void sp_part_query(FILE *out, const struct sp_page_link *link)
{
	char encoded[3 * SP_LINK_WANTED];

	/* What is left plain has no meaning in HTML. */
	if (link->length && sp_link_encode(encoded, sizeof(encoded), link->wanted, link->length))
		fprintf(out, "?u=%s&amp;t=%s", encoded, link->tag);
}

void sp_part_hidden(FILE *out, const struct sp_page_form *form)
{
	fprintf(out, "<input type=\"hidden\" name=\"c\" value=\"%s\">\n", form->token);
	if (!form->link->length)
		return;
	fputs("<input type=\"hidden\" name=\"u\" value=\"", out);
	sp_part_escaped(out, form->link->wanted, form->link->length);
	fprintf(out, "\">\n<input type=\"hidden\" name=\"t\" value=\"%s\">\n", form->link->tag);
}
