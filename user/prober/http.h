/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a web server is at the other end. */
#ifndef SP_PROBER_HTTP_H
#define SP_PROBER_HTTP_H

#include <stddef.h>

#include "ipc/prober.h"

/* Put a request for the head of / at @question's name into @request. Returns its length or
 * -EINVAL. */
int sp_http_request(char *request, size_t room, const struct sp_probe_question *question);

/* Read what came first into @answer. */
void sp_http_read(struct sp_probe_answer *answer, const char *message, size_t length);

#endif
