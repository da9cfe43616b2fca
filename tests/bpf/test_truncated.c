// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets that are cut short or damaged. None may pass because it ends early, and XDP and TC must
 * agree on what is left of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "run.h"
#include "samples.h"

#define CAPTIVE_CLIENT    2
#define AUTHORIZED_CLIENT 3

static const struct sp_tag tags[SP_TAGS_MAX] = {{0x88a8, 5}, {0x8100, 7}, {0x8100, 9}};

static struct sp_bench *open_with_client(void)
{
	const struct sp_client_policy policy = {.state = SP_CLIENT_AUTHORIZED, .generation = 1};
	struct sp_bench *bench = sp_bench_open(true, NULL);
	uint8_t mac[6];

	sp_test_mac(mac, AUTHORIZED_CLIENT);
	sp_bench_grant(bench, mac, 0, &policy);
	sp_bench_grant(bench, mac, 5, &policy);
	return bench;
}

static void build(const struct sp_sample *sample, uint8_t client, uint8_t tag_count,
                  struct sp_frame_bytes *frame)
{
	struct sp_ether ether = {.tags = tag_count};

	memcpy(ether.to, sp_test_gateway_mac, 6);
	memcpy(ether.tag, tags, sizeof(ether.tag));
	sp_test_mac(ether.from, client);
	sp_packet_build(sample, &ether, frame);
}

static size_t get16(const uint8_t *at)
{
	return (size_t)at[0] << 8 | at[1];
}

/* How many bytes a whole one has, by its own word; 0 for ethertypes that do not say. */
static size_t whole(const struct sp_sample *sample, const struct sp_frame_bytes *frame)
{
	const uint8_t *network = frame->byte + frame->network;

	if (sample->family == 4)
		return frame->network + get16(network + 2);
	if (sample->family == 6)
		return frame->network + 40 + get16(network + 4);
	if (sample->ethertype == 0x0806)
		return frame->network + 28;
	if (sample->ethertype == 0x888e)
		return frame->network + 4 + get16(network + 2);
	return 0;
}

static bool passed(enum sp_program program, const struct sp_outcome *outcome)
{
	return outcome->action != (program == SP_XDP ? 1 /* XDP_DROP */ : 2 /* TC_ACT_SHOT */);
}

/* Each was counted once, and those that were dropped for a reason that drops. */
static void check_counted(struct sp_bench *bench, const char *name, uint64_t drops)
{
	struct sp_count grown[SP_MAX_REASONS];
	uint64_t counted = 0;

	sp_bench_grown(bench, grown);
	for (uint32_t reason = SP_REASON_FIRST_DROP; reason < SP_MAX_REASONS; reason++)
		counted += grown[reason].packets;
	if (counted != drops)
		fail_msg("%s: %llu drops were counted as %llu", name, (unsigned long long)drops,
		         (unsigned long long)counted);
}

static void cut_everywhere(struct sp_bench *bench, const struct sp_sample *sample, uint8_t client,
                           uint8_t tag_count, enum sp_program program)
{
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;
	size_t full, needed;
	uint64_t drops = 0;

	build(sample, client, tag_count, &frame);
	full = frame.length;
	needed = whole(sample, &frame);
	for (size_t length = 14; length < full; length++) {
		frame.length = length;
		if (!sp_bench_takes(program, &frame))
			continue;
		sp_bench_run_only(bench, program, &frame, NULL, &outcome);
		if (!passed(program, &outcome))
			drops++;
		else if (!needed || length < needed)
			fail_msg("%s: %s, %u tags, client %u: %zu of %zu bytes pass",
			         sp_program_names[program], sample->name, tag_count, client, length,
			         full);
	}
	check_counted(bench, sample->name, drops);
}

/* What has no length to be checked must not pass from a captive client at all. */
static void nothing_passes_cut(void **unused)
{
	struct sp_bench *bench = open_with_client();

	(void)unused;
	for_each_sample(sample)
	{
		for (uint8_t tag_count = 0; tag_count < 3; tag_count++) {
			for (enum sp_program program = SP_XDP; program <= SP_IN; program++) {
				sp_bench_forget(bench);
				cut_everywhere(bench, sample, CAPTIVE_CLIENT, tag_count, program);
				if (sample->family)
					cut_everywhere(bench, sample, AUTHORIZED_CLIENT, tag_count,
					               program);
			}
		}
	}
}

