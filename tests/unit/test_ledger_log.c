/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the ledger tells of the past: its log, addresses, the wall clock, blocks; and old tables. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "ledger_fixture.h"
#include "ledger_version1.h"
#include "lib/ledger.h"
#include "lib/ledger_bulk.h"
#include "lib/ledger_log.h"
#include "lib/ledger_schema.h"
#include "lib/session_restore.h"

#define NOW UINT64_C(1700000000)

static struct sp_client_key client(unsigned number)
{
	return (struct sp_client_key){.mac = {2, 0, 0, 0, 0, (uint8_t)number}};
}

static uint32_t ipv4(const char *text)
{
	uint32_t address;

	assert_int_equal(inet_pton(AF_INET, text, &address), 1);
	return address;
}

static struct sp_record begin(unsigned number, const char *name, uint64_t at)
{
	struct sp_record record = {
		.reading = {.client = client(number), .generation = number},
		.who = {.method = SP_METHOD_USER, .zone = "lobby"},
		.limits = {.seconds = 3600, .quota = 1000},
		.begun = at,
		.granted = at,
		.until = at + 3600,
	};

	snprintf(record.who.name, sizeof(record.who.name), "%s", name);
	sp_ok(sp_ledger_session_add(sp_fixture.ledger, &record, &sp_fixture.err));
	return record;
}

/* The session is seen at @at with this address, having moved so much. */
static void see(struct sp_record *record, uint64_t at, const char *address, uint64_t bytes)
{
	struct sp_reading *reading = &record->reading;

	reading->written = reading->seen = at;
	reading->up_bytes = bytes;
	if (strchr(address, ':'))
		assert_int_equal(inet_pton(AF_INET6, address, reading->ipv6), 1);
	else
		reading->ipv4 = ipv4(address);
	sp_ok(sp_ledger_session_write(sp_fixture.ledger, record->id, reading, &sp_fixture.err));
}

static void end(const struct sp_record *record, uint64_t at, enum sp_cause cause)
{
	sp_ok(sp_ledger_session_end(sp_fixture.ledger, record->id, cause, at, &sp_fixture.err));
}

/* Lines and uses as words, one after the other. */
static char text[4096];

static int put_line(const struct sp_history_line *line, void *context)
{
	size_t length = strlen(text);
	char address[INET6_ADDRSTRLEN] = "";
	static const uint8_t none[16];

	(void)context;
	if (memcmp(line->ipv6, none, 16) != 0)
		inet_ntop(AF_INET6, line->ipv6, address, sizeof(address));
	else if (line->ipv4)
		inet_ntop(AF_INET, &line->ipv4, address, sizeof(address));
	snprintf(text + length, sizeof(text) - length, "%llu %s %u %s;",
	         (unsigned long long)(line->time - NOW), sp_history_event_word(line->event),
	         line->client.mac[5], address[0] ? address : line->note);
	return 0;
}

static const char *lines(const struct sp_history_filter *filter)
{
	text[0] = '\0';
	sp_ok(sp_ledger_log_each(sp_fixture.ledger, filter, put_line, NULL, &sp_fixture.err));
	return text;
}

static int put_use(const struct sp_history_use *use, void *context)
{
	size_t length = strlen(text);

	(void)context;
	snprintf(text + length, sizeof(text) - length, "%s %s %lld-%lld;", use->who.name,
	         use->address, (long long)(use->from - NOW),
	         use->until ? (long long)(use->until - NOW) : -1LL);
	return 0;
}

static const char *uses(const struct sp_history_filter *filter, uint64_t at)
{
	text[0] = '\0';
	sp_ok(sp_ledger_log_at(sp_fixture.ledger, filter, at, put_use, NULL, &sp_fixture.err));
	return text;
}

static int64_t number(const char *sql)
{
	int64_t value = -1;

	sp_ok(sp_db_number(sp_fixture.ledger, sql, &value, &sp_fixture.err));
	return value;
}

/* --- the log --- */

static void test_life_of_a_session(void **state)
{
	struct sp_record record = begin(1, "anna", NOW);

	(void)state;
	see(&record, NOW + 10, "10.0.0.7", 100);
	see(&record, NOW + 20, "10.0.0.7", 200);
	see(&record, NOW + 30, "fd00::7", 300);
	record.limits.seconds = 7200;
	record.granted = NOW + 40;
	sp_ok(sp_ledger_session_limit(sp_fixture.ledger, &record, &sp_fixture.err));
	end(&record, NOW + 50, SP_CAUSE_CLIENT);
	assert_string_equal(lines(&(struct sp_history_filter){.limit = 0}),
	                    "0 begin 1 ;0 address 1 10.0.0.7;20 address 1 fd00::7;"
	                    "40 limits 1 ;50 end 1 fd00::7;");
}

