// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The route fast path, packet by packet: what is redirected and how it looks then, and what is left
 * to the stack untouched. The FIB is a real one, in a network namespace of this process; 802.1Q
 * devices are stood in for by others, because the datapath knows them by number alone.
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
#include "run.h"

#define AUTHORIZED_CLIENT 3
#define CAPTIVE_CLIENT    2
#define BLOCKED_CLIENT    4
#define TAGGED_CLIENT     5
#define SLOT              1
#define TAGGED_SLOT       2
#define GENERATION        7
#define IN_TAG            0x8100, 5
#define OUT_TAG           0x88a8, 9
#define NEXT_HOP          0x10 /* last byte of the MAC of whatever is behind an uplink */

/* A UDP packet of this much payload. */
#define LONG(size) \
	.protocol = IPPROTO_UDP, .source_port = 40000, .destination_port = 443, .payload = (size)

#define ME4 "10.85.0.3"
#define ME6 "fd85::3"

static struct sp_bench *bench;
static uint32_t lan0, lan1, wan0, wan1, inner, outer;

/* --- the gateway --- */

static void shell(const char *command)
{
	if (system(command))
		fail_msg("\"%s\" failed", command);
}

static uint32_t number_of(const char *device)
{
	uint32_t number = if_nametoindex(device);

	if (!number)
		fail_msg("there is no interface %s", device);
	return number;
}

/* lan0, lan1, wan0, wan1 and two that stand for VLAN devices; their MACs are all the gateway's.
 * Their other ends say nothing of their own. */
static void make_interfaces(void)
{
	static const char *const commands[] = {
		"cd /proc/sys/net && echo 1 >ipv4/ip_forward && echo 1 >ipv6/conf/all/forwarding &&"
		" echo 0 >ipv6/conf/default/accept_dad && echo 1 >ipv6/conf/default/addr_gen_mode",
		"for d in lan0 lan1 wan0 wan1 inner outer spare; do"
		" ip link add $d address 02:00:00:00:85:01 type veth peer name p$d &&"
		" echo 1 >/proc/sys/net/ipv6/conf/p$d/disable_ipv6 &&"
		" ip link set $d up && ip link set p$d up || exit 1; done",
		"n=84; for d in lan1 lan0 wan0 wan1 inner outer spare; do"
		" ip addr add 10.$n.0.1/24 dev $d && ip addr add fd$n::1/64 dev $d nodad || exit 1;"
		" n=$((n + 1)); done",
		/* Behind each of them .3 and ::3; on the client side that is a client. */
		"m() { ip neigh add 10.$1.0.3 lladdr $3 dev $2 nud permanent &&"
		" ip neigh add fd$1::3 lladdr $3 dev $2 nud permanent; };"
		" m 84 lan1 02:00:00:00:00:03 && m 85 lan0 02:00:00:00:00:03 &&"
		" m 86 wan0 02:00:00:00:00:10 && m 87 wan1 02:00:00:00:00:10 &&"
		" m 88 inner 02:00:00:00:00:05 && m 89 outer 02:00:00:00:00:10 &&"
		" m 90 spare 02:00:00:00:00:10",
		"ip neigh add 10.85.0.2 lladdr 02:00:00:00:00:02 dev lan0 nud permanent",
		"ip neigh add 10.85.0.4 lladdr 02:00:00:00:00:04 dev lan0 nud permanent",
		"ip route add default via 10.86.0.3 && ip -6 route add default via fd86::3",
		"ip route add 10.99.0.0/24 via 10.86.0.3 mtu lock 1000",
		"ip -6 route add fd99::/64 via fd86::3 mtu lock 1400",
		"ip route add unreachable 10.98.0.0/24",
	};

	if (unshare(CLONE_NEWNET))
		fail_msg("cannot make a network namespace: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		shell(commands[i]);
	lan0 = number_of("lan0");
	lan1 = number_of("lan1");
	wan0 = number_of("wan0");
	wan1 = number_of("wan1");
	inner = number_of("inner");
	outer = number_of("outer");
}

static void put(const char *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(sp_bench_map(bench, map), key, value, BPF_ANY))
		fail_msg("cannot write to %s: %s", map, strerror(errno));
}

