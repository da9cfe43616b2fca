/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/top_data.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/monotonic.h"
#include "lib/session.h"
#include "lib/session_policy.h"
#include "lib/text.h"

#define LEAST_WALK_MS 1000
#define WALK_SHARE    20 /* of the time at most a 20th is spent on walks */

/* The client that has a slot, and what it has moved. */
struct sp_top_cell {
	struct sp_client_key key;
	uint32_t generation; /* 0: nobody */
	uint32_t walk;       /* in which it was met last */
	uint64_t expires;    /* jiffies; UINT64_MAX: never */
	uint64_t up, down;   /* bytes */
	uint64_t rate_up, rate_down;
	bool authorized, measured;
};

int sp_top_open(struct sp_top *top, struct sp_maps *maps, struct sp_error *err)
{
	int code = sp_maps_map_usage(maps, err);

	*top = (struct sp_top){.maps = maps};
	if (code)
		return code;
	sp_whose_open(&top->whose, maps);
	top->cells = calloc(maps->max_clients, sizeof(*top->cells));
	if (!top->cells)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	code = sp_clock_read(&top->clock, maps->clock, err);
	if (!code)
		code = sp_reasons_read(maps, top->now, err);
	return code;
}

void sp_top_close(struct sp_top *top)
{
	sp_whose_close(&top->whose);
	free(top->cells);
	*top = (struct sp_top){.maps = NULL};
}

/* --- whose the slots are --- */

static int meet(const struct sp_client_key *key, const struct sp_client_policy *policy,
                void *context)
{
	struct sp_top *top = context;
	struct sp_top_cell *cell;

	if (policy->slot >= top->maps->max_clients)
		return 0;
	cell = &top->cells[policy->slot];
	if (cell->generation != policy->generation)
		*cell = (struct sp_top_cell){.generation = policy->generation};
	cell->key = *key;
	cell->walk = (uint32_t)top->walked;
	cell->authorized = policy->state == SP_CLIENT_AUTHORIZED;
	cell->expires = policy->limits & SP_LIMIT_EXPIRES ? policy->expires : UINT64_MAX;
	return 0;
}

static int walk(struct sp_top *top, struct sp_error *err)
{
	uint64_t begin = sp_monotonic_ms(), taken;
	int code;

	top->walked++;
	code = sp_policy_each(top->maps, meet, top, err);
	for (uint32_t slot = 0; slot < top->maps->max_clients && !code; slot++)
		if (top->cells[slot].walk != (uint32_t)top->walked)
			top->cells[slot].generation = 0;
	sp_whose_close(&top->whose);
	sp_whose_open(&top->whose, top->maps);
	taken = sp_monotonic_ms() - begin;
	top->walk_due = begin + LEAST_WALK_MS / 2 + taken * WALK_SHARE;
	return code;
}

/* --- what they move --- */

static uint64_t per_second(uint64_t now, uint64_t before, uint64_t ms)
{
	return now > before && ms ? (now - before) * 1000 / ms : 0;
}

static void measure(struct sp_top *top, uint32_t slot, uint64_t ms)
{
	const volatile struct sp_usage *usage = &top->maps->usage_cells[slot];
	struct sp_top_cell *cell = &top->cells[slot];
	uint64_t up = usage->up_generation == cell->generation ? usage->up_bytes : 0;
	uint64_t down = usage->down_generation == cell->generation ? usage->down_bytes : 0;

	/* What it moved before it was met first says nothing of now. */
	cell->rate_up = cell->measured ? per_second(up * 8, cell->up * 8, ms) : 0;
	cell->rate_down = cell->measured ? per_second(down * 8, cell->down * 8, ms) : 0;
	cell->measured = true;
	cell->up = up;
	cell->down = down;
	top->rate_up += cell->rate_up;
	top->rate_down += cell->rate_down;
}

static void measure_all(struct sp_top *top, uint64_t ms)
{
	top->rate_up = top->rate_down = 0;
	top->authorized = top->ended = top->blocked = 0;
	for (uint32_t slot = 0; slot < top->maps->max_clients; slot++) {
		const struct sp_top_cell *cell = &top->cells[slot];

		if (!cell->generation)
			continue;
		measure(top, slot, ms);
		if (!cell->authorized)
			top->blocked++;
		else if (cell->expires <= top->clock.jiffies)
			top->ended++;
		else
			top->authorized++;
	}
}

static int check_loaded(const struct sp_top *top, struct sp_error *err)
{
	const struct sp_instance *instance = &top->maps->instance;

	if (!access(instance->pins, F_OK))
		return 0;
	return sp_fail(err, -ENOENT, SP_EXIT_NOT_LOADED, "instance %s was taken down",
	               instance->name);
}

int sp_top_look(struct sp_top *top, struct sp_error *err)
{
	uint64_t now = sp_monotonic_ms(), ms = top->at ? now - top->at : 0;
	int code = check_loaded(top, err);

	if (!code)
		code = sp_clock_read(&top->clock, top->maps->clock, err);
	if (!code && now >= top->walk_due)
		code = walk(top, err);
	if (code)
		return code;
	measure_all(top, ms);
	top->at = now;
	memcpy(top->before, top->now, sizeof(top->now));
	top->reasons_ms = ms;
	return sp_reasons_read(top->maps, top->now, err);
}

/* --- the first ones --- */

