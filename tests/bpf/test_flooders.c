// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Captive clients that are known to flood (bpf/flooder.h): for a jiffy nothing is looked up of
 * them. Nobody else is taken for one, each packet is counted, and who is let in waits no longer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "run.h"
#include "rows.h"

#define SYN 0x02
#define ACK 0x10

#define FLOODER 5
#define VLAN    7
#define MANY    1000000u /* packets of a flood: it lasts some jiffies */

static const struct sp_sample udp = {"UDP", V4("10.85.0.2", "10.86.0.2"), UDP(40000, 443)};
static const struct sp_sample udp6 = {"UDP, IPv6", V6("fd85::2", "fd86::2"), UDP(40000, 443)};
static const struct sp_sample dns = {"DNS", V4("10.85.0.2", "9.9.9.9"), UDP(40000, 53)};
static const struct sp_sample dns6 = {"DNS, IPv6", V6("fd85::2", "2620:fe::fe"), UDP(40000, 53)};
static const struct sp_sample other_dns = {"DNS to another resolver", V4("10.85.0.2", "10.85.0.1"),
                                           UDP(40000, 53)};
static const struct sp_sample no_dns = {"DNS to somebody else", V4("10.85.0.2", "8.8.8.8"),
                                        UDP(40000, 53)};
static const struct sp_sample syn = {"SYN", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 80, SYN)};
static const struct sp_sample segment = {"segment", V4("10.85.0.2", "10.86.0.2"),
                                         TCP(40000, 80, ACK)};
static const struct sp_sample portal = {"portal", V4("10.85.0.2", "10.85.0.1"),
                                        TCP(40000, SP_TEST_TLS_PORT, SYN)};
static const struct sp_sample server = {"DHCP server", V4("10.85.0.2", "10.86.0.2"), UDP(67, 68)};

/* A budget of so many units, and the next one in years. */
static struct sp_budget once(uint64_t units)
{
	return (struct sp_budget){.cost = 1ULL << 50, .depth = units << 50};
}

/* What is refused is answered; each budget has room for one packet, that of segments for two. */
static struct sp_bench *open_stingy(void)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_settings settings = {
		.refuse_tcp = SP_REFUSE_ANSWER,
		.refuse_udp = SP_REFUSE_ANSWER,
	};

	for (int kind = 0; kind < SP_BUDGETS; kind++)
		settings.client[kind] = once(1);
	settings.client[SP_BUDGET_DNS_BYTES] = (struct sp_budget){};
	settings.client[SP_BUDGET_HTTP] = once(SP_BUDGET_SEGMENT + 2);
	sp_bench_settings(bench, &settings);
	return bench;
}

static void expect(struct sp_bench *bench, const struct sp_sample *sample, uint8_t number,
                   enum sp_reason reason)
{
	const enum sp_reason found = sp_bench_send(bench, SP_XDP, sample, number);

	if (found != reason)
		fail_msg("%s of client %u: %s, expected %s", sample->name, number,
		         sp_reason_label(found), sp_reason_label(reason));
}

/* The first is paid for, the second is told of, from the third on it is a flood. */
static void begin(struct sp_bench *bench, const struct sp_sample *sample, uint8_t number,
                  enum sp_reason first, enum sp_reason then)
{
	expect(bench, sample, number, first);
	for (int i = 0; i < 3; i++)
		expect(bench, sample, number, then);
}

static void begin_udp(struct sp_bench *bench, uint8_t number)
{
	begin(bench, &udp, number, SP_REASON_UNREACHABLE, SP_REASON_BUDGET_REFUSAL);
}

/* Wait until what was noted holds no more. */
static void next_jiffy(void)
{
	const uint64_t now = sp_test_jiffies();

	while (sp_test_jiffies() == now)
		;
}

/* Where the datapath notes the client: as bpf/flooder.h computes it. */
static uint64_t cell_of(uint8_t number, uint16_t vlan)
{
	struct sp_client_key key = {.vlan = vlan};
	uint64_t client;

	sp_test_mac(key.mac, number);
	memcpy(&client, &key, sizeof(client));
	return client * 0x9e3779b97f4a7c15ULL >> (64 - SP_FLOODER_BITS);
}

static void every_packet_is_counted(void **unused)
{
	struct sp_bench *bench = open_stingy();
	struct sp_frame_bytes frame;
	uint64_t began;

	(void)unused;
	begin_udp(bench, FLOODER);
	began = sp_test_jiffies();
	sp_test_upload(&udp, FLOODER, &frame);
	sp_bench_repeat(bench->program[SP_XDP], &frame, MANY);
	assert_true(sp_test_jiffies() > began);
	assert_int_equal(sp_bench_guest(bench, FLOODER, 0).refused, 3 + MANY);
	assert_int_equal(sp_bench_guest(bench, FLOODER, 0).packets, 1);
}

/* What was counted is brought to the client with the first packet of a later jiffy. */
static void counts_come_home(void **unused)
{
	struct sp_bench *bench = open_stingy();
	struct sp_client_key key = {};
	struct sp_guest guest;

	(void)unused;
	sp_test_mac(key.mac, FLOODER);
	begin_udp(bench, FLOODER);
	next_jiffy();
	expect(bench, &udp, FLOODER, SP_REASON_BUDGET_REFUSAL);
	assert_int_equal(bpf_map_lookup_elem(sp_bench_map(bench, "guests"), &key, &guest), 0);
	assert_int_equal(guest.refused, 4);
}

