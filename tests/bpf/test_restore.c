/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions and blocks come back when their maps are lost, as after a reboot: all that is pinned is
 * removed, nothing is ended before. The test plays the datapath where it writes `usage`. Needs root
 * and bpffs.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "instance.h"
#include "keeper/scribe.h"
#include "lib/ledger.h"
#include "lib/ledger_db.h"
#include "lib/ledger_log.h"
#include "lib/session.h"
#include "lib/session_memory.h"

#define ENTRIES 20u

static struct sp_instance instance;
static struct sp_maps maps;
static struct sp_error error;

static void must(int code)
{
	if (code < 0)
		fail_msg("%d: %s", code, error.text);
}

static void open_maps(unsigned entries)
{
	sp_test_pin_all(&instance, entries);
	must(sp_maps_open(&maps, &instance, &error));
	maps.remember = true;
}

/* Returns what `up` would: how many came back. */
static int reboot(unsigned entries)
{
	int restored;

	sp_maps_close(&maps);
	sp_test_unpin(&instance);
	open_maps(entries);
	restored = sp_session_restore(&maps, &error);
	must(sp_session_reconcile(&maps, &error));
	return restored;
}

static int setup(void **state)
{
	(void)state;
	return sp_test_remember(&instance, &maps, "/tmp", ENTRIES);
}

static int teardown(void **state)
{
	(void)state;
	return sp_test_forget(&instance, &maps);
}

static struct sp_ledger *ledger(void)
{
	struct sp_ledger *open = sp_session_ledger(&maps, &error);

	if (!open)
		fail_msg("%s", error.text);
	return open;
}

static struct sp_client_key client(unsigned number)
{
	return (struct sp_client_key){.mac = {2, 0, 0, 0, 0, (uint8_t)number}};
}

static const char *note_of(const struct sp_session *session)
{
	static char note[SP_NOTE_SIZE];

	sp_memory_note(&maps, session, note);
	return note;
}

static int allow(unsigned number, const struct sp_limits *limits, const char *note)
{
	struct sp_client_key key = client(number);

	return sp_session_allow(&maps, &key, limits, note, &error);
}

static bool is_in_map(unsigned number, struct sp_session *session)
{
	struct sp_client_key key = client(number);
	struct sp_clock clock;

	must(sp_clock_read(&clock, maps.clock, &error));
	return !sp_session_get(&maps, &clock, &key, session, &error);
}

static struct sp_record last(unsigned number)
{
	struct sp_client_key key = client(number);
	struct sp_record record;

	must(sp_ledger_session_last(ledger(), &key, &record, &error));
	return record;
}

/* So many bytes have gone up since the map is there; the daemon has looked. */
static void use(unsigned number, uint64_t bytes)
{
	struct sp_session session;
	struct sp_clock clock;
	struct sp_usage cell = {.up_packets = 1, .up_bytes = bytes, .ipv4 = 0x0100000a};

	assert_true(is_in_map(number, &session));
	must(sp_clock_read(&clock, maps.clock, &error));
	cell.up_generation = session.policy.generation;
	cell.up_first = cell.up_last = clock.jiffies;
	must(bpf_map_update_elem(maps.usage, &session.policy.slot, &cell, BPF_ANY));
	must(sp_session_write_all(&maps, &error));
}

/* --- what comes back --- */

static void test_all_that_was_granted(void **state)
{
	const struct sp_limits limits = {
		.seconds = 1000,
		.idle = 100,
		.quota = 1000,
		.quota_up = 900,
		.rate_up = 1000000,
		.rate_down = 2000000,
		.burst_down = 50000,
		.bind = true,
	};
	struct sp_session before, after;
	struct sp_record record;

	(void)state;
	must(allow(1, &limits, "room 7"));
	use(1, 300);
	record = last(1);
	assert_true(is_in_map(1, &before));
	assert_int_equal(reboot(ENTRIES), 1);
	assert_true(is_in_map(1, &after));
	assert_int_equal(after.effective, SP_CLIENT_AUTHORIZED);
	assert_int_equal(after.policy.limits, before.policy.limits);
	assert_int_equal(after.policy.quota, 700);
	assert_int_equal(after.policy.quota_up, 600);
	assert_int_equal(after.policy.idle, before.policy.idle);
	assert_int_equal(after.policy.rate_up, before.policy.rate_up);
	assert_int_equal(after.policy.rate_down, before.policy.rate_down);
	assert_int_equal(after.policy.burst_up, before.policy.burst_up);
	assert_int_equal(after.policy.burst_down, 50000);
	assert_int_equal(after.policy.ipv4, 0x0100000a);
	assert_int_equal(after.policy.granted_unix, before.policy.granted_unix);
	assert_in_range(after.policy.expires_unix, before.policy.expires_unix - 1,
	                before.policy.expires_unix + 1);
	assert_string_equal(note_of(&after), "room 7");
	assert_int_equal(last(1).id, record.id);
	assert_int_equal(last(1).reading.cause, SP_CAUSE_NONE);
}

