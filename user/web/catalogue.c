/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/catalogue.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int set_text(struct sp_language *language, size_t message, const char *text)
{
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

static int bad_entry(const struct sp_keyfile_entry *entry, struct sp_error *err, const char *what)
{
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s:%u: `%s`: %s", entry->path, entry->line,
	               entry->key, what);
}

static int set_direction(struct sp_language *language, const struct sp_keyfile_entry *entry,
                         struct sp_error *err)
{
	if (language->direction)
		return bad_entry(entry, err, "given twice; remove one");
	if (strcmp(entry->text, "ltr") == 0)
		language->direction = "ltr";
	else if (strcmp(entry->text, "rtl") == 0)
		language->direction = "rtl";
	else
		return bad_entry(entry, err, "expected ltr or rtl");
	return 0;
}

static int take_entry(const struct sp_keyfile_entry *entry, void *context, struct sp_error *err)
{
	struct sp_language *language = context;
	int message = find_key(entry->key);

	if (*entry->section)
		return bad_entry(entry, err, "a catalogue has no sections; remove the [section]");
	if (!sp_text_printable(entry->text, strlen(entry->text)))
		return bad_entry(entry, err,
		                 "not UTF-8, or a control character; save the file as "
		                 "UTF-8");
	if (strcmp(entry->key, "direction") == 0)
		return set_direction(language, entry, err);
	if (message < 0)
		return bad_entry(entry, err, "no such text; en.conf has all there are");
	if (language->text[message])
		return bad_entry(entry, err, "given twice; remove one");
	if (set_text(language, (size_t)message, entry->text))
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "%s: out of memory", entry->path);
	return 0;
}

/* Take what @language does not say from @english, which is @language itself for English. */
static int complete(struct sp_language *language, const struct sp_language *english,
                    const char *path, struct sp_error *err)
{
	if (!language->direction)
		language->direction = "ltr";
	for (size_t i = 0; i < SP_MESSAGE_COUNT; i++) {
		if (language->text[i])
			continue;
		if (language == english)
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			               "%s: `%s` is missing; English must have every text", path,
			               keys[i]);
		if (set_text(language, i, english->plain[i]))
			return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "%s: out of memory", path);
	}
	return 0;
}

static int load_language(struct sp_catalogue *catalogue, const char *pages, const char *tag,
                         struct sp_error *err)
{
	struct sp_language *language = &catalogue->language[catalogue->count];
	char path[PATH_MAX];
	int ret;

	if (snprintf(path, sizeof(path), "%s/%s" SUFFIX, pages, tag) >= (int)sizeof(path))
		return sp_fail(err, -ENAMETOOLONG, SP_EXIT_FAILED, "%s: path too long", pages);
	catalogue->count++; /* from here on sp_catalogue_free knows of it */
	snprintf(language->tag, sizeof(language->tag), "%s", tag);
	ret = sp_keyfile_read(path, take_entry, language, err);
	if (ret)
		return ret;
	return complete(language, &catalogue->language[catalogue->english], path, err);
}

/* Language tag: subtags of 1 to 8 letters or digits, the first of letters (RFC 5646), lower case.
 */
static bool is_tag(const char *tag)
{
	size_t subtag = 0;
	bool first = true;

	if (strlen(tag) >= sizeof(((struct sp_language *)0)->tag))
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

static int load_other(struct sp_catalogue *catalogue, const char *pages, char *name,
                      struct sp_error *err)
{
	char *suffix = strrchr(name, '.');

	if (!suffix || strcmp(suffix, SUFFIX) != 0)
		return 0;
	*suffix = '\0';
	if (strcmp(name, ENGLISH) == 0)
		return 0;
	if (!is_tag(name))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "%s/%s" SUFFIX ": a catalogue is named after its language in lower "
		               "case, as fr" SUFFIX " or zh-hant" SUFFIX "; rename it",
		               pages, name);
	if (catalogue->count == SP_MAX_LANGUAGES)
		return sp_fail(err, -E2BIG, SP_EXIT_USAGE,
		               "%s: more than %d languages; remove some", pages, SP_MAX_LANGUAGES);
	return load_language(catalogue, pages, name, err);
}

static int load_others(struct sp_catalogue *catalogue, const char *pages, struct sp_error *err)
{
	struct dirent **entries;
	int count = scandir(pages, &entries, NULL, alphasort);
	int ret = 0;

	if (count < 0)
		return sp_fail(err, -errno, SP_EXIT_FAILED, "%s: %s", pages, strerror(errno));
	for (int i = 0; i < count; i++) {
		if (!ret)
			ret = load_other(catalogue, pages, entries[i]->d_name, err);
		free(entries[i]);
	}
	free(entries);
	return ret;
}

int sp_catalogue_load(struct sp_catalogue *catalogue, const char *directory, struct sp_error *err)
{
	char pages[PATH_MAX];
	int ret;

	memset(catalogue, 0, sizeof(*catalogue));
	if (snprintf(pages, sizeof(pages), "%s/pages", directory) >= (int)sizeof(pages))
		return sp_fail(err, -ENAMETOOLONG, SP_EXIT_FAILED, "%s: path too long", directory);
	ret = load_language(catalogue, pages, ENGLISH, err);
	if (!ret)
		ret = load_others(catalogue, pages, err);
	if (ret)
		sp_catalogue_free(catalogue);
	return ret;
}

void sp_catalogue_free(struct sp_catalogue *catalogue)
{
	for (size_t i = 0; i < catalogue->count; i++) {
		for (size_t message = 0; message < SP_MESSAGE_COUNT; message++) {
			free((char *)catalogue->language[i].text[message]);
			free((char *)catalogue->language[i].plain[message]);
		}
	}
	memset(catalogue, 0, sizeof(*catalogue));
}
