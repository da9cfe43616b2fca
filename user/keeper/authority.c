/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/authority.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "lib/ledger.h"
#include "lib/log.h"
#include "lib/session.h"

#define MOST 64u /* sessions of one request: the devices of a user */

static struct sp_log_limit log_limit = {.burst = 50};

/* The sessions that are named, while they are looked for. */
struct search {
	const struct sp_maps *maps;
	const struct sp_ipc_change *change;
	struct sp_clock clock;
	unsigned count;
	struct sp_record record[MOST];
	struct sp_session session[MOST];
};

static bool is_named(const struct sp_ipc_change *change, const struct sp_record *record,
                     const struct sp_session *session)
{
	const uint32_t named = change->named;

	if ((named & SP_IPC_NAMED_SESSION) && change->session != record->id)
		return false;
	if ((named & SP_IPC_NAMED_USER) && strcmp(change->name, record->who.name) != 0)
		return false;
	if ((named & SP_IPC_NAMED_CLIENT) &&
	    memcmp(change->client.mac, record->reading.client.mac, sizeof(change->client.mac)) != 0)
		return false;
	if ((named & SP_IPC_NAMED_VLAN) && change->client.vlan != record->reading.client.vlan)
		return false;
	if ((named & SP_IPC_NAMED_IPV4) && change->ipv4 != session->ipv4)
		return false;
	return !(named & SP_IPC_NAMED_IPV6) ||
	       !memcmp(change->ipv6, session->ipv6, sizeof(change->ipv6));
}

/* Called for each session that goes on by the ledger. */
static int look_at(const struct sp_record *record, void *context)
{
	struct search *search = context;
	struct sp_session session;

	if (record->who.method != SP_METHOD_RADIUS ||
	    sp_session_get(search->maps, &search->clock, &record->reading.client, &session, NULL) ||
	    session.effective != SP_CLIENT_AUTHORIZED ||
	    session.policy.generation != record->reading.generation ||
	    !is_named(search->change, record, &session))
		return 0;
	if (search->count == MOST)
		return -E2BIG;
	search->record[search->count] = *record;
	search->session[search->count++] = session;
	return 0;
}

static int find(struct search *search, struct sp_maps *maps, const struct sp_ipc_change *change,
                struct sp_error *err)
{
	struct sp_ledger *ledger = sp_session_ledger(maps, err);
	int ret;

	search->maps = maps;
	search->change = change;
	search->count = 0;
	ret = ledger ? sp_clock_read(&search->clock, maps->clock, err) : -EIO;
	return ret ? ret : sp_ledger_session_each(ledger, look_at, search, err);
}

/* What the session may use from now on; quotas with what it used before it was restored. */
static struct sp_limits limits_of(const struct sp_session *session, const struct sp_traffic *base,
                                  const struct sp_clock *clock)
{
	const struct sp_client_policy *policy = &session->policy;
	const uint32_t in_force = policy->limits;
	struct sp_limits limits = {0};

	if (in_force & SP_LIMIT_EXPIRES)
		limits.seconds = sp_clock_until(clock, policy->expires);
	if (in_force & SP_LIMIT_IDLE)
		limits.idle = policy->idle / clock->hz;
	if (in_force & SP_LIMIT_QUOTA)
		limits.quota = policy->quota + base->up_bytes + base->down_bytes;
	if (in_force & SP_LIMIT_QUOTA_UP)
		limits.quota_up = policy->quota_up + base->up_bytes;
	if (in_force & SP_LIMIT_QUOTA_DOWN)
		limits.quota_down = policy->quota_down + base->down_bytes;
	if (in_force & SP_LIMIT_RATE_UP) {
		limits.rate_up = policy->rate_up;
		limits.burst_up = policy->burst_up;
	}
	if (in_force & SP_LIMIT_RATE_DOWN) {
		limits.rate_down = policy->rate_down;
		limits.burst_down = policy->burst_down;
	}
	limits.bind = in_force & SP_LIMIT_BINDING;
	limits.ipv4 = limits.bind ? policy->ipv4 : 0;
	return limits;
}

