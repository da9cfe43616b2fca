// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Towards the clients: what is counted to whom, and what a client without a session still gets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <netinet/in.h>

#include <cmocka.h>

#include "run.h"
#include "rows.h"

#define ACK 0x10
#define MF  0x2000

#define AUTHORIZED_CLIENT 3
#define BLOCKED_CLIENT    4
#define EXPIRED_CLIENT    5
#define CAPTIVE_CLIENT    2

/* .captive: what becomes of it when the gateway forwards it to a captive client. */
static const struct sp_sample forwarded[] = {
	{"web page", V4("10.86.0.2", "10.85.0.2"), TCP(80, 40000, ACK), .payload = 500,
         .captive = R(DOWN_CAPTIVE)},
	{"web page, IPv6", V6("fd86::2", "fd85::2"), TCP(443, 40000, ACK), .payload = 500,
         .captive = R(DOWN_CAPTIVE)},
	{"UDP", V4("10.86.0.2", "10.85.0.2"), UDP(443, 40000), .captive = R(DOWN_CAPTIVE)},
	{"ping reply", V4("10.86.0.2", "10.85.0.2"), ICMP(0), .captive = R(DOWN_CAPTIVE)},
	{"ping reply, IPv6", V6("fd86::2", "fd85::2"), ICMP6(129), .captive = R(DOWN_CAPTIVE)},
	{"GRE", V4("10.86.0.2", "10.85.0.2"), .protocol = IPPROTO_GRE, .payload = 40,
         .captive = R(DOWN_CAPTIVE)},
	{"unknown ethertype", .ethertype = 0x88cc, .body = "02 07 04", .captive = R(DOWN_CAPTIVE)},
	{"ARP", .ethertype = 0x0806, .type = 2, .from = "10.85.0.1", .to = "10.85.0.2",
         .captive = R(DOWN_SERVICE)},
	{"EAPOL", .ethertype = 0x888e, .body = "02 01 00 00", .captive = R(DOWN_SERVICE)},
	{"DNS answer", V4("9.9.9.9", "10.85.0.2"), UDP(53, 40000), .captive = R(DOWN_SERVICE)},
	{"DNS answer, TCP", V4("9.9.9.9", "10.85.0.2"), TCP(53, 40000, ACK),
         .captive = R(DOWN_SERVICE)},
	{"DNS answer, IPv6", V6("2620:fe::fe", "fd85::2"), UDP(53, 40000),
         .captive = R(DOWN_SERVICE)},
	{"DNS answer from somebody else", V4("10.86.0.2", "10.85.0.2"), UDP(53, 40000),
         .captive = R(DOWN_CAPTIVE)},
	{"resolver, other port", V4("9.9.9.9", "10.85.0.2"), UDP(443, 40000),
         .captive = R(DOWN_CAPTIVE)},
	{"DNS answer, first fragment", V4("9.9.9.9", "10.85.0.2"), UDP(53, 40000), .fragment = MF,
         .captive = R(DOWN_CAPTIVE)},
	{"DNS answer, later fragment", V4("9.9.9.9", "10.85.0.2"), UDP(53, 40000), .fragment = 3,
         .captive = R(DOWN_CAPTIVE)},
	{"portal elsewhere on the network", V4("10.85.0.1", "10.85.0.2"), TCP(8080, 40000, ACK),
         .captive = R(DOWN_SERVICE)},
	{"portal by HTTPS", V4("10.85.0.1", "10.85.0.2"), TCP(443, 40000, ACK),
         .captive = R(DOWN_SERVICE)},
	{"HTTPS of somebody else", V4("10.86.0.2", "10.85.0.2"), TCP(443, 40000, ACK),
         .captive = R(DOWN_CAPTIVE)},
	{"portal port of somebody else", V4("10.86.0.2", "10.85.0.2"), TCP(8080, 40000, ACK),
         .captive = R(DOWN_CAPTIVE)},
	{"portal, UDP", V4("10.85.0.1", "10.85.0.2"), UDP(8080, 40000), .captive = R(DOWN_CAPTIVE)},
	{"DHCP offer", V4("10.85.0.9", "10.85.0.2"), UDP(67, 68), .captive = R(DOWN_SERVICE)},
	{"DHCP ports swapped", V4("10.85.0.9", "10.85.0.2"), UDP(68, 67),
         .captive = R(DOWN_CAPTIVE)},
	{"DHCPv6 reply", V6("fe80::9", "fe80::2"), UDP(547, 546), .captive = R(DOWN_SERVICE)},
	{"DHCPv6 reply from the Internet", V6("fd86::2", "fd85::2"), UDP(547, 546),
         .captive = R(DOWN_CAPTIVE)},
	{"neighbour advertisement", V6("fe80::9", "fe80::2"), ND(136, "fe80::9"),
         .captive = R(DOWN_SERVICE)},
	{"router advertisement", V6("fe80::9", "fe80::2"), ICMP6(134), .captive = R(DOWN_SERVICE)},
	{"neighbour solicitation of a resolver", V6("2620:fe::fe", "fd85::2"), ND(135, "fd85::2"),
         .captive = R(DOWN_SERVICE)},
	{"neighbour solicitation from the Internet", V6("fd86::2", "fd85::2"), ND(135, "fd85::2"),
         .captive = R(DOWN_CAPTIVE)},
	{"redirect", V6("fe80::9", "fe80::2"), ND(137, "fd86::2"), .captive = R(DOWN_CAPTIVE)},
	{"MLD query", V6("fe80::9", "ff02::1"), ICMP6(130), .captive = R(DOWN_SERVICE)},
	{"MLD query to one host", V6("fd86::2", "fd85::2"), ICMP6(130), .captive = R(DOWN_CAPTIVE)},
	{},
};

