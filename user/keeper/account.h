/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom the unprivileged processes run as. */
#ifndef SP_KEEPER_ACCOUNT_H
#define SP_KEEPER_ACCOUNT_H

#include <stdint.h>

#include "lib/error.h"

/* Used when the configured account does not exist: numbers that distributions give to nobody. */
#define SP_ACCOUNT_RESPONDER 64811u
#define SP_ACCOUNT_PORTAL    64812u
#define SP_ACCOUNT_GARDEN    64813u
#define SP_ACCOUNT_VERIFIER  64814u
#define SP_ACCOUNT_METRICS   64815u
#define SP_ACCOUNT_PROBER    64816u

/*
 * uid and gid of the account @user, named by the configuration key @option. If there is none, both
 * are @fallback, unless that number belongs to someone. Root is refused. 0 or negative errno.
 */
int sp_account_find(const char *option, const char *user, uint32_t fallback, uint32_t *uid,
                    uint32_t *gid, struct sp_error *err);

#endif
