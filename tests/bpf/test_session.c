/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions on real maps of a real kernel, pinned below a random name. The test plays the datapath
 * where it writes `usage`. Needs root and bpffs.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <linux/magic.h>

#include "instance.h"
#include "lib/session.h"
#include "lib/slots.h"

#define SMALL 70u /* entries: the last word of `slots` is not full */
#define LARGE 131072u

static struct sp_instance instance; /* a random name, the same for all tests */
static struct sp_maps maps;
static struct sp_error error;

/* --- faults: libbpf's calls by another name --- */

static int corrupt_lookups = -1; /* lookups in `clients` until one lies; -1: none does */
static bool narrow_batches;      /* a bucket seems to hold more than 1024 entries */

int bpf_map_lookup_elem(int fd, const void *key, void *value)
{
	static int (*real)(int, const void *, void *);
	int result;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "bpf_map_lookup_elem");
	result = real(fd, key, value);
	if (fd == maps.clients && corrupt_lookups >= 0 && corrupt_lookups-- == 0)
		((struct sp_client_policy *)value)->quota ^= 1;
	return result;
}

int bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, __u32 *count,
                         const struct bpf_map_batch_opts *opts)
{
	static int (*real)(int, void *, void *, void *, void *, __u32 *,
	                   const struct bpf_map_batch_opts *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "bpf_map_lookup_batch");
	if (narrow_batches && *count <= 1024) {
		*count = 0;
		return -ENOSPC;
	}
	return real(fd, in, out, keys, values, count, opts);
}

/* --- the instance --- */

static const char *pin_path(const char *pin)
{
	return sp_test_pin_path(&instance, pin);
}

static void pin_map(enum bpf_map_type type, const char *name, size_t key_size, size_t value_size,
                    uint32_t entries, uint32_t flags)
{
	sp_test_pin_map(&instance, type, name, key_size, value_size, entries, flags);
}

static void write_settings(const struct sp_settings *settings)
{
	sp_test_write_settings(&instance, settings);
}

static struct sp_settings read_settings(void)
{
	struct sp_settings settings;
	uint32_t key = 0;

	assert_int_equal(bpf_map_lookup_elem(maps.settings, &key, &settings), 0);
	return settings;
}

static void open_maps(void)
{
	if (sp_maps_open(&maps, &instance, &error))
		fail_msg("%s", error.text);
}

static int setup_small(void **state)
{
	(void)state;
	sp_test_pin_all(&instance, SMALL);
	open_maps();
	return 0;
}

static int setup_large(void **state)
{
	(void)state;
	sp_test_pin_all(&instance, LARGE);
	open_maps();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	corrupt_lookups = -1;
	narrow_batches = false;
	sp_maps_close(&maps);
	sp_test_unpin(&instance);
	return 0;
}

/* --- helpers --- */

static struct sp_client_key client(uint32_t number)
{
	struct sp_client_key key = {{0x02, 0, 0, 0, 0, 0}, 0};

	key.mac[2] = (uint8_t)(number >> 24);
	key.mac[3] = (uint8_t)(number >> 16);
	key.mac[4] = (uint8_t)(number >> 8);
	key.mac[5] = (uint8_t)number;
	return key;
}

static struct sp_clock now(void)
{
	struct sp_clock clock;

	assert_int_equal(sp_clock_read(&clock, maps.clock, &error), 0);
	return clock;
}

static struct sp_session get_at(uint32_t number, const struct sp_clock *clock)
{
	struct sp_client_key key = client(number);
	struct sp_session session;

	if (sp_session_get(&maps, clock, &key, &session, &error))
		fail_msg("%s", error.text);
	return session;
}

static struct sp_session get(uint32_t number)
{
	struct sp_clock clock = now();

	return get_at(number, &clock);
}

static int allow(uint32_t number, struct sp_limits limits, const char *note)
{
	struct sp_client_key key = client(number);

	return sp_session_allow(&maps, &key, &limits, note, &error);
}

static int block(uint32_t number, const char *note)
{
	struct sp_client_key key = client(number);

	return sp_session_block(&maps, &key, note, &error);
}

static int forget(uint32_t number)
{
	struct sp_client_key key = client(number);

	return sp_session_remove(&maps, &key, &error);
}

static void must(int result)
{
	if (result)
		fail_msg("%s", error.text);
}

#define FOREVER ((struct sp_limits){0})

static void write_usage(uint32_t slot, const struct sp_usage *cell)
{
	assert_int_equal(bpf_map_update_elem(maps.usage, &slot, cell, BPF_ANY), 0);
}

