/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `clients`, `slots`, `settings` and the ledger. The ledger is read first, without the lock; then
 * the map, with it. Where the two lists differ, which sessions that came or went meanwhile make
 * them, both are asked again.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ledger.h"
#include "lib/session.h"
#include "lib/session_memory.h"
#include "lib/session_policy.h"
#include "lib/verify.h"
#include "lib/verify_policy.h"

#define DRIFT 60 /* seconds */

/* A session, in the map or in the ledger. */
struct row {
	struct sp_client_key client;
	uint32_t generation;
	uint32_t ipv4;   /* that it is bound to; 0: none, or none yet */
	uint64_t limits; /* digest of what else it is limited to */
	uint64_t until;  /* when it ends, by the wall clock; 0: no bound */
	bool unknown;    /* the ledger does not know its limits */
};

struct list {
	struct row *row;
	size_t count, room;
};

struct compare {
	struct sp_verify *verify;
	struct sp_ledger *ledger; /* NULL: there is none */
	struct sp_clock clock;
	struct list map, known;
	struct list map_blocks, known_blocks;
	uint64_t *used;  /* as `slots` should be */
	uint32_t newest; /* generation */
	struct sp_error *err;
};

static int keep(struct compare *compare, struct list *list, struct row row)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room + list->room / 2 : 1024;
		struct row *more = reallocarray(list->row, room, sizeof(*list->row));

		if (!more)
			return sp_fail(compare->err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
		list->row = more;
		list->room = room;
	}
	list->row[list->count++] = row;
	return 0;
}

static int order(const void *one, const void *other)
{
	return memcmp(one, other, sizeof(struct sp_client_key));
}

static void sort(struct list *list)
{
	if (list->count)
		qsort(list->row, list->count, sizeof(*list->row), order);
}

static int take_record(const struct sp_record *record, void *context)
{
	struct compare *compare = context;
	struct sp_client_policy granted = sp_verify_granted(record, &compare->clock);

	return keep(compare, &compare->known,
	            (struct row){.client = record->reading.client,
	                         .generation = record->reading.generation,
	                         .ipv4 = granted.ipv4,
	                         .limits = sp_verify_digest(&granted),
	                         .until = record->until,
	                         .unknown = record->who.method == SP_METHOD_NONE});
}

static int take_block(const struct sp_block *block, void *context)
{
	struct compare *compare = context;

	return keep(compare, &compare->known_blocks, (struct row){.client = block->client});
}

/* By the wall clock of now. */
static uint64_t end_of(const struct compare *compare, const struct sp_client_policy *policy)
{
	return policy->limits & SP_LIMIT_EXPIRES ? sp_clock_unix(&compare->clock, policy->expires)
	                                         : 0;
}

/* --- the map by itself --- */

static void check_slot(struct compare *compare, const struct sp_client_key *key, uint32_t slot)
{
	uint64_t bit = UINT64_C(1) << slot % 64u;

	if (slot >= compare->verify->maps->max_clients) {
		sp_verify_add_client(compare->verify, SP_DIFFERENCE_SLOT, key,
		                     "its slot %" PRIu32 " is out of range", slot);
		return;
	}
	if (compare->used[slot / 64u] & bit)
		sp_verify_add_client(compare->verify, SP_DIFFERENCE_SLOT, key,
		                     "its slot %" PRIu32 " is another client's, too", slot);
	compare->used[slot / 64u] |= bit;
}

static int take_policy(const struct sp_client_key *key, const struct sp_client_policy *policy,
                       void *context)
{
	struct compare *compare = context;
	const char *wrong = sp_verify_entry(key, policy);

	compare->verify->clients++;
	if (wrong)
		sp_verify_add_client(compare->verify, SP_DIFFERENCE_ENTRY, key, "its entry is %s",
		                     wrong);
	else
		check_slot(compare, key, policy->slot);
	/* They are counted up, and begin anew at the end of 32 bits. */
	if (!wrong && (int32_t)(policy->generation - compare->newest) > 0)
		compare->newest = policy->generation;
	if (wrong)
		return 0;
	if (policy->state == SP_CLIENT_BLOCKED)
		return keep(compare, &compare->map_blocks, (struct row){.client = *key});
	return keep(compare, &compare->map,
	            (struct row){.client = *key,
	                         .generation = policy->generation,
	                         .ipv4 = policy->ipv4,
	                         .limits = sp_verify_digest(policy),
	                         .until = end_of(compare, policy)});
}

