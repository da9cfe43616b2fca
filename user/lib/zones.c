/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/zones.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/bpffs.h"
#include "lib/netlink.h"

#define FACTORS 10000u /* that are tried: one of seven does for 16 interfaces */

struct place {
	struct sp_zone_key key;
	uint32_t zone;
};

/* What the maps are to hold. */
struct wanted {
	const struct sp_record *record;
	struct place place[SP_ZONE_PLACES];
	unsigned places;
	bool full;
	struct sp_vlan_device device[SP_VLAN_DEVICES];
	unsigned devices;
};

/* --- what is wanted --- */

static const struct place *find(const struct wanted *wanted, struct sp_zone_key key)
{
	for (unsigned i = 0; i < wanted->places; i++)
		if (!memcmp(&wanted->place[i].key, &key, sizeof(key)))
			return &wanted->place[i];
	return NULL;
}

/* What is there stays: the configuration goes before what follows from it. */
static void want(struct wanted *wanted, struct sp_zone_key key, uint32_t zone)
{
	if (find(wanted, key))
		return;
	wanted->full |= wanted->places == SP_ZONE_PLACES;
	if (!wanted->full)
		wanted->place[wanted->places++] = (struct place){.key = key, .zone = zone};
}

static struct sp_zone_key whole(uint32_t ifindex)
{
	return (struct sp_zone_key){.ifindex = ifindex, .whole = 1};
}

static struct sp_zone_key tagged(uint32_t ifindex, uint16_t vlan)
{
	return (struct sp_zone_key){.ifindex = ifindex, .vlan = vlan};
}

/* What the configuration says of zone @number. */
static void want_zone(struct wanted *wanted, uint32_t number)
{
	const struct sp_record_zone *zone = &wanted->record->zone[number];

	for (unsigned i = 0; i < wanted->record->count; i++) {
		const struct sp_record_interface *one = &wanted->record->interface[i];

		if (one->uplink || !one->ifindex || !sp_record_zone_has(zone, one->name))
			continue;
		for (unsigned k = 0; k < zone->vlan_count; k++)
			want(wanted, tagged(one->ifindex, zone->vlan[k]), number);
		if (!zone->vlan_count)
			want(wanted, whole(one->ifindex), number);
	}
}

static bool is_client(const struct sp_record *record, uint32_t ifindex)
{
	for (unsigned i = 0; i < record->count; i++)
		if (!record->interface[i].uplink && record->interface[i].ifindex == ifindex)
			return true;
	return false;
}

/*
 * A VLAN device and the tag on the interface under it are the same to the stack: the zone of the
 * one is the zone of the other, whichever the configuration names.
 */
static void want_device(struct wanted *wanted, const struct sp_vlan_device *device)
{
	const struct sp_zone_key outside = tagged(device->lower, device->vlan);
	const struct place *place = find(wanted, whole(device->ifindex));

	if (place) {
		want(wanted, outside, place->zone);
		return;
	}
	place = find(wanted, outside);
	if (!place && is_client(wanted->record, device->lower))
		place = find(wanted, whole(device->lower));
	if (place)
		want(wanted, whole(device->ifindex), place->zone);
}

static int want_all(struct wanted *wanted, struct sp_error *err)
{
	for (uint32_t number = 1; number < wanted->record->zone_count; number++)
		want_zone(wanted, number);
	for (unsigned i = 0; i < wanted->devices && wanted->places; i++)
		want_device(wanted, &wanted->device[i]);
	if (!wanted->full)
		return 0;
	return sp_fail(err, -E2BIG, SP_EXIT_FAILED,
	               "the zones have more interfaces, and VLANs on each, than the %u that are "
	               "supported",
	               SP_ZONE_PLACES);
}

static int look(struct wanted *wanted, struct sp_error *err)
{
	int count = 0;

	if (wanted->record->zone_count > 1)
		count = sp_netlink_vlans(wanted->device, SP_VLAN_DEVICES, err);
	if (count < 0)
		return count;
	wanted->devices = (unsigned)count;
	return want_all(wanted, err);
}

/* --- the maps --- */

static int failed(int code, const char *what, const char *map, struct sp_error *err)
{
	return sp_fail(err, code, code == -EPERM ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
	               "cannot %s the map %s: %s", what, map, strerror(-code));
}

static int put_places(int map, const struct wanted *wanted)
{
	int code = 0;

	for (unsigned i = 0; i < wanted->places && !code; i++)
		code = bpf_map_update_elem(map, &wanted->place[i].key, &wanted->place[i].zone,
		                           BPF_ANY);
	return code;
}

static int prune_places(int map, const struct wanted *wanted)
{
	struct sp_zone_key key, next;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;
	int code = 0;

	while (more && !code) {
		key = next;
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		if (!find(wanted, key))
			code = bpf_map_delete_elem(map, &key);
	}
	return code;
}

