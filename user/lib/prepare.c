/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/prepare.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/gateway.h"
#include "lib/netlink.h"
#include "lib/netns.h"

int sp_prepare_machine(struct sp_error *err)
{
	if (geteuid() != 0)
		return sp_fail(err, -EPERM, SP_EXIT_PERMISSION,
		               "no permission to load the datapath: run as root");
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return sp_fail(
			err, -EOPNOTSUPP, SP_EXIT_FAILED,
			"this kernel has no BTF (/sys/kernel/btf/vmlinux is missing): use one "
			"built with CONFIG_DEBUG_INFO_BTF, as distributions' are");
	return 0;
}

/* It is attached when it comes. */
static void add_missing(struct sp_record *record, const char *name, bool uplink,
                        const struct sp_config *config)
{
	struct sp_record_interface *one = &record->interface[record->count++];

	snprintf(one->name, sizeof(one->name), "%s", name);
	one->missing = true;
	one->uplink = uplink;
	one->attach = config->attach;
	one->tc = config->tc;
}

static int add_interface(struct sp_record *record, const char *name, bool uplink,
                         const struct sp_config *config, struct sp_error *err)
{
	struct sp_record_interface *one = &record->interface[record->count];
	struct sp_interface interface;
	int code = sp_netlink_link(name, &interface, err);

	if (code == -ENODEV) {
		add_missing(record, name, uplink, config);
		return 0;
	}
	if (code)
		return code;
	for (unsigned i = 0; i < record->count; i++)
		if (record->interface[i].ifindex == interface.ifindex)
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			               "interface %s is given twice in `client` and `uplink` of "
			               "[gateway]",
			               interface.name);
	memcpy(one->name, interface.name, sizeof(one->name));
	one->ifindex = interface.ifindex;
	memcpy(one->mac, interface.mac, sizeof(one->mac));
	one->uplink = uplink;
	one->attach = config->attach;
	one->tc = config->tc;
	record->count++;
	/* The programs are told only where the clients are. */
	if (uplink)
		return 0;
	code = sp_gateway_addresses_at(one->ifindex, one->address, err);
	if (code < 0)
		return code;
	one->address_count = (unsigned)code;
	return 0;
}

static void add_zones(struct sp_record *record, const struct sp_config *config)
{
	record->zone_count = config->zone_count;
	for (unsigned i = 1; i < config->zone_count; i++) {
		const struct sp_zone *zone = &config->zone[i];
		struct sp_record_zone *own = &record->zone[i];

		memcpy(own->name, zone->name, sizeof(own->name));
		memcpy(own->client, zone->client, sizeof(own->client));
		own->client_count = zone->client_count;
		memcpy(own->vlan, zone->vlan, sizeof(own->vlan));
		own->vlan_count = zone->vlan_count;
	}
}

/* Without any there is nobody to judge, and most likely a name is wrong. */
static int check_present(const struct sp_record *record, struct sp_error *err)
{
	struct sp_interface interface;

	for (unsigned i = 0; i < record->count; i++)
		if (!record->interface[i].missing)
			return 0;
	return sp_netlink_link(record->interface[0].name, &interface, err);
}

int sp_prepare_record(struct sp_record *record, const struct sp_config *config,
                      struct sp_error *err)
{
	int code = 0;

	*record = (struct sp_record){.netns = sp_netns()};
	if (!config->client_count)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "no interface is configured: set `client` in [gateway]");
	for (unsigned i = 0; i < config->client_count && !code; i++)
		code = add_interface(record, config->client[i], false, config, err);
	if (!code)
		code = check_present(record, err);
	for (unsigned i = 0; i < config->uplink_count && !code; i++)
		code = add_interface(record, config->uplink[i], true, config, err);
	add_zones(record, config);
	return code;
}
