/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client as JSON, as a block of lines, and as a row of a table.
 */
#ifndef SP_CLI_CLIENT_OUTPUT_H
#define SP_CLI_CLIENT_OUTPUT_H

#include <jansson.h>

#include "lib/clock.h"
#include "lib/session.h"

/* NULL: no memory. */
json_t *sp_client_json(const struct sp_session *session, const struct sp_clock *clock);

void sp_put_client(const struct sp_session *session, const struct sp_clock *clock);

void sp_put_client_header(void);
void sp_put_client_row(const struct sp_session *session, const struct sp_clock *clock);

/* One sentence: what the client has been granted. */
void sp_put_client_granted(const struct sp_session *session, const struct sp_clock *clock);

#endif
