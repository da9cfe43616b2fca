/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing sessions. Every change runs between begin() and sp_maps_unlock(). A new client takes its
 * slot before its entry and gives it back after, so that a process killed in between leaks a slot
 * (sp_session_recount finds it) but never lets two clients share one.
 */
#include "lib/session.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bpf.h>

#include "lib/session_gather.h"
#include "lib/session_memory.h"
#include "lib/session_policy.h"
#include "lib/slots.h"
#include "lib/text.h"

struct change {
	struct sp_maps *maps;
	struct sp_clock clock;
	struct sp_client_key key;
	char name[SP_SESSION_NAME];
	bool known; /* @before is the client's entry, else it has none */
	struct sp_session before;
};

static int look_up(struct change *change, bool must_exist, struct sp_error *err)
{
	int result = sp_clock_read(&change->clock, change->maps->clock, err);

	if (result)
		return result;
	result = sp_session_get(change->maps, &change->clock, &change->key, &change->before, err);
	change->known = result == 0;
	if (result != -ENOENT || must_exist)
		return result;
	if (err)
		*err = (struct sp_error){0};
	return 0;
}

/* Take the lock and learn what time it is and what there is of @key. On failure nothing is held. */
static int begin(struct change *change, struct sp_maps *maps, const struct sp_client_key *key,
                 bool must_exist, struct sp_error *err)
{
	int result;

	*change = (struct change){.maps = maps, .key = *key};
	sp_session_name(change->name, key);
	result = sp_policy_check_key(key, err);
	if (result)
		return result;
	result = sp_maps_lock(maps, err);
	if (result)
		return result;
	result = look_up(change, must_exist, err);
	if (result)
		sp_maps_unlock(maps);
	return result;
}

static int kernel_failed(const struct change *change, int code, const char *what,
                         struct sp_error *err)
{
	return sp_fail(err, code, code == -EPERM ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
	               "%s: cannot %s client %s: %s", change->maps->instance.pins, what,
	               change->name, strerror(-code));
}

/* The next generation, remembered in `settings`. */
static int next_generation(const struct change *change, uint32_t *generation, struct sp_error *err)
{
	struct sp_settings settings;
	uint32_t key = 0;
	int result = bpf_map_lookup_elem(change->maps->settings, &key, &settings);

	if (!result) {
		if (++settings.generation == 0)
			settings.generation = 1;
		*generation = settings.generation;
		result = bpf_map_update_elem(change->maps->settings, &key, &settings, BPF_EXIST);
	}
	return result ? kernel_failed(change, result, "count a session for", err) : 0;
}

/* Write @policy and read it back: what the datapath will see is all that counts. */
static int write_policy(const struct change *change, const struct sp_client_policy *policy,
                        uint64_t flags)
{
	struct sp_client_policy seen;
	int clients = change->maps->clients;
	int result = bpf_map_update_elem(clients, &change->key, policy, flags);

	if (result)
		return result;
	result = bpf_map_lookup_elem(clients, &change->key, &seen);
	if (result)
		return result;
	return memcmp(&seen, policy, sizeof(seen)) ? -EIO : 0;
}

/* What the client had holds no longer, from the next packet on: the datapath is to forget how the
 * last one went. Should that fail, it forgets by itself within a tick. */
static void void_flows(const struct change *change)
{
	struct sp_settings settings;
	uint32_t key = 0;

	if (bpf_map_lookup_elem(change->maps->settings, &key, &settings))
		return;
	settings.changes++;
	(void)bpf_map_update_elem(change->maps->settings, &key, &settings, BPF_EXIST);
}

static int replace(const struct change *change, const struct sp_client_policy *policy,
                   struct sp_error *err)
{
	int result = write_policy(change, policy, BPF_EXIST);

	void_flows(change);
	if (!result)
		return 0;
	bpf_map_update_elem(change->maps->clients, &change->key, &change->before.policy, BPF_ANY);
	return kernel_failed(change, result, "change", err);
}

/* -ENOSPC when there is no slot or no entry left. */
static int insert(const struct change *change, struct sp_client_policy *policy)
{
	int result = sp_slots_take(change->maps, policy->generation, &policy->slot);

	if (result)
		return result;
	result = write_policy(change, policy, BPF_NOEXIST);
	if (!result)
		return 0;
	/* Nobody else writes under our lock: an entry that is there now is ours. */
	bpf_map_delete_elem(change->maps->clients, &change->key);
	sp_slots_release(change->maps, policy->slot);
	return result == -E2BIG ? -ENOSPC : result;
}