static void take(const char *map, const void *key)
{
	if (bpf_map_delete_elem(sp_bench_map(bench, map), key))
		fail_msg("cannot delete from %s: %s", map, strerror(errno));
}

static void add_egress(uint32_t device, uint32_t port, uint16_t protocol, uint16_t vlan,
                       uint32_t client)
{
	const struct sp_link link = {
		.port = port, .vlan = vlan, .protocol = htons(protocol), .client = client};

	put("egress", &device, &link);
}

static void set_routes(uint32_t zones)
{
	const struct sp_settings settings = {.abi_version = SP_ABI_VERSION, .route_zones = zones};
	const uint32_t zero = 0;

	put("settings", &zero, &settings);
}

/* What `up` writes: the ports, and `inner` and `outer` as VLAN devices on lan0 and wan0. */
static void fill_maps(void)
{
	const uint32_t all[] = {lan0, lan1, wan0, wan1};
	const struct sp_vlan_key tagged = {lan0, 5, htons(0x8100)}, back = {wan0, 9, htons(0x88a8)};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const uint32_t key = all[i] | (i < 2 ? SP_PORT_CLIENT : 0);

		put("ports", &key, &all[i]);
		add_egress(all[i], all[i], 0, 0, i < 2);
	}
	add_egress(inner, lan0, IN_TAG, 1);
	add_egress(outer, wan0, OUT_TAG, 0);
	put("vlans", &tagged, &inner);
	put("vlans", &back, &outer);
}

static void grant(uint8_t client, uint16_t vlan, struct sp_client_policy policy)
{
	uint8_t mac[6];

	sp_test_mac(mac, client);
	policy.state = policy.state ?: SP_CLIENT_AUTHORIZED;
	policy.generation = GENERATION;
	sp_bench_grant(bench, mac, vlan, &policy);
}

/* A test run is given the interface that the frame came in on only if XDP is attached there. */
static int attach_pass(void)
{
	static const char *const names[] = {"lan0", "wan0"};

	for (size_t i = 0; i < 2; i++)
		if (bpf_xdp_attach((int)number_of(names[i]), bench->program[SP_XDP], 0, NULL))
			fail_msg("cannot attach XDP: %s", strerror(errno));
	return 0;
}

static int setup(void **unused)
{
	static bool made;

	(void)unused;
	if (!made)
		make_interfaces();
	bench = sp_bench_open(true, NULL);
	if (!made)
		attach_pass();
	made = true;
	fill_maps();
	set_routes(1);
	grant(AUTHORIZED_CLIENT, 0, (struct sp_client_policy){.slot = SLOT});
	grant(TAGGED_CLIENT, 5, (struct sp_client_policy){.slot = TAGGED_SLOT});
	grant(BLOCKED_CLIENT, 0, (struct sp_client_policy){.slot = 3, .state = SP_CLIENT_BLOCKED});
	return 0;
}

/* --- a packet --- */

struct pass {
	int action;
	struct sp_frame_bytes out;
	uint32_t meta; /* bytes in front of it */
	enum sp_reason reason;
	uint64_t bytes;
};

static void count(struct pass *pass)
{
	struct sp_count grown[SP_MAX_REASONS];

	sp_bench_grown(bench, grown);
	pass->reason = SP_REASON_NONE;
	for (uint32_t i = 0; i < SP_MAX_REASONS; i++) {
		if (!grown[i].packets)
			continue;
		if (pass->reason || grown[i].packets != 1)
			fail_msg("counted %llu times as %s after %s", grown[i].packets,
			         sp_reason_label((enum sp_reason)i), sp_reason_label(pass->reason));
		pass->reason = (enum sp_reason)i;
		pass->bytes = grown[i].bytes;
	}
}

