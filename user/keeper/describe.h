/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the portal is told of a client. */
#ifndef SP_KEEPER_DESCRIBE_H
#define SP_KEEPER_DESCRIBE_H

#include "ipc/ipc.h"
#include "lib/maps.h"
#include "lib/session.h"

/* What is known of @key now; a client that is not in the map is a captive one. 0 or negative errno.
 */
int sp_describe_look(const struct sp_maps *maps, struct sp_clock *clock,
                     const struct sp_client_key *key, struct sp_session *session,
                     struct sp_error *err);

/* Fill what @answer says of the client @key: its session, or why the last one ended. 0 or negative
 * errno. A blocked client makes the result SP_IPC_REFUSED. */
int sp_describe(struct sp_maps *maps, const struct sp_client_key *key, struct sp_ipc_answer *answer,
                struct sp_error *err);

#endif
