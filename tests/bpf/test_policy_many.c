/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many policies by several threads: each is written, and read once, whatever the part; what is not
 * as it was written is noticed. Real maps of a real kernel. Needs root and bpffs.
 */
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "instance.h"
#include "lib/parallel.h"
#include "lib/policy_many.h"
#include "lib/session_policy.h"

#define ENTRIES 40000u

static struct sp_instance instance;
static struct sp_maps maps;
static struct sp_error error;
static uint32_t refuse_at; /* the kernel refuses the batch with this client; 0: it does not */
static bool other_order;   /* the kernel knows no place but the one that it said last */

static uint32_t number_of(const struct sp_client_key *key)
{
	return (uint32_t)key->mac[3] << 16 | (uint32_t)key->mac[4] << 8 | key->mac[5];
}

static struct sp_client_key key_of(uint32_t number)
{
	return (struct sp_client_key){
		.mac = {2, 0, 0, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number}};
}

int bpf_map_update_batch(int fd, const void *keys, const void *values, __u32 *count,
                         const struct bpf_map_batch_opts *opts)
{
	int (*real)(int, const void *, const void *, __u32 *, const struct bpf_map_batch_opts *);

	*(void **)&real = dlsym(RTLD_NEXT, "bpf_map_update_batch");
	for (uint32_t i = 0; refuse_at && i < *count; i++)
		if (number_of((const struct sp_client_key *)keys + i) == refuse_at)
			return -ENOMEM;
	return real(fd, keys, values, count, opts);
}

int bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, __u32 *count,
                         const struct bpf_map_batch_opts *opts)
{
	static __thread uint32_t last;
	int (*real)(int, void *, void *, void *, void *, __u32 *,
	            const struct bpf_map_batch_opts *);
	int code;

	*(void **)&real = dlsym(RTLD_NEXT, "bpf_map_lookup_batch");
	if (other_order && in && memcmp(in, &last, sizeof(last)) != 0) {
		*count = 0;
		return -ENOENT;
	}
	code = real(fd, in, out, keys, values, count, opts);
	memcpy(&last, out, sizeof(last));
	return code;
}

static int setup(void **state)
{
	(void)state;
	refuse_at = 0;
	other_order = false;
	sp_test_pin_all(&instance, ENTRIES);
	if (sp_maps_open(&maps, &instance, &error))
		fail_msg("%s", error.text);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sp_maps_close(&maps);
	sp_test_unpin(&instance);
	return 0;
}

static void make(uint32_t index, struct sp_client_key *key, struct sp_client_policy *policy,
                 const void *context)
{
	(void)context;
	*key = key_of(index);
	*policy = (struct sp_client_policy){
		.state = SP_CLIENT_AUTHORIZED, .slot = index, .generation = index + 1};
}

struct told {
	uint32_t count, last;
};

static void hear(uint32_t done, void *context)
{
	struct told *told = context;

	assert_true(done >= told->last && done <= ENTRIES);
	told->count++;
	told->last = done;
}

static int write_clients(uint32_t count, struct sp_policy_sum *sum)
{
	struct told told = {0};
	const struct sp_policy_many many = {
		.maps = &maps,
		.count = count,
		.at = make,
		.progress = hear,
		.progress_context = &told,
	};
	int code = sp_policy_write_many(&many, sum);

	assert_true(told.count > 0);
	if (!code)
		assert_true(told.last > count - SP_PARTS_MAX && told.last <= count);
	return code;
}

static int count_one(const struct sp_client_key *key, const struct sp_client_policy *policy,
                     void *context)
{
	uint8_t *seen = context;

	assert_int_equal(policy->slot, number_of(key));
	seen[number_of(key)]++;
	return 0;
}

static void check_parts(uint32_t count, unsigned parts)
{
	uint8_t *seen = calloc(ENTRIES, 1);

	assert_non_null(seen);
	for (unsigned part = 0; part < parts; part++)
		if (sp_policy_each_of(&maps, part, parts, count_one, seen, &error))
			fail_msg("%s", error.text);
	for (uint32_t i = 0; i < ENTRIES; i++)
		if (seen[i] != (i < count))
			fail_msg("%u clients, %u parts: %u seen %u times", count, parts, i,
			         seen[i]);
	free(seen);
}

