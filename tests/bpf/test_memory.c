/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions in the maps and in the ledger at once: both or none, whatever fails in between. Real
 * maps of a real kernel; the test plays the datapath where it writes `usage`. Needs root and bpffs.
 */
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/end_sessions.h"
#include "instance.h"
#include "keeper/scribe.h"
#include "lib/census.h"
#include "lib/ledger.h"
#include "lib/ledger_db.h"
#include "lib/session.h"
#include "lib/session_memory.h"
#include "lib/slots.h"

#define ENTRIES 70u

static struct sp_instance instance;
static struct sp_maps maps;
static struct sp_error error;
static bool refuse_updates; /* the kernel refuses to write `clients` */

int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
{
	static int (*real)(int, const void *, const void *, __u64);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "bpf_map_update_elem");
	return refuse_updates && fd == maps.clients ? -ENOMEM : real(fd, key, value, flags);
}

/* --- the instance --- */

static int setup(void **state)
{
	(void)state;
	return sp_test_remember(&instance, &maps, "/tmp", ENTRIES);
}

static int teardown(void **state)
{
	(void)state;
	refuse_updates = false;
	return sp_test_forget(&instance, &maps);
}

/* --- helpers --- */

static void must(int code)
{
	if (code)
		fail_msg("%d: %s", code, error.text);
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

static struct sp_who user(const char *name)
{
	struct sp_who who = {.method = SP_METHOD_USER, .class_length = 2, .class_bytes = "ab"};

	snprintf(who.name, sizeof(who.name), "%s", name);
	return who;
}

static int grant(unsigned number, const char *name, uint64_t seconds)
{
	const struct sp_limits limits = {.seconds = seconds};
	struct sp_client_key key = client(number);
	struct sp_who who = user(name);

	return sp_session_grant(&maps, &key, &limits, &who, NULL, &error);
}

static int allow(unsigned number, uint64_t seconds)
{
	const struct sp_limits limits = {.seconds = seconds};
	struct sp_client_key key = client(number);

	return sp_session_allow(&maps, &key, &limits, NULL, &error);
}

static bool is_in_map(unsigned number, struct sp_session *session)
{
	struct sp_client_key key = client(number);
	struct sp_clock clock;
	int code;

	must(sp_clock_read(&clock, maps.clock, &error));
	code = sp_session_get(&maps, &clock, &key, session, &error);
	if (code != -ENOENT)
		must(code);
	return !code;
}

static struct sp_record last(unsigned number)
{
	struct sp_client_key key = client(number);
	struct sp_record record;

	must(sp_ledger_session_last(ledger(), &key, &record, &error));
	return record;
}

static bool is_running(unsigned number, struct sp_record *record)
{
	struct sp_client_key key = client(number);
	int code = sp_ledger_session_running(ledger(), &key, record, &error);

	if (code != -ENOENT)
		must(code);
	return !code;
}

/* So many bytes have gone up, a packet for each, now. */
static void use(unsigned number, uint64_t bytes)
{
	struct sp_session session;
	struct sp_clock clock;
	struct sp_usage cell = {.up_packets = bytes, .up_bytes = bytes, .ipv4 = 0x0100000a};

	assert_true(is_in_map(number, &session));
	must(sp_clock_read(&clock, maps.clock, &error));
	cell.up_generation = session.policy.generation;
	cell.up_first = cell.up_last = clock.jiffies;
	must(bpf_map_update_elem(maps.usage, &session.policy.slot, &cell, BPF_ANY));
}

static const uint8_t digest[SP_VOUCHER_DIGEST] = {7};

static struct sp_voucher add_voucher(uint64_t seconds, uint64_t quota, uint32_t devices)
{
	struct sp_voucher voucher = {.limits = {.seconds = seconds, .quota = quota},
	                             .devices = devices};

	must(sp_ledger_voucher_add(ledger(), digest, &voucher, &error));
	return voucher;
}

static int redeem(unsigned number)
{
	const struct sp_limits defaults = {.seconds = 1000, .idle = 60};
	struct sp_client_key key = client(number);

	return sp_session_redeem(&maps, &key, digest, "", &defaults, &error);
}

static int count_one(const struct sp_record *record, void *context)
{
	(void)record;
	++*(unsigned *)context;
	return 0;
}

static unsigned running(void)
{
	unsigned count = 0;

	must(sp_ledger_session_each(ledger(), count_one, &count, &error));
	return count;
}

/* --- letting in --- */

static void test_grant_is_remembered(void **state)
{
	struct sp_session session;
	struct sp_record record;

	(void)state;
	must(grant(1, "anna", 100));
	assert_true(is_in_map(1, &session));
	assert_true(is_running(1, &record));
	assert_int_equal(record.reading.generation, session.policy.generation);
	assert_int_equal(record.who.method, SP_METHOD_USER);
	assert_string_equal(record.who.name, "anna");
	assert_int_equal(record.who.class_length, 2);
	assert_memory_equal(record.who.class_bytes, "ab", 2);
	assert_int_equal(record.limits.seconds, 100);
	assert_int_equal(record.begun, session.policy.granted_unix);
	assert_int_equal(record.reading.ended, 0);
}

static void test_operator_changes_a_session_without_becoming_its_user(void **state)
{
	struct sp_record before, after;

	(void)state;
	must(grant(1, "anna", 100));
	before = last(1);
	use(1, 500);
	must(allow(1, 200));
	after = last(1);
	assert_int_equal(after.id, before.id);
	assert_string_equal(after.who.name, "anna");
	assert_int_equal(after.limits.seconds, 200);
	assert_int_equal(after.reading.generation, before.reading.generation);
}

static const char *note_of(unsigned number)
{
	static char note[SP_NOTE_SIZE];
	struct sp_session session;

	assert_true(is_in_map(number, &session));
	sp_memory_note(&maps, &session, note);
	return note;
}

/* Without a new one the note stays, whatever else becomes of the client. */
static void test_note_stays(void **state)
{
	const struct sp_limits forever = {.seconds = 0}, short_one = {.seconds = 2};
	struct sp_client_key key = client(1);
	struct sp_session session;

	(void)state;
	must(sp_session_allow(&maps, &key, &forever, "room 12", &error));
	assert_string_equal(note_of(1), "room 12");
	must(sp_session_allow(&maps, &key, &forever, NULL, &error));
	assert_string_equal(note_of(1), "room 12");
	must(sp_session_allow(&maps, &key, &forever, "", &error));
	assert_string_equal(note_of(1), "");
	must(sp_session_allow(&maps, &key, &short_one, "bar", &error));
	do
		assert_true(is_in_map(1, &session));
	while (!session.ended);
	assert_string_equal(note_of(1), "bar");
	must(sp_session_allow(&maps, &key, &forever, NULL, &error));
	assert_string_equal(note_of(1), "bar");
	must(sp_session_block(&maps, &key, NULL, &error));
	assert_string_equal(note_of(1), "bar");
	must(sp_session_block(&maps, &key, "abuse", &error));
	assert_string_equal(note_of(1), "abuse");
	must(sp_session_allow(&maps, &key, &forever, NULL, &error));
	assert_string_equal(note_of(1), "abuse");
	must(sp_session_remove(&maps, &key, &error));
	must(sp_session_allow(&maps, &key, &forever, NULL, &error));
	assert_string_equal(note_of(1), "");
}

static void test_same_user_again_goes_on(void **state)
{
	struct sp_record before;

	(void)state;
	must(grant(1, "anna", 100));
	before = last(1);
	must(grant(1, "anna", 300));
	assert_int_equal(last(1).id, before.id);
	assert_int_equal(last(1).limits.seconds, 300);
}

static void test_other_user_begins_anew(void **state)
{
	struct sp_record before, ended;
	struct sp_session session;

	(void)state;
	must(grant(1, "anna", 100));
	before = last(1);
	use(1, 500);
	must(grant(1, "bert", 100));
	must(sp_ledger_session_get(ledger(), before.id, &ended, &error));
	assert_int_equal(ended.reading.cause, SP_CAUSE_REPLACED);
	assert_true(ended.reading.ended >= ended.begun);
	assert_int_equal(ended.reading.up_bytes, 500);
	assert_int_equal(ended.reading.ipv4, 0x0100000a);
	assert_string_equal(last(1).who.name, "bert");
	assert_true(is_in_map(1, &session));
	assert_int_equal(session.up_bytes, 0);
	assert_int_equal(running(), 1);
}

/* --- putting out --- */

static void test_end_has_its_cause(void **state)
{
	struct sp_client_key key = client(1);

	(void)state;
	must(grant(1, "anna", 100));
	use(1, 77);
	must(sp_session_end(&maps, &key, SP_CAUSE_CLIENT, &error));
	assert_int_equal(last(1).reading.cause, SP_CAUSE_CLIENT);
	assert_int_equal(last(1).reading.up_bytes, 77);
	must(grant(1, "anna", 100));
	must(sp_session_remove(&maps, &key, &error));
	assert_int_equal(last(1).reading.cause, SP_CAUSE_OPERATOR);
	must(grant(1, "anna", 100));
	must(sp_session_block(&maps, &key, NULL, &error));
	assert_int_equal(last(1).reading.cause, SP_CAUSE_OPERATOR);
	assert_int_equal(running(), 0);
	must(allow(1, 5));
	assert_int_equal(running(), 1);
}

static void test_only_the_session_that_is_meant_ends(void **state)
{
	struct sp_client_key key = client(1);
	struct sp_session session;

	(void)state;
	must(grant(1, "anna", 100));
	assert_true(is_in_map(1, &session));
	must(grant(1, "bert", 100));
	assert_int_equal(sp_session_end_one(&maps, &key, session.policy.generation,
	                                    SP_CAUSE_OPERATOR, &error),
	                 -ENOENT);
	assert_true(is_in_map(1, &session));
	must(sp_session_end_one(&maps, &key, session.policy.generation, SP_CAUSE_OPERATOR, &error));
	assert_false(is_in_map(1, &session));
}

/* A session of one second is over. */
static void wait_for_end(unsigned number)
{
	struct sp_session session;

	for (int i = 0; i < 1000; i++) {
		assert_true(is_in_map(number, &session));
		if (session.ended)
			return;
		usleep(10000);
	}
	fail_msg("the session of client %u does not end", number);
}

static void test_sweep_says_why(void **state)
{
	struct sp_limits limits = {.quota = 100};
	struct sp_client_key key = client(2);

	(void)state;
	must(grant(1, "anna", 1));
	must(sp_session_allow(&maps, &key, &limits, NULL, &error));
	use(2, 100);
	wait_for_end(1);
	assert_int_equal(sp_session_sweep(&maps, 0, &error), 2);
	assert_int_equal(last(1).reading.cause, SP_CAUSE_TIME);
	assert_in_range(last(1).reading.ended - last(1).begun, 1, 3);
	assert_int_equal(last(2).reading.cause, SP_CAUSE_QUOTA);
}

static void test_ended_session_is_not_replaced(void **state)
{
	struct sp_record ended;

	(void)state;
	must(grant(1, "anna", 1));
	ended = last(1);
	wait_for_end(1);
	must(grant(1, "anna", 100));
	must(sp_ledger_session_get(ledger(), ended.id, &ended, &error));
	assert_int_equal(ended.reading.cause, SP_CAUSE_TIME);
	assert_true(last(1).id != ended.id);
}

/* --- vouchers --- */

static void test_voucher_gives_what_is_left(void **state)
{
	struct sp_voucher voucher = add_voucher(100, 1000, 1);
	struct sp_session session;

	(void)state;
	must(redeem(1));
	assert_int_equal(last(1).who.method, SP_METHOD_VOUCHER);
	assert_int_equal(last(1).who.voucher, voucher.id);
	assert_string_equal(last(1).who.name, "1");
	assert_true(is_in_map(1, &session));
	assert_int_equal(session.policy.quota, 1000);
	assert_true(session.policy.limits & SP_LIMIT_IDLE);
	use(1, 300);
	must(redeem(1));
	assert_true(is_in_map(1, &session));
	assert_int_equal(session.policy.quota, 700);
	assert_int_equal(session.up_bytes, 0);
	assert_true(session.policy.expires_unix <= session.policy.granted_unix + 100);
	use(1, 700);
	assert_int_equal(redeem(1), -ESTALE);
	assert_int_equal(redeem(2), -EUSERS);
	assert_false(is_in_map(2, &session));
}

static void test_voucher_window_bounds_what_the_configuration_gives(void **state)
{
	struct sp_voucher voucher = {.devices = 1, .until = (uint64_t)time(NULL) + 50};
	struct sp_session session;

	(void)state;
	must(sp_ledger_voucher_add(ledger(), digest, &voucher, &error));
	must(redeem(1));
	assert_true(is_in_map(1, &session));
	assert_true(session.policy.expires_unix <= voucher.until);
}

/* The map alone says by what each of them was let in. */
static void test_census(void **state)
{
	struct sp_client_key blocked = client(4);
	struct sp_census census;
	struct sp_clock clock;

	(void)state;
	add_voucher(100, 0, 1);
	must(grant(1, "anna", 100));
	must(allow(1, 200));
	must(redeem(2));
	must(allow(3, 100));
	must(sp_session_block(&maps, &blocked, NULL, &error));
	must(grant(5, "bert", 1));
	wait_for_end(5);
	must(sp_clock_read(&clock, maps.clock, &error));
	must(sp_census_take(&census, &maps, &clock, &error));
	assert_int_equal(census.authorized[SP_METHOD_USER], 1);
	assert_int_equal(census.authorized[SP_METHOD_VOUCHER], 1);
	assert_int_equal(census.authorized[SP_METHOD_OPERATOR], 1);
	assert_int_equal(sp_census_sum(census.authorized), 3);
	assert_int_equal(census.ended[SP_METHOD_USER], 1);
	assert_int_equal(sp_census_sum(census.ended), 1);
	assert_int_equal(census.blocked, 1);
	assert_int_equal(sp_slots_used(&maps), 5);
}

static bool is_by_voucher(const struct sp_record *record, const void *context)
{
	return record->who.voucher == *(const uint64_t *)context;
}

static void test_revoking_can_end_the_sessions(void **state)
{
	struct sp_session session;
	const uint64_t voucher = 1;
	unsigned ended;

	(void)state;
	add_voucher(100, 0, 3);
	must(redeem(1));
	must(redeem(2));
	must(grant(3, "1", 100));
	must(sp_end_sessions(&instance, is_by_voucher, &voucher, &ended, &error));
	assert_int_equal(ended, 2);
	assert_false(is_in_map(1, &session));
	assert_false(is_in_map(2, &session));
	assert_true(is_in_map(3, &session));
}

/* The first byte of the pipe's end tells everybody to begin. */
static void race(unsigned number, int start)
{
	char byte;
	int code;

	sp_maps_close(&maps);
	if (sp_maps_open(&maps, &instance, &error))
		_exit(3);
	maps.remember = true;
	if (read(start, &byte, 1) != 0)
		_exit(3);
	code = redeem(number);
	_exit(code == 0 ? 0 : code == -EUSERS ? 1 : 2);
}

static void test_race_for_the_last_place(void **state)
{
	unsigned results[4] = {0}, in = 0;
	struct sp_session session;
	int start[2], status;

	(void)state;
	add_voucher(100, 0, 1);
	assert_int_equal(pipe(start), 0);
	for (unsigned i = 1; i <= 20; i++)
		if (fork() == 0) {
			close(start[1]);
			race(i, start[0]);
		}
	close(start[0]);
	close(start[1]);
	for (unsigned i = 0; i < 20; i++) {
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status));
		results[WEXITSTATUS(status)]++;
	}
	assert_int_equal(results[0], 1);
	assert_int_equal(results[1], 19);
	for (unsigned i = 1; i <= 20; i++)
		in += is_in_map(i, &session);
	assert_int_equal(in, 1);
}