static const struct sp_run by_forwarding = {.ingress_ifindex = 1};
static const struct sp_run by_gateway = {.ingress_ifindex = 0};

static struct sp_bench *open_with_clients(void)
{
	struct sp_client_policy policy = {.state = SP_CLIENT_AUTHORIZED, .generation = 1};
	struct sp_bench *bench = sp_bench_open(true, NULL);
	uint8_t mac[6];

	for (uint16_t vlan = 0; vlan <= 5; vlan += 5) {
		policy.state = SP_CLIENT_AUTHORIZED;
		policy.limits = 0;
		policy.slot = vlan ? 1 : 0;
		sp_test_mac(mac, AUTHORIZED_CLIENT);
		sp_bench_grant(bench, mac, vlan, &policy);
		policy.slot = 2;
		policy.limits = SP_LIMIT_EXPIRES;
		sp_test_mac(mac, EXPIRED_CLIENT);
		sp_bench_grant(bench, mac, vlan, &policy);
		policy.state = SP_CLIENT_BLOCKED;
		sp_test_mac(mac, BLOCKED_CLIENT);
		sp_bench_grant(bench, mac, vlan, &policy);
	}
	return bench;
}

static void build(const struct sp_sample *sample, uint8_t client, uint8_t tags,
                  struct sp_frame_bytes *frame)
{
	struct sp_ether ether = {.tags = tags, .tag = {{0x8100, 5}, {0x8100, 6}, {0x8100, 7}}};

	memcpy(ether.from, sp_test_gateway_mac, 6);
	sp_test_mac(ether.to, client);
	sp_packet_build(sample, &ether, frame);
}

static void check(struct sp_bench *bench, const struct sp_frame_bytes *frame,
                  const struct sp_run *run, const char *name, enum sp_reason wanted)
{
	uint64_t bytes = frame->ip_bytes ? frame->ip_bytes : frame->length - frame->network;
	struct sp_outcome outcome;

	sp_bench_run(bench, SP_OUT, frame, run, &outcome);
	if (outcome.reason != wanted)
		fail_msg("%s: %s instead of %s", name, sp_reason_label(outcome.reason),
		         sp_reason_label(wanted));
	if (outcome.packets != 1 || (wanted != SP_REASON_DOWN_MALFORMED && outcome.bytes != bytes))
		fail_msg("%s: counted %llu packets, %llu bytes instead of %llu", name,
		         (unsigned long long)outcome.packets, (unsigned long long)outcome.bytes,
		         (unsigned long long)bytes);
}

