/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "responder/pool.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static uint32_t power_of_two(uint32_t least)
{
	uint32_t value = 1;

	while (value < least)
		value *= 2;
	return value;
}

int sp_pool_init(struct sp_pool *pool, uint32_t slots, uint32_t larges)
{
	uint32_t buckets = power_of_two(slots);

	*pool = (struct sp_pool){.slots = slots, .larges = larges, .bucket_mask = buckets - 1};
	TAILQ_INIT(&pool->free_large);
	TAILQ_INIT(&pool->used_large);
	pool->slot = calloc(slots, sizeof(*pool->slot));
	pool->free_slot = calloc(slots, sizeof(*pool->free_slot));
	pool->large = calloc(larges, sizeof(*pool->large));
	pool->bucket = calloc(buckets, sizeof(*pool->bucket));
	if (!pool->slot || !pool->free_slot || !pool->large || !pool->bucket ||
	    getrandom(pool->secret, sizeof(pool->secret), 0) != sizeof(pool->secret)) {
		sp_pool_free(pool);
		return -ENOMEM;
	}
	return 0;
}

void sp_pool_free(struct sp_pool *pool)
{
	free(pool->slot);
	free(pool->free_slot);
	free(pool->large);
	free(pool->bucket);
	*pool = (struct sp_pool){0};
}

struct sp_connection *sp_pool_take(struct sp_pool *pool)
{
	struct sp_connection *connection;
	uint32_t generation;

	if (pool->free_count > 0)
		connection = &pool->slot[pool->free_slot[--pool->free_count]];
	else if (pool->touched < pool->slots)
		connection = &pool->slot[pool->touched++];
	else
		return NULL;
	generation = connection->generation;
	memset(connection, 0, offsetof(struct sp_connection, small));
	connection->generation = generation;
	return connection;
}

void sp_pool_give(struct sp_pool *pool, struct sp_connection *connection)
{
	sp_pool_shrink(pool, connection);
	connection->generation++;
	connection->state = SP_CONNECTION_FREE;
	pool->free_slot[pool->free_count++] = sp_pool_index(pool, connection);
}

uint32_t sp_pool_used(const struct sp_pool *pool)
{
	return pool->touched - pool->free_count;
}

uint32_t sp_pool_index(const struct sp_pool *pool, const struct sp_connection *connection)
{
	return (uint32_t)(connection - pool->slot);
}

struct sp_connection *sp_pool_find(struct sp_pool *pool, uint32_t index, uint32_t generation)
{
	struct sp_connection *connection;

	if (index >= pool->touched)
		return NULL;
	connection = &pool->slot[index];
	return connection->state != SP_CONNECTION_FREE && connection->generation == generation
	               ? connection
	               : NULL;
}

char *sp_connection_head(struct sp_connection *connection)
{
	return connection->large ? connection->large->head : connection->small;
}

uint32_t sp_connection_room(const struct sp_connection *connection)
{
	return connection->large ? SP_MAX_HEAD : SP_SMALL_HEAD;
}

bool sp_pool_enlarge(struct sp_pool *pool, struct sp_connection *connection)
{
	struct sp_large_head *large = TAILQ_FIRST(&pool->free_large);

	if (large)
		TAILQ_REMOVE(&pool->free_large, large, queue);
	else if (pool->larges_touched < pool->larges)
		large = &pool->large[pool->larges_touched++];
	else
		return false;
	memcpy(large->head, connection->small, connection->length);
	large->owner = connection;
	connection->large = large;
	TAILQ_INSERT_TAIL(&pool->used_large, large, queue);
	return true;
}

struct sp_connection *sp_pool_oldest_large(const struct sp_pool *pool)
{
	const struct sp_large_head *large = TAILQ_FIRST(&pool->used_large);

	return large ? large->owner : NULL;
}

void sp_pool_shrink(struct sp_pool *pool, struct sp_connection *connection)
{
	struct sp_large_head *large = connection->large;

	if (!large)
		return;
	TAILQ_REMOVE(&pool->used_large, large, queue);
	TAILQ_INSERT_HEAD(&pool->free_large, large, queue);
	connection->large = NULL;
}

static struct sp_connection_list *bucket_of(const struct sp_pool *pool, const uint8_t address[16])
{
	uint64_t half[2];
	unsigned __int128 product;

	memcpy(half, address, sizeof(half));
	/* Multiply and fold: each half is hidden by a secret before they meet. */
	product = (unsigned __int128)(half[0] ^ pool->secret[0]) * (half[1] ^ pool->secret[1]);
	return &pool->bucket[((uint64_t)product ^ (uint64_t)(product >> 64)) & pool->bucket_mask];
}

void sp_pool_enter(struct sp_pool *pool, struct sp_connection *connection)
{
	LIST_INSERT_HEAD(bucket_of(pool, connection->address), connection, neighbours);
}

void sp_pool_leave(struct sp_connection *connection)
{
	LIST_REMOVE(connection, neighbours);
}

uint32_t sp_pool_count(const struct sp_pool *pool, const uint8_t address[16], uint32_t most)
{
	const struct sp_connection *connection;
	uint32_t count = 0;

	LIST_FOREACH(connection, bucket_of(pool, address), neighbours)
	{
		if (memcmp(connection->address, address, sizeof(connection->address)) == 0 &&
		    ++count == most)
			break;
	}
	return count;
}
