// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every row of the table, for every state a client can be in, in every way of tagging, by XDP and
 * by TC ingress: verdict, reason, metadata, counters of the reasons and of the client.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "run.h"
#include "samples.h"

enum state { CAPTIVE, AUTHORIZED, BLOCKED, EXPIRED, IDLE, SPENT, UNKNOWN_STATE, STATES };

static const char *const state_names[STATES] = {"captive", "authorized", "blocked",      "expired",
                                                "idle",    "spent",      "state unknown"};

struct tagging {
	const char *name;
	struct sp_tag tag[SP_TAGS_MAX];
	uint8_t tags;
	uint16_t vlan; /* what it must be taken for */
};

static const struct tagging taggings[] = {
	{.name = "untagged"},
	{"one tag", {{0x8100, 5}}, 1, 5},
	{"one tag with priority", {{0x8100, 0xf005}}, 1, 5},
	{"priority tag", {{0x8100, 0x6000}}, 1, 0},
	{"two tags", {{0x88a8, 100}, {0x8100, 5}}, 2, 100},
	{"two tags of one kind", {{0x8100, 100}, {0x8100, 7}}, 2, 100},
	{"priority tag before a tag", {{0x8100, 0}, {0x8100, 5}}, 2, 5},
	{"tag before a priority tag", {{0x8100, 5}, {0x8100, 0}}, 2, 5},
	{"two priority tags", {{0x88a8, 0}, {0x8100, 0}}, 2, 0},
	{"three tags", {{0x88a8, 5}, {0x8100, 5}, {0x8100, 5}}, 3, 5},
	{"three priority tags", {{0x8100, 0}, {0x8100, 0}, {0x8100, 0}}, 3, 0},
};

#define TAGGINGS (sizeof(taggings) / sizeof(*taggings))

static const uint16_t vlans[] = {0, 5, 100};

#define VLANS (sizeof(vlans) / sizeof(*vlans))

static uint32_t slot_of(enum state state, uint16_t vlan)
{
	for (uint32_t i = 0; i < VLANS; i++)
		if (vlans[i] == vlan)
			return (uint32_t)state * (uint32_t)VLANS + i;
	fail_msg("VLAN %u has no slot", vlan);
	return 0;
}

static struct sp_client_policy policy_of(enum state state, uint32_t slot, uint64_t now)
{
	struct sp_client_policy policy = {
		.state = SP_CLIENT_AUTHORIZED, .slot = slot, .generation = 1, .granted = now};

	switch (state) {
	case BLOCKED:
		policy.state = SP_CLIENT_BLOCKED;
		break;
	case EXPIRED:
		policy.limits = SP_LIMIT_EXPIRES;
		policy.expires = now;
		break;
	case IDLE:
		policy.limits = SP_LIMIT_IDLE;
		policy.granted = now - 1000;
		policy.idle = 10;
		break;
	case SPENT:
		policy.limits = SP_LIMIT_QUOTA;
		break;
	case UNKNOWN_STATE:
		policy.state = (enum sp_client_state)7;
		break;
	default:
		break;
	}
	return policy;
}

static void mac_of(uint8_t mac[6], enum state state)
{
	sp_test_mac(mac, (uint8_t)(0x10 + state));
}

static struct sp_bench *open_with_clients(bool guard)
{
	struct sp_bench *bench = sp_bench_open(guard, NULL);
	uint64_t now;

	now = sp_test_jiffies();
	for (enum state state = CAPTIVE + 1; state < STATES; state++) {
		uint8_t mac[6];

		mac_of(mac, state);
		for (uint32_t i = 0; i < VLANS; i++) {
			struct sp_client_policy policy =
				policy_of(state, slot_of(state, vlans[i]), now);

			sp_bench_grant(bench, mac, vlans[i], &policy);
		}
	}
	return bench;
}

/* Judged before anybody asks who sent it. */
static bool is_unreadable(enum sp_reason reason)
{
	return reason == SP_REASON_MALFORMED || reason == SP_REASON_EXTENSIONS;
}

static enum sp_reason expected(const struct sp_sample *sample, const struct tagging *tagging,
                               enum state state, bool guard, enum sp_program program)
{
	bool off = !guard && sample->captive_no_guard;
	enum sp_reason captive = off ? sample->captive_no_guard : sample->captive;

	if (tagging->tags > 2)
		return SP_REASON_VLAN_DEPTH;
	if (state == AUTHORIZED)
		return sample->authorized && !off ? sample->authorized : SP_REASON_AUTHORIZED;
	if (state == BLOCKED)
		return is_unreadable(captive) ? captive : SP_REASON_BLOCKED;
	if (captive == SP_REASON_CAPTURED && program == SP_IN)
		return SP_REASON_NO_LISTENER;
	return captive;
}

