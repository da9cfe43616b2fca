// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The budgets of captive clients: each kind bites for its client and for all together, at its
 * number, comes back with time, and touches nobody else.
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

#include "lib/budgets.h"

#define SYN 0x02
#define ACK 0x10

#define BURST 3u

struct row {
	struct sp_sample sample;
	enum sp_budget_kind kind;
	enum sp_reason passes, own, total;
};

#define DNS_ROW                                                   \
	{                                                         \
		"DNS", V4("10.85.0.2", "9.9.9.9"), UDP(40000, 53) \
	}
#define SYN_ROW                                                           \
	{                                                                 \
		"HTTP", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 80, SYN) \
	}

/* What a refusal counts as: answered, or not when the answer could not be made. */
static const struct row rows[] = {
	{{"ARP", .ethertype = 0x0806, .type = 1, .from = "10.85.0.2", .to = "10.85.0.1"},
         SP_BUDGET_NEIGHBOUR,
         R(ARP),
         R(BUDGET_NEIGHBOUR),
         R(TOTAL_NEIGHBOUR)},
	{{"EAPOL", .ethertype = 0x888e, .body = "02 01 00 00"},
         SP_BUDGET_NEIGHBOUR,
         R(EAPOL),
         R(BUDGET_NEIGHBOUR),
         R(TOTAL_NEIGHBOUR)},
	{{"DHCP", V4("0.0.0.0", "255.255.255.255"), UDP(68, 67)},
         SP_BUDGET_NEIGHBOUR,
         R(DHCP),
         R(BUDGET_NEIGHBOUR),
         R(TOTAL_NEIGHBOUR)},
	{{"DHCPv6", V6("fe80::2", "ff02::1:2"), UDP(546, 547)},
         SP_BUDGET_NEIGHBOUR,
         R(DHCP),
         R(BUDGET_NEIGHBOUR),
         R(TOTAL_NEIGHBOUR)},
	{{"ND", V6("fe80::2", "ff02::1:ff00:1"), ND(135, "fe80::1")},
         SP_BUDGET_NEIGHBOUR,
         R(ND),
         R(BUDGET_NEIGHBOUR),
         R(TOTAL_NEIGHBOUR)},
	{{"MLD", V6("fe80::2", "ff02::16"), ICMP6(143)},
         SP_BUDGET_NEIGHBOUR,
         R(MLD),
         R(BUDGET_NEIGHBOUR),
         R(TOTAL_NEIGHBOUR)},
	{DNS_ROW, SP_BUDGET_DNS, R(DNS), R(BUDGET_DNS), R(TOTAL_DNS)},
	{{"DNS, IPv6", V6("fd85::2", "2620:fe::fe"), UDP(40000, 53)},
         SP_BUDGET_DNS,
         R(DNS),
         R(BUDGET_DNS),
         R(TOTAL_DNS)},
	{SYN_ROW, SP_BUDGET_HTTP, R(CAPTURED), R(BUDGET_HTTP), R(TOTAL_HTTP)},
	{{"HTTP, IPv6", V6("fd85::2", "fd86::2"), TCP(40000, 80, SYN)},
         SP_BUDGET_HTTP,
         R(CAPTURED),
         R(BUDGET_HTTP),
         R(TOTAL_HTTP)},
	{{"portal", V4("10.85.0.2", "10.85.0.1"), TCP(40000, SP_TEST_PORTAL_PORT, SYN)},
         SP_BUDGET_PORTAL,
         R(PORTAL),
         R(BUDGET_PORTAL),
         R(TOTAL_PORTAL)},
	{{"ping", V4("10.85.0.2", "10.85.0.1"), ICMP(8)},
         SP_BUDGET_ECHO,
         R(ECHO),
         R(BUDGET_ECHO),
         R(TOTAL_ECHO)},
	{{"ping, IPv6", V6("fd85::2", "fd85::1"), ICMP6(128)},
         SP_BUDGET_ECHO,
         R(ECHO),
         R(BUDGET_ECHO),
         R(TOTAL_ECHO)},
};

/* So slow that nothing comes back during a test. */
static struct sp_budget budget_of(enum sp_budget_kind kind, uint64_t rate, uint64_t burst)
{
	const struct sp_allowance allowance = {.rate = rate, .burst = burst};

	return sp_allowance_budget(kind, &allowance, sp_test_hz());
}

