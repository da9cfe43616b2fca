/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many clients at once: all or none, in map and ledger alike, and what is left of both after very
 * many changes. Real maps of a real kernel; the test plays the datapath where it writes `usage`.
 * Needs root and bpffs.
 */
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "instance.h"
#include "lib/ledger.h"
#include "lib/ledger_bulk.h"
#include "lib/ledger_db.h"
#include "lib/session.h"
#include "lib/session_bulk.h"
#include "lib/session_memory.h"
#include "run.h"

#define ENTRIES 300u

static struct sp_instance instance;
static struct sp_maps maps;
static struct sp_error error;
static int refuse_after; /* the kernel refuses a batch behind this many clients; -1: it does not */
static bool forget_one;  /* the kernel says that it wrote the last one, and did not */

int bpf_map_update_batch(int fd, const void *keys, const void *values, __u32 *count,
                         const struct bpf_map_batch_opts *opts)
{
	static int (*real)(int, const void *, const void *, __u32 *,
	                   const struct bpf_map_batch_opts *);
	__u32 wanted = *count;
	int code;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "bpf_map_update_batch");
	if (refuse_after >= 0 && wanted > (__u32)refuse_after)
		*count = (__u32)refuse_after;
	else if (forget_one)
		*count = wanted - 1;
	code = *count ? real(fd, keys, values, count, opts) : 0;
	if (forget_one)
		*count = wanted;
	return code || refuse_after < 0 ? code : -ENOMEM;
}

/* --- the instance; fsync costs nothing where there is no disk --- */

static int setup(void **state)
{
	(void)state;
	refuse_after = -1;
	forget_one = false;
	return sp_test_remember(&instance, &maps, "/run", ENTRIES);
}

static int teardown(void **state)
{
	(void)state;
	return sp_test_forget(&instance, &maps);
}

/* --- helpers --- */

static void must(int code)
{
	if (code)
		fail_msg("%d: %s", code, error.text);
}

static struct sp_client_key key_of(unsigned number)
{
	return (struct sp_client_key){.mac = {2, 0, 0, 0, (uint8_t)(number >> 8), (uint8_t)number}};
}

static int64_t number(const char *sql)
{
	struct sp_ledger *ledger = sp_session_ledger(&maps, &error);
	int64_t result = -1;

	assert_non_null(ledger);
	must(sp_db_number(ledger, sql, &result, &error));
	return result;
}

static struct sp_bulk_client client(unsigned which, uint64_t seconds)
{
	return (struct sp_bulk_client){
		.key = key_of(which),
		.state = SP_CLIENT_AUTHORIZED,
		.method = SP_METHOD_USER,
		.limits = {.seconds = seconds, .quota = 1000, .rate_up = 1000000, .bind = true},
		.name = "anna",
		.note = "a note",
	};
}

static int import(struct sp_bulk_client *clients, uint32_t count, bool replace,
                  struct sp_bulk *result)
{
	struct sp_bulk bulk = {.clients = clients, .count = count, .replace = replace};
	int code;

	sp_bulk_sort(&bulk);
	code = sp_session_import(&maps, &bulk, &error);
	if (result)
		*result = bulk;
	return code;
}

static bool get(unsigned which, struct sp_session *session)
{
	struct sp_client_key key = key_of(which);
	struct sp_clock clock;
	int code;

	must(sp_clock_read(&clock, maps.clock, &error));
	code = sp_session_get(&maps, &clock, &key, session, &error);
	if (code != -ENOENT)
		must(code);
	return !code;
}

static void allow(unsigned which, uint64_t seconds)
{
	const struct sp_limits limits = {.seconds = seconds};
	struct sp_client_key key = key_of(which);

	must(sp_session_allow(&maps, &key, &limits, NULL, &error));
}

static void block(unsigned which)
{
	struct sp_client_key key = key_of(which);

	must(sp_session_block(&maps, &key, "bad", &error));
}