static uint64_t expected_bytes(const struct sp_frame_bytes *frame, const struct tagging *tagging)
{
	if (tagging->tags > 2)
		return frame->length - 14;
	return frame->ip_bytes ? frame->ip_bytes : frame->length - frame->network;
}

struct trial {
	struct sp_bench *bench;
	const struct sp_sample *sample;
	const struct tagging *tagging;
	enum state state;
	enum sp_program program;
	bool guard;
};

/* One trial that fails does not hide the others. */
static unsigned complaints;

#define complain(...) (complaints++, print_error(__VA_ARGS__))

#define TRIAL_FORMAT "%s, %s, %s, %s, guard %s: "
#define TRIAL(trial)                                                                \
	(trial)->sample->name, (trial)->tagging->name, state_names[(trial)->state], \
		sp_program_names[(trial)->program], (trial)->guard ? "on" : "off"

static void check_usage(const struct trial *trial, const struct sp_usage *before,
                        enum sp_reason reason, uint64_t bytes)
{
	bool charged = trial->state == AUTHORIZED && reason < SP_REASON_FIRST_DROP;
	struct sp_usage after =
		sp_bench_usage(trial->bench, slot_of(trial->state, trial->tagging->vlan));

	if (after.up_packets - before->up_packets != charged ||
	    after.up_bytes - before->up_bytes != (charged ? bytes : 0))
		complain(TRIAL_FORMAT "the client was charged %llu packets of %llu bytes\n",
		         TRIAL(trial), after.up_packets - before->up_packets,
		         after.up_bytes - before->up_bytes);
	if (after.down_packets != before->down_packets)
		complain(TRIAL_FORMAT "the client was charged a download\n", TRIAL(trial));
}

static void check_counted(const struct trial *trial, const struct sp_frame_bytes *frame,
                          const struct sp_outcome *outcome, enum sp_reason wanted)
{
	uint64_t bytes = expected_bytes(frame, trial->tagging);

	if (trial->program == SP_XDP && wanted == SP_REASON_CAPTURED) {
		if (outcome->reason)
			complain(TRIAL_FORMAT "XDP counted what TC will count\n", TRIAL(trial));
		return;
	}
	if (outcome->packets != 1)
		complain(TRIAL_FORMAT "counted %llu times\n", TRIAL(trial),
		         (unsigned long long)outcome->packets);
	/* How much of a header that lies is believed is left open, within the frame. */
	if (is_unreadable(wanted) ? outcome->bytes > frame->length - 14 : outcome->bytes != bytes)
		complain(TRIAL_FORMAT "counted %llu bytes instead of %llu\n", TRIAL(trial),
		         (unsigned long long)outcome->bytes, (unsigned long long)bytes);
}

static void try(const struct trial *trial)
{
	enum sp_reason wanted =
		expected(trial->sample, trial->tagging, trial->state, trial->guard, trial->program);
	struct sp_ether ether = {.tags = trial->tagging->tags};
	struct sp_usage before =
		sp_bench_usage(trial->bench, slot_of(trial->state, trial->tagging->vlan));
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;

	memcpy(ether.tag, trial->tagging->tag, sizeof(ether.tag));
	memcpy(ether.to, sp_test_gateway_mac, 6);
	mac_of(ether.from, trial->state);
	sp_packet_build(trial->sample, &ether, &frame);
	if (trial->sample->destination_port == SP_TEST_PORTAL_PORT ||
	    trial->sample->destination_port == SP_TEST_TLS_PORT)
		sp_bench_forget(trial->bench);
	sp_bench_run(trial->bench, trial->program, &frame, NULL, &outcome);
	if (sp_outcome_reason(&outcome) != wanted)
		complain(TRIAL_FORMAT "%s instead of %s\n", TRIAL(trial),
		         sp_reason_label(sp_outcome_reason(&outcome)), sp_reason_label(wanted));
	if (outcome.has_meta && outcome.meta.vlan != trial->tagging->vlan)
		complain(TRIAL_FORMAT "taken for VLAN %u\n", TRIAL(trial), outcome.meta.vlan);
	check_counted(trial, &frame, &outcome, wanted);
	check_usage(trial, &before, wanted, outcome.bytes);
}

static void try_all(enum sp_program program, bool guard)
{
	struct trial trial = {
		.bench = open_with_clients(guard), .program = program, .guard = guard};

	complaints = 0;
	for_each_sample(sample)
	{
		trial.sample = sample;
		for (size_t t = 0; t < TAGGINGS; t++) {
			trial.tagging = &taggings[t];
			for (trial.state = CAPTIVE; trial.state < STATES; trial.state++)
				try(&trial);
		}
	}
	if (complaints)
		fail_msg("%u packets were not treated as they should be", complaints);
}