/* --- what fails --- */

static void test_refused_map_leaves_the_ledger_as_it_was(void **state)
{
	struct sp_record before, after;
	struct sp_voucher voucher;

	(void)state;
	add_voucher(100, 0, 1);
	must(grant(1, "anna", 100));
	before = last(1);
	refuse_updates = true;
	assert_int_equal(grant(1, "anna", 200), -ENOMEM);
	assert_int_equal(last(1).limits.seconds, 100);
	assert_int_equal(grant(1, "bert", 200), -ENOMEM);
	assert_int_equal(redeem(1), -ENOMEM);
	assert_int_equal(redeem(2), -ENOMEM);
	refuse_updates = false;
	assert_true(is_running(1, &after));
	assert_int_equal(after.id, before.id);
	assert_int_equal(after.reading.cause, SP_CAUSE_NONE);
	assert_int_equal(running(), 1);
	must(sp_ledger_voucher_get(ledger(), 1, &voucher, &error));
	assert_int_equal(voucher.taken, 0);
	assert_int_equal(voucher.first, 0);
	must(redeem(3));
}

static void lock_ledger_out(bool out)
{
	char path[SP_INSTANCE_PATH + 16];

	snprintf(path, sizeof(path), "%s/ledger.db", instance.state);
	assert_int_equal(chmod(path, out ? 0666 : 0600), 0);
	sp_ledger_close(maps.ledger);
	maps.ledger = NULL;
}

