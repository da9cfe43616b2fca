/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/import_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/import_line.h"
#include "lib/session.h"
#include "lib/session_policy.h"

#define LINE  8192 /* more than a line of an export takes */
#define TEXTS 65536u

/* Names and notes, one behind the other. */
struct sp_import_text {
	struct sp_import_text *before;
	size_t length;
	char text[TEXTS];
};

struct reader {
	struct sp_import *import;
	FILE *file;
	const char *path;
	uint64_t now;
	uint64_t line;
	char *text; /* getline's */
	size_t room;
	bool json, ended;
	uint64_t wrong_lines;
	void (*wrong)(const struct sp_error *err, void *context);
	void *context;
};

/* @err says what is wrong with @line. */
static void tell(struct reader *reader, uint64_t line, const struct sp_error *err)
{
	struct sp_error whole;

	if (reader->wrong_lines++ >= SP_IMPORT_WRONG)
		return;
	sp_fail(&whole, -EINVAL, SP_EXIT_USAGE, "%s:%llu: %s", reader->path,
	        (unsigned long long)line, err->text);
	reader->wrong(&whole, reader->context);
}

static int no_memory(struct sp_error *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* A copy of @text that stays, the one before if it is the same. NULL: no memory. */
static const char *keep_text(struct sp_import *import, const char *text, const char *before)
{
	struct sp_import_text *texts = import->texts;
	size_t size = strlen(text) + 1;
	char *copy;

	if (size == 1)
		return "";
	if (before && !strcmp(before, text))
		return before;
	if (!texts || texts->length + size > TEXTS) {
		texts = malloc(sizeof(*texts));
		if (!texts)
			return NULL;
		texts->before = import->texts;
		texts->length = 0;
		import->texts = texts;
	}
	copy = texts->text + texts->length;
	texts->length += size;
	return memcpy(copy, text, size);
}

static int add(struct sp_import *import, struct sp_bulk_client client, struct sp_error *err)
{
	struct sp_bulk *bulk = &import->bulk;
	const struct sp_bulk_client *before = bulk->count ? &bulk->clients[bulk->count - 1] : NULL;

	client.note = keep_text(import, client.note, before ? before->note : NULL);
	client.name = keep_text(import, client.name, before ? before->name : NULL);
	if (!client.note || !client.name)
		return no_memory(err);
	if (!bulk->clients || bulk->count == import->room) {
		uint32_t room = import->room ? import->room * 2 : 1024;
		struct sp_bulk_client *more =
			reallocarray(bulk->clients, room, sizeof(*bulk->clients));

		if (!more)
			return no_memory(err);
		bulk->clients = more;
		import->room = room;
	}
	bulk->clients[bulk->count++] = client;
	return 0;
}

/* How many clients an export has is its last line. */
static int check_end(struct reader *reader, uint64_t clients, struct sp_error *err)
{
	uint64_t read = (uint64_t)reader->import->bulk.count + reader->import->ended;

	reader->ended = true;
	if (clients == read || reader->wrong_lines)
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
	               "expected %llu clients before this line, got %llu",
	               (unsigned long long)clients, (unsigned long long)read);
}

static int read_client(struct reader *reader, struct sp_bulk_client *client, struct sp_error *err)
{
	uint64_t clients = UINT64_MAX;
	bool ended = false;
	int code;

	if (reader->ended)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "expected nothing behind the last line");
	code = reader->json ? sp_import_json_line(reader->text, reader->now, client, &ended,
	                                          &clients, err)
	                    : sp_import_list_line(reader->text, client, err);
	if (!code && clients != UINT64_MAX) {
		code = check_end(reader, clients, err);
		return code ? code : 1;
	}
	if (!code)
		code = sp_policy_check_key(&client->key, err);
	if (!code)
		code = sp_policy_check_note(client->note, err);
	if (!code && ended) {
		reader->import->ended++;
		return 1;
	}
	client->line = reader->line;
	return code;
}

