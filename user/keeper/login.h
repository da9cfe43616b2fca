/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the portal asks for: sessions that begin and end. */
#ifndef SP_KEEPER_LOGIN_H
#define SP_KEEPER_LOGIN_H

#include "ipc/ipc.h"
#include "lib/config.h"
#include "lib/maps.h"

/* Do what @request asks and fill @answer (all of it). The request is one that
 * sp_ipc_receive_request has accepted. Failures are logged. */
void sp_login_answer(struct sp_maps *maps, const struct sp_config *config,
                     const struct sp_ipc_request *request, struct sp_ipc_answer *answer);

#endif
