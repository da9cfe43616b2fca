/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the ledger is told when sessions change, for session.c, which holds the lock of the
 * instance. Where nothing is to be remembered (maps->remember) these do nothing and succeed.
 */
#ifndef SP_LIB_SESSION_MEMORY_H
#define SP_LIB_SESSION_MEMORY_H

#include <stdbool.h>

#include "lib/ledger.h"
#include "lib/session.h"

/* One client's session in the ledger while it is being changed. */
struct sp_memory {
	struct sp_ledger *ledger; /* NULL: nothing is remembered */
	const struct sp_clock *clock;
	struct sp_record before; /* the session that goes on by the ledger; id 0: none */
	struct sp_record record; /* the one that is granted */
	bool extended;           /* `before` goes on with other limits */
};

/* Look for the session of @session->key that goes on by the ledger; end it there if the map, where
 * the client is as in @session, does not know it. Errors are those of the ledger. */
int sp_memory_open(struct sp_memory *memory, struct sp_maps *maps, const struct sp_session *session,
                   const struct sp_clock *clock, struct sp_error *err);

/* Whether a grant to @who lets the session go on that is alive in the map. */
bool sp_memory_goes_on(const struct sp_memory *memory, const struct sp_who *who);

/* What the session that goes on used before it was restored. */
struct sp_traffic sp_memory_base(const struct sp_memory *memory);

/* The session goes on with @limits and @note. */
int sp_memory_extend(struct sp_memory *memory, const struct sp_session *session,
                     const struct sp_limits *limits, const char *note, struct sp_error *err);

/*
 * A session of @generation begins, and what was before it (as @session has it) ends. With @digest
 * it is by that voucher: of @who only the zone is looked at, and @limits, what holds where the
 * voucher says nothing, become what is left of it.
 */
int sp_memory_begin(struct sp_memory *memory, const struct sp_session *session, uint32_t generation,
                    const struct sp_who *who, const uint8_t *digest, struct sp_limits *limits,
                    const char *note, struct sp_error *err);

/* The map could not be written: as if nothing had begun. What fails here is logged. */
void sp_memory_undo(struct sp_memory *memory);

/* What @session has used, to be written; why and when it ended by itself, or @cause and now if it
 * has not. */
struct sp_reading sp_memory_reading(const struct sp_session *session, const struct sp_clock *clock,
                                    enum sp_cause cause);

/* The same of the whole session @record, which @session is in the map. */
struct sp_reading sp_memory_total(const struct sp_record *record, const struct sp_session *session,
                                  const struct sp_clock *clock);

/* @session is no more in the map. What fails is logged. */
void sp_memory_end(struct sp_maps *maps, const struct sp_session *session,
                   const struct sp_clock *clock, enum sp_cause cause);

/* The operator's note to @session, which is a session or a block; "": none, or nobody knows. */
void sp_memory_note(struct sp_maps *maps, const struct sp_session *session,
                    char note[SP_NOTE_SIZE]);

/* @key is blocked in the map, with @note, or not any more. What fails is logged. */
void sp_memory_block(struct sp_maps *maps, const struct sp_client_key *key, const char *note,
                     const struct sp_clock *clock);
void sp_memory_unblock(struct sp_maps *maps, const struct sp_client_key *key);

#endif
