// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The walled garden: what it opens, and which DNS answers are copied so that it can learn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "rows.h"
#include "run.h"
#include "xdp.skel.h"

#define SYN 0x02
#define ACK 0x10

#define CAPTIVE_CLIENT 2

#define DNS(sport, dport, bytes)                                                      \
	.protocol = IPPROTO_UDP, .source_port = (sport), .destination_port = (dport), \
	.payload = (bytes)
#define EVERY_PORT .port_high = 65535

static const struct sp_run by_forwarding = {.ifindex = 1, .ingress_ifindex = 2};
static const struct sp_run by_gateway = {.ifindex = 1};
static const struct sp_run by_client = {.ifindex = 1, .ingress_ifindex = 1};

static int map_of(const struct sp_bench *bench, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(bench->xdp->obj, name);

	assert_true(fd >= 0);
	return fd;
}

static void empty(int map)
{
	uint8_t key[sizeof(struct sp_query)];

	while (!bpf_map_get_next_key(map, NULL, key))
		assert_int_equal(bpf_map_delete_elem(map, key), 0);
}

/* How many prefixes and names are said to be there. */
static void switch_on(struct sp_bench *bench, uint32_t prefixes, uint32_t names)
{
	struct sp_settings settings;
	uint32_t zero = 0;

	assert_int_equal(bpf_map_lookup_elem(bench->settings, &zero, &settings), 0);
	settings.garden4 = settings.garden6 = prefixes;
	settings.garden_names = names;
	assert_int_equal(bpf_map_update_elem(bench->settings, &zero, &settings, BPF_ANY), 0);
}

static void put(struct sp_bench *bench, const char *address, uint32_t length,
                const struct sp_garden *garden)
{
	struct sp_address all = sp_packet_address(address);
	struct sp_garden4_key key4 = {.prefix_length = SP_GARDEN_ZONE_BITS + length};
	struct sp_garden6_key key6 = {.prefix_length = SP_GARDEN_ZONE_BITS + length};

	memcpy(key4.address, &all.word[3], 4);
	memcpy(key6.address, &all, 16);
	if (strchr(address, ':'))
		assert_int_equal(bpf_map_update_elem(map_of(bench, "garden6"), &key6, garden, 0),
		                 0);
	else
		assert_int_equal(bpf_map_update_elem(map_of(bench, "garden4"), &key4, garden, 0),
		                 0);
}

static void forget_all(struct sp_bench *bench)
{
	static const char *const maps[] = {"garden4", "garden6", "queries"};
	const struct sp_garden_seen none = {};

	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		empty(map_of(bench, maps[i]));
	for (uint32_t slot = 0; slot < 8; slot++)
		assert_int_equal(bpf_map_update_elem(map_of(bench, "garden_seen"), &slot, &none, 0),
		                 0);
}

/*
 * 192.0.2.0/24 and 2001:db8::/32: TCP 443 and UDP 1000 to 2000. 192.0.2.7 and 2001:db8::7:
 * everything. 192.0.2.8 and 2001:db8::8: everything until now.
 */
static struct sp_bench *open_garden(void)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	const struct sp_garden some = {
		.slot = 1,
		.count = 2,
		.rule = {{.protocol = IPPROTO_TCP, .port_low = 443, .port_high = 443},
	                 {.protocol = IPPROTO_UDP, .port_low = 1000, .port_high = 2000}},
	};
	const struct sp_garden all = {.slot = 2, .count = 1, .rule = {{EVERY_PORT}}};
	const struct sp_garden over = {
		.slot = 3,
		.count = 1,
		.rule = {{EVERY_PORT, .expires = sp_test_jiffies()}},
	};

	forget_all(bench);
	put(bench, "192.0.2.0", 24, &some);
	put(bench, "2001:db8::", 32, &some);
	put(bench, "192.0.2.7", 32, &all);
	put(bench, "2001:db8::7", 128, &all);
	put(bench, "192.0.2.8", 32, &over);
	put(bench, "2001:db8::8", 128, &over);
	switch_on(bench, 3, 0);
	return bench;
}

static void build(const struct sp_sample *sample, bool up, struct sp_frame_bytes *frame)
{
	struct sp_ether ether = {};

	memcpy(up ? ether.to : ether.from, sp_test_gateway_mac, 6);
	sp_test_mac(up ? ether.from : ether.to, CAPTIVE_CLIENT);
	sp_packet_build(sample, &ether, frame);
}

