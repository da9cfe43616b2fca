/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Has the ledger keep up with the map: every ten seconds the counters of the sessions that have
 * moved since, and the end of those that have ended by themselves. What is to be written is written
 * piece by piece, so that a login does not wait for a hundred thousand rows.
 */
#ifndef SP_KEEPER_SCRIBE_H
#define SP_KEEPER_SCRIBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/census.h"
#include "lib/clock.h"
#include "lib/ledger.h"
#include "lib/log.h"
#include "lib/maps.h"

/* What the ledger was told last of the session in a slot. */
struct sp_told {
	uint32_t generation;
	uint32_t cause;
	uint64_t packets;
};

struct sp_scribe {
	struct sp_maps *maps;
	struct sp_told *told; /* by slot */
	struct sp_reading
		*queue; /* records are five times as large; @next to @count are to be written */
	size_t next, count, room;
	uint64_t due;            /* ms: the next look at the map */
	struct sp_clock clock;   /* as at the last look that the wall clock was set before */
	struct sp_census census; /* of the last look at the map, */
	bool counted;            /* if there was one */
	bool behind;             /* the log is perhaps still to be told of an import, */
	uint64_t settle_due;     /* ms: from then on */
	struct sp_log_limit log;
	bool failing; /* the last look could not be written */
	/* `failing` has changed; NULL: nobody asks. */
	void (*changed)(void *context, bool failing);
	void *context;
};

/* `changed` is set by the caller. @maps has as many slots as @maps->max_clients. 0 or -ENOMEM. */
int sp_scribe_init(struct sp_scribe *scribe, struct sp_maps *maps, struct sp_error *err);

/* Write down what has not been yet, all of it, and give the memory back. */
void sp_scribe_close(struct sp_scribe *scribe);

/* Look or write, as is due. Returns the ms at which to call this again. */
uint64_t sp_scribe_attend(struct sp_scribe *scribe);

#endif
