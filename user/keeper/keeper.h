/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper: the one long-lived process with privileges. It holds every socket, starts the
 * processes that speak with clients, and changes sessions when the portal asks it to. It reads no
 * byte of any client itself.
 */
#ifndef SP_KEEPER_KEEPER_H
#define SP_KEEPER_KEEPER_H

#include "lib/config.h"
#include "lib/error.h"
#include "lib/instance.h"

/* Serve @instance in the foreground until SIGTERM or SIGINT. @config is the keeper's, which reads
 * it again at SIGHUP. 0 or negative errno. */
int sp_keeper_run(const struct sp_instance *instance, struct sp_config *config,
                  struct sp_error *err);

#endif
