// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The route fast path, packet by packet: what is redirected and how it looks then, and what is left
 * to the stack untouched. Each frame here is the first one of its flow; test_flow.c has the next.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "rows.h"
#include "routed.h"
#include "run.h"

static const struct sp_sample up4 = {.name = "UDP", V4(ME4, "10.86.0.3"), UDP(40000, 443)};
static const struct sp_sample up6 = {.name = "UDP, IPv6", V6(ME6, "fd86::3"), UDP(40000, 443)};
static const struct sp_sample down4 = {.name = "answer", V4("9.0.0.9", ME4), TCP(443, 40000, 0x10)};
static const struct sp_sample down6 = {
	.name = "answer, IPv6", V6("2001:db8::9", ME6), TCP(443, 40000, 0x10)};

/* --- upload --- */

static const struct sp_sample routed[] = {
	{.name = "TCP", V4(ME4, "10.86.0.3"), TCP(40000, 443, 0x10)},
	{.name = "HTTP", V4(ME4, "10.86.0.3"), TCP(40000, 80, 2)},
	{.name = "by the default route", V4(ME4, "9.0.0.9"), UDP(40000, 53)},
	{.name = "TTL 2", V4(ME4, "9.0.0.9"), UDP(40000, 53), .hops = 2},
	{.name = "TTL 255", V4(ME4, "9.0.0.9"), UDP(40000, 53), .hops = 255},
	{.name = "ping", V4(ME4, "9.0.0.9"), ICMP(8)},
	{.name = "GRE", V4(ME4, "9.0.0.9"), .protocol = IPPROTO_GRE, .payload = 20},
	{.name = "first fragment", V4(ME4, "9.0.0.9"), UDP(40000, 443), .fragment = 0x2000},
	{.name = "later fragment", V4(ME4, "9.0.0.9"), UDP(40000, 443), .fragment = 100},
	{.name = "padded", V4(ME4, "9.0.0.9"), UDP(40000, 443), .padding = 18},
	{.name = "as long as the MTU", V4(ME4, "9.0.0.9"), LONG(1472)},
	{.name = "as long as the MTU of the route", V4(ME4, "10.99.0.9"), LONG(972)},
	{.name = "TCP, IPv6", V6(ME6, "2001:db8::9"), TCP(40000, 443, 0x10)},
	{.name = "hop limit 2", V6(ME6, "2001:db8::9"), UDP(40000, 53), .hops = 2},
	{.name = "ping, IPv6", V6(ME6, "2001:db8::9"), ICMP6(128)},
	{.name = "NAT64", V6(ME6, "64:ff9b::9.0.0.9"), UDP(40000, 53)},
	{.name = "IPv6 with destination options",
         V6(ME6, "2001:db8::9"),
         UDP(40000, 53),
         .chain_length = 1,
         .chain = {IPPROTO_DSTOPTS}},
	{.name = "IPv6 fragment",
         V6(ME6, "2001:db8::9"),
         UDP(40000, 53),
         .fragment = 100,
         .chain_length = 1,
         .chain = {IPPROTO_FRAGMENT}},
	{.name = "as long as the IPv6 MTU", V6(ME6, "fd99::9"), LONG(1352)},
};

static void uploads_are_routed(void **unused)
{
	struct sp_usage cell;
	uint64_t bytes = 0;
	struct sp_pass pass;

	(void)unused;
	for (size_t i = 0; i < sizeof(routed) / sizeof(*routed); i++) {
		sp_routed_up(&routed[i], AUTHORIZED_CLIENT, NULL, &pass);
		sp_routed_expect(&routed[i], NEXT_HOP, NULL, SP_REASON_ROUTED, &pass);
		bytes += pass.bytes;
	}
	cell = sp_bench_usage(sp_routed.bench, SLOT);
	assert_int_equal(cell.up_generation, GENERATION);
	assert_int_equal(cell.up_packets, sizeof(routed) / sizeof(*routed));
	assert_int_equal(cell.up_bytes, bytes);
	assert_int_equal(cell.ipv4, sp_packet_address(ME4).word[3]);
	assert_int_equal(cell.down_packets, 0);
}

