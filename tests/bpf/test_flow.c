// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Trains (bpf/flow.h): a packet goes the way of the one before it if it is of the same flow, and
 * only then. What is remembered is marked here, in the map: a frame to the MAC of MARKED went by
 * memory, and not by the FIB. The tick may end at any moment, so a look begins anew until it saw
 * a train go on; only then it is told that one does not. A flow is remembered when it comes twice
 * (`flow_tags`): so there are two packets before the one that goes by memory.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "routed.h"
#include "rows.h"
#include "run.h"

#define MARKED 0x77 /* last byte of a MAC */
#define TRIES  1000 /* ticks that may end at the wrong moment */
#define LOOKS  20   /* at what must not happen */

/* A flow, and how it leaves. */
struct way {
	struct sp_sample sample;
	uint8_t from;                   /* number of the sender's MAC; NEXT_HOP: by the uplink */
	const struct sp_tag *tag, *out; /* NULL: none */
	uint32_t slot;
};

static const struct sp_tag in_tag = {IN_TAG}, out_tag = {OUT_TAG};

#define UP   .from = AUTHORIZED_CLIENT, .slot = SLOT
#define DOWN .from = NEXT_HOP, .slot = SLOT
static const struct way ways[] = {
	{{.name = "up", V4(ME4, "10.86.0.3"), UDP(40000, 443)}, UP},
	{{.name = "up, IPv6", V6(ME6, "fd86::3"), UDP(40000, 443)}, UP},
	{{.name = "down", V4("9.0.0.9", ME4), UDP(443, 40000)}, DOWN},
	{{.name = "down, IPv6", V6("2001:db8::9", ME6), UDP(443, 40000)}, DOWN},
	{{.name = "up, TCP", V4(ME4, "10.86.0.3"), TCP(40000, 443, 0x10)}, UP},
	{{.name = "up, out by a VLAN", V4(ME4, "10.89.0.3"), UDP(40000, 443)}, UP, .out = &out_tag},
	{{.name = "up, in by a VLAN", V4("10.88.0.3", "10.86.0.3"), UDP(40000, 443)},
         .from = TAGGED_CLIENT,
         .tag = &in_tag,
         .slot = TAGGED_SLOT},
	{{.name = "down to a VLAN", V4("9.0.0.9", "10.88.0.3"), UDP(443, 40000)},
         .from = NEXT_HOP,
         .out = &in_tag,
         .slot = TAGGED_SLOT},
};
#define WAYS  (sizeof(ways) / sizeof(*ways))
#define PLAIN 4 /* of them without tags, IPv4 and IPv6 in turn */

static struct sp_flow *flows;
static uint32_t flow_count;

static bool is_down(const struct way *way)
{
	return way->from == NEXT_HOP;
}

static int setup(void **state)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int code = sp_routed_setup(state), map = sp_bench_map(sp_routed.bench, "flows");

	if (bpf_obj_get_info_by_fd(map, &info, &size))
		fail_msg("cannot ask about flows: %s", strerror(errno));
	sp_test_pin(0); /* each CPU has places of its own */
	flow_count = info.max_entries;
	flows = mmap(NULL, flow_count * sizeof(*flows), PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	if (flows == MAP_FAILED)
		fail_msg("cannot map flows: %s", strerror(errno));
	return code;
}

static int teardown(void **unused)
{
	(void)unused;
	return munmap(flows, flow_count * sizeof(*flows));
}

static void build(const struct way *way, struct sp_frame_bytes *frame)
{
	sp_routed_build(&way->sample, way->from, way->tag, frame);
}

static void go(const struct way *way, const struct sp_frame_bytes *frame, struct sp_pass *pass)
{
	if (is_down(way))
		sp_routed_run(sp_bench_uplink(sp_routed.bench), sp_routed.wan0, frame, pass);
	else
		sp_routed_run(sp_routed.bench->program[SP_XDP], sp_routed.lan0, frame, pass);
}

static bool is_marked(const struct sp_pass *pass)
{
	return pass->action == XDP_REDIRECT && pass->out.byte[5] == MARKED;
}

/* What is remembered; NULL: nothing. */
static struct sp_flow *remembered(void)
{
	for (uint32_t i = 0; i < flow_count; i++)
		if (flows[i].stamp)
			return &flows[i];
	return NULL;
}