/* xorshift64: the same damage in every run. */
static uint32_t draw(uint32_t below)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 32) % below;
}

/* Most of the damage goes where the headers are. */
static void damage(struct sp_frame_bytes *frame)
{
	static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff, 0x3a, 0x2c, 0x00, 0x3c};
	uint32_t headers = (uint32_t)(frame->length < 96 ? frame->length : 96);

	for (uint32_t n = 1 + draw(4); n; n--) {
		uint8_t *at = frame->byte + (draw(4) ? 12 + draw(headers - 12) : draw(headers));

		switch (draw(4)) {
		case 0:
			*at = (uint8_t)draw(256);
			break;
		case 1:
			*at = edges[draw(sizeof(edges))];
			break;
		case 2:
			*at ^= (uint8_t)(1u << draw(8));
			break;
		default:
			*at = (uint8_t)(*at + (draw(2) ? 1 : -1));
		}
	}
	if (!draw(8))
		frame->length = 14 + draw((uint32_t)frame->length - 13);
}

#define GROUP   100u
#define GROUPS  2000u
#define SAMPLES 1024u

static uint32_t list_samples(const struct sp_sample **list)
{
	uint32_t count = 0;

	for_each_sample(sample)
	{
		assert_true(count < SAMPLES);
		list[count++] = sample;
	}
	return count;
}

/* Run the group; fills @grown, with what XDP leaves to TC counted as TC will. */
static void run_group(struct sp_bench *bench, enum sp_program program,
                      const struct sp_frame_bytes *group, struct sp_count *grown)
{
	uint64_t total = 0, left = 0;

	sp_bench_forget(bench);
	for (uint32_t i = 0; i < GROUP; i++) {
		struct sp_outcome outcome;

		sp_bench_run_only(bench, program, &group[i], NULL, &outcome);
		left += program == SP_XDP && outcome.has_meta &&
		        outcome.meta.reason == SP_REASON_CAPTURED;
	}
	sp_bench_grown(bench, grown);
	grown[SP_REASON_NO_LISTENER].packets += left;
	for (uint32_t reason = 0; reason < SP_MAX_REASONS; reason++)
		total += grown[reason].packets;
	if (total != GROUP)
		fail_msg("%s counted %llu of %u frames", sp_program_names[program],
		         (unsigned long long)total, GROUP);
}

static void both_programs_agree(void **unused)
{
	static struct sp_frame_bytes group[GROUP];
	static const struct sp_sample *samples[SAMPLES];
	struct sp_count xdp[SP_MAX_REASONS], tc[SP_MAX_REASONS];
	struct sp_bench *bench = open_with_client();
	uint32_t count = list_samples(samples);

	(void)unused;
	for (uint32_t n = 0; n < sp_test_times(GROUPS); n++) {
		for (uint32_t i = 0; i < GROUP; i++) {
			do {
				build(samples[draw(count)],
				      draw(2) ? CAPTIVE_CLIENT : AUTHORIZED_CLIENT,
				      (uint8_t)draw(4), &group[i]);
				damage(&group[i]);
			} while (!sp_bench_takes(SP_IN, &group[i]));
		}
		run_group(bench, SP_XDP, group, xdp);
		run_group(bench, SP_IN, group, tc);
		for (uint32_t reason = 0; reason < SP_MAX_REASONS; reason++) {
			if (xdp[reason].packets != tc[reason].packets)
				fail_msg("group %u: %s: XDP %llu, TC %llu", n,
				         sp_reason_label((enum sp_reason)reason),
				         xdp[reason].packets, tc[reason].packets);
			if (reason != SP_REASON_NO_LISTENER &&
			    xdp[reason].bytes != tc[reason].bytes)
				fail_msg("group %u: %s: XDP %llu bytes, TC %llu", n,
				         sp_reason_label((enum sp_reason)reason), xdp[reason].bytes,
				         tc[reason].bytes);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_passes_cut),
		cmocka_unit_test(both_programs_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
