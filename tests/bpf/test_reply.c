// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Refusals: what is answered and what never is, and that the answer is one. With SP_ANSWERS=FILE
 * each packet and behind it its answer are written to that file as pcap, for test_answers.py, which
 * has an implementation of its own of what the answers must be.
 */
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "run.h"
#include "rows.h"

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define ACK 0x10
#define MF  0x2000

#define CAPTIVE_CLIENT 2

static const struct sp_settings answering = {
	.refuse_tcp = SP_REFUSE_ANSWER,
	.refuse_udp = SP_REFUSE_ANSWER,
};

/* .captive: with `answering`. */
static const struct sp_sample up[] = {
	{"SYN", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 443, SYN), .captive = R(RESET)},
	{"SYN, IPv6", V6("fd85::2", "fd86::2"), TCP(40000, 443, SYN), .captive = R(RESET)},
	{"SYN with data", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 443, SYN), .payload = 301,
         .captive = R(RESET)},
	{"SYN with data, IPv6", V6("fd85::2", "fd86::2"), TCP(40000, 443, SYN), .payload = 77,
         .captive = R(RESET)},
	{"SYN with options", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 443, SYN), .payload = 20,
         .patches = 1, .patch = {{32, 0xa0}}, .captive = R(RESET)},
	{"SYN with options, IPv6", V6("fd85::2", "fd86::2"), TCP(40000, 443, SYN), .payload = 20,
         .patches = 1, .patch = {{52, 0xa0}}, .captive = R(RESET)},
	{"SYN and FIN", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 443, SYN | FIN), .payload = 5,
         .captive = R(RESET)},
	{"SYN and ACK", V4("10.85.0.2", "10.86.0.2"), TCP(443, 40000, SYN | ACK),
         .captive = R(RESET)},
	{"ACK", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 22, ACK), .captive = R(RESET)},
	{"ACK, IPv6", V6("fd85::2", "fd86::2"), TCP(40000, 22, ACK), .captive = R(RESET)},
	{"data", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 22, ACK | PSH), .payload = 1460,
         .captive = R(RESET)},
	{"data, IPv6", V6("fd85::2", "fd86::2"), TCP(40000, 22, ACK | PSH), .payload = 1440,
         .captive = R(RESET)},
	{"data without ACK", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 22, PSH), .payload = 33,
         .captive = R(RESET)},
	{"FIN", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 22, FIN), .payload = 3,
         .captive = R(RESET)},
	{"FIN and ACK, IPv6", V6("fd85::2", "fd86::2"), TCP(40000, 22, FIN | ACK),
         .captive = R(RESET)},
	{"no flag", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 22, 0), .captive = R(RESET)},
	{"every other flag", V6("fd85::2", "fd86::2"), TCP(40000, 22, 0xea), .captive = R(RESET)},
	{"SYN, IP options", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 443, SYN), .options = 1,
         .captive = R(RESET)},
	{"data, most IP options", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 443, ACK), .options = 10,
         .payload = 99, .captive = R(RESET)},
	{"SYN, extension headers", V6("fd85::2", "fd86::2"), TCP(40000, 443, SYN),
         .chain = {IPPROTO_HOPOPTS, IPPROTO_DSTOPTS}, .chain_length = 2, .captive = R(RESET)},
	{"SYN, all extension headers", V6("fd85::2", "fd86::2"), TCP(40000, 443, SYN),
         .chain = {IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_ROUTING, IPPROTO_AH, IPPROTO_DSTOPTS},
         .chain_length = 5, .captive = R(RESET)},
	{"SYN, padding of Ethernet", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 443, SYN),
         .padding = 6, .captive = R(RESET)},
	{"data, padding", V6("fd85::2", "fd86::2"), TCP(40000, 443, FIN), .payload = 4,
         .padding = 11, .captive = R(RESET)},
	{"UDP", V4("10.85.0.2", "10.86.0.2"), UDP(40000, 443), .captive = R(UNREACHABLE)},
	{"UDP, IPv6", V6("fd85::2", "fd86::2"), UDP(40000, 443), .captive = R(UNREACHABLE)},
	{"UDP, other hops", V4("10.85.0.2", "10.86.0.2"), UDP(40000, 443), .hops = 1,
         .captive = R(UNREACHABLE)},
	{"UDP, IP options", V4("10.85.0.2", "10.86.0.2"), UDP(40000, 443), .options = 1,
         .captive = R(UNREACHABLE)},
	{"UDP, most IP options", V4("10.85.0.2", "10.86.0.2"), UDP(40000, 443), .options = 10,
         .captive = R(UNREACHABLE)},
	{"UDP, extension headers", V6("fd85::2", "fd86::2"), UDP(40000, 443),
         .chain = {IPPROTO_HOPOPTS, IPPROTO_DSTOPTS}, .chain_length = 2, .captive = R(UNREACHABLE)},
	{"UDP, padding", V4("10.85.0.2", "10.86.0.2"), UDP(40000, 443), .padding = 18,
         .captive = R(UNREACHABLE)},
	{"UDP, padding, IPv6", V6("fd85::2", "fd86::2"), UDP(40000, 443), .padding = 1,
         .captive = R(UNREACHABLE)},
	/* Never answered. */
	{"reset", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 22, RST), .captive = R(TCP)},
	{"reset, IPv6", V6("fd85::2", "fd86::2"), TCP(40000, 22, RST | ACK), .captive = R(TCP)},
	{"to a group", V4("10.85.0.2", "239.1.2.3"), UDP(40000, 443), .captive = R(UDP)},
	{"to a group, IPv6", V6("fd85::2", "ff0e::1"), UDP(40000, 443), .captive = R(UDP)},
	{"to a group, TCP", V6("fd85::2", "ff0e::1"), TCP(40000, 443, SYN), .captive = R(TCP)},
	{"to everybody", V4("10.85.0.2", "255.255.255.255"), UDP(40000, 443), .captive = R(UDP)},
	{"from nobody", V4("0.0.0.0", "10.86.0.2"), UDP(40000, 443), .captive = R(UDP)},
	{"from nobody, TCP", V4("0.0.0.0", "10.86.0.2"), TCP(40000, 443, SYN), .captive = R(TCP)},
	{"from nobody, IPv6", V6("::", "fd86::2"), UDP(40000, 443), .captive = R(UDP)},
	{"from oneself", V4("127.0.0.1", "10.86.0.2"), UDP(40000, 443), .captive = R(UDP)},
	{"from oneself, IPv6", V6("::1", "fd86::2"), UDP(40000, 443), .captive = R(UDP)},
	{"from a group", V4("224.0.0.1", "10.86.0.2"), UDP(40000, 443), .captive = R(UDP)},
	{"from a group, IPv6", V6("ff02::1", "fd86::2"), TCP(40000, 443, SYN), .captive = R(TCP)},
	{"from everybody", V4("255.255.255.255", "10.86.0.2"), UDP(40000, 443), .captive = R(UDP)},
	{"ping", V4("10.85.0.2", "10.86.0.2"), ICMP(8), .captive = R(ICMP)},
	{"first fragment", V4("10.85.0.2", "10.86.0.2"), UDP(40000, 443), .fragment = MF,
         .captive = R(FRAGMENT)},
	{"later fragment", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 443, SYN), .fragment = 3,
         .payload = 30, .captive = R(FRAGMENT)},
	{},
};