static int count_one(const struct sp_session *session, void *context)
{
	unsigned *count = context;

	count[session->policy.state]++;
	return 0;
}

/* Map, slots and ledger say the same. */
static void check_books(void)
{
	unsigned count[3] = {0}, used = 0;
	struct sp_clock clock;

	must(sp_clock_read(&clock, maps.clock, &error));
	must(sp_session_each(&maps, &clock, count_one, count, &error));
	for (uint32_t i = 0; i < SP_SLOT_WORDS(ENTRIES); i++)
		used += (unsigned)__builtin_popcountll(maps.slot_words[i]);
	assert_int_equal(used, count[SP_CLIENT_AUTHORIZED] + count[SP_CLIENT_BLOCKED]);
	assert_int_equal(sp_session_recount(&maps, &error), 0);
	if (!maps.remember)
		return;
	assert_int_equal(number("SELECT count(*) FROM session WHERE ended = 0"),
	                 count[SP_CLIENT_AUTHORIZED]);
	assert_int_equal(number("SELECT count(*) FROM block"), count[SP_CLIENT_BLOCKED]);
}

/* --- tests --- */

static void test_import(void **state)
{
	struct sp_bulk_client clients[] = {client(3, 60), client(1, 60), client(2, 60)};
	struct sp_session session;
	struct sp_bulk result;
	char note[SP_NOTE_SIZE];

	(void)state;
	clients[0].state = SP_CLIENT_BLOCKED;
	must(import(clients, 3, false, &result));
	assert_int_equal(result.added, 3);
	assert_int_equal(result.kept + result.replaced, 0);
	assert_true(get(1, &session));
	assert_int_equal(session.effective, SP_CLIENT_AUTHORIZED);
	assert_int_equal(session.policy.method, SP_METHOD_USER);
	assert_int_equal(session.policy.quota, 1000);
	assert_int_equal(session.policy.limits,
	                 SP_LIMIT_EXPIRES | SP_LIMIT_QUOTA | SP_LIMIT_RATE_UP | SP_LIMIT_BINDING);
	sp_memory_note(&maps, &session, note);
	assert_string_equal(note, "a note");
	assert_true(get(3, &session));
	assert_int_equal(session.effective, SP_CLIENT_BLOCKED);
	check_books();
}

/* The same row, and the same line of the log, as if each had been let in alone. */
static void test_ledger_is_as_with_one(void **state)
{
	const struct sp_bulk_client one = client(1, 60);
	struct sp_who who = {.method = SP_METHOD_USER, .name = "anna"};
	struct sp_bulk_client clients[] = {client(2, 60)};

	(void)state;
	must(sp_session_grant(&maps, &one.key, &one.limits, &who, one.note, &error));
	must(import(clients, 1, false, NULL));
	assert_int_equal(number("SELECT count(*) FROM session"), 2);
	assert_int_equal(
		number("SELECT count(*) FROM (SELECT DISTINCT vlan, method, name, voucher, class, "
	               "interim, seconds, idle, quota, quota_up, quota_down, rate_up, rate_down, "
	               "burst_up, burst_down, binding, ended, cause, ipv4, ipv6, accounted, zone, "
	               "note, until - begun, granted - begun, written - begun FROM session)"),
		1);
	assert_int_equal(number("SELECT count(*) FROM log"), 2);
	assert_int_equal(number("SELECT count(*) FROM (SELECT DISTINCT event, vlan, zone, method, "
	                        "name, ipv4, "
	                        "ipv6, cause, up_bytes, seconds, idle, quota, quota_up, "
	                        "quota_down, rate_up, "
	                        "rate_down, burst_up, burst_down, binding, note FROM log)"),
	                 1);
	assert_int_equal(number("SELECT count(*) FROM log JOIN session ON session.id = log.session "
	                        "AND session.mac = log.mac AND session.begun = log.time"),
	                 2);
}