static void run(int program, uint32_t ifindex, const struct sp_frame_bytes *frame,
                struct pass *pass)
{
	static uint8_t out[SP_FRAME_MAX + 256];
	struct xdp_md in = {.data_end = (uint32_t)frame->length, .ingress_ifindex = ifindex};
	struct xdp_md left = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->byte,
	            .data_size_in = (uint32_t)frame->length, .data_out = out,
	            .data_size_out = sizeof(out), .ctx_in = &in, .ctx_size_in = sizeof(in),
	            .ctx_out = &left, .ctx_size_out = sizeof(left));

	if (bpf_prog_test_run_opts(program, &opts))
		fail_msg("cannot run the program: %s", strerror(errno));
	pass->action = (int)opts.retval;
	pass->meta = left.data - left.data_meta;
	pass->out.length = opts.data_size_out - pass->meta;
	memcpy(pass->out.byte, out + pass->meta, pass->out.length);
	count(pass);
}

static void build(const struct sp_sample *sample, uint8_t client, const struct sp_tag *tag,
                  struct sp_frame_bytes *frame)
{
	struct sp_ether ether = {.tags = tag != NULL};

	if (tag)
		ether.tag[0] = *tag;
	memcpy(ether.to, sp_test_gateway_mac, 6);
	sp_test_mac(ether.from, client);
	sp_packet_build(sample, &ether, frame);
}

static void up_from(const struct sp_sample *sample, uint8_t client, const struct sp_tag *tag,
                    struct pass *pass)
{
	struct sp_frame_bytes frame;

	build(sample, client, tag, &frame);
	run(bench->program[SP_XDP], lan0, &frame, pass);
}

static void down(const struct sp_sample *sample, const struct sp_tag *tag, struct pass *pass)
{
	struct sp_frame_bytes frame;

	build(sample, NEXT_HOP, tag, &frame);
	run(bench->uplink_program, wan0, &frame, pass);
}

/* The frame that the next hop must get: made anew, so that the checksum is not ours. */
static void expect_routed(const struct sp_sample *sample, uint8_t to, const struct sp_tag *tag,
                          enum sp_reason reason, const struct pass *pass)
{
	struct sp_sample hopped = *sample;
	struct sp_ether ether = {.tags = tag != NULL};
	struct sp_frame_bytes wanted;

	hopped.hops = (uint8_t)((sample->hops ?: 64) - 1);
	if (tag)
		ether.tag[0] = *tag;
	memcpy(ether.from, sp_test_gateway_mac, 6);
	sp_test_mac(ether.to, to);
	sp_packet_build(&hopped, &ether, &wanted);
	if (pass->action != XDP_REDIRECT || pass->reason != reason)
		fail_msg("%s: action %d, reason %s", sample->name, pass->action,
		         sp_reason_label(pass->reason));
	assert_int_equal(pass->meta, 0);
	assert_int_equal(pass->out.length, wanted.length);
	assert_memory_equal(pass->out.byte, wanted.byte, wanted.length);
	assert_int_equal(pass->bytes, wanted.ip_bytes);
}

/* The frame went on as it came. */
static void expect_stack(const struct sp_sample *sample, uint8_t client, const struct sp_tag *tag,
                         enum sp_reason reason, const struct pass *pass)
{
	struct sp_frame_bytes frame;

	build(sample, client, tag, &frame);
	if (pass->action != XDP_PASS || pass->reason != reason)
		fail_msg("%s: action %d, reason %s instead of %s", sample->name, pass->action,
		         sp_reason_label(pass->reason), sp_reason_label(reason));
	assert_int_equal(pass->out.length, frame.length);
	assert_memory_equal(pass->out.byte, frame.byte, frame.length);
}

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
	struct pass pass;

	(void)unused;
	for (size_t i = 0; i < sizeof(routed) / sizeof(*routed); i++) {
		up_from(&routed[i], AUTHORIZED_CLIENT, NULL, &pass);
		expect_routed(&routed[i], NEXT_HOP, NULL, SP_REASON_ROUTED, &pass);
		bytes += pass.bytes;
	}
	cell = sp_bench_usage(bench, SLOT);
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
	struct pass pass;

	(void)unused;
	for (size_t i = 0; i < sizeof(for_the_stack) / sizeof(*for_the_stack); i++) {
		up_from(&for_the_stack[i], AUTHORIZED_CLIENT, NULL, &pass);
		expect_stack(&for_the_stack[i], AUTHORIZED_CLIENT, NULL, SP_REASON_AUTHORIZED,
		             &pass);
		assert_int_equal(pass.meta, sizeof(struct sp_meta));
	}
}