static void replace(uint64_t *limit, const struct sp_ipc_change *change, uint32_t bit,
                    uint64_t value)
{
	if (change->changed & bit)
		*limit = value;
}

/* A burst belongs to its rate: another rate gets the one that suits it. */
static void merge(struct sp_limits *limits, const struct sp_ipc_change *change)
{
	const struct sp_ipc_limits *wanted = &change->limits;

	replace(&limits->seconds, change, SP_IPC_CHANGES_SECONDS, wanted->seconds);
	replace(&limits->idle, change, SP_IPC_CHANGES_IDLE, wanted->idle);
	replace(&limits->quota, change, SP_IPC_CHANGES_QUOTA, wanted->quota);
	replace(&limits->quota_up, change, SP_IPC_CHANGES_QUOTA_UP, wanted->quota_up);
	replace(&limits->quota_down, change, SP_IPC_CHANGES_QUOTA_DOWN, wanted->quota_down);
	replace(&limits->rate_up, change, SP_IPC_CHANGES_RATE_UP, wanted->rate_up);
	replace(&limits->burst_up, change, SP_IPC_CHANGES_RATE_UP, 0);
	replace(&limits->rate_down, change, SP_IPC_CHANGES_RATE_DOWN, wanted->rate_down);
	replace(&limits->burst_down, change, SP_IPC_CHANGES_RATE_DOWN, 0);
}

static int apply(struct search *search, struct sp_maps *maps, unsigned index, struct sp_error *err)
{
	const struct sp_ipc_change *change = search->change;
	const struct sp_record *record = &search->record[index];
	struct sp_limits limits;

	if (!change->changed)
		return sp_session_end(maps, &record->reading.client, SP_CAUSE_OPERATOR, err);
	limits = limits_of(&search->session[index], &record->base, &search->clock);
	merge(&limits, change);
	return sp_session_grant(maps, &record->reading.client, &limits, &record->who, NULL, err);
}

static uint32_t apply_all(struct search *search, struct sp_maps *maps)
{
	const bool ending = !search->change->changed;
	uint32_t result = SP_IPC_CHANGE_DONE;

	for (unsigned i = 0; i < search->count; i++) {
		char name[SP_SESSION_NAME];
		struct sp_error err;
		int ret = apply(search, maps, i, &err);

		sp_session_name(name, &search->record[i].reading.client);
		if (!ret)
			sp_log_limited(&log_limit, SP_LOG_NOTICE, "%s: %s by RADIUS", name,
			               ending ? "ended" : "changed");
		else
			sp_log_limited(&log_limit, SP_LOG_ERROR, "%s: cannot be %s by RADIUS: %s",
			               name, ending ? "ended" : "changed", err.text);
		if (ret)
			result = ret == -EDQUOT ? SP_IPC_CHANGE_INVALID : SP_IPC_CHANGE_FAILED;
	}
	return result;
}

void sp_authority_apply(struct sp_maps *maps, const struct sp_ipc_change *change,
                        struct sp_ipc_changed *changed)
{
	static struct search search;
	struct sp_error err;
	int ret = find(&search, maps, change, &err);

	*changed = (struct sp_ipc_changed){.header.kind = SP_IPC_CHANGED, .id = change->id};
	if (ret == -E2BIG) {
		changed->result = SP_IPC_CHANGE_MANY;
	} else if (ret) {
		sp_log_limited(&log_limit, SP_LOG_ERROR, "RADIUS: %s", err.text);
		changed->result = SP_IPC_CHANGE_FAILED;
	} else if (!search.count) {
		changed->result = SP_IPC_CHANGE_NOT_FOUND;
	} else {
		changed->result = apply_all(&search, maps);
		changed->count = search.count;
	}
}
