/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logins that wait for verifiers, which are played here. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keeper/broker.h"
#include "lib/method.h"

#define WORKERS  3u
#define PATIENCE 40000u
#define START    1000000ull /* ms */

/* The last answers. */
struct outcome {
	uint64_t request;
	enum sp_ipc_result result;
	bool judged;
};

static struct sp_broker broker;
static int mine[WORKERS], theirs[WORKERS];
static struct outcome outcomes[16];
static unsigned outcome_count;
static uint64_t now;

static void on_done(void *context, const struct sp_pending *pending,
                    const struct sp_ipc_verdict *verdict, enum sp_ipc_result result)
{
	assert_ptr_equal(context, &broker);
	assert_string_equal(pending->check.secret, "secret");
	outcomes[outcome_count++ % 16] =
		(struct outcome){pending->request, result, verdict != NULL};
}

static void expect(uint64_t request, enum sp_ipc_result result)
{
	assert_true(outcome_count > 0);
	assert_int_equal(outcomes[(outcome_count - 1) % 16].request, request);
	assert_int_equal(outcomes[(outcome_count - 1) % 16].result, result);
}

static void arrive(unsigned worker)
{
	sp_broker_worker(&broker, worker, mine[worker], now);
}

static void leave(unsigned worker)
{
	sp_broker_worker(&broker, worker, -1, now);
}

static int open_broker(void **state)
{
	(void)state;
	now = START;
	outcome_count = 0;
	for (unsigned i = 0; i < WORKERS; i++) {
		int fds[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds))
			return -1;
		mine[i] = fds[0];
		theirs[i] = fds[1];
	}
	return sp_broker_open(&broker, WORKERS, PATIENCE, on_done, &broker);
}

static int close_broker(void **state)
{
	(void)state;
	for (unsigned i = 0; i < WORKERS; i++) {
		close(mine[i]);
		close(theirs[i]);
	}
	sp_broker_close(&broker);
	return 0;
}

static bool submit(uint64_t request, unsigned client, enum sp_method method)
{
	struct sp_pending *pending = sp_broker_take(&broker, request, now);

	if (!pending)
		return false;
	pending->check.client = (struct sp_client_key){
		{2, 0, 0, (uint8_t)(client >> 16), (uint8_t)(client >> 8), (uint8_t)client}, 0};
	pending->check.method = method;
	strcpy(pending->check.secret, "secret");
	sp_broker_submit(&broker, pending, now);
	return true;
}

/* What the worker was asked; its id, or 0 for nothing. */
static uint64_t asked(unsigned worker, unsigned *client)
{
	struct sp_ipc_check check;

	if (sp_ipc_receive_check(theirs[worker], &check))
		return 0;
	if (client)
		*client = (unsigned)check.client.mac[4] << 8 | check.client.mac[5];
	return check.id;
}

static int say(unsigned worker, uint64_t id, enum sp_ipc_result result)
{
	const struct sp_ipc_verdict verdict = {.id = id, .result = result};

	return sp_broker_verdict(&broker, worker, &verdict, now);
}

/* The worker's client is @client, and its answer is passed on. */
static void serve(unsigned worker, unsigned client, enum sp_ipc_result result)
{
	unsigned who = 0;
	uint64_t id = asked(worker, &who);

	assert_int_equal(who, client);
	assert_int_equal(say(worker, id, result), 0);
}

static void test_one(void **state)
{
	(void)state;
	arrive(0);
	assert_true(submit(7, 1, SP_METHOD_USER));
	assert_int_equal(outcome_count, 0);
	serve(0, 1, SP_IPC_WRONG);
	assert_int_equal(outcome_count, 1);
	expect(7, SP_IPC_WRONG);
	assert_true(outcomes[0].judged);
}

static void test_in_the_order_of_coming(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 6; i++)
		assert_true(submit(i, i, SP_METHOD_USER));
	arrive(1);
	arrive(2);
	serve(1, 1, SP_IPC_DONE);
	serve(1, 3, SP_IPC_DONE);
	serve(2, 2, SP_IPC_DONE);
	serve(1, 4, SP_IPC_DONE);
	serve(2, 5, SP_IPC_DONE);
	serve(1, 6, SP_IPC_DONE);
	assert_int_equal(outcome_count, 6);
	assert_int_equal(asked(0, NULL), 0);
}

