/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accounting: what is in a request, and how requests find their way to servers that may be silent,
 * lie or refuse. The servers are sockets of this process, and time is what the tests say. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/who.h"
#include "radius/account.h"
#include "radius/queue.h"
#include "radius/terms.h"

#define SECRET "testing-secret"
#define TRY_MS 1000u

static struct sp_ipc_radius setup;
static struct sp_radius_queue queue;
static struct sp_radius_packet packet;
static int servers[2];
static unsigned confirmed, given_up;
static uint64_t given_up_id;
static uint64_t read_at;  /* ms: when answers come */
static bool refuse_stops; /* nothing is said to a stop */

/* --- what a request says --- */

static struct sp_ipc_account example(uint32_t status)
{
	struct sp_ipc_account what = {
		.id = 0x1234,
		.status = status,
		.client = {{2, 0, 0, 0, 0, 9}, 12},
		.at = 1000,
		.seconds = 77,
		.up_packets = 3,
		.up_bytes = 0x500000007,
		.down_packets = 4,
		.down_bytes = 9,
		.class_length = 6,
		.class_bytes = {2, 'a', 0, 2, 'c', 'd'},
		.name = "alice",
	};

	return what;
}

/* The number of the attribute @type, which stands there once. */
static uint32_t number_of(uint8_t type)
{
	struct sp_radius_cursor cursor = {0};
	struct sp_radius_attribute attribute;
	uint32_t number = 0;
	unsigned count = 0;

	while (sp_radius_next(&packet, &cursor, &attribute))
		if (!attribute.vendor && attribute.type == type) {
			assert_true(sp_radius_number(&attribute, &number));
			count++;
		}
	if (count != 1)
		fail_msg("attribute %u: %u times", type, count);
	return number;
}

static unsigned count_of(uint8_t type)
{
	struct sp_radius_cursor cursor = {0};
	struct sp_radius_attribute attribute;
	unsigned count = 0;

	while (sp_radius_next(&packet, &cursor, &attribute))
		count += !attribute.vendor && attribute.type == type;
	return count;
}

static void build(const struct sp_ipc_account *what, uint64_t now)
{
	sp_radius_begin(&packet, SP_RADIUS_ACCOUNTING_REQUEST, 1, NULL);
	sp_radius_account_build(&packet, &setup, what, now);
	assert_int_equal(sp_radius_seal(&packet, SECRET), 0);
}

static void test_gigawords(void **state)
{
	struct sp_ipc_account what = example(SP_IPC_ACCOUNT_STOP);

	(void)state;
	build(&what, 1005);
	assert_int_equal(number_of(SP_RADIUS_ACCT_INPUT_OCTETS), 7);
	assert_int_equal(number_of(SP_RADIUS_ACCT_INPUT_GIGAWORDS), 5);
	assert_int_equal(number_of(SP_RADIUS_ACCT_OUTPUT_OCTETS), 9);
	assert_int_equal(number_of(SP_RADIUS_ACCT_OUTPUT_GIGAWORDS), 0);
	assert_int_equal(number_of(SP_RADIUS_ACCT_INPUT_PACKETS), 3);
	assert_int_equal(number_of(SP_RADIUS_ACCT_OUTPUT_PACKETS), 4);
	assert_int_equal(number_of(SP_RADIUS_ACCT_SESSION_TIME), 77);
	assert_int_equal(number_of(SP_RADIUS_ACCT_DELAY_TIME), 5);
	assert_int_equal(number_of(SP_RADIUS_EVENT_TIMESTAMP), 1000);
	assert_int_equal(count_of(SP_RADIUS_CLASS), 2);
	what.up_bytes = UINT64_MAX;
	build(&what, 900); /* the clock went back: no delay */
	assert_int_equal(number_of(SP_RADIUS_ACCT_INPUT_OCTETS), UINT32_MAX);
	assert_int_equal(number_of(SP_RADIUS_ACCT_INPUT_GIGAWORDS), UINT32_MAX);
	assert_int_equal(number_of(SP_RADIUS_ACCT_DELAY_TIME), 0);
}

static void test_zone(void **state)
{
	struct sp_ipc_account what = example(SP_IPC_ACCOUNT_STOP);
	char text[SP_RADIUS_VALUE + 1];

	(void)state;
	build(&what, 1000);
	assert_int_equal(count_of(SP_RADIUS_NAS_PORT_ID), 0);
	strcpy(what.zone, "rooms");
	build(&what, 1000);
	assert_int_equal(count_of(SP_RADIUS_NAS_PORT_ID), 1);
	sp_radius_text(&packet, SP_RADIUS_NAS_PORT_ID, true, text, sizeof(text));
	assert_string_equal(text, "rooms");
}

