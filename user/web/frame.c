/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/frame.h"

#include <errno.h>
#include <string.h>

#include "lib/text.h"
#include "web/asset.h"

#define OPEN  "{{"
#define CLOSE "}}"

/* A frame being read. */
struct reader {
	struct sp_frame *frame;
	const char *path;
	struct sp_error *err;
};

static unsigned line_of(const char *source, const char *at)
{
	unsigned line = 1;

	for (; source < at; source++)
		line += *source == '\n';
	return line;
}

static int bad_place(const struct reader *reader, const char *at, size_t length, const char *what)
{
	return sp_fail(reader->err, -EINVAL, SP_EXIT_USAGE, "%s:%u: `%.*s`: %s", reader->path,
	               line_of(reader->frame->source, at), (int)(length < 40 ? length : 40), at,
	               what);
}

/* Any text without control characters other than those of lines and tabs. */
static int check_text(const struct reader *reader, size_t length)
{
	const char *source = reader->frame->source;
	unsigned line = 1;

	for (size_t at = 0, part;; at += part + 1) {
		part = strcspn(source + at, "\t\r\n");
		if (!sp_text_printable(source + at, part) ||
		    (at + part < length && !source[at + part]))
			return sp_fail(reader->err, -EINVAL, SP_EXIT_USAGE,
			               "%s:%u: not UTF-8, or a control character; save the file "
			               "as UTF-8",
			               reader->path, line);
		if (at + part == length)
			return 0;
		line += source[at + part] == '\n';
	}
}

/* The place named by the @length bytes of @name. */
static enum sp_frame_place find_place(const char *name, size_t length)
{
	static const char *const names[SP_FRAME_PLACES] = {
		[SP_FRAME_LANGUAGE] = "language", [SP_FRAME_DIRECTION] = "direction",
		[SP_FRAME_TITLE] = "title",       [SP_FRAME_LOGO] = "logo",
		[SP_FRAME_CONTENT] = "content",
	};

	if (length > 0 && *name == '!')
		return SP_FRAME_COMMENT;
	for (unsigned i = SP_FRAME_LANGUAGE; i < SP_FRAME_PLACES; i++)
		if (strlen(names[i]) == length && !memcmp(names[i], name, length))
			return (enum sp_frame_place)i;
	return SP_FRAME_END;
}

/* Add the text from *@at up to the next place, and the place; move *@at behind it. */
static int take_piece(const struct reader *reader, const char **at)
{
	struct sp_frame *frame = reader->frame;
	const char *open = strstr(*at, OPEN), *close = open ? strstr(open, CLOSE) : NULL;
	size_t length = open ? (size_t)(open - *at) : strlen(*at);
	enum sp_frame_place place = SP_FRAME_END;

	if (open && !close)
		return bad_place(reader, open, strcspn(open, "\r\n"), "expected }} behind it");
	if (open)
		place = find_place(open + strlen(OPEN), (size_t)(close - open) - strlen(OPEN));
	if (open && place == SP_FRAME_END)
		return bad_place(reader, open, (size_t)(close - open) + strlen(CLOSE),
		                 "no such place; there are {{language}}, {{direction}}, {{title}}, "
		                 "{{logo}} and {{content}}, and {{! comments }}");
	if (frame->count == SP_FRAME_PIECES)
		return bad_place(reader, open ? open : *at, strlen(OPEN),
		                 "more than 31 places; remove some");
	frame->piece[frame->count].text = *at;
	frame->piece[frame->count].length = length;
	frame->piece[frame->count++].place = place;
	*at = open ? close + strlen(CLOSE) : *at + length;
	/* A comment in a line of its own leaves no empty line. */
	if (place == SP_FRAME_COMMENT && **at == '\n' &&
	    (open == frame->source || open[-1] == '\n'))
		++*at;
	return 0;
}

static unsigned count_content(const struct sp_frame *frame)
{
	unsigned count = 0;

	for (size_t i = 0; i < frame->count; i++)
		count += frame->piece[i].place == SP_FRAME_CONTENT;
	return count;
}

static int cut_up(const struct reader *reader, size_t length)
{
	const struct sp_frame *frame = reader->frame;
	const char *at = frame->source;
	int ret = check_text(reader, length);

	while (!ret && (!frame->count || frame->piece[frame->count - 1].place != SP_FRAME_END))
		ret = take_piece(reader, &at);
	if (!ret && count_content(frame) != 1)
		return sp_fail(reader->err, -EINVAL, SP_EXIT_USAGE,
		               "%s: `{{content}}` is there %u times; expected it once, where the "
		               "text of the page goes",
		               reader->path, count_content(frame));
	return ret;
}

int sp_frame_load(struct sp_frame *frame, const char *directory, const struct sp_own_pages *own,
                  struct sp_error *err)
{
	struct reader reader = {.frame = frame, .err = err};
	struct sp_asset file;
	char path[SP_ASSET_PATH];
	int ret = sp_asset_page(&file, directory, own, path, err);

	*frame = (struct sp_frame){0};
	if (ret)
		return ret;
	reader.path = path;
	frame->source = file.data;
	ret = cut_up(&reader, file.length);
	if (ret)
		sp_frame_free(frame);
	return ret;
}

void sp_frame_free(struct sp_frame *frame)
{
	struct sp_asset file = {.data = frame->source};

	sp_asset_free(&file);
	*frame = (struct sp_frame){0};
}