static void use_bytes(uint32_t number, uint64_t up, uint64_t down)
{
	struct sp_session session = get(number);
	struct sp_clock clock = now();

	write_usage(session.policy.slot, &(struct sp_usage){
						 .up_generation = session.policy.generation,
						 .up_packets = 1,
						 .up_bytes = up,
						 .up_first = clock.jiffies,
						 .up_last = clock.jiffies,
						 .ipv4 = 0x0100000a,
						 .ipv6 = {0xfd},
						 .down_generation = session.policy.generation,
						 .down_packets = 2,
						 .down_bytes = down,
						 .down_first = clock.jiffies,
						 .down_last = clock.jiffies,
					 });
}

static int count_visit(const struct sp_session *session, void *context)
{
	(void)session;
	++*(uint32_t *)context;
	return 0;
}

static uint32_t count_clients(void)
{
	struct sp_clock clock = now();
	uint32_t count = 0;

	must(sp_session_each(&maps, &clock, count_visit, &count, &error));
	return count;
}

static uint32_t count_slots(void)
{
	int count = 0;

	for (uint32_t i = 0; i < SP_SLOT_WORDS(maps.max_clients); i++)
		count += __builtin_popcountll(maps.slot_words[i]);
	return (uint32_t)count;
}

static bool is_taken(uint32_t slot)
{
	return maps.slot_words[slot / 64] >> slot % 64 & 1;
}

static void assert_said(int result, int code, enum sp_exit exit_code, const char *words)
{
	assert_int_equal(result, code);
	assert_int_equal(error.exit_code, exit_code);
	if (!strstr(error.text, words))
		fail_msg("'%s' does not say '%s'", error.text, words);
}

/* --- letting in --- */

static void test_allow_without_limits(void **state)
{
	struct sp_session session;
	struct sp_clock before = now();

	(void)state;
	must(allow(1, FOREVER, "room 12"));
	assert_string_equal(error.text, "");
	session = get(1);
	assert_int_equal(session.policy.state, SP_CLIENT_AUTHORIZED);
	assert_int_equal(session.effective, SP_CLIENT_AUTHORIZED);
	assert_null(session.ended);
	assert_int_equal(session.policy.limits, 0);
	assert_int_equal(session.policy.generation, 1);
	assert_int_equal(read_settings().generation, 1);
	assert_true(session.policy.granted >= before.jiffies);
	assert_true(session.policy.granted_unix >= before.unix_time);
	assert_int_equal(session.policy.expires_unix, 0);
	assert_true(is_taken(session.policy.slot));
	assert_int_equal(count_slots(), 1);
}

static void test_vlan_is_part_of_the_key(void **state)
{
	struct sp_client_key tagged = client(1);
	struct sp_clock clock = now();
	struct sp_session session;

	(void)state;
	tagged.vlan = 4094;
	must(allow(1, FOREVER, NULL));
	assert_said(sp_session_get(&maps, &clock, &tagged, &session, &error), -ENOENT,
	            SP_EXIT_NOT_FOUND, "02:00:00:00:00:01 VLAN 4094");
	must(sp_session_block(&maps, &tagged, NULL, &error));
	must(sp_session_get(&maps, &clock, &tagged, &session, &error));
	assert_int_equal(session.effective, SP_CLIENT_BLOCKED);
	assert_int_equal(get(1).effective, SP_CLIENT_AUTHORIZED);
	assert_int_not_equal(session.policy.slot, get(1).policy.slot);
}

static void test_limits_are_written(void **state)
{
	struct sp_limits limits = {.seconds = 3600,
	                           .idle = 60,
	                           .quota = 5000,
	                           .rate_up = 64000,
	                           .rate_down = 100000000};
	struct sp_clock clock = now();
	struct sp_client_policy policy;

	(void)state;
	must(allow(1, limits, NULL));
	policy = get(1).policy;
	assert_int_equal(policy.limits, SP_LIMIT_EXPIRES | SP_LIMIT_IDLE | SP_LIMIT_QUOTA |
	                                        SP_LIMIT_RATE_UP | SP_LIMIT_RATE_DOWN);
	assert_int_equal(policy.expires, policy.granted + UINT64_C(3600) * clock.hz);
	assert_int_equal(policy.expires_unix, policy.granted_unix + 3600);
	assert_int_equal(policy.idle, 60 * clock.hz);
	assert_int_equal(policy.quota, 5000);
	assert_int_equal(policy.rate_up, 64000);
	assert_int_equal(policy.burst_up, 24000);
	assert_int_equal(policy.rate_down, 100000000);
	assert_int_equal(policy.burst_down, 5000000);
}

static void test_limits_saturate(void **state)
{
	struct sp_limits limits = {.seconds = UINT64_MAX, .idle = UINT64_MAX / 2};
	struct sp_session session;

	(void)state;
	must(allow(1, limits, NULL));
	session = get(1);
	assert_true(session.policy.expires == UINT64_MAX);
	assert_true(session.policy.expires_unix == UINT64_MAX);
	assert_true(session.policy.idle == UINT64_MAX);
	assert_int_equal(session.effective, SP_CLIENT_AUTHORIZED);
}