/* What client @number sends on a VLAN. */
static enum sp_reason send_tagged(struct sp_bench *bench, uint8_t number, uint16_t vlan)
{
	struct sp_ether ether = {.tags = 1, .tag = {{.protocol = 0x8100, .vlan = vlan}}};
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;

	sp_test_mac(ether.from, number);
	memcpy(ether.to, sp_test_gateway_mac, 6);
	sp_packet_build(&udp, &ether, &frame);
	sp_bench_run(bench, SP_XDP, &frame, NULL, &outcome);
	return sp_outcome_reason(&outcome);
}

/* Two clients that have the same cell, in turn. */
static void clients_that_share_a_cell(void **unused)
{
	struct sp_bench *bench = open_stingy();
	uint16_t vlan = 1;

	(void)unused;
	while (vlan < SP_VLAN_MAX && cell_of(FLOODER, vlan) != cell_of(FLOODER, 0))
		vlan++;
	assert_int_equal(cell_of(FLOODER, vlan), cell_of(FLOODER, 0));
	begin_udp(bench, FLOODER);
	assert_int_equal(send_tagged(bench, FLOODER, vlan), SP_REASON_UNREACHABLE);
	for (int i = 0; i < 5; i++) {
		expect(bench, &udp, FLOODER, SP_REASON_BUDGET_REFUSAL);
		for (int j = 0; j < 3; j++)
			assert_int_equal(send_tagged(bench, FLOODER, vlan),
			                 SP_REASON_BUDGET_REFUSAL);
	}
	assert_int_equal(sp_bench_guest(bench, FLOODER, 0).refused, 3 + 5);
	assert_int_equal(sp_bench_guest(bench, FLOODER, vlan).refused, 15);
}

/* Whatever writes `clients`, it holds in the next jiffy. */
static void let_in_within_a_jiffy(void **unused)
{
	struct sp_bench *bench = open_stingy();
	const struct sp_client_policy policy = sp_test_session(7);

	(void)unused;
	begin_udp(bench, FLOODER);
	sp_bench_grant_to(bench, FLOODER, &policy);
	next_jiffy();
	expect(bench, &udp, FLOODER, SP_REASON_AUTHORIZED);
	expect(bench, &dns, FLOODER, SP_REASON_AUTHORIZED);
}

/* The same MAC on a VLAN is somebody else, and so is the next MAC. */
static void neighbours(void **unused)
{
	const struct sp_client_policy policy = sp_test_session(7);
	struct sp_bench *bench = open_stingy();
	uint8_t mac[6];

	(void)unused;
	sp_test_mac(mac, FLOODER);
	sp_bench_grant(bench, mac, VLAN, &policy);
	begin_udp(bench, FLOODER);
	assert_int_equal(send_tagged(bench, FLOODER, VLAN), SP_REASON_AUTHORIZED);
	begin_udp(bench, FLOODER + 1);
}

/* One budget that is used up says nothing of the others. */
static void each_budget_by_itself(void **unused)
{
	struct sp_bench *bench = open_stingy();

	(void)unused;
	begin(bench, &dns, FLOODER, SP_REASON_DNS, SP_REASON_BUDGET_DNS);
	begin(bench, &syn, FLOODER, SP_REASON_CAPTURED, SP_REASON_BUDGET_HTTP);
	/* There is not enough for a connection, but for two segments. */
	expect(bench, &segment, FLOODER, SP_REASON_CAPTURED);
	expect(bench, &segment, FLOODER, SP_REASON_CAPTURED);
	for (int i = 0; i < 3; i++)
		expect(bench, &segment, FLOODER, SP_REASON_BUDGET_HTTP);
	begin_udp(bench, FLOODER);
	expect(bench, &udp6, FLOODER, SP_REASON_BUDGET_REFUSAL);
	expect(bench, &portal, FLOODER, SP_REASON_PORTAL);
	expect(bench, &server, FLOODER, SP_REASON_GUARD_DHCP);
}

/* Which resolver is asked is no matter; whether it is one, is. */
static void resolvers(void **unused)
{
	struct sp_bench *bench = open_stingy();

	(void)unused;
	begin(bench, &dns, FLOODER, SP_REASON_DNS, SP_REASON_BUDGET_DNS);
	expect(bench, &no_dns, FLOODER, SP_REASON_UNREACHABLE);
	for (int i = 0; i < 3; i++) {
		expect(bench, &dns6, FLOODER, SP_REASON_BUDGET_DNS);
		expect(bench, &other_dns, FLOODER, SP_REASON_BUDGET_DNS);
		expect(bench, &no_dns, FLOODER, SP_REASON_BUDGET_REFUSAL);
		expect(bench, &dns, FLOODER, SP_REASON_BUDGET_DNS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_packet_is_counted),
		cmocka_unit_test(counts_come_home),
		cmocka_unit_test(clients_that_share_a_cell),
		cmocka_unit_test(let_in_within_a_jiffy),
		cmocka_unit_test(neighbours),
		cmocka_unit_test(each_budget_by_itself),
		cmocka_unit_test(resolvers),
	};

	return cmocka_run_group_tests(tests, sp_test_on_one_cpu, NULL);
}