/* What a large import leaves for later, in pieces. */
static void test_the_log_is_told_later(void **state)
{
	struct sp_bulk_client clients[] = {client(1, 60), client(2, 60), client(3, 60)};
	bool more = true;

	(void)state;
	must(import(clients, 3, false, NULL));
	must(sp_ledger_log_settle(sp_session_ledger(&maps, &error), 2, &more, &error));
	assert_false(more);
	assert_int_equal(number("SELECT count(*) FROM log"), 3);
	must(sp_db_exec(maps.ledger, "INSERT INTO begun (first, last) VALUES (1, 3)", &error));
	must(sp_ledger_log_settle(maps.ledger, 2, &more, &error));
	assert_true(more);
	assert_int_equal(number("SELECT count(*) FROM log"), 5);
	must(sp_ledger_log_settle(maps.ledger, 2, &more, &error));
	assert_false(more);
	assert_int_equal(number("SELECT count(*) FROM (SELECT session FROM log WHERE event = 1 "
	                        "GROUP BY session HAVING count(*) = 2)"),
	                 3);
}

static void test_existing_ones_keep_what_they_have(void **state)
{
	struct sp_bulk_client clients[] = {client(1, 60), client(2, 60), client(3, 60)};
	struct sp_session session;
	struct sp_bulk result;

	(void)state;
	allow(1, 1000);
	block(2);
	must(import(clients, 3, false, &result));
	assert_int_equal(result.added, 1);
	assert_int_equal(result.kept, 2);
	assert_true(get(1, &session) && session.policy.method == SP_METHOD_OPERATOR);
	assert_true(get(2, &session) && session.effective == SP_CLIENT_BLOCKED);
	check_books();
}

static void test_replace(void **state)
{
	struct sp_bulk_client clients[] = {client(1, 60), client(2, 60), client(3, 60)};
	struct sp_session session;
	struct sp_bulk result;

	(void)state;
	clients[2].state = SP_CLIENT_BLOCKED;
	allow(1, 1000);
	block(2);
	allow(3, 1000);
	must(import(clients, 3, true, &result));
	assert_int_equal(result.replaced, 3);
	assert_true(get(1, &session) && session.policy.method == SP_METHOD_USER);
	assert_true(get(2, &session) && session.effective == SP_CLIENT_AUTHORIZED);
	assert_true(get(3, &session) && session.effective == SP_CLIENT_BLOCKED);
	assert_int_equal(number("SELECT count(*) FROM session WHERE cause = 6"), 2);
	check_books();
}

static void test_dry_run_changes_nothing(void **state)
{
	struct sp_bulk_client clients[] = {client(1, 60), client(2, 60)};
	struct sp_bulk bulk = {.clients = clients, .count = 2, .dry_run = true};
	struct sp_session session;

	(void)state;
	allow(1, 1000);
	must(sp_session_import(&maps, &bulk, &error));
	assert_int_equal(bulk.added, 1);
	assert_int_equal(bulk.kept, 1);
	assert_false(get(2, &session));
	check_books();
}

static void test_order_and_form_are_checked(void **state)
{
	struct sp_bulk_client clients[] = {client(2, 60), client(1, 60)};
	struct sp_bulk bulk = {.clients = clients, .count = 2};

	(void)state;
	assert_int_equal(sp_session_import(&maps, &bulk, &error), -EINVAL);
	clients[1] = clients[0];
	assert_int_equal(sp_session_import(&maps, &bulk, &error), -EINVAL);
	bulk.count = 1;
	clients[0].key.mac[0] = 1;
	assert_int_equal(sp_session_import(&maps, &bulk, &error), -EINVAL);
	clients[0] = client(1, 60);
	clients[0].note = "\n";
	assert_int_equal(sp_session_import(&maps, &bulk, &error), -EINVAL);
	check_books();
}

static void fill(struct sp_bulk_client *clients, uint32_t count, unsigned first)
{
	for (uint32_t i = 0; i < count; i++)
		clients[i] = client(first + i, 60);
}

