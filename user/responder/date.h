/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_RESPONDER_DATE_H
#define SP_RESPONDER_DATE_H

#include <time.h>

#define SP_DATE_LENGTH 29 /* "Sun, 06 Nov 1994 08:49:37 GMT" */

/* The Date field, formatted once a second. */
struct sp_date {
	time_t second;
	char text[SP_DATE_LENGTH + 1];
};

/* Make @date say @now (RFC 9110 section 5.6.7). */
void sp_date_set(struct sp_date *date, time_t now);

#endif
