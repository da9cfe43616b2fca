// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The short way (bpf/short.h) against the long one: two clients with the same session, but that one
 * has a quota so large that it does nothing but send its packets the long way. Whatever their
 * frames say, the same becomes of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <netinet/in.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "run.h"
#include "rows.h"

#define SYN 0x02
#define RST 0x04
#define ACK 0x10

#define SHORT_CLIENT  3
#define LONG_CLIENT   4
#define SHORT_CAPTIVE 5
#define LONG_CAPTIVE  6

#define ETHERTYPE 12 /* where in a frame the first byte is that is changed */
#define HEADERS   62 /* Ethernet, IPv6, UDP: changed are no more than these bytes */

static const struct sp_sample samples[] = {
	{"UDP", V4("10.85.0.2", "10.86.0.2"), UDP(40000, 443)},
	{"TCP", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 443, ACK), .payload = 18},
	{"UDP, IPv6", V6("fd85::2", "fd86::2"), UDP(40000, 443)},
	{"TCP, IPv6", V6("fd85::2", "fd86::2"), TCP(40000, 443, ACK), .payload = 18},
	{"portal", V4("10.85.0.2", "10.85.0.1"), TCP(40000, SP_TEST_TLS_PORT, ACK)},
	{"DHCP", V4("10.85.0.2", "10.86.0.2"), UDP(67, 68)},
	{"link-local", V6("fe80::2", "fd86::2"), UDP(40000, 443)},
	{"UDP with padding", V4("10.85.0.2", "10.86.0.2"), UDP(40000, 443), .padding = 10},
};

/* The frame that one of the two sends, or is sent. */
static void build(const struct sp_sample *sample, enum sp_program program, uint8_t tags,
                  uint8_t client, struct sp_frame_bytes *frame)
{
	struct sp_ether ether = {.tags = tags, .tag = {{0x8100, 0}, {0x8100, 0}}};
	bool down = program == SP_OUT;

	sp_test_mac(down ? ether.to : ether.from, client);
	memcpy(down ? ether.from : ether.to, sp_test_gateway_mac, 6);
	sp_packet_build(sample, &ether, frame);
}

static void grant(struct sp_bench *bench)
{
	struct sp_client_policy policy = sp_test_session(7);

	policy.slot = SHORT_CLIENT;
	policy.limits = SP_LIMIT_EXPIRES | SP_LIMIT_IDLE;
	policy.expires = policy.idle = UINT64_MAX;
	sp_bench_grant_to(bench, SHORT_CLIENT, &policy);
	policy.slot = LONG_CLIENT;
	policy.limits |= SP_LIMIT_QUOTA;
	policy.quota = UINT64_MAX;
	sp_bench_grant_to(bench, LONG_CLIENT, &policy);
}

/* What both of them were charged, but for the instants. */
static void check_usage(struct sp_bench *bench, const char *name)
{
	struct sp_usage one = sp_bench_usage(bench, SHORT_CLIENT);
	struct sp_usage other = sp_bench_usage(bench, LONG_CLIENT);

	one.up_first = other.up_first;
	one.up_last = other.up_last;
	one.down_first = other.down_first;
	one.down_last = other.down_last;
	if (memcmp(&one, &other, sizeof(one)) != 0)
		fail_msg("%s: %llu packets up and %llu down on the short way, %llu and %llu on the "
		         "long one, or other addresses",
		         name, (unsigned long long)one.up_packets,
		         (unsigned long long)one.down_packets, (unsigned long long)other.up_packets,
		         (unsigned long long)other.down_packets);
}

static void run(struct sp_bench *bench, enum sp_program program, const struct sp_frame_bytes *frame,
                struct sp_outcome *outcome)
{
	const struct sp_run forwarded = {.ifindex = 1, .ingress_ifindex = 1};

	sp_bench_forget(bench);
	sp_bench_run(bench, program, frame, program == SP_OUT ? &forwarded : NULL, outcome);
}

/* A pair of frames that differ in the client only. */
struct pair {
	struct sp_frame_bytes one, other;
};

static void check_same(struct sp_bench *bench, enum sp_program program, const struct pair *pair,
                       const char *what)
{
	const enum sp_program against = program == SP_XDP ? SP_IN : program;
	struct sp_outcome one, other;

	if (!sp_bench_takes(against, &pair->one))
		return;
	run(bench, program, &pair->one, &one);
	run(bench, against, &pair->other, &other);
	if (one.reason != other.reason || one.packets != other.packets || one.bytes != other.bytes)
		fail_msg("%s, %s: %s by the short way, %s by the long one", what,
		         sp_program_names[program], sp_reason_label(sp_outcome_reason(&one)),
		         sp_reason_label(sp_outcome_reason(&other)));
	check_usage(bench, what);
}

/* Each bit of the headers the other way round; between them a frame as it should be, after which
 * the client's address is the one that is known. */