/* .captive: when the gateway forwards it to a captive client. */
static const struct sp_sample down[] = {
	{"data", V4("10.86.0.2", "10.85.0.2"), TCP(443, 40000, ACK | PSH), .payload = 1000,
         .captive = R(DOWN_RESET)},
	{"data, IPv6", V6("fd86::2", "fd85::2"), TCP(443, 40000, ACK), .payload = 1441,
         .captive = R(DOWN_RESET)},
	{"ACK", V4("10.86.0.2", "10.85.0.2"), TCP(80, 40000, ACK), .captive = R(DOWN_RESET)},
	{"FIN, IPv6", V6("fd86::2", "fd85::2"), TCP(80, 40000, FIN | ACK),
         .captive = R(DOWN_RESET)},
	{"no flag", V4("10.86.0.2", "10.85.0.2"), TCP(80, 40000, 0), .payload = 3,
         .captive = R(DOWN_RESET)},
	{"IP options", V4("10.86.0.2", "10.85.0.2"), TCP(80, 40000, ACK), .options = 3,
         .payload = 100, .captive = R(DOWN_RESET)},
	{"extension header", V6("fd86::2", "fd85::2"), TCP(80, 40000, ACK),
         .chain = {IPPROTO_DSTOPTS}, .chain_length = 1, .payload = 100, .captive = R(DOWN_RESET)},
	{"padding", V4("10.86.0.2", "10.85.0.2"), TCP(80, 40000, ACK), .padding = 6,
         .captive = R(DOWN_RESET)},
	{"SYN", V4("10.86.0.2", "10.85.0.2"), TCP(40000, 22, SYN), .captive = R(DOWN_CAPTIVE)},
	{"SYN and ACK", V6("fd86::2", "fd85::2"), TCP(40000, 22, SYN | ACK),
         .captive = R(DOWN_CAPTIVE)},
	{"reset", V4("10.86.0.2", "10.85.0.2"), TCP(40000, 22, RST | ACK),
         .captive = R(DOWN_CAPTIVE)},
	{"first fragment", V4("10.86.0.2", "10.85.0.2"), TCP(80, 40000, ACK), .payload = 40,
         .fragment = MF, .captive = R(DOWN_CAPTIVE)},
	{"UDP", V4("10.86.0.2", "10.85.0.2"), UDP(443, 40000), .captive = R(DOWN_CAPTIVE)},
	{},
};