/* Bridged: to the MAC of another host, which is authorized traffic and not the gateway's. */
static void frames_to_others_are_bridged(void **unused)
{
	struct sp_ether ether = {};
	struct sp_frame_bytes frame;
	struct pass pass;

	(void)unused;
	sp_test_mac(ether.to, NEXT_HOP);
	sp_test_mac(ether.from, AUTHORIZED_CLIENT);
	sp_packet_build(&up4, &ether, &frame);
	run(bench->program[SP_XDP], lan0, &frame, &pass);
	assert_int_equal(pass.action, XDP_PASS);
	assert_int_equal(pass.reason, SP_REASON_AUTHORIZED);
}

static void only_the_authorized_are_routed(void **unused)
{
	struct pass pass;

	(void)unused;
	up_from(&up4, CAPTIVE_CLIENT, NULL, &pass);
	assert_int_equal(pass.action, XDP_DROP);
	assert_int_equal(pass.reason, SP_REASON_UDP);
	up_from(&up4, BLOCKED_CLIENT, NULL, &pass);
	assert_int_equal(pass.reason, SP_REASON_BLOCKED);
	grant(AUTHORIZED_CLIENT, 0,
	      (struct sp_client_policy){.slot = SLOT, .limits = SP_LIMIT_EXPIRES, .expires = 1});
	up_from(&up4, AUTHORIZED_CLIENT, NULL, &pass);
	assert_int_equal(pass.reason, SP_REASON_UDP);
}

static void stack_mode_routes_nothing(void **unused)
{
	struct pass pass;

	(void)unused;
	set_routes(0);
	up_from(&up4, AUTHORIZED_CLIENT, NULL, &pass);
	expect_stack(&up4, AUTHORIZED_CLIENT, NULL, SP_REASON_AUTHORIZED, &pass);
	down(&down4, NULL, &pass);
	expect_stack(&down4, NEXT_HOP, NULL, SP_REASON_NONE, &pass);
}

/* A frame is rewritten only when its port is there. */
static void a_port_that_is_gone_is_the_stacks(void **unused)
{
	const uint32_t client_side = lan0 | SP_PORT_CLIENT;
	struct pass pass;

	(void)unused;
	take("ports", &wan0);
	up_from(&up4, AUTHORIZED_CLIENT, NULL, &pass);
	expect_stack(&up4, AUTHORIZED_CLIENT, NULL, SP_REASON_AUTHORIZED, &pass);
	take("ports", &client_side);
	down(&down4, NULL, &pass);
	expect_stack(&down4, NEXT_HOP, NULL, SP_REASON_UPLINK, &pass);
}

static void rates_hold(void **unused)
{
	struct pass pass;

	(void)unused;
	grant(AUTHORIZED_CLIENT, 0,
	      (struct sp_client_policy){.slot = SLOT,
	                                .limits = SP_LIMIT_RATE_UP | SP_LIMIT_RATE_DOWN,
	                                .rate_up = 8000,
	                                .rate_down = 8000});
	up_from(&up4, AUTHORIZED_CLIENT, NULL, &pass);
	expect_routed(&up4, NEXT_HOP, NULL, SP_REASON_ROUTED, &pass);
	up_from(&up4, AUTHORIZED_CLIENT, NULL, &pass);
	assert_int_equal(pass.action, XDP_DROP);
	assert_int_equal(pass.reason, SP_REASON_RATE_UP);
	down(&down4, NULL, &pass);
	expect_routed(&down4, AUTHORIZED_CLIENT, NULL, SP_REASON_DOWN_ROUTED, &pass);
	down(&down4, NULL, &pass);
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
	struct pass pass;

	(void)unused;
	up_from(&up4, AUTHORIZED_CLIENT, NULL, &pass);
	up_from(&up6, AUTHORIZED_CLIENT, NULL, &pass);
	for (size_t i = 0; i < 2 * sizeof(strays) / sizeof(*strays); i++) {
		up_from(&strays[i / 2], AUTHORIZED_CLIENT, NULL, &pass);
		expect_stack(&strays[i / 2], AUTHORIZED_CLIENT, NULL, SP_REASON_AUTHORIZED, &pass);
		assert_int_equal(sp_bench_usage(bench, SLOT).ipv4, sp_packet_address(ME4).word[3]);
	}
	up_from(&up4, AUTHORIZED_CLIENT, NULL, &pass);
	expect_routed(&up4, NEXT_HOP, NULL, SP_REASON_ROUTED, &pass);
}

