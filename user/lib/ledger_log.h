/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log of sessions: what happened, in the order in which it did, never changed and deleted by
 * retention alone. Triggers of the database write it with the change that it tells of; only a
 * refused login, which changes nothing, is written here.
 */
#ifndef SP_LIB_LEDGER_LOG_H
#define SP_LIB_LEDGER_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ledger.h"

/* Numbers are stable: the ledger keeps them. Columns: number, name, word. */
#define SP_HISTORY_EVENTS(X)                                                        \
	X(1, BEGIN, "begin")                                                        \
	X(2, ADDRESS, "address") /* it is seen with an address that is new to it */ \
	X(3, LIMITS, "limits")   /* it goes on with others */                       \
	X(4, END, "end")                                                            \
	X(5, REFUSED, "refused")   /* a login */                                    \
	X(6, UNDONE, "undone")     /* what began never came into force */           \
	X(7, RESUMED, "resumed")   /* it goes on: what had ended it was undone */   \
	X(8, RESTORED, "restored") /* the gateway was off meanwhile */              \
	X(9, BLOCKED, "blocked")                                                    \
	X(10, UNBLOCKED, "unblocked")

#define SP_HISTORY_EVENT_ENUM(number, name, word) SP_HISTORY_##name = number,
enum sp_history_event { SP_HISTORY_NOTHING = 0, SP_HISTORY_EVENTS(SP_HISTORY_EVENT_ENUM) };
#undef SP_HISTORY_EVENT_ENUM

/* "begin", "address", ..., "?". */
const char *sp_history_event_word(enum sp_history_event event);

struct sp_history_line {
	uint64_t id;
	uint64_t time;
	enum sp_history_event event;
	uint64_t session; /* 0: none */
	struct sp_client_key client;
	struct sp_who who; /* `method`, `name` and `zone` alone */
	uint32_t ipv4;     /* ADDRESS: that is new; END: the last ones. Network order; 0: none */
	uint8_t ipv6[16];
	enum sp_cause cause;           /* END */
	uint64_t up_bytes, down_bytes; /* END, RESTORED */
	struct sp_limits limits;       /* BEGIN, LIMITS */
	char note[SP_NOTE_SIZE];       /* REFUSED: why */
};

/* Which lines; what is NULL or 0 is not asked for. */
struct sp_history_filter {
	const uint8_t *mac;
	const uint16_t *vlan;
	const char *name;    /* of the user, or a voucher's number */
	const char *address; /* IPv4 or IPv6, as inet_ntop writes it */
	uint64_t since;      /* the first second */
	uint64_t until;      /* the first second behind */
	uint64_t after;      /* lines with larger ids */
	uint64_t limit;      /* so many, the last ones */
};

/* Lines in the order of their time, in constant memory unless `limit` is large. A visitor's result
 * other than 0 ends the walk and is its result; it must not change the ledger. */
typedef int (*sp_history_visit)(const struct sp_history_line *line, void *context);
int sp_ledger_log_each(struct sp_ledger *ledger, const struct sp_history_filter *filter,
                       sp_history_visit visit, void *context, struct sp_error *err);

/* Who was there at one moment, and with which address. */
struct sp_history_use {
	uint64_t session;
	struct sp_client_key client;
	struct sp_who who; /* as above */
	char address[46];  /* "": none was seen */
	uint64_t from,
		until; /* seen with it; without an address: the session. until 0: it goes on */
	uint64_t begun, ended; /* the session */
	enum sp_cause cause;
};

/* Sessions at @at: one for each address that they used then, to within the ten seconds between two
 * looks. Of @filter its members up to `address` count. */
typedef int (*sp_history_use_visit)(const struct sp_history_use *use, void *context);
int sp_ledger_log_at(struct sp_ledger *ledger, const struct sp_history_filter *filter, uint64_t at,
                     sp_history_use_visit visit, void *context, struct sp_error *err);

/* The newest line's id, 0 without one. */
int sp_ledger_log_newest(struct sp_ledger *ledger, uint64_t *id, struct sp_error *err);

/* @client has not been let in at @now as @name by @method: @why is a word. */
int sp_ledger_log_refused(struct sp_ledger *ledger, const struct sp_client_key *client,
                          const struct sp_who *who, const char *why, uint64_t now,
                          struct sp_error *err);

/* Whether @name is that of a user here, or of somebody who has had a session. */
int sp_ledger_log_knows(struct sp_ledger *ledger, const char *name, bool *known,
                        struct sp_error *err);

#endif
