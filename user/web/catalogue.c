/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/catalogue.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/text.h"
#include "web/html.h"
#include "web/keyfile.h"

#define SUFFIX  ".conf"
#define ENGLISH "en"

#define MESSAGE_KEY(name, key) [SP_MESSAGE_##name] = key,
static const char *const keys[SP_MESSAGE_COUNT] = {SP_MESSAGES(MESSAGE_KEY)};
#undef MESSAGE_KEY

/* @text escaped for HTML, to be freed; NULL without memory. */
static char *escape(const char *text)
{
	size_t longest = strlen("&quot;"), used = 0;
	char *out = malloc(strlen(text) * longest + 1);

	for (; out && *text; text++) {
		const char *replacement = sp_html_entity(*text);

		if (replacement)
			used = (size_t)(stpcpy(out + used, replacement) - out);
		else
			out[used++] = *text;
	}
	if (out)
		out[used] = '\0';
	return out;
}

static void free_text(struct sp_language *language, size_t message)
{
	free((char *)language->text[message]);
	free((char *)language->plain[message]);
}

static int set_text(struct sp_language *language, size_t message, const char *text)
{
	free_text(language, message);
	language->plain[message] = strdup(text);
	language->text[message] = escape(text);
	return language->plain[message] && language->text[message] ? 0 : -ENOMEM;
}

static int find_key(const char *key)
{
	for (int i = 0; i < SP_MESSAGE_COUNT; i++)
		if (strcmp(keys[i], key) == 0)
			return i;
	return -ENOENT;
}

/* A file being read. What it says twice is an error; what another file said before is replaced. */
struct reader {
	struct sp_language *language;
	bool direction, aliases;
	bool text[SP_MESSAGE_COUNT];
};

static int bad_entry(const struct sp_keyfile_entry *entry, struct sp_error *err, const char *what)
{
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s:%u: `%s`: %s", entry->path, entry->line,
	               entry->key, what);
}

/* Note in @seen that @entry was there. */
static int only_once(bool *seen, const struct sp_keyfile_entry *entry, struct sp_error *err)
{
	if (*seen)
		return bad_entry(entry, err, "given twice; remove one");
	*seen = true;
	return 0;
}

static int set_direction(struct sp_language *language, const struct sp_keyfile_entry *entry,
                         struct sp_error *err)
{
	if (strcmp(entry->text, "ltr") == 0)
		language->direction = "ltr";
	else if (strcmp(entry->text, "rtl") == 0)
		language->direction = "rtl";
	else
		return bad_entry(entry, err, "expected ltr or rtl");
	return 0;
}

/* Language tag: subtags of 1 to 8 letters or digits, the first of letters (RFC 5646), lower case.
 */
static bool is_tag(const char *tag)
{
	size_t subtag = 0;
	bool first = true;

	if (strlen(tag) >= SP_LANGUAGE_TAG)
		return false;
	for (; *tag; tag++) {
		if (*tag == '-' && subtag > 0) {
			subtag = 0;
			first = false;
		} else if ((*tag < 'a' || *tag > 'z') && (first || *tag < '0' || *tag > '9')) {
			return false;
		} else if (++subtag > 8) {
			return false;
		}
	}
	return subtag > 0;
}

static int set_aliases(struct sp_language *language, const struct sp_keyfile_entry *entry,
                       struct sp_error *err)
{
	size_t count = 0;

	memset(language->alias, 0, sizeof(language->alias));
	for (const char *at = entry->text; *at; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");
		char tag[SP_LANGUAGE_TAG] = "";

		if (length < sizeof(tag))
			memcpy(tag, at, length);
		if (!is_tag(tag))
			return bad_entry(entry, err,
			                 "expected language tags in lower case, as zh-tw, "
			                 "separated by blanks");
		if (count == SP_MAX_ALIASES)
			return bad_entry(entry, err, "more than 8 tags; remove some");
		memcpy(language->alias[count++], tag, sizeof(tag));
		at += length;
	}
	return 0;
}

const char *sp_catalogue_word(const char *text, unsigned index, int *length)
{
	for (; index > 0; index--)
		text += strcspn(text, " ") + 1;
	*length = (int)strcspn(text, " ");
	return text;
}

