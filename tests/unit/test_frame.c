/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame of the portal's pages: the shipped one, an operator's own, and what is wrong in one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/method.h"
#include "portal/page.h"
#include "web/frame.h"
#include "web/pages.h"

static char own[32];      /* the operator's folder */
static char shipped[256]; /* user/portal of the sources */

static int setup(void **state)
{
	char self[256];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *end;

	(void)state;
	assert_true(length > 0);
	self[length] = '\0';
	end = strstr(self, "/.output/");
	assert_non_null(end);
	*end = '\0';
	assert_true((size_t)snprintf(shipped, sizeof(shipped), "%s/user/portal", self) <
	            sizeof(shipped));
	strcpy(own, "/tmp/sp-frame-XXXXXX");
	assert_non_null(mkdtemp(own));
	return 0;
}

static void path_of(char path[64])
{
	snprintf(path, 64, "%s/page.html", own);
}

static int teardown(void **state)
{
	char path[64];

	(void)state;
	path_of(path);
	unlink(path);
	return rmdir(own);
}

static void write_frame(const char *text, size_t length)
{
	char path[64];
	FILE *file;

	path_of(path);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static void expect_error(const char *text, size_t length, const char *behind)
{
	char expected[512], path[64];
	struct sp_frame frame;
	struct sp_error err;

	write_frame(text, length);
	assert_true(sp_frame_load(&frame, shipped, &(struct sp_own_pages){{own}}, &err) < 0);
	assert_int_equal(err.exit_code, SP_EXIT_USAGE);
	assert_null(frame.source);
	path_of(path);
	snprintf(expected, sizeof(expected), "%s%s", path, behind);
	if (strncmp(err.text, expected, strlen(expected)) != 0)
		fail_msg("%s\nis not\n%s...", err.text, expected);
}

static void test_errors(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"", ": `{{content}}` is there 0 times"},
		{"<p>\n</p>", ": `{{content}}` is there 0 times"},
		{"{{content}}\n{{content}}", ": `{{content}}` is there 2 times"},
		{"<p>\n\n{{contents}}", ":3: `{{contents}}`: no such place"},
		{"{{ content }}", ":1: `{{ content }}`: no such place"},
		{"{{}}{{content}}", ":1: `{{}}`: no such place"},
		{"{{content}}\n{{title", ":2: `{{title`: expected }} behind it"},
		{"{{content}}\n\n{{! no end\nof it }", ":3: `{{! no end`: expected }}"},
		{"{{content}}\n\xff\n", ":2: not UTF-8"},
		{"{{content}}\n\n\tx\x1b\n", ":3: not UTF-8"},
	};
	char many[1024] = "{{content}}\n";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		expect_error(rows[i].text, strlen(rows[i].text), rows[i].error);
	expect_error("{{content}}\n\0<p>", 16, ":2: not UTF-8");
	for (unsigned i = 0; i < 40; i++)
		strcat(many, "{{title}}\n");
	expect_error(many, strlen(many), ":33: `{{`: more than 31 places");
}

static void test_too_long(void **state)
{
	char *text = calloc(1, SP_PAGE_MOST + 2);
	struct sp_frame frame;
	struct sp_error err;

	(void)state;
	assert_non_null(text);
	strcpy(text, "{{content}}");
	memset(text + strlen(text), ' ', SP_PAGE_MOST + 1 - strlen(text));
	write_frame(text, SP_PAGE_MOST + 1);
	assert_int_equal(sp_frame_load(&frame, shipped, &(struct sp_own_pages){{own}}, &err),
	                 -EFBIG);
	assert_non_null(strstr(err.text, "at most 65536 bytes"));
	write_frame(text, SP_PAGE_MOST);
	assert_int_equal(sp_frame_load(&frame, shipped, &(struct sp_own_pages){{own}}, &err), 0);
	sp_frame_free(&frame);
	free(text);
}

/* What a page looks like in the frame of the moment, to be freed. */
static char *render(const char *folder, const struct sp_page_form *form,
                    const struct sp_page_note *note)
{
	static struct sp_pages pages;
	struct sp_page_look look;
	struct sp_error err;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	assert_int_equal(sp_pages_load(&pages, shipped, &(struct sp_own_pages){{folder}}, &err), 0);
	look = (struct sp_page_look){&pages.catalogue.language[pages.catalogue.english],
	                             &pages.frame, true};
	sp_page_sign_in(out, &look, form, note, SP_IPC_ENDED_NOT);
	assert_int_equal(fclose(out), 0);
	sp_pages_free(&pages);
	return text;
}

static const struct sp_page_link nowhere;

static void test_own_frame(void **state)
{
	static const char frame[] =
		"{{! ours }}\n<i>{{title}}|{{language}}|{{direction}}</i>{{logo}}"
		"{{!}}<main>{{content}}</main>{{title}}{{! end }}\n";
	const struct sp_page_form form = {.token = "1", .link = &nowhere};
	const struct sp_page_note none = {0};
	char *text;

	(void)state;
	write_frame(frame, strlen(frame));
	text = render(own, &form, &none);
	assert_string_equal(
		text,
		"<i>Welcome|en|ltr</i><img class=\"logo\" src=\"/logo\" "
		"alt=\"Logo of this network\">\n<main><h1>Welcome</h1>\n"
		"<p class=\"other\"><a class=\"terms\" href=\"/terms\">By signing in you accept "
		"the terms of use.</a></p>\n</main>Welcome\n");
	free(text);
}

static void test_shipped_frame(void **state)
{
	const struct sp_page_form form = {.token = "1", .link = &nowhere};
	const struct sp_page_note none = {0};
	static const char begin[] = "<!DOCTYPE html>\n<html lang=\"en\" dir=\"ltr\">\n";
	char *text = render("", &form, &none);

	(void)state;
	assert_int_equal(strncmp(text, begin, strlen(begin)), 0);
	assert_null(strstr(text, "{{"));
	assert_null(strstr(text, "SPDX"));
	free(text);
}

/* Over TLS there is the form for a password: what it says to browsers and screen readers, and what
 * was typed into it, harmless. */
static void test_password_form(void **state)
{
	static const char *const expected[] = {
		"action=\"/password\"",
		"<label for=\"name\">User name</label>",
		"<label for=\"password\">Password</label>",
		"autocomplete=\"username\"",
		"autocomplete=\"current-password\"",
		"value=\"&lt;ann&#39;&quot;\"",
		"<div class=\"note\" id=\"note\" role=\"alert\">",
		"name=\"c\" value=\"token\"",
	};
	const struct sp_page_form form = {.token = "token",
	                                  .link = &nowhere,
	                                  .methods = SP_METHOD_BIT(SP_METHOD_RADIUS),
	                                  .secure = true,
	                                  .name = "<ann'\""};
	const struct sp_page_note note = {.about = SP_PAGE_PASSWORD,
	                                  .text = SP_MESSAGE_ERROR_PASSWORD};
	char *text = render("", &form, &note);
	const char *focus = strstr(text, "autofocus");

	(void)state;
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		if (!strstr(text, expected[i]))
			fail_msg("%s\nis not in\n%s", expected[i], text);
	/* The cursor is in the password, once; both fields have the message for a description. */
	assert_non_null(focus);
	assert_null(strstr(focus + 1, "autofocus"));
	assert_true(focus > strstr(text, "type=\"password\""));
	assert_non_null(strstr(text, "aria-describedby=\"note\" aria-invalid=\"true\">"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),        cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_own_frame),     cmocka_unit_test(test_shipped_frame),
		cmocka_unit_test(test_password_form),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