/* More than for which indexes are kept. */
#define CROWD 10010u

static void crowd_row(uint32_t index, struct sp_ledger_row *row, void *context)
{
	static const struct sp_limits limits = {.seconds = 0};

	(void)context;
	*row = (struct sp_ledger_row){
		.client = {.mac = {4, 0, 0, 0, (uint8_t)(index >> 8), (uint8_t)index}},
		.generation = index + 1,
		.method = SP_METHOD_OPERATOR,
		.name = "",
		.note = "",
		.limits = &limits,
	};
}

/* Indexes and triggers. */
#define SCHEMA                                                                             \
	"SELECT count(*) * 1000000 + total(length(sql)) FROM sqlite_schema WHERE type IN " \
	"('index', 'trigger')"

static void check_end_of_all(const struct sp_record *anna)
{
	struct sp_record record;

	sp_ok(sp_ledger_session_end_all(sp_fixture.ledger, NOW + 60, &sp_fixture.err));
	assert_int_equal(number("SELECT count(*) FROM session WHERE ended = 0"), 0);
	sp_ok(sp_ledger_session_get(sp_fixture.ledger, anna->id, &record, &sp_fixture.err));
	assert_int_equal(record.reading.ended, NOW + 60);
	assert_int_equal(record.reading.cause, SP_CAUSE_LOST);
	assert_string_equal(lines(&(struct sp_history_filter){.name = "anna"}),
	                    "0 begin 1 ;0 address 1 10.0.0.7;60 end 1 10.0.0.7;");
	/* One of each session, but those that had ended. */
	assert_int_equal(number("SELECT count(*) FROM log WHERE event = 4 AND cause = 7"),
	                 number("SELECT count(*) FROM session WHERE cause = 7"));
	/* Who is let in and put out now is logged again. */
	begin(3, "carl", NOW + 70);
	end(&(struct sp_record){.id = (uint64_t)number("SELECT max(id) FROM session")}, NOW + 71,
	    SP_CAUSE_CLIENT);
	assert_string_equal(lines(&(struct sp_history_filter){.name = "carl"}),
	                    "70 begin 3 ;71 end 3 ;");
}

static void test_all_end(void **state)
{
	struct sp_record anna = begin(1, "anna", NOW), bert = begin(2, "bert", NOW);

	(void)state;
	see(&anna, NOW + 10, "10.0.0.7", 1000);
	end(&bert, NOW + 20, SP_CAUSE_CLIENT);
	check_end_of_all(&anna);
	assert_string_equal(lines(&(struct sp_history_filter){.name = "bert"}),
	                    "0 begin 2 ;20 end 2 ;");
}

static void test_a_crowd_ends(void **state)
{
	struct sp_record anna = begin(1, "anna", NOW);
	int64_t schema = number(SCHEMA);
	uint64_t first;

	(void)state;
	see(&anna, NOW + 10, "10.0.0.7", 1000);
	sp_ok(sp_ledger_begin(sp_fixture.ledger, &sp_fixture.err));
	sp_ok(sp_ledger_session_add_many(sp_fixture.ledger, CROWD, crowd_row, NULL, NOW, &first,
	                                 &sp_fixture.err));
	sp_ok(sp_ledger_commit(sp_fixture.ledger, &sp_fixture.err));
	check_end_of_all(&anna);
	assert_int_equal(number("SELECT count(*) FROM log WHERE event = 4"), CROWD + 2);
	assert_int_equal(number(SCHEMA), schema);
	assert_int_equal(number("SELECT count(*) FROM pragma_integrity_check WHERE "
	                        "integrity_check <> 'ok'"),
	                 0);
}

