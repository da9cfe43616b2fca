/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether credentials are good, by each method that has to think about it. */
#ifndef SP_VERIFIER_CHECK_H
#define SP_VERIFIER_CHECK_H

#include "ipc/ipc.h"

/* Fill @verdict (all of it) with what is thought of @check at @now (seconds since 1970), by the
 * secrets and servers of @setup. */
void sp_check(const struct sp_ipc_verifier_setup *setup, uint64_t now,
              const struct sp_ipc_check *check, struct sp_ipc_verdict *verdict);

#endif