static void test_no_room(void **state)
{
	static struct sp_bulk_client clients[ENTRIES];
	struct sp_session session;

	(void)state;
	allow(1000, 60);
	fill(clients, ENTRIES, 1);
	assert_int_equal(import(clients, ENTRIES, false, NULL), -ENOSPC);
	assert_non_null(strstr(error.text, "300 more clients: 299 of 300"));
	assert_false(get(1, &session));
	check_books();
	must(import(clients, ENTRIES - 1, false, NULL));
	check_books();
}

/* Sessions that have ended make room. */
static void test_room_of_what_has_ended(void **state)
{
	static struct sp_bulk_client clients[ENTRIES];

	(void)state;
	allow(1000, 1);
	sleep(2);
	fill(clients, ENTRIES, 1);
	must(import(clients, ENTRIES, false, NULL));
	check_books();
}

/* As before, also what was to be replaced. */
static void check_undone(const struct sp_session *before)
{
	struct sp_session session;

	assert_true(get(1, &session));
	assert_memory_equal(&session.policy, &before->policy, sizeof(session.policy));
	assert_true(get(2, &session) && session.effective == SP_CLIENT_BLOCKED);
	assert_true(get(3, &session) && session.effective == SP_CLIENT_AUTHORIZED);
	for (unsigned i = 4; i < 100; i++)
		assert_false(get(i, &session));
	assert_int_equal(number("SELECT count(*) FROM session WHERE ended = 0 AND method = 6"), 2);
	check_books();
}

static void test_kernel_refuses(void **state)
{
	static struct sp_bulk_client clients[99];
	struct sp_session before;

	(void)state;
	allow(1, 1000);
	block(2);
	allow(3, 1000);
	assert_true(get(1, &before));
	fill(clients, 99, 1);
	clients[2].state = SP_CLIENT_BLOCKED;
	for (refuse_after = 0; refuse_after < 99; refuse_after += 7) {
		assert_int_equal(import(clients, 99, true, NULL), -ENOMEM);
		assert_non_null(strstr(error.text, "nothing was changed"));
		check_undone(&before);
	}
	refuse_after = -1;
	forget_one = true;
	assert_int_equal(import(clients, 99, true, NULL), -EIO);
	check_undone(&before);
	forget_one = false;
	must(import(clients, 99, true, NULL));
	check_books();
}

static void test_what_only_the_ledger_knows_ends(void **state)
{
	struct sp_bulk_client clients[] = {client(1, 60), client(2, 60)};
	struct sp_client_key key = key_of(1);
	struct sp_session session;

	(void)state;
	allow(1, 1000);
	assert_true(get(1, &session));
	assert_int_equal(bpf_map_delete_elem(maps.clients, &key), 0);
	maps.slot_words[session.policy.slot / 64] &= ~(UINT64_C(1) << session.policy.slot % 64);
	must(import(clients, 2, false, NULL));
	assert_int_equal(number("SELECT count(*) FROM session WHERE cause = 7"), 1);
	assert_int_equal(number("SELECT count(*) FROM log WHERE event = 1"), 3);
	check_books();
}

static void test_ledger_refuses(void **state)
{
	struct sp_bulk_client clients[] = {client(1, 60), client(2, 60)};
	struct sp_session session;

	(void)state;
	must(sp_db_exec(sp_session_ledger(&maps, &error),
	                "CREATE TRIGGER full AFTER INSERT ON "
	                "block BEGIN SELECT RAISE(ABORT, 'no'); END",
	                &error));
	clients[0].state = SP_CLIENT_BLOCKED;
	assert_true(import(clients, 2, false, NULL) < 0);
	assert_false(get(1, &session));
	assert_false(get(2, &session));
	check_books();
}

/* --- very many changes --- */

#define PEOPLE 100u

/* What the test knows of a client. */
struct truth {
	enum sp_client_state state;
	uint64_t bytes; /* of its session */
};

