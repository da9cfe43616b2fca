// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Zones: what user space writes into the maps, and that the programs judge by it.
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

#include "lib/garden_move.h"
#include "lib/zones.h"
#include "run.h"

#define CLIENT   2
#define LOOPBACK 1 /* the interface of a test run */
#define SECOND   1000
#define UPLINK   7
#define VLAN     5

static const struct sp_vlan_device none[1];

enum zone { ROOMS = 1, STAFF, TAGGED, ZONES };

static struct sp_zone_maps maps_of(struct sp_bench *bench)
{
	return (struct sp_zone_maps){
		.zones = sp_bench_map(bench, "zones"),
		.names = sp_bench_map(bench, "zone_names"),
		.settings = bench->settings,
	};
}

static struct sp_garden_maps garden_of(struct sp_bench *bench)
{
	return (struct sp_garden_maps){
		.garden4 = sp_bench_map(bench, "garden4"),
		.garden6 = sp_bench_map(bench, "garden6"),
		.seen = sp_bench_map(bench, "garden_seen"),
		.names = sp_bench_map(bench, "garden_names"),
		.settings = bench->settings,
	};
}

static void add_interface(struct sp_record *record, const char *name, uint32_t ifindex, bool uplink)
{
	struct sp_record_interface *one = &record->interface[record->count++];

	snprintf(one->name, sizeof(one->name), "%s", name);
	one->ifindex = ifindex;
	one->uplink = uplink;
}

static void add_zone(struct sp_record *record, const char *name, const char *client, uint16_t vlan)
{
	struct sp_record_zone *zone;

	if (!record->zone_count)
		record->zone_count = 1;
	zone = &record->zone[record->zone_count++];
	snprintf(zone->name, sizeof(zone->name), "%s", name);
	if (client)
		snprintf(zone->client[zone->client_count++], IF_NAMESIZE, "%s", client);
	if (vlan)
		zone->vlan[zone->vlan_count++] = vlan;
}

/* rooms: all of lan1; staff: a VLAN of lan0; tagged: a VLAN of both. */
static const struct sp_record *record_of_three(void)
{
	static struct sp_record record;

	record = (struct sp_record){.count = 0};
	add_interface(&record, "lan0", LOOPBACK, false);
	add_interface(&record, "lan1", SECOND, false);
	add_interface(&record, "gone", 0, false);
	add_interface(&record, "wan0", UPLINK, true);
	add_zone(&record, "rooms", "lan1", 0);
	add_zone(&record, "staff", "lan0", VLAN);
	add_zone(&record, "tagged", NULL, 100);
	return &record;
}

static void fill(struct sp_bench *bench, const struct sp_record *record,
                 const struct sp_vlan_device *devices, unsigned count)
{
	const struct sp_zone_maps maps = maps_of(bench);
	struct sp_error err;

	if (sp_zones_fill_for(&maps, record, devices, count, &err))
		fail_msg("%s", err.text);
}

static struct sp_settings settings_of(struct sp_bench *bench)
{
	struct sp_settings settings;
	uint32_t zero = 0;

	assert_int_equal(bpf_map_lookup_elem(bench->settings, &zero, &settings), 0);
	return settings;
}

static void check_zone(struct sp_bench *bench, uint32_t ifindex, uint16_t vlan, uint32_t zone)
{
	const struct sp_maps maps = {.zones = sp_bench_map(bench, "zones")};

	if (sp_zone_of(&maps, ifindex, vlan) != zone)
		fail_msg("interface %u, VLAN %u: zone %u instead of %u", ifindex, vlan,
		         sp_zone_of(&maps, ifindex, vlan), zone);
}

/* --- what is written --- */

