/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the file. libinih splits lines into keys and values; what it would pass over in silence
 * (long lines cut in two, text behind a section, empty unknown sections) is checked here, line by
 * line, before it sees the line, and so are its own complaints, of which it tells only the first. A
 * line that is wrong is an empty one to it; the keys of a section that is wrong are not looked at.
 */
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config_parser.h"
#include "lib/text.h"

#define LONGEST_LINE 1000 /* bytes, without the end of the line */
#define NEAR_ENOUGH  2    /* sp_text_distance at which a name is suggested */
#define BLANKS       " \t"
#define BOM          "\xef\xbb\xbf"

void sp_config_wrong(struct sp_config_parser *parser, int line, const char *format, ...)
{
	char sentence[SP_ERROR_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	sp_config_errors_add(parser->errors, parser->path, line, "%s", sentence);
}

int sp_config_line(const struct sp_config_parser *parser, unsigned zone, const char *section,
                   const char *name)
{
	for (size_t i = 0; i < SP_CONFIG_KEYS; i++)
		if (!strcmp(sp_config_keys[i].section, section) &&
		    !strcmp(sp_config_keys[i].name, name))
			return parser->seen[zone][i];
	return 0;
}

/* --- keys --- */

/* Whether the section that is being read has @key. */
static bool has_key(const struct sp_config_parser *parser, const struct sp_config_key *key)
{
	return parser->zone ? key->zoned : !strcmp(key->section, parser->section);
}

static const char *nearest_key(const struct sp_config_parser *parser, const char *name)
{
	const char *nearest = NULL;
	unsigned least = NEAR_ENOUGH + 1;

	for (size_t i = 0; i < SP_CONFIG_KEYS; i++) {
		unsigned far;

		if (!has_key(parser, &sp_config_keys[i]))
			continue;
		far = sp_text_distance(name, sp_config_keys[i].name);
		if (far < least) {
			least = far;
			nearest = sp_config_keys[i].name;
		}
	}
	return nearest;
}

/* "a, b, c": the keys of the section. */
static void list_keys(const struct sp_config_parser *parser, char *list, size_t room)
{
	size_t used = 0;

	list[0] = '\0';
	for (size_t i = 0; i < SP_CONFIG_KEYS; i++) {
		if (!has_key(parser, &sp_config_keys[i]))
			continue;
		snprintf(list + used, room - used, "%s%s", used ? ", " : "",
		         sp_config_keys[i].name);
		used += strlen(list + used);
	}
}

/* A section of the table as it is written in a file. */
static const char *in_file(const char *section)
{
	return !strcmp(section, SP_CONFIG_ZONE) ? SP_CONFIG_ZONE " NAME" : section;
}

/* "[a], [b] or [c]": the sections, in the order of the table. */
static void list_sections(char *list, size_t room)
{
	const char *last = sp_config_keys[SP_CONFIG_KEYS - 1].section, *before = "";
	size_t used = 0;

	list[0] = '\0';
	for (size_t i = 0; i < SP_CONFIG_KEYS; i++) {
		const char *section = sp_config_keys[i].section;
		const char *joint = !used ? "" : strcmp(section, last) != 0 ? ", " : " or ";

		if (!strcmp(section, before))
			continue;
		before = section;
		snprintf(list + used, room - used, "%s[%s]", joint, in_file(section));
		used += strlen(list + used);
	}
}

/* The section that is being read, for an error. */
static void name_section(const struct sp_config_parser *parser, char *name, size_t room)
{
	if (parser->zone)
		snprintf(name, room, "%s %s", SP_CONFIG_ZONE,
		         parser->config->zone[parser->zone].name);
	else
		snprintf(name, room, "%s", parser->section);
}

static void unknown_key(struct sp_config_parser *parser, const char *name)
{
	const char *nearest = nearest_key(parser, name);
	char list[512], section[64];

	name_section(parser, section, sizeof(section));
	if (!*section) {
		list_sections(list, sizeof(list));
		sp_config_wrong(parser, parser->line,
		                "key '%.64s' stands before the first section: expected %s above it",
		                name, list);
		return;
	}
	for (size_t i = 0; i < SP_CONFIG_KEYS; i++) {
		if (strcmp(sp_config_keys[i].name, name) != 0)
			continue;
		sp_config_wrong(parser, parser->line,
		                "key '%s' is not one of section [%s]: expected it in section [%s]",
		                name, section, in_file(sp_config_keys[i].section));
		return;
	}
	if (nearest) {
		sp_config_wrong(parser, parser->line,
		                "unknown key '%.64s' in section [%s]: did you mean '%s'?", name,
		                section, nearest);
		return;
	}
	list_keys(parser, list, sizeof(list));
	sp_config_wrong(parser, parser->line,
	                "unknown key '%.64s' in section [%s]: expected one of %s", name, section,
	                list);
}

static void read_key(struct sp_config_parser *parser, size_t index, const char *value)
{
	const struct sp_config_key *key = &sp_config_keys[index];
	const struct sp_config_key own = sp_config_key_of(key, parser->zone);
	int *seen = &parser->seen[parser->zone][index];
	struct sp_error reason = {0};

	if (*seen && !key->repeats) {
		sp_config_wrong(
			parser, parser->line,
			"key '%s' is repeated: expected it once, it stands on line %d already",
			key->name, *seen);
		return;
	}
	*seen = parser->line;
	if (!*value)
		sp_config_wrong(
			parser, parser->line,
			"key '%s' has no value: expected %s; remove the line for the default",
			key->name, key->expected);
	else if (own.read(&own, parser->config, value, &reason))
		sp_config_wrong(parser, parser->line, "key '%s': %s", key->name, reason.text);
}

/* Called by libinih for each key, of the line that was read last. */
static int on_key(void *context, const char *section, const char *name, const char *value)
{
	struct sp_config_parser *parser = context;

	(void)section;
	if (!parser->section)
		return 1;
	for (size_t i = 0; i < SP_CONFIG_KEYS; i++) {
		if (strcmp(sp_config_keys[i].name, name) != 0 ||
		    !has_key(parser, &sp_config_keys[i]))
			continue;
		read_key(parser, i, value);
		return 1;
	}
	unknown_key(parser, name);
	return 1;
}

/* --- sections --- */

/* The section of the table that is called @name; NULL: there is none. */
static const char *find_section(const char *name)
{
	for (size_t i = 0; i < SP_CONFIG_KEYS; i++)
		if (!strcmp(sp_config_keys[i].section, name))
			return sp_config_keys[i].section;
	return NULL;
}

static const char *nearest_section(const char *name)
{
	const char *nearest = NULL;
	unsigned least = NEAR_ENOUGH + 1;

	for (size_t i = 0; i < SP_CONFIG_KEYS; i++) {
		unsigned far = sp_text_distance(name, sp_config_keys[i].section);

		if (far >= least)
			continue;
		least = far;
		nearest = sp_config_keys[i].section;
	}
	return nearest;
}

/* @word and, of a zone, what follows it. */
static void unknown_section(struct sp_config_parser *parser, const char *word, const char *rest)
{
	const char *nearest = nearest_section(word), *blank = *rest ? " " : "";
	char list[512];

	if (nearest && *rest && strcmp(nearest, SP_CONFIG_ZONE) != 0)
		nearest = NULL;
	if (nearest) {
		sp_config_wrong(parser, parser->line,
		                "unknown section [%s%s%s]: did you mean [%s%s%s]?", word, blank,
		                rest, *rest ? nearest : in_file(nearest), blank, rest);
		return;
	}
	list_sections(list, sizeof(list));
	sp_config_wrong(parser, parser->line, "unknown section [%s%s%s]: expected %s", word, blank,
	                rest, list);
}

static void enter_section(struct sp_config_parser *parser, const char *name)
{
	size_t length = strcspn(name, BLANKS);
	const char *rest = name + length + strspn(name + length, BLANKS);
	char word[64];

	snprintf(word, sizeof(word), "%.*s", (int)length, name);
	parser->section = *rest ? NULL : find_section(name);
	parser->zone = 0;
	if (!strcmp(word, SP_CONFIG_ZONE))
		sp_config_enter_zone(parser, rest);
	else if (!parser->section)
		unknown_section(parser, word, rest);
}

static void read_section(struct sp_config_parser *parser, const char *line)
{
	const char *end = strchr(line, ']');
	char name[64];

	if (!end) {
		sp_config_wrong(parser, parser->line,
		                "'%.64s': expected ']' behind the section's name", line);
		parser->section = NULL;
		return;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(end - line - 1), line + 1);
	enter_section(parser, name);
	end++;
	end += strspn(end, BLANKS);
	if (*end && !(strchr(";#", *end) && strchr(BLANKS, end[-1])))
		sp_config_wrong(parser, parser->line,
		                "'%.64s' behind section [%s]: expected the end of the line", end,
		                name);
}

/* --- lines --- */

/* Whether @line is text that can be shown in an error; tabs are fine. */
static bool is_text(const char *line, size_t length)
{
	while (length) {
		size_t part = 0;

		while (part < length && line[part] != '\t')
			part++;
		if (!sp_text_printable(line, part))
			return false;
		if (part < length)
			part++;
		line += part;
		length -= part;
	}
	return true;
}

/* Whether libinih finds a key and a value in @line: '=' or ':' before a comment. */
static bool is_assignment(const char *line)
{
	for (const char *at = line; *at; at++) {
		if (*at == '=' || *at == ':')
			return true;
		if (strchr(";#", *at) && at > line && strchr(BLANKS, at[-1]))
			return false;
	}
	return false;
}

/* Read up to the end of the line into @buffer, without it. Returns the length, LONGEST_LINE + 1 for
 * anything longer, -1 at the end of the file. */
static int read_line(FILE *file, char buffer[LONGEST_LINE + 1])
{
	int length = 0;
	int c = getc(file);

	if (c == EOF)
		return -1;
	for (; c != EOF && c != '\n'; c = getc(file)) {
		if (length < LONGEST_LINE)
			buffer[length] = (char)c;
		if (length <= LONGEST_LINE)
			length++;
	}
	if (length > LONGEST_LINE)
		return length;
	if (length && buffer[length - 1] == '\r')
		length--;
	buffer[length] = '\0';
	return length;
}

/* Whether libinih is to see @line. */
static bool look_at_line(struct sp_config_parser *parser, const char *line, int length)
{
	if (length > LONGEST_LINE) {
		sp_config_wrong(parser, parser->line,
		                "the line is too long: expected at most %d bytes", LONGEST_LINE);
		return false;
	}
	if (!is_text(line, (size_t)length)) {
		sp_config_wrong(
			parser, parser->line,
			"the line holds control characters or is not UTF-8: expected plain text");
		return false;
	}
	if (parser->line == 1 && !strncmp(line, BOM, strlen(BOM)))
		line += strlen(BOM);
	line += strspn(line, BLANKS);
	if (*line == '[') {
		read_section(parser, line);
		return false;
	}
	if (!*line || strchr(";#", *line))
		return false;
	if (is_assignment(line))
		return true;
	sp_config_wrong(parser, parser->line,
	                "expected key = value, [section], or a comment that begins with '#' or "
	                "';'");
	return false;
}

/* Called by libinih for each line; NULL ends the file. */
static char *next_line(char *buffer, int size, void *context)
{
	struct sp_config_parser *parser = context;
	int length;

	if (size <= LONGEST_LINE)
		return NULL;
	length = read_line(parser->file, buffer);
	if (length < 0)
		return NULL;
	parser->line++;
	if (!look_at_line(parser, buffer, length))
		buffer[0] = '\0';
	return buffer;
}

/* libinih is set by global variables; the message catalogues are read with other settings. */
static int split(struct sp_config_parser *parser)
{
	bool multiline = ini_allow_multiline;
	bool comments = ini_allow_inline_comments;
	char *prefixes = ini_inline_comment_prefixes;
	int longest = ini_max_line;
	static char both[] = ";#";
	int result;

	ini_allow_multiline = false;
	ini_allow_inline_comments = true;
	ini_inline_comment_prefixes = both;
	ini_max_line = LONGEST_LINE + 3;
	result = ini_parse_stream(next_line, parser, on_key, parser);
	ini_allow_multiline = multiline;
	ini_allow_inline_comments = comments;
	ini_inline_comment_prefixes = prefixes;
	ini_max_line = longest;
	return result;
}

int sp_config_read(struct sp_config *config, FILE *file, const char *path,
                   struct sp_config_errors *errors, struct sp_error *err)
{
	static struct sp_config_errors own;
	struct sp_config_parser parser = {
		.config = config,
		.path = path,
		.file = file,
		.errors = errors ? errors : &own,
		.section = "",
	};

	parser.errors->count = parser.errors->kept = 0;
	sp_config_defaults(config);
	if (split(&parser) < 0)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (ferror(file))
		return sp_fail(err, -EIO, SP_EXIT_USAGE, "%s: cannot be read", path);
	sp_config_finish_zones(&parser);
	sp_config_check_whole(&parser);
	if (!parser.errors->count)
		return 0;
	sp_config_errors_get(parser.errors, path, 0, err);
	return -EINVAL;
}
