/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "prober/http.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DIGITS_AT 9  /* "HTTP/1.1 " */
#define LEAST     12 /* and three digits (RFC 9112 section 4) */

int sp_http_request(char *request, size_t room, const struct sp_probe_question *question)
{
	int length =
		snprintf(request, room, "HEAD / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
	                 question->name);

	return length < 0 || (size_t)length >= room ? -EINVAL : length;
}

void sp_http_read(struct sp_probe_answer *answer, const char *message, size_t length)
{
	unsigned status = 0;

	*answer = (struct sp_probe_answer){.outcome = SP_PROBE_NONSENSE};
	if (length < LEAST || memcmp(message, "HTTP/1.", strlen("HTTP/1.")) != 0 ||
	    message[DIGITS_AT - 1] != ' ')
		return;
	for (size_t i = DIGITS_AT; i < LEAST; i++) {
		if (!isdigit((unsigned char)message[i]))
			return;
		status = status * 10 + (unsigned)(message[i] - '0');
	}
	answer->outcome = SP_PROBE_ANSWERED;
	answer->code = status;
}