static const struct sp_sample for_the_stack[] = {
	{.name = "TTL 1", V4(ME4, "9.0.0.9"), UDP(40000, 53), .hops = 1},
	{.name = "hop limit 1", V6(ME6, "2001:db8::9"), UDP(40000, 53), .hops = 1},
	{.name = "IPv4 options", V4(ME4, "9.0.0.9"), UDP(40000, 53), .options = 1},
	{.name = "hop-by-hop options",
         V6(ME6, "2001:db8::9"),
         UDP(40000, 53),
         .chain_length = 1,
         .chain = {IPPROTO_HOPOPTS}},
	{.name = "to the gateway", V4(ME4, "10.85.0.1"), UDP(40000, 53)},
	{.name = "to the gateway's other address", V4(ME4, "10.86.0.1"), UDP(40000, 53)},
	{.name = "to the gateway, IPv6", V6(ME6, "fd86::1"), UDP(40000, 53)},
	{.name = "to the gateway's link-local address", V6("fe80::3", "fe80::1"), UDP(40000, 53)},
	{.name = "from a link-local address", V6("fe80::3", "2001:db8::9"), UDP(40000, 53)},
	{.name = "to all hosts", V4(ME4, "255.255.255.255"), UDP(40000, 53)},
	{.name = "to the hosts of the network", V4(ME4, "10.86.0.255"), UDP(40000, 53)},
	{.name = "to a group", V4(ME4, "239.1.2.3"), UDP(40000, 53)},
	{.name = "to a group, IPv6", V6(ME6, "ff0e::1"), UDP(40000, 53)},
	{.name = "to 127/8", V4(ME4, "127.0.0.9"), UDP(40000, 53)},
	{.name = "to 0/8", V4(ME4, "0.0.0.9"), UDP(40000, 53)},
	{.name = "to 240/4", V4(ME4, "240.0.0.9"), UDP(40000, 53)},
	{.name = "to ::1", V6(ME6, "::1"), UDP(40000, 53)},
	{.name = "to an IPv4-mapped address", V6(ME6, "::ffff:9.0.0.9"), UDP(40000, 53)},
	{.name = "unreachable", V4(ME4, "10.98.0.9"), UDP(40000, 53)},
	{.name = "no neighbour", V4(ME4, "10.86.0.77"), UDP(40000, 53)},
	{.name = "no neighbour, IPv6", V6(ME6, "fd86::77"), UDP(40000, 53)},
	{.name = "longer than the MTU of the route", V4(ME4, "10.99.0.9"), LONG(973)},
	{.name = "longer than the IPv6 MTU", V6(ME6, "fd99::9"), LONG(1353)},
	{.name = "to an interface that is no port", V4(ME4, "10.90.0.3"), UDP(40000, 53)},
	{.name = "to an interface that is no port, IPv6", V6(ME6, "fd90::3"), UDP(40000, 53)},
	{.name = "back to the clients", V4(ME4, "10.85.0.2"), UDP(40000, 53)},
	{.name = "to other clients", V4(ME4, "10.84.0.3"), UDP(40000, 53)},
	{.name = "to tagged clients", V4(ME4, "10.88.0.3"), UDP(40000, 53)},
};

static void odd_uploads_are_the_stacks(void **unused)
{
	struct sp_pass pass;

	(void)unused;
	for (size_t i = 0; i < sizeof(for_the_stack) / sizeof(*for_the_stack); i++) {
		sp_routed_up(&for_the_stack[i], AUTHORIZED_CLIENT, NULL, &pass);
		sp_routed_expect_stack(&for_the_stack[i], AUTHORIZED_CLIENT, NULL,
		                       SP_REASON_AUTHORIZED, &pass);
		assert_int_equal(pass.meta, sizeof(struct sp_meta));
	}
}