/* What goes to the portal or runs out of hops does not make a source good either. */
static void no_detour_makes_a_source_good(void **unused)
{
	static const struct sp_sample detours[] = {
		{.name = "to the portal", V4("9.0.0.9", "10.85.0.1"), TCP(40000, 8080, 2)},
		{.name = "TTL 1", V4("9.0.0.9", "10.86.0.3"), UDP(40000, 443), .hops = 1},
	};
	struct pass pass;

	(void)unused;
	for (size_t i = 0; i < sizeof(detours) / sizeof(*detours); i++) {
		up_from(&detours[i], AUTHORIZED_CLIENT, NULL, &pass);
		assert_int_equal(pass.action, XDP_PASS);
		up_from(&strays[0], AUTHORIZED_CLIENT, NULL, &pass);
		expect_stack(&strays[0], AUTHORIZED_CLIENT, NULL, SP_REASON_AUTHORIZED, &pass);
	}
	assert_int_equal(sp_bench_usage(bench, SLOT).ipv4, 0);
}

/* The address in a cell of an earlier session was another client's. */
static void the_last_session_vouches_for_nothing(void **unused)
{
	const struct sp_usage cell = {.up_generation = GENERATION - 1,
	                              .ipv4 = sp_packet_address("9.0.0.9").word[3]};
	struct pass pass;

	(void)unused;
	sp_bench_usage_set(bench, SLOT, &cell);
	up_from(&strays[0], AUTHORIZED_CLIENT, NULL, &pass);
	expect_stack(&strays[0], AUTHORIZED_CLIENT, NULL, SP_REASON_AUTHORIZED, &pass);
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
	struct pass pass;

	(void)unused;
	for (size_t i = 0; i < 2; i++) {
		up_from(&samples[i][0], TAGGED_CLIENT, &in, &pass);
		expect_routed(&samples[i][0], NEXT_HOP, NULL, SP_REASON_ROUTED, &pass);
		up_from(&samples[i][1], TAGGED_CLIENT, &in, &pass);
		expect_routed(&samples[i][1], NEXT_HOP, &out, SP_REASON_ROUTED, &pass);
		up_from(&push[i], AUTHORIZED_CLIENT, NULL, &pass);
		expect_routed(&push[i], NEXT_HOP, &out, SP_REASON_ROUTED, &pass);
	}
	assert_int_equal(sp_bench_usage(bench, TAGGED_SLOT).up_packets, 4);
}

static void tags_of_downloads(void **unused)
{
	static const struct sp_tag in = {IN_TAG}, out = {OUT_TAG};
	static const struct sp_sample to_tagged = {
		.name = "to tagged", V4("9.0.0.9", "10.88.0.3"), UDP(443, 40000)};
	struct pass pass;

	(void)unused;
	down(&to_tagged, NULL, &pass);
	expect_routed(&to_tagged, TAGGED_CLIENT, &in, SP_REASON_DOWN_ROUTED, &pass);
	down(&to_tagged, &out, &pass);
	expect_routed(&to_tagged, TAGGED_CLIENT, &in, SP_REASON_DOWN_ROUTED, &pass);
	down(&down4, &out, &pass);
	expect_routed(&down4, AUTHORIZED_CLIENT, NULL, SP_REASON_DOWN_ROUTED, &pass);
	assert_int_equal(sp_bench_usage(bench, TAGGED_SLOT).down_packets, 2);
	assert_int_equal(sp_bench_usage(bench, SLOT).down_packets, 1);
}

