/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Has the ledger keep up with the map: every ten seconds the counters of the sessions that have
 * moved since, and the end of those that have ended by themselves. What is to be written is written
 * piece by piece, so that a login does not wait for a hundred thousand rows.
 */
#ifndef SP_KEEPER_SCRIBE_H
#define SP_KEEPER_SCRIBE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/ledger.h"
#include "lib/log.h"
#include "lib/maps.h"

/* What the ledger was told last of the session in a slot. */
struct sp_told {
	uint32_t generation;
	uint32_t cause;
	uint64_t packets;
};

/* What it is to be told. A record is ten times as large, and there may be many. */
struct sp_reading {
	struct sp_client_key client;
	uint32_t generation;
	uint32_t cause;
	uint64_t ended, written;
	uint64_t up_packets, up_bytes, down_packets, down_bytes;
	uint32_t ipv4;
	uint8_t ipv6[16];
};

struct sp_scribe {
	struct sp_maps *maps;
	struct sp_told *told;     /* by slot */
	struct sp_reading *queue; /* @next to @count are to be written */
	size_t next, count, room;
	uint64_t due; /* ms: the next look at the map */
	struct sp_log_limit log;
};

/* @maps has as many slots as @maps->max_clients. 0 or -ENOMEM. */
int sp_scribe_init(struct sp_scribe *scribe, struct sp_maps *maps, struct sp_error *err);

/* Write down what has not been yet, all of it, and give the memory back. */
void sp_scribe_close(struct sp_scribe *scribe);

/* Look or write, as is due. Returns the ms at which to call this again. */
uint64_t sp_scribe_attend(struct sp_scribe *scribe);

#endif