static int put_names(int map, const struct sp_record *record)
{
	int code = 0;

	for (uint32_t i = 0; i < SP_ZONES && !code; i++) {
		struct sp_zone_name name = {.name = ""};

		if (i < record->zone_count)
			memcpy(name.name, record->zone[i].name, sizeof(name.name));
		code = bpf_map_update_elem(map, &i, &name, BPF_ANY);
	}
	return code;
}

/* --- the short cut in `settings` --- */

static void empty_ports(struct sp_settings *settings, uint32_t factor)
{
	memset(settings->zone_port, 0, sizeof(settings->zone_port));
	settings->zone_factor = factor;
}

/* Fill in every client interface. False: two of them are in one cell. */
static bool put_ports(struct sp_settings *settings, const struct wanted *wanted, uint32_t factor)
{
	empty_ports(settings, factor);
	for (unsigned i = 0; i < wanted->record->count; i++) {
		const struct sp_record_interface *one = &wanted->record->interface[i];
		const struct place *place = find(wanted, whole(one->ifindex));
		struct sp_zone_port *port;

		if (one->uplink || !one->ifindex)
			continue;
		port = &settings->zone_port[SP_ZONE_CELL(one->ifindex, factor)];
		if (port->ifindex && port->ifindex != one->ifindex)
			return false;
		*port = (struct sp_zone_port){.ifindex = one->ifindex,
		                              .zone = place ? (uint16_t)place->zone : 0};
		for (unsigned k = 0; k < wanted->places; k++)
			port->vlans |= wanted->place[k].key.ifindex == one->ifindex &&
			               wanted->place[k].key.vlan;
	}
	return true;
}

/* Without a factor that does, the datapath asks the map. */
static void choose_ports(struct sp_settings *settings, const struct wanted *wanted)
{
	uint32_t factor = 0x9e3779b1u; /* 2^32 by the golden ratio: neighbours lie far apart */

	for (unsigned i = 0; i < FACTORS; i++, factor += 0x3c6ef372u)
		if (put_ports(settings, wanted, factor))
			return;
	empty_ports(settings, 0);
}

/* @settings with what is wanted. */
static void set_settings(struct sp_settings *settings, const struct wanted *wanted)
{
	settings->zones = wanted->places;
	choose_ports(settings, wanted);
}

static int put_settings(int map, const struct wanted *wanted)
{
	struct sp_settings before, now;
	uint32_t zero = 0;
	int code = bpf_map_lookup_elem(map, &zero, &before);

	if (code)
		return code;
	now = before;
	set_settings(&now, wanted);
	if (!memcmp(&before, &now, sizeof(now)))
		return 0;
	return bpf_map_update_elem(map, &zero, &now, BPF_EXIST);
}

/* The map first, which the datapath asks for what the settings do not say. */
static int bring(const struct sp_zone_maps *maps, const struct wanted *wanted, struct sp_error *err)
{
	int code = put_names(maps->names, wanted->record);

	if (code)
		return failed(code, "write", "zone_names", err);
	code = put_places(maps->zones, wanted);
	if (!code)
		code = prune_places(maps->zones, wanted);
	if (code)
		return failed(code, "write", "zones", err);
	code = put_settings(maps->settings, wanted);
	return code ? failed(code, "write", "settings", err) : 0;
}

/* --- comparing --- */

static int count_other_places(int map, const struct wanted *wanted)
{
	struct sp_zone_key key, next;
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;
	int count = 0;

	while (more) {
		key = next;
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		count += !find(wanted, key);
	}
	return count;
}

static int count_missing_places(int map, const struct wanted *wanted)
{
	int count = 0;

	for (unsigned i = 0; i < wanted->places; i++) {
		uint32_t zone = 0;

		count += bpf_map_lookup_elem(map, &wanted->place[i].key, &zone) ||
		         zone != wanted->place[i].zone;
	}
	return count;
}

static int count_names(int map, const struct sp_record *record)
{
	int count = 0;

	for (uint32_t i = 0; i < SP_ZONES; i++) {
		const char *wanted = i < record->zone_count ? record->zone[i].name : "";
		struct sp_zone_name name;

		count += bpf_map_lookup_elem(map, &i, &name) ||
		         strncmp(name.name, wanted, sizeof(name.name)) != 0;
	}
	return count;
}

static int differ(const struct sp_zone_maps *maps, const struct wanted *wanted,
                  struct sp_error *err)
{
	struct sp_settings before, now;
	uint32_t zero = 0;
	int code = bpf_map_lookup_elem(maps->settings, &zero, &before);