static int look_closely(const struct sp_history_line *line, void *context)
{
	unsigned *seen = context;

	assert_string_equal(line->who.name, "anna");
	assert_string_equal(line->who.zone, "lobby");
	assert_int_equal(line->who.method, SP_METHOD_USER);
	assert_int_equal(line->session, 1);
	if (line->event == SP_HISTORY_BEGIN) {
		assert_int_equal(line->limits.seconds, 3600);
		assert_int_equal(line->limits.quota, 1000);
	} else if (line->event == SP_HISTORY_END) {
		assert_int_equal(line->cause, SP_CAUSE_QUOTA);
		assert_int_equal(line->up_bytes, 1000);
		assert_int_equal(line->ipv4, ipv4("10.0.0.7"));
	}
	++*seen;
	return *seen == 3 ? 7 : 0;
}

static void test_lines_say_all_of_it(void **state)
{
	struct sp_record record = begin(1, "anna", NOW);
	unsigned seen = 0;

	(void)state;
	see(&record, NOW + 10, "10.0.0.7", 1000);
	end(&record, NOW + 20, SP_CAUSE_QUOTA);
	assert_int_equal(sp_ledger_log_each(sp_fixture.ledger,
	                                    &(struct sp_history_filter){.limit = 0}, look_closely,
	                                    &seen, &sp_fixture.err),
	                 7);
	assert_int_equal(seen, 3);
}

static void test_filters(void **state)
{
	struct sp_record anna = begin(1, "anna", NOW), bert;
	const struct sp_client_key one = client(1);
	const uint16_t other_vlan = 7;
	uint64_t newest;

	(void)state;
	see(&anna, NOW + 1, "10.0.0.7", 1);
	bert = begin(2, "bert", NOW + 100);
	see(&bert, NOW + 101, "fd00::8", 1);
	assert_string_equal(lines(&(struct sp_history_filter){.mac = one.mac}),
	                    "0 begin 1 ;0 address 1 10.0.0.7;");
	assert_string_equal(lines(&(struct sp_history_filter){.mac = one.mac, .vlan = &other_vlan}),
	                    "");
	assert_string_equal(lines(&(struct sp_history_filter){.name = "bert", .limit = 1}),
	                    "100 address 2 fd00::8;");
	assert_string_equal(lines(&(struct sp_history_filter){.address = "10.0.0.7"}),
	                    "0 address 1 10.0.0.7;");
	assert_string_equal(lines(&(struct sp_history_filter){.address = "fd00::8"}),
	                    "100 address 2 fd00::8;");
	assert_string_equal(
		lines(&(struct sp_history_filter){.since = NOW + 1, .until = NOW + 101}),
		"100 begin 2 ;100 address 2 fd00::8;");
	assert_string_equal(
		lines(&(struct sp_history_filter){.since = NOW + 1, .until = NOW + 100}), "");
	sp_ok(sp_ledger_log_newest(sp_fixture.ledger, &newest, &sp_fixture.err));
	end(&anna, NOW + 200, SP_CAUSE_IDLE);
	assert_string_equal(lines(&(struct sp_history_filter){.after = newest}),
	                    "200 end 1 10.0.0.7;");
}

/* A filter must not mean a walk through all that was ever logged. */
static void test_filters_use_an_index(void **state)
{
	static const char *const conditions[] = {
		"mac = ? AND time >= ?",   "name = ? AND name <> ''", "ipv4 = ? AND ipv4 <> ''",
		"ipv6 = ? AND ipv6 <> ''", "time >= ? AND time < ?",
	};
	char sql[256];

	(void)state;
	for (unsigned i = 0; i < sizeof(conditions) / sizeof(*conditions); i++) {
		sqlite3_stmt *plan;
		const char *detail;

		snprintf(sql, sizeof(sql),
		         "EXPLAIN QUERY PLAN SELECT * FROM log WHERE %s ORDER BY time, id",
		         conditions[i]);
		assert_int_equal(sqlite3_prepare_v2(sp_fixture.ledger->db, sql, -1, &plan, NULL),
		                 0);
		assert_int_equal(sqlite3_step(plan), SQLITE_ROW);
		detail = (const char *)sqlite3_column_text(plan, 3);
		if (!strstr(detail, "USING INDEX log_"))
			fail_msg("%s: %s", conditions[i], detail);
		/* Nor a sort, which needs memory. */
		assert_int_equal(sqlite3_step(plan), SQLITE_DONE);
		sqlite3_finalize(plan);
	}
}

