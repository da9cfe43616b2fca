// SPDX-License-Identifier: GPL-2.0-or-later
#include "routed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
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

struct sp_routed sp_routed;

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
 * Their other ends say nothing of their own. One `ip` does many things: to start it costs most. */
static void make_interfaces(void)
{
	static const char *const commands[] = {
		"cd /proc/sys/net && echo 1 >ipv4/ip_forward && echo 1 >ipv6/conf/all/forwarding &&"
		" echo 0 >ipv6/conf/default/accept_dad && echo 1 >ipv6/conf/default/addr_gen_mode",
		"for d in lan0 lan1 wan0 wan1 inner outer spare; do"
		" echo link add $d address 02:00:00:00:85:01 type veth peer name p$d; done |"
		" ip -batch -",
		"for d in lan0 lan1 wan0 wan1 inner outer spare; do"
		" echo 1 >/proc/sys/net/ipv6/conf/p$d/disable_ipv6 || exit 1; done",
		"n=84; for d in lan1 lan0 wan0 wan1 inner outer spare; do"
		" echo link set $d up; echo link set p$d up;"
		" echo addr add 10.$n.0.1/24 dev $d; echo addr add fd$n::1/64 dev $d nodad;"
		" n=$((n + 1)); done | ip -batch -",
		/* Behind each of them .3 and ::3; on the client side that is a client. */
		"m() { echo neigh add 10.$1.0.3 lladdr $3 dev $2 nud permanent;"
		" echo neigh add fd$1::3 lladdr $3 dev $2 nud permanent; };"
		" { m 84 lan1 02:00:00:00:00:03; m 85 lan0 02:00:00:00:00:03;"
		" m 86 wan0 02:00:00:00:00:10; m 87 wan1 02:00:00:00:00:10;"
		" m 88 inner 02:00:00:00:00:05; m 89 outer 02:00:00:00:00:10;"
		" m 90 spare 02:00:00:00:00:10;"
		" echo neigh add 10.85.0.2 lladdr 02:00:00:00:00:02 dev lan0 nud permanent;"
		" echo neigh add 10.85.0.4 lladdr 02:00:00:00:00:04 dev lan0 nud permanent;"
		" echo route add default via 10.86.0.3; echo route add default via fd86::3;"
		" echo route add 10.99.0.0/24 via 10.86.0.3 mtu lock 1000;"
		" echo route add fd99::/64 via fd86::3 mtu lock 1400;"
		" echo route add unreachable 10.98.0.0/24; } | ip -batch -",
	};

	if (unshare(CLONE_NEWNET))
		fail_msg("cannot make a network namespace: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		shell(commands[i]);
	sp_routed.lan0 = number_of("lan0");
	sp_routed.lan1 = number_of("lan1");
	sp_routed.wan0 = number_of("wan0");
	sp_routed.wan1 = number_of("wan1");
	sp_routed.inner = number_of("inner");
	sp_routed.outer = number_of("outer");
}

void sp_routed_put(const char *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(sp_bench_map(sp_routed.bench, map), key, value, BPF_ANY))
		fail_msg("cannot write to %s: %s", map, strerror(errno));
}

void sp_routed_take(const char *map, const void *key)
{
	if (bpf_map_delete_elem(sp_bench_map(sp_routed.bench, map), key))
		fail_msg("cannot delete from %s: %s", map, strerror(errno));
}

static void sp_routed_egress(uint32_t device, uint32_t port, uint16_t protocol, uint16_t vlan,
                             uint32_t client)
{
	const struct sp_link link = {
		.port = port, .vlan = vlan, .protocol = htons(protocol), .client = client};

	sp_routed_put("egress", &device, &link);
}

void sp_routed_zones(uint32_t zones)
{
	const struct sp_settings settings = {.abi_version = SP_ABI_VERSION, .route_zones = zones};
	const uint32_t zero = 0;

	sp_routed_put("settings", &zero, &settings);
}

/* What `up` writes: the ports, and `inner` and `outer` as VLAN devices on lan0 and wan0. */
static void fill_maps(void)
{
	const uint32_t all[] = {sp_routed.lan0, sp_routed.lan1, sp_routed.wan0, sp_routed.wan1};
	const struct sp_vlan_key tagged = {sp_routed.lan0, 5, htons(0x8100)},
				 back = {sp_routed.wan0, 9, htons(0x88a8)};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		const uint32_t key = all[i] | (i < 2 ? SP_PORT_CLIENT : 0);

		sp_routed_put("ports", &key, &all[i]);
		sp_routed_egress(all[i], all[i], 0, 0, i < 2);
	}
	sp_routed_egress(sp_routed.inner, sp_routed.lan0, IN_TAG, 1);
	sp_routed_egress(sp_routed.outer, sp_routed.wan0, OUT_TAG, 0);
	sp_routed_put("vlans", &tagged, &sp_routed.inner);
	sp_routed_put("vlans", &back, &sp_routed.outer);
}

