// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the programs tell user space: which event, about whom, and not more often than is of use.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "run.h"
#include "rows.h"

#define SYN 0x02
#define ACK 0x10

#define MOST 16

struct told {
	struct sp_event event[MOST];
	unsigned count;
};

static int take(void *context, void *data, size_t size)
{
	struct told *told = context;

	assert_int_equal(size, sizeof(struct sp_event));
	if (told->count < MOST)
		memcpy(&told->event[told->count], data, size);
	told->count++;
	return 0;
}

/* Everything that was told since this was last asked. */
static struct told hear(struct sp_bench *bench)
{
	struct told told = {};
	struct ring_buffer *ring =
		ring_buffer__new(sp_bench_map(bench, "events"), take, &told, NULL);

	assert_non_null(ring);
	assert_true(ring_buffer__consume(ring) >= 0);
	ring_buffer__free(ring);
	return told;
}

static struct sp_bench *quiet_bench(void)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);

	hear(bench);
	return bench;
}

static void expect(const struct told *told, enum sp_event_kind kind, enum sp_reason reason,
                   uint8_t client, const char *from)
{
	struct sp_address address = sp_packet_address(from);
	uint8_t mac[6];

	sp_test_mac(mac, client);
	assert_int_equal(told->count, 1);
	assert_int_equal(told->event[0].kind, kind);
	assert_int_equal(told->event[0].reason, reason);
	assert_memory_equal(told->event[0].client.mac, mac, 6);
	assert_memory_equal(&told->event[0].address, &address, sizeof(address));
	assert_in_range(sp_test_jiffies() - told->event[0].time, 0, 2 * sp_test_hz());
}

static const struct sp_sample dns = {"DNS", V4("10.85.0.2", "9.9.9.9"), UDP(40000, 53)};
static const struct sp_sample web = {"web", V4("10.85.0.2", "10.86.0.2"), UDP(40000, 443)};

static void a_new_client_once(void **unused)
{
	struct sp_bench *bench = quiet_bench();
	struct told told;

	(void)unused;
	for (unsigned i = 0; i < 3; i++)
		sp_bench_send(bench, i % 2 ? SP_IN : SP_XDP, &dns, 2);
	told = hear(bench);
	expect(&told, SP_EVENT_GUEST, SP_REASON_NONE, 2, "10.85.0.2");
	/* What is only dropped makes nobody known. */
	sp_bench_send(bench, SP_XDP, &web, 5);
	assert_int_equal(hear(bench).count, 0);
}

static void the_first_packet_of_a_session(void **unused)
{
	struct sp_client_policy policy = sp_test_session(7);
	struct sp_bench *bench = quiet_bench();
	struct told told;

	(void)unused;
	sp_bench_grant_to(bench, 3, &policy);
	for (unsigned i = 0; i < 3; i++)
		sp_bench_send(bench, SP_XDP, &web, 3);
	told = hear(bench);
	expect(&told, SP_EVENT_SESSION, SP_REASON_NONE, 3, "10.85.0.2");
	assert_int_equal(told.event[0].generation, 7);
	/* A changed limit is no new session, a new generation is one. */
	policy.limits = SP_LIMIT_QUOTA;
	policy.quota = 1u << 30;
	sp_bench_grant_to(bench, 3, &policy);
	sp_bench_send(bench, SP_IN, &web, 3);
	assert_int_equal(hear(bench).count, 0);
	policy.generation = 8;
	sp_bench_grant_to(bench, 3, &policy);
	sp_bench_send(bench, SP_IN, &web, 3);
	told = hear(bench);
	expect(&told, SP_EVENT_SESSION, SP_REASON_NONE, 3, "10.85.0.2");
}

/* Of both ends, whichever comes first, and once. */
static void check_end(const struct sp_client_policy *policy, enum sp_event_kind kind)
{
	static const struct sp_sample down = {"down", V4("10.86.0.2", "10.85.0.2"),
	                                      UDP(443, 40000)};
	const struct sp_run forwarded = {.ingress_ifindex = 1};
	struct sp_bench *bench = quiet_bench();
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;
	struct sp_ether ether = {};
	struct told told;

	sp_bench_grant_to(bench, 3, policy);
	sp_bench_send(bench, SP_XDP, &web, 3);
	told = hear(bench);
	expect(&told, kind, SP_REASON_NONE, 3, "10.85.0.2");
	assert_int_equal(told.event[0].generation, policy->generation);
	sp_bench_send(bench, SP_IN, &web, 3);
	memcpy(ether.from, sp_test_gateway_mac, 6);
	sp_test_mac(ether.to, 3);
	sp_packet_build(&down, &ether, &frame);
	sp_bench_run(bench, SP_OUT, &frame, &forwarded, &outcome);
	assert_int_equal(hear(bench).count, 0);
}

