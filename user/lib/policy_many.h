/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many policies written into `clients` and read back, by all CPUs at once. */
#ifndef SP_LIB_POLICY_MANY_H
#define SP_LIB_POLICY_MANY_H

#include <stdint.h>

#include <sallyport/abi.h>

#include "lib/error.h"
#include "lib/maps.h"

/* Make policy @index; asked for by several threads at once, in no order. */
typedef void (*sp_policy_at)(uint32_t index, struct sp_client_key *key,
                             struct sp_client_policy *policy, const void *context);

/*
 * What is in the map, in any order: to find the client of each entry there again would be a memory
 * access that no cache knows, as many as there are.
 */
struct sp_policy_sum {
	uint32_t count;
	uint64_t digests; /* added up */
};

struct sp_policy_many {
	const struct sp_maps *maps;
	uint32_t count;
	sp_policy_at at;
	const void *context;
	/* Called in the thread of the caller, with about how many of @count are done; may be NULL.
	 */
	void (*progress)(uint32_t done, void *context);
	void *progress_context;
};

/* Write all of them. *@sum is of what was written. 0, or a negative errno: some of them are in the
 * map, and some may not be. */
int sp_policy_write_many(const struct sp_policy_many *many, struct sp_policy_sum *sum);

/*
 * Whether what the map has in the slots of @slots (a bit for each of maps->max_clients) is @wrote.
 * 0; -EIO: it is something else, without @err; or another negative errno.
 */
int sp_policy_read_back(const struct sp_maps *maps, const uint64_t *slots,
                        const struct sp_policy_sum *wrote, struct sp_error *err);

#endif
