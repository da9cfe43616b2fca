// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * More new clients than SP_BUDGET_GUEST allows (bpf/crowd.h): they are refused without a look into
 * `guests`, each is counted, and nobody is taken for one of them who is known, or who has paid.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <netinet/in.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "run.h"
#include "rows.h"

#define KNOWN  10 /* and the ones after it */
#define BURST  4
#define NEW    100
#define PAYING 3
#define MANY   1000000u /* packets of a flood: it lasts some jiffies */

static const struct sp_sample udp = {"UDP", V4("10.85.0.2", "10.86.0.2"), UDP(40000, 443)};
static const struct sp_sample udp6 = {"UDP, IPv6", V6("fd85::2", "fd86::2"), UDP(40000, 443)};
static const struct sp_sample dns = {"DNS", V4("10.85.0.2", "9.9.9.9"), UDP(40000, 53)};

static void expect(struct sp_bench *bench, enum sp_program program, const struct sp_sample *sample,
                   uint8_t number, enum sp_reason reason)
{
	const enum sp_reason found = sp_bench_send(bench, program, sample, number);

	if (found != reason)
		fail_msg("%s of client %u: %s, expected %s", sample->name, number,
		         sp_reason_label(found), sp_reason_label(reason));
}

/* No more than some clients become known, of which each may do what it likes. */
static struct sp_bench *open_crowd(void)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_settings settings = {
		.refuse_tcp = SP_REFUSE_ANSWER,
		.refuse_udp = SP_REFUSE_ANSWER,
	};

	settings.total[SP_BUDGET_GUEST] =
		(struct sp_budget){.cost = 1ULL << 50, .depth = (uint64_t)BURST << 50};
	sp_bench_settings(bench, &settings);
	for (uint8_t i = 0; i < BURST; i++)
		expect(bench, SP_XDP, &dns, KNOWN + i, SP_REASON_DNS);
	return bench;
}

static struct sp_total total(struct sp_bench *bench)
{
	const uint32_t kind = SP_BUDGET_GUEST;
	struct sp_total found;

	assert_int_equal(bpf_map_lookup_elem(sp_bench_map(bench, "budgets"), &kind, &found), 0);
	return found;
}

/* As if so many clients had become known. */
static void made(struct sp_bench *bench, uint64_t count)
{
	const uint32_t kind = SP_BUDGET_GUEST;
	struct sp_total now = total(bench);

	now.made = count;
	assert_int_equal(bpf_map_update_elem(sp_bench_map(bench, "budgets"), &kind, &now, BPF_ANY),
	                 0);
}

/* Whether this CPU compares new clients' packets with that frame. */
static bool is_remembered(struct sp_bench *bench, const struct sp_frame_bytes *frame)
{
	struct sp_flooders *all = calloc((size_t)libbpf_num_possible_cpus(), sizeof(*all));
	const uint32_t zero = 0;
	bool found;

	if (!all || bpf_map_lookup_elem(sp_bench_map(bench, "flooders"), &zero, all))
		fail_msg("cannot read who floods");
	found = all[sched_getcpu()].last.length == frame->length;
	free(all);
	return found;
}

static void every_packet_is_counted(void **unused)
{
	struct sp_bench *bench = open_crowd();
	struct sp_count grown[SP_MAX_REASONS];
	struct sp_frame_bytes frame;

	(void)unused;
	sp_bench_grown(bench, grown);
	sp_test_upload(&udp, NEW, &frame);
	sp_bench_repeat(bench->program[SP_XDP], &frame, MANY);
	assert_true(is_remembered(bench, &frame));
	sp_bench_grown(bench, grown);
	for (unsigned i = 0; i < SP_MAX_REASONS; i++)
		assert_int_equal(grown[i].packets, i == SP_REASON_TOTAL_GUEST ? MANY : 0);
	assert_int_equal(grown[SP_REASON_TOTAL_GUEST].bytes, MANY * frame.ip_bytes);
	assert_int_equal(total(bench).made, BURST);
}