static void compare_slots(struct compare *compare)
{
	const struct sp_maps *maps = compare->verify->maps;
	char name[32];

	for (uint32_t i = 0; i < maps->max_clients; i++) {
		bool taken = maps->slot_words[i / 64u] >> i % 64u & 1;
		bool used = compare->used[i / 64u] >> i % 64u & 1;

		if (taken == used)
			continue;
		snprintf(name, sizeof(name), "slot %" PRIu32, i);
		sp_verify_add(compare->verify,
		              taken ? SP_DIFFERENCE_SLOT_LEAKED : SP_DIFFERENCE_SLOT_FREE, name, "",
		              taken ? "it is taken, and no client has it"
		                    : "a client has it, and it counts as free");
	}
}

static int compare_settings(struct compare *compare)
{
	const struct sp_maps *maps = compare->verify->maps;
	struct sp_settings settings;
	uint32_t zero = 0, hz;
	int code = sp_clock_hz(&hz, compare->err);

	if (code)
		return code;
	code = bpf_map_lookup_elem(maps->settings, &zero, &settings);
	if (code)
		return sp_fail(compare->err, code, SP_EXIT_FAILED, "%s/settings: %s",
		               maps->instance.pins, strerror(-code));
	if (settings.hz != hz)
		sp_verify_add(compare->verify, SP_DIFFERENCE_SETTINGS, "hz", "",
		              "it is %" PRIu32 ", and %" PRIu32 " jiffies are a second",
		              settings.hz, hz);
	if ((int32_t)(settings.generation - compare->newest) < 0)
		sp_verify_add(compare->verify, SP_DIFFERENCE_SETTINGS, "generation", "",
		              "it is %" PRIu32 ", and a client has %" PRIu32, settings.generation,
		              compare->newest);
	return 0;
}

/* --- the two of them --- */

/* What both say now; the map's session has state SP_CLIENT_CAPTIVE if there is none alive, the
 * ledger's record no id. */
static int ask_again(const struct compare *compare, const struct sp_client_key *key,
                     struct sp_session *session, struct sp_record *record)
{
	int code =
		sp_session_get(compare->verify->maps, &compare->clock, key, session, compare->err);

	if (code == -ENOENT)
		*session = (struct sp_session){.key = *key};
	else if (code)
		return code;
	*record = (struct sp_record){.id = 0};
	code = compare->ledger
	               ? sp_ledger_session_running(compare->ledger, key, record, compare->err)
	               : -ENOENT;
	if (code == -ENOENT)
		record->id = 0;
	return code == -ENOENT ? 0 : code;
}

/* The kernel's clock and the wall clock drift apart, and the scribe looks every ten seconds. */
static bool ends_agree(uint64_t one, uint64_t other)
{
	return (one > other ? one - other : other - one) <= DRIFT;
}

static void compare_limits(const struct compare *compare, const struct sp_session *session,
                           const struct sp_record *record)
{
	struct sp_client_policy granted = sp_verify_granted(record, &compare->clock);
	const char *what = sp_verify_limit(&session->policy, &granted);

	if (!ends_agree(end_of(compare, &session->policy), record->until))
		sp_verify_add_client(compare->verify, SP_DIFFERENCE_UNTIL, &session->key,
		                     "its end in the ledger is not the one that is enforced");
	if (what && record->who.method != SP_METHOD_NONE)
		sp_verify_add_client(compare->verify, SP_DIFFERENCE_LIMITS, &session->key,
		                     "not as it was granted in the map: %s", what);
}

static int compare_client(const struct compare *compare, const struct sp_client_key *key)
{
	struct sp_session session;
	struct sp_record record;
	int code = ask_again(compare, key, &session, &record);
	bool same = session.policy.state == SP_CLIENT_AUTHORIZED && record.id &&
	            session.policy.generation == record.reading.generation;

	if (code)
		return code;
	if (same)
		compare_limits(compare, &session, &record);
	if (!same && record.id)
		sp_verify_add_client(compare->verify, SP_DIFFERENCE_LOST, key,
		                     "session %" PRIu64 " of the ledger is not in the map",
		                     record.id);
	if (!same && session.effective == SP_CLIENT_AUTHORIZED)
		sp_verify_add_client(compare->verify, SP_DIFFERENCE_UNKNOWN, key,
		                     "the ledger does not know the session that the map has");
	return 0;
}

