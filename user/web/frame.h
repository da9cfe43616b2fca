/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame of the portal's pages: HTML with places in double braces that are filled in for each
 * page, {{language}}, {{direction}}, {{title}}, {{logo}} and {{content}}; {{! ... }} is a comment.
 */
#ifndef SP_WEB_FRAME_H
#define SP_WEB_FRAME_H

#include <stddef.h>

#include "lib/error.h"
#include "web/asset.h"

#define SP_FRAME_PIECES 32

enum sp_frame_place {
	SP_FRAME_END, /* no place: the end of the frame */
	SP_FRAME_COMMENT,
	SP_FRAME_LANGUAGE,
	SP_FRAME_DIRECTION,
	SP_FRAME_TITLE,
	SP_FRAME_LOGO,
	SP_FRAME_CONTENT, /* exactly once */
	SP_FRAME_PLACES
};

struct sp_frame {
	char *source; /* owned */
	struct {
		const char *text; /* of the source, not NUL-terminated */
		size_t length;
		enum sp_frame_place place; /* behind the text */
	} piece[SP_FRAME_PIECES];
	size_t count; /* of pieces; the last one's place is SP_FRAME_END */
};

/*
 * Read page.html of @own (NULL: none) or, without one, DIRECTORY/pages/page.html. A place
 * that does not exist or does not end, text that is not UTF-8, and a frame without its content are
 * errors that name file and line. 0 or negative errno; nothing stays allocated on failure.
 */
int sp_frame_load(struct sp_frame *frame, const char *directory, const struct sp_own_pages *own,
                  struct sp_error *err);

void sp_frame_free(struct sp_frame *frame);

#endif