/* Whether @text is @count words, one blank between two. */
static bool has_words(const char *text, unsigned count)
{
	for (; count > 0; count--) {
		size_t length = strcspn(text, " ");

		if (length == 0 || (text[length] == '\0') != (count == 1))
			return false;
		text += length + 1;
	}
	return true;
}

static int check_words(int message, const struct sp_keyfile_entry *entry, struct sp_error *err)
{
	if (message == SP_MESSAGE_TIMES && !has_words(entry->text, SP_TIME_WORDS))
		return bad_entry(entry, err,
		                 "expected four words, for days, hours, minutes and seconds, with "
		                 "one blank between two");
	if (message == SP_MESSAGE_SIZES && !has_words(entry->text, SP_SIZE_WORDS))
		return bad_entry(entry, err,
		                 "expected seven words, as B kB MB GB TB PB EB, with one blank "
		                 "between two");
	return 0;
}

static int take_text(struct reader *reader, const struct sp_keyfile_entry *entry,
                     struct sp_error *err)
{
	int message = find_key(entry->key);
	int ret;

	if (message < 0)
		return bad_entry(entry, err, "no such text; the shipped en.conf has all there are");
	ret = only_once(&reader->text[message], entry, err);
	if (!ret)
		ret = check_words(message, entry, err);
	if (!ret && set_text(reader->language, (size_t)message, entry->text))
		ret = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "%s: out of memory", entry->path);
	return ret;
}

static int take_entry(const struct sp_keyfile_entry *entry, void *context, struct sp_error *err)
{
	struct reader *reader = context;
	int ret;

	if (*entry->section)
		return bad_entry(entry, err, "a catalogue has no sections; remove the [section]");
	if (!sp_text_printable(entry->text, strlen(entry->text)))
		return bad_entry(entry, err,
		                 "not UTF-8, or a control character; save the file as "
		                 "UTF-8");
	if (strcmp(entry->key, "direction") == 0) {
		ret = only_once(&reader->direction, entry, err);
		return ret ? ret : set_direction(reader->language, entry, err);
	}
	if (strcmp(entry->key, "aliases") == 0) {
		ret = only_once(&reader->aliases, entry, err);
		return ret ? ret : set_aliases(reader->language, entry, err);
	}
	return take_text(reader, entry, err);
}

/* Before what is missing is taken from English, so that the file to blame is known. */
static int check_first_page(const struct sp_language *language, const char *path,
                            struct sp_error *err)
{
	static const enum sp_message messages[] = {SP_MESSAGE_TITLE, SP_MESSAGE_TITLE,
	                                           SP_MESSAGE_EXPLAIN, SP_MESSAGE_LOGIN};
	size_t length = 0;

	for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++)
		if (language->text[messages[i]])
			length += strlen(language->text[messages[i]]);
	if (length > SP_FIRST_PAGE_TEXTS)
		return sp_fail(err, -E2BIG, SP_EXIT_USAGE,
		               "%s: `title` twice, `explain` and `login` are %zu bytes together, "
		               "at most %d fit in the page of the responder; shorten them",
		               path, length, SP_FIRST_PAGE_TEXTS);
	return 0;
}

static int check_english(const struct sp_language *english, const char *path, struct sp_error *err)
{
	for (size_t i = 0; i < SP_MESSAGE_COUNT; i++)
		if (!english->text[i])
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			               "%s: `%s` is missing; English must have every text", path,
			               keys[i]);
	return 0;
}

/* Take what a language does not say from English. */
static int complete(struct sp_catalogue *catalogue, struct sp_error *err)
{
	const struct sp_language *english = &catalogue->language[catalogue->english];

	for (size_t i = 0; i < catalogue->count; i++) {
		struct sp_language *language = &catalogue->language[i];

		if (!language->direction)
			language->direction = "ltr";
		for (size_t message = 0; message < SP_MESSAGE_COUNT; message++)
			if (!language->text[message] &&
			    set_text(language, message, english->plain[message]))
				return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	}
	return 0;
}

/* The language @tag, made if it is not there; NULL if there is no room for it. */
static struct sp_language *find_language(struct sp_catalogue *catalogue, const char *tag)
{
	struct sp_language *language = catalogue->language;