/* Bridged: to the MAC of another host, which is authorized traffic and not the gateway's. */
static void frames_to_others_are_bridged(void **unused)
{
	struct sp_ether ether = {};
	struct sp_frame_bytes frame;
	struct sp_pass pass;

	(void)unused;
	sp_test_mac(ether.to, NEXT_HOP);
	sp_test_mac(ether.from, AUTHORIZED_CLIENT);
	sp_packet_build(&up4, &ether, &frame);
	sp_routed_run(sp_routed.bench->program[SP_XDP], sp_routed.lan0, &frame, &pass);
	assert_int_equal(pass.action, XDP_PASS);
	assert_int_equal(pass.reason, SP_REASON_AUTHORIZED);
}

static void only_the_authorized_are_routed(void **unused)
{
	struct sp_pass pass;

	(void)unused;
	sp_routed_up(&up4, CAPTIVE_CLIENT, NULL, &pass);
	assert_int_equal(pass.action, XDP_DROP);
	assert_int_equal(pass.reason, SP_REASON_UDP);
	sp_routed_up(&up4, BLOCKED_CLIENT, NULL, &pass);
	assert_int_equal(pass.reason, SP_REASON_BLOCKED);
	sp_routed_grant(
		AUTHORIZED_CLIENT, 0,
		(struct sp_client_policy){.slot = SLOT, .limits = SP_LIMIT_EXPIRES, .expires = 1});
	sp_routed_up(&up4, AUTHORIZED_CLIENT, NULL, &pass);
	assert_int_equal(pass.reason, SP_REASON_UDP);
}

static void stack_mode_routes_nothing(void **unused)
{
	struct sp_pass pass;

	(void)unused;
	sp_routed_zones(0);
	sp_routed_up(&up4, AUTHORIZED_CLIENT, NULL, &pass);
	sp_routed_expect_stack(&up4, AUTHORIZED_CLIENT, NULL, SP_REASON_AUTHORIZED, &pass);
	sp_routed_down(&down4, NULL, &pass);
	sp_routed_expect_stack(&down4, NEXT_HOP, NULL, SP_REASON_NONE, &pass);
}

/* A frame is rewritten only when its port is there. */
static void a_port_that_is_gone_is_the_stacks(void **unused)
{
	const uint32_t client_side = sp_routed.lan0 | SP_PORT_CLIENT;
	struct sp_pass pass;

	(void)unused;
	sp_routed_take("ports", &sp_routed.wan0);
	sp_routed_up(&up4, AUTHORIZED_CLIENT, NULL, &pass);
	sp_routed_expect_stack(&up4, AUTHORIZED_CLIENT, NULL, SP_REASON_AUTHORIZED, &pass);
	sp_routed_take("ports", &client_side);
	sp_routed_down(&down4, NULL, &pass);
	sp_routed_expect_stack(&down4, NEXT_HOP, NULL, SP_REASON_UPLINK, &pass);
}

static void rates_hold(void **unused)
{
	struct sp_pass pass;

	(void)unused;
	sp_routed_grant(AUTHORIZED_CLIENT, 0,
	                (struct sp_client_policy){.slot = SLOT,
	                                          .limits = SP_LIMIT_RATE_UP | SP_LIMIT_RATE_DOWN,
	                                          .rate_up = 8000,
	                                          .rate_down = 8000});
	sp_routed_up(&up4, AUTHORIZED_CLIENT, NULL, &pass);
	sp_routed_expect(&up4, NEXT_HOP, NULL, SP_REASON_ROUTED, &pass);
	sp_routed_up(&up4, AUTHORIZED_CLIENT, NULL, &pass);
	assert_int_equal(pass.action, XDP_DROP);
	assert_int_equal(pass.reason, SP_REASON_RATE_UP);
	sp_routed_down(&down4, NULL, &pass);
	sp_routed_expect(&down4, AUTHORIZED_CLIENT, NULL, SP_REASON_DOWN_ROUTED, &pass);
	sp_routed_down(&down4, NULL, &pass);
	assert_int_equal(pass.action, XDP_DROP);
	assert_int_equal(pass.reason, SP_REASON_RATE_DOWN);
}

