/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line of output that is made a million times: an object of JSON, or a row of a table. jansson
 * takes 6 us for a client, this less than one.
 */
#ifndef SP_CLI_LINE_H
#define SP_CLI_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

#define SP_LINE 4096 /* more than any line takes; what does not fit is an error at its end */

struct sp_line {
	size_t length; /* > SP_LINE: too long */
	char text[SP_LINE];
};

/* --- JSON: members of one object --- */

void sp_line_begin(struct sp_line *line);
void sp_line_text(struct sp_line *line, const char *name, const char *text); /* NULL: null */
void sp_line_number(struct sp_line *line, const char *name, uint64_t number);
void sp_line_optional(struct sp_line *line, const char *name, uint64_t number,
                      bool present); /* else null */
void sp_line_bool(struct sp_line *line, const char *name, bool value);

/* Write it out. 0, or a negative errno as sp_put_end. */
int sp_line_end(struct sp_line *line, struct sp_error *err);

/* --- a row: words side by side --- */

/* @text in @width columns, which it may exceed, to the left or to the right, and two blanks. */
void sp_line_left(struct sp_line *line, const char *text, size_t width);
void sp_line_right(struct sp_line *line, const char *text, size_t width);

/* As it is, without a width: colours, or the last column. */
void sp_line_put(struct sp_line *line, const char *text);

/* Write the row out, as sp_line_end. */
int sp_line_row_end(struct sp_line *line, struct sp_error *err);

#endif
