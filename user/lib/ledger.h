/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of an instance: one SQLite database, /var/lib/INSTANCE/ledger.db, in WAL mode,
 * readable by root alone. Who may log in (users, vouchers), and who did (sessions). What is
 * enforced is in the maps; a session is written here first, then there.
 *
 * Strings are NUL-terminated UTF-8. Times are seconds since 1970. Functions return 0 or a negative
 * errno with @err filled (SP_EXIT_FAILED unless said otherwise); -EBUSY: another process wrote for
 * longer than five seconds; -ENOSPC: the disk is full; -EUCLEAN: the database is damaged.
 */
#ifndef SP_LIB_LEDGER_H
#define SP_LIB_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/instance.h"
#include "lib/method.h"
#include "lib/session.h"
#include "lib/voucher_code.h"

#define SP_LEDGER_NAME  256 /* a user's name, NUL included */
#define SP_LEDGER_HASH  384 /* crypt(5) string, NUL included */
#define SP_LEDGER_CLASS 253 /* bytes of a RADIUS Class attribute */

struct sp_ledger;

/* Open or create the database; an older schema is migrated, a newer one refused. */
int sp_ledger_open(struct sp_ledger **ledger, const struct sp_instance *instance,
                   struct sp_error *err);
void sp_ledger_close(struct sp_ledger *ledger); /* NULL is fine */

/* Several changes as one: after an error of any of them, or after _rollback, nothing was changed.
 * Not nested. BEGIN IMMEDIATE: a transaction that has begun will not meet -EBUSY. */
int sp_ledger_begin(struct sp_ledger *ledger, struct sp_error *err);
int sp_ledger_commit(struct sp_ledger *ledger, struct sp_error *err);
void sp_ledger_rollback(struct sp_ledger *ledger);

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
int sp_ledger_user_get(struct sp_ledger *ledger, const char *name, struct sp_user *user,
                       struct sp_error *err); /* -ENOENT (SP_EXIT_NOT_FOUND) */
int sp_ledger_user_remove(struct sp_ledger *ledger, const char *name, struct sp_error *err);
int sp_ledger_user_password(struct sp_ledger *ledger, const char *name, const char *hash,
                            struct sp_error *err);
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
	uint64_t from, until;    /* may be redeemed from, and before; 0: no bound */
	uint64_t created, first; /* first redemption; 0: none yet */
	bool revoked;
	char batch[32]; /* the operator's name for those created together */
	char note[SP_NOTE_SIZE];
};

int sp_ledger_voucher_add(struct sp_ledger *ledger, const uint8_t digest[SP_VOUCHER_DIGEST],
                          struct sp_voucher *voucher, struct sp_error *err); /* fills id */

/*
 * Take a place of the voucher for @client, within a transaction. A client that has a place already
 * keeps it. @left: what it may use now: limits of the voucher less the time since the first
 * redemption, and less what this client's earlier sessions by it used. -ENOENT: no such voucher, or
 * revoked; -EAGAIN: before `from`; -ESTALE: after `until` (of one not redeemed by this client yet),
 * or its time or quota is used up; -EUSERS: all places are taken. These fill only err->text.
 */
int sp_ledger_voucher_redeem(struct sp_ledger *ledger, const uint8_t digest[SP_VOUCHER_DIGEST],
                             const struct sp_client_key *client, uint64_t now,
                             struct sp_voucher *voucher, struct sp_limits *left,
                             struct sp_error *err);
int sp_ledger_voucher_revoke(struct sp_ledger *ledger, uint64_t id, struct sp_error *err);
typedef int (*sp_voucher_visit)(const struct sp_voucher *voucher, void *context);
int sp_ledger_voucher_each(struct sp_ledger *ledger, sp_voucher_visit visit, void *context,
                           struct sp_error *err);

/* --- sessions --- */

/* Who a session was given to, and by what. */
struct sp_who {
	enum sp_method method;
	char name[SP_LEDGER_NAME]; /* user; voucher: its id in digits; else "" */
	uint64_t voucher;          /* 0: none */
	uint32_t class_length;     /* RADIUS Class, returned in accounting */
	uint8_t class_bytes[SP_LEDGER_CLASS];
	uint32_t interim; /* seconds between accounting updates; 0: as configured */
};

/* Numbers are stable: the ledger keeps them. RADIUS names in brackets (RFC 2866, 5.10). */
enum sp_cause {
	SP_CAUSE_NONE = 0,     /* it goes on */
	SP_CAUSE_TIME = 1,     /* its time was up (Session-Timeout) */
	SP_CAUSE_IDLE = 2,     /* (Idle-Timeout) */
	SP_CAUSE_QUOTA = 3,    /* (Session-Timeout) */
	SP_CAUSE_CLIENT = 4,   /* signed out (User-Request) */
	SP_CAUSE_OPERATOR = 5, /* removed or blocked (Admin-Reset) */
	SP_CAUSE_REPLACED = 6, /* by another session of the same client (User-Request) */
	SP_CAUSE_LOST = 7,     /* the maps do not know it any more: down, reboot (NAS-Reboot) */
	SP_CAUSES
};

const char *sp_cause_name(unsigned cause); /* "time", "idle", ..., "" for NONE */

struct sp_record {
	uint64_t id; /* never used again; in hexadecimal it is the Acct-Session-Id */
	struct sp_client_key client;
	uint32_t generation; /* of the policy: with client and begun, which session of the map */
	struct sp_who who;
	struct sp_limits limits;
	uint64_t begun, ended; /* ended 0: it goes on */
	enum sp_cause cause;
	uint32_t ipv4; /* network order; 0: none seen */
	uint8_t ipv6[16];
	uint64_t up_packets, up_bytes, down_packets, down_bytes; /* as last written */
	uint64_t written;                                        /* when that was */
};

int sp_ledger_session_add(struct sp_ledger *ledger, struct sp_record *record,
                          struct sp_error *err); /* fills id */

/* Write counters and addresses of the session @record->id; with a cause also its end. */
int sp_ledger_session_write(struct sp_ledger *ledger, const struct sp_record *record,
                            struct sp_error *err);

/* The newest session of @client, ended or not. -ENOENT: none. */
int sp_ledger_session_last(struct sp_ledger *ledger, const struct sp_client_key *client,
                           struct sp_record *record, struct sp_error *err);

/* Sessions that go on by the ledger, of @who: for a limit on devices. */
int sp_ledger_session_count(struct sp_ledger *ledger, const char *name, enum sp_method method,
                            const struct sp_client_key *except, unsigned *count,
                            struct sp_error *err);

typedef int (*sp_record_visit)(const struct sp_record *record, void *context);
/* Those that go on, oldest first. @visit must not change the ledger. */
int sp_ledger_session_each(struct sp_ledger *ledger, sp_record_visit visit, void *context,
                           struct sp_error *err);

#endif