static int forget(const struct sp_maps *maps, const struct sp_client_key *key, uint32_t slot)
{
	int result = bpf_map_delete_elem(maps->clients, key);

	if (!result)
		sp_slots_release(maps, slot);
	return result;
}

struct sweep {
	struct sp_maps *maps;
	const struct sp_clock *clock;
	uint64_t grace; /* jiffies */
	int removed;
	struct sp_error *err;
};

static int sweep_visit(const struct sp_session *session, void *context)
{
	struct sweep *sweep = context;
	char name[SP_SESSION_NAME];
	int result;

	if (!session->ended || session->ended_at > sweep->clock->jiffies ||
	    sweep->clock->jiffies - session->ended_at < sweep->grace)
		return 0;
	result = forget(sweep->maps, &session->key, session->policy.slot);
	if (result)
		return sp_fail(sweep->err, result, SP_EXIT_FAILED,
		               "%s/clients: cannot sweep %s: %s", sweep->maps->instance.pins,
		               sp_session_name(name, &session->key), strerror(-result));
	sp_memory_end(sweep->maps, session, sweep->clock, session->ended_for);
	sweep->removed++;
	return 0;
}

/* Under the lock. Returns how many were removed, or a negative errno. */
static int sweep_all(struct sp_maps *maps, const struct sp_clock *clock, uint64_t grace_seconds,
                     struct sp_error *err)
{
	struct sweep sweep = {maps, clock, sp_clock_jiffies(clock, grace_seconds), 0, err};
	int result = sp_session_each(maps, clock, sweep_visit, &sweep, err);

	return result ? result : sweep.removed;
}

/* Sweep because there is no room; at most once a second in vain, lest logins that are refused cost
 * a walk through all clients each. */
static int make_room(const struct change *change, struct sp_error *err)
{
	struct sp_maps *maps = change->maps;
	int removed;

	if (change->clock.jiffies < maps->full_until)
		return 0;
	removed = sweep_all(maps, &change->clock, 0, err);
	if (removed == 0)
		maps->full_until = sp_clock_after(&change->clock, 1);
	return removed;
}

static int add(const struct change *change, struct sp_client_policy *policy, struct sp_error *err)
{
	int result = insert(change, policy);

	if (result == -ENOSPC) {
		int removed = make_room(change, err);

		if (removed < 0)
			return removed;
		if (removed > 0)
			result = insert(change, policy);
	}
	if (result == -ENOSPC)
		return sp_fail(err, result, SP_EXIT_FAILED,
		               "no room for client %s: all %u entries are in use; remove clients, "
		               "or raise max_clients in the configuration (needs `sallyport down` "
		               "and `sallyport up`)",
		               change->name, change->maps->max_clients);
	return result ? kernel_failed(change, result, "add", err) : 0;
}

/* The generation of the session: with @keep_counters that of before, so that what it used until now
 * still counts. */
static int choose_generation(const struct change *change, bool keep_counters, uint32_t *generation,
                             struct sp_error *err)
{
	if (!change->known || !keep_counters)
		return next_generation(change, generation, err);
	*generation = change->before.policy.generation;
	return 0;
}

/* The label from now on: without a new one that of before, for which there is room in @before. */
static const char *label(const struct change *change, const char *note, char before[SP_NOTE_SIZE])
{
	if (note)
		return note;
	sp_memory_note(change->maps, &change->before, before);
	return before;
}

/* Complete @policy and put it in force. A client that has an entry keeps its slot. */
static int commit(const struct change *change, struct sp_client_policy *policy,
                  struct sp_error *err)
{
	policy->granted = change->clock.jiffies;
	policy->granted_unix = (uint32_t)change->clock.unix_time;
	policy->slot = change->before.policy.slot;
	return change->known ? replace(change, policy, err) : add(change, policy, err);
}

static int check_quota(const struct change *change, const char *what, uint64_t quota, uint64_t used,
                       struct sp_error *err)
{
	if (!quota || used < quota)
		return 0;
	return sp_fail(err, -EDQUOT, SP_EXIT_FAILED,
	               "client %s has used %llu bytes%s already, so a quota of %llu would end its "
	               "session; nothing was changed",
	               change->name, (unsigned long long)used, what, (unsigned long long)quota);
}

/* What a session that goes on has used counts, also before it was restored: it must leave something
 * of its new quotas. */