/* A jiffy of the slowest rate, once per 1000 s, is more than any test lasts. */
static struct sp_budget once(enum sp_budget_kind kind, uint64_t burst)
{
	struct sp_budget budget = budget_of(kind, 1, burst);

	budget.cost *= 1000;
	budget.depth *= 1000;
	return budget;
}

/* TC has no responder to hand captured HTTP to in a bench. */
static enum sp_reason passing(const struct row *row, enum sp_program program)
{
	return row->passes == SP_REASON_CAPTURED && program == SP_IN ? SP_REASON_NO_LISTENER
	                                                             : row->passes;
}

static void check_row(const struct row *row, enum sp_program program, bool own)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_settings settings = {.abi_version = SP_ABI_VERSION};

	print_message("%s: %s, budget of %s\n", sp_program_names[program], row->sample.name,
	              own ? "one" : "all");
	if (own)
		settings.client[row->kind] = once(row->kind, BURST);
	else
		settings.total[row->kind] = once(row->kind, BURST);
	sp_bench_settings(bench, &settings);
	for (unsigned i = 0; i < BURST; i++)
		assert_int_equal(sp_bench_send(bench, program, &row->sample, 2),
		                 passing(row, program));
	assert_int_equal(sp_bench_send(bench, program, &row->sample, 2),
	                 own ? row->own : row->total);
	/* Somebody else. For the portal it would be the same connection. */
	if (row->kind != SP_BUDGET_PORTAL)
		assert_int_equal(sp_bench_send(bench, program, &row->sample, 4),
		                 own ? passing(row, program) : row->total);
}

static void every_budget_bites(void **unused)
{
	(void)unused;
	for (enum sp_program program = SP_XDP; program <= SP_IN; program++) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			check_row(&rows[i], program, true);
			check_row(&rows[i], program, false);
		}
	}
}

/* A refusal that its budget does not pay for is a drop; what is never answered costs nothing. */
static void refusals(void **unused)
{
	static const struct sp_sample https = {"HTTPS", V4("10.85.0.2", "10.86.0.2"),
	                                       TCP(40000, 443, SYN)};
	static const struct sp_sample group = {"group", V4("10.85.0.2", "239.1.2.3"),
	                                       UDP(40000, 443)};
	struct sp_settings settings = {
		.refuse_tcp = SP_REFUSE_ANSWER,
		.refuse_udp = SP_REFUSE_ANSWER,
	};
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_count grown[SP_MAX_REASONS];
	struct sp_ether ether = {};
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;

	(void)unused;
	settings.client[SP_BUDGET_REFUSAL] = once(SP_BUDGET_REFUSAL, BURST);
	settings.total[SP_BUDGET_REFUSAL] = once(SP_BUDGET_REFUSAL, BURST + 1);
	sp_bench_settings(bench, &settings);
	memcpy(ether.to, sp_test_gateway_mac, 6);
	sp_test_mac(ether.from, 2);
	sp_packet_build(&https, &ether, &frame);
	for (unsigned i = 0; i < BURST; i++)
		sp_bench_run_only(bench, SP_XDP, &frame, NULL, &outcome);
	sp_bench_grown(bench, grown);
	assert_int_equal(sp_bench_send(bench, SP_XDP, &group, 2), SP_REASON_UDP);
	assert_int_equal(sp_bench_send(bench, SP_XDP, &https, 2), SP_REASON_BUDGET_REFUSAL);
	assert_int_equal(sp_bench_send(bench, SP_IN, &https, 2), SP_REASON_BUDGET_REFUSAL);
}

/* Unknown clients come in at a rate; the known ones do not notice. */
static void newcomers(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	static const struct sp_sample dns = DNS_ROW;
	struct sp_settings settings = {};

	(void)unused;
	settings.total[SP_BUDGET_GUEST] = once(SP_BUDGET_GUEST, BURST);
	sp_bench_settings(bench, &settings);
	for (uint8_t client = 10; client < 10 + BURST; client++)
		assert_int_equal(sp_bench_send(bench, SP_XDP, &dns, client), SP_REASON_DNS);
	assert_int_equal(sp_bench_send(bench, SP_XDP, &dns, 20), SP_REASON_TOTAL_GUEST);
	assert_int_equal(sp_bench_send(bench, SP_IN, &dns, 21), SP_REASON_TOTAL_GUEST);
	for (uint8_t client = 10; client < 10 + BURST; client++)
		assert_int_equal(sp_bench_send(bench, SP_XDP, &dns, client), SP_REASON_DNS);
}

