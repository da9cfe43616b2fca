/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Deletes from the ledger what is older than the configuration says, every hour, piece by piece
 * between other events. Not in the first hour, nor in the one after the wall clock was set: a clock
 * that is wrong after a start would delete what is not old.
 */
#ifndef SP_KEEPER_PRUNER_H
#define SP_KEEPER_PRUNER_H

#include <stdint.h>

#include "lib/config.h"
#include "lib/log.h"
#include "lib/maps.h"

struct sp_pruner {
	struct sp_maps *maps;
	uint64_t due;  /* ms */
	int64_t clock; /* s: how far the wall clock is ahead of the monotonic one */
	struct sp_log_limit log;
};

void sp_pruner_init(struct sp_pruner *pruner, struct sp_maps *maps);

/* Delete a piece, if that is due, as @config says. Returns the ms at which to call this again. */
uint64_t sp_pruner_attend(struct sp_pruner *pruner, const struct sp_config *config);

#endif