static void flip_bits(struct sp_bench *bench, enum sp_program program, struct pair *pair,
                      const char *name)
{
	char what[64];

	for (size_t at = ETHERTYPE; at < HEADERS && at < pair->one.length; at++) {
		for (int bit = 0; bit < 8; bit++) {
			const uint8_t mask = (uint8_t)(1 << bit);

			snprintf(what, sizeof(what), "%s, bit %d of byte %zu", name, bit, at);
			pair->one.byte[at] ^= mask;
			pair->other.byte[at] ^= mask;
			check_same(bench, program, pair, what);
			pair->one.byte[at] ^= mask;
			pair->other.byte[at] ^= mask;
		}
		check_same(bench, program, pair, name);
	}
}

/* Cut short at every byte. */
static void cut(struct sp_bench *bench, enum sp_program program, struct pair *pair,
                const char *name)
{
	const size_t length = pair->one.length;
	char what[64];

	for (size_t left = 14; left < length; left++) {
		snprintf(what, sizeof(what), "%s, %zu bytes of it", name, left);
		pair->one.length = pair->other.length = left;
		check_same(bench, program, pair, what);
	}
	pair->one.length = pair->other.length = length;
}

static void compare(struct sp_bench *bench, enum sp_program program, uint8_t tags)
{
	static struct pair pair;

	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		build(&samples[i], program, tags, SHORT_CLIENT, &pair.one);
		build(&samples[i], program, tags, LONG_CLIENT, &pair.other);
		check_same(bench, program, &pair, samples[i].name);
		cut(bench, program, &pair, samples[i].name);
		flip_bits(bench, program, &pair, samples[i].name);
	}
}

/* All of them, without a tag and with one. */
static void compare_all(bool guard, enum sp_program program)
{
	struct sp_bench *bench = sp_bench_open(guard, NULL);

	grant(bench);
	for (uint8_t tags = 0; tags < 2; tags++)
		compare(bench, program, tags);
}

static void uploads(void **unused)
{
	(void)unused;
	compare_all(true, SP_XDP);
}

static void uploads_without_guard(void **unused)
{
	(void)unused;
	compare_all(false, SP_XDP);
}

static void downloads(void **unused)
{
	(void)unused;
	compare_all(true, SP_OUT);
}

static const struct sp_sample captive[] = {
	{"UDP", V4("10.85.0.2", "10.86.0.2"), UDP(40000, 443)},
	{"TCP", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 443, ACK)},
	{"UDP, IPv6", V6("fd85::2", "fd86::2"), UDP(40000, 443)},
	{"TCP, IPv6", V6("fd85::2", "fd86::2"), TCP(40000, 443, ACK)},
	{"HTTP", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 80, SYN)},
	{"portal", V4("10.85.0.2", "10.85.0.1"), TCP(40000, SP_TEST_TLS_PORT, SYN)},
	{"reset", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 443, RST)},
	{"DNS", V4("10.85.0.2", "9.9.9.9"), UDP(40000, 53)},
	{"DNS by TCP", V4("10.85.0.2", "9.9.9.9"), TCP(40000, 53, SYN)},
	{"DNS to somebody else", V4("10.85.0.2", "8.8.8.8"), UDP(40000, 53)},
	{"DHCP", V4("0.0.0.0", "255.255.255.255"), UDP(68, 67)},
	{"DHCPv6", V6("fe80::2", "ff02::1:2"), UDP(546, 547)},
	{"DHCP server", V4("10.85.0.2", "10.86.0.2"), UDP(67, 68)},
	{"to a group", V4("10.85.0.2", "224.0.0.251"), UDP(5353, 5353)},
};

/* A captured packet goes on from XDP, and finds no listener at TC. */
static enum sp_reason same_reason(const struct sp_outcome *outcome)
{
	enum sp_reason reason = sp_outcome_reason(outcome);

	return reason == SP_REASON_CAPTURED ? SP_REASON_NO_LISTENER : reason;
}

static void check_captive(struct sp_bench *bench, const struct pair *pair, const char *what)
{
	struct sp_outcome outcome[2];
	struct sp_guest one, other;

	if (!sp_bench_takes(SP_IN, &pair->one))
		return;
	run(bench, SP_XDP, &pair->one, &outcome[0]);
	run(bench, SP_IN, &pair->other, &outcome[1]);
	if (same_reason(&outcome[0]) != same_reason(&outcome[1]))
		fail_msg("%s of a captive client: %s by the short way, %s by the long one", what,
		         sp_reason_label(same_reason(&outcome[0])),
		         sp_reason_label(same_reason(&outcome[1])));
	one = sp_bench_guest(bench, SHORT_CAPTIVE, 0);
	other = sp_bench_guest(bench, LONG_CAPTIVE, 0);
	if (one.packets != other.packets || one.refused != other.refused || one.ipv4 != other.ipv4)
		fail_msg("%s of a captive client: %llu packets and %llu refused by the short way, "
		         "%llu and %llu by the long one",
		         what, (unsigned long long)one.packets, (unsigned long long)one.refused,
		         (unsigned long long)other.packets, (unsigned long long)other.refused);
}

