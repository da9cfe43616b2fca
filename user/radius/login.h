/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A login by RADIUS: Access-Request and what is made of the answer. */
#ifndef SP_RADIUS_LOGIN_H
#define SP_RADIUS_LOGIN_H

#include "ipc/ipc.h"
#include "radius/exchange.h"

/* Ask the servers whether the name and password of @check are good, and fill the result, the limits
 * and the rest of @verdict, but not its header and id. May take as long as sp_radius_ask. */
void sp_radius_login(struct sp_radius_client *client, const struct sp_ipc_check *check,
                     struct sp_ipc_verdict *verdict);

/* The same of an answer that is authentic, at the Unix time @now. */
void sp_radius_judge(const struct sp_radius_packet *reply, uint64_t now,
                     struct sp_ipc_verdict *verdict);

/* Append what names this gateway: NAS-Identifier and NAS addresses, Called-Station-Id. */
void sp_radius_put_nas(struct sp_radius_packet *packet, const struct sp_ipc_radius *setup);

/* Append what names a client: Calling-Station-Id, the VLAN as NAS-Port, NAS-Port-Type, and the
 * zone, if it is in one, as NAS-Port-Id. */
void sp_radius_put_client(struct sp_radius_packet *packet, const struct sp_ipc_radius *setup,
                          const struct sp_client_key *client, const char *zone);

#endif