	for (size_t i = 0; i < catalogue->count; i++, language++)
		if (strcmp(language->tag, tag) == 0)
			return language;
	if (catalogue->count == SP_MAX_LANGUAGES)
		return NULL;
	catalogue->count++;
	snprintf(language->tag, sizeof(language->tag), "%s", tag);
	return language;
}

static int load_language(struct sp_catalogue *catalogue, const char *pages, const char *tag,
                         struct sp_error *err)
{
	struct reader reader = {.language = find_language(catalogue, tag)};
	char path[PATH_MAX];
	int ret;

	if (!reader.language)
		return sp_fail(err, -E2BIG, SP_EXIT_USAGE,
		               "%s/%s" SUFFIX ": more than %d languages; remove some", pages, tag,
		               SP_MAX_LANGUAGES);
	if (snprintf(path, sizeof(path), "%s/%s" SUFFIX, pages, tag) >= (int)sizeof(path))
		return sp_fail(err, -ENAMETOOLONG, SP_EXIT_FAILED, "%s: path too long", pages);
	ret = sp_keyfile_read(path, take_entry, &reader, err);
	if (!ret && strcmp(tag, ENGLISH) == 0)
		ret = check_english(reader.language, path, err);
	return ret ? ret : check_first_page(reader.language, path, err);
}

/* The catalogue in the file @name, if that is one and not that of @except. */
static int load_file(struct sp_catalogue *catalogue, const char *pages, char *name,
                     const char *except, struct sp_error *err)
{
	char *suffix = strrchr(name, '.');

	if (!suffix || strcmp(suffix, SUFFIX) != 0)
		return 0;
	*suffix = '\0';
	if (strcmp(name, except) == 0)
		return 0;
	if (!is_tag(name))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "%s/%s" SUFFIX ": a catalogue is named after its language in lower "
		               "case, as fr" SUFFIX " or zh-hant" SUFFIX "; rename it",
		               pages, name);
	return load_language(catalogue, pages, name, err);
}

static int load_folder(struct sp_catalogue *catalogue, const char *pages, const char *except,
                       struct sp_error *err)
{
	struct dirent **entries;
	int count = scandir(pages, &entries, NULL, alphasort);
	int ret = 0;

	if (count < 0)
		return sp_fail(err, -errno, SP_EXIT_FAILED, "%s: %s", pages, strerror(errno));
	for (int i = 0; i < count; i++) {
		if (!ret)
			ret = load_file(catalogue, pages, entries[i]->d_name, except, err);
		free(entries[i]);
	}
	free(entries);
	return ret;
}

static int load_own(struct sp_catalogue *catalogue, const char *own, struct sp_error *err)
{
	if (access(own, R_OK | X_OK))
		return sp_fail(err, -errno, SP_EXIT_USAGE,
		               "%s: %s; expected the folder that the key `pages` in section "
		               "[portal], or in that of a zone, names",
		               own, strerror(errno));
	return load_folder(catalogue, own, "", err);
}

int sp_catalogue_load(struct sp_catalogue *catalogue, const char *directory,
                      const struct sp_own_pages *own, struct sp_error *err)
{
	char pages[PATH_MAX];
	int ret;

	memset(catalogue, 0, sizeof(*catalogue));
	if (snprintf(pages, sizeof(pages), "%s/pages", directory) >= (int)sizeof(pages))
		return sp_fail(err, -ENAMETOOLONG, SP_EXIT_FAILED, "%s: path too long", directory);
	ret = load_language(catalogue, pages, ENGLISH, err);
	if (!ret)
		ret = load_folder(catalogue, pages, ENGLISH, err);
	for (unsigned i = 0; !ret && own && i < SP_OWN_PAGES; i++)
		if (own->folder[i] && *own->folder[i])
			ret = load_own(catalogue, own->folder[i], err);
	if (!ret)
		ret = complete(catalogue, err);
	if (ret)
		sp_catalogue_free(catalogue);
	return ret;
}

void sp_catalogue_free(struct sp_catalogue *catalogue)
{
	for (size_t i = 0; i < catalogue->count; i++)
		for (size_t message = 0; message < SP_MESSAGE_COUNT; message++)
			free_text(&catalogue->language[i], message);
	memset(catalogue, 0, sizeof(*catalogue));
}
