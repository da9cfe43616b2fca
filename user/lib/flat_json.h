/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One object of JSON (RFC 8259) without objects or arrays in it, as a line of an export is: a
 * million of them in a second, where jansson, which makes a tree of each, takes six.
 */
#ifndef SP_LIB_FLAT_JSON_H
#define SP_LIB_FLAT_JSON_H

#include <stdint.h>

enum sp_flat_kind { SP_FLAT_NULL, SP_FLAT_FALSE, SP_FLAT_TRUE, SP_FLAT_NUMBER, SP_FLAT_TEXT };

struct sp_flat_member {
	const char *name;
	enum sp_flat_kind kind;
	uint64_t number;  /* NUMBER: whole and not negative; there are no others */
	const char *text; /* TEXT: UTF-8, NUL-terminated */
};

/* Called for each member, in order; a result other than 0 ends the reading and is its result. */
typedef int (*sp_flat_visit)(const struct sp_flat_member *member, void *context);

/*
 * Read @line, which is changed, and whose pieces the members point into. 0, what @visit returned,
 * or -EBADMSG with what was expected in @expected.
 */
int sp_flat_json(char *line, sp_flat_visit visit, void *context, const char **expected);

#endif
