/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client as JSON, as a block of lines, and as a row of a table.
 */
#ifndef SP_CLI_CLIENT_OUTPUT_H
#define SP_CLI_CLIENT_OUTPUT_H

#include "cli/whose.h"
#include "lib/clock.h"
#include "lib/session.h"

/* Write the client as one line of JSON. 0, or a negative errno as sp_put_end; so with the row. */
int sp_put_client_json(const struct sp_session *session, const struct sp_owner *owner,
                       const struct sp_clock *clock, struct sp_error *err);

void sp_put_client(const struct sp_session *session, const struct sp_owner *owner,
                   const struct sp_clock *clock);

void sp_put_client_header(void);
int sp_put_client_row(const struct sp_session *session, const struct sp_owner *owner,
                      const struct sp_clock *clock, struct sp_error *err);

/* One sentence: what the client has been granted. */
void sp_put_client_granted(const struct sp_session *session, const struct sp_clock *clock);

#endif
