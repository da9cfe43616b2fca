// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sessions that are bound to one IPv4 address: which packets they may send, and how the address is
 * learnt.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "run.h"
#include "samples.h"

#define CLIENT 3
#define OWN    "10.85.0.2"
#define OTHER  "10.85.0.9"

static void frame_from(struct sp_frame_bytes *frame, const struct sp_sample *sample, bool group)
{
	struct sp_ether ether = {};

	memcpy(ether.to, sp_test_gateway_mac, 6);
	if (group)
		memset(ether.to, 0xff, 6);
	sp_test_mac(ether.from, CLIENT);
	sp_packet_build(sample, &ether, frame);
}

/* What becomes of a datagram from @from. */
static enum sp_reason send4(struct sp_bench *bench, enum sp_program program, const char *from)
{
	const struct sp_sample sample = {.name = "UDP",
	                                 .family = 4,
	                                 .from = from,
	                                 .to = "10.86.0.2",
	                                 .protocol = 17,
	                                 .source_port = 40000,
	                                 .destination_port = 443};
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;

	frame_from(&frame, &sample, false);
	sp_bench_run(bench, program, &frame, NULL, &outcome);
	return outcome.reason;
}

/* What becomes of any other packet. */
static enum sp_reason send(struct sp_bench *bench, const struct sp_sample *sample, bool group)
{
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;

	frame_from(&frame, sample, group);
	sp_bench_run(bench, SP_XDP, &frame, NULL, &outcome);
	return outcome.reason;
}

static enum sp_reason send_arp(struct sp_bench *bench, const char *sender)
{
	const struct sp_sample sample = {
		.name = "ARP", .ethertype = 0x0806, .from = sender, .to = "10.85.0.1", .type = 1};

	return send(bench, &sample, true);
}

static struct sp_client_policy bind_to(struct sp_bench *bench, const char *address,
                                       uint32_t generation)
{
	struct sp_client_policy policy = {.state = SP_CLIENT_AUTHORIZED,
	                                  .generation = generation,
	                                  .limits = SP_LIMIT_BINDING};
	uint8_t mac[6];

	if (address)
		policy.ipv4 = sp_packet_address(address).word[3];
	sp_test_mac(mac, CLIENT);
	sp_bench_grant(bench, mac, 0, &policy);
	return policy;
}

static void check_bound(struct sp_bench *bench)
{
	for (enum sp_program program = SP_XDP; program <= SP_IN; program++) {
		assert_int_equal(send4(bench, program, OTHER), SP_REASON_BINDING);
		assert_int_equal(send4(bench, program, OWN), SP_REASON_AUTHORIZED);
		assert_int_equal(send4(bench, program, "0.0.0.0"), SP_REASON_BINDING);
	}
	assert_int_equal(send_arp(bench, OTHER), SP_REASON_BINDING);
	assert_int_equal(send_arp(bench, OWN), SP_REASON_AUTHORIZED);
	assert_int_equal(send_arp(bench, "0.0.0.0"), SP_REASON_AUTHORIZED);
}

static void the_address_of_the_operator(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);

	(void)unused;
	bind_to(bench, OWN, 1);
	assert_int_equal(send4(bench, SP_XDP, OTHER), SP_REASON_BINDING);
	check_bound(bench);
	assert_int_equal(sp_bench_usage(bench, 0).bound, 0);
}

static void the_first_address(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);

	(void)unused;
	bind_to(bench, NULL, 1);
	assert_int_equal(send_arp(bench, OTHER), SP_REASON_AUTHORIZED); /* teaches nothing */
	assert_int_equal(send4(bench, SP_XDP, OWN), SP_REASON_AUTHORIZED);
	assert_int_equal(sp_bench_usage(bench, 0).bound, sp_packet_address(OWN).word[3]);
	check_bound(bench);
	bind_to(bench, NULL, 2); /* a new session learns anew */
	assert_int_equal(send4(bench, SP_IN, OTHER), SP_REASON_AUTHORIZED);
	assert_int_equal(send4(bench, SP_IN, OWN), SP_REASON_BINDING);
	bind_to(bench, OWN, 2); /* the operator knows better */
	check_bound(bench);
}

/* Without an address of its own yet, or of another family. */
static void what_has_no_address(void **unused)
{
	static const struct sp_sample discover = {.name = "DHCP",
	                                          .family = 4,
	                                          .from = "0.0.0.0",
	                                          .to = "255.255.255.255",
	                                          .protocol = 17,
	                                          .source_port = 68,
	                                          .destination_port = 67,
	                                          .payload = 240};
	static const struct sp_sample ipv6 = {.name = "IPv6",
	                                      .family = 6,
	                                      .from = "fd85::9",
	                                      .to = "fd86::2",
	                                      .protocol = 17,
	                                      .destination_port = 443};
	struct sp_bench *bench = sp_bench_open(true, NULL);

	(void)unused;
	bind_to(bench, NULL, 1);
	assert_int_equal(send(bench, &discover, true), SP_REASON_AUTHORIZED);
	assert_int_equal(send(bench, &ipv6, false), SP_REASON_AUTHORIZED);
	assert_int_equal(sp_bench_usage(bench, 0).bound, 0);
	bind_to(bench, OWN, 1);
	assert_int_equal(send(bench, &discover, true), SP_REASON_AUTHORIZED);
	assert_int_equal(send(bench, &ipv6, false), SP_REASON_AUTHORIZED);
}

