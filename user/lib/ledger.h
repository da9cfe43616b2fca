/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of an instance: one SQLite database, /var/lib/INSTANCE/ledger.db, in WAL mode,
 * readable by root alone. Who may log in (users, vouchers), and who did (sessions). What is
 * enforced is in the maps; a session is written here first, then there.
 *
 * Strings are NUL-terminated UTF-8. Times are seconds since 1970. Functions return 0 or a negative
 * errno with @err filled (SP_EXIT_FAILED unless said otherwise); -EBUSY: another process wrote for
 * longer than five seconds; -EXFULL: the disk is full; -EUCLEAN: the database is damaged.
 *
 * Who needs the lock of the instance (lib/maps.h) as well takes it first.
 */
#ifndef SP_LIB_LEDGER_H
#define SP_LIB_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "lib/error.h"
#include "lib/instance.h"
#include "lib/limits.h"
#include "lib/voucher_code.h"
#include "lib/who.h"

#define SP_LEDGER_HASH  384 /* crypt(5) string, NUL included */
#define SP_LEDGER_BATCH 32  /* name of a batch of vouchers, NUL included */

struct sp_ledger;

/* Open or create the database; an older schema is migrated, a newer one refused. */
int sp_ledger_open(struct sp_ledger **ledger, const struct sp_instance *instance,
                   struct sp_error *err);
void sp_ledger_close(struct sp_ledger *ledger); /* NULL is fine */

/* What this process has done with it. */
struct sp_ledger_counts {
	uint64_t commits, errors;
	uint64_t written; /* when the last commit was; 0: none yet */
};
struct sp_ledger_counts sp_ledger_counted(void);

/* Whether it should be closed and opened again: its file has been moved away, or has turned out to
 * be damaged, which the operator may have mended. */
bool sp_ledger_is_gone(const struct sp_ledger *ledger);

/* Whether there is a database, so that who only wants to look need not make one. */
bool sp_ledger_exists(const struct sp_instance *instance);

/*
 * Several changes as one: until _commit nothing is changed for others, after _rollback nothing was.
 * After an error of any of them the caller rolls back. Not nested. A transaction that has begun
 * will not meet -EBUSY. What was committed is on the disk.
 */
int sp_ledger_begin(struct sp_ledger *ledger, struct sp_error *err);

/* The same, but a power failure may take back what was committed last, in order: for sessions,
 * which end with the power anyway. Changes outside of a transaction are of this kind if they are of
 * sessions, else of the other. */
int sp_ledger_begin_quick(struct sp_ledger *ledger, struct sp_error *err);
int sp_ledger_commit(struct sp_ledger *ledger, struct sp_error *err);
void sp_ledger_rollback(struct sp_ledger *ledger); /* without a transaction nothing happens */

/*
 * Several transactions wait for the disk once: while _gather is on each is committed at once for
 * every process, but a power failure may take it back. _settle ends that, and returns when all of
 * them are on the disk; -EIO: they may not be.
 */
void sp_ledger_gather(struct sp_ledger *ledger, bool on);
int sp_ledger_settle(struct sp_ledger *ledger, struct sp_error *err);

/* --- users --- */

struct sp_user {
	char name[SP_LEDGER_NAME];
	char hash[SP_LEDGER_HASH]; /* yescrypt */
	struct sp_limits limits;   /* 0 in a field: as the configuration says */
	uint32_t devices;          /* that may be connected at once; 0: any number */
	uint64_t until;            /* the account is good before this; 0: for ever */
	bool disabled;
	char note[SP_NOTE_SIZE];
};

int sp_ledger_user_add(struct sp_ledger *ledger, const struct sp_user *user,
                       struct sp_error *err); /* -EEXIST */

/* This and the next three: -ENOENT (SP_EXIT_NOT_FOUND). */
int sp_ledger_user_get(struct sp_ledger *ledger, const char *name, struct sp_user *user,
                       struct sp_error *err);
int sp_ledger_user_remove(struct sp_ledger *ledger, const char *name, struct sp_error *err);
int sp_ledger_user_password(struct sp_ledger *ledger, const char *name, const char *hash,
                            struct sp_error *err);
int sp_ledger_user_disable(struct sp_ledger *ledger, const char *name, bool disabled,
                           struct sp_error *err);

/* Every user by name. A visitor's result other than 0 ends the walk and is its result; it must not
 * change the ledger. So with the other walks below. */
typedef int (*sp_user_visit)(const struct sp_user *user, void *context);
int sp_ledger_user_each(struct sp_ledger *ledger, sp_user_visit visit, void *context,
                        struct sp_error *err);

/* --- vouchers --- */

struct sp_voucher {
	uint64_t id;             /* in the order of creation, never used again */
	struct sp_limits limits; /* of each device; `seconds` run for all of them from the first
	                          * redemption on; 0 in a field: as the configuration says */
	uint32_t devices;        /* that may redeem it, at least 1 */
	uint32_t taken;          /* that have */
	uint64_t from, until;    /* good from, and before; 0: no bound. No session outlasts it */
	uint64_t created, first; /* first redemption; 0: none yet */
	bool revoked;
	uint64_t creation;           /* sp_ledger_creation_begin that it is added for; 0: none */
	char batch[SP_LEDGER_BATCH]; /* the operator's name for those created together */
	char note[SP_NOTE_SIZE];
};