static void check(struct sp_bench *bench, enum sp_program program, const struct sp_sample *sample,
                  const struct sp_run *run, enum sp_reason wanted)
{
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;

	build(sample, program != SP_OUT, &frame);
	sp_bench_run(bench, program, &frame, run, &outcome);
	if (sp_outcome_reason(&outcome) != wanted)
		fail_msg("%s, %s: %s instead of %s", sample->name, sp_program_names[program],
		         sp_reason_label(sp_outcome_reason(&outcome)), sp_reason_label(wanted));
}

/* .captive: what a captive client gets. */
static const struct sp_sample uploads[] = {
	{"HTTPS", V4("10.85.0.2", "192.0.2.1"), TCP(40000, 443, SYN), .captive = R(GARDEN)},
	{"last address", V4("10.85.0.2", "192.0.2.255"), TCP(40000, 443, SYN),
         .captive = R(GARDEN)},
	{"next prefix", V4("10.85.0.2", "192.0.3.0"), TCP(40000, 443, SYN), .captive = R(TCP)},
	{"other port", V4("10.85.0.2", "192.0.2.1"), TCP(40000, 444, SYN), .captive = R(TCP)},
	{"other protocol", V4("10.85.0.2", "192.0.2.1"), UDP(40000, 443), .captive = R(UDP)},
	{"port of the client", V4("10.85.0.2", "192.0.2.1"), TCP(443, 40000, SYN),
         .captive = R(TCP)},
	{"first of the range", V4("10.85.0.2", "192.0.2.1"), UDP(9, 1000), .captive = R(GARDEN)},
	{"last of the range", V4("10.85.0.2", "192.0.2.1"), UDP(9, 2000), .captive = R(GARDEN)},
	{"below the range", V4("10.85.0.2", "192.0.2.1"), UDP(9, 999), .captive = R(UDP)},
	{"above the range", V4("10.85.0.2", "192.0.2.1"), UDP(9, 2001), .captive = R(UDP)},
	{"ping", V4("10.85.0.2", "192.0.2.1"), ICMP(8), .captive = R(ICMP)},
	{"everything: HTTP", V4("10.85.0.2", "192.0.2.7"), TCP(40000, 80, SYN),
         .captive = R(GARDEN)},
	{"everything: ping", V4("10.85.0.2", "192.0.2.7"), ICMP(8), .captive = R(GARDEN)},
	{"everything: GRE", V4("10.85.0.2", "192.0.2.7"), .protocol = IPPROTO_GRE, .payload = 9,
         .captive = R(GARDEN)},
	{"everything: fragment", V4("10.85.0.2", "192.0.2.7"), UDP(9, 9), .fragment = 0x2000,
         .captive = R(FRAGMENT)},
	{"expired: the wider one does not count", V4("10.85.0.2", "192.0.2.8"),
         TCP(40000, 443, SYN), .captive = R(TCP)},
	{"HTTPS, IPv6", V6("fd85::2", "2001:db8::1"), TCP(40000, 443, SYN), .captive = R(GARDEN)},
	{"next prefix, IPv6", V6("fd85::2", "2001:db9::1"), TCP(40000, 443, SYN),
         .captive = R(TCP)},
	{"other port, IPv6", V6("fd85::2", "2001:db8::1"), TCP(40000, 444, SYN), .captive = R(TCP)},
	{"everything: HTTP, IPv6", V6("fd85::2", "2001:db8::7"), TCP(40000, 80, SYN),
         .captive = R(GARDEN)},
	{"everything: ping, IPv6", V6("fd85::2", "2001:db8::7"), ICMP6(128), .captive = R(GARDEN)},
	{"expired, IPv6", V6("fd85::2", "2001:db8::8"), TCP(40000, 443, SYN), .captive = R(TCP)},
	{},
};