static void set_zones(uint32_t zones, uint32_t routes)
{
	const struct sp_settings settings = {
		.abi_version = SP_ABI_VERSION, .zones = zones, .route_zones = routes};
	const uint32_t zero = 0;

	put("settings", &zero, &settings);
}

/* Both directions go the way of the client's zone. */
static void each_zone_goes_its_way(void **unused)
{
	static const struct sp_tag tag = {IN_TAG};
	const struct sp_zone_key tagged = {.ifindex = lan0, .vlan = 5};
	const struct sp_zone_key whole = {.ifindex = lan0, .whole = 1};
	static const struct sp_sample tagged4 = {
		.name = "tagged", V4("10.88.0.3", "10.86.0.3"), UDP(40000, 443)};
	static const struct sp_sample down_tagged4 = {
		.name = "to tagged", V4("9.0.0.9", "10.88.0.3"), UDP(443, 40000)};
	uint32_t one = 1, two = 2;
	struct pass pass;

	(void)unused;
	put("zones", &tagged, &one);
	put("zones", &whole, &two);
	for (uint32_t routes = 0; routes < 8; routes++) {
		set_zones(2, routes);
		up_from(&up4, AUTHORIZED_CLIENT, NULL, &pass);
		assert_int_equal(pass.action, routes & 4 ? XDP_REDIRECT : XDP_PASS);
		down(&down4, NULL, &pass);
		assert_int_equal(pass.action, routes & 4 ? XDP_REDIRECT : XDP_PASS);
		up_from(&tagged4, TAGGED_CLIENT, &tag, &pass);
		assert_int_equal(pass.action, routes & 2 ? XDP_REDIRECT : XDP_PASS);
		down(&down_tagged4, NULL, &pass);
		assert_int_equal(pass.action, routes & 2 ? XDP_REDIRECT : XDP_PASS);
	}
}

static void unknown_tags_are_the_stacks(void **unused)
{
	static const struct sp_tag rows[] = {{0x88a8, 5}, {0x8100, 6}, {0x8100, 0}};
	struct sp_ether ether = {.tags = 2, .tag = {{IN_TAG}, {0x8100, 6}}};
	struct sp_frame_bytes frame;
	struct pass pass;

	(void)unused;
	grant(AUTHORIZED_CLIENT, 5, (struct sp_client_policy){.slot = SLOT});
	grant(AUTHORIZED_CLIENT, 6, (struct sp_client_policy){.slot = SLOT});
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		up_from(&up4, AUTHORIZED_CLIENT, &rows[i], &pass);
		expect_stack(&up4, AUTHORIZED_CLIENT, &rows[i], SP_REASON_AUTHORIZED, &pass);
		down(&down4, &rows[i], &pass);
		expect_stack(&down4, NEXT_HOP, &rows[i], SP_REASON_UPLINK, &pass);
	}
	memcpy(ether.to, sp_test_gateway_mac, 6);
	sp_test_mac(ether.from, AUTHORIZED_CLIENT);
	sp_packet_build(&up4, &ether, &frame);
	run(bench->program[SP_XDP], lan0, &frame, &pass);
	assert_int_equal(pass.action, XDP_PASS);
	assert_int_equal(pass.reason, SP_REASON_AUTHORIZED);
	run(bench->uplink_program, wan0, &frame, &pass);
	assert_int_equal(pass.action, XDP_PASS);
	assert_int_equal(pass.reason, SP_REASON_UPLINK);
}

/* --- download --- */