static void test_nobody_is_let_in_who_would_not_be_remembered(void **state)
{
	struct sp_client_key key = client(1);
	struct sp_session session;

	(void)state;
	must(grant(1, "anna", 100));
	lock_ledger_out(true);
	assert_true(grant(2, "bert", 100) < 0);
	assert_non_null(strstr(error.text, "ledger.db"));
	assert_false(is_in_map(2, &session));
	assert_true(allow(1, 300) < 0);
	assert_true(is_in_map(1, &session));
	assert_true(session.policy.expires_unix <= session.policy.granted_unix + 100);
	/* Who is to be put out is put out all the same. */
	must(sp_session_remove(&maps, &key, &error));
	assert_false(is_in_map(1, &session));
	lock_ledger_out(false);
	must(sp_session_reconcile(&maps, &error));
	assert_int_equal(last(1).reading.cause, SP_CAUSE_LOST);
	assert_int_equal(running(), 0);
}

/* As many pages as the database has now are all there are. */
static void test_full_disk_lets_nobody_in(void **state)
{
	struct sp_client_key key = client(1);
	struct sp_session session;
	unsigned number = 0;
	int64_t pages;
	int code;

	(void)state;
	must(sp_db_number(ledger(), "PRAGMA max_page_count = 1", &pages, &error));
	do
		code = grant(++number, "anna", 100);
	while (!code && number < ENTRIES);
	assert_int_equal(code, -EXFULL);
	assert_non_null(strstr(error.text, "make room on that disk"));
	assert_false(is_in_map(number, &session));
	assert_int_equal(running(), number - 1);
	assert_true(is_in_map(1, &session));
	must(sp_session_remove(&maps, &key, &error));
	assert_false(is_in_map(1, &session));
}

