/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/session_bulk.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bpf.h>

#include "lib/ledger_bulk.h"
#include "lib/log.h"
#include "lib/policy_many.h"
#include "lib/session.h"
#include "lib/session_memory.h"
#include "lib/session_policy.h"
#include "lib/slots.h"

/* A client that the map knows already. */
struct known {
	uint32_t index; /* of the bulk */
	uint64_t id;    /* of its session in the ledger; 0: none */
	struct sp_session before;
	struct sp_block block; /* if that is a block */
};

/* A client that is written: number n of them has generation @first_generation + n. */
struct item {
	uint32_t index; /* of the bulk */
	uint32_t slot;
	struct known *known; /* NULL: the client has no entry */
};

struct work {
	struct sp_maps *maps;
	struct sp_bulk *bulk;
	struct sp_clock clock;
	struct sp_ledger *ledger; /* NULL: nothing is remembered */
	struct known *known;
	uint32_t known_count, known_room;
	struct item *items;
	uint32_t item_count;
	uint32_t *sessions; /* the items that are sessions, not blocks */
	uint32_t session_count;
	uint32_t first_generation;
	uint64_t first_id;
	uint32_t taken; /* items that have a slot */
	bool written;   /* some of them may be in the map */
	unsigned percent;
	struct sp_error *err;
};

static int compare_keys(const struct sp_client_key *one, const struct sp_client_key *other)
{
	int order = memcmp(one->mac, other->mac, sizeof(one->mac));

	return order ? order : (one->vlan > other->vlan) - (one->vlan < other->vlan);
}

static int compare(const void *one, const void *other)
{
	const struct sp_bulk_client *left = one, *right = other;
	int order = compare_keys(&left->key, &right->key);

	return order ? order : (left->line > right->line) - (left->line < right->line);
}

void sp_bulk_sort(struct sp_bulk *bulk)
{
	if (bulk->count)
		qsort(bulk->clients, bulk->count, sizeof(*bulk->clients), compare);
}

static int no_memory(struct sp_error *err)
{
	return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
}

/* Of the whole, of which @from to @to percent are this step's @total. */
static void tell(struct work *work, unsigned from, unsigned to, uint32_t done, uint32_t total)
{
	unsigned percent = from + (unsigned)((uint64_t)(to - from) * done / (total ? total : 1));

	if (!work->bulk->progress || percent == work->percent)
		return;
	work->percent = percent;
	work->bulk->progress(percent, work->bulk->context);
}

/* --- what there is --- */

static int compare_key(const void *key, const void *client)
{
	return compare_keys(key, &((const struct sp_bulk_client *)client)->key);
}

static int meet(const struct sp_session *session, void *context)
{
	struct work *work = context;
	const struct sp_bulk *bulk = work->bulk;
	const struct sp_bulk_client *client =
		bsearch(&session->key, bulk->clients, bulk->count, sizeof(*client), compare_key);

	if (!client)
		return 0;
	if (work->known_count == work->known_room) {
		uint32_t room = work->known_room ? work->known_room * 2 : 256;
		struct known *more = reallocarray(work->known, room, sizeof(*more));

		if (!more)
			return no_memory(work->err);
		work->known = more;
		work->known_room = room;
	}
	work->known[work->known_count++] = (struct known){
		.index = (uint32_t)(client - bulk->clients),
		.before = *session,
	};
	return 0;
}

static int compare_known(const void *one, const void *other)
{
	const struct known *left = one, *right = other;

	return (left->index > right->index) - (left->index < right->index);
}

/* Decide on each client: whom the operator's choice lets keep what it has is no item. */
static void choose(struct work *work)
{
	struct sp_bulk *bulk = work->bulk;
	uint32_t next = 0;

	for (uint32_t i = 0; i < bulk->count; i++) {
		struct known *known = NULL;
		bool holds = false;

		if (next < work->known_count && work->known[next].index == i)
			known = &work->known[next++];
		if (known)
			holds = known->before.effective != SP_CLIENT_CAPTIVE;
		if (holds && !bulk->replace) {
			bulk->kept++;
			continue;
		}
		bulk->replaced += holds;
		bulk->added += !holds;
		if (bulk->clients[i].state == SP_CLIENT_AUTHORIZED)
			work->sessions[work->session_count++] = work->item_count;
		work->items[work->item_count++] = (struct item){.index = i, .known = known};
	}
}

