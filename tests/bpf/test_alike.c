// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets that are refused as the one before them was (bpf/alike.h): of two clients that both
 * flood one is seen at XDP, where its last packet is remembered, the other at TC, where nothing is.
 * Whatever their next frame says, the same becomes of it. And so with two new clients in a crowd
 * (bpf/crowd.h).
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "run.h"
#include "rows.h"

#define SYN 0x02
#define ACK 0x10

#define QUICK 5
#define SLOW  6
#define KNOWN 0xf0

#define SOURCE_MAC 6 /* where it begins and ends in a frame */
#define ETHERTYPE  12

static const struct sp_sample samples[] = {
	{"UDP", V4("10.85.0.2", "10.86.0.2"), UDP(40000, 443)},
	{"UDP with padding", V4("10.85.0.2", "10.86.0.2"), UDP(40000, 443), .padding = 18},
	/* A bit from being of a group. */
	{"QUIC", V4("96.85.0.2", "10.86.0.2"), UDP(443, 443)},
	{"TCP", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 443, ACK), .payload = 6},
	{"SYN", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 80, SYN), .padding = 6},
	{"segment", V4("10.85.0.2", "10.86.0.2"), TCP(40000, 80, ACK)},
	{"DNS", V4("10.85.0.2", "9.9.9.9"), UDP(40000, 53)},
	{"DNS to somebody else", V4("10.85.0.2", "8.8.8.8"), UDP(40000, 53)},
	{"UDP, IPv6", V6("fd85::2", "fd86::2"), UDP(40000, 443)},
};

struct pair {
	struct sp_frame_bytes quick, slow;
};

/* One packet of each kind is paid for, and the next one in years. */
static struct sp_bench *open_stingy(void)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_settings settings = {
		.refuse_tcp = SP_REFUSE_ANSWER,
		.refuse_udp = SP_REFUSE_ANSWER,
	};

	for (int kind = 0; kind < SP_BUDGETS; kind++)
		settings.client[kind] = (struct sp_budget){.cost = 1ULL << 60, .depth = 1ULL << 60};
	sp_bench_settings(bench, &settings);
	return bench;
}

/* No new client is let in any more. */
static struct sp_bench *open_crowd(void)
{
	struct sp_settings settings = {
		.refuse_tcp = SP_REFUSE_ANSWER,
		.refuse_udp = SP_REFUSE_ANSWER,
	};
	struct sp_bench *bench = sp_bench_open(true, NULL);

	settings.total[SP_BUDGET_GUEST] =
		(struct sp_budget){.cost = 1ULL << 60, .depth = 1ULL << 60};
	sp_bench_settings(bench, &settings);
	assert_int_equal(sp_bench_send(bench, SP_XDP, &samples[0], KNOWN), SP_REASON_UNREACHABLE);
	return bench;
}

static struct sp_outcome sent(struct sp_bench *bench, enum sp_program program,
                              const struct sp_frame_bytes *frame)
{
	struct sp_outcome outcome;

	sp_bench_run(bench, program, frame, NULL, &outcome);
	return outcome;
}

static void check(struct sp_bench *bench, const struct pair *pair, const char *what)
{
	struct sp_outcome quick, slow;

	if (!sp_bench_takes(SP_IN, &pair->slow))
		return;
	quick = sent(bench, SP_XDP, &pair->quick);
	slow = sent(bench, SP_IN, &pair->slow);
	/* XDP lets a captured packet on; at TC there is no listener for it. */
	if (sp_outcome_reason(&quick) == SP_REASON_CAPTURED)
		quick.reason = SP_REASON_NO_LISTENER;
	if (sp_outcome_reason(&quick) != sp_outcome_reason(&slow))
		fail_msg("%s: %s as the one before, %s by itself", what,
		         sp_reason_label(sp_outcome_reason(&quick)),
		         sp_reason_label(sp_outcome_reason(&slow)));
	if (sp_outcome_reason(&slow) != SP_REASON_NO_LISTENER &&
	    (quick.packets != slow.packets || quick.bytes != slow.bytes))
		fail_msg("%s: %llu packets, %llu bytes as the one before; %llu, %llu by itself",
		         what, (unsigned long long)quick.packets, (unsigned long long)quick.bytes,
		         (unsigned long long)slow.packets, (unsigned long long)slow.bytes);
}

/* So often that the packet is the one before, though a jiffy ends meanwhile: the first of a jiffy
 * is looked up, the second judged, the third compared. */
static void remember(struct sp_bench *bench, const struct pair *pair, const char *name)
{
	for (int i = 0; i < 3; i++)
		check(bench, pair, name);
}

/* Each bit of the headers the other way round, but who sends them; that in a crowd. */
static void flip_bits(struct sp_bench *bench, struct pair *pair, const char *name, bool crowd)
{
	char what[64];

	for (size_t at = 0; at < pair->quick.length; at++) {
		if (!crowd && at >= SOURCE_MAC && at < ETHERTYPE)
			continue;
		for (int bit = 0; bit < 8; bit++) {
			const uint8_t mask = (uint8_t)(1 << bit);

			snprintf(what, sizeof(what), "%s, bit %d of byte %zu", name, bit, at);
			remember(bench, pair, name);
			pair->quick.byte[at] ^= mask;
			pair->slow.byte[at] ^= mask;
			check(bench, pair, what);
			pair->quick.byte[at] ^= mask;
			pair->slow.byte[at] ^= mask;
		}
	}
}