static const struct sp_sample downloads[] = {
	{"HTTPS", V4("192.0.2.1", "10.85.0.2"), TCP(443, 40000, ACK), .captive = R(DOWN_GARDEN)},
	{"other port", V4("192.0.2.1", "10.85.0.2"), TCP(40000, 443, ACK),
         .captive = R(DOWN_CAPTIVE)},
	{"everything: ping", V4("192.0.2.7", "10.85.0.2"), ICMP(0), .captive = R(DOWN_GARDEN)},
	{"everything: fragment", V4("192.0.2.7", "10.85.0.2"), UDP(9, 9), .fragment = 0x2000,
         .captive = R(DOWN_CAPTIVE)},
	{"expired", V4("192.0.2.8", "10.85.0.2"), TCP(443, 40000, ACK), .captive = R(DOWN_CAPTIVE)},
	{"HTTPS, IPv6", V6("2001:db8::1", "fd85::2"), TCP(443, 40000, ACK),
         .captive = R(DOWN_GARDEN)},
	{"next prefix, IPv6", V6("2001:db9::1", "fd85::2"), TCP(443, 40000, ACK),
         .captive = R(DOWN_CAPTIVE)},
	{},
};

static void rules(void **unused)
{
	struct sp_bench *bench = open_garden();

	(void)unused;
	for (const struct sp_sample *sample = uploads; sample->name; sample++) {
		check(bench, SP_XDP, sample, NULL, sample->captive);
		check(bench, SP_IN, sample, &by_client, sample->captive);
	}
	for (const struct sp_sample *sample = downloads; sample->name; sample++)
		check(bench, SP_OUT, sample, &by_forwarding, sample->captive);
}

/* The settings say that the maps are empty: they are not looked at. */
static void switched_off(void **unused)
{
	struct sp_bench *bench = open_garden();

	(void)unused;
	switch_on(bench, 0, 0);
	check(bench, SP_XDP, &uploads[0], NULL, R(TCP));
	check(bench, SP_OUT, &downloads[0], &by_forwarding, R(DOWN_CAPTIVE));
}

static void a_rule_expires(void **unused)
{
	const struct sp_sample web = {"web", V4("10.85.0.2", "192.0.2.9"), TCP(40000, 443, SYN)};
	const struct sp_sample dns = {"dns", V4("10.85.0.2", "192.0.2.9"), TCP(40000, 853, SYN)};
	struct sp_bench *bench = open_garden();
	struct sp_garden garden = {
		.slot = 4,
		.count = 2,
		.rule = {{EVERY_PORT, .expires = sp_test_jiffies() + sp_test_hz() / 5},
	                 {.protocol = IPPROTO_TCP, .port_low = 443, .port_high = 443}},
	};

	(void)unused;
	put(bench, "192.0.2.9", 32, &garden);
	check(bench, SP_XDP, &dns, NULL, R(GARDEN));
	usleep(300000);
	check(bench, SP_XDP, &dns, NULL, R(TCP));
	check(bench, SP_XDP, &web, NULL, R(GARDEN));
}

static void use_is_seen(void **unused)
{
	struct sp_bench *bench = open_garden();
	uint64_t before = sp_test_jiffies();
	struct sp_garden_seen seen;
	uint32_t slot = 1;

	(void)unused;
	check(bench, SP_XDP, &uploads[0], NULL, R(GARDEN));
	check(bench, SP_OUT, &downloads[0], &by_forwarding, R(DOWN_GARDEN));
	check(bench, SP_XDP, &uploads[3], NULL, R(TCP));
	assert_int_equal(bpf_map_lookup_elem(map_of(bench, "garden_seen"), &slot, &seen), 0);
	assert_int_equal(seen.packets, 2);
	assert_in_range(seen.last, before, sp_test_jiffies());
	slot = 3;
	assert_int_equal(bpf_map_lookup_elem(map_of(bench, "garden_seen"), &slot, &seen), 0);
	assert_int_equal(seen.packets, 0);
}

/* --- DNS --- */

static int copied(void *count, void *data, size_t size)
{
	const struct sp_dns_answer *answer = data;
	uint8_t mac[6];

	sp_test_mac(mac, CAPTIVE_CLIENT);
	assert_int_equal(size, sizeof(*answer));
	assert_memory_equal(answer->client.mac, mac, 6);
	for (uint32_t i = 0; i < answer->length; i++)
		assert_int_equal(answer->data[i], 0x5a);
	*(uint32_t *)count += answer->length;
	return 0;
}