static bool rows_agree(const struct row *map, const struct row *known)
{
	return map->generation == known->generation && ends_agree(map->until, known->until) &&
	       (known->unknown ||
	        (map->limits == known->limits && (!known->ipv4 || map->ipv4 == known->ipv4)));
}

/* One of them has @key as blocked; both were read under the lock. */
static int compare_block(const struct compare *compare, const struct sp_client_key *key)
{
	const struct list *map = &compare->map_blocks;
	bool blocked = map->count && bsearch(key, map->row, map->count, sizeof(*map->row), order);

	sp_verify_add_client(compare->verify,
	                     blocked ? SP_DIFFERENCE_BLOCK_UNKNOWN : SP_DIFFERENCE_BLOCK_LOST, key,
	                     blocked ? "it is blocked in the map, and not in the ledger"
	                             : "it is blocked in the ledger, and not in the map");
	return 0;
}

/* Both are sorted by client; there is one row at most for each in either. */
static int merge(const struct compare *compare, const struct list *map, const struct list *known,
                 int (*differ)(const struct compare *compare, const struct sp_client_key *key))
{
	size_t i = 0, k = 0;
	int code = 0;

	while (!code && (i < map->count || k < known->count)) {
		int left = i == map->count     ? 1
		           : k == known->count ? -1
		                               : order(&map->row[i], &known->row[k]);
		const struct row *row = left > 0 ? &known->row[k] : &map->row[i];

		if (left || !rows_agree(&map->row[i], &known->row[k]))
			code = differ(compare, &row->client);
		i += left <= 0;
		k += left >= 0;
	}
	return code;
}

/* --- all of it --- */

/* Without a ledger that can be read only the map is looked at. */
static int give_up_ledger(struct compare *compare, const struct sp_error *err)
{
	sp_verify_add(compare->verify, SP_DIFFERENCE_LEDGER, compare->verify->instance->state, "",
	              "%s", err->text);
	compare->ledger = NULL;
	return 0;
}

static int read_ledger(struct compare *compare)
{
	struct sp_verify *verify = compare->verify;
	struct sp_error err;

	if (!sp_ledger_exists(verify->instance))
		return 0;
	compare->ledger = sp_session_ledger(verify->maps, &err);
	if (!compare->ledger || sp_ledger_session_each(compare->ledger, take_record, compare, &err))
		return give_up_ledger(compare, &err);
	sort(&compare->known);
	verify->sessions = compare->known.count;
	return 0;
}

/* Both change under the lock, which we have, and are few. */
static int compare_blocks(struct compare *compare)
{
	struct sp_error err;

	if (compare->ledger && sp_ledger_block_each(compare->ledger, take_block, compare, &err))
		return give_up_ledger(compare, &err);
	sort(&compare->known_blocks);
	return merge(compare, &compare->map_blocks, &compare->known_blocks, compare_block);
}

/* Under the lock. */
static int compare_map(struct compare *compare)
{
	struct sp_verify *verify = compare->verify;
	int code;

	compare->newest = verify->maps->loaded.generation;
	code = sp_policy_each(verify->maps, take_policy, compare, compare->err);
	if (!code)
		code = compare_settings(compare);
	if (code)
		return code;
	sort(&compare->map);
	sort(&compare->map_blocks);
	compare_slots(compare);
	if (verify->found[SP_DIFFERENCE_LEDGER])
		return 0;
	code = merge(compare, &compare->map, &compare->known, compare_client);
	return code ? code : compare_blocks(compare);
}

static int compare_all(struct compare *compare)
{
	struct sp_verify *verify = compare->verify;
	int code = sp_clock_read(&compare->clock, verify->maps->clock, compare->err);

	if (!code)
		code = read_ledger(compare);
	if (!code)
		code = sp_maps_lock(verify->maps, compare->err);
	if (code)
		return code;
	code = compare_map(compare);
	sp_maps_unlock(verify->maps);
	return code;
}

int sp_verify_sessions(struct sp_verify *verify, struct sp_error *err)
{
	struct compare compare = {.verify = verify, .err = err};
	int code;

	compare.used = calloc(SP_SLOT_WORDS(verify->maps->max_clients), sizeof(*compare.used));
	code = compare.used ? compare_all(&compare)
	                    : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	free(compare.used);
	free(compare.map.row);
	free(compare.known.row);
	free(compare.map_blocks.row);
	free(compare.known_blocks.row);
	return code;
}