static void test_causes(void **state)
{
	static const uint32_t causes[SP_CAUSES] = {
		[SP_CAUSE_NONE] = 1,     [SP_CAUSE_TIME] = 5,   [SP_CAUSE_IDLE] = 4,
		[SP_CAUSE_QUOTA] = 5,    [SP_CAUSE_CLIENT] = 1, [SP_CAUSE_OPERATOR] = 6,
		[SP_CAUSE_REPLACED] = 1, [SP_CAUSE_LOST] = 11,
	};

	(void)state;
	for (uint32_t i = 0; i < SP_CAUSES; i++) {
		struct sp_ipc_account what = example(SP_IPC_ACCOUNT_STOP);

		what.cause = i;
		build(&what, 1000);
		assert_int_equal(number_of(SP_RADIUS_ACCT_TERMINATE_CAUSE), causes[i]);
	}
}

static void test_start_says_no_usage(void **state)
{
	struct sp_ipc_account what = example(SP_IPC_ACCOUNT_START);

	(void)state;
	build(&what, 1000);
	assert_int_equal(count_of(SP_RADIUS_ACCT_INPUT_OCTETS), 0);
	assert_int_equal(count_of(SP_RADIUS_ACCT_TERMINATE_CAUSE), 0);
	what = example(SP_IPC_ACCOUNT_INTERIM);
	build(&what, 1000);
	assert_int_equal(number_of(SP_RADIUS_ACCT_INPUT_OCTETS), 7);
	assert_int_equal(count_of(SP_RADIUS_ACCT_TERMINATE_CAUSE), 0);
	what = example(SP_IPC_ACCOUNT_ON);
	build(&what, 1000);
	assert_int_equal(count_of(SP_RADIUS_USER_NAME), 0);
	assert_int_equal(number_of(SP_RADIUS_ACCT_STATUS_TYPE), 7);
}

static void test_mutilated_classes(void **state)
{
	struct sp_ipc_account what = example(SP_IPC_ACCOUNT_STOP);

	(void)state;
	what.class_length = 5; /* the second says more than there is */
	build(&what, 1000);
	assert_int_equal(count_of(SP_RADIUS_CLASS), 1);
	what.class_length = 0;
	build(&what, 1000);
	assert_int_equal(count_of(SP_RADIUS_CLASS), 0);
}

/* --- the queue --- */

static void on_done(const struct sp_ipc_account *what, bool in_vain)
{
	if (in_vain) {
		given_up++;
		given_up_id = what->id;
	} else {
		confirmed++;
	}
}

static int make_server(struct sp_ipc_radius_server *server)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, length) ||
	    getsockname(fd, (struct sockaddr *)&address, &length))
		return -1;
	*server = (struct sp_ipc_radius_server){
		.address = {{0, 0, htonl(0xffff), htonl(INADDR_LOOPBACK)}},
		.port = ntohs(address.sin_port),
		.secret = SECRET};
	return fd;
}

static int begin(void **state)
{
	(void)state;
	confirmed = given_up = 0;
	read_at = 0;
	refuse_stops = false;
	setup = (struct sp_ipc_radius){.server_count = 2, .timeout_ms = TRY_MS, .tries = 2};
	for (unsigned i = 0; i < 2; i++)
		servers[i] = make_server(&setup.server[i]);
	if (servers[0] < 0 || servers[1] < 0 || sp_radius_queue_open(&queue, &setup, on_done, NULL))
		return -1;
	return sp_radius_client_connect(&queue.client, 0) ||
	       sp_radius_client_connect(&queue.client, 1);
}

static int end(void **state)
{
	(void)state;
	sp_radius_client_close(&queue.client);
	return close(servers[0]) | close(servers[1]);
}

/* Take one request that has come to the server; false: there is none. With an @answer it is
 * answered, by who knows @secret. */
static bool serve(unsigned index, bool answer, const char *secret)
{
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	uint8_t bytes[SP_RADIUS_MOST];
	ssize_t got = recvfrom(servers[index], bytes, sizeof(bytes), 0, (struct sockaddr *)&from,
	                       &length);

	if (got < 0)
		return false;
	assert_true(sp_radius_receive(&packet, bytes, (size_t)got));
	if (answer && !(refuse_stops && number_of(SP_RADIUS_ACCT_STATUS_TYPE) == 2)) {
		static struct sp_radius_packet reply;

		sp_radius_begin(&reply, SP_RADIUS_ACCOUNTING_RESPONSE, sp_radius_id(&packet),
		                packet.data + 4);
		assert_int_equal(sp_radius_seal(&reply, secret), 0);
		assert_int_equal(sendto(servers[index], reply.data, reply.length, 0,
		                        (const struct sockaddr *)&from, length),
		                 reply.length);
		sp_radius_queue_read(&queue, index, read_at);
	}
	return true;
}

static void take(uint64_t id, uint32_t status, uint64_t now)
{
	struct sp_ipc_account what = example(status);

	what.id = id;
	assert_true(sp_radius_queue_take(&queue, &what, now));
}

