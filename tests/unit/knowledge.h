/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the responder share: what it knows of two zones, and its answers. */
#ifndef TESTS_UNIT_KNOWLEDGE_H
#define TESTS_UNIT_KNOWLEDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "responder/respond.h"

#define DATE       "Sun, 06 Nov 1994 08:49:37 GMT"
#define LOGIN4     "http://10.85.0.1:8080/"
#define LOGIN6     "http://[fd85::1]:8080/"
#define LOGIN4_OF1 "http://10.86.0.1:8080/" /* of zone 1 */
#define LOGIN6_OF1 "http://[fd86::1]:8080/"
#define HOST       "Host: a.example\r\n"

extern struct sp_ipc_responder_setup setup;
extern struct sp_knowledge knowledge; /* of `setup` */

/* Setup and teardown of a group: the data directory as it is installed, in /tmp. */
int make_knowledge(void **state);
int remove_knowledge(void **state);

/* The answer to the request @text of @size bytes, with a NUL behind it. Its length, 0 if the
 * request is not complete. */
size_t answer_to(const char *text, size_t size, unsigned zone, bool is_ipv6, const char *date,
                 char out[SP_MAX_ANSWER + 1]);

#endif