static void the_known_go_on(void **unused)
{
	struct sp_bench *bench = open_crowd();

	(void)unused;
	for (uint8_t i = 0; i < 40; i++) {
		const uint8_t known = (uint8_t)(KNOWN + i % BURST);
		const enum sp_program program = i % 3 ? SP_XDP : SP_IN;

		expect(bench, SP_XDP, &udp, NEW + i, SP_REASON_TOTAL_GUEST);
		expect(bench, program, &dns, NEW + i, SP_REASON_TOTAL_GUEST);
		expect(bench, SP_XDP, &udp6, NEW + i, SP_REASON_TOTAL_GUEST);
		expect(bench, SP_XDP, &udp, NEW + i, SP_REASON_TOTAL_GUEST);
		expect(bench, SP_XDP, &udp, known, SP_REASON_UNREACHABLE);
		expect(bench, program, &dns, known, SP_REASON_DNS);
	}
	assert_int_equal(total(bench).made, BURST);
}

/* With the very next packet, and whatever wrote it into `clients`. */
static void who_paid_goes_on(void **unused)
{
	struct sp_bench *bench = open_crowd();
	struct sp_client_policy policy = sp_test_session(7);

	(void)unused;
	for (int i = 0; i < 20; i++) {
		policy.state = SP_CLIENT_AUTHORIZED;
		for (int j = 0; j < 3; j++)
			expect(bench, SP_XDP, &udp, PAYING, SP_REASON_TOTAL_GUEST);
		sp_bench_grant_to(bench, PAYING, &policy);
		expect(bench, SP_XDP, &udp, PAYING, SP_REASON_AUTHORIZED);
		policy.state = SP_CLIENT_BLOCKED;
		sp_bench_grant_to(bench, PAYING, &policy);
		expect(bench, SP_XDP, &udp, PAYING, SP_REASON_BLOCKED);
		sp_bench_revoke(bench, (const uint8_t[6]){0x02, 0, 0, 0, 0, PAYING}, 0);
	}
}

/* A known client is taken for a new one in a crowd. False: a jiffy was over meanwhile, so that
 * could not be told, and the client may have been heard now. */
static bool is_forgotten(struct sp_bench *bench, enum sp_program program, uint8_t number)
{
	uint64_t begun = sp_test_jiffies();
	enum sp_reason found;

	expect(bench, SP_XDP, &udp, NEW, SP_REASON_TOTAL_GUEST);
	found = sp_bench_send(bench, program, &dns, number);
	if (sp_test_jiffies() != begun)
		return false;
	assert_int_equal(found, SP_REASON_TOTAL_GUEST);
	return true;
}

/* Who is heard stays known, however many others come; who was silent for long pays once more.
 * False: that could not be told. */
static bool pass_generations(struct sp_bench *bench)
{
	const uint8_t silent = KNOWN + 1;
	const struct sp_settings open = {};

	/* Also when the number of a generation, of 8 bits, begins anew. */
	for (uint64_t i = 1; i < 600; i++) {
		made(bench, i * SP_SEEN_MADE);
		expect(bench, SP_XDP, &udp, NEW, SP_REASON_TOTAL_GUEST);
		expect(bench, SP_XDP, &dns, KNOWN, SP_REASON_DNS);
		if (i == 1 || i == 2)
			expect(bench, SP_IN, &dns, silent + 1, SP_REASON_DNS);
		if (i == 3 && !is_forgotten(bench, SP_IN, silent))
			return false;
	}
	if (!is_forgotten(bench, SP_XDP, silent))
		return false;
	/* It was only not looked for. */
	made(bench, BURST);
	sp_bench_settings(bench, &open);
	sp_bench_forget_floods(bench);
	expect(bench, SP_XDP, &dns, silent, SP_REASON_DNS);
	assert_int_equal(total(bench).made, BURST);
	return true;
}

static void generations(void **unused)
{
	(void)unused;
	for (unsigned i = 0; i < 50; i++)
		if (pass_generations(open_crowd()))
			return;
	fail_msg("a jiffy was over each time");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_packet_is_counted),
		cmocka_unit_test(the_known_go_on),
		cmocka_unit_test(who_paid_goes_on),
		cmocka_unit_test(generations),
	};

	return cmocka_run_group_tests(tests, sp_test_on_one_cpu, NULL);
}
