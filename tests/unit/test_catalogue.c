/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "web/catalogue.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char directory[] = "/tmp/sp-catalogue-XXXXXX";
static char own[sizeof(directory) + 4]; /* the operator's folder */

#define KEY(name, key) key,
static const char *const keys[] = {SP_MESSAGES(KEY)};

static void page_path(char path[PATH_MAX], const char *name)
{
	snprintf(path, PATH_MAX, "%s/pages/%s", directory, name);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void write_page(const char *name, const char *text)
{
	char path[PATH_MAX];

	page_path(path, name);
	write_file(path, text);
}

static void write_own(const char *name, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", own, name);
	write_file(path, text);
}

static void remove_page(const char *name)
{
	char path[PATH_MAX];

	page_path(path, name);
	unlink(path);
	snprintf(path, sizeof(path), "%s/%s", own, name);
	unlink(path);
}

static const char *english_text(const char *key)
{
	static char text[64];

	if (strcmp(key, "times") == 0)
		return "d h min s";
	if (strcmp(key, "sizes") == 0)
		return "B kB MB GB TB PB EB";
	snprintf(text, sizeof(text), "English %s", key);
	return text;
}

/* A complete English catalogue, less the key @without. */
static void write_english(const char *without)
{
	char text[8192], *end = text;

	for (size_t i = 0; i < COUNT(keys); i++)
		if (!without || strcmp(keys[i], without) != 0)
			end += sprintf(end, "%s = %s\n", keys[i], english_text(keys[i]));
	write_page("en.conf", text);
}

static int make_directory(void **state)
{
	char path[PATH_MAX];

	(void)state;
	if (!mkdtemp(directory))
		return -1;
	page_path(path, "");
	snprintf(own, sizeof(own), "%s/own", directory);
	return mkdir(path, 0700) || mkdir(own, 0700);
}

static int remove_directory(void **state)
{
	char path[PATH_MAX];

	(void)state;
	page_path(path, "");
	return rmdir(path) || rmdir(own) || rmdir(directory);
}

static int remove_pages(void **state)
{
	static const char *const names[] = {
		"en.conf",      "fr.conf",    "ar.conf", "zh-hans.conf",
		"zh-hant.conf", "pt-br.conf", "EN.conf", "style.css",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		remove_page(names[i]);
	return 0;
}

static void assert_load_fails(int code, const char *text)
{
	struct sp_catalogue catalogue;
	struct sp_error err = {0};

	assert_int_equal(
		sp_catalogue_load(&catalogue, directory, &(struct sp_own_pages){{own}}, &err),
		code);
	if (!strstr(err.text, text))
		fail_msg("expected \"%s\" in: %s", text, err.text);
}

static void load(struct sp_catalogue *catalogue)
{
	struct sp_error err = {0};

	if (sp_catalogue_load(catalogue, directory, &(struct sp_own_pages){{own}}, &err))
		fail_msg("%s", err.text);
}

static void test_load(void **state)
{
	struct sp_catalogue catalogue;

	(void)state;
	write_english(NULL);
	write_page("style.css", "body {}");
	write_page("ar.conf", "direction = rtl\ntitle = a \"b\" <c> & 'd'; e\n");
	write_page("fr.conf", "; commentaire ; ici\ntitle = Authentification\n  réseau requise\n");
	load(&catalogue);
	assert_int_equal(catalogue.count, 3);
	assert_int_equal(catalogue.english, 0);
	assert_string_equal(catalogue.language[0].tag, "en");
	assert_string_equal(catalogue.language[0].direction, "ltr");
	assert_string_equal(catalogue.language[1].tag, "ar");
	assert_string_equal(catalogue.language[1].direction, "rtl");
	assert_string_equal(catalogue.language[1].plain[SP_MESSAGE_TITLE], "a \"b\" <c> & 'd'; e");
	assert_string_equal(catalogue.language[1].text[SP_MESSAGE_TITLE],
	                    "a &quot;b&quot; &lt;c&gt; &amp; &#39;d&#39;; e");
	assert_string_equal(catalogue.language[2].text[SP_MESSAGE_TITLE],
	                    "Authentification réseau requise");
	assert_string_equal(catalogue.language[2].text[SP_MESSAGE_LOGIN], "English login");
	sp_catalogue_free(&catalogue);
}

static void test_load_shipped(void **state)
{
	struct sp_catalogue catalogue;
	struct sp_error err = {0};

	(void)state;
	if (sp_catalogue_load(&catalogue, "user/portal", NULL, &err))
		fail_msg("%s", err.text);
	assert_int_equal(catalogue.count, 13);
	sp_catalogue_free(&catalogue);
}

static const struct sp_language *language_of(const struct sp_catalogue *catalogue, const char *tag)
{
	for (size_t i = 0; i < catalogue->count; i++)
		if (strcmp(catalogue->language[i].tag, tag) == 0)
			return &catalogue->language[i];
	fail_msg("no language %s", tag);
	return NULL;
}

/* The operator's texts replace the shipped ones, one by one; the operator's languages are added. */
static void test_load_own(void **state)
{
	struct sp_catalogue catalogue;
	const struct sp_language *french, *arabic;

	(void)state;
	write_english(NULL);
	write_page("fr.conf", "title = titre\nlogin = entrer\naliases = fro\n");
	write_own("en.conf", "title = Ours\n");
	write_own("fr.conf", "login = À nous\naliases = frp gcf\n");
	write_own("ar.conf", "direction = rtl\nlogin = l\n");
	load(&catalogue);
	assert_int_equal(catalogue.count, 3);
	assert_string_equal(catalogue.language[0].plain[SP_MESSAGE_TITLE], "Ours");
	assert_string_equal(catalogue.language[0].plain[SP_MESSAGE_LOGIN], "English login");
	french = language_of(&catalogue, "fr");
	assert_string_equal(french->plain[SP_MESSAGE_TITLE], "titre");
	assert_string_equal(french->text[SP_MESSAGE_LOGIN], "À nous");
	assert_string_equal(french->alias[0], "frp");
	assert_string_equal(french->alias[1], "gcf");
	assert_string_equal(french->alias[2], "");
	arabic = language_of(&catalogue, "ar");
	assert_string_equal(arabic->direction, "rtl");
	assert_string_equal(arabic->text[SP_MESSAGE_TITLE], "Ours");
	sp_catalogue_free(&catalogue);
}

static void test_load_own_fails(void **state)
{
	struct sp_catalogue catalogue;
	struct sp_error err = {0};

	(void)state;
	write_english(NULL);
	write_own("fr.conf", "title = a\ntitle = b\n");
	assert_load_fails(-EINVAL, "/own/fr.conf:2: `title`: given twice");
	assert_int_equal(sp_catalogue_load(&catalogue, directory,
	                                   &(struct sp_own_pages){{"/nonexistent/pages"}}, &err),
	                 -ENOENT);
	assert_int_equal(err.exit_code, SP_EXIT_USAGE);
	assert_non_null(strstr(err.text, "/nonexistent/pages: No such file or directory; expected "
	                                 "the folder that the key `pages`"));
}

static void test_words(void **state)
{
	const char *text = "a bc def";
	int length;

	(void)state;
	assert_ptr_equal(sp_catalogue_word(text, 0, &length), text);
	assert_int_equal(length, 1);
	assert_ptr_equal(sp_catalogue_word(text, 2, &length), text + 5);
	assert_int_equal(length, 3);
}

static void test_load_fails(void **state)
{
	static const struct {
		const char *text, *error;
	} bad[] = {
		{"title = a\ntitle = b\n", "fr.conf:2: `title`: given twice"},
		{"direction = ltr\ndirection = ltr\n", "fr.conf:2: `direction`: given twice"},
		{"direction = up\n", "fr.conf:1: `direction`: expected ltr or rtl"},
		{"titel = a\n", "fr.conf:1: `titel`: no such text"},
		{"\n[page]\ntitle = a\n", "fr.conf:3: `title`: a catalogue has no sections"},
		{"title = \xe9\n", "fr.conf:1: `title`: not UTF-8"},
		{"title = a\x1b[1m\n", "fr.conf:1: `title`: not UTF-8, or a control character"},
		{"# a\ntitle\n", "fr.conf:2: expected"},
		{"title =\n", "fr.conf:1: no text"},
		{"= a\n", "fr.conf:1: no key"},
		{"title = a ; b\n", "fr.conf:1: a blank before ';'"},
		{"aliases = fr-ca\naliases = fr-ch\n", "fr.conf:2: `aliases`: given twice"},
		{"aliases = fr_CA\n", "fr.conf:1: `aliases`: expected language tags"},
		{"aliases = fr-ca, fr-ch\n", "fr.conf:1: `aliases`: expected language tags"},
		{"aliases = fr-abcdefgh-abcdefgh\n", "fr.conf:1: `aliases`: expected"},
		{"aliases = a b c d e f g h i\n", "fr.conf:1: `aliases`: more than 8"},
		{"times = j h min\n", "fr.conf:1: `times`: expected four words"},
		{"times = j h min s ms\n", "fr.conf:1: `times`: expected four words"},
		{"times = j  h min s\n", "fr.conf:1: `times`: expected four words"},
		{"sizes = o ko Mo\n", "fr.conf:1: `sizes`: expected seven words"},
	};

	(void)state;
	assert_load_fails(-ENOENT, "en.conf: No such file");
	write_english("login");
	assert_load_fails(-EINVAL, "en.conf: `login` is missing");
	write_english(NULL);
	for (size_t i = 0; i < COUNT(bad); i++) {
		write_page("fr.conf", bad[i].text);
		assert_load_fails(-EINVAL, bad[i].error);
	}
	remove_page("fr.conf");
	write_page("EN.conf", "title = a\n");
	assert_load_fails(-EINVAL, "EN.conf: a catalogue is named after its language");
}

static void test_long_lines(void **state)
{
	struct sp_catalogue catalogue;
	char text[8192] = "terms = ";

	(void)state;
	write_english(NULL);
	memset(text + 8, 'a', 992);
	text[1000] = '\n';
	write_page("fr.conf", text);
	load(&catalogue);
	assert_int_equal(strlen(catalogue.language[1].plain[SP_MESSAGE_TERMS]), 992);
	sp_catalogue_free(&catalogue);
	strcpy(text + 1000, "a\n");
	write_page("fr.conf", text);
	assert_load_fails(-EINVAL, "fr.conf:1: line too long");

	strcpy(text, "terms = a\n");
	for (int i = 0; i < 15; i++)
		sprintf(text + strlen(text), "\t%0*d\n", 130, 7);
	write_page("fr.conf", text);
	load(&catalogue);
	assert_int_equal(strlen(catalogue.language[1].plain[SP_MESSAGE_TERMS]), 1 + 15 * 131);
	sp_catalogue_free(&catalogue);
	sprintf(text + strlen(text), "\t%0*d\n", 130, 7);
	write_page("fr.conf", text);
	assert_load_fails(-EINVAL, "fr.conf:17: text too long");
}

/* The page of the responder is one segment. */
static void test_first_page(void **state)
{
	struct sp_catalogue catalogue;
	char text[512];

	(void)state;
	write_english(NULL);
	sprintf(text, "title = %0*d\nexplain = %0*d\nlogin = %0*d\n", 100, 0, 100, 0, 100, 0);
	write_page("fr.conf", text);
	load(&catalogue);
	sp_catalogue_free(&catalogue);
	/* Counted as the page has it: the apostrophe is five bytes. */
	write_page("fr.conf", text);
	sprintf(text, "login = %0*d'\n", 96, 0);
	write_own("fr.conf", text);
	assert_load_fails(-E2BIG,
	                  "/own/fr.conf: `title` twice, `explain` and `login` are 401 bytes");
}

/* In a buffer of exactly its size, so that the sanitizer sees a look beyond it. */
static char *exact_copy(const char *text, size_t length)
{
	char *copy = malloc(length ? length : 1);

	assert_non_null(copy);
	memcpy(copy, text, length);
	return copy;
}

static void assert_choice(const struct sp_catalogue *catalogue, const char *value,
                          const char *expected)
{
	size_t length = strlen(value);
	char *copy = exact_copy(value, length);
	size_t choice;

	choice = sp_catalogue_choose(catalogue, copy, length);
	free(copy);
	assert_true(choice < catalogue->count);
	if (strcmp(catalogue->language[choice].tag, expected) != 0)
		fail_msg("\"%s\": %s, expected %s", value, catalogue->language[choice].tag,
		         expected);
}

struct choice {
	const char *value, *language;
};

static void test_choose(void **state)
{
	static const struct choice cases[] = {
		{"", "en"},
		{"*", "en"},
		{"fr", "fr"},
		{"FR-ca", "fr"},
		{"fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "fr"},
		{"en-US,en;q=0.5", "en"},
		{"de, nl", "en"},
		{"de, fr;q=0.1", "fr"},
		{"en;q=0.5, fr;q=0.6", "fr"},
		{"fr, en", "fr"},
		{"en, fr", "en"},
		{"fr;q=0.5, en;q=0.5", "fr"},
		{"fr;q=0", "en"},
		{"en;q=0, *", "ar"},
		{"fr-CA, fr;q=0, ar;q=0.1", "ar"},
		{"fr-CA;q=0, fr", "fr"},
		{"fr;q=0.3, *;q=0.9", "en"},
		{"zh-Hant-TW, fr;q=0.5", "zh-hant"},
		{"zh, fr;q=0.5", "fr"},
		{"zh-Hant-x-private-use-of-many-subtags", "zh-hant"},
		{"abcdefghijklmnopqrstuvwxyz, fr;q=0.5", "fr"},
		{"f, fra, fr-", "fr"},
		{"-fr", "en"},
		{"fr;q=1.001, ar;q=0.2", "ar"},
		{"fr;q=0.9999, ar;q=0.2", "ar"},
		{"fr;q=x, ar;q=0.2", "ar"},
		{"fr;q=, ar;q=0.2", "ar"},
		{"fr;q=.5, ar;q=0.2", "ar"},
		{"fr;q=2, ar;q=0.2", "ar"},
		{"fr;q=1.000, ar", "fr"},
		{"ar ; q=0.2 ,\tfr ; Q=0.3", "fr"},
		{",,;q=1,, fr", "fr"},
		{"\"fr, ar", "en"},
		{"\xff\xfe, fr", "fr"},
	};
	struct sp_catalogue catalogue;

	(void)state;
	write_english(NULL);
	write_page("fr.conf", "title = t\n");
	write_page("ar.conf", "title = t\n");
	write_page("zh-hant.conf", "title = t\n");
	load(&catalogue);
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_choice(&catalogue, cases[i].value, cases[i].language);
	sp_catalogue_free(&catalogue);
}

/* Regions and scripts: aliases, and the lookup without the last subtags. */
static void test_choose_shipped(void **state)
{
	static const struct choice cases[] = {
		{"zh-TW,zh;q=0.9,en;q=0.8", "zh-hant"},
		{"zh-hk", "zh-hant"},
		{"zh-MO", "zh-hant"},
		{"zh-Hant", "zh-hant"},
		{"zh-Hant-HK", "zh-hant"},
		{"zh-TW-x-private", "zh-hant"},
		{"yue", "zh-hant"},
		{"yue-HK", "zh-hant"},
		{"zh", "zh-hans"},
		{"zh-CN,zh;q=0.9", "zh-hans"},
		{"zh-SG", "zh-hans"},
		{"zh-Hans-CN", "zh-hans"},
		{"zh-Hans-TW", "zh-hans"},
		{"cmn-CN", "zh-hans"},
		{"zh-hans;q=0, zh", "en"},
		{"zh-hans;q=0, zh-TW;q=0.1, zh", "zh-hant"},
		{"pt-BR,pt;q=0.9", "pt-br"},
		{"pt-PT", "pt"},
		{"pt-AO", "pt"},
		{"pt", "pt"},
		{"es-419,es;q=0.9", "es"},
		{"de-AT", "de"},
		{"de-CH-1996", "de"},
		{"ar-EG", "ar"},
		{"nl-BE, fr-BE;q=0.9", "nl"},
		{"gsw, de;q=0.1", "de"},
		{"sv, ja;q=0.2, pl;q=0.3", "pl"},
		{"he, fa, ur", "en"},
	};
	struct sp_catalogue catalogue;
	struct sp_error err;

	(void)state;
	assert_int_equal(sp_catalogue_load(&catalogue, "user/portal", NULL, &err), 0);
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_choice(&catalogue, cases[i].value, cases[i].language);
	sp_catalogue_free(&catalogue);
}

/* A language that is there goes before one that has its tag as an alias. */
static void test_choose_own(void **state)
{
	struct sp_catalogue catalogue;

	(void)state;
	write_english(NULL);
	write_page("ar.conf", "aliases = zh-hans fr\n");
	write_own("zh-hans.conf", "title = t\n");
	load(&catalogue);
	assert_choice(&catalogue, "fr-FR", "ar");
	assert_choice(&catalogue, "zh-Hans-CN", "zh-hans");
	assert_choice(&catalogue, "zh-hans;q=0, fr", "ar");
	sp_catalogue_free(&catalogue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_load, remove_pages),
		cmocka_unit_test(test_load_shipped),
		cmocka_unit_test_teardown(test_load_own, remove_pages),
		cmocka_unit_test_teardown(test_load_own_fails, remove_pages),
		cmocka_unit_test(test_words),
		cmocka_unit_test_teardown(test_load_fails, remove_pages),
		cmocka_unit_test_teardown(test_long_lines, remove_pages),
		cmocka_unit_test_teardown(test_first_page, remove_pages),
		cmocka_unit_test_teardown(test_choose, remove_pages),
		cmocka_unit_test(test_choose_shipped),
		cmocka_unit_test_teardown(test_choose_own, remove_pages),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