/* --- where it comes from --- */

static const struct sp_sample strays[] = {
	{.name = "from the Internet", V4("9.0.0.9", "10.86.0.3"), UDP(40000, 443)},
	{.name = "from the uplink's network", V4("10.86.0.9", "9.0.0.9"), UDP(40000, 443)},
	{.name = "from the gateway", V4("10.85.0.1", "9.0.0.9"), UDP(40000, 443)},
	{.name = "from 127/8", V4("127.0.0.1", "9.0.0.9"), UDP(40000, 443)},
	{.name = "from 0.0.0.0", V4("0.0.0.0", "9.0.0.9"), UDP(40000, 443)},
	{.name = "from a group", V4("224.0.0.1", "9.0.0.9"), UDP(40000, 443)},
	{.name = "from all hosts", V4("255.255.255.255", "9.0.0.9"), UDP(40000, 443)},
	{.name = "from the Internet, IPv6", V6("2001:db8::7", "fd86::3"), UDP(40000, 443)},
	{.name = "from ::", V6("::", "fd86::3"), UDP(40000, 443)},
	{.name = "from a group, IPv6", V6("ff02::1", "fd86::3"), UDP(40000, 443)},
	{.name = "from ::1", V6("::1", "fd86::3"), UDP(40000, 443)},
};

/* Twice, because the address of the first could have been remembered. */
static void stray_sources_are_the_stacks(void **unused)
{
	struct sp_pass pass;

	(void)unused;
	sp_routed_up(&up4, AUTHORIZED_CLIENT, NULL, &pass);
	sp_routed_up(&up6, AUTHORIZED_CLIENT, NULL, &pass);
	for (size_t i = 0; i < 2 * sizeof(strays) / sizeof(*strays); i++) {
		sp_routed_up(&strays[i / 2], AUTHORIZED_CLIENT, NULL, &pass);
		sp_routed_expect_stack(&strays[i / 2], AUTHORIZED_CLIENT, NULL,
		                       SP_REASON_AUTHORIZED, &pass);
		assert_int_equal(sp_bench_usage(sp_routed.bench, SLOT).ipv4,
		                 sp_packet_address(ME4).word[3]);
	}
	sp_routed_up(&up4, AUTHORIZED_CLIENT, NULL, &pass);
	sp_routed_expect(&up4, NEXT_HOP, NULL, SP_REASON_ROUTED, &pass);
}

/* What goes to the portal or runs out of hops does not make a source good either. */
static void no_detour_makes_a_source_good(void **unused)
{
	static const struct sp_sample detours[] = {
		{.name = "to the portal", V4("9.0.0.9", "10.85.0.1"), TCP(40000, 8080, 2)},
		{.name = "TTL 1", V4("9.0.0.9", "10.86.0.3"), UDP(40000, 443), .hops = 1},
	};
	struct sp_pass pass;

	(void)unused;
	for (size_t i = 0; i < sizeof(detours) / sizeof(*detours); i++) {
		sp_routed_up(&detours[i], AUTHORIZED_CLIENT, NULL, &pass);
		assert_int_equal(pass.action, XDP_PASS);
		sp_routed_up(&strays[0], AUTHORIZED_CLIENT, NULL, &pass);
		sp_routed_expect_stack(&strays[0], AUTHORIZED_CLIENT, NULL, SP_REASON_AUTHORIZED,
		                       &pass);
	}
	assert_int_equal(sp_bench_usage(sp_routed.bench, SLOT).ipv4, 0);
}