static int look(struct work *work)
{
	struct sp_bulk *bulk = work->bulk;
	int code = sp_session_each(work->maps, &work->clock, meet, work, work->err);

	if (code)
		return code;
	if (work->known_count)
		qsort(work->known, work->known_count, sizeof(*work->known), compare_known);
	work->items = calloc(bulk->count + 1u, sizeof(*work->items));
	work->sessions = calloc(bulk->count + 1u, sizeof(*work->sessions));
	if (!work->items || !work->sessions)
		return no_memory(work->err);
	choose(work);
	return 0;
}

/* --- slots and generations --- */

static uint32_t free_slots(const struct sp_maps *maps)
{
	return maps->max_clients - sp_slots_used(maps);
}

static int check_room(const struct work *work)
{
	uint32_t wanted = work->item_count, left = free_slots(work->maps);

	for (uint32_t i = 0; i < work->item_count; i++)
		wanted -= work->items[i].known != NULL;
	if (wanted <= left)
		return 0;
	return sp_fail(work->err, -ENOSPC, SP_EXIT_FAILED,
	               "no room for %u more clients: %u of %u entries are free; remove clients, or "
	               "raise max_clients in the configuration; nothing was changed",
	               wanted, left, work->maps->max_clients);
}

static int take_slots(struct work *work)
{
	uint32_t hint = 0;

	for (; work->taken < work->item_count; work->taken++) {
		struct item *item = &work->items[work->taken];

		if (item->known)
			item->slot = item->known->before.policy.slot;
		else if (sp_slots_take(work->maps, hint, &item->slot))
			return sp_fail(work->err, -ENOSPC, SP_EXIT_FAILED, "no room");
		else
			hint = item->slot;
	}
	return 0;
}

static int kernel_failed(const struct work *work, int code, const char *what)
{
	return sp_fail(work->err, code, code == -EPERM ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
	               "%s: cannot %s: %s; nothing was changed", work->maps->instance.pins, what,
	               strerror(-code));
}

/* One for each item, none of them 0. */
static int take_generations(struct work *work)
{
	struct sp_settings settings;
	uint32_t key = 0;
	int code = bpf_map_lookup_elem(work->maps->settings, &key, &settings);

	if (code)
		return kernel_failed(work, code, "count sessions");
	if (settings.generation > UINT32_MAX - work->item_count)
		settings.generation = 0;
	work->first_generation = settings.generation + 1;
	settings.generation += work->item_count;
	code = bpf_map_update_elem(work->maps->settings, &key, &settings, BPF_EXIST);
	return code ? kernel_failed(work, code, "count sessions") : 0;
}

/* --- the ledger --- */

/* The session that is replaced ends, for its own reason if it had one. */
static int end_session(struct work *work, struct known *known)
{
	struct sp_record record;
	struct sp_reading reading;
	int code = sp_ledger_session_running(work->ledger, &known->before.key, &record, work->err);

	if (code == -ENOENT)
		return 0;
	if (code)
		return code;
	known->id = record.id;
	reading = sp_memory_reading(&known->before, &work->clock, SP_CAUSE_REPLACED);
	return sp_ledger_session_write(work->ledger, known->id, &reading, work->err);
}

static int end_block(struct work *work, struct known *known)
{
	int code = sp_ledger_block_get(work->ledger, &known->before.key, &known->block, work->err);

	if (code == -ENOENT) {
		known->block = (struct sp_block){.client = known->before.key,
		                                 .since = known->before.policy.granted_unix};
		return 0;
	}
	return code ? code : sp_ledger_block_remove(work->ledger, &known->before.key, work->err);
}

/* What there was of the clients ends. */
static int end_before(struct work *work)
{
	int code = 0;

	for (uint32_t i = 0; i < work->item_count && !code; i++) {
		struct known *known = work->items[i].known;

		if (known && known->before.policy.state == SP_CLIENT_BLOCKED)
			code = end_block(work, known);
		else if (known)
			code = end_session(work, known);
	}
	return code;
}