/* As if each flow had the place of this one: what differs is not only its place. */
static void spread(const struct way *way, struct sp_flow *flow)
{
	const struct sp_flow one = *flow;

	(void)way;
	for (uint32_t i = 0; i < flow_count; i++)
		flows[i] = one;
}

/* Entries of flows and tags of all CPUs, each byte of them this one. */
static void poison(uint8_t byte)
{
	const size_t size = sizeof(struct sp_flow_tags) * (flow_count / SP_FLOWS);
	const uint32_t zero = 0;
	void *tags = malloc(size);

	if (!tags)
		fail_msg("out of memory");
	memset(tags, byte, size);
	sp_routed_put("flow_tags", &zero, tags);
	free(tags);
	memset(flows, byte, flow_count * sizeof(*flows));
}

static void forget(void)
{
	poison(0);
}

/* Send a packet, and see that the next one goes its way: that one's @pass. The entry is left marked
 * and returned. */
static struct sp_flow *begin_train(const struct way *way, struct sp_pass *pass)
{
	struct sp_frame_bytes frame;
	struct sp_flow *flow;

	build(way, &frame);
	for (unsigned i = 0; i < TRIES; i++) {
		forget();
		go(way, &frame, pass);
		if (remembered())
			fail_msg("%s: remembered with its first packet", way->sample.name);
		go(way, &frame, pass);
		flow = remembered();
		/* The first one of a session goes the long way, and is not. */
		if (!flow)
			continue;
		((uint8_t *)flow->ethernet)[5] = MARKED;
		go(way, &frame, pass);
		if (is_marked(pass))
			return flow;
	}
	fail_msg("%s: no train went on", way->sample.name);
	return NULL;
}

/* --- what goes on --- */

static void trains_go_the_same_way(void **unused)
{
	struct sp_pass pass;

	(void)unused;
	for (size_t i = 0; i < WAYS; i++) {
		begin_train(&ways[i], &pass);
		sp_routed_expect(&ways[i].sample, MARKED, ways[i].out,
		                 is_down(&ways[i]) ? SP_REASON_DOWN_ROUTED : SP_REASON_ROUTED,
		                 &pass);
	}
}

static uint64_t charged(const struct way *way, uint64_t *bytes)
{
	struct sp_usage cell = sp_bench_usage(sp_routed.bench, way->slot);

	*bytes = is_down(way) ? cell.down_bytes : cell.up_bytes;
	return is_down(way) ? cell.down_packets : cell.up_packets;
}

static void each_packet_is_charged(void **unused)
{
	struct sp_frame_bytes frame;
	struct sp_pass pass;

	(void)unused;
	for (size_t i = 0; i < WAYS; i++) {
		uint64_t bytes, bytes_then, packets;

		build(&ways[i], &frame);
		for (unsigned try = 0; try < TRIES; try++) {
			begin_train(&ways[i], &pass);
			packets = charged(&ways[i], &bytes);
			go(&ways[i], &frame, &pass);
			assert_int_equal(charged(&ways[i], &bytes_then), packets + 1);
			assert_int_equal(bytes_then, bytes + frame.ip_bytes);
			if (is_marked(&pass))
				break;
		}
		assert_true(is_marked(&pass));
	}
}

/* --- what does not --- */

/* After a train went on @tweak it, or the frame; the next packet must not go its way. Nor, if it is
 * another flow's (spread), the one after it, which finds its own tag. */
static void expect_end(const struct way *way, const char *what,
                       void (*tweak)(const struct way *way, struct sp_flow *flow),
                       const struct sp_frame_bytes *frame)
{
	const unsigned packets = tweak == spread ? 2 : 1;

	for (uint32_t i = 0; i < sp_test_times(LOOKS); i++) {
		struct sp_pass pass;
		struct sp_flow *flow;

		sp_routed_zones(1);
		flow = begin_train(way, &pass);
		tweak(way, flow);
		for (unsigned n = 0; n < packets; n++) {
			go(way, frame, &pass);
			if (is_marked(&pass))
				fail_msg("%s, %s: still went the same way", way->sample.name, what);
		}
	}
}

/* A byte of the frame that makes it another flow's, or none that can be forwarded; 0: none. */
struct other {
	const char *what;
	uint8_t at4, at6, value;
};