/* --- ends --- */

static void test_expiry(void **state)
{
	struct sp_session session;
	struct sp_clock clock;

	(void)state;
	must(allow(1, (struct sp_limits){.seconds = 10}, NULL));
	clock = now();
	clock.jiffies = get(1).policy.expires - 1;
	assert_int_equal(get_at(1, &clock).effective, SP_CLIENT_AUTHORIZED);
	clock.jiffies++;
	session = get_at(1, &clock);
	assert_int_equal(session.effective, SP_CLIENT_CAPTIVE);
	assert_string_equal(session.ended, "expired");
	assert_true(session.ended_at == clock.jiffies);
}

static void test_idle_counts_from_last_upload(void **state)
{
	struct sp_usage cell = {0};
	struct sp_client_policy policy;
	struct sp_clock clock;

	(void)state;
	must(allow(1, (struct sp_limits){.idle = 10}, NULL));
	policy = get(1).policy;
	clock = now();

	clock.jiffies = policy.granted + policy.idle;
	assert_int_equal(get_at(1, &clock).effective, SP_CLIENT_AUTHORIZED);
	clock.jiffies++;
	assert_string_equal(get_at(1, &clock).ended, "idle");

	/* An upload of this session moves the limit, one of an earlier session does not; neither
	 * does a download. */
	cell.up_last = policy.granted + 5;
	cell.down_generation = policy.generation;
	cell.down_last = policy.granted + 5;
	cell.up_generation = policy.generation + 1;
	write_usage(policy.slot, &cell);
	assert_string_equal(get_at(1, &clock).ended, "idle");
	cell.up_generation = policy.generation;
	write_usage(policy.slot, &cell);
	assert_int_equal(get_at(1, &clock).effective, SP_CLIENT_AUTHORIZED);
	clock.jiffies += 5;
	assert_string_equal(get_at(1, &clock).ended, "idle");
	assert_true(get_at(1, &clock).ended_at == clock.jiffies);

	/* A packet that came after the clock was read is no activity of the future. */
	clock.jiffies = policy.granted;
	assert_int_equal(get_at(1, &clock).effective, SP_CLIENT_AUTHORIZED);
}

static void test_quota_counts_both_directions(void **state)
{
	struct sp_session session;

	(void)state;
	must(allow(1, (struct sp_limits){.quota = 1000}, NULL));
	use_bytes(1, 500, 499);
	session = get(1);
	assert_int_equal(session.effective, SP_CLIENT_AUTHORIZED);
	assert_int_equal(session.up_bytes, 500);
	assert_int_equal(session.up_packets, 1);
	assert_int_equal(session.down_bytes, 499);
	assert_int_equal(session.down_packets, 2);
	assert_int_equal(session.ipv4, 0x0100000a);
	assert_int_equal(session.ipv6[0], 0xfd);
	use_bytes(1, 500, 500);
	session = get(1);
	assert_int_equal(session.effective, SP_CLIENT_CAPTIVE);
	assert_string_equal(session.ended, "quota");
}

static void test_quota_of_a_direction(void **state)
{
	struct sp_limits limits = {.quota_up = 600, .quota_down = 400};
	struct sp_client_policy policy;

	(void)state;
	must(allow(1, limits, NULL));
	policy = get(1).policy;
	assert_int_equal(policy.limits, SP_LIMIT_QUOTA_UP | SP_LIMIT_QUOTA_DOWN);
	assert_int_equal(policy.quota_up, 600);
	assert_int_equal(policy.quota_down, 400);
	use_bytes(1, 599, 399);
	assert_int_equal(get(1).effective, SP_CLIENT_AUTHORIZED);
	use_bytes(1, 599, 400);
	assert_string_equal(get(1).ended, "quota");
	use_bytes(1, 600, 399);
	assert_string_equal(get(1).ended, "quota");
}

static void test_a_quota_that_is_used_up_is_refused(void **state)
{
	const struct sp_limits all = {.quota = 1000}, up = {.quota_up = 500},
			       down = {.quota_down = 499, .seconds = 5};
	struct sp_client_policy before, after;

	(void)state;
	must(allow(1, (struct sp_limits){.seconds = 100}, NULL));
	use_bytes(1, 501, 499);
	before = get(1).policy;
	assert_said(allow(1, all, NULL), -EDQUOT, SP_EXIT_FAILED, "1000 bytes already");
	assert_said(allow(1, up, "note"), -EDQUOT, SP_EXIT_FAILED, "quota of 500");
	assert_said(allow(1, down, NULL), -EDQUOT, SP_EXIT_FAILED, "499 bytes downwards");
	after = get(1).policy;
	assert_memory_equal(&after, &before, sizeof(before));
	must(allow(1, (struct sp_limits){.quota = 1001}, NULL));
	/* A session that is over does not count against a new one. */
	use_bytes(1, 600, 499);
	must(allow(1, all, NULL));
	assert_int_equal(get(1).up_bytes, 0);
}