static void test_counters_go_on(void **state)
{
	const struct sp_limits limits = {.quota = 1000}, fewer = {.quota = 350},
			       more = {.quota = 2000};
	struct sp_session session;

	(void)state;
	must(allow(1, &limits, NULL));
	use(1, 300);
	reboot(ENTRIES);
	use(1, 50);
	assert_int_equal(last(1).reading.up_bytes, 350);
	assert_int_equal(reboot(ENTRIES), 1);
	use(1, 1);
	assert_int_equal(last(1).reading.up_bytes, 351);
	/* All of it counts when the quota is changed. */
	assert_int_equal(allow(1, &fewer, NULL), -EDQUOT);
	must(allow(1, &more, NULL));
	assert_true(is_in_map(1, &session));
	assert_int_equal(session.policy.quota, 2000 - 350);
	assert_int_equal(last(1).limits.quota, 2000);
}

static void test_blocks_and_their_notes(void **state)
{
	struct sp_client_key one = client(1), two = client(2);
	struct sp_session session;

	(void)state;
	must(sp_session_block(&maps, &one, "ticket 12", &error));
	must(sp_session_block(&maps, &two, NULL, &error));
	must(sp_session_remove(&maps, &two, &error));
	assert_int_equal(reboot(ENTRIES), 1);
	assert_true(is_in_map(1, &session));
	assert_int_equal(session.effective, SP_CLIENT_BLOCKED);
	assert_string_equal(note_of(&session), "ticket 12");
	assert_false(is_in_map(2, &session));
	must(allow(1, &(struct sp_limits){.idle = 0}, NULL));
	assert_int_equal(reboot(ENTRIES), 1);
	assert_true(is_in_map(1, &session));
	assert_int_equal(session.effective, SP_CLIENT_AUTHORIZED);
	assert_string_equal(note_of(&session), "ticket 12");
}

static void test_slots_and_generations_are_their_own(void **state)
{
	struct sp_session session;
	bool taken[ENTRIES] = {false};
	uint32_t highest = 0;

	(void)state;
	for (unsigned i = 1; i <= 9; i++)
		must(allow(i, &(struct sp_limits){.seconds = 100}, NULL));
	assert_int_equal(reboot(ENTRIES), 9);
	assert_int_equal(sp_session_recount(&maps, &error), 0);
	must(allow(10, &(struct sp_limits){.seconds = 100}, NULL));
	for (unsigned i = 1; i <= 10; i++) {
		assert_true(is_in_map(i, &session));
		assert_true(session.policy.slot < ENTRIES && !taken[session.policy.slot]);
		taken[session.policy.slot] = true;
		if (i < 10 && session.policy.generation > highest)
			highest = session.policy.generation;
	}
	assert_true(session.policy.generation > highest);
}

static void test_fewer_entries_than_clients(void **state)
{
	struct sp_client_key key = client(12);
	struct sp_session session;
	unsigned count = 0;

	(void)state;
	for (unsigned i = 1; i <= 9; i++)
		must(allow(i, &(struct sp_limits){.seconds = 100}, NULL));
	must(sp_session_block(&maps, &key, NULL, &error));
	assert_int_equal(reboot(4), -ENOSPC);
	for (unsigned i = 1; i <= 9; i++)
		count += is_in_map(i, &session);
	assert_int_equal(count, 3);
	assert_true(is_in_map(12, &session));
	assert_int_equal(sp_session_recount(&maps, &error), 0);
}

/* --- what does not --- */

static void test_what_is_over(void **state)
{
	struct sp_client_key three = client(3);
	struct sp_session session;
	struct sp_record record;

	(void)state;
	must(allow(1, &(struct sp_limits){.seconds = 1000}, NULL));
	must(allow(2, &(struct sp_limits){.quota = 100}, NULL));
	must(allow(3, &(struct sp_limits){.quota = 100}, NULL));
	use(2, 100);
	must(sp_session_remove(&maps, &three, &error));
	/* The gateway is off for an hour: as if it had ended an hour earlier. */
	record = last(1);
	must(sp_ledger_session_until(ledger(), record.id, (uint64_t)time(NULL) - 2600, &error));
	assert_int_equal(reboot(ENTRIES), 0);
	for (unsigned i = 1; i <= 3; i++)
		assert_false(is_in_map(i, &session));
	assert_int_equal(last(1).reading.cause, SP_CAUSE_TIME);
	assert_int_equal(last(2).reading.cause, SP_CAUSE_QUOTA);
	assert_int_equal(last(3).reading.cause, SP_CAUSE_OPERATOR);
}

