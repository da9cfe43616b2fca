/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What several commands begin with.
 */
#ifndef SP_CLI_OPEN_H
#define SP_CLI_OPEN_H

#include "cli/command.h"
#include "lib/clock.h"
#include "lib/config.h"
#include "lib/maps.h"

/* The maps of the instance, and the time. sp_maps_close when done. */
int sp_open_maps(const struct sp_invocation *invocation, struct sp_maps *maps,
                 struct sp_clock *clock, struct sp_error *err);

/* Option --zone: the number of that zone; without it 0. -ENOENT (SP_EXIT_NOT_FOUND): there is none
 * of this name. */
int sp_open_zone(const struct sp_invocation *invocation, const struct sp_maps *maps, uint32_t *zone,
                 struct sp_error *err);

/* Operand MAC and option --vlan. */
int sp_open_key(const struct sp_invocation *invocation, struct sp_client_key *key,
                struct sp_error *err);

/* Read the file @path. All that is wrong with it is said: @err has the last of it, which the caller
 * is to say, the others are on stderr. 0 or negative errno. */
int sp_open_config_at(const struct sp_invocation *invocation, struct sp_config *config,
                      const char *path, struct sp_error *err);

/* The same with the file of option -c; without it that of the last `up` if @of_last_up, else the
 * default. It says how the portal is reached. */
int sp_open_config(const struct sp_invocation *invocation, struct sp_config *config,
                   bool of_last_up, struct sp_error *err);

#endif