static void test_each_is_in_one_part(void **state)
{
	struct sp_policy_sum sum;

	(void)state;
	for (uint32_t count = 20000; count <= ENTRIES; count += 4000) {
		assert_int_equal(write_clients(count, &sum), 0);
		assert_int_equal(sum.count, count);
		for (unsigned parts = 1; parts <= SP_PARTS_MAX; parts++)
			check_parts(count, parts);
	}
}

static int stop_there(const struct sp_client_key *key, const struct sp_client_policy *policy,
                      void *context)
{
	(void)key;
	(void)policy;
	return ++*(int *)context == 3 ? 77 : 0;
}

static void test_a_visit_ends_the_walk(void **state)
{
	struct sp_policy_sum sum;
	int seen = 0;

	(void)state;
	assert_int_equal(write_clients(100, &sum), 0);
	assert_int_equal(sp_policy_each(&maps, stop_there, &seen, &error), 77);
	assert_int_equal(seen, 3);
}

static void test_read_back(void **state)
{
	uint64_t slots[SP_SLOT_WORDS(ENTRIES)];
	struct sp_client_key key = key_of(31234), stranger = key_of(ENTRIES - 1);
	struct sp_client_policy policy, strange;
	struct sp_policy_sum sum;

	(void)state;
	memset(slots, 0xff, sizeof(slots));
	slots[(ENTRIES - 1) / 64] &= ~(UINT64_C(1) << (ENTRIES - 1) % 64);
	assert_int_equal(write_clients(ENTRIES - 1, &sum), 0);
	/* Whoever has another slot is not asked for. */
	make(ENTRIES - 1, &stranger, &strange, NULL);
	assert_int_equal(bpf_map_update_elem(maps.clients, &stranger, &strange, BPF_NOEXIST), 0);
	assert_int_equal(sp_policy_read_back(&maps, slots, &sum, &error), 0);
	other_order = true;
	assert_int_equal(sp_policy_read_back(&maps, slots, &sum, &error), 0);
	other_order = false;
	make(31234, &key, &policy, NULL);
	policy.expires = 1;
	assert_int_equal(bpf_map_update_elem(maps.clients, &key, &policy, BPF_EXIST), 0);
	assert_int_equal(sp_policy_read_back(&maps, slots, &sum, &error), -EIO);
	assert_int_equal(bpf_map_delete_elem(maps.clients, &key), 0);
	assert_int_equal(sp_policy_read_back(&maps, slots, &sum, &error), -EIO);
}

/* Whichever thread it happens to. */
static void test_refused(void **state)
{
	struct sp_policy_sum sum;

	(void)state;
	for (refuse_at = 1; refuse_at < ENTRIES; refuse_at += 13333)
		assert_int_equal(write_clients(ENTRIES, &sum), -ENOMEM);
}

static void mark(unsigned part, void *context)
{
	((unsigned *)context)[part]++;
}

static void test_parts(void **state)
{
	unsigned done[SP_PARTS_MAX] = {0};

	(void)state;
	assert_int_equal(sp_parallel_parts(0), 1);
	assert_int_equal(sp_parallel_parts(2 * SP_PART_LEAST - 1), 1);
	assert_in_range(sp_parallel_parts(UINT32_MAX), 1, SP_PARTS_MAX);
	assert_int_equal(sp_parallel_begin(UINT32_MAX, 7, 7), UINT32_MAX);
	sp_parallel(SP_PARTS_MAX, mark, done);
	for (unsigned i = 0; i < SP_PARTS_MAX; i++)
		assert_int_equal(done[i], 1);
}

static int run(void)
{
#define with_instance(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		with_instance(test_each_is_in_one_part),
		with_instance(test_a_visit_ends_the_walk),
		with_instance(test_read_back),
		with_instance(test_refused),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return sp_test_run_apart(&instance, run);
}