/* Fills id. -EEXIST: there is a voucher of this code. */
int sp_ledger_voucher_add(struct sp_ledger *ledger, const uint8_t digest[SP_VOUCHER_DIGEST],
                          struct sp_voucher *voucher, struct sp_error *err);

/*
 * Many vouchers, all of them or none, without keeping others from the ledger for as long as that
 * takes: what is added for a @creation is there for nobody until that has ended (-ESTALE: an hour
 * later they were deleted). Who cannot end it deletes a piece, of at most @most, of what was added
 * until @removed is 0; what a killed process leaves goes with what is old.
 */
int sp_ledger_creation_begin(struct sp_ledger *ledger, uint64_t now, uint64_t *creation,
                             struct sp_error *err);
int sp_ledger_creation_end(struct sp_ledger *ledger, uint64_t creation, struct sp_error *err);
int sp_ledger_creation_undo(struct sp_ledger *ledger, uint64_t creation, unsigned most,
                            unsigned *removed, struct sp_error *err);

/*
 * Take a place of the voucher for @client, within a transaction (sp_session_redeem does all of it).
 * A client that has a place already keeps it. @left: what it may use now: limits of the voucher
 * less the time since the first redemption, and less what this client's earlier sessions by it
 * used, as they were last written. A wall clock that went back since the last redemption gives no
 * time back. -ENOENT: no such voucher, or revoked; -EAGAIN: before `from`; -ESTALE: after `until`,
 * or its time or quota is used up; -EUSERS: all places are taken. After these nothing was changed.
 */
int sp_ledger_voucher_redeem(struct sp_ledger *ledger, const uint8_t digest[SP_VOUCHER_DIGEST],
                             const struct sp_client_key *client, uint64_t now,
                             struct sp_voucher *voucher, struct sp_limits *left,
                             struct sp_error *err);

/* By its code or by its id. -ENOENT (SP_EXIT_NOT_FOUND). */
int sp_ledger_voucher_find(struct sp_ledger *ledger, const uint8_t digest[SP_VOUCHER_DIGEST],
                           struct sp_voucher *voucher, struct sp_error *err);
int sp_ledger_voucher_get(struct sp_ledger *ledger, uint64_t id, struct sp_voucher *voucher,
                          struct sp_error *err);

/* How many there are that are not revoked. */
int sp_ledger_voucher_count(struct sp_ledger *ledger, uint64_t *count, struct sp_error *err);

/* It is never redeemed again; sessions it gave are the caller's business. -ENOENT as above. */
int sp_ledger_voucher_revoke(struct sp_ledger *ledger, uint64_t id, struct sp_error *err);

/* Every voucher, or those of @batch if it is not NULL, oldest first. */
typedef int (*sp_voucher_visit)(const struct sp_voucher *voucher, void *context);
int sp_ledger_voucher_each(struct sp_ledger *ledger, const char *batch, sp_voucher_visit visit,
                           void *context, struct sp_error *err);

/* --- sessions --- */

/* What the accounting server has confirmed. Numbers are stable: the ledger keeps them. */
enum sp_accounted {
	SP_ACCOUNTED_NOTHING = 0,
	SP_ACCOUNTED_START = 1,
	SP_ACCOUNTED_STOP = 2, /* or there is nothing to confirm any more */
};

/* What the map says of a session. */
struct sp_reading {
	struct sp_client_key client;
	uint32_t generation; /* of the policy: with client, which session of the map */
	enum sp_cause cause;
	uint64_t ended; /* 0: it goes on, or, with a cause, it ended at `written` */
	uint64_t written;
	uint64_t seen; /* its last upload packet; 0: none */
	uint64_t up_packets, up_bytes, down_packets, down_bytes;
	uint32_t ipv4; /* network order; 0: none seen */
	uint8_t ipv6[16];
};

struct sp_traffic {
	uint64_t up_packets, up_bytes, down_packets, down_bytes;
};

struct sp_record {
	uint64_t id;               /* never used again; in hexadecimal it is the Acct-Session-Id */
	struct sp_reading reading; /* as last written; of the whole session */
	struct sp_traffic base;    /* what it used before it was restored, which the map that is
	                            * there now does not know */
	struct sp_who who;
	struct sp_limits limits; /* as granted, from `granted` on */
	uint64_t begun, granted;
	uint64_t until; /* by the wall clock; 0: no bound */
	char note[SP_NOTE_SIZE];
	enum sp_accounted accounted;
};

/* Fills id. A session of the client that goes on must have been ended before: -EEXIST. */
int sp_ledger_session_add(struct sp_ledger *ledger, struct sp_record *record, struct sp_error *err);

