/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "lib/method.h"
#include "portal/page.h"
#include "portal/part.h"

#define CLICK    SP_METHOD_BIT(SP_METHOD_CLICK)
#define VOUCHER  SP_METHOD_BIT(SP_METHOD_VOUCHER)
#define PASSWORD (SP_METHOD_BIT(SP_METHOD_USER) | SP_METHOD_BIT(SP_METHOD_RADIUS))
#define EXTERNAL SP_METHOD_BIT(SP_METHOD_EXTERNAL)

/* A page of one request. */
struct sheet {
	FILE *out;
	const char *const *text; /* of the language */
	const struct sp_page_look *look;
	const struct sp_page_form *form;
	const struct sp_page_note *note;
};

static bool end_text(enum sp_ipc_ended ended, enum sp_message *text)
{
	switch (ended) {
	case SP_IPC_ENDED_TIME:
		*text = SP_MESSAGE_ENDED_TIME;
		return true;
	case SP_IPC_ENDED_IDLE:
		*text = SP_MESSAGE_ENDED_IDLE;
		return true;
	case SP_IPC_ENDED_QUOTA:
		*text = SP_MESSAGE_ENDED_DATA;
		return true;
	case SP_IPC_ENDED_OPERATOR:
		*text = SP_MESSAGE_ENDED_OPERATOR;
		return true;
	default:
		return false; /* who signed out knows it */
	}
}

bool sp_page_tells_end(enum sp_ipc_ended ended)
{
	enum sp_message text;

	return end_text(ended, &text);
}

static void begin_section(const struct sheet *sheet, const char *id, enum sp_message title)
{
	fprintf(sheet->out, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">%s</h2>\n", id, id,
	        sheet->text[title]);
}

/* Whether the form that the note is about is on the page: then the note is there, or it would be
 * out of sight on a small screen, where the cursor is put. */
static bool is_beside_form(const struct sheet *sheet)
{
	if (sheet->note->about == SP_PAGE_CODE)
		return sheet->form->methods & VOUCHER;
	return sheet->note->about == SP_PAGE_PASSWORD && sheet->form->methods & PASSWORD &&
	       sheet->form->secure;
}

static void begin_form(const struct sheet *sheet, const char *action, enum sp_page_subject about)
{
	if (about == sheet->note->about)
		sp_part_note(sheet->out, sheet->look, sheet->note);
	fprintf(sheet->out, "<form method=\"post\" action=\"%s\">\n", action);
	sp_part_hidden(sheet->out, sheet->form);
}

static void end_form(const struct sheet *sheet, enum sp_message button)
{
	fprintf(sheet->out, "<button type=\"submit\">%s</button>\n</form>\n</section>\n",
	        sheet->text[button]);
}

static void put_label(const struct sheet *sheet, const char *id, enum sp_message label)
{
	fprintf(sheet->out, "<label for=\"%s\">%s</label>\n", id, sheet->text[label]);
}

static void put_value(const struct sheet *sheet, const char *value)
{
	if (!value || !*value)
		return;
	fputs(" value=\"", sheet->out);
	sp_part_escaped(sheet->out, value, strlen(value));
	fputc('"', sheet->out);
}

/* The field that the note is about is where the visitor goes on; its description has the note. */
static void put_blame(const struct sheet *sheet, enum sp_page_subject about, const char *hint,
                      bool focus)
{
	bool blamed = sheet->note->about == about;

	if (blamed || *hint)
		fprintf(sheet->out, " aria-describedby=\"%s%s%s\"", blamed ? SP_PART_NOTE_ID : "",
		        blamed && *hint ? " " : "", hint);
	if (blamed)
		fprintf(sheet->out, " aria-invalid=\"true\"%s", focus ? " autofocus" : "");
	fputs(">\n", sheet->out);
}

static void put_click(const struct sheet *sheet)
{
	begin_section(sheet, "terms", SP_MESSAGE_TERMS_TITLE);
	fprintf(sheet->out, "<p>%s</p>\n<p>%s</p>\n", sheet->text[SP_MESSAGE_TERMS],
	        sheet->text[SP_MESSAGE_TERMS_PRIVACY]);
	begin_form(sheet, "/accept", SP_PAGE_NOTHING);
	end_form(sheet, SP_MESSAGE_ACCEPT);
}

