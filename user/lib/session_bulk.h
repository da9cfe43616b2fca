/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many clients at once, as `sallyport import` has them: all or none. Ledger first, then the map,
 * read back, as for one client (lib/session.h).
 */
#ifndef SP_LIB_SESSION_BULK_H
#define SP_LIB_SESSION_BULK_H

#include <stdbool.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "lib/error.h"
#include "lib/limits.h"
#include "lib/maps.h"
#include "lib/method.h"

struct sp_bulk_client {
	struct sp_client_key key;
	enum sp_client_state state; /* authorized or blocked */
	enum sp_method method;      /* authorized: by what */
	struct sp_limits limits;    /* authorized: from now on */
	const char *name, *note;    /* "": none; valid by sp_policy_check_note */
	uint64_t line;              /* for the caller */
};

struct sp_bulk {
	struct sp_bulk_client *clients; /* sorted by sp_bulk_sort, no key twice */
	uint32_t count;
	bool replace; /* clients that have a session or a block get the new one, else they keep it
	               */
	bool dry_run; /* say what would be done */
	/* Called now and then with the part that is done, 0 to 100; may be NULL. */
	void (*progress)(unsigned percent, void *context);
	void *context;
	/* What was done: clients that had no session or block that holds, that had one, that kept
	 * theirs. */
	uint32_t added, replaced, kept;
};

/* By key, then by line. */
void sp_bulk_sort(struct sp_bulk *bulk);

/*
 * Let in and block all of them under one lock and one transaction. Each gets a session of its own
 * with counters of 0.
 *
 * The kernel takes them up one by one: who looks at the map meanwhile (the datapath, `client list`)
 * finds some of them in force and others not yet; a packet is judged by what holds at its moment.
 * Who takes the lock of the instance finds all or none. A process that is killed meanwhile leaves
 * sessions that are in force and remembered, and remembered ones that are not in force, which end
 * as lost at the next start of the daemon.
 *
 * 0, or a negative errno, with everything as it was before: those of sp_session_allow; -ENOSPC:
 * not all of them have room (SP_EXIT_FAILED).
 */
int sp_session_import(struct sp_maps *maps, struct sp_bulk *bulk, struct sp_error *err);

#endif
