/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data files of `[section]` and `key = text` lines, read by libinih with what its callback lacks:
 * the number of the line, and an error in place of text silently lost. A text goes on in the next
 * line when that begins with a blank; the parts are joined by one blank.
 */
#ifndef SP_WEB_KEYFILE_H
#define SP_WEB_KEYFILE_H

#include "lib/error.h"

#define SP_KEYFILE_TEXT 2048 /* a text is shorter than this */

struct sp_keyfile_entry {
	const char *path;
	unsigned line;
	const char *section; /* "" before the first one */
	const char *key;
	const char *text; /* not empty */
};

/* Called for each entry; 0, or a negative errno with @err filled, which ends the reading. */
typedef int (*sp_keyfile_visit)(const struct sp_keyfile_entry *entry, void *context,
                                struct sp_error *err);

/* Read the file @path. 0 or a negative errno; errors name file and line (SP_EXIT_USAGE), or the
 * file when it cannot be read (SP_EXIT_FAILED). */
int sp_keyfile_read(const char *path, sp_keyfile_visit visit, void *context, struct sp_error *err);

#endif