static int add_block(struct work *work, const struct sp_bulk_client *client)
{
	struct sp_block block = {.client = client->key, .since = work->clock.unix_time};

	snprintf(block.note, sizeof(block.note), "%s", client->note);
	return sp_ledger_block_set(work->ledger, &block, work->err);
}

static int add_blocks(struct work *work)
{
	int code = 0;

	for (uint32_t i = 0; i < work->item_count && !code; i++) {
		const struct sp_bulk_client *client = &work->bulk->clients[work->items[i].index];

		if (client->state == SP_CLIENT_BLOCKED)
			code = add_block(work, client);
	}
	return code;
}

static void row_at(uint32_t index, struct sp_ledger_row *row, void *context)
{
	struct work *work = context;
	uint32_t number = work->sessions[index];
	const struct sp_bulk_client *client = &work->bulk->clients[work->items[number].index];

	*row = (struct sp_ledger_row){
		.client = client->key,
		.generation = work->first_generation + number,
		.method = client->method,
		.begun = work->clock.unix_time,
		.until = sp_limits_end(&client->limits, work->clock.unix_time),
		.name = client->name,
		.note = client->note,
		.limits = &client->limits,
	};
	tell(work, 0, 75, index, work->session_count);
}

static int remember(struct work *work)
{
	int code;

	if (!work->ledger)
		return 0;
	code = sp_ledger_begin(work->ledger, work->err);
	if (code)
		return code;
	code = end_before(work);
	if (!code)
		code = add_blocks(work);
	if (!code)
		code = sp_ledger_session_add_many(work->ledger, work->session_count, row_at, work,
		                                  work->clock.unix_time, &work->first_id,
		                                  work->err);
	if (!code)
		return sp_ledger_commit(work->ledger, work->err);
	sp_ledger_rollback(work->ledger);
	return code;
}

/* Block or session @number, as before. */
static int forget_one(struct work *work, uint32_t number, uint64_t *id, struct sp_error *err)
{
	const struct item *item = &work->items[number];
	const struct sp_bulk_client *client = &work->bulk->clients[item->index];
	const struct sp_session *before = item->known ? &item->known->before : NULL;
	int code;

	if (client->state == SP_CLIENT_BLOCKED) {
		code = sp_ledger_block_remove(work->ledger, &client->key, err);
		if (!code && item->known && item->known->id)
			code = sp_ledger_session_reopen(work->ledger, item->known->id, err);
	} else {
		const struct sp_record record = {.id = (*id)++, .reading.client = client->key};

		code = sp_ledger_session_forget(work->ledger, &record,
		                                item->known ? item->known->id : 0, err);
	}
	if (!code && before && before->policy.state == SP_CLIENT_BLOCKED)
		code = sp_ledger_block_set(work->ledger, &item->known->block, err);
	return code;
}

static int forget_all(struct work *work, struct sp_error *err)
{
	int code = sp_ledger_begin(work->ledger, err);
	uint64_t id = work->first_id;
	bool more = true;

	/* The log tells that they began before it tells that they did not. */
	while (!code && more)
		code = sp_ledger_log_settle(work->ledger, UINT32_MAX, &more, err);
	for (uint32_t i = 0; i < work->item_count && !code; i++)
		code = forget_one(work, i, &id, err);
	if (!code)
		return sp_ledger_commit(work->ledger, err);
	sp_ledger_rollback(work->ledger);
	return code;
}

static void unremember(struct work *work)
{
	struct sp_error err;

	if (work->ledger && forget_all(work, &err))
		sp_log(SP_LOG_ERROR, "sessions were not begun, but the ledger does not say so: %s",
		       err.text);
}

/* --- the map --- */

static void make_policy(uint32_t number, struct sp_client_key *key, struct sp_client_policy *policy,
                        const void *context)
{
	const struct work *work = context;
	const struct item *item = &work->items[number];
	const struct sp_bulk_client *client = &work->bulk->clients[item->index];

	*key = client->key;
	*policy = (struct sp_client_policy){
		.state = client->state,
		.slot = item->slot,
		.generation = work->first_generation + number,
		.granted = work->clock.jiffies,
		.granted_unix = (uint32_t)work->clock.unix_time,
	};
	if (client->state != SP_CLIENT_AUTHORIZED)
		return;
	policy->method = (uint8_t)client->method;
	sp_policy_limit(policy, &client->limits, &work->clock);
}