static void test_confirmed(void **state)
{
	(void)state;
	take(1, SP_IPC_ACCOUNT_START, 0);
	assert_int_equal(sp_radius_queue_attend(&queue, 0), TRY_MS);
	assert_true(serve(0, true, SECRET));
	assert_int_equal(confirmed, 1);
	assert_int_equal(sp_radius_queue_attend(&queue, 5000), UINT64_MAX);
	assert_false(serve(0, false, SECRET));
	/* an update is nobody's business when it is confirmed */
	take(1, SP_IPC_ACCOUNT_INTERIM, 5000);
	sp_radius_queue_attend(&queue, 5000);
	assert_true(serve(0, true, SECRET));
	assert_int_equal(confirmed, 1);
	assert_int_equal(sp_radius_queue_attend(&queue, 5000), UINT64_MAX);
}

static void test_liar(void **state)
{
	(void)state;
	take(1, SP_IPC_ACCOUNT_START, 0);
	sp_radius_queue_attend(&queue, 0);
	assert_true(serve(0, true, "another"));
	assert_int_equal(confirmed, 0);
	sp_radius_queue_attend(&queue, TRY_MS);
	assert_true(serve(0, true, SECRET));
	assert_int_equal(confirmed, 1);
}

/* Two tries at the first server, then the second; the next record goes there at once. */
static void test_failover(void **state)
{
	(void)state;
	take(1, SP_IPC_ACCOUNT_STOP, 0);
	sp_radius_queue_attend(&queue, 0);
	assert_true(serve(0, false, SECRET));
	sp_radius_queue_attend(&queue, TRY_MS);
	assert_true(serve(0, false, SECRET));
	sp_radius_queue_attend(&queue, 2 * TRY_MS);
	assert_false(serve(0, false, SECRET));
	assert_true(serve(1, true, SECRET));
	assert_int_equal(confirmed, 1);
	take(2, SP_IPC_ACCOUNT_STOP, 2 * TRY_MS);
	sp_radius_queue_attend(&queue, 2 * TRY_MS);
	assert_true(serve(1, true, SECRET));
	assert_int_equal(confirmed, 2);
	/* a minute later the first one is asked again */
	take(3, SP_IPC_ACCOUNT_STOP, 100 * TRY_MS);
	sp_radius_queue_attend(&queue, 100 * TRY_MS);
	assert_true(serve(0, true, SECRET));
	assert_int_equal(confirmed, 3);
}

/* All are silent for a day: nothing is given up. */
static void test_patience(void **state)
{
	uint64_t now = 0;

	(void)state;
	take(1, SP_IPC_ACCOUNT_STOP, now);
	while (now < 86400000) {
		uint64_t next = sp_radius_queue_attend(&queue, now);

		assert_true(next > now && next <= now + 60000);
		now = next;
		while (serve(0, false, SECRET) || serve(1, false, SECRET))
			;
	}
	assert_int_equal(given_up, 0);
	now += 60000;
	while (!confirmed && now < 2 * 86400000ull) {
		now = sp_radius_queue_attend(&queue, now);
		while (serve(0, true, SECRET) || serve(1, true, SECRET))
			;
	}
	assert_int_equal(confirmed, 1);
}

/* What the servers drop while they answer all else is given up in the end. */
static void test_refused(void **state)
{
	(void)state;
	refuse_stops = true;
	take(1, SP_IPC_ACCOUNT_STOP, read_at);
	for (unsigned i = 2; !given_up && i < 10000; i++) {
		read_at += 500;
		take(i, SP_IPC_ACCOUNT_START, read_at);
		sp_radius_queue_attend(&queue, read_at);
		while (serve(0, true, SECRET) || serve(1, true, SECRET))
			;
		assert_int_equal(confirmed, i - 1);
	}
	assert_int_equal(given_up, 1);
	assert_int_equal(given_up_id, 1);
}

/* Updates leave room for what must not be lost; a later word about a session replaces one. */
static void test_room(void **state)
{
	struct sp_ipc_account what = example(SP_IPC_ACCOUNT_INTERIM);
	unsigned updates = 0, stops = 0;

	(void)state;
	for (what.id = 1; sp_radius_queue_take(&queue, &what, 0); what.id++)
		updates++;
	assert_int_equal(updates, SP_RADIUS_JOBS - SP_RADIUS_RESERVED);
	what.id = 1;
	assert_true(sp_radius_queue_take(&queue, &what, 0));
	what.status = SP_IPC_ACCOUNT_STOP;
	for (what.id = 1; sp_radius_queue_take(&queue, &what, 0); what.id++)
		stops++;
	assert_int_equal(stops, SP_RADIUS_JOBS);
	/* never more than so many at once */
	sp_radius_queue_attend(&queue, 0);
	stops = 0;
	while (serve(0, false, SECRET))
		stops++;
	assert_int_equal(stops, SP_RADIUS_OUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gigawords),
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_causes),
		cmocka_unit_test(test_start_says_no_usage),
		cmocka_unit_test(test_mutilated_classes),
		cmocka_unit_test_setup_teardown(test_confirmed, begin, end),
		cmocka_unit_test_setup_teardown(test_liar, begin, end),
		cmocka_unit_test_setup_teardown(test_failover, begin, end),
		cmocka_unit_test_setup_teardown(test_patience, begin, end),
		cmocka_unit_test_setup_teardown(test_refused, begin, end),
		cmocka_unit_test_setup_teardown(test_room, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