static void forwarded_packets(void **unused)
{
	struct sp_bench *bench = open_with_clients();
	struct sp_frame_bytes frame;

	(void)unused;
	for (const struct sp_sample *sample = forwarded; sample->name; sample++) {
		for (uint8_t tags = 0; tags < 3; tags++) {
			build(sample, CAPTIVE_CLIENT, tags, &frame);
			check(bench, &frame, &by_forwarding, sample->name, sample->captive);
			build(sample, EXPIRED_CLIENT, tags, &frame);
			check(bench, &frame, &by_forwarding, sample->name, sample->captive);
			build(sample, BLOCKED_CLIENT, tags, &frame);
			check(bench, &frame, &by_forwarding, sample->name, R(DOWN_BLOCKED));
		}
	}
}

static void packets_of_the_gateway_itself(void **unused)
{
	struct sp_bench *bench = open_with_clients();
	struct sp_frame_bytes frame;

	(void)unused;
	for (const struct sp_sample *sample = forwarded; sample->name; sample++) {
		for (uint8_t tags = 0; tags < 3; tags++) {
			build(sample, CAPTIVE_CLIENT, tags, &frame);
			check(bench, &frame, &by_gateway, sample->name, R(DOWN_LOCAL));
			build(sample, EXPIRED_CLIENT, tags, &frame);
			check(bench, &frame, &by_gateway, sample->name, R(DOWN_LOCAL));
			build(sample, BLOCKED_CLIENT, tags, &frame);
			check(bench, &frame, &by_gateway, sample->name, R(DOWN_BLOCKED));
		}
	}
}

static void downloads_are_counted(void **unused)
{
	struct sp_bench *bench = open_with_clients();
	struct sp_frame_bytes frame;

	(void)unused;
	for (const struct sp_sample *sample = forwarded; sample->name; sample++) {
		for (uint8_t tags = 0; tags < 2; tags++) {
			struct sp_usage before = sp_bench_usage(bench, tags), after;

			build(sample, AUTHORIZED_CLIENT, tags, &frame);
			check(bench, &frame, &by_forwarding, sample->name, R(DOWN_AUTHORIZED));
			check(bench, &frame, &by_gateway, sample->name, R(DOWN_AUTHORIZED));
			after = sp_bench_usage(bench, tags);
			assert_int_equal(after.down_packets - before.down_packets, 2);
			assert_int_equal(after.down_bytes - before.down_bytes,
			                 2 * (frame.ip_bytes ? frame.ip_bytes
			                                     : frame.length - frame.network));
			assert_int_equal(after.up_packets, 0);
			assert_int_equal(after.up_generation, 0);
		}
	}
}

static void groups(void **unused)
{
	static const uint8_t to[][6] = {{255, 255, 255, 255, 255, 255},
	                                {0x33, 0x33, 0, 0, 0, 1},
	                                {1, 0, 0x5e, 0, 0, 1},
	                                {1, 0x80, 0xc2, 0, 0, 0}};
	struct sp_bench *bench = open_with_clients();
	struct sp_frame_bytes frame;

	(void)unused;
	for (size_t i = 0; i < sizeof(to) / sizeof(*to); i++) {
		build(&forwarded[0], CAPTIVE_CLIENT, (uint8_t)(i % 3), &frame);
		memcpy(frame.byte, to[i], 6);
		check(bench, &frame, &by_forwarding, "group", R(DOWN_GROUP));
		check(bench, &frame, &by_gateway, "group", R(DOWN_GROUP));
	}
}

