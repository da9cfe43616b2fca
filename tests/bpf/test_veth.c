// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * XDP and TC one behind the other on a real interface, which is the only place where TC finds the
 * metadata that XDP left and the tag that the stack took off. Each frame must be counted once.
 * Everything is in a network namespace of this process and ends with it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "run.h"
#include "samples.h"

#define AUTHORIZED_CLIENT 3
#define CAPTIVE_CLIENT    2

struct link {
	struct sp_bench *bench;
	int sender; /* packet socket on the client's end */
	bool xdp;
};

static void shell(const char *command)
{
	if (system(command))
		fail_msg("\"%s\" failed", command);
}

/* Attach to lan0: XDP, if wanted, before TC. */
static void attach(struct link *link, bool xdp)
{
	int ifindex = (int)if_nametoindex("lan0");
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = link->bench->program[SP_IN]);

	if (xdp && bpf_xdp_attach(ifindex, link->bench->program[SP_XDP], 0, NULL))
		fail_msg("cannot attach XDP: %s", strerror(errno));
	if (bpf_tc_hook_create(&hook) || bpf_tc_attach(&hook, &opts))
		fail_msg("cannot attach to TC: %s", strerror(errno));
	link->xdp = xdp;
}

static void link_open(struct link *link, bool xdp)
{
	const struct sp_client_policy policy = {.state = SP_CLIENT_AUTHORIZED, .generation = 1};
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = 0};
	uint8_t mac[6];

	if (unshare(CLONE_NEWNET))
		fail_msg("cannot make a network namespace: %s", strerror(errno));
	shell("ip link add lan0 type veth peer name client0");
	shell("ip link set lo up && ip link set lan0 up && ip link set client0 up");
	link->bench = sp_bench_open(true, NULL);
	sp_test_mac(mac, AUTHORIZED_CLIENT);
	sp_bench_grant(link->bench, mac, 0, &policy);
	sp_bench_grant(link->bench, mac, 5, &policy);
	attach(link, xdp);
	link->sender = socket(AF_PACKET, SOCK_RAW, 0);
	address.sll_ifindex = (int)if_nametoindex("client0");
	if (link->sender < 0 || bind(link->sender, (struct sockaddr *)&address, sizeof(address)))
		fail_msg("cannot open a packet socket: %s", strerror(errno));
}

/* Send one frame; the reason for which it was counted, NONE if for none, fails if for two. The
 * kernel's own neighbour discovery on the link is its own traffic, with other MACs: not looked at.
 */
static enum sp_reason send_frame(struct link *link, const struct sp_sample *sample, uint8_t client,
                                 const struct sp_tag *tag, uint8_t tags)
{
	struct sp_ether ether = {.tags = tags};
	struct sp_count grown[SP_MAX_REASONS];
	enum sp_reason found = SP_REASON_NONE;
	struct sp_frame_bytes frame;

	memcpy(ether.to, sp_test_gateway_mac, 6);
	for (uint8_t i = 0; i < tags; i++)
		ether.tag[i] = tag[i];
	sp_test_mac(ether.from, client);
	sp_packet_build(sample, &ether, &frame);
	sp_bench_grown(link->bench, grown);
	if (send(link->sender, frame.byte, frame.length, 0) != (ssize_t)frame.length)
		fail_msg("cannot send: %s", strerror(errno));
	usleep(20000);
	sp_bench_grown(link->bench, grown);
	for (uint32_t reason = 0; reason < SP_MAX_REASONS; reason++) {
		if (!grown[reason].packets || reason == SP_REASON_ND || reason == SP_REASON_MLD)
			continue;
		if (found || grown[reason].packets != 1)
			fail_msg("%s, %u tags, client %u, %s: counted %llu times as %s after %s",
			         sample->name, tags, client, link->xdp ? "XDP and TC" : "TC",
			         grown[reason].packets, sp_reason_label((enum sp_reason)reason),
			         sp_reason_label(found));
		found = (enum sp_reason)reason;
	}
	return found;
}