static void test_ledger_that_is_moved_away_is_made_anew(void **state)
{
	char path[SP_INSTANCE_PATH + 16];

	(void)state;
	must(grant(1, "anna", 100));
	snprintf(path, sizeof(path), "%s/ledger.db", instance.state);
	assert_int_equal(unlink(path), 0);
	must(grant(2, "bert", 100));
	assert_int_equal(running(), 1);
	must(sp_session_reconcile(&maps, &error));
	assert_int_equal(running(), 2);
	assert_int_equal(last(1).who.method, SP_METHOD_NONE);
}

static void test_reconcile_after_a_reboot(void **state)
{
	struct sp_client_key key = client(1);
	struct sp_record record;

	(void)state;
	must(grant(1, "anna", 100));
	must(grant(2, "bert", 100));
	record = last(1);
	record.reading.written = record.begun + 30;
	must(sp_ledger_session_write(ledger(), 0, &record.reading, &error));
	must(bpf_map_delete_elem(maps.clients, &key));
	must(sp_session_reconcile(&maps, &error));
	assert_int_equal(last(1).reading.cause, SP_CAUSE_LOST);
	assert_int_equal(last(1).reading.ended, last(1).begun + 30);
	assert_true(is_running(2, &record));
	assert_string_equal(record.who.name, "bert");
}

