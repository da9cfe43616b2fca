/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many sessions at once, in a fraction of the time that one after the other takes. */
#ifndef SP_LIB_LEDGER_BULK_H
#define SP_LIB_LEDGER_BULK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/ledger.h"

/* A session that begins, or has begun. Strings are kept until the next one is asked for. */
struct sp_ledger_row {
	struct sp_client_key client;
	uint32_t generation;
	enum sp_method method;
	uint64_t begun, until;   /* by the wall clock; until 0: no bound */
	const char *name, *note; /* "": none */
	const struct sp_limits *limits;
};

/* The row @index, counted from 0; asked for in order, perhaps more than once. */
typedef void (*sp_ledger_row_at)(uint32_t index, struct sp_ledger_row *row, void *context);

/*
 * Add @count sessions, in a transaction of the caller; @now is the time by the wall clock. Sessions
 * of these clients that go on by the ledger have ended, as lost: the caller has ended those that it
 * knows. Their ids follow each other from *@first on. Rows in the order of their clients cost
 * least.
 */
int sp_ledger_session_add_many(struct sp_ledger *ledger, uint32_t count, sp_ledger_row_at row_at,
                               void *context, uint64_t now, uint64_t *first, struct sp_error *err);

/*
 * The log tells of each of them. Of more than SP_LEDGER_LOG_NOW at once it does so later, when this
 * is called by the daemon or by who is about to read it: it takes as long again as all the rest.
 * Write at most @rows lines; *@more: there are others. Without any nothing is written.
 */
#define SP_LEDGER_LOG_NOW 10000u
int sp_ledger_log_settle(struct sp_ledger *ledger, uint32_t rows, bool *more, struct sp_error *err);

/* Called for each session that goes on and has a name, a zone or a note. */
typedef int (*sp_ledger_name_visit)(const struct sp_client_key *client, uint32_t generation,
                                    const char *name, const char *zone, const char *note,
                                    void *context);

/* As sp_ledger_session_each, in no order, without what is not asked for here. */
int sp_ledger_session_each_name(struct sp_ledger *ledger, sp_ledger_name_visit visit, void *context,
                                struct sp_error *err);

#endif
