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

static void log_failure(const struct sp_client_key *key, const char *what,
                        const struct sp_error *err)
{
	char name[SP_SESSION_NAME];

	sp_log_limited(&log_limit, SP_LOG_ERROR, "%s: %s, but the ledger does not say so: %s",
	               sp_session_name(name, key), what, err->text);
}

struct sp_record sp_memory_record(const struct sp_session *session, const struct sp_clock *clock,
                                  enum sp_cause cause)
{
	struct sp_record record = {
		.client = session->key,
		.generation = session->policy.generation,
		.cause = cause,
		.ipv4 = session->ipv4,
		.up_packets = session->up_packets,
		.up_bytes = session->up_bytes,
		.down_packets = session->down_packets,
		.down_bytes = session->down_bytes,
		.written = clock->unix_time,
	};

	memcpy(record.ipv6, session->ipv6, sizeof(record.ipv6));
	if (session->ended) {
		record.cause = session->ended_for;
		record.ended = sp_clock_unix(clock, session->ended_at);
	}
	return record;
}

/* The map does not know the session: it ended when it was last heard of. */
static int end_lost(struct sp_memory *memory, struct sp_error *err)
{
	struct sp_record *lost = &memory->before;
	int code;

	lost->cause = SP_CAUSE_LOST;
	code = sp_ledger_session_write(memory->ledger, lost, err);
	lost->id = 0;
	return code;
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
	              session->policy.generation != memory->before.generation))
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

static int add(struct sp_memory *memory, const struct sp_session *session, uint32_t generation,
               const struct sp_who *who, const struct sp_limits *limits, struct sp_error *err)
{
	memory->record = (struct sp_record){
		.client = session->key,
		.generation = generation,
		.who = *who,
		.limits = *limits,
		.begun = memory->clock->unix_time,
	};
	return sp_ledger_session_add(memory->ledger, &memory->record, err);
}

int sp_memory_extend(struct sp_memory *memory, const struct sp_session *session,
                     const struct sp_limits *limits, struct sp_error *err)
{
	static const struct sp_who operator= {.method = SP_METHOD_OPERATOR};

	if (!memory->ledger)
		return 0;
	if (!memory->before.id)
		return add(memory, session, session->policy.generation, &operator, limits, err);
	memory->extended = true;
	return sp_ledger_session_limit(memory->ledger, memory->before.id, limits, err);
}

/* The session before ends, for its own reason if it had one. */
static int end_before(const struct sp_memory *memory, const struct sp_session *session,
                      struct sp_error *err)
{
	struct sp_record record = sp_memory_record(session, memory->clock, SP_CAUSE_REPLACED);

	record.id = memory->before.id;
	return record.id ? sp_ledger_session_write(memory->ledger, &record, err) : 0;
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
                 struct sp_error *err)
{
	struct sp_who redeemer;
	int code = end_before(memory, session, err);

	if (!code && digest) {
		code = redeem(memory, session, digest, &redeemer, limits, err);
		who = &redeemer;
	}
	return code ? code : add(memory, session, generation, who, limits, err);
}

int sp_memory_begin(struct sp_memory *memory, const struct sp_session *session, uint32_t generation,
                    const struct sp_who *who, const uint8_t *digest, struct sp_limits *limits,
                    struct sp_error *err)
{
	int code;

	if (!memory->ledger)
		return 0;
	code = digest ? sp_ledger_begin(memory->ledger, err)
	              : sp_ledger_begin_quick(memory->ledger, err);
	if (code)
		return code;
	code = begin(memory, session, generation, who, digest, limits, err);
	if (!code)
		return sp_ledger_commit(memory->ledger, err);
	sp_ledger_rollback(memory->ledger);
	return code;
}

void sp_memory_undo(struct sp_memory *memory)
{
	struct sp_error err;
	int code = 0;

	if (memory->extended)
		code = sp_ledger_session_limit(memory->ledger, memory->before.id,
		                               &memory->before.limits, &err);
	else if (memory->record.id)
		code = sp_ledger_session_forget(memory->ledger, &memory->record, memory->before.id,
		                                &err);
	if (code)
		log_failure(&memory->record.client, "its session was not changed", &err);
}

void sp_memory_end(struct sp_maps *maps, const struct sp_session *session,
                   const struct sp_clock *clock, enum sp_cause cause)
{
	struct sp_record record;
	struct sp_ledger *ledger;
	struct sp_error err;
	int code = -EIO;

	if (!maps->remember || session->policy.state != SP_CLIENT_AUTHORIZED)
		return;
	record = sp_memory_record(session, clock, cause);
	ledger = sp_session_ledger(maps, &err);
	if (ledger)
		code = sp_ledger_session_write(ledger, &record, &err);
	if (code && code != -ENOENT)
		log_failure(&session->key, "its session has ended", &err);
}
