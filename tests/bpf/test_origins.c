// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whose connection to the portal is it: the first SYN says so, and nobody else gets in between.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <cmocka.h>

#include "run.h"
#include "samples.h"

#define SYN 0x02
#define RST 0x04
#define ACK 0x10

#define ORIGINS 1024u /* entries of the map in a small bench */

static struct sp_sample to_portal(uint8_t family, uint16_t port, uint8_t flags)
{
	return (struct sp_sample){
		.name = "portal",
		.family = family,
		.from = family == 4 ? "10.85.0.2" : "fd85::2",
		.to = family == 4 ? "10.85.0.1" : "fd85::1",
		.protocol = 6,
		.source_port = port,
		.destination_port = SP_TEST_PORTAL_PORT,
		.flags = flags,
	};
}

struct sender {
	uint8_t client;
	uint16_t vlan;
};

static const struct sender first = {2, 0}, second = {4, 0}, authorized = {3, 0}, tagged = {2, 5};

static enum sp_reason send_sample(struct sp_bench *bench, enum sp_program program,
                                  struct sender sender, const struct sp_sample *sample)
{
	struct sp_ether ether = {.tags = sender.vlan != 0, .tag = {{0x8100, sender.vlan}}};
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;

	memcpy(ether.to, sp_test_gateway_mac, 6);
	sp_test_mac(ether.from, sender.client);
	sp_packet_build(sample, &ether, &frame);
	sp_bench_run(bench, program, &frame, NULL, &outcome);
	return outcome.reason;
}

static enum sp_reason send_to(struct sp_bench *bench, enum sp_program program, struct sender sender,
                              uint8_t family, uint16_t port, uint8_t flags)
{
	struct sp_sample sample = to_portal(family, port, flags);

	return send_sample(bench, program, sender, &sample);
}

static struct sp_origin_key key_of(uint8_t family, uint16_t port)
{
	struct sp_address client = sp_packet_address(family == 4 ? "10.85.0.2" : "fd85::2");
	struct sp_address server = sp_packet_address(family == 4 ? "10.85.0.1" : "fd85::1");
	struct sp_origin_key key = {
		.client_port = htons(port),
		.server_port = htons(SP_TEST_PORTAL_PORT),
		.ifindex = 1, /* test runs come from loopback */
	};

	memcpy(key.client_address, &client, 16);
	memcpy(key.server_address, &server, 16);
	return key;
}

static struct sp_origin origin_of(struct sp_bench *bench, uint8_t family, uint16_t port)
{
	struct sp_origin_key key = key_of(family, port);
	struct sp_origin origin;

	if (bpf_map_lookup_elem(bench->origins, &key, &origin))
		fail_msg("the connection was not recorded: %s", strerror(errno));
	return origin;
}

static void check_owner(struct sp_bench *bench, uint8_t family, uint16_t port, struct sender owner)
{
	struct sp_origin origin = origin_of(bench, family, port);
	uint64_t now = sp_test_jiffies();
	uint8_t mac[6];

	sp_test_mac(mac, owner.client);
	assert_memory_equal(origin.client.mac, mac, 6);
	assert_int_equal(origin.client.vlan, owner.vlan);
	assert_true(origin.seen <= now && now - origin.seen < 10 * sp_test_hz());
}

static struct sp_bench *open_with_client(void)
{
	const struct sp_client_policy policy = {.state = SP_CLIENT_AUTHORIZED, .generation = 1};
	struct sp_bench *bench = sp_bench_open(true, NULL);
	uint8_t mac[6];

	sp_test_mac(mac, authorized.client);
	sp_bench_grant(bench, mac, 0, &policy);
	return bench;
}