/* --- the file of answers --- */

static FILE *answers;

static void put_record(const struct sp_frame_bytes *frame)
{
	const uint32_t head[4] = {0, 0, (uint32_t)frame->length, (uint32_t)frame->length};

	if (fwrite(head, sizeof(head), 1, answers) != 1 ||
	    fwrite(frame->byte, frame->length, 1, answers) != 1)
		fail_msg("cannot write the answers");
}

static int open_answers(void **unused)
{
	/* Magic, version 2.4, time zone, accuracy, longest packet, Ethernet. */
	static const uint32_t head[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, SP_FRAME_MAX, 1};
	const char *path = getenv("SP_ANSWERS");

	(void)unused;
	if (!path)
		return 0;
	answers = fopen(path, "wb");
	return answers && fwrite(head, sizeof(head), 1, answers) == 1 ? 0 : -1;
}

static int close_answers(void **unused)
{
	(void)unused;
	return answers ? fclose(answers) : 0;
}

/* --- frames --- */

static void build(const struct sp_sample *sample, bool to_client, uint8_t tags,
                  struct sp_frame_bytes *frame)
{
	static const struct sp_tag tag[2][2] = {{{0x8100, 0x6005}}, {{0x88a8, 5}, {0x8100, 7}}};
	struct sp_ether ether = {.tags = tags};

	if (tags)
		memcpy(ether.tag, tag[tags - 1], sizeof(tag[0]));
	sp_test_mac(to_client ? ether.to : ether.from, CAPTIVE_CLIENT);
	memcpy(to_client ? ether.from : ether.to, sp_test_gateway_mac, 6);
	sp_packet_build(sample, &ether, frame);
}

/* Sequence numbers about to wrap, and odd ones. */
static void number(const struct sp_sample *sample, struct sp_frame_bytes *frame)
{
	static const uint8_t numbers[8] = {0xff, 0xff, 0xff, 0xfd, 0x80, 0x01, 0xfe, 0x7f};
	size_t transport =
		frame->network + (sample->family == 4 ? 20u + sample->options * 4u : 40u);

	for (uint8_t i = 0; i < sample->chain_length; i++)
		transport += sample->chain[i] == IPPROTO_AH ? 24 : 8;
	if (sample->protocol == IPPROTO_TCP && !(sample->fragment & 0x1fff))
		memcpy(frame->byte + transport + 4, numbers, sizeof(numbers));
}

