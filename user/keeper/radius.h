/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the processes that speak RADIUS are told. */
#ifndef SP_KEEPER_RADIUS_H
#define SP_KEEPER_RADIUS_H

#include "ipc/ipc.h"
#include "lib/config.h"
#include "lib/error.h"

/*
 * Fill @radius with the servers that are asked for access, or with those that are told of sessions;
 * server_count 0: there are none. Reads the file of secrets. 0 or negative errno.
 */
int sp_radius_plan_access(struct sp_ipc_radius *radius, const struct sp_config *config,
                          struct sp_error *err);
int sp_radius_plan_accounting(struct sp_ipc_radius *radius, const struct sp_config *config,
                              struct sp_error *err);

/* With `coa = on`: who may end and change sessions, and into *@file the socket where they are
 * heard. Else *@file is left as it is. 0 or negative errno. */
int sp_radius_plan_authority(struct sp_ipc_verifier_setup *setup, int *file,
                             const struct sp_config *config, struct sp_error *err);

/* Whether the files that the above need are as they should be. 0 or negative errno. */
int sp_radius_check(const struct sp_config *config, struct sp_error *err);

#endif