static void zones_are_where_the_configuration_says(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	static const struct {
		uint32_t ifindex, zone;
		uint16_t vlan;
	} rows[] = {
		{LOOPBACK, 0, 0},      {LOOPBACK, STAFF, VLAN}, {LOOPBACK, TAGGED, 100},
		{LOOPBACK, 0, 6},      {SECOND, ROOMS, 0},      {SECOND, ROOMS, VLAN},
		{SECOND, TAGGED, 100}, {UPLINK, 0, 0},          {UPLINK, 0, 100},
	};

	(void)unused;
	fill(bench, record_of_three(), none, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_zone(bench, rows[i].ifindex, rows[i].vlan, rows[i].zone);
	assert_int_equal(settings_of(bench).zones, 4);
}

static void what_is_no_zone_any_more_is_taken_out(void **unused)
{
	static const struct sp_record nothing = {.count = 0};
	struct sp_bench *bench = sp_bench_open(true, NULL);
	const struct sp_zone_maps maps = maps_of(bench);
	struct sp_zone_name names[SP_ZONES];
	struct sp_error err;

	(void)unused;
	fill(bench, record_of_three(), none, 0);
	assert_int_equal(sp_zone_names(&maps, names, &err), 0);
	assert_string_equal(names[TAGGED].name, "tagged");
	fill(bench, &nothing, none, 0);
	check_zone(bench, SECOND, 0, 0);
	assert_int_equal(settings_of(bench).zones, 0);
	assert_int_equal(sp_zone_names(&maps, names, &err), 0);
	for (uint32_t zone = 0; zone < SP_ZONES; zone++)
		assert_string_equal(names[zone].name, "");
}

/* XDP on the interface sees the tag, TC on the VLAN device does not: the same zone. */
static void vlan_devices_are_as_their_tags(void **unused)
{
	static const struct sp_vlan_device devices[] = {
		{.ifindex = 21, .lower = LOOPBACK, .vlan = VLAN},
		{.ifindex = 22, .lower = LOOPBACK, .vlan = 6},
		{.ifindex = 23, .lower = SECOND, .vlan = 6},
		{.ifindex = 24, .lower = UPLINK, .vlan = VLAN},
		{.ifindex = 25, .lower = LOOPBACK, .vlan = 7},
	};
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_record record = *record_of_three();

	(void)unused;
	/* A VLAN device that is a client interface itself, and a zone. */
	add_interface(&record, "lan0.7", 25, false);
	add_zone(&record, "seven", "lan0.7", 0);
	fill(bench, &record, devices, sizeof(devices) / sizeof(*devices));
	check_zone(bench, 21, 0, STAFF);
	check_zone(bench, 22, 0, 0);
	check_zone(bench, 23, 0, ROOMS);
	check_zone(bench, 24, 0, 0);
	check_zone(bench, 25, 0, ZONES);
	check_zone(bench, LOOPBACK, 7, ZONES);
}

static void names_are_found(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	const struct sp_zone_maps maps = maps_of(bench);
	struct sp_error err;
	uint32_t number;

	(void)unused;
	fill(bench, record_of_three(), none, 0);
	assert_int_equal(sp_zone_number(&maps, "staff", &number, &err), 0);
	assert_int_equal(number, STAFF);
	assert_int_equal(sp_zone_number(&maps, "", &number, &err), -ENOENT);
	assert_int_equal(sp_zone_number(&maps, "cellar", &number, &err), -ENOENT);
	assert_int_equal(err.exit_code, SP_EXIT_NOT_FOUND);
	assert_non_null(strstr(err.text, "there are rooms, staff, tagged"));
}

/* Whatever numbers the kernel gave them, each client interface has a cell of its own. */
static void every_interface_has_a_cell(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	uint32_t seed = 1;

	(void)unused;
	for (int round = 0; round < 50; round++) {
		struct sp_record record = {.count = 0};
		struct sp_settings settings;

		for (unsigned i = 0; i < SP_MAX_INTERFACES; i++) {
			char name[IF_NAMESIZE];

			seed = seed * 1103515245u + 12345u;
			snprintf(name, sizeof(name), "lan%u", i);
			add_interface(&record, name, round ? (seed >> 8) + i : i + 1, false);
		}
		add_zone(&record, "odd", "lan1", 0);
		add_zone(&record, "vlan", "lan2", VLAN);
		fill(bench, &record, none, 0);
		settings = settings_of(bench);
		for (unsigned i = 0; i < SP_MAX_INTERFACES; i++) {
			uint32_t ifindex = record.interface[i].ifindex;
			const struct sp_zone_port *port =
				&settings.zone_port[SP_ZONE_CELL(ifindex, settings.zone_factor)];

			assert_int_equal(port->ifindex, ifindex);
			assert_int_equal(port->zone, i == 1);
			assert_int_equal(port->vlans, i == 2);
		}
	}
}

static void more_than_there_is_room_for_is_refused(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	const struct sp_zone_maps maps = maps_of(bench);
	struct sp_record record = {.count = 0};
	struct sp_error err;

	(void)unused;
	for (unsigned i = 0; i < SP_MAX_INTERFACES; i++) {
		char name[IF_NAMESIZE];

		snprintf(name, sizeof(name), "lan%u", i);
		add_interface(&record, name, i + 1, false);
	}
	add_zone(&record, "wide", NULL, 1);
	for (unsigned vlan = 2; vlan <= SP_ZONE_PLACES / SP_MAX_INTERFACES + 1; vlan++)
		record.zone[1].vlan[record.zone[1].vlan_count++] = (uint16_t)vlan;
	assert_int_equal(sp_zones_fill_for(&maps, &record, none, 0, &err), -E2BIG);
	assert_int_equal(settings_of(bench).zones, 0);
}

/* --- what the programs make of it --- */

static enum sp_reason send_from(struct sp_bench *bench, enum sp_program program,
                                const struct sp_sample *sample, uint16_t vlan)
{
	struct sp_ether ether = {.tags = vlan != 0, .tag = {{0x8100, vlan}}};
	struct sp_frame_bytes frame;
	struct sp_outcome outcome;
	const struct sp_run down = {.ingress_ifindex = UPLINK};

	memcpy(ether.to, sp_test_gateway_mac, 6);
	sp_test_mac(ether.from, CLIENT);
	if (program == SP_OUT) {
		memcpy(ether.from, sp_test_gateway_mac, 6);
		sp_test_mac(ether.to, CLIENT);
	}
	sp_packet_build(sample, &ether, &frame);
	sp_bench_run(bench, program, &frame, program == SP_OUT ? &down : NULL, &outcome);
	return sp_outcome_reason(&outcome);
}

static void plant(struct sp_bench *bench, const char *target, uint32_t zone)
{
	const struct sp_garden_maps maps = garden_of(bench);
	struct sp_garden_set set = {.count = 0};
	struct sp_garden_entry entry;
	struct sp_error err;

	assert_int_equal(sp_garden_entry_read(&entry, &target, 1, &err), 0);
	entry.target.zone = zone;
	assert_int_equal(sp_garden_read(&set, &maps, &err), 0);
	assert_int_equal(sp_garden_set_add(&set, &entry, 0, &err), 0);
	assert_int_equal(sp_garden_set_settle(&set, &err), 0);
	assert_int_equal(sp_garden_write(&set, &maps, &err), 0);
	sp_garden_set_free(&set);
}

static struct sp_sample to_address(const char *address)
{
	bool ipv6 = strchr(address, ':');

	return (struct sp_sample){
		.name = "to the garden",
		.family = ipv6 ? 6 : 4,
		.from = ipv6 ? "fd85::2" : "10.85.0.2",
		.to = address,
		.protocol = 17,
		.source_port = 999,
		.destination_port = 9,
	};
}

/* Whether a captive client of that VLAN may go there, and get an answer. */
static bool is_open(struct sp_bench *bench, const char *address, uint16_t vlan)
{
	struct sp_sample up = to_address(address), back = up;
	enum sp_reason reason = send_from(bench, SP_XDP, &up, vlan);

	back.from = up.to;
	back.to = up.from;
	back.source_port = up.destination_port;
	back.destination_port = up.source_port;
	assert_int_equal(send_from(bench, SP_IN, &up, vlan), reason);
	assert_int_equal(send_from(bench, SP_OUT, &back, vlan), reason == SP_REASON_GARDEN
	                                                                ? SP_REASON_DOWN_GARDEN
	                                                                : SP_REASON_DOWN_CAPTIVE);
	return reason == SP_REASON_GARDEN;
}

static void check_open(struct sp_bench *bench, const char *address, bool untagged, bool staff,
                       bool other)
{
	if (is_open(bench, address, 0) != untagged || is_open(bench, address, VLAN) != staff ||
	    is_open(bench, address, 100) != other)
		fail_msg("%s: %d %d %d", address, is_open(bench, address, 0),
		         is_open(bench, address, VLAN), is_open(bench, address, 100));
}

static void each_zone_has_its_garden(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);

	(void)unused;
	fill(bench, record_of_three(), none, 0);
	check_open(bench, "192.0.2.1", false, false, false);
	plant(bench, "192.0.2.1", STAFF);
	plant(bench, "2001:db8::1", TAGGED);
	check_open(bench, "192.0.2.1", false, true, false);
	check_open(bench, "2001:db8::1", false, false, true);
	plant(bench, "192.0.2.0/24", 0);
	check_open(bench, "192.0.2.1", true, true, true);
	check_open(bench, "192.0.2.2", true, true, true);
	check_open(bench, "192.0.3.2", false, false, false);
	assert_int_equal(settings_of(bench).garden_zones, 1u << STAFF | 1u << TAGGED);
}