static void check(struct sp_bench *bench, enum sp_program program, const struct sp_sample *sample,
                  uint8_t tags, const struct sp_run *run)
{
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;

	build(sample, program == SP_OUT, tags, &frame);
	number(sample, &frame);
	sp_bench_run(bench, program, &frame, run, &outcome);
	if (outcome.reason != sample->captive)
		fail_msg("%s, %s, %u tags: %s instead of %s", sp_program_names[program],
		         sample->name, tags, sp_reason_label(outcome.reason),
		         sp_reason_label(sample->captive));
	if (!outcome.answer || !answers)
		return;
	put_record(&frame);
	put_record(outcome.answer);
}

static struct sp_bench *open_answering(void)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);

	sp_bench_settings(bench, &answering);
	return bench;
}

/* --- the tests --- */

static void refused(void **unused)
{
	struct sp_bench *bench = open_answering();

	(void)unused;
	for (const struct sp_sample *sample = up; sample->name; sample++)
		for (uint8_t tags = 0; tags < 3; tags++)
			for (enum sp_program program = SP_XDP; program <= SP_IN; program++)
				check(bench, program, sample, tags, NULL);
}

/* The quote ends at every length, and at most after 512 bytes. */
static void quotes(void **unused)
{
	struct sp_sample udp4 = {"quote", V4("10.85.0.2", "10.86.0.2"), UDP(40000, 443),
	                         .captive = R(UNREACHABLE)};
	struct sp_sample udp6 = {"quote, IPv6", V6("fd85::2", "fd86::2"), UDP(40000, 443),
	                         .captive = R(UNREACHABLE)};
	struct sp_bench *bench = open_answering();

	(void)unused;
	for (uint16_t size = 0; size <= 1452; size++) {
		if (size > 24 && (size < 440 || size > 500) && size % 7)
			continue;
		udp4.payload = udp6.payload = size;
		for (enum sp_program program = SP_XDP; program <= SP_IN; program++) {
			check(bench, program, &udp4, 0, NULL);
			check(bench, program, &udp6, 2, NULL);
		}
	}
}

/* Frames of several buffers, and packets that stand for several. */
static void large(void **unused)
{
	const struct sp_run several = {.gso_size = 1400, .gso_segs = 6};
	struct sp_sample rows[] = {
		{"large", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 443, SYN), .captive = R(RESET)},
		{"large, IPv6", V6("fd85::2", "fd86::2"), TCP(40000, 443, FIN),
	         .captive = R(RESET)},
		{"large, UDP", V4("10.85.0.2", "10.86.0.2"), UDP(40000, 443),
	         .captive = R(UNREACHABLE)},
		{"large, UDP, IPv6", V6("fd85::2", "fd86::2"), UDP(40000, 443),
	         .captive = R(UNREACHABLE)},
	};
	struct sp_bench *bench = open_answering();

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		rows[i].payload = 8400;
		check(bench, SP_XDP, &rows[i], 1, NULL);
		rows[i].payload = 3000;
		check(bench, SP_IN, &rows[i], 0, &several);
	}
}

static void downloads(void **unused)
{
	const struct sp_run forwarded = {.ingress_ifindex = 1};
	const struct sp_run several = {.ingress_ifindex = 1, .gso_size = 500, .gso_segs = 3};
	struct sp_bench *bench = open_answering();

	(void)unused;
	for (const struct sp_sample *sample = down; sample->name; sample++)
		for (uint8_t tags = 0; tags < 3; tags++) {
			check(bench, SP_OUT, sample, tags, &forwarded);
			if (sample->payload > 500)
				check(bench, SP_OUT, sample, tags, &several);
		}
}

/* What the gateway itself sends is nobody's to refuse. */
static void own_packets(void **unused)
{
	struct sp_bench *bench = open_answering();
	struct sp_sample row;

	(void)unused;
	for (const struct sp_sample *sample = down; sample->name; sample++) {
		row = *sample;
		row.captive = R(DOWN_LOCAL);
		check(bench, SP_OUT, &row, 0, NULL);
	}
}