/* The address in a cell of an earlier session was another client's. */
static void the_last_session_vouches_for_nothing(void **unused)
{
	const struct sp_usage cell = {.up_generation = GENERATION - 1,
	                              .ipv4 = sp_packet_address("9.0.0.9").word[3]};
	struct sp_pass pass;

	(void)unused;
	sp_bench_usage_set(sp_routed.bench, SLOT, &cell);
	sp_routed_up(&strays[0], AUTHORIZED_CLIENT, NULL, &pass);
	sp_routed_expect_stack(&strays[0], AUTHORIZED_CLIENT, NULL, SP_REASON_AUTHORIZED, &pass);
}

/* --- tags --- */

static void tags_are_the_links(void **unused)
{
	static const struct sp_tag in = {IN_TAG}, out = {OUT_TAG};
	static const struct sp_sample samples[][2] = {
		{{.name = "to untagged", V4("10.88.0.3", "10.86.0.3"), UDP(40000, 443)},
	         {.name = "to tagged", V4("10.88.0.3", "10.89.0.3"), UDP(40000, 443)}},
		{{.name = "to untagged, IPv6", V6("fd88::3", "fd86::3"), UDP(40000, 443)},
	         {.name = "to tagged, IPv6", V6("fd88::3", "fd89::3"), UDP(40000, 443)}},
	};
	static const struct sp_sample push[] = {
		{.name = "push", V4(ME4, "10.89.0.3"), UDP(40000, 443)},
		{.name = "push, IPv6", V6(ME6, "fd89::3"), UDP(40000, 443)},
	};
	struct sp_pass pass;

	(void)unused;
	for (size_t i = 0; i < 2; i++) {
		sp_routed_up(&samples[i][0], TAGGED_CLIENT, &in, &pass);
		sp_routed_expect(&samples[i][0], NEXT_HOP, NULL, SP_REASON_ROUTED, &pass);
		sp_routed_up(&samples[i][1], TAGGED_CLIENT, &in, &pass);
		sp_routed_expect(&samples[i][1], NEXT_HOP, &out, SP_REASON_ROUTED, &pass);
		sp_routed_up(&push[i], AUTHORIZED_CLIENT, NULL, &pass);
		sp_routed_expect(&push[i], NEXT_HOP, &out, SP_REASON_ROUTED, &pass);
	}
	assert_int_equal(sp_bench_usage(sp_routed.bench, TAGGED_SLOT).up_packets, 4);
}

static void tags_of_downloads(void **unused)
{
	static const struct sp_tag in = {IN_TAG}, out = {OUT_TAG};
	static const struct sp_sample to_tagged = {
		.name = "to tagged", V4("9.0.0.9", "10.88.0.3"), UDP(443, 40000)};
	struct sp_pass pass;

	(void)unused;
	sp_routed_down(&to_tagged, NULL, &pass);
	sp_routed_expect(&to_tagged, TAGGED_CLIENT, &in, SP_REASON_DOWN_ROUTED, &pass);
	sp_routed_down(&to_tagged, &out, &pass);
	sp_routed_expect(&to_tagged, TAGGED_CLIENT, &in, SP_REASON_DOWN_ROUTED, &pass);
	sp_routed_down(&down4, &out, &pass);
	sp_routed_expect(&down4, AUTHORIZED_CLIENT, NULL, SP_REASON_DOWN_ROUTED, &pass);
	assert_int_equal(sp_bench_usage(sp_routed.bench, TAGGED_SLOT).down_packets, 2);
	assert_int_equal(sp_bench_usage(sp_routed.bench, SLOT).down_packets, 1);
}

static void set_zones(uint32_t zones, uint32_t routes)
{
	const struct sp_settings settings = {.abi_version = SP_ABI_VERSION,
	                                     .zones = zones,
	                                     .route_zones = routes,
	                                     .changes = routes};
	const uint32_t zero = 0;

	sp_routed_put("settings", &zero, &settings);
}

