/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks through `clients`, by batches of the kernel. One call of the kernel reads whole buckets of
 * its hash, and says at which one the next call begins: the number of a bucket that is not empty
 * (Linux, kernel/bpf/hashtab.c, __htab_map_lookup_and_delete_batch).
 */
#include "lib/session_policy.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Clients asked for at once; doubled when one bucket of the hash holds more. */
#define FIRST_BATCH 1024u

struct walk {
	const struct sp_maps *maps;
	struct sp_client_key *keys;
	struct sp_client_policy *policies;
	uint32_t room;  /* for as many */
	uint32_t place; /* a bucket: where it goes on */
	bool begun;     /* there is a place */
	uint32_t end;   /* the first bucket that is not to be read; 0: none */
};

static void free_room(struct walk *walk)
{
	free(walk->keys);
	free(walk->policies);
	walk->keys = NULL;
	walk->policies = NULL;
}

static int make_room(struct walk *walk, uint32_t room)
{
	free_room(walk);
	walk->keys = calloc(room, sizeof(*walk->keys));
	walk->policies = calloc(room, sizeof(*walk->policies));
	walk->room = room;
	return walk->keys && walk->policies ? 0 : -ENOMEM;
}

static int read_batch(const struct walk *walk, uint32_t *next, uint32_t *count)
{
	uint32_t place = walk->place;

	return bpf_map_lookup_batch(walk->maps->clients, walk->begun ? &place : NULL, next,
	                            walk->keys, walk->policies, count, NULL);
}

/* Whether a batch that ended with @result, before bucket @next, has read what is not to be read. */
static bool is_beyond(const struct walk *walk, int result, uint32_t next)
{
	return walk->end && (result == -ENOENT || (!result && next > walk->end));
}

/*
 * The last clients before the end, where a whole batch reads beyond it: fewer and fewer, in the end
 * just as many as the bucket holds.
 */
static int read_last(const struct walk *walk, uint32_t *next, uint32_t *count)
{
	uint32_t wanted = walk->room;
	int result;

	do {
		wanted = (wanted + 1) / 2;
		*count = wanted;
		result = read_batch(walk, next, count);
	} while (wanted > 1 && is_beyond(walk, result, *next));
	while (result == -ENOSPC && wanted < walk->room) {
		*count = ++wanted;
		result = read_batch(walk, next, count);
	}
	return result;
}

/* 1: more to come, 0: that was the end, or a negative errno. */
static int next_batch(struct walk *walk, uint32_t *count)
{
	uint32_t next = 0;
	int result;

	for (;;) {
		*count = walk->room;
		result = read_batch(walk, &next, count);
		if (result != -ENOSPC)
			break;
		result = make_room(walk, walk->room * 2);
		if (result)
			return result;
	}
	if (is_beyond(walk, result, next))
		result = read_last(walk, &next, count);
	walk->place = next;
	walk->begun = true;
	if (result == -ENOENT)
		return 0;
	if (result)
		return result;
	return !walk->end || next < walk->end;
}

static int walk_all(struct walk *walk, sp_policy_visit visit, void *context, struct sp_error *err)
{
	int more = make_room(walk, FIRST_BATCH), visited = 0;
	uint32_t count;

	if (!more)
		more = 1;
	while (more > 0 && !visited) {
		more = next_batch(walk, &count);
		for (uint32_t i = 0; more >= 0 && !visited && i < count; i++)
			visited = visit(&walk->keys[i], &walk->policies[i], context);
	}
	free_room(walk);
	if (visited)
		return visited;
	if (more < 0)
		return sp_fail(err, more, SP_EXIT_FAILED, "%s/clients: cannot read: %s",
		               walk->maps->instance.pins, strerror(-more));
	return 0;
}

int sp_policy_each(const struct sp_maps *maps, sp_policy_visit visit, void *context,
                   struct sp_error *err)
{
	struct walk walk = {.maps = maps};

	return walk_all(&walk, visit, context, err);
}

/* As many as the kernel makes. */
static uint32_t buckets_of(const struct sp_maps *maps)
{
	uint32_t buckets = 1;

	while (buckets < maps->max_clients && buckets < 1u << 31)
		buckets *= 2;
	return buckets;
}

int sp_policy_each_of(const struct sp_maps *maps, unsigned part, unsigned parts,
                      sp_policy_visit visit, void *context, struct sp_error *err)
{
	uint32_t buckets = buckets_of(maps);
	struct walk walk = {
		.maps = maps,
		.place = (uint32_t)((uint64_t)buckets * part / parts),
		.begun = part > 0,
	};

	if (part + 1 < parts)
		walk.end = (uint32_t)((uint64_t)buckets * (part + 1) / parts);
	return walk_all(&walk, visit, context, err);
}
