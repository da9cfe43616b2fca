/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation: a token bucket as one moment (GCRA, ITU-T I.371): each try moves it on by
 * the time that a try is worth, from now on at the earliest, and it may be ahead of now by what all
 * tries at once are worth.
 */
#include "keeper/retry.h"

#include <errno.h>
#include <nettle/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define LONGEST     3600000u /* ms: of one wait */
#define MOST_DOUBLE 10u      /* strikes that double the wait */
#define FORGET      10u      /* times `all` without a try, and the strikes are forgotten */

int sp_retry_open(struct sp_retry *retry, unsigned sets, const struct sp_attempts *attempts,
                  bool grows)
{
	*retry = (struct sp_retry){.sets = sets, .grows = grows};
	if (!attempts->count)
		return 0;
	retry->all = attempts->seconds * 1000;
	retry->each = retry->all / attempts->count;
	if (getrandom(retry->key, sizeof(retry->key), 0) != (ssize_t)sizeof(retry->key))
		return -EIO;
	retry->slots = calloc((size_t)sets * SP_RETRY_WAYS, sizeof(*retry->slots));
	return retry->slots ? 0 : -ENOMEM;
}

void sp_retry_close(struct sp_retry *retry)
{
	free(retry->slots);
	retry->slots = NULL;
}

static uint64_t make_tag(const struct sp_retry *retry, const void *who, size_t length)
{
	struct hmac_sha256_ctx context;
	uint64_t tag;

	hmac_sha256_set_key(&context, sizeof(retry->key), retry->key);
	hmac_sha256_update(&context, length, who);
	hmac_sha256_digest(&context, sizeof(tag), (uint8_t *)&tag);
	return tag ?: 1;
}

static struct sp_retry_slot *set_of(const struct sp_retry *retry, uint64_t tag)
{
	return &retry->slots[tag % retry->sets * SP_RETRY_WAYS];
}

/* NULL: there is nothing against him. */
static struct sp_retry_slot *find(const struct sp_retry *retry, uint64_t tag)
{
	struct sp_retry_slot *set = set_of(retry, tag);

	for (unsigned i = 0; i < SP_RETRY_WAYS; i++)
		if (set[i].tag == tag)
			return &set[i];
	return NULL;
}

/* His slot, or that of whom there is least to remember. */
static struct sp_retry_slot *find_or_make(struct sp_retry *retry, uint64_t tag)
{
	struct sp_retry_slot *slot = find(retry, tag), *set = set_of(retry, tag);

	if (slot)
		return slot;
	slot = set;
	for (unsigned i = 1; i < SP_RETRY_WAYS; i++)
		if (set[i].until < slot->until)
			slot = &set[i];
	*slot = (struct sp_retry_slot){.tag = tag};
	return slot;
}

uint64_t sp_retry_wait(const struct sp_retry *retry, const void *who, size_t length, uint64_t now)
{
	const struct sp_retry_slot *slot;

	if (!retry->slots)
		return 0;
	slot = find(retry, make_tag(retry, who, length));
	if (!slot || slot->until + retry->each <= now + retry->all)
		return 0;
	return slot->until + retry->each - retry->all - now;
}

void sp_retry_take(struct sp_retry *retry, const void *who, size_t length, uint64_t now)
{
	struct sp_retry_slot *slot;
	uint64_t until;

	if (!retry->slots)
		return;
	slot = find_or_make(retry, make_tag(retry, who, length));
	if (slot->until + FORGET * retry->all < now)
		slot->strikes = 0;
	until = (slot->until > now ? slot->until : now) + retry->each;
	/* Nothing left is the worst there is. */
	if (until > now + retry->all)
		until = now + retry->all;
	if (until > slot->until)
		slot->until = until;
}

void sp_retry_give_back(struct sp_retry *retry, const void *who, size_t length)
{
	struct sp_retry_slot *slot;

	if (!retry->slots)
		return;
	slot = find(retry, make_tag(retry, who, length));
	if (slot)
		slot->until = slot->until > retry->each ? slot->until - retry->each : 0;
}

void sp_retry_strike(struct sp_retry *retry, const void *who, size_t length, uint64_t now)
{
	struct sp_retry_slot *slot;
	uint64_t longer;

	if (!retry->slots || !retry->grows)
		return;
	slot = find(retry, make_tag(retry, who, length));
	if (!slot || slot->until + retry->each <= now + retry->all)
		return;
	longer = retry->all * ((1u << slot->strikes) - 1);
	slot->until += longer < LONGEST ? longer : LONGEST;
	if (slot->strikes < MOST_DOUBLE)
		slot->strikes++;
}