static int check_quotas(const struct change *change, const struct sp_traffic *base,
                        const struct sp_limits *limits, struct sp_error *err)
{
	uint64_t up = change->before.up_bytes + base->up_bytes;
	uint64_t down = change->before.down_bytes + base->down_bytes;
	int result;

	result = check_quota(change, "", limits->quota, up + down, err);
	if (!result)
		result = check_quota(change, " upwards", limits->quota_up, up, err);
	if (!result)
		result = check_quota(change, " downwards", limits->quota_down, down, err);
	return result;
}

/* Whom a session is for, and what it may use: with a digest what is left of that voucher, and
 * @limits where it says nothing. */
struct grant {
	const struct sp_limits *limits;
	const struct sp_who *who;
	const uint8_t *digest;
	const char *note;
};

/* By what the session was let in, for who counts sessions in the map alone. */
static uint8_t method_of(const struct change *change, const struct grant *grant, bool goes_on)
{
	if (goes_on)
		return change->before.policy.method;
	return (uint8_t)grant->who->method;
}

/* With the client looked up in map and ledger: first there, then in the map. */
static int put_in_force(const struct change *change, struct sp_memory *memory,
                        const struct grant *grant, struct sp_error *err)
{
	struct sp_client_policy policy = {.state = SP_CLIENT_AUTHORIZED};
	struct sp_limits limits = *grant->limits;
	bool goes_on = change->before.effective == SP_CLIENT_AUTHORIZED && !grant->digest &&
	               sp_memory_goes_on(memory, grant->who);
	struct sp_traffic base = sp_memory_base(memory);
	char before[SP_NOTE_SIZE];
	const char *note = label(change, grant->note, before);
	int result = goes_on ? check_quotas(change, &base, &limits, err) : 0;

	if (!result)
		result = choose_generation(change, goes_on, &policy.generation, err);
	if (!result && goes_on)
		result = sp_memory_extend(memory, &change->before, &limits, note, err);
	else if (!result)
		result = sp_memory_begin(memory, &change->before, policy.generation, grant->who,
		                         grant->digest, &limits, note, err);
	if (result)
		return result;
	policy.method = method_of(change, grant, goes_on);
	/* The map counts from when the session was restored. */
	if (goes_on)
		(void)sp_limits_take_off(&limits, base.up_bytes, base.down_bytes);
	sp_policy_limit(&policy, &limits, &change->clock);
	result = commit(change, &policy, err);
	if (result) {
		sp_memory_undo(memory);
		return result;
	}
	if (change->before.policy.state == SP_CLIENT_BLOCKED)
		sp_memory_unblock(change->maps, &change->key);
	sp_session_granted(change->maps, &(struct sp_granted){.key = change->key,
	                                                      .known = change->known,
	                                                      .before = change->before.policy,
	                                                      .policy = policy,
	                                                      .clock = change->clock,
	                                                      .memory = *memory});
	return 0;
}

static int let_in(struct sp_maps *maps, const struct sp_client_key *key, const struct grant *grant,
                  struct sp_error *err)
{
	struct sp_memory memory;
	struct change change;
	int result = sp_policy_check_note(grant->note, err);

	if (!result)
		result = begin(&change, maps, key, false, err);
	if (result)
		return result;
	change.before.key = *key;
	result = sp_memory_open(&memory, maps, &change.before, &change.clock, err);
	if (!result)
		result = put_in_force(&change, &memory, grant, err);
	sp_maps_unlock(maps);
	return result;
}

int sp_session_grant(struct sp_maps *maps, const struct sp_client_key *key,
                     const struct sp_limits *limits, const struct sp_who *who, const char *note,
                     struct sp_error *err)
{
	const struct grant grant = {.limits = limits, .who = who, .note = note};

	return let_in(maps, key, &grant, err);
}

int sp_session_allow(struct sp_maps *maps, const struct sp_client_key *key,
                     const struct sp_limits *limits, const char *note, struct sp_error *err)
{
	static const struct sp_who who = {.method = SP_METHOD_OPERATOR};

	return sp_session_grant(maps, key, limits, &who, note, err);
}

int sp_session_redeem(struct sp_maps *maps, const struct sp_client_key *key,
                      const uint8_t digest[SP_VOUCHER_DIGEST], const char *zone,
                      const struct sp_limits *defaults, struct sp_error *err)
{
	struct sp_who who = {.method = SP_METHOD_VOUCHER};
	const struct grant grant = {.limits = defaults, .who = &who, .digest = digest};

	snprintf(who.zone, sizeof(who.zone), "%s", zone);
	if (!maps->remember)
		return sp_fail(err, -EOPNOTSUPP, SP_EXIT_FAILED, "vouchers need the ledger");
	return let_in(maps, key, &grant, err);
}

