/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several who are let in wait for the disk once, and are put out again if it fails. Real maps of a
 * real kernel. Needs root and bpffs.
 */
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "instance.h"
#include "lib/ledger.h"
#include "lib/session.h"
#include "lib/session_gather.h"
#include "lib/slots.h"

#define ENTRIES 100u

static struct sp_instance instance;
static struct sp_maps maps;
static struct sp_error error;
static unsigned syncs; /* of the disk */
static bool broken;    /* the disk fails */

int fdatasync(int fd)
{
	int (*real)(int);

	*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	syncs++;
	if (broken) {
		errno = EIO;
		return -1;
	}
	return real(fd);
}

static int setup(void **state)
{
	(void)state;
	broken = false;
	return sp_test_remember(&instance, &maps, "/run", ENTRIES);
}

static int teardown(void **state)
{
	(void)state;
	broken = false;
	return sp_test_forget(&instance, &maps);
}

static void must(int code)
{
	if (code)
		fail_msg("%d: %s", code, error.text);
}

static struct sp_client_key client(unsigned number)
{
	return (struct sp_client_key){.mac = {2, 0, 0, 0, 0, (uint8_t)number}};
}

static struct sp_ledger *ledger(void)
{
	struct sp_ledger *open = sp_session_ledger(&maps, &error);

	if (!open)
		fail_msg("%s", error.text);
	return open;
}

static int grant(unsigned number, const char *name, uint64_t seconds)
{
	const struct sp_limits limits = {.seconds = seconds};
	struct sp_client_key key = client(number);
	struct sp_who who = {.method = SP_METHOD_USER};

	snprintf(who.name, sizeof(who.name), "%s", name);
	return sp_session_grant(&maps, &key, &limits, &who, NULL, &error);
}

static const uint8_t digest[SP_VOUCHER_DIGEST] = {7};

static int redeem(unsigned number)
{
	const struct sp_limits defaults = {.seconds = 1000};
	struct sp_client_key key = client(number);

	return sp_session_redeem(&maps, &key, digest, "", &defaults, &error);
}

static bool look(unsigned number, struct sp_client_policy *policy)
{
	struct sp_client_key key = client(number);
	int code = bpf_map_lookup_elem(maps.clients, &key, policy);

	if (code != -ENOENT)
		must(code);
	return !code;
}

/* What the ledger says of the client's session that goes on; 0: none does. */
static uint64_t running(unsigned number, struct sp_record *record)
{
	struct sp_client_key key = client(number);
	int code = sp_ledger_session_running(ledger(), &key, record, &error);

	if (code != -ENOENT)
		must(code);
	return code ? 0 : record->id;
}

static void test_one_wait_for_all(void **state)
{
	struct sp_client_policy policy;
	struct sp_record record;

	(void)state;
	must(grant(1, "anna", 100));
	syncs = 0;
	must(grant(2, "bert", 100));
	must(grant(3, "carl", 100));
	assert_int_equal(syncs, 2);
	sp_session_gather(&maps);
	for (unsigned i = 4; i < 14; i++) {
		must(grant(i, "anna", 100));
		assert_true(look(i, &policy));
	}
	assert_int_equal(syncs, 2);
	must(sp_session_settle(&maps, &error));
	assert_int_equal(syncs, 3);
	/* Nothing is left to wait for. */
	must(sp_session_settle(&maps, &error));
	sp_session_gather(&maps);
	must(sp_session_settle(&maps, &error));
	assert_int_equal(syncs, 3);
	for (unsigned i = 4; i < 14; i++)
		assert_true(look(i, &policy) && running(i, &record));
	must(grant(14, "anna", 100));
	assert_int_equal(syncs, 4);
}

/* More than can be put out again wait by themselves. A checkpoint now and then waits as well. */
static void test_more_than_fit(void **state)
{
	unsigned before;

	(void)state;
	must(grant(1, "anna", 100));
	syncs = 0;
	sp_session_gather(&maps);
	for (unsigned i = 2; i < 2 + SP_GATHER; i++)
		must(grant(i, "anna", 100));
	assert_true(syncs < SP_GATHER / 2);
	for (unsigned i = 2 + SP_GATHER; i < 10 + SP_GATHER; i++) {
		before = syncs;
		must(grant(i, "anna", 100));
		assert_true(syncs > before);
	}
	before = syncs;
	must(sp_session_settle(&maps, &error));
	assert_int_equal(syncs, before + 1);
}

static void check_as_before(unsigned number, const struct sp_client_policy *policy,
                            const struct sp_record *record)
{
	struct sp_client_policy now;
	struct sp_record then;

	assert_true(look(number, &now));
	assert_memory_equal(&now, policy, sizeof(now));
	assert_int_equal(running(number, &then), record->id);
	assert_string_equal(then.who.name, record->who.name);
	assert_int_equal(then.limits.seconds, record->limits.seconds);
}

static void test_the_disk_fails(void **state)
{
	struct sp_voucher voucher = {.limits = {.seconds = 500}, .devices = 1};
	struct sp_client_policy extended, replaced, policy;
	struct sp_record extended_record, replaced_record, record;
	struct sp_client_key removed = client(5);
	uint32_t used;

	(void)state;
	must(sp_ledger_voucher_add(ledger(), digest, &voucher, &error));
	must(grant(1, "anna", 100));
	must(grant(2, "bert", 100));
	assert_true(look(1, &extended) && running(1, &extended_record));
	assert_true(look(2, &replaced) && running(2, &replaced_record));
	used = sp_slots_used(&maps);
	sp_session_gather(&maps);
	must(grant(1, "anna", 1000));
	must(grant(2, "dora", 1000));
	must(redeem(3));
	must(grant(4, "emil", 100));
	must(grant(4, "fred", 100));
	must(grant(5, "emil", 100));
	must(sp_session_remove(&maps, &removed, &error));
	broken = true;
	assert_int_equal(sp_session_settle(&maps, &error), -EIO);
	assert_non_null(strstr(error.text, "cannot be written to the disk: Input/output error"));
	broken = false;
	check_as_before(1, &extended, &extended_record);
	check_as_before(2, &replaced, &replaced_record);
	for (unsigned i = 3; i <= 5; i++)
		assert_true(!look(i, &policy) && !running(i, &record));
	assert_int_equal(sp_slots_used(&maps), used);
	/* The voucher is nobody's. */
	must(redeem(6));
	assert_int_equal(redeem(3), -EUSERS);
}

static void test_without_a_ledger(void **state)
{
	struct sp_client_policy policy;

	(void)state;
	maps.remember = false;
	sp_session_gather(&maps);
	must(grant(1, "anna", 100));
	broken = true;
	must(sp_session_settle(&maps, &error));
	assert_true(look(1, &policy));
}

static int run(void)
{
#define with_instance(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		with_instance(test_one_wait_for_all),
		with_instance(test_more_than_fit),
		with_instance(test_the_disk_fails),
		with_instance(test_without_a_ledger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return sp_test_run_apart(&instance, run);
}