	if (code)
		return failed(code, "read", "settings", err);
	now = before;
	set_settings(&now, wanted);
	return (memcmp(&before, &now, sizeof(now)) != 0) +
	       count_names(maps->names, wanted->record) + count_other_places(maps->zones, wanted) +
	       count_missing_places(maps->zones, wanted);
}

/* --- both --- */

/* Give @use what the maps are to hold now. @devices NULL: those that there are. */
static int with_wanted(const struct sp_zone_maps *maps, const struct sp_record *record,
                       const struct sp_vlan_device *devices, unsigned count,
                       int (*use)(const struct sp_zone_maps *maps, const struct wanted *wanted,
                                  struct sp_error *err),
                       struct sp_error *err)
{
	struct wanted *wanted = calloc(1, sizeof(*wanted));
	int code;

	if (!wanted)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	wanted->record = record;
	wanted->devices = count;
	if (devices)
		memcpy(wanted->device, devices, count * sizeof(*devices));
	code = devices ? want_all(wanted, err) : look(wanted, err);
	if (!code)
		code = use(maps, wanted, err);
	free(wanted);
	return code;
}

int sp_zones_fill(const struct sp_zone_maps *maps, const struct sp_record *record,
                  struct sp_error *err)
{
	return with_wanted(maps, record, NULL, 0, bring, err);
}

int sp_zones_fill_for(const struct sp_zone_maps *maps, const struct sp_record *record,
                      const struct sp_vlan_device *devices, unsigned count, struct sp_error *err)
{
	return with_wanted(maps, record, devices, count, bring, err);
}

int sp_zones_differ(const struct sp_zone_maps *maps, const struct sp_record *record,
                    struct sp_error *err)
{
	return with_wanted(maps, record, NULL, 0, differ, err);
}

struct sp_zone_maps sp_zone_maps_of(const struct sp_maps *maps)
{
	return (struct sp_zone_maps){
		.zones = maps->zones, .names = maps->zone_names, .settings = maps->settings};
}

int sp_zones_open(struct sp_zone_maps *maps, const struct sp_instance *instance,
                  struct sp_error *err)
{
	int code;

	*maps = (struct sp_zone_maps){.zones = -1, .names = -1, .settings = -1};
	code = sp_pins_open(&maps->zones, instance, "zones", err);
	if (!code)
		code = sp_pins_open(&maps->names, instance, "zone_names", err);
	if (!code)
		code = sp_pins_open(&maps->settings, instance, "settings", err);
	if (code)
		sp_zones_close(maps);
	return code;
}

void sp_zones_close(const struct sp_zone_maps *maps)
{
	const int files[] = {maps->zones, maps->names, maps->settings};

	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i] >= 0)
			close(files[i]);
}

/* --- reading --- */

uint32_t sp_zone_of(const struct sp_maps *maps, uint32_t ifindex, uint16_t vlan)
{
	struct sp_zone_key key = tagged(ifindex, vlan);
	uint32_t zone = 0;

	if (vlan && bpf_map_lookup_elem(maps->zones, &key, &zone) == 0)
		return zone;
	key = whole(ifindex);
	return bpf_map_lookup_elem(maps->zones, &key, &zone) == 0 ? zone : 0;
}

int sp_zone_names(const struct sp_zone_maps *maps, struct sp_zone_name names[SP_ZONES],
                  struct sp_error *err)
{
	int code = 0;

	for (uint32_t i = 0; i < SP_ZONES && !code; i++)
		code = bpf_map_lookup_elem(maps->names, &i, &names[i]);
	return code ? failed(code, "read", "zone_names", err) : 0;
}

static int no_zone(const char *name, const struct sp_zone_name names[SP_ZONES],
                   struct sp_error *err)
{
	char list[SP_ZONES * (SP_ZONE_NAME + 2)] = "";
	size_t used = 0;

	for (uint32_t i = 1; i < SP_ZONES; i++) {
		if (!names[i].name[0])
			continue;
		snprintf(list + used, sizeof(list) - used, "%s%s", used ? ", " : "", names[i].name);
		used += strlen(list + used);
	}
	return sp_fail(err, -ENOENT, SP_EXIT_NOT_FOUND,
	               used ? "there is no zone '%.32s': there are %s"
	                    : "there is no zone '%.32s': `sallyport up` was given none%s",
	               name, list);
}

int sp_zone_number(const struct sp_zone_maps *maps, const char *name, uint32_t *number,
                   struct sp_error *err)
{
	struct sp_zone_name names[SP_ZONES];
	int code = sp_zone_names(maps, names, err);

	for (uint32_t i = 1; i < SP_ZONES && !code; i++) {
		if (!names[i].name[0] || strcmp(names[i].name, name) != 0)
			continue;
		*number = i;
		return 0;
	}
	return code ? code : no_zone(name, names, err);
}
