/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client as JSON, as a block of lines, and as a row of a table.
 */
#ifndef SP_CLI_CLIENT_OUTPUT_H
#define SP_CLI_CLIENT_OUTPUT_H

#include <jansson.h>

#include "cli/whose.h"
#include "lib/clock.h"
#include "lib/session.h"

/*
 * Write the client as one line of JSON. @object, empty at first, may be used again for the next
 * client, which takes a fifth off the time of a long list.
 */
int sp_put_client_json(json_t *object, const struct sp_session *session,
                       const struct sp_owner *owner, const struct sp_clock *clock,
                       struct sp_error *err);

void sp_put_client(const struct sp_session *session, const struct sp_owner *owner,
                   const struct sp_clock *clock);

void sp_put_client_header(void);
void sp_put_client_row(const struct sp_session *session, const struct sp_owner *owner,
                       const struct sp_clock *clock);

/* One sentence: what the client has been granted. */
void sp_put_client_granted(const struct sp_session *session, const struct sp_clock *clock);

#endif