static const struct other others[] = {
	{"to another MAC", 5, 5, 0x99},
	{"from another MAC", 11, 11, 0x99},
	{"class", 15, 15, 0x20},
	{"flow label", 0, 17, 0x55},
	{"TTL", 22, 21, 1},
	{"source", 29, 37, 0x99},
	{"source, its middle", 0, 30, 0x99},
	{"source, its beginning", 26, 25, 0x86},
	{"destination", 33, 53, 0x99},
	{"destination, its beginning", 30, 41, 0x99},
	{"source port", 35, 55, 0x99},
	{"destination port", 37, 57, 0x99},
	{"a fragment", 20, 0, 0x20},
	{"options", 14, 0, 0x46},
	{"another protocol", 23, 20, IPPROTO_TCP},
	{"longer than it says", 39, 59, 0xff},
};

static void other_packets_go_their_own_way(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < PLAIN; i++) {
		for (size_t n = 0; n < sizeof(others) / sizeof(*others); n++) {
			uint8_t at = i & 1 ? others[n].at6 : others[n].at4;
			struct sp_frame_bytes frame;

			if (!at)
				continue;
			build(&ways[i], &frame);
			assert_int_not_equal(frame.byte[at], others[n].value);
			frame.byte[at] = others[n].value;
			expect_end(&ways[i], others[n].what, spread, &frame);
		}
	}
}

/* The same packet with another tag. */
static void other_tags_go_their_own_way(void **unused)
{
	static const struct sp_tag priority = {0x8100, 0}, other = {0x8100, 6};
	const struct sp_tag *tags[] = {&in_tag, &priority, &other};

	(void)unused;
	for (size_t i = 0; i < WAYS; i++) {
		for (size_t n = 0; n < 3; n++) {
			struct sp_frame_bytes frame;

			if (tags[n] == ways[i].tag)
				continue;
			sp_routed_build(&ways[i].sample, ways[i].from, tags[n], &frame);
			expect_end(&ways[i], "another tag", spread, &frame);
		}
	}
}

static void by_another_interface(const struct way *way, struct sp_flow *flow)
{
	(void)way;
	flow->key.ifindex++;
}

/* As user space does when a session was changed. */
static void session_changed(const struct way *way, struct sp_flow *flow)
{
	const uint32_t zero = 0;
	struct sp_settings settings;

	(void)way;
	(void)flow;
	if (bpf_map_lookup_elem(sp_bench_map(sp_routed.bench, "settings"), &zero, &settings))
		fail_msg("cannot read the settings: %s", strerror(errno));
	settings.changes++;
	sp_routed_put("settings", &zero, &settings);
}

static void of_an_earlier_tick(const struct way *way, struct sp_flow *flow)
{
	(void)way;
	flow->stamp--;
}

static void of_another_session(const struct way *way, struct sp_flow *flow)
{
	(void)way;
	flow->generation++;
}

static void of_no_slot(const struct way *way, struct sp_flow *flow)
{
	(void)way;
	flow->slot = UINT32_MAX;
}

static void of_a_narrow_route(const struct way *way, struct sp_flow *flow)
{
	flow->mtu = (uint16_t)((way->sample.family == 6 ? 40 : 20) + 8 + way->sample.payload - 1);
}

static void routed_no_more(const struct way *way, struct sp_flow *flow)
{
	(void)way;
	(void)flow;
	sp_routed_zones(0);
}

static void trains_end(void **unused)
{
	static const struct {
		const char *what;
		void (*tweak)(const struct way *way, struct sp_flow *flow);
	} ends[] = {
		{"a session has changed", session_changed},
		{"the tick is over", of_an_earlier_tick},
		{"another session", of_another_session},
		{"no such slot", of_no_slot},
		{"a narrow route", of_a_narrow_route},
		{"by another interface", by_another_interface},
		{"stack mode", routed_no_more},
	};
	struct sp_frame_bytes frame;

	(void)unused;
	for (size_t i = 0; i < PLAIN; i++) {
		build(&ways[i], &frame);
		for (size_t n = 0; n < sizeof(ends) / sizeof(*ends); n++)
			expect_end(&ways[i], ends[n].what, ends[n].tweak, &frame);
	}
}