/* RADIUS leaves one worker to the others. */
static void test_radius_does_not_take_all(void **state)
{
	(void)state;
	for (unsigned i = 0; i < WORKERS; i++)
		arrive(i);
	for (unsigned i = 1; i <= 4; i++)
		assert_true(submit(i, i, SP_METHOD_RADIUS));
	assert_true(asked(0, NULL) && asked(1, NULL));
	assert_int_equal(asked(2, NULL), 0);
	assert_true(submit(9, 9, SP_METHOD_USER));
	serve(2, 9, SP_IPC_DONE);
	expect(9, SP_IPC_DONE);
	assert_int_equal(asked(2, NULL), 0);
}

static void test_only_worker_does_radius(void **state)
{
	struct sp_broker single;
	struct sp_pending *pending;

	(void)state;
	assert_int_equal(sp_broker_open(&single, 1, PATIENCE, on_done, &broker), 0);
	sp_broker_worker(&single, 0, mine[0], now);
	pending = sp_broker_take(&single, 1, now);
	pending->check.method = SP_METHOD_RADIUS;
	pending->check.client.mac[0] = 2;
	sp_broker_submit(&single, pending, now);
	assert_true(asked(0, NULL));
	sp_broker_close(&single);
}

static void test_newest_of_a_client(void **state)
{
	(void)state;
	assert_true(submit(1, 5, SP_METHOD_USER));
	assert_true(submit(2, 6, SP_METHOD_USER));
	assert_true(submit(3, 5, SP_METHOD_USER));
	expect(1, SP_IPC_BUSY);
	/* By whatever method. */
	assert_true(submit(4, 5, SP_METHOD_RADIUS));
	expect(3, SP_IPC_BUSY);
	assert_int_equal(outcome_count, 2);
	arrive(0);
	serve(0, 6, SP_IPC_DONE);
	/* One that is being judged goes on, and one more may wait. */
	arrive(1);
	assert_true(asked(0, NULL) || asked(1, NULL));
	assert_true(submit(5, 5, SP_METHOD_USER));
	assert_int_equal(outcome_count, 3);
}

static void test_dead_worker(void **state)
{
	uint64_t id;

	(void)state;
	arrive(0);
	assert_true(submit(1, 1, SP_METHOD_USER));
	assert_true(submit(2, 2, SP_METHOD_USER));
	assert_true((id = asked(0, NULL)) != 0);
	leave(0);
	assert_int_equal(outcome_count, 0);
	/* Before the one that came after it, by another worker. */
	arrive(1);
	assert_int_equal(say(0, id, SP_IPC_DONE), -EPROTO);
	serve(1, 1, SP_IPC_DONE);
	expect(1, SP_IPC_DONE);
}

static void test_deadly_login(void **state)
{
	(void)state;
	arrive(0);
	assert_true(submit(1, 1, SP_METHOD_USER));
	leave(0);
	arrive(1);
	assert_true(asked(1, NULL));
	leave(1);
	expect(1, SP_IPC_FAILED);
	arrive(2);
	assert_int_equal(asked(2, NULL), 0);
	assert_int_equal(outcome_count, 1);
}

static void test_lies(void **state)
{
	uint64_t id;

	(void)state;
	arrive(0);
	arrive(1);
	assert_int_equal(say(0, 0, SP_IPC_DONE), -EPROTO);
	assert_int_equal(say(0, 1, SP_IPC_DONE), -EPROTO);
	assert_true(submit(1, 1, SP_METHOD_USER));
	id = asked(0, NULL);
	assert_int_equal(say(0, id + 1, SP_IPC_DONE), -EPROTO);
	assert_int_equal(say(1, id, SP_IPC_DONE), -EPROTO); /* another one's */
	assert_int_equal(outcome_count, 0);
	assert_int_equal(say(0, id, SP_IPC_DONE), 0);
	assert_int_equal(say(0, id, SP_IPC_DONE), -EPROTO); /* twice */
	assert_int_equal(outcome_count, 1);
}

