/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of `clients` that cannot be right, slots, and limits that are not those of the ledger. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ledger.h"
#include "lib/session.h"
#include "lib/session_policy.h"
#include "lib/slots.h"
#include "lib/verify.h"
#include "lib/verify_policy.h"

struct repair {
	struct sp_maps *maps;
	uint64_t *used;    /* as `slots` is to be */
	uint64_t *doubled; /* slots that several clients have */
	uint64_t *claimed; /* those of them that one of these keeps */
	uint32_t newest;   /* generation */
	int (*each)(struct repair *repair, const struct sp_client_key *key,
	            const struct sp_client_policy *policy);
};

static bool has(const uint64_t *slots, uint32_t slot)
{
	return slots[slot / 64u] >> slot % 64u & 1;
}

static void set(uint64_t *slots, uint32_t slot)
{
	slots[slot / 64u] |= UINT64_C(1) << slot % 64u;
}

static int visit(const struct sp_client_key *key, const struct sp_client_policy *policy,
                 void *context)
{
	struct repair *repair = context;

	return repair->each(repair, key, policy);
}

static int remove_wrong(struct repair *repair, const struct sp_client_key *key,
                        const struct sp_client_policy *policy)
{
	int code;

	if (!sp_verify_entry(key, policy))
		return 0;
	code = bpf_map_delete_elem(repair->maps->clients, key);
	return code == -ENOENT ? 0 : code;
}

static int count_slot(struct repair *repair, const struct sp_client_key *key,
                      const struct sp_client_policy *policy)
{
	uint32_t slot = policy->slot;

	(void)key;
	if ((int32_t)(policy->generation - repair->newest) > 0)
		repair->newest = policy->generation;
	if (slot >= repair->maps->max_clients)
		return 0;
	if (has(repair->used, slot))
		set(repair->doubled, slot);
	set(repair->used, slot);
	return 0;
}

/* Whose upload the datapath counted last in a slot, it is his. */
static int claim_by_count(struct repair *repair, const struct sp_client_key *key,
                          const struct sp_client_policy *policy)
{
	struct sp_usage cell;

	(void)key;
	if (sp_maps_usage(repair->maps, policy->slot, &cell) &&
	    has(repair->doubled, policy->slot) && cell.up_generation == policy->generation)
		set(repair->claimed, policy->slot);
	return 0;
}

static bool may_keep(struct repair *repair, const struct sp_client_policy *policy)
{
	struct sp_usage cell;

	if (!sp_maps_usage(repair->maps, policy->slot, &cell))
		return false;
	if (!has(repair->doubled, policy->slot) || cell.up_generation == policy->generation)
		return true;
	if (has(repair->claimed, policy->slot))
		return false;
	set(repair->claimed, policy->slot);
	return true;
}

/* To a slot of its own, where it begins to count anew. */
static int move(struct repair *repair, const struct sp_client_key *key,
                const struct sp_client_policy *policy)
{
	struct sp_client_policy moved = *policy;
	int code;

	if (may_keep(repair, policy))
		return 0;
	code = sp_slots_take(repair->maps, policy->generation, &moved.slot);
	return code ? code : bpf_map_update_elem(repair->maps->clients, key, &moved, BPF_EXIST);
}

static int walk(struct repair *repair,
                int (*each)(struct repair *repair, const struct sp_client_key *key,
                            const struct sp_client_policy *policy),
                struct sp_error *err)
{
	int code;

	repair->each = each;
	if (err)
		*err = (struct sp_error){.exit_code = SP_EXIT_FAILED};
	code = sp_policy_each(repair->maps, visit, repair, err);
	if (code && err && !err->text[0])
		sp_fail(err, code, SP_EXIT_FAILED, "%s/clients: %s", repair->maps->instance.pins,
		        strerror(-code));
	return code;
}

static int repair_settings(const struct repair *repair, struct sp_error *err)
{
	struct sp_settings settings;
	uint32_t zero = 0;
	int code = bpf_map_lookup_elem(repair->maps->settings, &zero, &settings);

	if (!code)
		code = sp_clock_hz(&settings.hz, err);
	if (!code && (int32_t)(settings.generation - repair->newest) < 0)
		settings.generation = repair->newest;
	if (!code)
		code = bpf_map_update_elem(repair->maps->settings, &zero, &settings, BPF_EXIST);
	if (code)
		sp_fail(err, code, SP_EXIT_FAILED, "%s/settings: %s", repair->maps->instance.pins,
		        strerror(-code));
	return code;
}

/* Under the lock. */
static int repair_entries(struct repair *repair, struct sp_error *err)
{
	int code = walk(repair, remove_wrong, err);

	if (!code)
		code = walk(repair, count_slot, err);
	if (!code)
		code = repair_settings(repair, err);
	if (!code)
		sp_slots_replace(repair->maps, repair->used);
	if (!code)
		code = walk(repair, claim_by_count, err);
	if (!code)
		code = walk(repair, move, err);
	return code;
}

int sp_verify_repair_entries(const struct sp_verify *verify, struct sp_error *err)
{
	size_t words = SP_SLOT_WORDS(verify->maps->max_clients);
	struct repair repair = {.maps = verify->maps};
	int code = sp_maps_lock(verify->maps, err);

	if (code)
		return code;
	repair.newest = verify->maps->loaded.generation;
	repair.used = calloc(words, sizeof(*repair.used));
	repair.doubled = calloc(words, sizeof(*repair.doubled));
	repair.claimed = calloc(words, sizeof(*repair.claimed));
	if (repair.used && repair.doubled && repair.claimed)
		code = repair_entries(&repair, err);
	else
		code = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	free(repair.used);
	free(repair.doubled);
	free(repair.claimed);
	sp_maps_unlock(verify->maps);
	return code;
}

/* --- limits --- */

/* As the ledger has it now, if both still have the same session. */
static int repair_limit(const struct sp_verify *verify, struct sp_ledger *ledger,
                        const struct sp_clock *clock, const struct sp_client_key *key,
                        struct sp_error *err)
{
	struct sp_client_policy policy, granted;
	struct sp_record record;
	int code = bpf_map_lookup_elem(verify->maps->clients, key, &policy);

	if (!code)
		code = sp_ledger_session_running(ledger, key, &record, err);
	if (code)
		return code == -ENOENT ? 0 : code;
	granted = sp_verify_granted(&record, clock);
	if (policy.generation != record.reading.generation ||
	    policy.state != SP_CLIENT_AUTHORIZED || !sp_verify_limit(&policy, &granted))
		return 0;
	sp_verify_restrict(&policy, &granted, &record, clock);
	code = bpf_map_update_elem(verify->maps->clients, key, &policy, BPF_EXIST);
	if (code)
		sp_fail(err, code, SP_EXIT_FAILED, "%s/clients: %s", verify->instance->pins,
		        strerror(-code));
	return code;
}

int sp_verify_repair_limits(const struct sp_verify *verify, struct sp_error *err)
{
	struct sp_ledger *ledger;
	struct sp_clock clock;
	int code;

	code = sp_maps_lock(verify->maps, err);
	if (code)
		return code;
	code = sp_clock_read(&clock, verify->maps->clock, err);
	ledger = code ? NULL : sp_session_ledger(verify->maps, err);
	if (!code && !ledger)
		code = -EIO;
	for (size_t i = 0; i < verify->listed && !code; i++)
		if (verify->difference[i].kind == SP_DIFFERENCE_LIMITS)
			code = repair_limit(verify, ledger, &clock, &verify->difference[i].client,
			                    err);
	sp_maps_unlock(verify->maps);
	return code;
}