static void test_binding_is_written(void **state)
{
	struct sp_limits limits = {.bind = true, .ipv4 = 0x0200550a};

	(void)state;
	must(allow(1, limits, NULL));
	assert_int_equal(get(1).policy.limits, SP_LIMIT_BINDING);
	assert_int_equal(get(1).policy.ipv4, limits.ipv4);
	assert_int_equal(get(1).bound, limits.ipv4);
	limits.ipv4 = 0;
	must(allow(1, limits, NULL));
	assert_int_equal(get(1).bound, 0);
	must(allow(1, FOREVER, NULL));
	assert_int_equal(get(1).policy.limits, 0);
}

static void test_first_end_is_the_reason(void **state)
{
	struct sp_client_policy policy;
	struct sp_clock clock;

	(void)state;
	must(allow(1, (struct sp_limits){.seconds = 100, .idle = 10}, NULL));
	policy = get(1).policy;
	clock = now();
	clock.jiffies = policy.expires + 1;
	assert_string_equal(get_at(1, &clock).ended, "idle");
	must(allow(1, (struct sp_limits){.seconds = 10, .idle = 100}, NULL));
	policy = get(1).policy;
	clock.jiffies = policy.granted + policy.idle + 1;
	assert_string_equal(get_at(1, &clock).ended, "expired");
}

/* --- changes --- */

static void test_renewal_of_a_live_session(void **state)
{
	struct sp_session first, second;

	(void)state;
	must(allow(1, (struct sp_limits){.seconds = 10, .rate_up = 64000}, "room 12"));
	use_bytes(1, 100, 200);
	first = get(1);
	must(allow(1, (struct sp_limits){.seconds = 500}, NULL));
	second = get(1);
	assert_int_equal(second.policy.slot, first.policy.slot);
	assert_int_equal(second.policy.generation, first.policy.generation);
	assert_int_equal(second.up_bytes, 100);
	assert_int_equal(second.down_bytes, 200);
	assert_int_equal(second.policy.limits, SP_LIMIT_EXPIRES);
	assert_int_equal(second.policy.rate_up, 0);
	assert_true(second.policy.expires > first.policy.expires);
	assert_int_equal(count_slots(), 1);
}

/* What the datapath remembers of a client's flows is void with each change, but for the first: then
 * there is nothing to remember. */
static void test_changes_are_told(void **state)
{
	(void)state;
	must(allow(1, (struct sp_limits){.seconds = 10}, NULL));
	assert_int_equal(read_settings().changes, 0);
	must(allow(1, (struct sp_limits){.seconds = 20}, NULL));
	assert_int_equal(read_settings().changes, 1);
	must(block(1, NULL));
	assert_int_equal(read_settings().changes, 2);
	must(forget(1));
	assert_int_equal(read_settings().changes, 3);
	assert_int_not_equal(forget(1), 0);
	assert_int_equal(read_settings().changes, 3);
}

static void test_ended_session_begins_anew(void **state)
{
	struct sp_session first, second;

	(void)state;
	must(allow(1, (struct sp_limits){.quota = 100}, "room 12"));
	use_bytes(1, 100, 0);
	first = get(1);
	assert_string_equal(first.ended, "quota");
	must(allow(1, (struct sp_limits){.quota = 100}, NULL));
	second = get(1);
	assert_int_not_equal(second.policy.generation, first.policy.generation);
	assert_int_equal(second.effective, SP_CLIENT_AUTHORIZED);
	assert_int_equal(second.up_bytes, 0);
	assert_int_equal(second.down_packets, 0);
	assert_int_equal(second.ipv4, 0);
	assert_int_equal(second.up_last, 0);
	assert_int_equal(count_slots(), 1);
}

static void test_block(void **state)
{
	struct sp_session session;

	(void)state;
	must(block(1, "abuse"));
	session = get(1);
	assert_int_equal(session.policy.state, SP_CLIENT_BLOCKED);
	assert_int_equal(session.effective, SP_CLIENT_BLOCKED);
	must(allow(1, FOREVER, NULL));
	assert_int_equal(get(1).effective, SP_CLIENT_AUTHORIZED);

	use_bytes(1, 100, 200);
	must(block(1, NULL));
	session = get(1);
	assert_int_equal(session.effective, SP_CLIENT_BLOCKED);
	assert_int_equal(session.up_bytes, 100);
	must(allow(1, FOREVER, NULL));
	assert_int_equal(get(1).up_bytes, 0);
	assert_int_equal(count_slots(), 1);
}

static void test_remove(void **state)
{
	(void)state;
	must(allow(1, FOREVER, NULL));
	must(allow(2, FOREVER, NULL));
	must(forget(1));
	assert_int_equal(count_clients(), 1);
	assert_int_equal(count_slots(), 1);
	assert_said(forget(1), -ENOENT, SP_EXIT_NOT_FOUND, "02:00:00:00:00:01");
	assert_int_equal(count_slots(), 1);
}