static void check_first_syn(enum sp_program program, uint8_t family)
{
	struct sp_bench *bench = open_with_client();

	/* Nothing but a SYN opens. */
	assert_int_equal(send_to(bench, program, first, family, 1, ACK), SP_REASON_ORIGIN);
	assert_int_equal(send_to(bench, program, first, family, 1, SYN | ACK), SP_REASON_ORIGIN);
	assert_int_equal(send_to(bench, program, first, family, 1, RST), SP_REASON_ORIGIN);
	assert_int_equal(send_to(bench, program, first, family, 1, 0), SP_REASON_ORIGIN);
	assert_int_equal(send_to(bench, program, first, family, 1, SYN), SP_REASON_PORTAL);
	check_owner(bench, family, 1, first);
	assert_int_equal(send_to(bench, program, first, family, 1, ACK), SP_REASON_PORTAL);
	assert_int_equal(send_to(bench, program, first, family, 1, SYN), SP_REASON_PORTAL);
	/* Another MAC, an authorized one too, another VLAN: no packet of theirs gets in. */
	assert_int_equal(send_to(bench, program, second, family, 1, SYN), SP_REASON_CLASH);
	assert_int_equal(send_to(bench, program, second, family, 1, ACK), SP_REASON_CLASH);
	assert_int_equal(send_to(bench, program, second, family, 1, RST), SP_REASON_CLASH);
	assert_int_equal(send_to(bench, program, authorized, family, 1, SYN), SP_REASON_CLASH);
	assert_int_equal(send_to(bench, program, authorized, family, 1, ACK), SP_REASON_CLASH);
	assert_int_equal(send_to(bench, program, tagged, family, 1, SYN), SP_REASON_CLASH);
	check_owner(bench, family, 1, first);
	/* Other ports are other connections. */
	assert_int_equal(send_to(bench, program, second, family, 2, SYN), SP_REASON_PORTAL);
	assert_int_equal(send_to(bench, program, tagged, family, 3, SYN), SP_REASON_PORTAL);
	check_owner(bench, family, 2, second);
	check_owner(bench, family, 3, tagged);
	/* Authorized clients log in again, or out: recorded as well. */
	assert_int_equal(send_to(bench, program, authorized, family, 4, ACK), SP_REASON_ORIGIN);
	assert_int_equal(send_to(bench, program, authorized, family, 4, SYN), SP_REASON_PORTAL);
	check_owner(bench, family, 4, authorized);
}

static void the_first_syn_keeps_it(void **unused)
{
	(void)unused;
	for (enum sp_program program = SP_XDP; program <= SP_IN; program++) {
		check_first_syn(program, 4);
		check_first_syn(program, 6);
	}
}

static void set_seen(struct sp_bench *bench, uint8_t family, uint16_t port, uint64_t seen)
{
	struct sp_origin_key key = key_of(family, port);
	struct sp_origin origin = origin_of(bench, family, port);

	origin.seen = seen;
	if (bpf_map_update_elem(bench->origins, &key, &origin, BPF_ANY))
		fail_msg("cannot age an origin: %s", strerror(errno));
}

static void check_takeover(enum sp_program program, uint8_t family)
{
	struct sp_bench *bench = open_with_client();
	uint64_t life = (uint64_t)SP_ORIGIN_LIFE_SECONDS * sp_test_hz();

	assert_int_equal(send_to(bench, program, first, family, 1, SYN), SP_REASON_PORTAL);
	set_seen(bench, family, 1, sp_test_jiffies() - life + 2 * sp_test_hz());
	assert_int_equal(send_to(bench, program, second, family, 1, SYN), SP_REASON_CLASH);
	set_seen(bench, family, 1, sp_test_jiffies() - life - 1);
	assert_int_equal(send_to(bench, program, second, family, 1, ACK), SP_REASON_CLASH);
	assert_int_equal(send_to(bench, program, second, family, 1, SYN), SP_REASON_PORTAL);
	check_owner(bench, family, 1, second);
	assert_int_equal(send_to(bench, program, first, family, 1, ACK), SP_REASON_CLASH);
	/* Its own packets keep an old one alive. */
	set_seen(bench, family, 1, sp_test_jiffies() - life - 1);
	assert_int_equal(send_to(bench, program, second, family, 1, ACK), SP_REASON_PORTAL);
	assert_int_equal(send_to(bench, program, first, family, 1, SYN), SP_REASON_CLASH);
	/* A time in the future (another CPU read its clock later) is not long ago. */
	set_seen(bench, family, 1, sp_test_jiffies() + 1000 * (uint64_t)sp_test_hz());
	assert_int_equal(send_to(bench, program, second, family, 1, ACK), SP_REASON_PORTAL);
	set_seen(bench, family, 1, sp_test_jiffies() + sp_test_hz());
	assert_int_equal(send_to(bench, program, first, family, 1, SYN), SP_REASON_CLASH);
}

