/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One question and its answer by DNS over UDP, written and read by c-ares. */
#ifndef SP_PROBER_DNS_H
#define SP_PROBER_DNS_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/prober.h"

#define SP_DNS_QUERY 300 /* bytes: header, a name, type and class */

/* Put the query for @question, with @id, into @query. Returns its length or -EINVAL: no name. */
int sp_dns_query(uint8_t query[SP_DNS_QUERY], const struct sp_probe_question *question,
                 uint16_t id);

/*
 * Read the @message into @answer if it answers @question, asked with @id. 0; -EAGAIN: it answers
 * something else; -EBADMSG: it is broken, and @answer says so.
 */
int sp_dns_read(struct sp_probe_answer *answer, const struct sp_probe_question *question,
                uint16_t id, const uint8_t *message, size_t length);

#endif
