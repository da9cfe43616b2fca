/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/session_memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/log.h"

/* A disk that is full makes every end of a session fail. */
static struct sp_log_limit log_limit = {.burst = 20};

struct sp_ledger *sp_session_ledger(struct sp_maps *maps, struct sp_error *err)
{
	if (maps->ledger && sp_ledger_is_gone(maps->ledger)) {
		sp_ledger_close(maps->ledger);
		maps->ledger = NULL;
	}
	if (!maps->ledger && sp_ledger_open(&maps->ledger, &maps->instance, err))
		return NULL;
	return maps->ledger;
}

void sp_memory_note(struct sp_maps *maps, const struct sp_session *session, char note[SP_NOTE_SIZE])
{
	struct sp_ledger *ledger = maps->remember ? sp_session_ledger(maps, NULL) : NULL;
	struct sp_record record;
	struct sp_block block;

	note[0] = '\0';
	if (!ledger)
		return;
	if (session->policy.state == SP_CLIENT_BLOCKED) {
		if (!sp_ledger_block_get(ledger, &session->key, &block, NULL))
			memcpy(note, block.note, sizeof(block.note));
	} else if (session->policy.state == SP_CLIENT_AUTHORIZED &&
	           !sp_ledger_session_last(ledger, &session->key, &record, NULL) &&
	           record.reading.generation == session->policy.generation) {
		memcpy(note, record.note, sizeof(record.note));
	}
}

static void log_failure(const struct sp_client_key *key, const char *what,
                        const struct sp_error *err)
{
	char name[SP_SESSION_NAME];

	sp_log_limited(&log_limit, SP_LOG_ERROR, "%s: %s, but the ledger does not say so: %s",
	               sp_session_name(name, key), what, err->text);
}

struct sp_reading sp_memory_reading(const struct sp_session *session, const struct sp_clock *clock,
                                    enum sp_cause cause)
{
	struct sp_reading reading = {
		.client = session->key,
		.generation = session->policy.generation,
		.cause = session->ended ? session->ended_for : cause,
		.ended = session->ended ? sp_clock_unix(clock, session->ended_at) : 0,
		.written = clock->unix_time,
		.seen = sp_clock_unix(clock, session->up_last),
		.up_packets = session->up_packets,
		.up_bytes = session->up_bytes,
		.down_packets = session->down_packets,
		.down_bytes = session->down_bytes,
		.ipv4 = session->ipv4,
	};

	memcpy(reading.ipv6, session->ipv6, sizeof(reading.ipv6));
	return reading;
}

struct sp_reading sp_memory_total(const struct sp_record *record, const struct sp_session *session,
                                  const struct sp_clock *clock)
{
	struct sp_reading reading = sp_memory_reading(session, clock, SP_CAUSE_NONE);

	reading.up_packets += record->base.up_packets;
	reading.up_bytes += record->base.up_bytes;
	reading.down_packets += record->base.down_packets;
	reading.down_bytes += record->base.down_bytes;
	return reading;
}

/* The map does not know the session: it ended when it was last heard of. */
static int end_lost(struct sp_memory *memory, struct sp_error *err)
{
	const struct sp_record *lost = &memory->before;
	uint64_t id = lost->id;

	memory->before.id = 0;
	return sp_ledger_session_end(memory->ledger, id, SP_CAUSE_LOST, lost->reading.written, err);
}

int sp_memory_open(struct sp_memory *memory, struct sp_maps *maps, const struct sp_session *session,
                   const struct sp_clock *clock, struct sp_error *err)
{
	int code;

	*memory = (struct sp_memory){.clock = clock};
	if (!maps->remember)
		return 0;
	memory->ledger = sp_session_ledger(maps, err);
	if (!memory->ledger)
		return -EIO;
	code = sp_ledger_session_running(memory->ledger, &session->key, &memory->before, err);
	if (code == -ENOENT) {
		if (err)
			*err = (struct sp_error){0};
		return 0;
	}
	if (!code && (session->policy.state != SP_CLIENT_AUTHORIZED ||
	              session->policy.generation != memory->before.reading.generation))
		code = end_lost(memory, err);
	return code;
}

bool sp_memory_goes_on(const struct sp_memory *memory, const struct sp_who *who)
{
	const struct sp_who *before = &memory->before.who;

	if (!memory->ledger || who->method == SP_METHOD_OPERATOR)
		return true;
	return memory->before.id && before->method == who->method &&
	       before->voucher == who->voucher && !strcmp(before->name, who->name);
}

struct sp_traffic sp_memory_base(const struct sp_memory *memory)
{
	return memory->before.id ? memory->before.base : (struct sp_traffic){.up_bytes = 0};
}

static int add(struct sp_memory *memory, const struct sp_session *session, uint32_t generation,
               const struct sp_who *who, const struct sp_limits *limits, const char *note,
               struct sp_error *err)
{
	uint64_t now = memory->clock->unix_time;

	memory->record = (struct sp_record){
		.reading = {.client = session->key, .generation = generation},
		.who = *who,
		.limits = *limits,
		.begun = now,
		.granted = now,
		.until = sp_limits_end(limits, now),
	};
	snprintf(memory->record.note, sizeof(memory->record.note), "%s", note);
	return sp_ledger_session_add(memory->ledger, &memory->record, err);
}