/* Bytes of the answers that were copied since last asked. */
static uint32_t answers(struct sp_bench *bench)
{
	uint32_t bytes = 0;
	struct ring_buffer *ring = ring_buffer__new(map_of(bench, "answers"), copied, &bytes, NULL);

	assert_non_null(ring);
	assert_true(ring_buffer__consume(ring) >= 0);
	ring_buffer__free(ring);
	return bytes;
}

static const struct sp_sample question4 = {"question", V4("10.85.0.2", "9.9.9.9"),
                                           DNS(4000, 53, 20)};
static const struct sp_sample question6 = {"question", V6("fd85::2", "2620:fe::fe"),
                                           DNS(4000, 53, 20)};
static const struct sp_sample answer4 = {"answer", V4("9.9.9.9", "10.85.0.2"), DNS(53, 4000, 100)};
static const struct sp_sample answer6 = {"answer", V6("2620:fe::fe", "fd85::2"),
                                         DNS(53, 4000, 100)};

static struct sp_bench *open_names(void)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);

	forget_all(bench);
	answers(bench);
	switch_on(bench, 0, 1);
	return bench;
}

static void answers_are_copied(void **unused)
{
	struct sp_bench *bench = open_names();

	(void)unused;
	check(bench, SP_XDP, &question4, NULL, R(DNS));
	check(bench, SP_OUT, &answer4, &by_forwarding, R(DOWN_SERVICE));
	assert_int_equal(answers(bench), 100);
	check(bench, SP_OUT, &answer4, &by_forwarding, R(DOWN_SERVICE)); /* once more */
	assert_int_equal(answers(bench), 0);
	check(bench, SP_IN, &question6, &by_client, R(DNS));
	check(bench, SP_OUT, &answer6, &by_gateway, R(DOWN_LOCAL));
	assert_int_equal(answers(bench), 100);
}

static void nothing_is_copied_without_names(void **unused)
{
	struct sp_bench *bench = open_names();

	(void)unused;
	switch_on(bench, 0, 0);
	check(bench, SP_XDP, &question4, NULL, R(DNS));
	switch_on(bench, 0, 1);
	check(bench, SP_OUT, &answer4, &by_forwarding, R(DOWN_SERVICE));
	check(bench, SP_XDP, &question4, NULL, R(DNS));
	switch_on(bench, 0, 0);
	check(bench, SP_OUT, &answer4, &by_forwarding, R(DOWN_SERVICE));
	assert_int_equal(answers(bench), 0);
}

static void what_was_not_asked_is_not_copied(void **unused)
{
	static const struct sp_sample others[] = {
		{"other id", V4("9.9.9.9", "10.85.0.2"), DNS(53, 4000, 100), .patches = 1,
	         .patch = {{28, 0x5b}}, .captive = R(DOWN_SERVICE)},
		{"other resolver", V4("10.85.0.1", "10.85.0.2"), DNS(53, 4000, 100),
	         .captive = R(DOWN_SERVICE)},
		{"no resolver", V4("9.9.9.8", "10.85.0.2"), DNS(53, 4000, 100),
	         .captive = R(DOWN_CAPTIVE)},
		{"other port", V4("9.9.9.9", "10.85.0.2"), DNS(53, 4001, 100),
	         .captive = R(DOWN_SERVICE)},
		{"not from DNS", V4("9.9.9.9", "10.85.0.2"), DNS(54, 4000, 100),
	         .captive = R(DOWN_CAPTIVE)},
		{"other client", V4("9.9.9.9", "10.85.0.3"), DNS(53, 4000, 100),
	         .captive = R(DOWN_SERVICE)},
		{"fragment", V4("9.9.9.9", "10.85.0.2"), DNS(53, 4000, 100), .fragment = 0x2000,
	         .captive = R(DOWN_CAPTIVE)},
		{"too short", V4("9.9.9.9", "10.85.0.2"), DNS(53, 4000, 11),
	         .captive = R(DOWN_SERVICE)},
		{"too long", V4("9.9.9.9", "10.85.0.2"), DNS(53, 4000, SP_ANSWER_SIZE + 1),
	         .captive = R(DOWN_SERVICE)},
		{},
	};
	struct sp_sample longest = answer4;
	struct sp_bench *bench = open_names();

	(void)unused;
	check(bench, SP_XDP, &question4, NULL, R(DNS));
	for (const struct sp_sample *sample = others; sample->name; sample++)
		check(bench, SP_OUT, sample, &by_forwarding, sample->captive);
	assert_int_equal(answers(bench), 0);
	/* What a client sends for another, through the gateway and out where it came in. */
	check(bench, SP_OUT, &answer4, &by_client, R(DOWN_SERVICE));
	assert_int_equal(answers(bench), 0);
	longest.payload = SP_ANSWER_SIZE;
	check(bench, SP_OUT, &longest, &by_forwarding, R(DOWN_SERVICE));
	assert_int_equal(answers(bench), SP_ANSWER_SIZE);
}