static void test_bad_arguments_change_nothing(void **state)
{
	static const char *const macs[] = {"\0\0\0\0\0\0", "\x01\x00\x5e\x00\x00\x01",
	                                   "\xff\xff\xff\xff\xff\xff"};
	struct sp_limits limits = {0};
	struct sp_client_key key;
	char note[SP_NOTE_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		memcpy(key.mac, macs[i], 6);
		key.vlan = 0;
		assert_said(sp_session_allow(&maps, &key, &limits, NULL, &error), -EINVAL,
		            SP_EXIT_USAGE, "expected the address of");
		assert_said(sp_session_block(&maps, &key, NULL, &error), -EINVAL, SP_EXIT_USAGE,
		            "expected the address of");
	}
	key = client(1);
	key.vlan = 4095;
	assert_said(sp_session_allow(&maps, &key, &limits, NULL, &error), -EINVAL, SP_EXIT_USAGE,
	            "4094");
	memset(note, 'x', SP_NOTE_SIZE);
	note[SP_NOTE_SIZE] = '\0';
	assert_said(allow(1, limits, note), -EINVAL, SP_EXIT_USAGE, "at most 63");
	assert_said(allow(1, limits, "\xff"), -EINVAL, SP_EXIT_USAGE, "UTF-8");
	assert_said(block(1, "a\nb"), -EINVAL, SP_EXIT_USAGE, "control");
	assert_int_equal(count_clients(), 0);
	assert_int_equal(count_slots(), 0);
	assert_int_equal(read_settings().generation, 0);
	note[SP_NOTE_SIZE - 1] = '\0';
	must(allow(1, limits, note));
}

static void test_generation_is_never_0(void **state)
{
	(void)state;
	write_settings(&(struct sp_settings){
		.abi_version = SP_ABI_VERSION, .workers = 3, .generation = UINT32_MAX});
	must(allow(1, FOREVER, NULL));
	assert_int_equal(get(1).policy.generation, 1);
	assert_int_equal(read_settings().workers, 3);
	must(sp_maps_set(&maps, offsetof(struct sp_settings, workers), 7, &error));
	assert_int_equal(read_settings().workers, 7);
	assert_int_equal(read_settings().generation, 1);
	assert_int_equal(read_settings().abi_version, SP_ABI_VERSION);
}

/* --- no room --- */

static void fill_up(void)
{
	for (uint32_t i = 0; i < SMALL; i++)
		must(allow(i, (struct sp_limits){.quota = 100}, NULL));
	assert_int_equal(count_clients(), SMALL);
	assert_int_equal(count_slots(), SMALL);
}

static void test_full(void **state)
{
	(void)state;
	fill_up();
	assert_said(allow(SMALL, FOREVER, NULL), -ENOSPC, SP_EXIT_FAILED, "max_clients");
	assert_said(block(SMALL, NULL), -ENOSPC, SP_EXIT_FAILED, "70");
	assert_int_equal(count_clients(), SMALL);
	must(allow(5, FOREVER, "renewal needs no room"));
	must(block(6, NULL));
	must(forget(7));
	must(allow(SMALL, FOREVER, NULL));
	assert_int_equal(count_clients(), SMALL);
	assert_int_equal(count_slots(), SMALL);
}

static void test_full_of_ended_sessions(void **state)
{
	(void)state;
	fill_up();
	use_bytes(3, 100, 0);
	use_bytes(4, 0, 100);
	must(allow(SMALL, FOREVER, NULL));
	assert_int_equal(count_clients(), SMALL - 1);
	assert_int_equal(count_slots(), SMALL - 1);
	must(allow(SMALL + 1, FOREVER, NULL));

	/* A sweep in vain is not repeated within a second. */
	assert_int_equal(allow(SMALL + 2, FOREVER, NULL), -ENOSPC);
	use_bytes(8, 100, 0);
	assert_int_equal(allow(SMALL + 2, FOREVER, NULL), -ENOSPC);
	usleep(1100000);
	must(allow(SMALL + 2, FOREVER, NULL));
}

/* More entries than slots know of: the kernel is the one that refuses. */
static void test_kernel_says_full(void **state)
{
	struct sp_client_policy policy = {.state = SP_CLIENT_BLOCKED};
	uint32_t strangers = 0;

	(void)state;
	for (;; strangers++) {
		struct sp_client_key key = client(1000 + strangers);
		int result = bpf_map_update_elem(maps.clients, &key, &policy, BPF_NOEXIST);

		if (result == -E2BIG)
			break;
		assert_int_equal(result, 0);
	}
	assert_said(allow(1, FOREVER, NULL), -ENOSPC, SP_EXIT_FAILED, "max_clients");
	assert_int_equal(count_slots(), 0);
	assert_int_equal(count_clients(), strangers);
}

