/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one way to let a client in and to put it out, for the CLI and the keeper alike: under the
 * lock of the instance, ledger, slot, map write, read back; whatever fails is rolled back. Without
 * a ledger (maps->remember is false) nothing is remembered.
 *
 * Nobody is let in who would not be remembered. Putting out comes before remembering: when the
 * ledger fails, the client is captive all the same, the failure is logged, and the record of the
 * session ends when the daemon looks at it next.
 */
#ifndef SP_LIB_SESSION_H
#define SP_LIB_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "lib/clock.h"
#include "lib/error.h"
#include "lib/limits.h"
#include "lib/maps.h"
#include "lib/voucher_code.h"
#include "lib/who.h"

/* Counters and judgement of one client at the time of reading. */
struct sp_session {
	struct sp_client_key key;
	struct sp_client_policy policy;
	/* What the datapath makes of it now: an authorized policy whose time, idle time or quota
	 * has run out is SP_CLIENT_CAPTIVE. */
	enum sp_client_state effective;
	const char *ended; /* "expired", "idle", "quota" when that made it captive, else NULL */
	enum sp_cause ended_for; /* the same for the ledger */
	uint64_t ended_at;       /* jiffies: when that was; for a quota, its last packet */
	uint64_t up_packets, up_bytes, down_packets, down_bytes;
	uint64_t up_first, up_last, down_first, down_last; /* jiffies; 0: none */
	uint32_t ipv4;                                     /* network order; 0: none */
	uint32_t bound;   /* IPv4 address that it is bound to, network order; 0: none (yet) */
	uint8_t ipv6[16]; /* all zero: none */
};

#define SP_SESSION_NAME 32 /* buffer for sp_session_name */

/* "aa:bb:cc:dd:ee:ff" or "aa:bb:cc:dd:ee:ff VLAN 12", for sentences. Returns @out. */
char *sp_session_name(char out[SP_SESSION_NAME], const struct sp_client_key *key);

/* The ledger of @maps, opened when it is first needed, and again when it has been moved away or was
 * damaged. NULL with @err filled when it cannot be. sp_maps_close closes it. */
struct sp_ledger *sp_session_ledger(struct sp_maps *maps, struct sp_error *err);

/*
 * Authorize @key with @limits from now on, for @who. Errors: -EINVAL (multicast or zero MAC, VLAN
 * out of range, note too long or not UTF-8 text: SP_EXIT_USAGE), -ENOSPC (`clients` is full:
 * SP_EXIT_FAILED, the sentence names max_clients), -EXFULL (the ledger's disk is), -EDQUOT (a
 * session that is alive has used up a quota of @limits already: SP_EXIT_FAILED), others from the
 * kernel and the ledger. After an error map and ledger are as before.
 *
 * A session that is alive goes on when it is that of the same @who, or when @who is the operator,
 * who changes it without becoming its user: it keeps its slot, its counters and its record; the new
 * limits replace the old ones, time and idle time count from now on, the quota counts from its
 * beginning. Else (another method, user or voucher; ended, blocked, absent) a fresh session begins.
 * @note may be NULL: an existing note is kept.
 */
int sp_session_grant(struct sp_maps *maps, const struct sp_client_key *key,
                     const struct sp_limits *limits, const struct sp_who *who, const char *note,
                     struct sp_error *err);

/* The same for the operator. */
int sp_session_allow(struct sp_maps *maps, const struct sp_client_key *key,
                     const struct sp_limits *limits, const char *note, struct sp_error *err);

/*
 * Redeem the voucher of @digest for @key, who is in the zone called @zone: a fresh session with
 * what is left of it, and @defaults where it says nothing. Errors of sp_ledger_voucher_redeem and
 * sp_session_grant; -EOPNOTSUPP without a ledger.
 */
int sp_session_redeem(struct sp_maps *maps, const struct sp_client_key *key,
                      const uint8_t digest[SP_VOUCHER_DIGEST], const char *zone,
                      const struct sp_limits *defaults, struct sp_error *err);

/* Block @key: everything from and to it is dropped until it is allowed or removed. Its counters
 * stay as they are. Errors as above. */
int sp_session_block(struct sp_maps *maps, const struct sp_client_key *key, const char *note,
                     struct sp_error *err);

/* Forget @key: it is captive from the next packet on. -ENOENT (SP_EXIT_NOT_FOUND) if unknown. A
 * session that was alive has ended for @cause. */
int sp_session_end(struct sp_maps *maps, const struct sp_client_key *key, enum sp_cause cause,
                   struct sp_error *err);

/* The same, if the session of @key in the map is that of @generation, else -ENOENT. */
int sp_session_end_one(struct sp_maps *maps, const struct sp_client_key *key, uint32_t generation,
                       enum sp_cause cause, struct sp_error *err);

/* As sp_session_end for SP_CAUSE_OPERATOR. */
int sp_session_remove(struct sp_maps *maps, const struct sp_client_key *key, struct sp_error *err);

/* Read one client. -ENOENT (SP_EXIT_NOT_FOUND) if it is not in the map. */
int sp_session_get(const struct sp_maps *maps, const struct sp_clock *clock,
                   const struct sp_client_key *key, struct sp_session *session,
                   struct sp_error *err);

/* Called for each client; a non-zero return ends the walk and is its result. */
typedef int (*sp_session_visit)(const struct sp_session *session, void *context);

/*
 * Visit every client, in no order, in constant memory (batched lookups). Clients that come or go
 * meanwhile may or may not be seen; none is seen twice because of them. 0, what @visit returned, or
 * a negative errno.
 */
int sp_session_each(const struct sp_maps *maps, const struct sp_clock *clock,
                    sp_session_visit visit, void *context, struct sp_error *err);

/*
 * Remove the clients whose session has ended more than @grace_seconds ago, and give the room back.
 * Returns how many were removed, or a negative errno.
 */
int sp_session_sweep(struct sp_maps *maps, uint64_t grace_seconds, struct sp_error *err);

/*
 * Make `slots` say again what `clients` uses: a process killed between the two writes of a change
 * leaves a slot taken that nobody has. For the start of the daemon. Returns how many slots were
 * given back, or a negative errno; -EUCLEAN when two clients share a slot or one is out of range
 * (lib/verify.h mends that).
 */
int sp_session_recount(struct sp_maps *maps, struct sp_error *err);

/*
 * Make the ledger say what the map says: sessions that only the ledger has are ended as lost, those
 * that only the map has are remembered from now on (method SP_METHOD_NONE); blocks as well, and
 * ends are those of the kernel's clock. For the start of the
 * daemon and for `up`. 0 or a negative errno.
 */
int sp_session_reconcile(struct sp_maps *maps, struct sp_error *err);

/*
 * After a reboot, or when pins were removed: fill @maps, which are new and empty and not attached
 * to anything, with every block, and every session that goes on by the ledger and has something
 * left: same record, same generation. The others end, for their cause. Without a ledger nothing
 * happens. The caller holds the lock of the instance. Returns how many clients came back, or a
 * negative errno with @err filled: -ENOSPC when the map has not room for all of them; after other
 * errors of the ledger none has come back.
 */
int sp_session_restore(struct sp_maps *maps, struct sp_error *err);

/* Write what every session has used until now: before the maps go. */
int sp_session_write_all(struct sp_maps *maps, struct sp_error *err);

#endif