static const struct sp_sample dns = {.name = "DNS",
                                     .family = 4,
                                     .from = "10.85.0.2",
                                     .to = "10.85.0.1",
                                     .protocol = IPPROTO_UDP,
                                     .source_port = 40000,
                                     .destination_port = 53,
                                     .payload = 12};
static const struct sp_sample http4 = {.name = "HTTP",
                                       .family = 4,
                                       .from = "10.85.0.2",
                                       .to = "10.86.0.2",
                                       .protocol = IPPROTO_TCP,
                                       .source_port = 40000,
                                       .destination_port = 80,
                                       .flags = 2};
static const struct sp_sample http6 = {.name = "HTTP, IPv6",
                                       .family = 6,
                                       .from = "fd85::2",
                                       .to = "fd86::2",
                                       .protocol = IPPROTO_TCP,
                                       .source_port = 40000,
                                       .destination_port = 80,
                                       .flags = 2};

static void check_tags(struct link *link)
{
	static const struct {
		struct sp_tag tag[SP_TAGS_MAX];
		uint8_t tags;
		bool authorized;
	} rows[] = {
		{{{0, 0}}, 0, true},
		{{{0x8100, 5}}, 1, true},
		{{{0x8100, 0}}, 1, true},
		{{{0x8100, 6}}, 1, false},
		{{{0x88a8, 5}, {0x8100, 6}}, 2, true},
		{{{0x8100, 0}, {0x8100, 5}}, 2, true},
		{{{0x8100, 0}, {0x8100, 6}}, 2, false},
		{{{0x8100, 0}, {0x8100, 0}}, 2, true},
		{{{0x8100, 5}, {0x8100, 0}}, 2, true},
	};
	static const struct sp_tag three[] = {{0x88a8, 5}, {0x8100, 5}, {0x8100, 5}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(
			send_frame(link, &dns, AUTHORIZED_CLIENT, rows[i].tag, rows[i].tags),
			rows[i].authorized ? SP_REASON_AUTHORIZED : SP_REASON_DNS);
		assert_int_equal(send_frame(link, &dns, CAPTIVE_CLIENT, rows[i].tag, rows[i].tags),
		                 SP_REASON_DNS);
		assert_int_equal(
			send_frame(link, &http4, CAPTIVE_CLIENT, rows[i].tag, rows[i].tags),
			SP_REASON_NO_LISTENER);
	}
	assert_int_equal(send_frame(link, &dns, AUTHORIZED_CLIENT, three, 3), SP_REASON_VLAN_DEPTH);
}

/* A listening socket of @family in `listeners`, as a responder of @zone puts it there. */
static int listen_captured(struct link *link, uint32_t zone, sa_family_t family)
{
	struct sockaddr_in6 address = {.sin6_family = family};
	struct sp_settings settings = {.abi_version = SP_ABI_VERSION, .workers = 1, .zones = 1};
	uint32_t zero = 0, index = SP_LISTENER(zone, 0, family == AF_INET6);
	int one = 1, fd = socket(family, SOCK_STREAM, 0);
	uint64_t value = (uint64_t)fd;

	if (fd < 0 ||
	    (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one))) ||
	    bind(fd, (struct sockaddr *)&address,
	         family == AF_INET6 ? sizeof(address) : sizeof(struct sockaddr_in)) ||
	    listen(fd, 8))
		fail_msg("cannot listen: %s", strerror(errno));
	if (bpf_map_update_elem(link->bench->listeners, &index, &value, BPF_ANY) ||
	    bpf_map_update_elem(link->bench->settings, &zero, &settings, BPF_ANY))
		fail_msg("cannot hand over the listener: %s", strerror(errno));
	return fd;
}