static void time_passed(const struct way *way, struct sp_flow *flow)
{
	const struct timespec tick = {.tv_nsec = 1000000000L / (long)sp_test_hz()};
	const uint64_t then = sp_test_jiffies();

	(void)way;
	(void)flow;
	do
		nanosleep(&tick, NULL);
	while (sp_test_jiffies() == then);
}

static void a_tick_is_all(void **unused)
{
	struct sp_frame_bytes frame;

	(void)unused;
	build(&ways[0], &frame);
	expect_end(&ways[0], "a tick later", time_passed, &frame);
}

/* The client has used another address meanwhile: what is known of it has to be looked at again. */
static void another_address_was_seen(const struct way *way, struct sp_flow *flow)
{
	struct sp_usage cell = sp_bench_usage(sp_routed.bench, way->slot);

	(void)flow;
	cell.ipv4 ^= 1;
	cell.ipv6[15] ^= 1;
	sp_bench_usage_set(sp_routed.bench, way->slot, &cell);
}

static void an_upload_is_from_the_known_address(void **unused)
{
	struct sp_frame_bytes frame;

	(void)unused;
	for (size_t i = 0; i < 2; i++) {
		build(&ways[i], &frame);
		expect_end(&ways[i], "another address", another_address_was_seen, &frame);
	}
}

/* Who is put out gets nothing more through once user space is done. */
static void no_train_outlives_its_session(void **unused)
{
	uint8_t mac[6];

	(void)unused;
	sp_test_mac(mac, AUTHORIZED_CLIENT);
	for (size_t i = 0; i < PLAIN; i++) {
		struct sp_frame_bytes frame;
		struct sp_pass pass;

		build(&ways[i], &frame);
		sp_routed_grant(AUTHORIZED_CLIENT, 0, (struct sp_client_policy){.slot = SLOT});
		begin_train(&ways[i], &pass);
		sp_bench_revoke(sp_routed.bench, mac, 0);
		session_changed(&ways[i], NULL);
		go(&ways[i], &frame, &pass);
		assert_int_not_equal(pass.action, XDP_REDIRECT);
	}
}

/* --- room --- */

/* The same packet from another port. */
static void build_from(const struct way *way, unsigned port, struct sp_frame_bytes *frame)
{
	build(way, frame);
	frame->byte[34] = (uint8_t)(port >> 8);
	frame->byte[35] = (uint8_t)port;
}

/* Whether a flow of which nothing is known has the place of @index. */
static bool is_neighbour(const struct way *way, ptrdiff_t index, unsigned port)
{
	struct sp_frame_bytes frame;
	struct sp_pass pass;

	build_from(way, port, &frame);
	for (unsigned tries = 0; tries < 2; tries++) {
		go(way, &frame, &pass);
		go(way, &frame, &pass);
		if (!flows[index].stamp)
			return false;
		/* It may have been there because its own was another one's. */
		forget();
	}
	return true;
}

/* Two more flows that would have the place of @index, that of the first way: only their ports are
 * others. Looked for once. */
static void find_neighbours(ptrdiff_t index, struct sp_frame_bytes frames[2])
{
	static unsigned found[2], count;
	const struct way *way = &ways[0];

	forget();
	for (unsigned port = 1; port < 0xffff && count < 2; port++)
		if (port != way->sample.source_port && is_neighbour(way, index, port))
			found[count++] = port;
	if (count < 2)
		fail_msg("no two other flows have place %td", index);
	for (unsigned i = 0; i < 2; i++)
		build_from(way, found[i], &frames[i]);
}

/* Three flows that want the same place, of which there are two: the first and the second keep
 * theirs for the tick, however often the third one comes. Whether the tick was long enough to see
 * it. */
static bool are_kept(const struct way *way, const struct sp_frame_bytes *second,
                     const struct sp_frame_bytes *third)
{
	struct sp_frame_bytes frame;
	struct sp_pass pass;
	struct sp_flow *flow = begin_train(way, &pass),
		       *beside = flows + (flow - flows + 1) % SP_FLOWS;

	build(way, &frame);
	go(way, second, &pass);
	go(way, second, &pass);
	if (!beside->stamp)
		return false;
	((uint8_t *)beside->ethernet)[5] = MARKED;
	for (unsigned packets = 0; packets < 3; packets++) {
		go(way, third, &pass);
		assert_false(is_marked(&pass));
	}
	go(way, second, &pass);
	if (!is_marked(&pass))
		return false;
	go(way, &frame, &pass);
	return is_marked(&pass);
}

