/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists with quality values, as in Accept and Accept-Language (RFC 9110 section 12.4.2).
 */
#ifndef SP_WEB_WEIGHTED_H
#define SP_WEB_WEIGHTED_H

#include <stdbool.h>
#include <stddef.h>

struct sp_weighted {
	const char *name; /* points into the list; other parameters than q are left out */
	size_t length;
	unsigned weight; /* thousandths: 0 to 1000 */
};

/*
 * Take the next element from the list between @cursor and @end, any bytes, and move @cursor behind
 * it. Empty and malformed elements are passed over. False at the end.
 */
bool sp_weighted_next(const char **cursor, const char *end, struct sp_weighted *element);

#endif