void sp_routed_grant(uint8_t client, uint16_t vlan, struct sp_client_policy policy)
{
	uint8_t mac[6];

	sp_test_mac(mac, client);
	policy.state = policy.state ?: SP_CLIENT_AUTHORIZED;
	policy.generation = GENERATION;
	sp_bench_grant(sp_routed.bench, mac, vlan, &policy);
}

/* A test run is given the interface that the frame came in on only if XDP is attached there. */
static int attach_pass(void)
{
	static const char *const names[] = {"lan0", "wan0"};

	for (size_t i = 0; i < 2; i++)
		if (bpf_xdp_attach((int)number_of(names[i]), sp_routed.bench->program[SP_XDP], 0,
		                   NULL))
			fail_msg("cannot attach XDP: %s", strerror(errno));
	return 0;
}

int sp_routed_setup(void **unused)
{
	static bool made;

	(void)unused;
	if (!made)
		make_interfaces();
	sp_routed.bench = sp_bench_open(true, NULL);
	sp_bench_uplink(sp_routed.bench); /* now, and not between two packets of a train */
	if (!made)
		attach_pass();
	made = true;
	fill_maps();
	sp_routed_zones(1);
	sp_routed_grant(AUTHORIZED_CLIENT, 0, (struct sp_client_policy){.slot = SLOT});
	sp_routed_grant(TAGGED_CLIENT, 5, (struct sp_client_policy){.slot = TAGGED_SLOT});
	sp_routed_grant(BLOCKED_CLIENT, 0,
	                (struct sp_client_policy){.slot = 3, .state = SP_CLIENT_BLOCKED});
	return 0;
}

/* --- a packet --- */

static void count(struct sp_pass *pass)
{
	struct sp_count grown[SP_MAX_REASONS];

	sp_bench_grown(sp_routed.bench, grown);
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

void sp_routed_run(int program, uint32_t ifindex, const struct sp_frame_bytes *frame,
                   struct sp_pass *pass)
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

void sp_routed_build(const struct sp_sample *sample, uint8_t client, const struct sp_tag *tag,
                     struct sp_frame_bytes *frame)
{
	struct sp_ether ether = {.tags = tag != NULL};

	if (tag)
		ether.tag[0] = *tag;
	memcpy(ether.to, sp_test_gateway_mac, 6);
	sp_test_mac(ether.from, client);
	sp_packet_build(sample, &ether, frame);
}

void sp_routed_up(const struct sp_sample *sample, uint8_t client, const struct sp_tag *tag,
                  struct sp_pass *pass)
{
	struct sp_frame_bytes frame;

	sp_routed_build(sample, client, tag, &frame);
	sp_routed_run(sp_routed.bench->program[SP_XDP], sp_routed.lan0, &frame, pass);
}

void sp_routed_down(const struct sp_sample *sample, const struct sp_tag *tag, struct sp_pass *pass)
{
	struct sp_frame_bytes frame;

	sp_routed_build(sample, NEXT_HOP, tag, &frame);
	sp_routed_run(sp_bench_uplink(sp_routed.bench), sp_routed.wan0, &frame, pass);
}

/* The frame that the next hop must get: made anew, so that the checksum is not ours. */
void sp_routed_expect(const struct sp_sample *sample, uint8_t to, const struct sp_tag *tag,
                      enum sp_reason reason, const struct sp_pass *pass)
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
void sp_routed_expect_stack(const struct sp_sample *sample, uint8_t client,
                            const struct sp_tag *tag, enum sp_reason reason,
                            const struct sp_pass *pass)
{
	struct sp_frame_bytes frame;

	sp_routed_build(sample, client, tag, &frame);
	if (pass->action != XDP_PASS || pass->reason != reason)
		fail_msg("%s: action %d, reason %s instead of %s", sample->name, pass->action,
		         sp_reason_label(pass->reason), sp_reason_label(reason));
	assert_int_equal(pass->out.length, frame.length);
	assert_memory_equal(pass->out.byte, frame.byte, frame.length);
}