/* Let clients in and put them out until killed. */
static void come_and_go(void)
{
	sp_maps_close(&maps);
	if (sp_maps_open(&maps, &instance, &error))
		_exit(1);
	maps.remember = true;
	for (unsigned i = 0;; i++) {
		struct sp_client_key key = client(1 + i % 7);

		if (i % 3 == 2 ? sp_session_remove(&maps, &key, &error) == -EIO
		               : grant(1 + i % 7, i % 2 ? "anna" : "bert", 100) < 0)
			_exit(1);
	}
}

static void check_agreement(void)
{
	struct sp_session session;
	struct sp_record record;

	for (unsigned i = 1; i <= 7; i++) {
		bool in = is_in_map(i, &session);

		assert_int_equal(is_running(i, &record), in);
		if (in)
			assert_int_equal(record.reading.generation, session.policy.generation);
	}
}

static void test_killed_at_any_moment(void **state)
{
	int status;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		pid_t child = fork();

		if (child == 0)
			come_and_go();
		usleep(20000 + 3000 * i);
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		must(sp_session_recount(&maps, &error) < 0);
		must(sp_session_reconcile(&maps, &error));
		check_agreement();
	}
}

/* --- the daemon's scribe --- */

static void test_scribe_writes_what_has_moved(void **state)
{
	struct sp_scribe scribe;

	(void)state;
	must(sp_scribe_init(&scribe, &maps, &error));
	must(grant(1, "anna", 100));
	must(grant(2, "bert", 1));
	use(1, 500);
	scribe.due = 0;
	sp_scribe_attend(&scribe);
	/* The other one has moved nothing. */
	assert_int_equal(scribe.count, 1);
	sp_scribe_attend(&scribe);
	assert_int_equal(last(1).reading.up_bytes, 500);
	assert_int_equal(last(1).reading.ipv4, 0x0100000a);
	wait_for_end(2);
	scribe.due = 0;
	sp_scribe_attend(&scribe);
	assert_int_equal(scribe.count, 1);
	sp_scribe_attend(&scribe);
	assert_int_equal(last(2).reading.cause, SP_CAUSE_TIME);
	assert_int_equal(last(1).reading.cause, SP_CAUSE_NONE);
	use(1, 900);
	sp_scribe_close(&scribe);
	assert_int_equal(last(1).reading.up_bytes, 900);
}