static void test_undone_and_resumed(void **state)
{
	struct sp_record before = begin(1, "anna", NOW), record;

	(void)state;
	end(&before, NOW + 5, SP_CAUSE_REPLACED);
	record = begin(1, "bert", NOW + 5);
	sp_ok(sp_ledger_session_forget(sp_fixture.ledger, &record, before.id, &sp_fixture.err));
	assert_string_equal(lines(&(struct sp_history_filter){.limit = 0}),
	                    "0 begin 1 ;5 end 1 ;5 begin 1 ;5 undone 1 ;5 resumed 1 ;");
}

static void test_refused_login(void **state)
{
	const struct sp_client_key who = client(3);

	(void)state;
	sp_ok(sp_ledger_log_refused(sp_fixture.ledger, &who,
	                            &(struct sp_who){.method = SP_METHOD_USER, .name = "eve"},
	                            "wrong", NOW, &sp_fixture.err));
	assert_string_equal(lines(&(struct sp_history_filter){.name = "eve"}),
	                    "0 refused 3 wrong;");
}

static void test_log_is_only_written(void **state)
{
	struct sp_record record = begin(1, "anna", NOW);

	(void)state;
	end(&record, NOW + 1, SP_CAUSE_CLIENT);
	assert_int_equal(
		sp_db_exec(sp_fixture.ledger, "UPDATE log SET name = 'x'", &sp_fixture.err),
		-EINVAL);
	assert_int_equal(sp_db_exec(sp_fixture.ledger, "DELETE FROM log", &sp_fixture.err),
	                 -EINVAL);
	assert_non_null(strstr(sp_fixture.err.text, "retention"));
	assert_int_equal(number("SELECT count(*) FROM log"), 2);
}

/* --- addresses --- */

static void test_who_had_an_address(void **state)
{
	const struct sp_history_filter filter = {.address = "10.0.0.7"};
	struct sp_record anna = begin(1, "anna", NOW), bert;

	(void)state;
	see(&anna, NOW + 10, "10.0.0.7", 100);
	see(&anna, NOW + 100, "10.0.0.7", 200);
	/* She is silent from then on, but not gone, and he is given her address. */
	bert = begin(2, "bert", NOW + 300);
	see(&bert, NOW + 310, "10.0.0.7", 1);
	assert_string_equal(uses(&filter, NOW + 50), "anna 10.0.0.7 0-100;");
	assert_string_equal(uses(&filter, NOW + 109), "anna 10.0.0.7 0-100;");
	assert_string_equal(uses(&filter, NOW + 200), "");
	assert_string_equal(uses(&filter, NOW + 305), "bert 10.0.0.7 300-310;");
	end(&anna, NOW + 400, SP_CAUSE_IDLE);
	assert_string_equal(uses(&filter, NOW + 305), "bert 10.0.0.7 300-310;");
	assert_string_equal(uses(&filter, NOW - 1), "");
}

static void test_every_address_of_a_session(void **state)
{
	const struct sp_history_filter filter = {.name = "anna"};
	struct sp_record anna = begin(1, "anna", NOW);

	(void)state;
	assert_string_equal(uses(&filter, NOW), "anna  0--1;");
	see(&anna, NOW + 10, "10.0.0.7", 1);
	see(&anna, NOW + 500, "10.0.0.8", 2);
	see(&anna, NOW + 600, "10.0.0.7", 3);
	see(&anna, NOW + 610, "fd00::7", 4);
	assert_string_equal(uses(&filter, NOW + 5), "anna 10.0.0.7 0-610;");
	assert_string_equal(uses(&filter, NOW + 495), "anna 10.0.0.7 0-610;anna 10.0.0.8 490-500;");
	assert_string_equal(uses(&filter, NOW + 605), "anna 10.0.0.7 0-610;anna fd00::7 600-610;");
	assert_int_equal(number("SELECT count(*) FROM log WHERE event = 2"), 3);
	end(&anna, NOW + 700, SP_CAUSE_CLIENT);
	assert_string_equal(uses(&filter, NOW + 700), "anna  0-700;");
	assert_string_equal(uses(&filter, NOW + 701), "");
}

/* --- time --- */

static uint64_t until_of(unsigned number_of)
{
	struct sp_client_key key = client(number_of);
	struct sp_record record;

	sp_ok(sp_ledger_session_last(sp_fixture.ledger, &key, &record, &sp_fixture.err));
	return record.until;
}