/* Cut short at every byte, and longer than its headers say. */
static void resize(struct sp_bench *bench, struct pair *pair, const char *name)
{
	const size_t length = pair->quick.length;
	char what[64];

	for (size_t other = ETHERTYPE + 2; other < length + 4; other++) {
		snprintf(what, sizeof(what), "%s, %zu bytes of %zu", name, other, length);
		remember(bench, pair, name);
		pair->quick.length = pair->slow.length = other;
		check(bench, pair, what);
		pair->quick.length = pair->slow.length = length;
	}
}

/* The DHCP ports of who sends, which the guard looks at and budgets do not. */
static void change_port(struct sp_bench *bench, struct pair *pair, const char *name)
{
	const uint16_t ports[] = {66, 67, 68, 69, 545, 546, 547, 548, 53, 80};
	uint8_t *quick = &pair->quick.byte[pair->quick.network + 20];
	uint8_t *slow = &pair->slow.byte[pair->slow.network + 20];
	uint8_t own[2];

	memcpy(own, quick, 2);
	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
		remember(bench, pair, name);
		quick[0] = slow[0] = (uint8_t)(ports[i] >> 8);
		quick[1] = slow[1] = (uint8_t)ports[i];
		check(bench, pair, name);
		memcpy(quick, own, 2);
		memcpy(slow, own, 2);
	}
}

/* Who is no host is never answered, and so does not pay. */
static void change_sender(struct sp_bench *bench, struct pair *pair, const char *name)
{
	const uint8_t heads[] = {0, 1, 126, 127, 128, 223, 224, 239, 255};
	uint8_t *quick = &pair->quick.byte[pair->quick.network + 12];
	uint8_t *slow = &pair->slow.byte[pair->slow.network + 12];
	const uint8_t own = *quick;

	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		remember(bench, pair, name);
		*quick = *slow = heads[i];
		check(bench, pair, name);
		*quick = *slow = own;
	}
}

static void compare(const struct sp_sample *sample, bool crowd)
{
	struct sp_bench *bench = crowd ? open_crowd() : open_stingy();
	static struct pair pair;

	sp_test_upload(sample, QUICK, &pair.quick);
	sp_test_upload(sample, SLOW, &pair.slow);
	remember(bench, &pair, sample->name);
	flip_bits(bench, &pair, sample->name, crowd);
	resize(bench, &pair, sample->name);
	if (sample->family == 4) {
		change_port(bench, &pair, sample->name);
		change_sender(bench, &pair, sample->name);
	}
}

static void whatever_differs(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++)
		compare(&samples[i], false);
}

static void whatever_differs_in_a_crowd(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++)
		compare(&samples[i], true);
}
/* What this CPU remembers of the client's last packet. */
static struct sp_alike last_of(struct sp_bench *bench, uint8_t number)
{
	const int cpus = libbpf_num_possible_cpus();
	struct sp_flooders *all = calloc((size_t)cpus, sizeof(*all)), *here;
	struct sp_client_key key = {};
	struct sp_alike last = {};
	const uint32_t zero = 0;
	uint64_t client;

	sp_test_mac(key.mac, number);
	memcpy(&client, &key, sizeof(client));
	if (!all || bpf_map_lookup_elem(sp_bench_map(bench, "flooders"), &zero, all))
		fail_msg("cannot read who floods");
	here = &all[sched_getcpu()];
	for (size_t i = 0; i < sizeof(here->cell) / sizeof(*here->cell); i++)
		if (here->cell[i].client == client)
			last = here->cell[i].last;
	free(all);
	return last;
}

/* Otherwise nothing is compared, and the rest of this file says nothing. */
static void the_last_one_is_remembered(void **unused)
{
	struct sp_bench *bench = open_stingy();
	struct sp_frame_bytes frame;
	struct sp_alike last = {};

	(void)unused;
	sp_test_upload(&samples[0], QUICK, &frame);
	sent(bench, SP_XDP, &frame);
	/* Once more if a jiffy ends meanwhile. */
	for (int i = 0; i < 100 && !last.length; i++) {
		sent(bench, SP_XDP, &frame);
		last = last_of(bench, QUICK);
	}
	assert_int_equal(last.length, frame.length);
	assert_int_equal(last.reason, SP_REASON_BUDGET_REFUSAL);
	assert_memory_equal(&last.head, frame.byte + frame.network, 4);
}

/* In the next jiffy another budget is used up than in the one before. */
static void not_longer_than_a_jiffy(void **unused)
{
	struct sp_bench *bench = open_stingy();
	struct sp_frame_bytes dns, udp;
	struct sp_settings settings = {};
	struct sp_outcome outcome;
	uint64_t now;

	(void)unused;
	sp_test_upload(&samples[6], QUICK, &dns);
	sp_test_upload(&samples[7], QUICK, &udp);
	for (int i = 0; i < 4; i++) {
		sent(bench, SP_XDP, &udp);
		sent(bench, SP_XDP, &dns);
	}
	/* DNS can be paid for again. */
	settings.refuse_udp = SP_REFUSE_ANSWER;
	settings.client[SP_BUDGET_REFUSAL] =
		(struct sp_budget){.cost = 1ULL << 60, .depth = 1ULL << 60};
	sp_bench_settings(bench, &settings);
	now = sp_test_jiffies();
	while (sp_test_jiffies() == now)
		;
	outcome = sent(bench, SP_XDP, &udp);
	assert_int_equal(sp_outcome_reason(&outcome), SP_REASON_BUDGET_REFUSAL);
	outcome = sent(bench, SP_XDP, &dns);
	assert_int_equal(sp_outcome_reason(&outcome), SP_REASON_DNS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_differs),
		cmocka_unit_test(whatever_differs_in_a_crowd),
		cmocka_unit_test(the_last_one_is_remembered),
		cmocka_unit_test(not_longer_than_a_jiffy),
	};

	return cmocka_run_group_tests(tests, sp_test_on_one_cpu, NULL);
}