/* The wall clock says that it is long ago: what was left when it was last looked at is what is. */
static void test_clock_set_back_gives_nothing(void **state)
{
	struct sp_session session;
	uint64_t now = (uint64_t)time(NULL);

	(void)state;
	must(allow(1, &(struct sp_limits){.seconds = 5000}, NULL));
	/* 4000 s of it are over, and then the clock goes back by as much and more. */
	must(sp_ledger_clock(ledger(), now + 4000, 0, &error));
	assert_int_equal(reboot(ENTRIES), 1);
	assert_true(is_in_map(1, &session));
	assert_in_range(session.policy.expires_unix - now, 1, 1010);
}

static void test_ledger_that_cannot_be_used(void **state)
{
	struct sp_session session;
	char path[SP_INSTANCE_PATH + 16];
	FILE *file;

	(void)state;
	must(allow(1, &(struct sp_limits){.seconds = 5000}, NULL));
	sp_maps_close(&maps);
	sp_test_unpin(&instance);
	snprintf(path, sizeof(path), "%s/ledger.db-wal", instance.state);
	must(unlink(path));
	snprintf(path, sizeof(path), "%s/ledger.db", instance.state);
	must(unlink(path));
	file = fopen(path, "w");
	assert_non_null(file);
	for (unsigned i = 0; i < 1000; i++)
		fputs("nonsense ", file);
	fclose(file);
	must(chmod(path, 0600));
	open_maps(ENTRIES);
	assert_true(sp_session_restore(&maps, &error) < 0);
	assert_non_null(strstr(error.text, "ledger.db"));
	assert_false(is_in_map(1, &session));
}

/* --- the daemon and the wall clock --- */

static void look(struct sp_scribe *scribe)
{
	scribe->due = 0;
	do
		sp_scribe_attend(scribe);
	while (scribe->next < scribe->count);
}

/* The clock is set while the kernel goes on counting: sessions end when they would have. */
static void test_scribe_follows_the_clock(void **state)
{
	struct sp_scribe scribe;
	uint64_t until;

	(void)state;
	must(sp_scribe_init(&scribe, &maps, &error));
	must(allow(1, &(struct sp_limits){.seconds = 5000}, NULL));
	until = last(1).until;
	look(&scribe);
	assert_int_equal(last(1).until, until);
	/* As if it had been 700 s later, or earlier, at the last look. */
	scribe.clock.unix_time += 700;
	look(&scribe);
	assert_in_range(last(1).until, until - 702, until - 698);
	scribe.clock.unix_time -= 700;
	look(&scribe);
	assert_in_range(last(1).until, until - 2, until + 2);
	look(&scribe);
	assert_in_range(last(1).until, until - 2, until + 2);
	sp_scribe_close(&scribe);
}

static void test_reconcile_takes_the_kernels_word(void **state)
{
	uint64_t until;

	(void)state;
	must(allow(1, &(struct sp_limits){.seconds = 5000}, NULL));
	must(allow(2, &(struct sp_limits){.idle = 5000}, NULL));
	until = last(1).until;
	must(sp_ledger_session_until(ledger(), last(1).id, until + 900, &error));
	must(sp_session_reconcile(&maps, &error));
	assert_in_range(last(1).until, until - 2, until + 2);
	assert_int_equal(last(2).until, 0);
}

static void test_reconcile_takes_the_maps_word_for_blocks(void **state)
{
	struct sp_client_key one = client(1), two = client(2);
	struct sp_block block = {.client = two, .since = 1};
	struct sp_session session;

	(void)state;
	must(sp_session_block(&maps, &one, "here", &error));
	must(sp_ledger_block_remove(ledger(), &one, &error));
	must(sp_ledger_block_set(ledger(), &block, &error));
	must(sp_session_reconcile(&maps, &error));
	assert_int_equal(reboot(ENTRIES), 1);
	assert_true(is_in_map(1, &session));
	assert_int_equal(session.effective, SP_CLIENT_BLOCKED);
	assert_false(is_in_map(2, &session));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static int run(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_that_was_granted),
		TEST(test_counters_go_on),
		TEST(test_blocks_and_their_notes),
		TEST(test_slots_and_generations_are_their_own),
		TEST(test_fewer_entries_than_clients),
		TEST(test_what_is_over),
		TEST(test_clock_set_back_gives_nothing),
		TEST(test_ledger_that_cannot_be_used),
		TEST(test_scribe_follows_the_clock),
		TEST(test_reconcile_takes_the_kernels_word),
		TEST(test_reconcile_takes_the_maps_word_for_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return sp_test_run_apart(&instance, run);
}
