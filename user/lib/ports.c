/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ports.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sallyport/abi.h>

#include "lib/bpffs.h"
#include "lib/hook.h"
#include "lib/netlink.h"

#define MOST_DEVICES 4096 /* entries of `egress` and of `vlans` */

/* What the maps are to hold. */
struct wanted {
	uint32_t port[SP_MAX_ATTACHED];
	bool client[SP_MAX_ATTACHED];
	unsigned ports;
	uint32_t device[MOST_DEVICES]; /* keys of `egress` */
	struct sp_link link[MOST_DEVICES];
	unsigned devices;
};

static bool is_native(const struct sp_instance *instance, const struct sp_record_interface *one)
{
	bool own_qdisc = one->own_qdisc;
	struct sp_hook hook;

	sp_hook_find(&hook, instance, SP_HOOK_XDP, one->name, one->ifindex, &own_qdisc);
	return hook.mode == SP_HOOK_NATIVE;
}

/* Generic XDP redirects to every interface, a driver only to those with ndo_xdp_xmit: there it
 * would lose the frames and tell nobody. */
static void choose_ports(struct wanted *wanted, const struct sp_instance *instance,
                         const struct sp_record *record)
{
	bool native = false;

	for (unsigned i = 0; i < record->count; i++)
		native |= is_native(instance, &record->interface[i]);
	for (unsigned i = 0; i < record->count && wanted->ports < SP_MAX_ATTACHED; i++) {
		const struct sp_record_interface *one = &record->interface[i];

		if (!one->ifindex)
			continue;
		if (native && sp_netlink_redirects(one->ifindex) == 0)
			continue;
		wanted->client[wanted->ports] = !one->uplink;
		wanted->port[wanted->ports++] = one->ifindex;
	}
}

/* The interface itself, or a VLAN device on it. Visited again it is the same. */
static void take_device(const struct sp_interface *interface, void *context)
{
	struct wanted *wanted = context;
	unsigned at = 0;

	while (at < wanted->devices && wanted->device[at] != interface->ifindex)
		at++;
	if (at == MOST_DEVICES)
		return;
	for (unsigned i = 0; i < wanted->ports; i++) {
		bool itself = wanted->port[i] == interface->ifindex;

		if (!itself && (!interface->lower || wanted->port[i] != interface->lower))
			continue;
		wanted->device[at] = interface->ifindex;
		wanted->link[at] = (struct sp_link){
			.port = wanted->port[i],
			.vlan = itself ? 0 : interface->vlan,
			.protocol = itself ? 0 : interface->vlan_protocol,
			.client = wanted->client[i],
		};
		wanted->devices += at == wanted->devices;
		if (itself)
			return;
	}
}

static struct sp_vlan_key vlan_of(const struct sp_link *link)
{
	return (struct sp_vlan_key){
		.port = link->port, .vlan = link->vlan, .protocol = link->protocol};
}

/* --- the maps --- */

static uint32_t port_key(const struct wanted *wanted, unsigned number)
{
	return wanted->port[number] | (wanted->client[number] ? SP_PORT_CLIENT : 0);
}

static bool wants_port(const struct wanted *wanted, const void *key)
{
	for (unsigned i = 0; i < wanted->ports; i++) {
		uint32_t port = port_key(wanted, i);

		if (!memcmp(&port, key, sizeof(port)))
			return true;
	}
	return false;
}

static bool wants_device(const struct wanted *wanted, const void *key)
{
	for (unsigned i = 0; i < wanted->devices; i++)
		if (!memcmp(&wanted->device[i], key, sizeof(wanted->device[i])))
			return true;
	return false;
}

static bool wants_vlan(const struct wanted *wanted, const void *key)
{
	for (unsigned i = 0; i < wanted->devices; i++) {
		struct sp_vlan_key vlan = vlan_of(&wanted->link[i]);

		if (vlan.vlan && !memcmp(&vlan, key, sizeof(vlan)))
			return true;
	}
	return false;
}

/* Take out what is not wanted. */
static int prune(int map, const struct wanted *wanted,
                 bool (*wants)(const struct wanted *wanted, const void *key))
{
	struct sp_vlan_key key, next; /* the largest of the keys */
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;
	int code = 0;

	while (more && !code) {
		key = next;
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		if (!wants(wanted, &key))
			code = bpf_map_delete_elem(map, &key);
		if (code == -ENOENT)
			code = 0;
	}
	return code;
}

static int put_ports(int map, const struct wanted *wanted)
{
	int code = 0;

	for (unsigned i = 0; i < wanted->ports && !code; i++) {
		uint32_t key = port_key(wanted, i);

		code = bpf_map_update_elem(map, &key, &wanted->port[i], BPF_ANY);
		/* It has just gone (dev_map_hash_update_elem in the kernel). */
		if (code == -EINVAL)
			code = 0;
	}
	return code;
}