static void test_clock_that_is_set(void **state)
{
	struct sp_record record = begin(1, "anna", NOW), endless = begin(2, "bert", NOW);
	uint64_t seen;

	(void)state;
	endless.until = 0;
	sp_ok(sp_ledger_session_limit(sp_fixture.ledger, &endless, &sp_fixture.err));
	sp_ok(sp_ledger_seen(sp_fixture.ledger, &seen, &sp_fixture.err));
	assert_int_equal(seen, NOW);
	sp_ok(sp_ledger_clock(sp_fixture.ledger, NOW + 10, 0, &sp_fixture.err));
	assert_int_equal(until_of(1), record.until);
	sp_ok(sp_ledger_clock(sp_fixture.ledger, NOW + 5010, 5000, &sp_fixture.err));
	assert_int_equal(until_of(1), record.until + 5000);
	sp_ok(sp_ledger_clock(sp_fixture.ledger, NOW - 10000, -15000, &sp_fixture.err));
	assert_int_equal(until_of(1), record.until - 10000);
	assert_int_equal(until_of(2), 0);
	sp_ok(sp_ledger_seen(sp_fixture.ledger, &seen, &sp_fixture.err));
	assert_int_equal(seen, NOW - 10000);
}

static void test_what_is_left(void **state)
{
	struct sp_record record = {
		.limits = {.seconds = 3600,
	                   .idle = 60,
	                   .quota = 1000,
	                   .quota_down = 600,
	                   .bind = true},
		.until = NOW + 100,
		.reading = {.up_bytes = 300, .down_bytes = 200, .ipv4 = 7},
	};
	struct sp_limits left;

	(void)state;
	assert_int_equal(sp_session_left(&record, NOW, &left), SP_CAUSE_NONE);
	assert_int_equal(left.seconds, 100);
	assert_int_equal(left.idle, 60);
	assert_int_equal(left.quota, 500);
	assert_int_equal(left.quota_up, 0);
	assert_int_equal(left.quota_down, 400);
	assert_true(left.bind);
	assert_int_equal(left.ipv4, 7);
	assert_int_equal(sp_session_left(&record, NOW + 99, &left), SP_CAUSE_NONE);
	assert_int_equal(left.seconds, 1);
	assert_int_equal(sp_session_left(&record, NOW + 100, &left), SP_CAUSE_TIME);
	record.reading.down_bytes = 600;
	assert_int_equal(sp_session_left(&record, NOW, &left), SP_CAUSE_QUOTA);
	record = (struct sp_record){.until = 0};
	assert_int_equal(sp_session_left(&record, NOW, &left), SP_CAUSE_NONE);
	assert_int_equal(left.seconds, 0);
}

static void test_restored_session_goes_on_counting(void **state)
{
	struct sp_record record = begin(1, "anna", NOW), after;

	(void)state;
	see(&record, NOW + 10, "10.0.0.7", 100);
	sp_ok(sp_ledger_session_restored(sp_fixture.ledger, NOW + 50, &sp_fixture.err));
	see(&record, NOW + 60, "10.0.0.7", 30);
	sp_ok(sp_ledger_session_get(sp_fixture.ledger, record.id, &after, &sp_fixture.err));
	assert_int_equal(after.reading.up_bytes, 130);
	assert_int_equal(after.base.up_bytes, 100);
	sp_ok(sp_ledger_session_restored(sp_fixture.ledger, NOW + 70, &sp_fixture.err));
	see(&record, NOW + 80, "10.0.0.7", 5);
	sp_ok(sp_ledger_session_get(sp_fixture.ledger, record.id, &after, &sp_fixture.err));
	assert_int_equal(after.reading.up_bytes, 135);
	assert_string_equal(lines(&(struct sp_history_filter){.limit = 2}),
	                    "50 restored 1 10.0.0.7;70 restored 1 10.0.0.7;");
}

/* --- blocks --- */

static int put_block(const struct sp_block *block, void *context)
{
	size_t length = strlen(text);

	(void)context;
	snprintf(text + length, sizeof(text) - length, "%u %s;", block->client.mac[5], block->note);
	return 0;
}

static const char *blocks(void)
{
	text[0] = '\0';
	sp_ok(sp_ledger_block_each(sp_fixture.ledger, put_block, NULL, &sp_fixture.err));
	return text;
}