int sp_memory_extend(struct sp_memory *memory, const struct sp_session *session,
                     const struct sp_limits *limits, const char *note, struct sp_error *err)
{
	static const struct sp_who operator= {.method = SP_METHOD_OPERATOR};
	struct sp_record *record = &memory->record;

	if (!memory->ledger)
		return 0;
	if (!memory->before.id)
		return add(memory, session, session->policy.generation, &operator, limits, note,
		           err);
	memory->extended = true;
	*record = memory->before;
	record->limits = *limits;
	record->granted = memory->clock->unix_time;
	record->until = sp_limits_end(limits, record->granted);
	snprintf(record->note, sizeof(record->note), "%s", note);
	return sp_ledger_session_limit(memory->ledger, record, err);
}

/* The session before ends, for its own reason if it had one. */
static int end_before(const struct sp_memory *memory, const struct sp_session *session,
                      struct sp_error *err)
{
	const struct sp_reading reading =
		sp_memory_reading(session, memory->clock, SP_CAUSE_REPLACED);
	uint64_t id = memory->before.id;

	return id ? sp_ledger_session_write(memory->ledger, id, &reading, err) : 0;
}

static int redeem(struct sp_memory *memory, const struct sp_session *session, const uint8_t *digest,
                  struct sp_who *who, struct sp_limits *limits, struct sp_error *err)
{
	struct sp_voucher voucher;
	struct sp_limits left;
	int code = sp_ledger_voucher_redeem(memory->ledger, digest, &session->key,
	                                    memory->clock->unix_time, &voucher, &left, err);

	if (code)
		return code;
	*limits = sp_limits_merge(&left, limits);
	*who = (struct sp_who){.method = SP_METHOD_VOUCHER, .voucher = voucher.id};
	snprintf(who->name, sizeof(who->name), "%" PRIu64, voucher.id);
	/* What the configuration gives to a login must not outlast the voucher either. */
	return sp_limits_until(limits, voucher.until, memory->clock->unix_time);
}

static int begin(struct sp_memory *memory, const struct sp_session *session, uint32_t generation,
                 const struct sp_who *who, const uint8_t *digest, struct sp_limits *limits,
                 const char *note, struct sp_error *err)
{
	struct sp_who redeemer;
	int code = end_before(memory, session, err);

	if (!code && digest) {
		code = redeem(memory, session, digest, &redeemer, limits, err);
		memcpy(redeemer.zone, who->zone, sizeof(redeemer.zone));
		who = &redeemer;
	}
	return code ? code : add(memory, session, generation, who, limits, note, err);
}

int sp_memory_begin(struct sp_memory *memory, const struct sp_session *session, uint32_t generation,
                    const struct sp_who *who, const uint8_t *digest, struct sp_limits *limits,
                    const char *note, struct sp_error *err)
{
	int code;

	if (!memory->ledger)
		return 0;
	code = sp_ledger_begin(memory->ledger, err);
	if (code)
		return code;
	code = begin(memory, session, generation, who, digest, limits, note, err);
	if (!code)
		return sp_ledger_commit(memory->ledger, err);
	sp_ledger_rollback(memory->ledger);
	return code;
}

/* The limits of before, which have been in force all the time. */
static int limit_as_before(struct sp_memory *memory, struct sp_error *err)
{
	memory->before.granted = memory->clock->unix_time;
	return sp_ledger_session_limit(memory->ledger, &memory->before, err);
}

void sp_memory_undo(struct sp_memory *memory)
{
	struct sp_error err;
	int code = 0;

	if (memory->extended)
		code = limit_as_before(memory, &err);
	else if (memory->record.id)
		code = sp_ledger_session_forget(memory->ledger, &memory->record, memory->before.id,
		                                &err);
	if (code)
		log_failure(&memory->record.reading.client, "its session was not changed", &err);
}

void sp_memory_end(struct sp_maps *maps, const struct sp_session *session,
                   const struct sp_clock *clock, enum sp_cause cause)
{
	struct sp_reading reading;
	struct sp_ledger *ledger;
	struct sp_error err;
	int code = -EIO;

	if (!maps->remember || session->policy.state != SP_CLIENT_AUTHORIZED)
		return;
	reading = sp_memory_reading(session, clock, cause);
	ledger = sp_session_ledger(maps, &err);
	if (ledger)
		code = sp_ledger_session_write(ledger, 0, &reading, &err);
	if (code && code != -ENOENT)
		log_failure(&session->key, "its session has ended", &err);
}

void sp_memory_block(struct sp_maps *maps, const struct sp_client_key *key, const char *note,
                     const struct sp_clock *clock)
{
	struct sp_block block = {.client = *key, .since = clock->unix_time};
	struct sp_ledger *ledger;
	struct sp_error err;

	if (!maps->remember)
		return;
	snprintf(block.note, sizeof(block.note), "%s", note);
	ledger = sp_session_ledger(maps, &err);
	if (!ledger || sp_ledger_block_set(ledger, &block, &err))
		log_failure(key, "it is blocked", &err);
}

void sp_memory_unblock(struct sp_maps *maps, const struct sp_client_key *key)
{
	struct sp_ledger *ledger;
	struct sp_error err;

	if (!maps->remember)
		return;
	ledger = sp_session_ledger(maps, &err);
	if (!ledger || sp_ledger_block_remove(ledger, key, &err))
		log_failure(key, "it is blocked no more", &err);
}
