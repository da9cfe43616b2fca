/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How often somebody may try: a table of fixed size, in which those are remembered who tried most.
 * Whoever fills it with other names can only push out those who have hardly tried, of whom there is
 * nothing to remember.
 */
#ifndef SP_KEEPER_RETRY_H
#define SP_KEEPER_RETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/config.h"

struct sp_retry_slot {
	uint64_t tag;     /* of whom; 0: free */
	uint64_t until;   /* ms: when all that was tried is forgotten */
	uint32_t strikes; /* how often nothing was left */
};

struct sp_retry {
	struct sp_retry_slot *slots; /* owned */
	unsigned sets;               /* of SP_RETRY_WAYS slots */
	uint64_t each, all;          /* ms: for one try, for as many as there are at once */
	bool grows;
	uint8_t key[32]; /* so that nobody can choose where he is put */
};

#define SP_RETRY_WAYS 8u

/*
 * A table for @sets times SP_RETRY_WAYS, of whom each may try as @attempts says (count 0: always).
 * With @grows who fails again and again waits for longer each time, up to an hour. 0 or negative
 * errno; sp_retry_close in either case.
 */
int sp_retry_open(struct sp_retry *retry, unsigned sets, const struct sp_attempts *attempts,
                  bool grows);
void sp_retry_close(struct sp_retry *retry);

/* Times are ms of CLOCK_MONOTONIC, @who any bytes that say who it is. */

/* How long until @who may try: 0 for now, else ms. */
uint64_t sp_retry_wait(const struct sp_retry *retry, const void *who, size_t length, uint64_t now);

/* He tries. Also when he should have waited; it makes the wait no longer than for one try. */
void sp_retry_take(struct sp_retry *retry, const void *who, size_t length, uint64_t now);

/* It was not wrong: as if he had not tried. */
void sp_retry_give_back(struct sp_retry *retry, const void *who, size_t length);

/* It was wrong. */
void sp_retry_strike(struct sp_retry *retry, const void *who, size_t length, uint64_t now);

#endif