/* What a captive client sends, and what it sends with one bit the other way round. */
static void flood(struct sp_bench *bench, const struct sp_sample *sample)
{
	static struct pair pair;
	char what[64];

	build(sample, SP_XDP, 0, SHORT_CAPTIVE, &pair.one);
	build(sample, SP_XDP, 0, LONG_CAPTIVE, &pair.other);
	for (int i = 0; i < 4; i++)
		check_captive(bench, &pair, sample->name);
	for (size_t at = ETHERTYPE; at < HEADERS && at < pair.one.length; at++) {
		const uint8_t mask = (uint8_t)(1 << at % 8);

		snprintf(what, sizeof(what), "%s, bit %zu of byte %zu", sample->name, at % 8, at);
		pair.one.byte[at] ^= mask;
		pair.other.byte[at] ^= mask;
		check_captive(bench, &pair, what);
		pair.one.byte[at] ^= mask;
		pair.other.byte[at] ^= mask;
	}
}

/* One packet of each kind is paid for, and the next one in years. */
static struct sp_settings stingy(void)
{
	struct sp_settings settings = {
		.refuse_tcp = SP_REFUSE_ANSWER,
		.refuse_udp = SP_REFUSE_ANSWER,
	};

	for (int kind = 0; kind < SP_BUDGETS; kind++)
		settings.client[kind] = (struct sp_budget){.cost = 1ULL << 60, .depth = 1ULL << 60};
	return settings;
}

static void floods(void **unused)
{
	struct sp_bench *bench;
	struct sp_settings settings = stingy();

	(void)unused;
	for (int variant = 0; variant < 4; variant++) {
		bench = sp_bench_open(true, NULL);
		settings.bypass = variant == 1;
		settings.garden_names = variant == 2;
		settings.refuse_udp = variant == 3 ? SP_REFUSE_DROP : SP_REFUSE_ANSWER;
		sp_bench_settings(bench, &settings);
		for (size_t i = 0; i < sizeof(captive) / sizeof(*captive); i++)
			flood(bench, &captive[i]);
	}
}

/* A client that floods, and whom the garden is then open for. */
static void the_garden_opens(void **unused)
{
	const struct sp_garden4_key key = {.prefix_length = SP_GARDEN_ZONE_BITS + 32,
	                                   .address = {10, 86, 0, 2}};
	const struct sp_garden garden = {.count = 1, .rule = {{.port_high = 65535}}};
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_settings settings = stingy();

	(void)unused;
	sp_bench_settings(bench, &settings);
	assert_int_equal(sp_bench_send(bench, SP_XDP, &captive[0], SHORT_CAPTIVE),
	                 SP_REASON_UNREACHABLE);
	for (int i = 0; i < 3; i++)
		assert_int_equal(sp_bench_send(bench, SP_XDP, &captive[0], SHORT_CAPTIVE),
		                 SP_REASON_BUDGET_REFUSAL);
	assert_int_equal(
		bpf_map_update_elem(sp_bench_map(bench, "garden4"), &key, &garden, BPF_ANY), 0);
	settings.garden4 = 1;
	sp_bench_settings(bench, &settings);
	sp_bench_forget_floods(bench);
	assert_int_equal(sp_bench_send(bench, SP_XDP, &captive[0], SHORT_CAPTIVE),
	                 SP_REASON_GARDEN);
}

/* What is changed in `clients` holds for the next packet. */
static void change_holds_at_once(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_client_policy policy = sp_test_session(7);

	(void)unused;
	for (int i = 0; i < 3; i++) {
		policy.generation++;
		policy.state = SP_CLIENT_AUTHORIZED;
		sp_bench_grant_to(bench, SHORT_CLIENT, &policy);
		for (int packet = 0; packet < 3; packet++)
			assert_int_equal(sp_bench_send(bench, SP_XDP, &samples[0], SHORT_CLIENT),
			                 SP_REASON_AUTHORIZED);
		policy.state = SP_CLIENT_BLOCKED;
		sp_bench_grant_to(bench, SHORT_CLIENT, &policy);
		assert_int_equal(sp_bench_send(bench, SP_XDP, &samples[0], SHORT_CLIENT),
		                 SP_REASON_BLOCKED);
		sp_bench_revoke(bench, (const uint8_t[6]){2, 0, 0, 0, 0, SHORT_CLIENT}, 0);
		assert_int_equal(sp_bench_send(bench, SP_XDP, &samples[0], SHORT_CLIENT),
		                 SP_REASON_UDP);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uploads),
		cmocka_unit_test(downloads),
		cmocka_unit_test(floods),
		cmocka_unit_test(the_garden_opens),
		cmocka_unit_test(change_holds_at_once),
		/* Last: it needs the programs loaded anew. */
		cmocka_unit_test(uploads_without_guard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