static void put_voucher(const struct sheet *sheet)
{
	begin_section(sheet, "voucher", SP_MESSAGE_VOUCHER_TITLE);
	begin_form(sheet, "/voucher", SP_PAGE_CODE);
	put_label(sheet, "code", SP_MESSAGE_VOUCHER_CODE);
	fprintf(sheet->out,
	        "<p class=\"hint\" id=\"code-hint\">%s</p>\n"
	        "<input class=\"code\" id=\"code\" name=\"code\" type=\"text\" dir=\"ltr\" "
	        "inputmode=\"text\" autocomplete=\"off\" autocapitalize=\"none\" "
	        "autocorrect=\"off\" spellcheck=\"false\" maxlength=\"64\" required",
	        sheet->text[SP_MESSAGE_VOUCHER_HINT]);
	put_value(sheet, sheet->form->code);
	put_blame(sheet, SP_PAGE_CODE, "code-hint", true);
	end_form(sheet, SP_MESSAGE_VOUCHER_USE);
}

static void put_password(const struct sheet *sheet)
{
	begin_section(sheet, "user", SP_MESSAGE_USER_TITLE);
	begin_form(sheet, "/password", SP_PAGE_PASSWORD);
	put_label(sheet, "name", SP_MESSAGE_USER_NAME);
	fputs("<input id=\"name\" name=\"name\" type=\"text\" dir=\"auto\" "
	      "autocomplete=\"username\" "
	      "autocapitalize=\"none\" autocorrect=\"off\" spellcheck=\"false\" maxlength=\"253\" "
	      "required",
	      sheet->out);
	put_value(sheet, sheet->form->name);
	put_blame(sheet, SP_PAGE_PASSWORD, "", false);
	put_label(sheet, "password", SP_MESSAGE_PASSWORD);
	fputs("<input id=\"password\" name=\"password\" type=\"password\" dir=\"ltr\" "
	      "autocomplete=\"current-password\" maxlength=\"1000\" required",
	      sheet->out);
	put_blame(sheet, SP_PAGE_PASSWORD, "", true);
	end_form(sheet, SP_MESSAGE_SIGN_IN);
}

/* In place of the form, where a password would go over the air as it is. */
static void put_no_password(const struct sheet *sheet)
{
	const char *url = sheet->form->secure_url;

	begin_section(sheet, "user", SP_MESSAGE_USER_TITLE);
	fprintf(sheet->out, "<p>%s</p>\n", sheet->text[SP_MESSAGE_ERROR_INSECURE]);
	if (url && *url) {
		fputs("<p><a class=\"button\" href=\"", sheet->out);
		sp_part_escaped(sheet->out, url, strlen(url));
		sp_part_query(sheet->out, sheet->form->link);
		fprintf(sheet->out, "\">%s</a></p>\n", sheet->text[SP_MESSAGE_SECURE]);
	}
	fputs("</section>\n", sheet->out);
}

static void put_link(const struct sheet *sheet, const char *class, const char *path,
                     enum sp_message text)
{
	fprintf(sheet->out, "<p class=\"other\"><a class=\"%s\" href=\"%s", class, path);
	sp_part_query(sheet->out, sheet->form->link);
	fprintf(sheet->out, "\">%s</a></p>\n", sheet->text[text]);
}

static void put_methods(const struct sheet *sheet)
{
	const uint32_t methods = sheet->form->methods;

	if (methods & CLICK)
		put_click(sheet);
	if (methods & VOUCHER)
		put_voucher(sheet);
	if (methods & PASSWORD) {
		if (sheet->form->secure)
			put_password(sheet);
		else
			put_no_password(sheet);
	}
	if (methods & EXTERNAL)
		put_link(sheet, "button", "/external", SP_MESSAGE_EXTERNAL);
	if (!(methods & CLICK))
		put_link(sheet, "terms", "/terms", SP_MESSAGE_TERMS_AGREE);
}

void sp_page_sign_in(FILE *out, const struct sp_page_look *look, const struct sp_page_form *form,
                     const struct sp_page_note *note, enum sp_ipc_ended ended)
{
	const struct sheet sheet = {out, look->language->text, look, form, note};
	bool failed = note->about != SP_PAGE_NOTHING;
	enum sp_message why;
	bool tells = !failed && end_text(ended, &why);
	struct sp_part_head head = {tells ? SP_MESSAGE_ENDED_TITLE : SP_MESSAGE_WELCOME, failed, 0};

	sp_part_begin(out, look, &head);
	if (!is_beside_form(&sheet))
		sp_part_note(out, look, note);
	if (tells)
		fprintf(out, "<p>%s</p>\n", look->language->text[why]);
	put_methods(&sheet);
	sp_part_end(out, look, &head);
}