static void test_slots_go_round(void **state)
{
	uint32_t first;

	(void)state;
	must(allow(1, FOREVER, NULL));
	first = get(1).policy.slot;
	must(forget(1));
	for (uint32_t i = 0; i < 64; i++) {
		must(allow(2, FOREVER, NULL));
		must(forget(2));
	}
	must(allow(1, FOREVER, NULL));
	assert_int_not_equal(get(1).policy.slot / 64, first / 64);
}

/* --- rollback --- */

static void test_refused_write_changes_nothing(void **state)
{
	struct sp_session before, after;

	(void)state;
	must(allow(1, FOREVER, "before"));
	before = get(1);
	assert_int_equal(bpf_map_freeze(maps.clients), 0);
	assert_said(allow(2, FOREVER, NULL), -EPERM, SP_EXIT_PERMISSION, "02:00:00:00:00:02");
	assert_said(allow(1, FOREVER, "after"), -EPERM, SP_EXIT_PERMISSION, "cannot change");
	assert_said(forget(1), -EPERM, SP_EXIT_PERMISSION, "cannot remove");
	assert_int_equal(count_clients(), 1);
	assert_int_equal(count_slots(), 1);
	after = get(1);
	assert_memory_equal(&after.policy, &before.policy, sizeof(before.policy));
}

static void test_read_back_that_differs_is_rolled_back(void **state)
{
	struct sp_session before, after;

	(void)state;
	corrupt_lookups = 1; /* the first lookup is the one for what there is */
	assert_said(allow(1, FOREVER, NULL), -EIO, SP_EXIT_FAILED, "cannot add");
	assert_int_equal(count_clients(), 0);
	assert_int_equal(count_slots(), 0);

	must(allow(1, FOREVER, "before"));
	before = get(1);
	corrupt_lookups = 1;
	assert_said(block(1, NULL), -EIO, SP_EXIT_FAILED, "cannot change");
	after = get(1);
	assert_memory_equal(&after.policy, &before.policy, sizeof(before.policy));
	assert_int_equal(count_slots(), 1);
}

/* --- sweeping, counting, listing --- */

static void test_sweep_waits_for_its_grace(void **state)
{
	struct sp_client_policy policy;
	struct sp_client_key key = client(2);
	struct sp_clock clock = now();

	(void)state;
	must(allow(1, FOREVER, NULL));
	must(allow(2, (struct sp_limits){.seconds = 100}, NULL));
	must(block(3, NULL));
	policy = get(2).policy;
	policy.expires = clock.jiffies - UINT64_C(30) * clock.hz;
	assert_int_equal(bpf_map_update_elem(maps.clients, &key, &policy, BPF_EXIST), 0);
	assert_int_equal(sp_session_sweep(&maps, 60, &error), 0);
	assert_int_equal(sp_session_sweep(&maps, UINT64_MAX, &error), 0);
	assert_int_equal(sp_session_sweep(&maps, 20, &error), 1);
	assert_int_equal(sp_session_sweep(&maps, 0, &error), 0);
	assert_int_equal(count_clients(), 2);
	assert_int_equal(count_slots(), 2);
}

static void test_recount_finds_leaked_slots(void **state)
{
	uint32_t slot;

	(void)state;
	must(allow(1, FOREVER, NULL));
	must(allow(2, FOREVER, NULL));
	assert_int_equal(sp_session_recount(&maps, &error), 0);
	assert_int_equal(sp_slots_take(&maps, 65, &slot), 0);
	assert_int_equal(slot, 64);
	assert_int_equal(count_slots(), 3);
	assert_int_equal(sp_session_recount(&maps, &error), 1);
	assert_int_equal(count_slots(), 2);
	/* A slot that is used and not taken. */
	sp_slots_release(&maps, get(1).policy.slot);
	assert_int_equal(sp_session_recount(&maps, &error), 0);
	assert_true(is_taken(get(1).policy.slot));
}

static void test_recount_refuses_shared_slots(void **state)
{
	struct sp_client_policy policy;
	struct sp_client_key key = client(2);

	(void)state;
	must(allow(1, FOREVER, NULL));
	policy = get(1).policy;
	assert_int_equal(bpf_map_update_elem(maps.clients, &key, &policy, BPF_ANY), 0);
	assert_said(sp_session_recount(&maps, &error), -EUCLEAN, SP_EXIT_FAILED, "another client");
	policy.slot = SMALL;
	assert_int_equal(bpf_map_update_elem(maps.clients, &key, &policy, BPF_ANY), 0);
	assert_said(sp_session_recount(&maps, &error), -EUCLEAN, SP_EXIT_FAILED, "70");
	assert_int_equal(get(2).up_bytes, 0);
	assert_int_equal(count_slots(), 1);
}

