/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nonces of external portals that were used: each is good for one login. They are kept in
 * /var/lib/INSTANCE/nonces until they would be too old anyway, so that a restart forgets none.
 */
#ifndef SP_KEEPER_SPENT_H
#define SP_KEEPER_SPENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ipc/ipc.h"
#include "lib/error.h"
#include "lib/instance.h"

#define SP_SPENT_MOST 65536u /* at once */

struct sp_spent_nonce {
	uint8_t nonce[SP_IPC_NONCE];
	uint64_t until; /* its last second, since 1970 */
};

struct sp_spent {
	struct sp_spent_nonce *list; /* owned; no order */
	unsigned count, room;
	char path[SP_INSTANCE_PATH + 16];
	FILE *file; /* what was used is put behind its end */
};

/* Read what is kept. 0 or negative errno; sp_spent_close in either case. */
int sp_spent_open(struct sp_spent *spent, const struct sp_instance *instance, struct sp_error *err);
void sp_spent_close(struct sp_spent *spent);

/* Whether @nonce was used. */
bool sp_spent_has(const struct sp_spent *spent, const uint8_t nonce[SP_IPC_NONCE]);

/*
 * It is used now, at @now (seconds since 1970), and good until @until. 0; -ENOSPC: too many are
 * kept, or another negative errno: then it must not be used.
 */
int sp_spent_add(struct sp_spent *spent, const uint8_t nonce[SP_IPC_NONCE], uint64_t until,
                 uint64_t now);

#endif
