/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accounting-Requests (RFC 2866, 2869). */
#ifndef SP_RADIUS_ACCOUNT_H
#define SP_RADIUS_ACCOUNT_H

#include "ipc/radius.h"
#include "radius/packet.h"

/* Put what @what says into @packet, which has begun as an Accounting-Request, for a server that
 * gets it at the Unix time @now. */
void sp_radius_account_build(struct sp_radius_packet *packet, const struct sp_ipc_radius *setup,
                             const struct sp_ipc_account *what, uint64_t now);

/* The session's id as servers know it, 16 hexadecimal digits. Returns @out. */
#define SP_RADIUS_SESSION_ID 17
char *sp_radius_session_id(char out[SP_RADIUS_SESSION_ID], uint64_t id);

#endif