/* `refuse` and `refuse_udp` = drop, each by itself. */
static void drop_is_drop(void **unused)
{
	const struct sp_run forwarded = {.ingress_ifindex = 1};
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_settings settings = answering;
	struct sp_sample row;

	(void)unused;
	settings.refuse_tcp = SP_REFUSE_DROP;
	sp_bench_settings(bench, &settings);
	for (const struct sp_sample *sample = up; sample->name; sample++) {
		row = *sample;
		row.captive = row.captive == R(RESET) ? R(TCP) : row.captive;
		check(bench, SP_XDP, &row, 0, NULL);
		check(bench, SP_IN, &row, 1, NULL);
	}
	row = down[0];
	row.captive = R(DOWN_CAPTIVE);
	check(bench, SP_OUT, &row, 0, &forwarded);
	settings = answering;
	settings.refuse_udp = SP_REFUSE_DROP;
	sp_bench_settings(bench, &settings);
	for (const struct sp_sample *sample = up; sample->name; sample++) {
		row = *sample;
		row.captive = row.captive == R(UNREACHABLE) ? R(UDP) : row.captive;
		check(bench, SP_XDP, &row, 0, NULL);
		check(bench, SP_IN, &row, 1, NULL);
	}
}

/* A frame sent to everybody is not answered, whatever its IP destination (RFC 1122 3.2.2). */
static void to_every_host(void **unused)
{
	struct sp_bench *bench = open_answering();
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;

	(void)unused;
	for (enum sp_program program = SP_XDP; program <= SP_IN; program++) {
		build(&up[0], false, 0, &frame);
		memset(frame.byte, 0xff, 6);
		sp_bench_run(bench, program, &frame, NULL, &outcome);
		assert_int_equal(outcome.reason, R(TCP));
	}
}

/* Cut short anywhere, nothing is answered. */
static void truncated(void **unused)
{
	struct sp_bench *bench = open_answering();
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;

	(void)unused;
	for (const struct sp_sample *sample = up; sample->name; sample++) {
		if (sample->captive != R(RESET) && sample->captive != R(UNREACHABLE))
			continue;
		build(sample, false, 1, &frame);
		frame.length = frame.network + frame.ip_bytes;
		for (size_t full = frame.length; frame.length > frame.network; frame.length--) {
			if (frame.length == full)
				continue;
			sp_bench_run(bench, SP_XDP, &frame, NULL, &outcome);
			assert_int_equal(outcome.reason, R(MALFORMED));
			sp_bench_run(bench, SP_IN, &frame, NULL, &outcome);
			assert_int_equal(outcome.reason, R(MALFORMED));
		}
	}
}

/* One refusal each for a time: also what turns a download into a reset is paid for. */
static void budgets(void **unused)
{
	const struct sp_run forwarded = {.ingress_ifindex = 1};
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_settings settings = answering;
	struct sp_sample row = down[0];

	(void)unused;
	settings.client[SP_BUDGET_REFUSAL].cost = (uint64_t)3600 * sp_test_hz() << SP_BUDGET_SHIFT;
	settings.client[SP_BUDGET_REFUSAL].depth = settings.client[SP_BUDGET_REFUSAL].cost - 1;
	sp_bench_settings(bench, &settings);
	check(bench, SP_OUT, &row, 0, &forwarded);
	row.captive = R(BUDGET_REFUSAL);
	check(bench, SP_OUT, &row, 0, &forwarded);
	row = up[0];
	row.captive = R(BUDGET_REFUSAL);
	check(bench, SP_XDP, &row, 0, NULL);
	check(bench, SP_IN, &row, 0, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),     cmocka_unit_test(quotes),
		cmocka_unit_test(large),       cmocka_unit_test(downloads),
		cmocka_unit_test(own_packets), cmocka_unit_test(drop_is_drop),
		cmocka_unit_test(truncated),   cmocka_unit_test(to_every_host),
		cmocka_unit_test(budgets),
	};

	return cmocka_run_group_tests(tests, open_answers, close_answers);
}
