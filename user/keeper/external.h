/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the configuration says of an external portal (web/handover.h). */
#ifndef SP_KEEPER_EXTERNAL_H
#define SP_KEEPER_EXTERNAL_H

#include "ipc/ipc.h"
#include "lib/config.h"
#include "lib/error.h"

/* Read the secret that is shared with the external portal; "" without that method. 0 or negative
 * errno. */
int sp_external_read(char secret[SP_IPC_SHARED], const struct sp_config *config,
                     struct sp_error *err);

/* What verifier and portal are told. Their link keys are there already. */
int sp_external_plan(struct sp_ipc_verifier_setup *verifier, struct sp_ipc_portal_setup *portal,
                     const struct sp_config *config, struct sp_error *err);

#endif
