/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's part of the walled garden: addresses that the reader of DNS answers tells of are
 * opened, for as long as the answer is valid or they are in use, and closed.
 */
#ifndef SP_KEEPER_GARDENER_H
#define SP_KEEPER_GARDENER_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/ipc.h"
#include "lib/config.h"
#include "lib/garden.h"
#include "lib/log.h"
#include "lib/maps.h"

#define SP_OWN_ADDRESSES 256

struct sp_gardener {
	const struct sp_maps *maps;
	const struct sp_config *config;
	struct sp_garden_set set; /* as the maps were, good while their generation is the same */
	bool read;                /* @set was read */
	struct sp_address own[SP_OWN_ADDRESSES]; /* this machine's, asked for with each look */
	unsigned own_count;
	uint64_t due; /* ms: when something may be over; UINT64_MAX: nothing is learnt */
	uint64_t opened, refused; /* addresses that the reader told of */
	struct sp_log_limit log;
};

void sp_gardener_init(struct sp_gardener *gardener, const struct sp_maps *maps,
                      const struct sp_config *config);
void sp_gardener_close(struct sp_gardener *gardener);

/* Open what @learnt tells of, if that may be. What may not be is told to the log. */
void sp_gardener_learn(struct sp_gardener *gardener, const struct sp_ipc_learnt *learnt);

/* Close what is over and keep what is in use. Returns the ms at which to call this again. */
uint64_t sp_gardener_attend(struct sp_gardener *gardener);

#endif
