/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/keyfile.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LONGEST_LINE 1000 /* bytes, without the end of the line */

struct reader {
	FILE *file;
	sp_keyfile_visit visit;
	void *context;
	struct sp_error *err;
	const char *path;
	unsigned line;     /* of the line read last */
	bool continuation; /* that line belongs to the entry before */
	int ret;           /* first error; nothing is done after it */
	/* The entry that may still go on. */
	unsigned entry_line;
	char section[64];
	char key[64];
	char text[SP_KEYFILE_TEXT];
};

static int bad_line(struct reader *reader, const char *what)
{
	return sp_fail(reader->err, -EINVAL, SP_EXIT_USAGE, "%s:%u: %s", reader->path, reader->line,
	               what);
}

/* libinih takes " ;" for the beginning of a comment and cuts a line that does not fit. */
static int check_line(struct reader *reader, const char *line, int room)
{
	size_t length = strlen(line);
	const char *start = line + strspn(line, " \t\r\n");

	if (length + 1 >= (size_t)room && line[length - 1] != '\n')
		return bad_line(reader, "line too long; go on in a next line that begins with a "
		                        "blank");
	if (*start != '#' && *start != ';' && (strstr(start, " ;") || strstr(start, "\t;")))
		return bad_line(reader, "a blank before ';' begins a comment; write the ';' "
		                        "without it, or the comment in a line of its own");
	return 0;
}

static char *read_line(char *line, int room, void *stream)
{
	struct reader *reader = stream;

	if (reader->ret || !fgets(line, room, reader->file))
		return NULL;
	reader->line++;
	reader->continuation = line[0] == ' ' || line[0] == '\t';
	reader->ret = check_line(reader, line, room);
	return reader->ret ? NULL : line;
}

/* Hand over the entry that is now known to be complete. */
static int finish(struct reader *reader)
{
	const struct sp_keyfile_entry entry = {reader->path, reader->entry_line, reader->section,
	                                       reader->key, reader->text};

	if (!reader->entry_line)
		return 0;
	reader->entry_line = 0;
	return reader->visit(&entry, reader->context, reader->err);
}

static int append(struct reader *reader, const char *text)
{
	size_t used = strlen(reader->text), length = strlen(text);

	if (used + 1 + length >= sizeof(reader->text))
		return bad_line(reader, "text too long (at most 2047 bytes)");
	reader->text[used] = ' ';
	memcpy(reader->text + used + 1, text, length + 1);
	return 0;
}

static bool keep(char *out, size_t room, const char *text)
{
	return snprintf(out, room, "%s", text) < (int)room;
}

static int begin(struct reader *reader, const char *section, const char *key, const char *text)
{
	int ret = finish(reader);

	if (ret)
		return ret;
	if (!*key)
		return bad_line(reader, "no key before '='; expected `key = text`");
	if (!*text)
		return bad_line(reader, "no text behind '='; expected `key = text`");
	if (!keep(reader->section, sizeof(reader->section), section) ||
	    !keep(reader->key, sizeof(reader->key), key))
		return bad_line(reader, "name too long (at most 63 bytes)");
	if (!keep(reader->text, sizeof(reader->text), text))
		return bad_line(reader, "text too long (at most 2047 bytes)");
	reader->entry_line = reader->line;
	return 0;
}

static int handle(void *user, const char *section, const char *key, const char *text)
{
	struct reader *reader = user;

	if (!reader->ret && reader->continuation && reader->entry_line)
		reader->ret = append(reader, text);
	else if (!reader->ret)
		reader->ret = begin(reader, section, key, text);
	return !reader->ret;
}

/* libinih is set by global variables; sallyport.conf is read with other settings. */
static int split(struct reader *reader)
{
	int longest = ini_max_line;
	int bad;

	ini_max_line = LONGEST_LINE + 2;
	bad = ini_parse_stream(read_line, reader, handle, reader);
	ini_max_line = longest;
	return bad;
}

int sp_keyfile_read(const char *path, sp_keyfile_visit visit, void *context, struct sp_error *err)
{
	struct reader reader = {.visit = visit, .context = context, .err = err, .path = path};
	int bad;

	reader.file = fopen(path, "re");
	if (!reader.file)
		return sp_fail(err, -errno, SP_EXIT_FAILED, "%s: %s", path, strerror(errno));
	bad = split(&reader);
	if (!reader.ret && ferror(reader.file))
		reader.ret = sp_fail(err, -EIO, SP_EXIT_FAILED, "%s: cannot be read", path);
	if (!reader.ret && bad > 0)
		reader.ret = sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		                     "%s:%d: expected `[section]`, `key = text` or `# comment`",
		                     path, bad);
	if (!reader.ret)
		reader.ret = finish(&reader);
	fclose(reader.file);
	return reader.ret;
}