static void a_narrow_entry_of_everybody_does_not_hide_a_wide_one_of_the_zone(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_garden_entry entry;
	const struct sp_garden_maps maps = garden_of(bench);
	struct sp_error err;

	(void)unused;
	fill(bench, record_of_three(), none, 0);
	assert_int_equal(sp_garden_entry_read_line(&entry, "192.0.2.1 tcp/443", &err), 0);
	assert_int_equal(sp_garden_configure(&maps, &entry, 1, &err), 0);
	plant(bench, "192.0.0.0/16", STAFF);
	check_open(bench, "192.0.2.1", false, true, false);
}

/* Without the short cut in the settings the map is asked. */
static void the_short_cut_changes_nothing(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	struct sp_record record = {.count = 0};
	struct sp_settings settings;
	uint32_t zero = 0;

	(void)unused;
	add_interface(&record, "lan0", LOOPBACK, false);
	add_zone(&record, "rooms", "lan0", 0);
	fill(bench, &record, none, 0);
	plant(bench, "192.0.2.1", ROOMS);
	check_open(bench, "192.0.2.1", true, true, true);
	settings = settings_of(bench);
	memset(settings.zone_port, 0, sizeof(settings.zone_port));
	assert_int_equal(bpf_map_update_elem(bench->settings, &zero, &settings, BPF_ANY), 0);
	check_open(bench, "192.0.2.1", true, true, true);
}