int sp_session_block(struct sp_maps *maps, const struct sp_client_key *key, const char *note,
                     struct sp_error *err)
{
	struct sp_client_policy policy = {.state = SP_CLIENT_BLOCKED};
	char before[SP_NOTE_SIZE];
	struct change change;
	int result = sp_policy_check_note(note, err);

	if (!result)
		result = begin(&change, maps, key, false, err);
	if (result)
		return result;
	note = label(&change, note, before);
	result = choose_generation(&change, true, &policy.generation, err);
	if (!result)
		result = commit(&change, &policy, err);
	if (!result && change.known)
		sp_memory_end(maps, &change.before, &change.clock, SP_CAUSE_OPERATOR);
	if (!result)
		sp_memory_block(maps, key, note, &change.clock);
	sp_maps_unlock(maps);
	return result;
}

/* What the client was in the map is over for the ledger as well. */
static void forgotten(const struct change *change, enum sp_cause cause)
{
	if (change->before.policy.state == SP_CLIENT_BLOCKED)
		sp_memory_unblock(change->maps, &change->key);
	else
		sp_memory_end(change->maps, &change->before, &change->clock, cause);
}

/* Of the generation that is given, or, if that is 0, of any. */
static int put_out(struct sp_maps *maps, const struct sp_client_key *key, uint32_t generation,
                   enum sp_cause cause, struct sp_error *err)
{
	struct change change;
	int result = begin(&change, maps, key, true, err);

	if (result)
		return result;
	if (generation && change.before.policy.generation != generation)
		result = sp_fail(err, -ENOENT, SP_EXIT_NOT_FOUND,
		                 "client %s has another session now", change.name);
	if (!result)
		result = forget(maps, key, change.before.policy.slot);
	if (!result) {
		void_flows(&change);
		forgotten(&change, cause);
	} else if (result != -ENOENT) {
		kernel_failed(&change, result, "remove", err);
	}
	sp_maps_unlock(maps);
	return result;
}

int sp_session_end(struct sp_maps *maps, const struct sp_client_key *key, enum sp_cause cause,
                   struct sp_error *err)
{
	return put_out(maps, key, 0, cause, err);
}

int sp_session_end_one(struct sp_maps *maps, const struct sp_client_key *key, uint32_t generation,
                       enum sp_cause cause, struct sp_error *err)
{
	return put_out(maps, key, generation, cause, err);
}

int sp_session_remove(struct sp_maps *maps, const struct sp_client_key *key, struct sp_error *err)
{
	return sp_session_end(maps, key, SP_CAUSE_OPERATOR, err);
}

int sp_session_sweep(struct sp_maps *maps, uint64_t grace_seconds, struct sp_error *err)
{
	struct sp_clock clock;
	int result = sp_maps_lock(maps, err);

	if (result)
		return result;
	result = sp_clock_read(&clock, maps->clock, err);
	if (!result)
		result = sweep_all(maps, &clock, grace_seconds, err);
	sp_maps_unlock(maps);
	return result;
}

struct recount {
	const struct sp_maps *maps;
	uint64_t *used;
	struct sp_error *err;
};

static int recount_visit(const struct sp_session *session, void *context)
{
	struct recount *recount = context;
	uint32_t slot = session->policy.slot;
	uint64_t bit = UINT64_C(1) << slot % 64u;
	char name[SP_SESSION_NAME];

	if (slot >= recount->maps->max_clients || (recount->used[slot / 64u] & bit))
		return sp_fail(recount->err, -EUCLEAN, SP_EXIT_FAILED,
		               "%s/clients: slot %u of client %s is out of range or that of "
		               "another client; run `sallyport verify --repair`",
		               recount->maps->instance.pins, slot,
		               sp_session_name(name, &session->key));
	recount->used[slot / 64u] |= bit;
	return 0;
}

int sp_session_recount(struct sp_maps *maps, struct sp_error *err)
{
	struct recount recount = {.maps = maps, .err = err};
	struct sp_clock clock;
	int result = sp_maps_lock(maps, err);

	if (result)
		return result;
	recount.used = calloc(SP_SLOT_WORDS(maps->max_clients), sizeof(*recount.used));
	result = recount.used ? sp_clock_read(&clock, maps->clock, err)
	                      : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (!result)
		result = sp_session_each(maps, &clock, recount_visit, &recount, err);
	if (!result)
		result = sp_slots_replace(maps, recount.used);
	free(recount.used);
	sp_maps_unlock(maps);
	return result;
}