static int stop_visit(const struct sp_session *session, void *context)
{
	(void)session;
	return ++*(int *)context == 3 ? 42 : 0;
}

static void test_walk_stops_when_told(void **state)
{
	struct sp_clock clock = now();
	int visited = 0;

	(void)state;
	assert_int_equal(sp_session_each(&maps, &clock, stop_visit, &visited, &error), 0);
	fill_up();
	assert_int_equal(sp_session_each(&maps, &clock, stop_visit, &visited, &error), 42);
	assert_int_equal(visited, 3);
	narrow_batches = true;
	assert_int_equal(count_clients(), SMALL);
}

static int mark_visit(const struct sp_session *session, void *context)
{
	uint8_t *seen = context;
	const uint8_t *mac = session->key.mac;
	uint32_t number = (uint32_t)mac[3] << 16 | (uint32_t)mac[4] << 8 | mac[5];

	if (session->policy.slot != number || session->up_bytes != number)
		return -EIO;
	return seen[number]++ ? -EEXIST : 0;
}

static void test_listing_100000(void **state)
{
	const uint32_t count = 100000;
	uint8_t *seen = calloc(count, 1);
	struct sp_clock clock = now();
	struct timespec begin, end;
	double seconds;

	(void)state;
	assert_non_null(seen);
	for (uint32_t i = 0; i < count; i++) {
		struct sp_client_key key = client(i);
		struct sp_client_policy policy = {
			.state = SP_CLIENT_AUTHORIZED, .slot = i, .generation = 1};

		assert_int_equal(bpf_map_update_elem(maps.clients, &key, &policy, BPF_NOEXIST), 0);
		write_usage(i, &(struct sp_usage){.up_generation = 1, .up_bytes = i});
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	must(sp_session_each(&maps, &clock, mark_visit, seen, &error));
	clock_gettime(CLOCK_MONOTONIC, &end);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(seen[i], 1);
	free(seen);
	seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
	print_message("100,000 clients listed in %.0f ms (with sanitizers)\n", seconds * 1000);
	if (!getenv("SALLYPORT_EMULATED"))
		assert_true(seconds < 1.0);
	assert_int_equal(sp_session_recount(&maps, &error), 0);
	assert_int_equal(count_slots(), count);
}

/* --- many at once --- */

#define WORKERS 8
#define CHANGES 400

/* Change random clients through an own opening of the maps, as another process does. */
static int change_at_random(unsigned seed, unsigned changes)
{
	struct sp_limits limits = {.seconds = 3600};
	struct sp_maps own;

	if (sp_maps_open(&own, &instance, &error))
		return 1;
	for (unsigned i = 0; i < changes; i++) {
		struct sp_client_key key = client((uint32_t)rand_r(&seed) % 100);
		int result = 0;

		switch (rand_r(&seed) % 4) {
		case 0:
			result = sp_session_remove(&own, &key, &error);
			break;
		case 1:
			result = sp_session_block(&own, &key, NULL, &error);
			break;
		default:
			result = sp_session_allow(&own, &key, &limits, "random", &error);
		}
		if (result && result != -ENOENT && result != -ENOSPC)
			return 1;
	}
	sp_maps_close(&own);
	return 0;
}

static pid_t start_worker(unsigned seed, unsigned changes)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(change_at_random(seed, changes));
	return pid;
}

static void test_eight_processes_at_once(void **state)
{
	pid_t workers[WORKERS];

	(void)state;
	for (unsigned i = 0; i < WORKERS; i++)
		workers[i] = start_worker(i + 1, CHANGES);
	for (unsigned i = 0; i < WORKERS; i++) {
		int status;

		assert_int_equal(waitpid(workers[i], &status, 0), workers[i]);
		assert_int_equal(status, 0);
	}
	assert_true(count_clients() > 0);
	assert_int_equal(count_slots(), count_clients());
	/* Nothing leaked, no slot shared. */
	assert_int_equal(sp_session_recount(&maps, &error), 0);
}

static void test_killed_processes_leave_no_shared_slot(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		pid_t worker = start_worker(i + 1, UINT_MAX);
		int status;

		usleep(2000 + i * 137);
		assert_int_equal(kill(worker, SIGKILL), 0);
		assert_int_equal(waitpid(worker, &status, 0), worker);
		assert_true(WIFSIGNALED(status));
	}
	/* The lock of a dead process is free again; what it leaked is found. */
	assert_in_range(sp_session_recount(&maps, &error), 0, 40);
	assert_int_equal(count_slots(), count_clients());
}

/* --- opening --- */