/* An authorized client's question teaches nothing: it needs no garden. */
static void authorized_clients_are_not_heard(void **unused)
{
	const struct sp_client_policy policy = {.state = SP_CLIENT_AUTHORIZED, .generation = 1};
	struct sp_bench *bench = open_names();
	uint8_t mac[6];

	(void)unused;
	sp_test_mac(mac, CAPTIVE_CLIENT);
	sp_bench_grant(bench, mac, 0, &policy);
	check(bench, SP_XDP, &question4, NULL, R(AUTHORIZED));
	check(bench, SP_OUT, &answer4, &by_forwarding, R(DOWN_AUTHORIZED));
	assert_int_equal(answers(bench), 0);
	sp_bench_revoke(bench, mac, 0);
}

/* What comes before user space has read the answer waits, for a moment. */
static void early_packets_wait(void **unused)
{
	static const struct sp_sample early[] = {
		{"HTTP", V4("10.85.0.2", "192.0.2.1"), TCP(40000, 80, SYN), .captive = R(CAPTURED)},
		{"HTTPS", V4("10.85.0.2", "192.0.2.1"), TCP(40000, 443, SYN), .captive = R(TCP)},
		{"QUIC", V4("10.85.0.2", "192.0.2.1"), UDP(40000, 443), .captive = R(UDP)},
		{},
	};
	const struct sp_sample going_on = {"going on", V4("10.85.0.2", "192.0.2.1"),
	                                   TCP(40000, 80, ACK)};
	const struct sp_sample ipv6 = {"IPv6", V6("fd85::2", "2001:db8::1"), TCP(40000, 443, SYN)};
	const struct sp_sample ping = {"ping", V4("10.85.0.2", "10.85.0.1"), ICMP(8)};
	struct sp_bench *bench = open_names();
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;

	(void)unused;
	for (const struct sp_sample *sample = early; sample->name; sample++)
		check(bench, SP_XDP, sample, NULL, sample->captive);
	check(bench, SP_XDP, &question4, NULL, R(DNS));
	check(bench, SP_OUT, &answer4, &by_forwarding, R(DOWN_SERVICE));
	for (const struct sp_sample *sample = early; sample->name; sample++)
		check(bench, SP_XDP, sample, NULL, R(GARDEN_PENDING));
	check(bench, SP_XDP, &going_on, NULL, R(CAPTURED));
	check(bench, SP_XDP, &ipv6, NULL, R(GARDEN_PENDING));
	build(&early[0], true, &frame);
	frame.byte[11]++; /* another client */
	sp_bench_run(bench, SP_XDP, &frame, NULL, &outcome);
	assert_int_equal(sp_outcome_reason(&outcome), R(CAPTURED));
	check(bench, SP_XDP, &ping, NULL, R(ECHO));
	usleep(350000);
	check(bench, SP_XDP, &early[0], NULL, R(CAPTURED)); /* nobody reads them */
	check(bench, SP_XDP, &question4, NULL, R(DNS));
	check(bench, SP_OUT, &answer4, &by_forwarding, R(DOWN_SERVICE));
	assert_int_equal(answers(bench), 200);
	check(bench, SP_XDP, &early[0], NULL, R(CAPTURED)); /* they are read */
}

static int close_garden(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);

	(void)unused;
	forget_all(bench);
	switch_on(bench, 0, 0);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(switched_off),
		cmocka_unit_test(a_rule_expires),
		cmocka_unit_test(use_is_seen),
		cmocka_unit_test(answers_are_copied),
		cmocka_unit_test(nothing_is_copied_without_names),
		cmocka_unit_test(what_was_not_asked_is_not_copied),
		cmocka_unit_test(authorized_clients_are_not_heard),
		cmocka_unit_test(early_packets_wait),
	};

	return cmocka_run_group_tests(tests, NULL, close_garden);
}