static void a_portal_connection_says_its_zone(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	const struct sp_sample syn = {
		.name = "portal",
		.family = 4,
		.from = "10.85.0.2",
		.to = "10.85.0.1",
		.protocol = 6,
		.source_port = 40000,
		.destination_port = SP_TEST_PORTAL_PORT,
		.flags = 0x02,
	};
	const struct sp_address client = sp_packet_address(syn.from);
	const struct sp_address server = sp_packet_address(syn.to);
	struct sp_origin_key key = {
		.client_port = htons(40000),
		.server_port = htons(SP_TEST_PORTAL_PORT),
		.ifindex = LOOPBACK,
	};
	struct sp_origin origin;

	(void)unused;
	fill(bench, record_of_three(), none, 0);
	memcpy(key.client_address, &client, sizeof(client));
	memcpy(key.server_address, &server, sizeof(server));
	assert_int_equal(send_from(bench, SP_XDP, &syn, VLAN), SP_REASON_PORTAL);
	assert_int_equal(bpf_map_lookup_elem(bench->origins, &key, &origin), 0);
	assert_int_equal(origin.zone, STAFF);
	sp_bench_forget(bench);
	assert_int_equal(send_from(bench, SP_XDP, &syn, 0), SP_REASON_PORTAL);
	assert_int_equal(bpf_map_lookup_elem(bench->origins, &key, &origin), 0);
	assert_int_equal(origin.zone, 0);
}

/* --- a zone that gets another number --- */

static void a_garden_moves_with_its_zone(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	const struct sp_garden_maps maps = garden_of(bench);
	struct sp_garden_moved moved = {.entry = NULL};
	struct sp_error err;

	(void)unused;
	fill(bench, record_of_three(), none, 0);
	plant(bench, "192.0.2.1", STAFF);
	plant(bench, "192.0.2.2", TAGGED);
	plant(bench, "192.0.2.3", 0);
	for (uint32_t zone = 1; zone < SP_ZONES; zone++)
		moved.to[zone] = zone;
	moved.to[STAFF] = SP_ZONES; /* it is gone, and the next has its number */
	moved.to[TAGGED] = STAFF;
	assert_int_equal(sp_garden_take_out(&maps, &moved, &err), 0);
	check_open(bench, "192.0.2.1", false, false, false);
	check_open(bench, "192.0.2.2", false, false, false);
	check_open(bench, "192.0.2.3", true, true, true);
	assert_int_equal(sp_garden_put_back(&maps, &moved, false, &err), 0);
	check_open(bench, "192.0.2.1", false, false, false);
	check_open(bench, "192.0.2.2", false, true, false);
	assert_int_equal(settings_of(bench).garden_zones, 1u << STAFF);
	sp_garden_moved_free(&moved);
}

static void or_stays_when_that_fails(void **unused)
{
	struct sp_bench *bench = sp_bench_open(true, NULL);
	const struct sp_garden_maps maps = garden_of(bench);
	struct sp_garden_moved moved = {.entry = NULL};
	struct sp_error err;

	(void)unused;
	fill(bench, record_of_three(), none, 0);
	plant(bench, "192.0.2.1", STAFF);
	plant(bench, "192.0.2.2", TAGGED);
	moved.to[STAFF] = TAGGED;
	moved.to[TAGGED] = STAFF;
	assert_int_equal(sp_garden_take_out(&maps, &moved, &err), 0);
	assert_int_equal(sp_garden_put_back(&maps, &moved, true, &err), 0);
	check_open(bench, "192.0.2.1", false, true, false);
	check_open(bench, "192.0.2.2", false, false, true);
	sp_garden_moved_free(&moved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zones_are_where_the_configuration_says),
		cmocka_unit_test(what_is_no_zone_any_more_is_taken_out),
		cmocka_unit_test(vlan_devices_are_as_their_tags),
		cmocka_unit_test(names_are_found),
		cmocka_unit_test(every_interface_has_a_cell),
		cmocka_unit_test(more_than_there_is_room_for_is_refused),
		cmocka_unit_test(each_zone_has_its_garden),
		cmocka_unit_test(a_narrow_entry_of_everybody_does_not_hide_a_wide_one_of_the_zone),
		cmocka_unit_test(the_short_cut_changes_nothing),
		cmocka_unit_test(a_portal_connection_says_its_zone),
		cmocka_unit_test(a_garden_moves_with_its_zone),
		cmocka_unit_test(or_stays_when_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