/* In a test run the packet is not at TC ingress, so that the kernel refuses it the socket. */
static void check_no_assignment(struct link *link)
{
	struct sp_count grown[SP_MAX_REASONS];
	struct sp_ether ether = {};
	struct sp_frame_bytes frame;

	memcpy(ether.to, sp_test_gateway_mac, 6);
	sp_test_mac(ether.from, CAPTIVE_CLIENT);
	sp_packet_build(&http4, &ether, &frame);
	sp_bench_grown(link->bench, grown);
	sp_bench_repeat(link->bench->program[SP_IN], &frame, 1);
	sp_bench_grown(link->bench, grown);
	assert_int_equal(grown[SP_REASON_ASSIGN].packets, 1);
}

static void check_capture(struct link *link)
{
	int listener4 = listen_captured(link, 0, AF_INET);
	int listener6 = listen_captured(link, 0, AF_INET6);
	struct sp_settings nobody = {.abi_version = SP_ABI_VERSION};
	uint32_t zero = 0;

	assert_int_equal(send_frame(link, &http4, CAPTIVE_CLIENT, NULL, 0), SP_REASON_CAPTURED);
	assert_int_equal(send_frame(link, &http6, CAPTIVE_CLIENT, NULL, 0), SP_REASON_CAPTURED);
	check_no_assignment(link);
	close(listener4);
	assert_int_equal(send_frame(link, &http4, CAPTIVE_CLIENT, NULL, 0), SP_REASON_NO_LISTENER);
	assert_int_equal(send_frame(link, &http6, CAPTIVE_CLIENT, NULL, 0), SP_REASON_CAPTURED);
	close(listener6);
	assert_int_equal(send_frame(link, &http6, CAPTIVE_CLIENT, NULL, 0), SP_REASON_NO_LISTENER);
	assert_int_equal(bpf_map_update_elem(link->bench->settings, &zero, &nobody, BPF_ANY), 0);
}

/* A zone that has listeners gets those, one that has none shares those of zone 0. */
static void check_zones(struct link *link)
{
	const struct sp_tag tags[] = {{0x8100, 7}};
	const struct sp_zone_key key = {.ifindex = if_nametoindex("lan0"), .vlan = 7};
	struct sp_settings nobody = {.abi_version = SP_ABI_VERSION};
	uint32_t zero = 0, zone = SP_ZONES - 1;
	int own, shared;

	assert_int_equal(
		bpf_map_update_elem(sp_bench_map(link->bench, "zones"), &key, &zone, BPF_ANY), 0);
	own = listen_captured(link, zone, AF_INET);
	assert_int_equal(send_frame(link, &http4, CAPTIVE_CLIENT, tags, 1), SP_REASON_CAPTURED);
	assert_int_equal(send_frame(link, &http4, CAPTIVE_CLIENT, NULL, 0), SP_REASON_NO_LISTENER);
	close(own);
	assert_int_equal(send_frame(link, &http4, CAPTIVE_CLIENT, tags, 1), SP_REASON_NO_LISTENER);
	shared = listen_captured(link, 0, AF_INET);
	assert_int_equal(send_frame(link, &http4, CAPTIVE_CLIENT, tags, 1), SP_REASON_CAPTURED);
	assert_int_equal(send_frame(link, &http4, CAPTIVE_CLIENT, NULL, 0), SP_REASON_CAPTURED);
	close(shared);
	assert_int_equal(bpf_map_update_elem(link->bench->settings, &zero, &nobody, BPF_ANY), 0);
}

static void xdp_then_tc(void **unused)
{
	struct link link;

	(void)unused;
	link_open(&link, true);
	check_tags(&link);
	check_capture(&link);
	check_zones(&link);
	close(link.sender);
}

static void tc_alone(void **unused)
{
	struct link link;

	(void)unused;
	link_open(&link, false);
	check_tags(&link);
	check_capture(&link);
	check_zones(&link);
	close(link.sender);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xdp_then_tc),
		cmocka_unit_test(tc_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