/* -EINVAL: the line is wrong, -ENOMEM: all of it is. */
static int read_line(struct reader *reader, struct sp_error *err)
{
	const char *first = reader->text + strspn(reader->text, " \t");
	struct sp_bulk_client client;
	int code;

	if (!*first || (*first == '#' && !reader->json))
		return 0;
	if (*first == '{' && !reader->json && !reader->import->bulk.count) {
		reader->json = true;
		return sp_import_head_line(reader->text, err);
	}
	code = read_client(reader, &client, err);
	if (code > 0)
		return 0;
	return code ? code : add(reader->import, client, err);
}

/* The next line without its end. False: there is none; @whole: it is short enough, without NUL. */
static bool next_line(struct reader *reader, bool *whole)
{
	ssize_t length = getline(&reader->text, &reader->room, reader->file);

	if (length < 0)
		return false;
	reader->line++;
	*whole = length < LINE && strlen(reader->text) == (size_t)length;
	if (length && reader->text[length - 1] == '\n')
		reader->text[--length] = '\0';
	if (length && reader->text[length - 1] == '\r')
		reader->text[--length] = '\0';
	return true;
}

static int read_all(struct reader *reader, struct sp_error *err)
{
	bool whole;

	while (next_line(reader, &whole)) {
		struct sp_error wrong = {0};
		int code = whole ? read_line(reader, &wrong)
		                 : sp_fail(&wrong, -EINVAL, SP_EXIT_USAGE,
		                           "expected a line of text of at most %d bytes", LINE);

		if (code == -ENOMEM) {
			*err = wrong;
			return code;
		}
		if (code)
			tell(reader, reader->line, &wrong);
	}
	if (ferror(reader->file))
		return sp_fail(err, -EIO, SP_EXIT_FAILED, "%s: cannot read: %s", reader->path,
		               strerror(errno));
	return 0;
}

static void check_truncation(struct reader *reader)
{
	struct sp_error wrong;

	if (!reader->json || reader->ended)
		return;
	sp_fail(&wrong, -EINVAL, SP_EXIT_USAGE,
	        "expected the last line of an export, which says how many clients there are: the "
	        "file is not whole");
	tell(reader, reader->line, &wrong);
}

static void check_twice(struct reader *reader)
{
	const struct sp_bulk *bulk = &reader->import->bulk;
	char name[SP_SESSION_NAME];

	for (uint32_t i = 1; i < bulk->count; i++) {
		const struct sp_bulk_client *client = &bulk->clients[i];
		struct sp_error wrong;

		if (memcmp(&client->key, &client[-1].key, sizeof(client->key)) != 0)
			continue;
		sp_fail(&wrong, -EINVAL, SP_EXIT_USAGE,
		        "client %s is there twice, first in line %llu",
		        sp_session_name(name, &client->key), (unsigned long long)client[-1].line);
		tell(reader, client->line, &wrong);
	}
}

int sp_import_read(struct sp_import *import, FILE *file, const char *path, uint64_t now,
                   void (*wrong)(const struct sp_error *err, void *context), void *context,
                   struct sp_error *err)
{
	struct reader reader = {
		.import = import,
		.file = file,
		.path = path,
		.now = now,
		.wrong = wrong,
		.context = context,
	};
	int code = read_all(&reader, err);

	free(reader.text);
	if (code)
		return code;
	check_truncation(&reader);
	sp_bulk_sort(&import->bulk);
	check_twice(&reader);
	if (!reader.wrong_lines)
		return 0;
	if (reader.wrong_lines > SP_IMPORT_WRONG)
		return sp_fail(
			err, -EINVAL, SP_EXIT_USAGE,
			"%s: %llu lines are wrong, of which the first %u are shown; nothing was "
			"changed",
			path, (unsigned long long)reader.wrong_lines, SP_IMPORT_WRONG);
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "%s: %llu wrong line%s; nothing was changed",
	               path, (unsigned long long)reader.wrong_lines,
	               reader.wrong_lines > 1 ? "s" : "");
}

void sp_import_free(struct sp_import *import)
{
	while (import->texts) {
		struct sp_import_text *texts = import->texts;

		import->texts = texts->before;
		free(texts);
	}
	free(import->bulk.clients);
	*import = (struct sp_import){.room = 0};
}