/* A client over its own budget takes nothing from that of all. */
static void own_before_all(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	static const struct sp_sample dns = DNS_ROW;
	struct sp_settings settings = {};

	(void)unused;
	settings.client[SP_BUDGET_DNS] = once(SP_BUDGET_DNS, 1);
	settings.total[SP_BUDGET_DNS] = once(SP_BUDGET_DNS, 2);
	sp_bench_settings(bench, &settings);
	assert_int_equal(sp_bench_send(bench, SP_XDP, &dns, 2), SP_REASON_DNS);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(sp_bench_send(bench, SP_XDP, &dns, 2), SP_REASON_BUDGET_DNS);
	assert_int_equal(sp_bench_send(bench, SP_XDP, &dns, 4), SP_REASON_DNS);
	assert_int_equal(sp_bench_send(bench, SP_XDP, &dns, 5), SP_REASON_TOTAL_DNS);
}

static void dns_by_the_byte(void **unused)
{
	static const struct sp_sample large = {"large",
	                                       V4("10.85.0.2", "9.9.9.9"),
	                                       .protocol = IPPROTO_UDP,
	                                       .source_port = 40000,
	                                       .destination_port = 53,
	                                       .payload = 972};
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_settings settings = {};

	(void)unused;
	settings.client[SP_BUDGET_DNS_BYTES] = once(SP_BUDGET_DNS_BYTES, 2000);
	sp_bench_settings(bench, &settings);
	assert_int_equal(sp_bench_send(bench, SP_XDP, &large, 2), SP_REASON_DNS);
	assert_int_equal(sp_bench_send(bench, SP_XDP, &large, 2), SP_REASON_DNS);
	assert_int_equal(sp_bench_send(bench, SP_XDP, &large, 2), SP_REASON_BUDGET_DNS);
	settings.client[SP_BUDGET_DNS_BYTES] = (struct sp_budget){};
	settings.total[SP_BUDGET_DNS_BYTES] = once(SP_BUDGET_DNS_BYTES, 1000);
	sp_bench_settings(bench, &settings);
	assert_int_equal(sp_bench_send(bench, SP_XDP, &large, 4), SP_REASON_DNS);
	assert_int_equal(sp_bench_send(bench, SP_XDP, &large, 5), SP_REASON_TOTAL_DNS);
}

/* A connection is a SYN; what follows costs little, but not nothing. */
static void segments(void **unused)
{
	static const struct sp_sample later = {"segment", V4("10.85.0.2", "10.86.0.2"),
	                                       TCP(40000, 80, ACK)};
	struct sp_bench *bench = sp_bench_open(true, NULL);
	static const struct sp_sample syn = SYN_ROW;
	struct sp_settings settings = {};

	(void)unused;
	settings.client[SP_BUDGET_HTTP] = once(SP_BUDGET_HTTP, 2);
	sp_bench_settings(bench, &settings);
	assert_int_equal(sp_bench_send(bench, SP_XDP, &syn, 2), SP_REASON_CAPTURED);
	/* The second connection's worth. */
	for (unsigned i = 0; i < SP_BUDGET_SEGMENT; i++)
		assert_int_equal(sp_bench_send(bench, SP_XDP, &later, 2), SP_REASON_CAPTURED);
	assert_int_equal(sp_bench_send(bench, SP_XDP, &later, 2), SP_REASON_BUDGET_HTTP);
	assert_int_equal(sp_bench_send(bench, SP_XDP, &syn, 2), SP_REASON_BUDGET_HTTP);
}

static unsigned passed_in(struct sp_bench *bench, const struct sp_sample *sample, uint64_t jiffies)
{
	uint64_t end = sp_test_jiffies() + jiffies;
	unsigned count = 0;

	while (sp_test_jiffies() < end) {
		if (sp_bench_send(bench, SP_XDP, sample, 2) == SP_REASON_DNS)
			count++;
		usleep(1000);
	}
	return count;
}

/* 50 a second: 20 in 0.4 s, and the burst. */
static void it_comes_back(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	static const struct sp_sample dns = DNS_ROW;
	struct sp_settings settings = {};
	unsigned count;

	(void)unused;
	settings.client[SP_BUDGET_DNS] = budget_of(SP_BUDGET_DNS, 50, BURST);
	sp_bench_settings(bench, &settings);
	count = passed_in(bench, &dns, sp_test_hz() * 2 / 5);
	assert_in_range(count, 18, 20 + BURST + 1);
}