static uint64_t value_of(const struct sp_top *top, const struct sp_top_cell *cell)
{
	switch (top->sort) {
	case SP_TOP_UP:
		return cell->rate_up;
	case SP_TOP_DOWN:
		return cell->rate_down;
	case SP_TOP_BYTES:
		return cell->up + cell->down;
	case SP_TOP_LEFT:
		/* The one that ends next comes first. */
		return UINT64_MAX - cell->expires;
	default:
		return cell->rate_up + cell->rate_down;
	}
}

/* Whether @one comes before @other; equal ones stay in the order of their slots. */
static bool precedes(const struct sp_top *top, uint32_t one, uint32_t other)
{
	uint64_t left = value_of(top, &top->cells[one]);
	uint64_t right = value_of(top, &top->cells[other]);

	return left != right ? left > right : one < other;
}

/* A heap of slots, the last of those chosen at its top. */
struct heap {
	const struct sp_top *top;
	uint32_t *slots;
	uint32_t count, room;
};

static void swap(uint32_t *one, uint32_t *other)
{
	uint32_t kept = *one;

	*one = *other;
	*other = kept;
}

static void sink(struct heap *heap, uint32_t at)
{
	for (;;) {
		uint32_t last = at;

		for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < heap->count;
		     child++)
			if (precedes(heap->top, heap->slots[last], heap->slots[child]))
				last = child;
		if (last == at)
			return;
		swap(&heap->slots[at], &heap->slots[last]);
		at = last;
	}
}

static void rise(struct heap *heap, uint32_t at)
{
	while (at && precedes(heap->top, heap->slots[(at - 1) / 2], heap->slots[at])) {
		swap(&heap->slots[at], &heap->slots[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
}

static void offer(struct heap *heap, uint32_t slot)
{
	if (heap->count < heap->room) {
		heap->slots[heap->count] = slot;
		rise(heap, heap->count++);
	} else if (heap->room && precedes(heap->top, slot, heap->slots[0])) {
		heap->slots[0] = slot;
		sink(heap, 0);
	}
}

static bool has_text(const char *text, const char *part)
{
	return text && strcasestr(text, part);
}

static bool is_wanted(struct sp_top *top, uint32_t slot)
{
	const struct sp_top_cell *cell = &top->cells[slot];
	char text[INET6_ADDRSTRLEN];
	struct sp_session session;
	struct sp_owner owner;

	if (!top->filter[0])
		return true;
	if (has_text(sp_text_put_mac(text, cell->key.mac), top->filter))
		return true;
	if (sp_session_get(top->maps, &top->clock, &cell->key, &session, NULL))
		return false;
	owner = sp_whose_find(&top->whose, &session);
	return has_text(owner.name, top->filter) || has_text(owner.note, top->filter) ||
	       (session.ipv4 &&
	        has_text(inet_ntop(AF_INET, &session.ipv4, text, sizeof(text)), top->filter)) ||
	       (session.ipv6[0] &&
	        has_text(inet_ntop(AF_INET6, session.ipv6, text, sizeof(text)), top->filter));
}

/* Put the heap in order: its last one goes to the end, again and again. */
static void put_in_order(struct heap *heap)
{
	uint32_t count = heap->count;

	while (heap->count > 1) {
		swap(&heap->slots[0], &heap->slots[--heap->count]);
		sink(heap, 0);
	}
	heap->count = count;
}

static bool fill_row(const struct sp_top *top, uint32_t slot, struct sp_top_row *row)
{
	const struct sp_top_cell *cell = &top->cells[slot];

	row->key = cell->key;
	row->rate_up = cell->rate_up;
	row->rate_down = cell->rate_down;
	return !sp_session_get(top->maps, &top->clock, &cell->key, &row->session, NULL);
}

uint32_t sp_top_rows(struct sp_top *top, uint32_t first, struct sp_top_row *rows, uint32_t room)
{
	struct heap heap = {.top = top, .room = first + room};
	uint32_t count = 0;

	heap.slots = calloc((size_t)heap.room + 1, sizeof(*heap.slots));
	if (!heap.slots)
		return 0;
	for (uint32_t slot = 0; slot < top->maps->max_clients; slot++)
		if (top->cells[slot].generation && is_wanted(top, slot))
			offer(&heap, slot);
	put_in_order(&heap);
	for (uint32_t i = first; i < heap.count; i++)
		count += fill_row(top, heap.slots[i], &rows[count]);
	free(heap.slots);
	return count;
}

static int compare_reasons(const void *one, const void *other)
{
	const struct sp_top_reason *left = one, *right = other;

	if (left->rate != right->rate)
		return left->rate < right->rate ? 1 : -1;
	return (left->packets < right->packets) - (left->packets > right->packets);
}

uint32_t sp_top_reasons(const struct sp_top *top, struct sp_top_reason reasons[SP_MAX_REASONS])
{
	uint32_t count = 0;

	for (uint32_t i = 1; i < SP_MAX_REASONS; i++) {
		if (!top->now[i].packets || !sp_reason_name(i))
			continue;
		reasons[count++] = (struct sp_top_reason){
			i,
			per_second(top->now[i].packets, top->before[i].packets, top->reasons_ms),
			top->now[i].packets,
		};
	}
	if (count)
		qsort(reasons, count, sizeof(*reasons), compare_reasons);
	return count;
}