static void test_scribe_goes_on_after_a_failure(void **state)
{
	struct sp_scribe scribe;

	(void)state;
	must(sp_scribe_init(&scribe, &maps, &error));
	must(grant(1, "anna", 100));
	use(1, 500);
	lock_ledger_out(true);
	scribe.due = 0;
	sp_scribe_attend(&scribe);
	sp_scribe_attend(&scribe);
	lock_ledger_out(false);
	assert_int_equal(last(1).reading.up_bytes, 0);
	scribe.due = 0;
	sp_scribe_attend(&scribe);
	sp_scribe_attend(&scribe);
	assert_int_equal(last(1).reading.up_bytes, 500);
	sp_scribe_close(&scribe);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static int run(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_grant_is_remembered),
		TEST(test_operator_changes_a_session_without_becoming_its_user),
		TEST(test_note_stays),
		TEST(test_same_user_again_goes_on),
		TEST(test_other_user_begins_anew),
		TEST(test_end_has_its_cause),
		TEST(test_only_the_session_that_is_meant_ends),
		TEST(test_sweep_says_why),
		TEST(test_ended_session_is_not_replaced),
		TEST(test_voucher_gives_what_is_left),
		TEST(test_voucher_window_bounds_what_the_configuration_gives),
		TEST(test_census),
		TEST(test_revoking_can_end_the_sessions),
		TEST(test_race_for_the_last_place),
		TEST(test_refused_map_leaves_the_ledger_as_it_was),
		TEST(test_nobody_is_let_in_who_would_not_be_remembered),
		TEST(test_full_disk_lets_nobody_in),
		TEST(test_ledger_that_is_moved_away_is_made_anew),
		TEST(test_reconcile_after_a_reboot),
		TEST(test_killed_at_any_moment),
		TEST(test_scribe_writes_what_has_moved),
		TEST(test_scribe_goes_on_after_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return sp_test_run_apart(&instance, run);
}