/* Both directions go the way of the client's zone. */
static void each_zone_goes_its_way(void **unused)
{
	static const struct sp_tag tag = {IN_TAG};
	const struct sp_zone_key tagged = {.ifindex = sp_routed.lan0, .vlan = 5};
	const struct sp_zone_key whole = {.ifindex = sp_routed.lan0, .whole = 1};
	static const struct sp_sample tagged4 = {
		.name = "tagged", V4("10.88.0.3", "10.86.0.3"), UDP(40000, 443)};
	static const struct sp_sample down_tagged4 = {
		.name = "to tagged", V4("9.0.0.9", "10.88.0.3"), UDP(443, 40000)};
	uint32_t one = 1, two = 2;
	struct sp_pass pass;

	(void)unused;
	sp_routed_put("zones", &tagged, &one);
	sp_routed_put("zones", &whole, &two);
	for (uint32_t routes = 0; routes < 8; routes++) {
		set_zones(2, routes);
		sp_routed_up(&up4, AUTHORIZED_CLIENT, NULL, &pass);
		assert_int_equal(pass.action, routes & 4 ? XDP_REDIRECT : XDP_PASS);
		sp_routed_down(&down4, NULL, &pass);
		assert_int_equal(pass.action, routes & 4 ? XDP_REDIRECT : XDP_PASS);
		sp_routed_up(&tagged4, TAGGED_CLIENT, &tag, &pass);
		assert_int_equal(pass.action, routes & 2 ? XDP_REDIRECT : XDP_PASS);
		sp_routed_down(&down_tagged4, NULL, &pass);
		assert_int_equal(pass.action, routes & 2 ? XDP_REDIRECT : XDP_PASS);
	}
}

static void unknown_tags_are_the_stacks(void **unused)
{
	static const struct sp_tag rows[] = {{0x88a8, 5}, {0x8100, 6}, {0x8100, 0}};
	struct sp_ether ether = {.tags = 2, .tag = {{IN_TAG}, {0x8100, 6}}};
	struct sp_frame_bytes frame;
	struct sp_pass pass;

	(void)unused;
	sp_routed_grant(AUTHORIZED_CLIENT, 5, (struct sp_client_policy){.slot = SLOT});
	sp_routed_grant(AUTHORIZED_CLIENT, 6, (struct sp_client_policy){.slot = SLOT});
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		sp_routed_up(&up4, AUTHORIZED_CLIENT, &rows[i], &pass);
		sp_routed_expect_stack(&up4, AUTHORIZED_CLIENT, &rows[i], SP_REASON_AUTHORIZED,
		                       &pass);
		sp_routed_down(&down4, &rows[i], &pass);
		sp_routed_expect_stack(&down4, NEXT_HOP, &rows[i], SP_REASON_UPLINK, &pass);
	}
	memcpy(ether.to, sp_test_gateway_mac, 6);
	sp_test_mac(ether.from, AUTHORIZED_CLIENT);
	sp_packet_build(&up4, &ether, &frame);
	sp_routed_run(sp_routed.bench->program[SP_XDP], sp_routed.lan0, &frame, &pass);
	assert_int_equal(pass.action, XDP_PASS);
	assert_int_equal(pass.reason, SP_REASON_AUTHORIZED);
	sp_routed_run(sp_bench_uplink(sp_routed.bench), sp_routed.wan0, &frame, &pass);
	assert_int_equal(pass.action, XDP_PASS);
	assert_int_equal(pass.reason, SP_REASON_UPLINK);
}

/* --- download --- */

