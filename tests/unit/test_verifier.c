/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verifier: its parts, and the messages between it and the keeper. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <crypt.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/ipc.h"
#include "lib/method.h"
#include "lib/text.h"
#include "verifier/check.h"
#include "verifier/password.h"

/* The least cost of each scheme: these are tests of ours, not of libcrypt. */
static const struct {
	const char *prefix;
	unsigned long cost;
} schemes[] = {{"$y$", 1}, {"$2b$", 4}, {"$6$", 1000}};

static void make_hash(char out[SP_IPC_HASH], const char *prefix, unsigned long cost,
                      const char *password)
{
	struct crypt_data work = {0};
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	assert_non_null(crypt_gensalt_rn(prefix, cost, NULL, 0, setting, (int)sizeof(setting)));
	assert_non_null(crypt_rn(password, setting, &work, (int)sizeof(work)));
	assert_true(strlen(work.output) < SP_IPC_HASH);
	memcpy(out, work.output, strlen(work.output) + 1);
}

static void test_passwords(void **state)
{
	char hash[SP_IPC_HASH];

	(void)state;
	for (unsigned i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		make_hash(hash, schemes[i].prefix, schemes[i].cost, "p\u00e4ss w\u00f6rd");
		assert_int_equal(sp_password_check("p\u00e4ss w\u00f6rd", hash), 0);
		assert_int_equal(sp_password_check("p\u00e4ss w\u00f6re", hash), -EACCES);
		assert_int_equal(sp_password_check("", hash), -EACCES);
		hash[strlen(hash) - 1] ^= 1;
		assert_int_equal(sp_password_check("p\u00e4ss w\u00f6rd", hash), -EACCES);
	}
}

/* Schemes that are broken, hashes that are none, what crypt() itself returns on failure. */
static void test_weak_hashes(void **state)
{
	static const char *const weak[] = {
		"",
		"*",
		"*0",
		"!",
		"x",
		"secret",
		"$1$salt$qJH7.N4xYta3aEG/dfqo/0",
		"rEK1ecacw.7.c",
		"$5$rounds=1000$salt$x",
		"$y$",
		"$6",
		"$2b$04$short",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(weak) / sizeof(*weak); i++)
		assert_int_equal(sp_password_check("secret", weak[i]), -EINVAL);
}

#define NOW 1790000000ull

static const struct sp_ipc_verifier_setup setup;

static struct sp_ipc_check good_check(void)
{
	struct sp_ipc_check check = {
		.header.kind = SP_IPC_CHECK,
		.id = 77,
		.client = {{0x02, 1, 2, 3, 4, 5}, 12},
		.method = SP_METHOD_USER,
		.name = "alice",
		.secret = "secret",
	};

	make_hash(check.hash, "$y$", 1, "secret");
	return check;
}

static void test_check(void **state)
{
	struct sp_ipc_check check = good_check();
	struct sp_ipc_verdict verdict;

	(void)state;
	memset(&verdict, 0xff, sizeof(verdict));
	sp_check(&setup, NOW, &check, &verdict);
	assert_int_equal(verdict.result, SP_IPC_DONE);
	assert_int_equal(verdict.id, 77);
	assert_int_equal(verdict.limited, 0);
	assert_string_equal(verdict.name, "");
	check.secret[0] = 'S';
	sp_check(&setup, NOW, &check, &verdict);
	assert_int_equal(verdict.result, SP_IPC_WRONG);
	check.hash[0] = 'x';
	sp_check(&setup, NOW, &check, &verdict);
	assert_int_equal(verdict.result, SP_IPC_FAILED);
	check.method = SP_METHOD_CLICK;
	sp_check(&setup, NOW, &check, &verdict);
	assert_int_equal(verdict.result, SP_IPC_FAILED);
}

/* --- messages --- */

struct pair {
	int a, b;
};

static struct pair pair;

static int pair_open(void **state)
{
	int fds[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds))
		return -1;
	pair = (struct pair){fds[0], fds[1]};
	return 0;
}

static int pair_close(void **state)
{
	(void)state;
	close(pair.a);
	close(pair.b);
	return 0;
}