static void test_deadlines(void **state)
{
	uint64_t id;

	(void)state;
	assert_int_equal(sp_broker_attend(&broker, now), UINT64_MAX);
	assert_true(submit(1, 1, SP_METHOD_USER));
	now += 1000;
	assert_true(submit(2, 2, SP_METHOD_RADIUS));
	assert_int_equal(sp_broker_attend(&broker, now), START + SP_BROKER_DEADLINE);
	assert_true(submit(8, 8, SP_METHOD_RADIUS));
	now = START + SP_BROKER_DEADLINE;
	assert_int_equal(sp_broker_attend(&broker, now), now + 1000);
	expect(1, SP_IPC_BUSY);
	assert_int_equal(outcome_count, 1);
	/* A server that is silent: its worker is not asked anything else until it gives up. */
	arrive(0);
	arrive(1);
	assert_true((id = asked(0, NULL)) != 0);
	now += 1000;
	assert_int_equal(sp_broker_attend(&broker, now), now - 1000 + PATIENCE);
	expect(2, SP_IPC_SILENT);
	assert_int_equal(outcomes[1].request, 8);
	assert_int_equal(outcomes[1].result, SP_IPC_SILENT);
	assert_int_equal(sp_broker_attend(&broker, now), now - 1000 + PATIENCE);
	assert_int_equal(outcome_count, 3);
	assert_false(sp_broker_stuck(&broker, 0, now));
	assert_int_equal(say(0, id, SP_IPC_DONE), 0); /* too late */
	assert_int_equal(outcome_count, 3);
	assert_true(submit(3, 3, SP_METHOD_USER));
	serve(0, 3, SP_IPC_DONE);
}

static void test_stuck_worker(void **state)
{
	(void)state;
	arrive(0);
	assert_true(submit(1, 1, SP_METHOD_USER));
	now += PATIENCE - 1;
	sp_broker_attend(&broker, now);
	expect(1, SP_IPC_BUSY);
	assert_false(sp_broker_stuck(&broker, 0, now));
	assert_true(sp_broker_stuck(&broker, 0, now + 1));
	/* What was answered is not judged again. */
	leave(0);
	arrive(1);
	assert_int_equal(asked(1, NULL), 0);
	assert_int_equal(outcome_count, 1);
}

static void test_forgotten(void **state)
{
	uint64_t id;

	(void)state;
	arrive(0);
	for (unsigned i = 1; i <= 5; i++)
		assert_true(submit(i, i, i % 2 ? SP_METHOD_USER : SP_METHOD_RADIUS));
	assert_true((id = asked(0, NULL)) != 0);
	sp_broker_forget(&broker);
	assert_int_equal(say(0, id, SP_IPC_DONE), 0);
	assert_int_equal(asked(0, NULL), 0);
	assert_int_equal(outcome_count, 0);
	assert_int_equal(sp_broker_attend(&broker, now), UINT64_MAX);
}

/* Also after all were taken, thrown away, and taken again. */
static void test_full(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < SP_BROKER_WAITING; i++)
			assert_true(submit(i, i, i % 2 ? SP_METHOD_USER : SP_METHOD_RADIUS));
		assert_false(submit(1, 70000, SP_METHOD_USER));
		now += SP_BROKER_DEADLINE;
		sp_broker_attend(&broker, now);
		assert_int_equal(outcome_count, (round + 1) * SP_BROKER_WAITING);
	}
}

/* Anything, in any order: each login is answered once, nothing is lost. */
static void test_anything(void **state)
{
	unsigned submitted = 0;

	(void)state;
	srandom(1);
	for (unsigned i = 0; i < 20000; i++) {
		unsigned worker = (unsigned)random() % WORKERS;
		const struct sp_pending *has = broker.worker[worker].has;

		now += (unsigned)random() % 300;
		switch (random() % 6) {
		case 0:
			arrive(worker);
			break;
		case 1:
			leave(worker);
			while (asked(worker, NULL))
				;
			break;
		case 2:
		case 3:
			submitted += submit(i, (unsigned)random() % 50,
			                    random() % 2 ? SP_METHOD_USER : SP_METHOD_RADIUS);
			break;
		case 4:
			sp_broker_attend(&broker, now);
			break;
		default:
			if (has)
				assert_int_equal(say(worker, has->check.id, SP_IPC_DONE), 0);
			while (asked(worker, NULL))
				;
		}
	}
	for (unsigned i = 0; i < WORKERS; i++)
		leave(i);
	now += SP_BROKER_DEADLINE;
	sp_broker_attend(&broker, now);
	assert_true(submitted > 1000);
	assert_int_equal(outcome_count, submitted);
	assert_int_equal(sp_broker_attend(&broker, now), UINT64_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_broker, close_broker)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one),
		TEST(test_in_the_order_of_coming),
		TEST(test_radius_does_not_take_all),
		TEST(test_only_worker_does_radius),
		TEST(test_newest_of_a_client),
		TEST(test_dead_worker),
		TEST(test_deadly_login),
		TEST(test_lies),
		TEST(test_deadlines),
		TEST(test_stuck_worker),
		TEST(test_forgotten),
		TEST(test_full),
		TEST(test_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