static void places_are_kept(void **unused)
{
	const struct way *way = &ways[0];
	struct sp_frame_bytes two[2];
	struct sp_pass pass;
	struct sp_flow *flow = begin_train(way, &pass);
	bool kept = false;

	(void)unused;
	find_neighbours(flow - flows, two);
	for (unsigned i = 0; i < TRIES && !kept; i++)
		kept = are_kept(way, &two[0], &two[1]);
	assert_true(kept);
	for (unsigned i = 0; i < TRIES && ((uint8_t *)flow->ethernet)[5] == MARKED; i++) {
		time_passed(way, flow);
		go(way, &two[1], &pass);
		go(way, &two[1], &pass);
	}
	assert_int_not_equal(((uint8_t *)flow->ethernet)[5], MARKED);
}

/* Flows that come one packet at a time leave their tags there and no more: nothing is written to
 * entries that nobody would find. */
static void flows_that_take_turns_are_not_remembered(void **unused)
{
	const struct way *way = &ways[0];
	struct sp_frame_bytes frame, two[2];
	struct sp_pass pass;
	struct sp_flow *flow = begin_train(way, &pass);

	(void)unused;
	build(way, &frame);
	find_neighbours(flow - flows, two);
	for (unsigned tries = 0; tries < TRIES; tries++) {
		const uint64_t start = sp_test_jiffies();
		bool found = false;

		forget();
		for (unsigned i = 0; i < 2 * LOOKS && !found; i++) {
			go(way, i & 1 ? &two[0] : &frame, &pass);
			assert_int_equal(pass.action, XDP_REDIRECT);
			found = remembered();
		}
		/* Tags tell ticks apart by their last six bits. */
		if (sp_test_jiffies() - start < 32) {
			assert_false(found);
			return;
		}
	}
	fail_msg("never got to it in time");
}

/* A flow that goes on is remembered with the first packet of a tick. */
static void tags_outlive_the_tick(void **unused)
{
	const struct way *way = &ways[0];
	struct sp_frame_bytes frame;
	struct sp_pass pass;
	struct sp_flow *flow = begin_train(way, &pass);
	const uint32_t stamp = flow->stamp;

	(void)unused;
	build(way, &frame);
	time_passed(way, flow);
	go(way, &frame, &pass);
	assert_false(is_marked(&pass));
	assert_int_not_equal(flow->stamp, stamp);
	assert_int_not_equal(((uint8_t *)flow->ethernet)[5], MARKED);
}

/* Whatever is in there, packets go where they should and are charged. */
static void what_was_in_memory_does_not_matter(void **unused)
{
	(void)unused;
	for (unsigned byte = 0; byte < 256; byte += 51) {
		for (size_t i = 0; i < WAYS; i++) {
			struct sp_frame_bytes frame;

			build(&ways[i], &frame);
			poison((uint8_t)byte);
			for (unsigned packets = 0; packets < 4; packets++) {
				uint64_t bytes, before = charged(&ways[i], &bytes);
				struct sp_pass pass;

				go(&ways[i], &frame, &pass);
				assert_int_equal(pass.action, XDP_REDIRECT);
				assert_false(is_marked(&pass));
				assert_int_equal(charged(&ways[i], &bytes), before + 1);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(trains_go_the_same_way, setup, teardown),
		cmocka_unit_test_setup_teardown(each_packet_is_charged, setup, teardown),
		cmocka_unit_test_setup_teardown(other_packets_go_their_own_way, setup, teardown),
		cmocka_unit_test_setup_teardown(other_tags_go_their_own_way, setup, teardown),
		cmocka_unit_test_setup_teardown(trains_end, setup, teardown),
		cmocka_unit_test_setup_teardown(a_tick_is_all, setup, teardown),
		cmocka_unit_test_setup_teardown(an_upload_is_from_the_known_address, setup,
	                                        teardown),
		cmocka_unit_test_setup_teardown(no_train_outlives_its_session, setup, teardown),
		cmocka_unit_test_setup_teardown(places_are_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(flows_that_take_turns_are_not_remembered, setup,
	                                        teardown),
		cmocka_unit_test_setup_teardown(tags_outlive_the_tick, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_in_memory_does_not_matter, setup,
	                                        teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