static void malformed(void **unused)
{
	struct sp_bench *bench = open_with_clients();
	struct sp_frame_bytes frame;

	(void)unused;
	for (const struct sp_sample *sample = forwarded; sample->name; sample++) {
		build(sample, AUTHORIZED_CLIENT, 3, &frame);
		check(bench, &frame, &by_gateway, sample->name, R(DOWN_MALFORMED));
		build(sample, AUTHORIZED_CLIENT, 1, &frame);
		if (!sample->family)
			continue;
		for (size_t full = frame.length; frame.length > 14; frame.length--)
			if (frame.length < full)
				check(bench, &frame, &by_forwarding, sample->name,
				      R(DOWN_MALFORMED));
	}
}

/* A packet that stands for several: each has its own headers on the wire. */
static void check_segments(struct sp_bench *bench, enum sp_program program,
                           const struct sp_sample *sample, const struct sp_run *run,
                           uint64_t packets, uint64_t headers)
{
	struct sp_ether ether = {};
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;
	struct sp_usage before = sp_bench_usage(bench, 0), after;
	uint64_t bytes;

	sp_test_mac(program == SP_OUT ? ether.to : ether.from, AUTHORIZED_CLIENT);
	memcpy(program == SP_OUT ? ether.from : ether.to, sp_test_gateway_mac, 6);
	sp_packet_build(sample, &ether, &frame);
	bytes = frame.length - frame.network + (packets - 1) * headers;
	sp_bench_run(bench, program, &frame, run, &outcome);
	assert_int_equal(outcome.reason, program == SP_OUT ? R(DOWN_AUTHORIZED) : R(AUTHORIZED));
	assert_int_equal(outcome.packets, packets);
	assert_int_equal(outcome.bytes, bytes);
	after = sp_bench_usage(bench, 0);
	assert_int_equal(after.down_packets - before.down_packets, program == SP_OUT ? packets : 0);
	assert_int_equal(after.up_bytes - before.up_bytes, program == SP_OUT ? 0 : bytes);
}

static void segments(void **unused)
{
	const struct sp_run known = {.ingress_ifindex = 1, .gso_size = 1000, .gso_segs = 3};
	const struct sp_run unknown = {.ingress_ifindex = 1, .gso_size = 1000};
	const struct sp_sample tcp4 = {"TCP", V4("10.86.0.2", "10.85.0.2"), TCP(80, 40000, ACK),
	                               .payload = 3000};
	const struct sp_sample tcp6 = {
		"TCP, IPv6",       V6("fd86::2", "fd85::2"),   TCP(80, 40000, ACK),
		.chain_length = 1, .chain = {IPPROTO_DSTOPTS}, .payload = 3000};
	const struct sp_sample big4 = {"BIG TCP",           V4("10.86.0.2", "10.85.0.2"),
	                               TCP(80, 40000, ACK), .payload = 3000,
	                               .patches = 2,        .patch = {{2, 0}, {3, 0}}};
	const struct sp_sample big6 = {"BIG TCP, IPv6",     V6("fd86::2", "fd85::2"),
	                               TCP(80, 40000, ACK), .payload = 3000,
	                               .patches = 2,        .patch = {{4, 0}, {5, 0}}};
	struct sp_sample udp4 = {"UDP", V4("10.86.0.2", "10.85.0.2"), UDP(443, 40000)};
	struct sp_bench *bench = open_with_clients();

	(void)unused;
	udp4.payload = 2500;
	for (enum sp_program program = SP_IN; program <= SP_OUT; program++) {
		check_segments(bench, program, &tcp4, &known, 3, 40);
		check_segments(bench, program, &tcp4, &unknown, 3, 40);
		check_segments(bench, program, &tcp6, &known, 3, 68);
		check_segments(bench, program, &tcp6, &unknown, 3, 68);
		check_segments(bench, program, &udp4, &known, 3, 28);
		check_segments(bench, program, &udp4, &unknown, 3, 28);
		check_segments(bench, program, &big4, &known, 3, 40);
		check_segments(bench, program, &big6, &unknown, 3, 60);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forwarded_packets),
		cmocka_unit_test(groups),
		cmocka_unit_test(downloads_are_counted),
		cmocka_unit_test(malformed),
		cmocka_unit_test(segments),
		cmocka_unit_test(packets_of_the_gateway_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