static void xdp_follows_the_table(void **unused)
{
	(void)unused;
	try_all(SP_XDP, true);
}

static void tc_follows_the_table(void **unused)
{
	(void)unused;
	try_all(SP_IN, true);
}

static void xdp_without_guard(void **unused)
{
	(void)unused;
	try_all(SP_XDP, false);
}

static void tc_without_guard(void **unused)
{
	(void)unused;
	try_all(SP_IN, false);
}

static const struct sp_sample dns = {
	.name = "DNS",
	.family = 4,
	.from = "10.85.0.2",
	.to = "10.85.0.1",
	.protocol = 17,
	.source_port = 40000,
	.destination_port = 53,
	.payload = 12,
};

static void check_source(struct sp_bench *bench, const uint8_t mac[6], enum sp_reason wanted)
{
	struct sp_ether ether = {};
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;

	memcpy(ether.to, sp_test_gateway_mac, 6);
	memcpy(ether.from, mac, 6);
	sp_packet_build(&dns, &ether, &frame);
	for (enum sp_program program = SP_XDP; program <= SP_IN; program++) {
		sp_bench_run(bench, program, &frame, NULL, &outcome);
		assert_string_equal(sp_reason_label(outcome.reason), sp_reason_label(wanted));
		assert_int_equal(outcome.packets, 1);
		assert_int_equal(outcome.bytes, 40);
	}
}

static void sources_that_cannot_be(void **unused)
{
	static const uint8_t zero[6] = {}, broadcast[6] = {255, 255, 255, 255, 255, 255};
	static const uint8_t multicast[6] = {0x33, 0x33, 0, 0, 0, 1}, group[6] = {1};
	static const uint8_t last[6] = {0, 0, 0, 0, 0, 1};
	const struct sp_client_policy policy = {.state = SP_CLIENT_AUTHORIZED, .generation = 1};
	struct sp_bench *bench = sp_bench_open(true, NULL);

	(void)unused;
	for (int granted = 0; granted < 2; granted++) {
		check_source(bench, zero, SP_REASON_BAD_SOURCE);
		check_source(bench, broadcast, SP_REASON_BAD_SOURCE);
		check_source(bench, multicast, SP_REASON_BAD_SOURCE);
		check_source(bench, group, SP_REASON_BAD_SOURCE);
		/* Even somebody who wrote such a session cannot use it. */
		sp_bench_grant(bench, zero, 0, &policy);
		sp_bench_grant(bench, broadcast, 0, &policy);
		sp_bench_grant(bench, multicast, 0, &policy);
		sp_bench_grant(bench, group, 0, &policy);
	}
	check_source(bench, sp_test_gateway_mac, SP_REASON_OWN_MAC);
	check_source(bench, last, SP_REASON_DNS);
}

static void a_session_is_for_one_vlan(void **unused)
{
	const struct sp_client_policy policy = {.state = SP_CLIENT_AUTHORIZED, .generation = 1};
	struct sp_ether ether = {};
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;
	struct sp_bench *bench = sp_bench_open(true, NULL);

	(void)unused;
	sp_test_mac(ether.from, 9);
	sp_bench_grant(bench, ether.from, 5, &policy);
	for (uint16_t vlan = 0; vlan < 4096; vlan++) {
		ether.tags = 1;
		ether.tag[0] = (struct sp_tag){0x8100, vlan};
		sp_packet_build(&dns, &ether, &frame);
		for (enum sp_program program = SP_XDP; program <= SP_IN; program++) {
			sp_bench_run(bench, program, &frame, NULL, &outcome);
			assert_int_equal(outcome.reason,
			                 vlan == 5 ? SP_REASON_AUTHORIZED : SP_REASON_DNS);
		}
	}
}

/* A slot behind the end of `usage`: user space is at fault; nobody gets through uncounted. */
static void a_slot_that_is_missing(void **unused)
{
	const struct sp_client_policy policy = {
		.state = SP_CLIENT_AUTHORIZED, .generation = 1, .slot = SP_BENCH_CLIENTS};
	struct sp_bench *bench = sp_bench_open(true, NULL);
	uint8_t mac[6];

	(void)unused;
	sp_test_mac(mac, 9);
	sp_bench_grant(bench, mac, 0, &policy);
	check_source(bench, mac, SP_REASON_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xdp_follows_the_table),
		cmocka_unit_test(tc_follows_the_table),
		cmocka_unit_test(sources_that_cannot_be),
		cmocka_unit_test(a_session_is_for_one_vlan),
		cmocka_unit_test(a_slot_that_is_missing),
		/* Last: they need the programs loaded anew. */
		cmocka_unit_test(xdp_without_guard),
		cmocka_unit_test(tc_without_guard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
