// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the verdict costs above a program that does nothing, in one run, the variants in turn.
 * Printed and not asserted: machines differ, and shared ones from hour to hour.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "run.h"

#define REPEAT       5000000u
#define ROUNDS       5
#define MANY_CLIENTS 100000u

#define AUTHORIZED_CLIENT 3
#define CAPTIVE_CLIENT    2
#define VLAN              5
#define LOOPBACK          1 /* the interface of a test run */

/* ZONED: there are zones, of which another one is forwarded past the stack; in TAGGED_ZONE the VLAN
 * is one of them. */
enum variant {
	NOOP,
	AUTHORIZED4,
	AUTHORIZED6,
	CAPTIVE_DROP,
	TC4,
	ZONED,
	TAGGED,
	TAGGED_ZONE,
	VARIANTS
};

static const char *const names[VARIANTS] = {
	"noop",  "authorized IPv4", "authorized IPv6", "captive drop", "authorized IPv4 by TC",
	"zoned", "tagged",          "tagged, zoned"};

static int load_noop(void)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 2 /* XDP_PASS */},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_XDP_HAS_FRAGS);
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "sp_noop", "GPL", code, 2, &opts);

	if (fd < 0)
		fail_msg("cannot load a program that does nothing: %s", strerror(errno));
	return fd;
}

static void build(uint8_t family, uint8_t client, uint16_t vlan, struct sp_frame_bytes *frame)
{
	const struct sp_sample sample = {
		.name = "UDP",
		.family = family,
		.from = family == 4 ? "10.85.0.2" : "fd85::2",
		.to = family == 4 ? "10.86.0.2" : "fd86::2",
		.protocol = 17,
		.source_port = 40000,
		.destination_port = 443,
		.payload = 18,
	};
	struct sp_ether ether = {.tags = vlan != 0, .tag = {{.protocol = 0x8100, .vlan = vlan}}};

	memcpy(ether.to, sp_test_gateway_mac, 6);
	sp_test_mac(ether.from, client);
	sp_packet_build(&sample, &ether, frame);
}

/* Clients with other MACs, as dense as a real map. */
static void grant_many(struct sp_bench *bench, uint32_t count)
{
	struct sp_client_policy policy = {.state = SP_CLIENT_AUTHORIZED, .generation = 1};

	for (uint32_t i = 1; i < count; i++) {
		const uint8_t mac[6] = {
			0x06,      0, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8),
			(uint8_t)i};

		policy.slot = i;
		sp_bench_grant(bench, mac, 0, &policy);
	}
}

/* As `up` writes them: zone 1 the VLAN, zone 2 in route mode somewhere else. */
static void add_zones(struct sp_bench *bench)
{
	const struct sp_zone_key key = {.ifindex = LOOPBACK, .vlan = VLAN};
	uint32_t zone = 1;

	if (bpf_map_update_elem(sp_bench_map(bench, "zones"), &key, &zone, BPF_ANY))
		fail_msg("cannot write to zones: %s", strerror(errno));
}

static void set_zones(struct sp_bench *bench, enum variant variant)
{
	struct sp_settings settings = {.abi_version = SP_ABI_VERSION, .zone_factor = 1};

	if (variant == ZONED || variant == TAGGED_ZONE) {
		settings.zones = 1;
		settings.route_zones = 1u << 2;
		settings.zone_port[0] =
			(struct sp_zone_port){.ifindex = LOOPBACK, .vlans = variant == TAGGED_ZONE};
	}
	sp_bench_settings(bench, &settings);
}

static void measure(uint32_t clients)
{
	const struct sp_bench_size size = {clients < 1024 ? 1024 : clients + clients / 4, 1024};
	const struct sp_client_policy policy = {.state = SP_CLIENT_AUTHORIZED, .generation = 1};
	const struct sp_client_policy tagged = {
		.state = SP_CLIENT_AUTHORIZED, .generation = 1, .slot = clients};
	struct sp_bench *bench = sp_bench_open(true, &size);
	uint32_t best[VARIANTS];
	struct sp_frame_bytes frame[VARIANTS];
	uint8_t mac[6];
	int noop = load_noop();

	sp_test_mac(mac, AUTHORIZED_CLIENT);
	sp_bench_grant(bench, mac, 0, &policy);
	sp_bench_grant(bench, mac, VLAN, &tagged);
	grant_many(bench, clients);
	add_zones(bench);
	for (enum variant variant = NOOP; variant < VARIANTS; variant++)
		build(variant == AUTHORIZED6 ? 6 : 4,
		      variant == CAPTIVE_DROP ? CAPTIVE_CLIENT : AUTHORIZED_CLIENT,
		      variant >= TAGGED ? VLAN : 0, &frame[variant]);
	memset(best, 0xff, sizeof(best));
	for (int round = 0; round < ROUNDS; round++) {
		for (enum variant variant = NOOP; variant < VARIANTS; variant++) {
			int fd = variant == NOOP  ? noop
			         : variant == TC4 ? bench->program[SP_IN]
			                          : bench->program[SP_XDP];
			uint32_t cost;

			set_zones(bench, variant);
			cost = sp_bench_repeat(fd, &frame[variant], REPEAT / ROUNDS);
			best[variant] = cost < best[variant] ? cost : best[variant];
		}
	}
	close(noop);
	printf("verdict cost, %u client%s: noop %u ns", clients, clients == 1 ? "" : "s",
	       best[NOOP]);
	for (enum variant variant = NOOP + 1; variant < VARIANTS; variant++)
		printf(", %s +%d ns", names[variant], (int)best[variant] - (int)best[NOOP]);
	printf("\n");
}

static void cost(void **unused)
{
	(void)unused;
	measure(1);
	measure(MANY_CLIENTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