static void a_silent_connection_can_be_taken_over(void **unused)
{
	(void)unused;
	for (enum sp_program program = SP_XDP; program <= SP_IN; program++) {
		check_takeover(program, 4);
		check_takeover(program, 6);
	}
}

/* Addresses of both families, interfaces and the direction never mix. */
static void keys_do_not_mix(void **unused)
{
	struct sp_bench *bench = open_with_client();
	struct sp_origin_key key = key_of(4, 1);
	struct sp_sample sample;
	struct sp_origin origin;

	(void)unused;
	assert_int_equal(send_to(bench, SP_XDP, first, 4, 1, SYN), SP_REASON_PORTAL);
	assert_int_equal(send_to(bench, SP_XDP, second, 6, 1, SYN), SP_REASON_PORTAL);
	check_owner(bench, 4, 1, first);
	check_owner(bench, 6, 1, second);
	sample = to_portal(4, 1, SYN);
	sample.from = "10.85.0.3";
	assert_int_equal(send_sample(bench, SP_XDP, second, &sample), SP_REASON_PORTAL);
	check_owner(bench, 4, 1, first);
	key.ifindex = 2;
	assert_int_not_equal(bpf_map_lookup_elem(bench->origins, &key, &origin), 0);
}

/* Without its first fragment, which is recognized, no fragmented segment reaches the portal. */
static void fragments_do_not_get_around_it(void **unused)
{
	struct sp_bench *bench = open_with_client();
	struct sp_sample sample = to_portal(4, 1, ACK);

	(void)unused;
	assert_int_equal(send_to(bench, SP_XDP, first, 4, 1, SYN), SP_REASON_PORTAL);
	for (enum sp_program program = SP_XDP; program <= SP_IN; program++) {
		sample.fragment = 0x2000;
		assert_int_equal(send_sample(bench, program, second, &sample), SP_REASON_FRAGMENT);
		assert_int_equal(send_sample(bench, program, authorized, &sample),
		                 SP_REASON_ORIGIN);
	}
}

/* A flood of SYNs pushes old connections out; it never lets a packet in without a record. */
static void a_flood(void **unused)
{
	struct sp_bench *bench = open_with_client();
	struct sp_sample sample = to_portal(4, 1, SYN);
	uint32_t gone = 0;

	(void)unused;
	assert_int_equal(send_to(bench, SP_XDP, first, 4, 1, SYN), SP_REASON_PORTAL);
	for (uint32_t i = 0; i < 20 * ORIGINS; i++) {
		enum sp_reason reason;
		char from[32];

		snprintf(from, sizeof(from), "10.85.%u.%u", 1 + i / 250 % 250, 1 + i % 250);
		sample.from = from;
		sample.source_port = (uint16_t)(1000 + i / 62500);
		reason = send_sample(bench, i & 1 ? SP_XDP : SP_IN, second, &sample);
		if (reason != SP_REASON_PORTAL && reason != SP_REASON_ORIGIN)
			fail_msg("SYN %u: %s", i, sp_reason_label(reason));
		gone += reason == SP_REASON_ORIGIN;
	}
	assert_true(gone < ORIGINS);
	assert_int_equal(send_to(bench, SP_XDP, first, 4, 1, ACK), SP_REASON_ORIGIN);
	assert_int_equal(send_to(bench, SP_XDP, first, 4, 1, SYN), SP_REASON_PORTAL);
	assert_int_equal(send_to(bench, SP_XDP, first, 4, 1, ACK), SP_REASON_PORTAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_syn_keeps_it),
		cmocka_unit_test(a_silent_connection_can_be_taken_over),
		cmocka_unit_test(keys_do_not_mix),
		cmocka_unit_test(fragments_do_not_get_around_it),
		cmocka_unit_test(a_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
