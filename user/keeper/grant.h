/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Letting a client in, once it is known who it is. Each takes the lock of the instance, so that
 * what the operator does meanwhile is not undone, writes ledger and map, and says in the log what
 * came of it; a client that is blocked is refused.
 */
#ifndef SP_KEEPER_GRANT_H
#define SP_KEEPER_GRANT_H

#include "ipc/ipc.h"
#include "lib/config.h"
#include "lib/maps.h"
#include "lib/method.h"
#include "lib/voucher_code.h"

/* Who accepted the terms. A session of which more than half is left stays as it is. */
enum sp_ipc_result sp_grant_click(struct sp_maps *maps, const struct sp_zone *zone,
                                  const struct sp_client_key *client);

/* By the voucher of @digest. */
enum sp_ipc_result sp_grant_voucher(struct sp_maps *maps, const struct sp_zone *zone,
                                    const struct sp_client_key *client,
                                    const uint8_t digest[SP_VOUCHER_DIGEST]);

/* As the local user @name, whose password was right. */
enum sp_ipc_result sp_grant_user(struct sp_maps *maps, const struct sp_zone *zone,
                                 const struct sp_client_key *client, const char *name);

/* As @verdict says, by RADIUS or an external portal (@method); @name: as the client called itself.
 */
enum sp_ipc_result sp_grant_verdict(struct sp_maps *maps, const struct sp_zone *zone,
                                    const struct sp_client_key *client, enum sp_method method,
                                    const char *name, const struct sp_ipc_verdict *verdict);

/* The opposite: the client signs out. */
enum sp_ipc_result sp_grant_end(struct sp_maps *maps, const struct sp_client_key *client);

#endif