static void tell_written(uint32_t done, void *context)
{
	struct work *work = context;

	tell(work, 75, 90, done, work->item_count);
}

static int write_all(struct work *work, struct sp_policy_sum *sum)
{
	const struct sp_policy_many many = {
		.maps = work->maps,
		.count = work->item_count,
		.at = make_policy,
		.context = work,
		.progress = tell_written,
		.progress_context = work,
	};
	int code;

	work->written = true;
	code = sp_policy_write_many(&many, sum);
	return code ? kernel_failed(work, code == -E2BIG ? -ENOSPC : code, "write clients") : 0;
}

/* What the datapath will see is all that counts. */
static int read_back(const struct work *work, const struct sp_policy_sum *sum)
{
	uint64_t *slots = calloc(SP_SLOT_WORDS(work->maps->max_clients) + 1u, sizeof(*slots));
	int code;

	if (!slots)
		return no_memory(work->err);
	for (uint32_t i = 0; i < work->item_count; i++)
		slots[work->items[i].slot / 64u] |= UINT64_C(1) << work->items[i].slot % 64u;
	code = sp_policy_read_back(work->maps, slots, sum, work->err);
	free(slots);
	return code == -EIO ? kernel_failed(work, code, "read the clients back") : code;
}

/* As before; what fails here cannot be helped. */
static void take_back(const struct work *work)
{
	for (uint32_t i = 0; i < work->taken; i++) {
		const struct item *item = &work->items[i];
		const struct sp_client_key *key = &work->bulk->clients[item->index].key;

		if (work->written && item->known)
			bpf_map_update_elem(work->maps->clients, key, &item->known->before.policy,
			                    BPF_ANY);
		else if (work->written)
			bpf_map_delete_elem(work->maps->clients, key);
		if (!item->known)
			sp_slots_release(work->maps, item->slot);
	}
}

/* --- all of it --- */

static int put_in_force(struct work *work)
{
	struct sp_policy_sum sum;
	int code = take_slots(work);

	if (!code)
		code = take_generations(work);
	if (!code)
		code = remember(work);
	if (!code) {
		code = write_all(work, &sum);
		if (!code)
			code = read_back(work, &sum);
		if (code)
			unremember(work);
	}
	if (code)
		take_back(work);
	return code;
}

static int import(struct work *work)
{
	struct sp_maps *maps = work->maps;
	int code = sp_clock_read(&work->clock, maps->clock, work->err);

	if (!code)
		code = look(work);
	if (!code)
		code = check_room(work);
	if (code || work->bulk->dry_run || !work->item_count)
		return code;
	if (maps->remember) {
		work->ledger = sp_session_ledger(maps, work->err);
		if (!work->ledger)
			return -EIO;
	}
	return put_in_force(work);
}

static int check(const struct sp_bulk *bulk, struct sp_error *err)
{
	for (uint32_t i = 0; i < bulk->count; i++) {
		const struct sp_bulk_client *client = &bulk->clients[i];
		int code = sp_policy_check_key(&client->key, err);

		if (!code)
			code = sp_policy_check_note(client->note, err);
		if (code)
			return code;
		if (i && compare_keys(&client->key, &client[-1].key) <= 0)
			return sp_fail(err, -EINVAL, SP_EXIT_FAILED,
			               "clients are not in order, or there twice");
	}
	return 0;
}

static int import_locked(struct sp_maps *maps, struct sp_bulk *bulk, struct sp_error *err)
{
	struct work work = {.maps = maps, .bulk = bulk, .err = err};
	int code = sp_maps_lock(maps, err);

	bulk->added = bulk->replaced = bulk->kept = 0;
	if (code)
		return code;
	code = import(&work);
	sp_maps_unlock(maps);
	free(work.known);
	free(work.items);
	free(work.sessions);
	return code;
}

int sp_session_import(struct sp_maps *maps, struct sp_bulk *bulk, struct sp_error *err)
{
	int code = check(bulk, err);

	if (code)
		return code;
	code = import_locked(maps, bulk, err);
	/* What has ended makes room. */
	if (code == -ENOSPC && !bulk->dry_run && sp_session_sweep(maps, 0, NULL) > 0)
		code = import_locked(maps, bulk, err);
	return code;
}