static void test_open_not_loaded(void **state)
{
	struct sp_maps other = {0};

	(void)state;
	sp_maps_close(&other);
	assert_said(sp_maps_open(&other, &instance, &error), -ENOENT, SP_EXIT_NOT_LOADED,
	            "sallyport up");
	sp_maps_close(&other);
	assert_int_equal(mkdir(instance.pins, 0700), 0);
	assert_said(sp_maps_open(&other, &instance, &error), -ENOENT, SP_EXIT_NOT_LOADED,
	            instance.name);
	/* Neither call closed descriptor 0. */
	assert_true(fcntl(0, F_GETFD) >= 0 || errno != EBADF);
}

static void test_open_other_version(void **state)
{
	struct sp_maps other;

	(void)state;
	write_settings(&(struct sp_settings){.abi_version = 9});
	assert_said(sp_maps_open(&other, &instance, &error), -EPROTONOSUPPORT, SP_EXIT_FAILED,
	            "version 9");
	/* A later version may have larger settings. */
	unlink(pin_path("settings"));
	pin_map(BPF_MAP_TYPE_ARRAY, "settings", 4, 512, 1, 0);
	assert_said(sp_maps_open(&other, &instance, &error), -EPROTONOSUPPORT, SP_EXIT_FAILED,
	            "version 0");
}

static void test_open_incomplete(void **state)
{
	struct sp_maps other;

	(void)state;
	unlink(pin_path("usage"));
	assert_said(sp_maps_open(&other, &instance, &error), -ENOENT, SP_EXIT_FAILED, "usage");
	pin_map(BPF_MAP_TYPE_ARRAY, "usage", 4, 64, SMALL, BPF_F_MMAPABLE);
	assert_said(sp_maps_open(&other, &instance, &error), -EPROTO, SP_EXIT_FAILED, "usage");
	unlink(pin_path("usage"));
	pin_map(BPF_MAP_TYPE_ARRAY, "usage", 4, sizeof(struct sp_usage), SMALL - 1, BPF_F_MMAPABLE);
	assert_said(sp_maps_open(&other, &instance, &error), -EPROTO, SP_EXIT_FAILED, "smaller");
}

/* By system calls and by the mapping alike. */
static void test_usage_is_read(void **state)
{
	struct sp_usage written = {.up_generation = 7, .up_bytes = 1, .down_bytes = 2, .ended = 3};
	uint32_t last = SMALL - 1;
	struct sp_usage cell;

	(void)state;
	assert_int_equal(bpf_map_update_elem(maps.usage, &last, &written, BPF_ANY), 0);
	for (unsigned mapped = 0; mapped < 2; mapped++) {
		memset(&cell, 0xff, sizeof(cell));
		assert_true(sp_maps_usage(&maps, last, &cell));
		assert_memory_equal(&cell, &written, sizeof(cell));
		assert_false(sp_maps_usage(&maps, SMALL, &cell));
		assert_int_equal(sp_maps_map_usage(&maps, &error), 0);
		assert_non_null(maps.usage_cells);
	}
}

static void test_clock_goes_on(void **state)
{
	struct sp_clock first = now(), second;

	(void)state;
	usleep(500000);
	second = now();
	assert_in_range(second.jiffies - first.jiffies, first.hz / 2 - 2, first.hz);
	assert_in_range(second.unix_time - first.unix_time, 0, 1);
	assert_true(sp_clock_read(&second, maps.clients, &error) < 0);
}

#define small(test) cmocka_unit_test_setup_teardown(test, setup_small, teardown)

static int run(void)
{
	const struct CMUnitTest tests[] = {
		small(test_allow_without_limits),
		small(test_vlan_is_part_of_the_key),
		small(test_limits_are_written),
		small(test_limits_saturate),
		small(test_expiry),
		small(test_idle_counts_from_last_upload),
		small(test_quota_counts_both_directions),
		small(test_quota_of_a_direction),
		small(test_a_quota_that_is_used_up_is_refused),
		small(test_binding_is_written),
		small(test_first_end_is_the_reason),
		small(test_renewal_of_a_live_session),
		small(test_changes_are_told),
		small(test_ended_session_begins_anew),
		small(test_block),
		small(test_remove),
		small(test_bad_arguments_change_nothing),
		small(test_generation_is_never_0),
		small(test_full),
		small(test_full_of_ended_sessions),
		small(test_kernel_says_full),
		small(test_slots_go_round),
		small(test_refused_write_changes_nothing),
		small(test_read_back_that_differs_is_rolled_back),
		small(test_sweep_waits_for_its_grace),
		small(test_recount_finds_leaked_slots),
		small(test_recount_refuses_shared_slots),
		small(test_walk_stops_when_told),
		cmocka_unit_test_setup_teardown(test_listing_100000, setup_large, teardown),
		small(test_eight_processes_at_once),
		small(test_killed_processes_leave_no_shared_slot),
		cmocka_unit_test_setup_teardown(test_open_not_loaded, NULL, teardown),
		small(test_open_other_version),
		small(test_open_incomplete),
		small(test_usage_is_read),
		small(test_clock_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return sp_test_run_apart(&instance, run);
}