static void downloads_are_charged(void **unused)
{
	struct sp_usage cell;
	struct sp_pass pass;

	(void)unused;
	sp_routed_down(&down4, NULL, &pass);
	sp_routed_expect(&down4, AUTHORIZED_CLIENT, NULL, SP_REASON_DOWN_ROUTED, &pass);
	sp_routed_down(&down6, NULL, &pass);
	sp_routed_expect(&down6, AUTHORIZED_CLIENT, NULL, SP_REASON_DOWN_ROUTED, &pass);
	cell = sp_bench_usage(sp_routed.bench, SLOT);
	assert_int_equal(cell.down_generation, GENERATION);
	assert_int_equal(cell.down_packets, 2);
	assert_int_equal(cell.down_bytes, 40 + 60);
	assert_int_equal(cell.up_packets, 0);
}

static const struct sp_sample uplink_rows[] = {
	{.name = "to a captive client", V4("9.0.0.9", "10.85.0.2"), UDP(443, 40000)},
	{.name = "to a blocked client", V4("9.0.0.9", "10.85.0.4"), UDP(443, 40000)},
	{.name = "to the gateway", V4("9.0.0.9", "10.86.0.1"), UDP(443, 40000)},
	{.name = "to the gateway, IPv6", V6("2001:db8::9", "fd85::1"), UDP(443, 40000)},
	{.name = "to another uplink", V4("9.0.0.9", "10.87.0.3"), UDP(443, 40000)},
	{.name = "to another uplink's VLAN", V4("9.0.0.9", "10.89.0.3"), UDP(443, 40000)},
	{.name = "back where it came from", V4("9.0.0.9", "9.0.0.8"), UDP(443, 40000)},
	{.name = "to nobody", V4("9.0.0.9", "10.85.0.77"), UDP(443, 40000)},
	{.name = "TTL 1", V4("9.0.0.9", ME4), UDP(443, 40000), .hops = 1},
	{.name = "IPv4 options", V4("9.0.0.9", ME4), UDP(443, 40000), .options = 2},
	{.name = "as the gateway", V4("10.85.0.1", ME4), UDP(53, 40000)},
	{.name = "as the gateway, IPv6", V6("fd85::1", ME6), UDP(53, 40000)},
	{.name = "from 127/8", V4("127.0.0.1", ME4), UDP(443, 40000)},
	{.name = "from a group", V4("224.0.0.1", ME4), UDP(443, 40000)},
	{.name = "ARP", .ethertype = 0x0806, .type = 1, .from = "10.86.0.3", .to = "10.86.0.1"},
	{.name = "LLDP", .ethertype = 0x88cc, .body = "02 07 04 02 00 00 00 00 02 00 00"},
};

static void other_frames_of_an_uplink_are_the_stacks(void **unused)
{
	struct sp_pass pass;

	(void)unused;
	/* The MAC of a client counts only where clients are. */
	sp_routed_grant(NEXT_HOP, 0, (struct sp_client_policy){.slot = 4});
	sp_routed_grant(NEXT_HOP, 9, (struct sp_client_policy){.slot = 5});
	for (size_t i = 0; i < sizeof(uplink_rows) / sizeof(*uplink_rows); i++) {
		sp_routed_down(&uplink_rows[i], NULL, &pass);
		sp_routed_expect_stack(&uplink_rows[i], NEXT_HOP, NULL, SP_REASON_UPLINK, &pass);
	}
	sp_routed_grant(
		AUTHORIZED_CLIENT, 0,
		(struct sp_client_policy){.slot = SLOT, .limits = SP_LIMIT_EXPIRES, .expires = 1});
	sp_routed_down(&down4, NULL, &pass);
	sp_routed_expect_stack(&down4, NEXT_HOP, NULL, SP_REASON_UPLINK, &pass);
	assert_int_equal(sp_bench_usage(sp_routed.bench, SLOT).down_packets, 0);
}