static void test_blocks(void **state)
{
	struct sp_block block = {.client = client(1), .since = NOW, .note = "one"};
	const struct sp_client_key other = client(2);

	(void)state;
	sp_ok(sp_ledger_block_set(sp_fixture.ledger, &block, &sp_fixture.err));
	assert_string_equal(blocks(), "1 one;");
	snprintf(block.note, sizeof(block.note), "two");
	sp_ok(sp_ledger_block_set(sp_fixture.ledger, &block, &sp_fixture.err));
	sp_ok(sp_ledger_block_remove(sp_fixture.ledger, &other, &sp_fixture.err));
	assert_string_equal(blocks(), "1 two;");
	sp_ok(sp_ledger_block_remove(sp_fixture.ledger, &block.client, &sp_fixture.err));
	assert_string_equal(blocks(), "");
	assert_int_equal(number("SELECT count(*) FROM log WHERE event IN (9, 10)"), 3);
}

/* --- tables of earlier versions --- */

static void open_version1(void)
{
	char path[128];
	sqlite3 *old;

	sp_ledger_close(sp_fixture.ledger);
	sp_fixture.ledger = NULL;
	snprintf(path, sizeof(path), "%s/ledger.db", sp_fixture.instance.state);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(sqlite3_open(path, &old), 0);
	assert_int_equal(sqlite3_exec(old, ledger_version1, NULL, NULL, NULL), 0);
	sqlite3_close(old);
	assert_int_equal(chmod(path, 0600), 0);
	sp_ok(sp_ledger_open(&sp_fixture.ledger, &sp_fixture.instance, &sp_fixture.err));
}

static void test_migration_from_version_1(void **state)
{
	const struct sp_client_key tagged = {.mac = {2, 0, 0, 0, 0, 1}, .vlan = 12};
	struct sp_record record;
	struct sp_user user;

	(void)state;
	open_version1();
	assert_int_equal(number("PRAGMA user_version"), sp_schema_version);
	assert_string_equal(lines(&(struct sp_history_filter){.limit = 0}),
	                    "100 begin 1 ;100 address 1 fd00::7;400 end 1 fd00::7;"
	                    "500 begin 1 ;500 begin 2 ;500 address 1 10.0.0.8;");
	assert_string_equal(uses(&(struct sp_history_filter){.address = "10.0.0.7"}, NOW + 200),
	                    "1 10.0.0.7 100-400;");
	sp_ok(sp_ledger_session_running(sp_fixture.ledger, &tagged, &record, &sp_fixture.err));
	assert_int_equal(record.until, NOW + 500 + 3600);
	assert_string_equal(record.who.name, "anna");
	assert_int_equal(record.who.class_length, 2);
	assert_int_equal(record.limits.quota, 2000);
	assert_true(until_of(2) == INT64_MAX);
	sp_ok(sp_ledger_user_get(sp_fixture.ledger, "anna", &user, &sp_fixture.err));
	assert_int_equal(number("SELECT count(*) FROM voucher JOIN place ON voucher = id"), 1);
	sp_ok(sp_db_exec(sp_fixture.ledger, "PRAGMA foreign_key_check", &sp_fixture.err));
}

/* Each version that there was is one more step. */
static void test_migration_from_every_version(void **state)
{
	(void)state;
	for (unsigned version = 0; version <= sp_schema_version; version++) {
		struct sp_ledger ledger = {.path = ":memory:"};
		int64_t tables;

		assert_int_equal(sqlite3_open(":memory:", &ledger.db), 0);
		sp_ok(sp_schema_migrate(&ledger, sp_schema_steps, version, &sp_fixture.err));
		sp_ok(sp_schema_migrate(&ledger, sp_schema_steps, sp_schema_version,
		                        &sp_fixture.err));
		sp_ok(sp_db_number(&ledger, "SELECT count(*) FROM sqlite_schema", &tables,
		                   &sp_fixture.err));
		assert_int_equal(tables, number("SELECT count(*) FROM sqlite_schema"));
		sqlite3_close(ledger.db);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sp_fixture_open, sp_fixture_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_life_of_a_session),
		TEST(test_all_end),
		TEST(test_a_crowd_ends),
		TEST(test_lines_say_all_of_it),
		TEST(test_filters),
		TEST(test_filters_use_an_index),
		TEST(test_undone_and_resumed),
		TEST(test_refused_login),
		TEST(test_log_is_only_written),
		TEST(test_who_had_an_address),
		TEST(test_every_address_of_a_session),
		TEST(test_clock_that_is_set),
		TEST(test_what_is_left),
		TEST(test_restored_session_goes_on_counting),
		TEST(test_blocks),
		TEST(test_migration_from_version_1),
		TEST(test_migration_from_every_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