static void the_end_of_a_session(void **unused)
{
	struct sp_client_policy expired = sp_test_session(1), idle = sp_test_session(2),
				spent = sp_test_session(3);

	(void)unused;
	expired.limits = SP_LIMIT_EXPIRES;
	expired.expires = expired.granted;
	check_end(&expired, SP_EVENT_EXPIRED);
	idle.limits = SP_LIMIT_IDLE;
	idle.granted -= 2 * sp_test_hz();
	idle.idle = sp_test_hz();
	check_end(&idle, SP_EVENT_IDLE);
	spent.limits = SP_LIMIT_QUOTA;
	check_end(&spent, SP_EVENT_QUOTA);
}

static void a_clash_on_a_portal_connection(void **unused)
{
	static const struct sp_sample syn = {"SYN", V4("10.85.0.2", "10.85.0.1"),
	                                     TCP(40000, SP_TEST_PORTAL_PORT, SYN)};
	static const struct sp_sample data = {"data", V4("10.85.0.2", "10.85.0.1"),
	                                      TCP(40000, SP_TEST_PORTAL_PORT, ACK)};
	struct sp_bench *bench = quiet_bench();
	struct told told;

	(void)unused;
	sp_bench_send(bench, SP_XDP, &syn, 2);
	hear(bench);
	sp_bench_send(bench, SP_XDP, &data, 5);
	told = hear(bench);
	expect(&told, SP_EVENT_CLASH, SP_REASON_CLASH, 5, "10.85.0.2");
}

static struct sp_budget one_only(void)
{
	return (struct sp_budget){.cost = 1ull << 40, .depth = 1ull << 40};
}

static void floods(void **unused)
{
	struct sp_settings settings = {};
	struct sp_bench *bench = quiet_bench();
	struct told told;

	(void)unused;
	settings.client[SP_BUDGET_DNS] = one_only();
	sp_bench_settings(bench, &settings);
	sp_bench_send(bench, SP_XDP, &dns, 2);
	hear(bench);
	for (unsigned i = 0; i < 5; i++)
		sp_bench_send(bench, SP_XDP, &dns, 2);
	told = hear(bench);
	expect(&told, SP_EVENT_FLOOD, SP_REASON_BUDGET_DNS, 2, "10.85.0.2");
	settings.client[SP_BUDGET_DNS] = (struct sp_budget){};
	settings.total[SP_BUDGET_DNS] = one_only();
	sp_bench_settings(bench, &settings);
	sp_bench_send(bench, SP_XDP, &dns, 4);
	hear(bench);
	sp_bench_send(bench, SP_XDP, &dns, 4);
	told = hear(bench);
	expect(&told, SP_EVENT_CROWD, SP_REASON_TOTAL_DNS, 4, "10.85.0.2");
}

/* Events have a budget too; what is lost is counted. */
static void lost_events_are_counted(void **unused)
{
	const uint32_t kind = SP_TOTAL_OF_EVENT(SP_EVENT_GUEST);
	struct sp_bench *bench = quiet_bench();
	const struct sp_client_policy policy = sp_test_session(1);
	struct sp_settings settings = {};
	struct sp_total total;

	(void)unused;
	settings.total[SP_BUDGET_EVENT] = one_only();
	sp_bench_settings(bench, &settings);
	for (uint8_t client = 10; client < 15; client++)
		sp_bench_send(bench, SP_XDP, &dns, client);
	assert_int_equal(hear(bench).count, 1);
	assert_int_equal(bpf_map_lookup_elem(sp_bench_map(bench, "budgets"), &kind, &total), 0);
	assert_int_equal(total.refused, 4);
	/* Events of another kind have their own. */
	sp_bench_grant_to(bench, 3, &policy);
	sp_bench_send(bench, SP_XDP, &web, 3);
	assert_int_equal(hear(bench).count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_client_once),
		cmocka_unit_test(the_first_packet_of_a_session),
		cmocka_unit_test(the_end_of_a_session),
		cmocka_unit_test(a_clash_on_a_portal_connection),
		cmocka_unit_test(floods),
		cmocka_unit_test(lost_events_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