/* The stack throws away what is cut short; it must not be forwarded or lost count of before. */
static void truncated_frames_are_the_stacks(void **unused)
{
	static const struct sp_tag tag = {OUT_TAG};
	const struct sp_sample *samples[] = {&down4, &down6};

	(void)unused;
	for (size_t i = 0; i < 4; i++) {
		struct sp_frame_bytes frame;

		sp_routed_build(samples[i / 2], NEXT_HOP, i & 1 ? &tag : NULL, &frame);
		for (size_t length = 14; length < frame.length; length++) {
			struct sp_frame_bytes part = frame;
			struct sp_pass pass;

			part.length = length;
			sp_routed_run(sp_bench_uplink(sp_routed.bench), sp_routed.wan0, &part,
			              &pass);
			assert_int_equal(pass.action, XDP_PASS);
			assert_int_equal(pass.reason, SP_REASON_UPLINK);
			assert_memory_equal(pass.out.byte, frame.byte, length);
		}
	}
}

/* --- the checksum --- */

static uint16_t checksum(const uint8_t *ip)
{
	uint32_t total = 0;

	for (size_t i = 0; i < 20; i += 2)
		total += (uint32_t)ip[i] << 8 | ip[i + 1];
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint16_t)~total;
}

/* Every value that the sum can have: the identification runs through all of its own. */
static void checksums_are_right(void **unused)
{
	struct sp_frame_bytes frame;
	struct sp_pass pass;

	(void)unused;
	sp_routed_build(&up4, AUTHORIZED_CLIENT, NULL, &frame);
	for (uint32_t id = 0; id <= 0xffff; id++) {
		uint8_t *ip = frame.byte + 14;

		ip[4] = (uint8_t)(id >> 8);
		ip[5] = (uint8_t)id;
		ip[10] = ip[11] = 0;
		uint16_t sum = checksum(ip);

		ip[10] = (uint8_t)(sum >> 8);
		ip[11] = (uint8_t)sum;
		struct xdp_md in = {.data_end = (uint32_t)frame.length,
		                    .ingress_ifindex = sp_routed.lan0};
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.byte,
		            .data_size_in = (uint32_t)frame.length, .data_out = pass.out.byte,
		            .data_size_out = sizeof(pass.out.byte), .ctx_in = &in,
		            .ctx_size_in = sizeof(in));

		assert_int_equal(bpf_prog_test_run_opts(sp_routed.bench->program[SP_XDP], &opts),
		                 0);
		assert_int_equal(opts.retval, XDP_REDIRECT);
		assert_int_equal(checksum(pass.out.byte + 14), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(uploads_are_routed, sp_routed_setup),
		cmocka_unit_test_setup(odd_uploads_are_the_stacks, sp_routed_setup),
		cmocka_unit_test_setup(frames_to_others_are_bridged, sp_routed_setup),
		cmocka_unit_test_setup(only_the_authorized_are_routed, sp_routed_setup),
		cmocka_unit_test_setup(stack_mode_routes_nothing, sp_routed_setup),
		cmocka_unit_test_setup(a_port_that_is_gone_is_the_stacks, sp_routed_setup),
		cmocka_unit_test_setup(rates_hold, sp_routed_setup),
		cmocka_unit_test_setup(stray_sources_are_the_stacks, sp_routed_setup),
		cmocka_unit_test_setup(no_detour_makes_a_source_good, sp_routed_setup),
		cmocka_unit_test_setup(the_last_session_vouches_for_nothing, sp_routed_setup),
		cmocka_unit_test_setup(tags_are_the_links, sp_routed_setup),
		cmocka_unit_test_setup(tags_of_downloads, sp_routed_setup),
		cmocka_unit_test_setup(each_zone_goes_its_way, sp_routed_setup),
		cmocka_unit_test_setup(unknown_tags_are_the_stacks, sp_routed_setup),
		cmocka_unit_test_setup(downloads_are_charged, sp_routed_setup),
		cmocka_unit_test_setup(other_frames_of_an_uplink_are_the_stacks, sp_routed_setup),
		cmocka_unit_test_setup(truncated_frames_are_the_stacks, sp_routed_setup),
		cmocka_unit_test_setup(checksums_are_right, sp_routed_setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