/* A session is not a captive client. */
static void sessions_pay_nothing(void **unused)
{
	const struct sp_client_policy policy = {.state = SP_CLIENT_AUTHORIZED, .generation = 1};
	struct sp_bench *bench = sp_bench_open(true, NULL);
	static const struct sp_sample dns = DNS_ROW;
	struct sp_client_key key;
	struct sp_settings settings = {};
	uint8_t mac[6];

	(void)unused;
	for (enum sp_budget_kind kind = 0; kind < SP_BUDGETS; kind++)
		settings.client[kind] = settings.total[kind] = once(kind, 1);
	sp_bench_settings(bench, &settings);
	sp_test_mac(mac, 3);
	sp_bench_grant(bench, mac, 0, &policy);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(sp_bench_send(bench, i % 2 ? SP_XDP : SP_IN, &dns, 3),
		                 SP_REASON_AUTHORIZED);
	assert_int_not_equal(bpf_map_get_next_key(sp_bench_map(bench, "guests"), NULL, &key), 0);
}

/* Random addresses push out other captive clients at most. */
static void a_crowd_leaves_sessions_alone(void **unused)
{
	const struct sp_client_policy policy = {.state = SP_CLIENT_AUTHORIZED, .generation = 1};
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_count grown[SP_MAX_REASONS];
	struct sp_sample dns = DNS_ROW;
	struct sp_ether ether = {};
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;
	uint8_t mac[6];

	(void)unused;
	sp_test_mac(mac, 3);
	sp_bench_grant(bench, mac, 0, &policy);
	memcpy(ether.to, sp_test_gateway_mac, 6);
	for (uint32_t i = 0; i < sp_test_times(100000); i++) {
		const uint8_t from[6] = {0x06,      0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
		                         (uint8_t)i};

		memcpy(ether.from, from, 6);
		sp_packet_build(&dns, &ether, &frame);
		sp_bench_run_only(bench, SP_XDP, &frame, NULL, &outcome);
	}
	sp_bench_grown(bench, grown);
	assert_int_equal(sp_bench_send(bench, SP_IN, &dns, 3), SP_REASON_AUTHORIZED);
}

static void the_gate_is_open(void **unused)
{
	const struct sp_client_policy blocked = {.state = SP_CLIENT_BLOCKED, .generation = 1};
	static const struct sp_sample web = {"web", V4("10.85.0.2", "10.86.0.2"),
	                                     TCP(40000, 443, SYN)};
	static const struct sp_sample guard = {"advertisement", V6("fe80::2", "ff02::1"),
	                                       ICMP6(134)};
	static const struct sp_sample portal = {"portal", V4("10.85.0.2", "10.85.0.1"),
	                                        TCP(40000, SP_TEST_PORTAL_PORT, SYN)};
	const struct sp_settings settings = {.bypass = 1};
	struct sp_bench *bench = sp_bench_open(true, NULL);
	uint8_t mac[6];

	(void)unused;
	sp_test_mac(mac, 4);
	sp_bench_grant(bench, mac, 0, &blocked);
	sp_bench_settings(bench, &settings);
	for (enum sp_program program = SP_XDP; program <= SP_IN; program++) {
		assert_int_equal(sp_bench_send(bench, program, &web, 2), SP_REASON_BYPASS);
		assert_int_equal(sp_bench_send(bench, program, &web, 4), SP_REASON_BLOCKED);
		assert_int_equal(sp_bench_send(bench, program, &guard, 2), SP_REASON_GUARD_RA);
		assert_int_equal(sp_bench_send(bench, program, &portal, 2), SP_REASON_PORTAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_budget_bites),
		cmocka_unit_test(refusals),
		cmocka_unit_test(newcomers),
		cmocka_unit_test(own_before_all),
		cmocka_unit_test(dns_by_the_byte),
		cmocka_unit_test(segments),
		cmocka_unit_test(it_comes_back),
		cmocka_unit_test(sessions_pay_nothing),
		cmocka_unit_test(the_gate_is_open),
		/* The last: whom it leaves in `guests` would be forgotten one by one, for seconds.
	         */
		cmocka_unit_test(a_crowd_leaves_sessions_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
