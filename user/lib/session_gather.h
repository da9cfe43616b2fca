/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several who are let in at once wait for the disk once. Each is remembered, put in force and read
 * back by itself, as always (lib/session.h): the ledger says so to every process, also when this
 * one is killed. But a power failure could still take it back, with the sessions, which are in the
 * kernel's memory: nobody may be told that he is in before sp_session_settle.
 */
#ifndef SP_LIB_SESSION_GATHER_H
#define SP_LIB_SESSION_GATHER_H

#include <stdbool.h>

#include "lib/maps.h"
#include "lib/session_memory.h"

#define SP_GATHER 64u /* sessions; further ones wait for the disk by themselves */

/* Begin. Without a ledger, or memory for it, each waits by itself. */
void sp_session_gather(struct sp_maps *maps);

/*
 * Have the disk take what was written since. 0; or a negative errno: those who were let in
 * meanwhile have been put out again, each as it was before, in map and ledger alike. When nothing
 * was gathered nothing happens.
 */
int sp_session_settle(struct sp_maps *maps, struct sp_error *err);

/* A client that was let in, for who lets in. */
struct sp_granted {
	struct sp_client_key key;
	bool known; /* it had an entry, which is @before */
	struct sp_client_policy before, policy;
	struct sp_clock clock;
	struct sp_memory memory;
};

/* @granted may have to be put out again. */
void sp_session_granted(struct sp_maps *maps, const struct sp_granted *granted);

/* For sp_maps_close. */
void sp_gathering_free(struct sp_gathering *gathering);

#endif