/* The same MAC on a VLAN is another client. */
static void another_vlan(void **unused)
{
	const struct sp_sample sample = {.name = "UDP",
	                                 .family = 4,
	                                 .from = OTHER,
	                                 .to = "10.86.0.2",
	                                 .protocol = 17,
	                                 .destination_port = 443};
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_client_policy policy = bind_to(bench, NULL, 1);
	struct sp_ether ether = {.tag = {{0x8100, 7}}, .tags = 1};
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;

	(void)unused;
	memcpy(ether.to, sp_test_gateway_mac, 6);
	sp_test_mac(ether.from, CLIENT);
	sp_packet_build(&sample, &ether, &frame);
	assert_int_equal(send4(bench, SP_XDP, OWN), SP_REASON_AUTHORIZED);
	sp_bench_run(bench, SP_XDP, &frame, NULL, &outcome);
	assert_int_equal(outcome.reason, SP_REASON_UDP); /* captive there */
	policy.slot = 1;
	sp_bench_grant(bench, ether.from, 7, &policy);
	sp_bench_run(bench, SP_XDP, &frame, NULL, &outcome);
	assert_int_equal(outcome.reason, SP_REASON_AUTHORIZED);
	assert_int_equal(sp_bench_usage(bench, 1).bound, sp_packet_address(OTHER).word[3]);
	check_bound(bench);
}

/* An answer of a DHCP server: what it is called, and the patches that make it one. */
#define BOOTP 28u /* from the IP header, without options */
struct answer {
	uint8_t operation, type; /* 2: reply; 5: acknowledgement */
	uint8_t yours;           /* last byte of the address that it gives: 10.85.0.n; 0: none */
	uint8_t cookie;          /* its first byte: 0x63 */
	uint8_t pads;            /* in front of the type */
	uint8_t port;            /* of the server: 67 */
	bool forwarded, group;
};

static void put_answer(struct sp_bench *bench, const struct answer *answer)
{
	const struct sp_sample sample = {.name = "DHCP",
	                                 .family = 4,
	                                 .from = "10.85.0.1",
	                                 .to = "10.85.0.2",
	                                 .protocol = 17,
	                                 .source_port = answer->port,
	                                 .destination_port = 68,
	                                 .payload = 300};
	const struct sp_run run = {.ingress_ifindex = answer->forwarded ? 1 : 0};
	const uint8_t cookie[] = {answer->cookie, 0x82, 0x53, 0x63};
	const uint8_t yours[] = {10, 85, 0, answer->yours};
	const uint8_t option[] = {12, 3, 53, 1, 5, 53, 1, answer->type, 255};
	struct sp_ether ether = {};
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;
	uint8_t *bootp;

	memcpy(ether.from, sp_test_gateway_mac, 6);
	sp_test_mac(ether.to, CLIENT);
	if (answer->group)
		memset(ether.to, 0xff, 6);
	sp_packet_build(&sample, &ether, &frame);
	bootp = frame.byte + frame.network + BOOTP;
	memset(bootp, 0, 300);
	bootp[0] = answer->operation;
	bootp[1] = 1;
	bootp[2] = 6;
	if (answer->yours)
		memcpy(bootp + 16, yours, 4);
	sp_test_mac(bootp + 28, CLIENT);
	memcpy(bootp + 236, cookie, 4);
	memcpy(bootp + 240 + answer->pads, option, sizeof(option));
	sp_bench_run(bench, SP_OUT, &frame, &run, &outcome);
	assert_true(outcome.reason < SP_REASON_FIRST_DROP);
}

static const struct answer ack = {2, 5, 9, 0x63, 0, 67, false, false};

static void the_server_gives_another_address(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct answer answer = ack;

	(void)unused;
	bind_to(bench, NULL, 1);
	put_answer(bench, &ack); /* of an earlier session, for all that is known */
	assert_int_equal(send4(bench, SP_XDP, OWN), SP_REASON_AUTHORIZED);
	put_answer(bench, &ack);
	assert_int_equal(send4(bench, SP_XDP, OWN), SP_REASON_BINDING);
	assert_int_equal(send4(bench, SP_XDP, OTHER), SP_REASON_AUTHORIZED);
	answer.yours = 2; /* broadcast, with padding in front of the option */
	answer.group = true;
	answer.pads = 7;
	put_answer(bench, &answer);
	check_bound(bench);
	bind_to(bench, OWN, 1); /* the operator's is not moved */
	put_answer(bench, &ack);
	check_bound(bench);
}

static void what_is_no_acknowledgement(void **unused)
{
	static const struct answer answers[] = {
		{1, 5, 9, 0x63, 0, 67, false, false},  /* a request */
		{2, 2, 9, 0x63, 0, 67, false, false},  /* an offer */
		{2, 6, 9, 0x63, 0, 67, false, false},  /* a refusal */
		{2, 5, 0, 0x63, 0, 67, false, false},  /* gives no address */
		{2, 5, 9, 0x64, 0, 67, false, false},  /* not DHCP */
		{2, 5, 9, 0x63, 40, 67, false, false}, /* behind more than is looked at */
		{2, 5, 9, 0x63, 0, 66, false, false},  /* not from a server */
		{2, 5, 9, 0x63, 0, 67, true, false},   /* from somebody else */
	};
	struct sp_bench *bench = sp_bench_open(true, NULL);

	(void)unused;
	bind_to(bench, NULL, 1);
	assert_int_equal(send4(bench, SP_XDP, OWN), SP_REASON_AUTHORIZED);
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		put_answer(bench, &answers[i]);
		if (sp_bench_usage(bench, 0).bound != sp_packet_address(OWN).word[3])
			fail_msg("answer %zu moved the binding", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_address_of_the_operator),
		cmocka_unit_test(the_first_address),
		cmocka_unit_test(what_has_no_address),
		cmocka_unit_test(another_vlan),
		cmocka_unit_test(the_server_gives_another_address),
		cmocka_unit_test(what_is_no_acknowledgement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