static int put_devices(const struct sp_ports *ports, const struct wanted *wanted)
{
	int code = 0;

	for (unsigned i = 0; i < wanted->devices && !code; i++) {
		struct sp_vlan_key vlan = vlan_of(&wanted->link[i]);

		if (vlan.vlan)
			code = bpf_map_update_elem(ports->vlans, &vlan, &wanted->device[i],
			                           BPF_ANY);
		if (!code)
			code = bpf_map_update_elem(ports->egress, &wanted->device[i],
			                           &wanted->link[i], BPF_ANY);
	}
	return code;
}

/* A device is known last and forgotten first, so that nothing leads to a port that is not there. */
static int bring(const struct sp_ports *ports, const struct wanted *wanted)
{
	int code = prune(ports->egress, wanted, wants_device);

	if (!code)
		code = prune(ports->vlans, wanted, wants_vlan);
	if (!code)
		code = prune(ports->ports, wanted, wants_port);
	if (!code)
		code = put_ports(ports->ports, wanted);
	return code ? code : put_devices(ports, wanted);
}

/* --- comparing --- */

/* Entries that are not wanted. */
static int count_others(int map, const struct wanted *wanted,
                        bool (*wants)(const struct wanted *wanted, const void *key))
{
	struct sp_vlan_key key, next; /* the largest of the keys */
	bool more = bpf_map_get_next_key(map, NULL, &next) == 0;
	int count = 0;

	while (more) {
		key = next;
		more = bpf_map_get_next_key(map, &key, &next) == 0;
		count += !wants(wanted, &key);
	}
	return count;
}

static int count_missing_ports(int map, const struct wanted *wanted)
{
	int count = 0;

	for (unsigned i = 0; i < wanted->ports; i++) {
		uint32_t key = port_key(wanted, i), port = 0;

		count += bpf_map_lookup_elem(map, &key, &port) || port != wanted->port[i];
	}
	return count;
}

static int count_missing_devices(const struct sp_ports *ports, const struct wanted *wanted)
{
	int count = 0;

	for (unsigned i = 0; i < wanted->devices; i++) {
		struct sp_vlan_key vlan = vlan_of(&wanted->link[i]);
		struct sp_link link = {.port = 0};
		uint32_t device = 0;

		count += vlan.vlan && (bpf_map_lookup_elem(ports->vlans, &vlan, &device) ||
		                       device != wanted->device[i]);
		count += bpf_map_lookup_elem(ports->egress, &wanted->device[i], &link) ||
		         memcmp(&link, &wanted->link[i], sizeof(link)) != 0;
	}
	return count;
}

static int differ(const struct sp_ports *ports, const struct wanted *wanted)
{
	return count_others(ports->egress, wanted, wants_device) +
	       count_others(ports->vlans, wanted, wants_vlan) +
	       count_others(ports->ports, wanted, wants_port) +
	       count_missing_ports(ports->ports, wanted) + count_missing_devices(ports, wanted);
}

/* --- both --- */

/* Give @use what the maps are to hold now. */
static int with_wanted(const struct sp_ports *ports, const struct sp_instance *instance,
                       const struct sp_record *record,
                       int (*use)(const struct sp_ports *ports, const struct wanted *wanted),
                       struct sp_error *err)
{
	struct wanted *wanted = calloc(1, sizeof(*wanted));
	int code;

	if (!wanted)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	choose_ports(wanted, instance, record);
	code = sp_netlink_each(take_device, wanted, err);
	if (!code) {
		code = use(ports, wanted);
		if (code < 0)
			sp_fail(err, code, SP_EXIT_FAILED,
			        "cannot write where frames are forwarded to: %s", strerror(-code));
	}
	free(wanted);
	return code;
}

int sp_ports_fill(const struct sp_ports *ports, const struct sp_instance *instance,
                  const struct sp_record *record, struct sp_error *err)
{
	return with_wanted(ports, instance, record, bring, err);
}

int sp_ports_differ(const struct sp_ports *ports, const struct sp_instance *instance,
                    const struct sp_record *record, struct sp_error *err)
{
	return with_wanted(ports, instance, record, differ, err);
}

int sp_ports_open(struct sp_ports *ports, const struct sp_instance *instance, struct sp_error *err)
{
	int code;

	*ports = (struct sp_ports){.ports = -1, .egress = -1, .vlans = -1};
	code = sp_pins_open(&ports->ports, instance, "ports", err);
	if (!code)
		code = sp_pins_open(&ports->egress, instance, "egress", err);
	if (!code)
		code = sp_pins_open(&ports->vlans, instance, "vlans", err);
	if (code)
		sp_ports_close(ports);
	return code;
}

void sp_ports_close(const struct sp_ports *ports)
{
	const int files[] = {ports->ports, ports->egress, ports->vlans};

	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i] >= 0)
			close(files[i]);
}

bool sp_ports_has(const struct sp_ports *ports, uint32_t ifindex)
{
	struct sp_link link;

	return bpf_map_lookup_elem(ports->egress, &ifindex, &link) == 0;
}
