/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading sessions: policy and counters together, judged as the datapath judges them.
 */
#include "lib/session.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/session_policy.h"
#include "lib/text.h"

char *sp_session_name(char out[SP_SESSION_NAME], const struct sp_client_key *key)
{
	char mac[SP_TEXT_MAC];

	sp_text_put_mac(mac, key->mac);
	if (key->vlan)
		snprintf(out, SP_SESSION_NAME, "%s VLAN %u", mac, key->vlan);
	else
		snprintf(out, SP_SESSION_NAME, "%s", mac);
	return out;
}

static void read_up(struct sp_session *session, const struct sp_usage *cell)
{
	if (cell->up_generation != session->policy.generation)
		return;
	session->up_packets = cell->up_packets;
	session->up_bytes = cell->up_bytes;
	session->up_first = cell->up_first;
	session->up_last = cell->up_last;
	session->ipv4 = cell->ipv4;
	if (session->policy.limits & SP_LIMIT_BINDING)
		session->bound = cell->bound;
	memcpy(session->ipv6, cell->ipv6, sizeof(session->ipv6));
}

static void read_down(struct sp_session *session, const struct sp_usage *cell)
{
	if (cell->down_generation != session->policy.generation)
		return;
	session->down_packets = cell->down_packets;
	session->down_bytes = cell->down_bytes;
	session->down_first = cell->down_first;
	session->down_last = cell->down_last;
}

/* Of several reasons, the one that came first is why the session ended. */
static void end(struct sp_session *session, enum sp_cause cause, const char *why, uint64_t at)
{
	if (session->ended && session->ended_at <= at)
		return;
	session->effective = SP_CLIENT_CAPTIVE;
	session->ended = why;
	session->ended_for = cause;
	session->ended_at = at;
}

static uint64_t later(uint64_t one, uint64_t other)
{
	return one > other ? one : other;
}

static bool is_spent(const struct sp_session *session)
{
	const struct sp_client_policy *policy = &session->policy;
	uint64_t up = session->up_bytes, down = session->down_bytes;

	return ((policy->limits & SP_LIMIT_QUOTA) && up + down >= policy->quota) ||
	       ((policy->limits & SP_LIMIT_QUOTA_UP) && up >= policy->quota_up) ||
	       ((policy->limits & SP_LIMIT_QUOTA_DOWN) && down >= policy->quota_down);
}

/* The same conditions as in the datapath (bpf/limit.h). */
static void judge(struct sp_session *session, uint64_t now)
{
	const struct sp_client_policy *policy = &session->policy;
	uint64_t active = later(policy->granted, session->up_last);

	session->effective = policy->state;
	if (policy->state != SP_CLIENT_AUTHORIZED)
		return;
	if ((policy->limits & SP_LIMIT_EXPIRES) && policy->expires <= now)
		end(session, SP_CAUSE_TIME, "expired", policy->expires);
	/* A packet may have come after @now was read. */
	if ((policy->limits & SP_LIMIT_IDLE) && active < now && now - active > policy->idle)
		end(session, SP_CAUSE_IDLE, "idle", active + policy->idle + 1);
	if (is_spent(session))
		end(session, SP_CAUSE_QUOTA, "quota", later(active, session->down_last));
}

static void fill(struct sp_session *session, const struct sp_maps *maps,
                 const struct sp_clock *clock, const struct sp_client_key *key,
                 const struct sp_client_policy *policy)
{
	struct sp_usage cell;

	*session = (struct sp_session){.key = *key, .policy = *policy};
	if (sp_maps_usage(maps, policy->slot, &cell)) {
		read_up(session, &cell);
		read_down(session, &cell);
	}
	if ((policy->limits & SP_LIMIT_BINDING) && policy->ipv4)
		session->bound = policy->ipv4;
	judge(session, clock->jiffies);
}

int sp_session_get(const struct sp_maps *maps, const struct sp_clock *clock,
                   const struct sp_client_key *key, struct sp_session *session,
                   struct sp_error *err)
{
	struct sp_client_policy policy;
	char name[SP_SESSION_NAME];
	int result = bpf_map_lookup_elem(maps->clients, key, &policy);

	sp_session_name(name, key);
	if (result == -ENOENT)
		return sp_fail(err, result, SP_EXIT_NOT_FOUND,
		               "client %s has no entry; `sallyport client list` shows those that "
		               "have",
		               name);
	if (result)
		return sp_fail(err, result, SP_EXIT_FAILED, "%s/clients: cannot look up %s: %s",
		               maps->instance.pins, name, strerror(-result));
	fill(session, maps, clock, key, &policy);
	return 0;
}

struct each {
	const struct sp_maps *maps;
	const struct sp_clock *clock;
	sp_session_visit visit;
	void *context;
};

static int visit_one(const struct sp_client_key *key, const struct sp_client_policy *policy,
                     void *context)
{
	const struct each *each = context;
	struct sp_session session;

	fill(&session, each->maps, each->clock, key, policy);
	return each->visit(&session, each->context);
}

int sp_session_each(const struct sp_maps *maps, const struct sp_clock *clock,
                    sp_session_visit visit, void *context, struct sp_error *err)
{
	struct each each = {maps, clock, visit, context};

	return sp_policy_each(maps, visit_one, &each, err);
}
