/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/policy_many.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bpf.h>

#include "lib/parallel.h"
#include "lib/session_policy.h"

#define BATCH 4096u /* clients of one system call */

/* --- sums --- */

/* Words are mixed as in MurmurHash3's finalizer (Austin Appleby, public domain). */
static uint64_t mix(uint64_t digest, const void *bytes, size_t size)
{
	uint64_t word;

	for (size_t at = 0; at < size; at += sizeof(word)) {
		memcpy(&word, (const char *)bytes + at, sizeof(word));
		digest = (digest ^ word) * UINT64_C(0xff51afd7ed558ccd);
		digest ^= digest >> 33;
	}
	return digest;
}

_Static_assert(sizeof(struct sp_client_key) % 8 == 0 && sizeof(struct sp_client_policy) % 8 == 0,
               "whole words");

static void add_one(struct sp_policy_sum *sum, const struct sp_client_key *key,
                    const struct sp_client_policy *policy)
{
	sum->count++;
	sum->digests += mix(mix(1, key, sizeof(*key)), policy, sizeof(*policy));
}

static void add_sum(struct sp_policy_sum *sum, const struct sp_policy_sum *other)
{
	sum->count += other->count;
	sum->digests += other->digests;
}

/* --- writing --- */

struct writing {
	const struct sp_policy_many *many;
	unsigned parts;
	struct {
		struct sp_policy_sum sum;
		int code;
	} part[SP_PARTS_MAX];
};

static int write_batch(const struct sp_policy_many *many, uint32_t first, uint32_t count,
                       struct sp_client_key *keys, struct sp_client_policy *policies,
                       struct sp_policy_sum *sum)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = BPF_ANY);

	for (uint32_t i = 0; i < count; i++) {
		many->at(first + i, &keys[i], &policies[i], many->context);
		add_one(sum, &keys[i], &policies[i]);
	}
	return bpf_map_update_batch(many->maps->clients, keys, policies, &count, &opts);
}

static int write_range(const struct sp_policy_many *many, uint32_t first, uint32_t end,
                       unsigned parts, struct sp_policy_sum *sum)
{
	struct sp_client_key *keys = calloc(BATCH, sizeof(*keys));
	struct sp_client_policy *policies = calloc(BATCH, sizeof(*policies));
	int code = keys && policies ? 0 : -ENOMEM;

	for (uint32_t at = first, count; !code && at < end; at += count) {
		count = end - at < BATCH ? end - at : BATCH;
		code = write_batch(many, at, count, keys, policies, sum);
		/* The other parts are about as far. */
		if (!first && many->progress)
			many->progress((at + count) * parts, many->progress_context);
	}
	free(keys);
	free(policies);
	return code;
}

static void write_part(unsigned part, void *context)
{
	struct writing *writing = context;
	const struct sp_policy_many *many = writing->many;
	struct sp_policy_sum sum = {0};

	writing->part[part].code = write_range(
		many, sp_parallel_begin(many->count, part, writing->parts),
		sp_parallel_begin(many->count, part + 1, writing->parts), writing->parts, &sum);
	writing->part[part].sum = sum;
}

int sp_policy_write_many(const struct sp_policy_many *many, struct sp_policy_sum *sum)
{
	struct writing writing = {.many = many, .parts = sp_parallel_parts(many->count)};
	int code = 0;

	sp_parallel(writing.parts, write_part, &writing);
	*sum = (struct sp_policy_sum){0};
	for (unsigned i = 0; i < writing.parts; i++) {
		add_sum(sum, &writing.part[i].sum);
		if (!code)
			code = writing.part[i].code;
	}
	return code;
}

/* --- reading --- */

struct reading {
	const struct sp_maps *maps;
	const uint64_t *slots;
	unsigned parts;
	struct {
		struct sp_policy_sum sum;
		struct sp_error err;
		int code;
	} part[SP_PARTS_MAX];
};

/* One thread's. */
struct found {
	const struct reading *reading;
	struct sp_policy_sum sum;
};

static int read_one(const struct sp_client_key *key, const struct sp_client_policy *policy,
                    void *context)
{
	struct found *found = context;
	uint32_t slot = policy->slot;

	if (slot < found->reading->maps->max_clients &&
	    (found->reading->slots[slot / 64u] >> slot % 64u & 1))
		add_one(&found->sum, key, policy);
	return 0;
}

static void read_part(unsigned part, void *context)
{
	struct reading *reading = context;
	struct found found = {.reading = reading};

	reading->part[part].code = sp_policy_each_of(reading->maps, part, reading->parts, read_one,
	                                             &found, &reading->part[part].err);
	reading->part[part].sum = found.sum;
}

static int read_all(struct reading *reading, unsigned parts, const struct sp_policy_sum *wrote,
                    struct sp_error *err)
{
	struct sp_policy_sum sum = {0};

	reading->parts = parts;
	sp_parallel(parts, read_part, reading);
	for (unsigned i = 0; i < parts; i++) {
		if (reading->part[i].code) {
			if (err)
				*err = reading->part[i].err;
			return reading->part[i].code;
		}
		add_sum(&sum, &reading->part[i].sum);
	}
	return sum.count == wrote->count && sum.digests == wrote->digests ? 0 : -EIO;
}

int sp_policy_read_back(const struct sp_maps *maps, const uint64_t *slots,
                        const struct sp_policy_sum *wrote, struct sp_error *err)
{
	unsigned parts = sp_parallel_parts(wrote->count);
	struct reading reading = {.maps = maps, .slots = slots};
	int code = read_all(&reading, parts, wrote, err);

	/* It may be that the parts were not all of it. */
	return code && parts > 1 ? read_all(&reading, 1, wrote, err) : code;
}
