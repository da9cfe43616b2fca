/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/describe.h"

#include <errno.h>
#include <string.h>

#include "lib/ledger.h"

#define LATELY 86400 /* seconds: an older end of a session is no news */

int sp_describe_look(const struct sp_maps *maps, struct sp_clock *clock,
                     const struct sp_client_key *key, struct sp_session *session,
                     struct sp_error *err)
{
	int ret = sp_clock_read(clock, maps->clock, err);

	if (ret)
		return ret;
	ret = sp_session_get(maps, clock, key, session, err);
	if (ret == -ENOENT) {
		*session = (struct sp_session){.key = *key, .effective = SP_CLIENT_CAPTIVE};
		ret = 0;
	}
	return ret;
}

static uint64_t left_of(const struct sp_session *session, uint32_t limit, uint64_t quota,
                        uint64_t used)
{
	if (!(session->policy.limits & limit))
		return UINT64_MAX;
	return quota > used ? quota - used : 0;
}

/* Of the quota of which least is left. */
static uint64_t bytes_left(const struct sp_session *session)
{
	const struct sp_client_policy *policy = &session->policy;
	uint64_t up = session->up_bytes, down = session->down_bytes;
	uint64_t least = left_of(session, SP_LIMIT_QUOTA, policy->quota, up + down);
	uint64_t left = left_of(session, SP_LIMIT_QUOTA_UP, policy->quota_up, up);

	least = left < least ? left : least;
	left = left_of(session, SP_LIMIT_QUOTA_DOWN, policy->quota_down, down);
	return left < least ? left : least;
}

static enum sp_ipc_ended by_cause(enum sp_cause cause)
{
	switch (cause) {
	case SP_CAUSE_TIME:
		return SP_IPC_ENDED_TIME;
	case SP_CAUSE_IDLE:
		return SP_IPC_ENDED_IDLE;
	case SP_CAUSE_QUOTA:
		return SP_IPC_ENDED_QUOTA;
	case SP_CAUSE_CLIENT:
		return SP_IPC_ENDED_CLIENT;
	case SP_CAUSE_OPERATOR:
		return SP_IPC_ENDED_OPERATOR;
	default:
		return SP_IPC_ENDED_NOT;
	}
}

static enum sp_ipc_ended by_word(const char *word)
{
	if (!strcmp(word, "expired"))
		return SP_IPC_ENDED_TIME;
	return !strcmp(word, "idle") ? SP_IPC_ENDED_IDLE : SP_IPC_ENDED_QUOTA;
}

/* The map knows it until the session is swept, the ledger from then on. A ledger that fails knows
 * nothing: that is said where something depends on it. */
static enum sp_ipc_ended find_end(struct sp_maps *maps, const struct sp_session *session,
                                  const struct sp_clock *clock)
{
	struct sp_ledger *ledger;
	struct sp_record last;

	if (session->ended)
		return by_word(session->ended);
	ledger = maps->remember ? sp_session_ledger(maps, NULL) : NULL;
	if (!ledger || sp_ledger_session_last(ledger, &session->key, &last, NULL) ||
	    !last.reading.ended || last.reading.ended + LATELY < clock->unix_time)
		return SP_IPC_ENDED_NOT;
	return by_cause(last.reading.cause);
}

int sp_describe(struct sp_maps *maps, const struct sp_client_key *key, struct sp_ipc_answer *answer,
                struct sp_error *err)
{
	struct sp_session session;
	struct sp_clock clock;
	int ret = sp_describe_look(maps, &clock, key, &session, err);

	if (ret)
		return ret;
	if (session.effective == SP_CLIENT_BLOCKED)
		answer->result = SP_IPC_REFUSED;
	if (session.effective == SP_CLIENT_CAPTIVE)
		answer->ended = find_end(maps, &session, &clock);
	if (session.effective != SP_CLIENT_AUTHORIZED)
		return 0;
	answer->authorized = 1;
	answer->bytes_left = bytes_left(&session);
	answer->seconds_left = session.policy.limits & SP_LIMIT_EXPIRES
	                               ? sp_clock_until(&clock, session.policy.expires)
	                               : UINT64_MAX;
	return 0;
}