static int pass_check(struct sp_ipc_check *check)
{
	struct sp_ipc_check got;

	assert_int_equal(sp_ipc_send(pair.a, check, sizeof(*check)), 0);
	return sp_ipc_receive_check(pair.b, &got);
}

static void test_checks_on_the_way(void **state)
{
	struct sp_ipc_check check = good_check();

	(void)state;
	assert_int_equal(pass_check(&check), 0);
	memset(check.name, 'a', sizeof(check.name));
	assert_int_equal(pass_check(&check), -EPROTO);
	check = good_check();
	check.secret[sizeof(check.secret) - 1] = 'a';
	assert_int_equal(pass_check(&check), -EPROTO);
	check = good_check();
	memset(check.hash, 'a', sizeof(check.hash));
	assert_int_equal(pass_check(&check), -EPROTO);
	check = good_check();
	check.client.mac[0] = 1;
	assert_int_equal(pass_check(&check), -EPROTO);
}

static struct sp_ipc_verdict good_verdict(void)
{
	return (struct sp_ipc_verdict){
		.header.kind = SP_IPC_VERDICT,
		.id = 5,
		.limited = 1,
		.limits = {.seconds = SP_TEXT_DURATION_MOST,
	                   .idle = 1,
	                   .quota = INT64_MAX,
	                   .rate_up = SP_TEXT_RATE_MOST},
		.name = "al\u00efce",
		.said = "Welcome",
		.class_length = SP_IPC_CLASS,
	};
}

static int pass_verdict(struct sp_ipc_verdict *verdict)
{
	struct sp_ipc_verdict got;

	assert_int_equal(sp_ipc_send(pair.a, verdict, sizeof(*verdict)), 0);
	return sp_ipc_receive_verdict(pair.b, &got);
}

static void test_results_on_the_way(void **state)
{
	static const unsigned may[] = {SP_IPC_DONE,   SP_IPC_WRONG, SP_IPC_SILENT,
	                               SP_IPC_FAILED, SP_IPC_OVER,  SP_IPC_REFUSED};

	(void)state;
	for (unsigned result = 0; result < 100; result++) {
		struct sp_ipc_verdict verdict = good_verdict();
		int expected = -EPROTO;

		for (unsigned i = 0; i < sizeof(may) / sizeof(*may); i++)
			if (may[i] == result)
				expected = 0;
		verdict.result = result;
		assert_int_equal(pass_verdict(&verdict), expected);
	}
}

#define REFUSED(member, value)                                      \
	do {                                                        \
		struct sp_ipc_verdict verdict_ = good_verdict();    \
		verdict_.member = (value);                          \
		assert_int_equal(pass_verdict(&verdict_), -EPROTO); \
	} while (0)

static void test_lies_of_a_verifier(void **state)
{
	(void)state;
	REFUSED(header.kind, SP_IPC_CHECK);
	REFUSED(limited, 2);
	REFUSED(limits.seconds, SP_TEXT_DURATION_MOST + 1);
	REFUSED(limits.idle, UINT64_MAX);
	REFUSED(limits.interim, UINT64_MAX);
	REFUSED(limits.quota, (uint64_t)INT64_MAX + 1);
	REFUSED(limits.quota_up, UINT64_MAX);
	REFUSED(limits.quota_down, UINT64_MAX);
	REFUSED(limits.rate_up, SP_TEXT_RATE_MOST + 1);
	REFUSED(limits.rate_down, UINT64_MAX);
	REFUSED(class_length, SP_IPC_CLASS + 1);
	REFUSED(name[0], '\n');
	REFUSED(name[1], '\xff');
	REFUSED(name[SP_IPC_NAME - 1], 'a');
	REFUSED(said[0], '\x1b');
	REFUSED(said[SP_IPC_SAID - 1], 'a');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passwords),
		cmocka_unit_test(test_weak_hashes),
		cmocka_unit_test(test_check),
		cmocka_unit_test_setup_teardown(test_checks_on_the_way, pair_open, pair_close),
		cmocka_unit_test_setup_teardown(test_results_on_the_way, pair_open, pair_close),
		cmocka_unit_test_setup_teardown(test_lies_of_a_verifier, pair_open, pair_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