static void downloads_are_charged(void **unused)
{
	struct sp_usage cell;
	struct pass pass;

	(void)unused;
	down(&down4, NULL, &pass);
	expect_routed(&down4, AUTHORIZED_CLIENT, NULL, SP_REASON_DOWN_ROUTED, &pass);
	down(&down6, NULL, &pass);
	expect_routed(&down6, AUTHORIZED_CLIENT, NULL, SP_REASON_DOWN_ROUTED, &pass);
	cell = sp_bench_usage(bench, SLOT);
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
	struct pass pass;

	(void)unused;
	/* The MAC of a client counts only where clients are. */
	grant(NEXT_HOP, 0, (struct sp_client_policy){.slot = 4});
	grant(NEXT_HOP, 9, (struct sp_client_policy){.slot = 5});
	for (size_t i = 0; i < sizeof(uplink_rows) / sizeof(*uplink_rows); i++) {
		down(&uplink_rows[i], NULL, &pass);
		expect_stack(&uplink_rows[i], NEXT_HOP, NULL, SP_REASON_UPLINK, &pass);
	}
	grant(AUTHORIZED_CLIENT, 0,
	      (struct sp_client_policy){.slot = SLOT, .limits = SP_LIMIT_EXPIRES, .expires = 1});
	down(&down4, NULL, &pass);
	expect_stack(&down4, NEXT_HOP, NULL, SP_REASON_UPLINK, &pass);
	assert_int_equal(sp_bench_usage(bench, SLOT).down_packets, 0);
}

/* The stack throws away what is cut short; it must not be forwarded or lost count of before. */
static void truncated_frames_are_the_stacks(void **unused)
{
	static const struct sp_tag tag = {OUT_TAG};
	const struct sp_sample *samples[] = {&down4, &down6};

	(void)unused;
	for (size_t i = 0; i < 4; i++) {
		struct sp_frame_bytes frame;

		build(samples[i / 2], NEXT_HOP, i & 1 ? &tag : NULL, &frame);
		for (size_t length = 14; length < frame.length; length++) {
			struct sp_frame_bytes part = frame;
			struct pass pass;

			part.length = length;
			run(bench->uplink_program, wan0, &part, &pass);
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
	struct pass pass;

	(void)unused;
	build(&up4, AUTHORIZED_CLIENT, NULL, &frame);
	for (uint32_t id = 0; id <= 0xffff; id++) {
		uint8_t *ip = frame.byte + 14;

		ip[4] = (uint8_t)(id >> 8);
		ip[5] = (uint8_t)id;
		ip[10] = ip[11] = 0;
		uint16_t sum = checksum(ip);

		ip[10] = (uint8_t)(sum >> 8);
		ip[11] = (uint8_t)sum;
		struct xdp_md in = {.data_end = (uint32_t)frame.length, .ingress_ifindex = lan0};
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame.byte,
		            .data_size_in = (uint32_t)frame.length, .data_out = pass.out.byte,
		            .data_size_out = sizeof(pass.out.byte), .ctx_in = &in,
		            .ctx_size_in = sizeof(in));

		assert_int_equal(bpf_prog_test_run_opts(bench->program[SP_XDP], &opts), 0);
		assert_int_equal(opts.retval, XDP_REDIRECT);
		assert_int_equal(checksum(pass.out.byte + 14), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(uploads_are_routed, setup),
		cmocka_unit_test_setup(odd_uploads_are_the_stacks, setup),
		cmocka_unit_test_setup(frames_to_others_are_bridged, setup),
		cmocka_unit_test_setup(only_the_authorized_are_routed, setup),
		cmocka_unit_test_setup(stack_mode_routes_nothing, setup),
		cmocka_unit_test_setup(a_port_that_is_gone_is_the_stacks, setup),
		cmocka_unit_test_setup(rates_hold, setup),
		cmocka_unit_test_setup(stray_sources_are_the_stacks, setup),
		cmocka_unit_test_setup(no_detour_makes_a_source_good, setup),
		cmocka_unit_test_setup(the_last_session_vouches_for_nothing, setup),
		cmocka_unit_test_setup(tags_are_the_links, setup),
		cmocka_unit_test_setup(tags_of_downloads, setup),
		cmocka_unit_test_setup(each_zone_goes_its_way, setup),
		cmocka_unit_test_setup(unknown_tags_are_the_stacks, setup),
		cmocka_unit_test_setup(downloads_are_charged, setup),
		cmocka_unit_test_setup(other_frames_of_an_uplink_are_the_stacks, setup),
		cmocka_unit_test_setup(truncated_frames_are_the_stacks, setup),
		cmocka_unit_test_setup(checksums_are_right, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