static unsigned draw(unsigned below)
{
	static uint64_t seed = 88172645463325252u;

	/* xorshift64 (Marsaglia 2003) */
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 16) % below;
}

/* In the place of the datapath: a packet of @bytes up. */
static void move(unsigned which, struct truth *truth)
{
	struct sp_session session;
	struct sp_usage cell;
	uint32_t bytes = 60 + draw(1400), slot;

	if (truth->state != SP_CLIENT_AUTHORIZED)
		return;
	assert_true(get(which, &session));
	slot = session.policy.slot;
	assert_true(sp_maps_usage(&maps, slot, &cell));
	if (cell.up_generation != session.policy.generation)
		cell = (struct sp_usage){.up_generation = session.policy.generation};
	cell.up_packets++;
	cell.up_bytes += bytes;
	assert_int_equal(bpf_map_update_elem(maps.usage, &slot, &cell, BPF_ANY), 0);
	truth->bytes += bytes;
}

static void change(unsigned which, struct truth *truth)
{
	struct sp_client_key key = key_of(which);
	struct sp_bulk_client clients[] = {client(which, 600)};

	switch (draw(5)) {
	case 0:
		block(which);
		*truth = (struct truth){.state = SP_CLIENT_BLOCKED};
		break;
	case 1:
		if (truth->state != SP_CLIENT_CAPTIVE)
			must(sp_session_remove(&maps, &key, &error));
		*truth = (struct truth){.state = SP_CLIENT_CAPTIVE};
		break;
	case 2:
		clients[0].limits.quota = 0;
		must(import(clients, 1, true, NULL));
		*truth = (struct truth){.state = SP_CLIENT_AUTHORIZED};
		break;
	default:
		/* A session that goes on keeps its counters. */
		allow(which, 600);
		if (truth->state != SP_CLIENT_AUTHORIZED)
			*truth = (struct truth){.state = SP_CLIENT_AUTHORIZED};
	}
}

static void check_truth(const struct truth *truths)
{
	struct sp_session session;

	for (unsigned i = 0; i < PEOPLE; i++) {
		bool known = get(i + 1, &session);

		assert_int_equal(known, truths[i].state != SP_CLIENT_CAPTIVE);
		if (!known)
			continue;
		assert_int_equal(session.policy.state, truths[i].state);
		if (truths[i].state == SP_CLIENT_AUTHORIZED)
			assert_int_equal(session.up_bytes, truths[i].bytes);
	}
	check_books();
}

static void churn(unsigned changes)
{
	struct truth truths[PEOPLE] = {0};

	for (unsigned i = 0; i < changes; i++) {
		unsigned which = draw(PEOPLE);

		change(which + 1, &truths[which]);
		which = draw(PEOPLE);
		move(which + 1, &truths[which]);
		if (i % 1000 == 999 || i + 1 == changes)
			check_truth(truths);
	}
}

static void test_churn(void **state)
{
	(void)state;
	maps.remember = false;
	churn(getenv("SALLYPORT_SOAK") ? 10000000u : sp_test_times(20000));
}

static void test_churn_with_the_ledger(void **state)
{
	(void)state;
	churn(getenv("SALLYPORT_SOAK") ? 500000u : sp_test_times(2000));
}

static int run(void)
{
#define with_instance(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		with_instance(test_import),
		with_instance(test_ledger_is_as_with_one),
		with_instance(test_the_log_is_told_later),
		with_instance(test_existing_ones_keep_what_they_have),
		with_instance(test_replace),
		with_instance(test_dry_run_changes_nothing),
		with_instance(test_order_and_form_are_checked),
		with_instance(test_no_room),
		with_instance(test_room_of_what_has_ended),
		with_instance(test_kernel_refuses),
		with_instance(test_what_only_the_ledger_knows_ends),
		with_instance(test_ledger_refuses),
		with_instance(test_churn),
		with_instance(test_churn_with_the_ledger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return sp_test_run_apart(&instance, run);
}