/*
 * Write @reading of the session @id, or, if that is 0, of the one of its client and generation;
 * with a cause also its end. What was used before the map that it is of is added. Addresses that
 * are not seen any more stay. -ENOENT: there is none that goes on.
 */
int sp_ledger_session_write(struct sp_ledger *ledger, uint64_t id, const struct sp_reading *reading,
                            struct sp_error *err);

/* It has ended for @cause at @at, having used what was written last. -ENOENT as above. */
int sp_ledger_session_end(struct sp_ledger *ledger, uint64_t id, enum sp_cause cause, uint64_t at,
                          struct sp_error *err);

/* All that go on have ended, as lost, at @now. */
int sp_ledger_session_end_all(struct sp_ledger *ledger, uint64_t now, struct sp_error *err);

/* New `limits`, `granted`, `until` and `note` of the session @record->id, which goes on. */
int sp_ledger_session_limit(struct sp_ledger *ledger, const struct sp_record *record,
                            struct sp_error *err);

/* When the session, which goes on, ends by the wall clock that is right now. Not logged. */
int sp_ledger_session_until(struct sp_ledger *ledger, uint64_t id, uint64_t until,
                            struct sp_error *err);

/* The sessions that go on begin in new, empty maps at @now: what they used is their base. */
int sp_ledger_session_restored(struct sp_ledger *ledger, uint64_t now, struct sp_error *err);

/* It never came to be: remove the session @record, with the voucher's place that no other session
 * has used, and let the session @reopened (0: none) go on that had been ended for it. */
int sp_ledger_session_forget(struct sp_ledger *ledger, const struct sp_record *record,
                             uint64_t reopened, struct sp_error *err);

/* It has not ended after all. -ENOENT as above. */
int sp_ledger_session_reopen(struct sp_ledger *ledger, uint64_t id, struct sp_error *err);

/* -ENOENT (SP_EXIT_NOT_FOUND): no such session; also of the next two. */
int sp_ledger_session_get(struct sp_ledger *ledger, uint64_t id, struct sp_record *record,
                          struct sp_error *err);

/* The newest session of @client, ended or not. */
int sp_ledger_session_last(struct sp_ledger *ledger, const struct sp_client_key *client,
                           struct sp_record *record, struct sp_error *err);

/* The session of @client that goes on. */
int sp_ledger_session_running(struct sp_ledger *ledger, const struct sp_client_key *client,
                              struct sp_record *record, struct sp_error *err);

/* Sessions that go on by the ledger, of @name by @method, without those of the client @except (may
 * be NULL): for a limit on devices. */
int sp_ledger_session_count(struct sp_ledger *ledger, const char *name, enum sp_method method,
                            const struct sp_client_key *except, unsigned *count,
                            struct sp_error *err);

typedef int (*sp_record_visit)(const struct sp_record *record, void *context);

/* Those that go on, oldest first. */
int sp_ledger_session_each(struct sp_ledger *ledger, sp_record_visit visit, void *context,
                           struct sp_error *err);

/* Those of RADIUS users, ended or not, of which the server has not confirmed the stop; oldest
 * first. They stay here over a restart of the daemon. */
int sp_ledger_session_each_unaccounted(struct sp_ledger *ledger, sp_record_visit visit,
                                       void *context, struct sp_error *err);
int sp_ledger_session_accounted(struct sp_ledger *ledger, uint64_t id, enum sp_accounted accounted,
                                struct sp_error *err);

/* --- time --- */

/*
 * Remember that the wall clock says @now. It was set by @step seconds since the last time: the ends
 * of the sessions that go on, which the kernel keeps by its own clock, move along.
 */
int sp_ledger_clock(struct sp_ledger *ledger, uint64_t now, int64_t step, struct sp_error *err);

/* The wall clock as it was last remembered, by sp_ledger_clock or with a session; 0: never. What is
 * left of a session when its gateway was off counts from the later of this and of now, so that a
 * clock that was set back gives nothing. */
int sp_ledger_seen(struct sp_ledger *ledger, uint64_t *seen, struct sp_error *err);

/* --- blocks --- */

struct sp_block {
	struct sp_client_key client;
	uint64_t since;
	char note[SP_NOTE_SIZE];
};

/* @block is, in place of what there is of its client; or there is none of @client any more. */
int sp_ledger_block_set(struct sp_ledger *ledger, const struct sp_block *block,
                        struct sp_error *err);
int sp_ledger_block_remove(struct sp_ledger *ledger, const struct sp_client_key *client,
                           struct sp_error *err);

/* -ENOENT (SP_EXIT_NOT_FOUND): @client is not blocked. */
int sp_ledger_block_get(struct sp_ledger *ledger, const struct sp_client_key *client,
                        struct sp_block *block, struct sp_error *err);

/* Every block, in no order. */
typedef int (*sp_block_visit)(const struct sp_block *block, void *context);
int sp_ledger_block_each(struct sp_ledger *ledger, sp_block_visit visit, void *context,
                         struct sp_error *err);

#endif
