/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/dataplane.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/bpffs.h"
#include "lib/daemon.h"
#include "lib/gateway.h"
#include "lib/hook.h"
#include "lib/maps.h"
#include "lib/netlink.h"
#include "lib/netns.h"
#include "lib/ports.h"
#include "lib/record.h"
#include "lib/rundir.h"
#include "lib/text.h"

/* The reasons of XDP and of TC ingress; TC egress has the latter's. */
static void join_why(char *out, size_t size, const struct sp_record_interface *one)
{
	const char *xdp = one->why[SP_HOOK_XDP], *tc = one->why[SP_HOOK_TC_IN];

	snprintf(out, size, "%s%s%s", xdp, xdp[0] && tc[0] ? "; " : "", tc);
}

static const char *tc_name(const struct sp_hook *in, const struct sp_hook *out)
{
	return in->mode == out->mode ? sp_hook_mode_name(in->mode) : "none";
}

const char *sp_presence_name(enum sp_presence presence)
{
	static const char *const names[] = {
		[SP_ATTACHED] = "attached",
		[SP_MISSING] = "missing",
		[SP_RENAMED] = "renamed",
		[SP_DETACHED] = "detached",
	};

	return names[presence];
}

/* By name, for that is what the configuration says; @now is what was found. */
static enum sp_presence find(const struct sp_record_interface *one, struct sp_interface *now)
{
	if (!sp_netlink_link(one->name, now, NULL))
		return now->ifindex == one->ifindex ? SP_ATTACHED : SP_DETACHED;
	if (one->ifindex && !sp_netlink_link_at(one->ifindex, now, NULL))
		return SP_RENAMED;
	*now = (struct sp_interface){.ifindex = 0};
	return SP_MISSING;
}

/* @size of @text with an address that is new or gone. */
static void add_changed(char *text, size_t size, const struct sp_address *address, const char *what)
{
	size_t used = strlen(text);
	char number[INET6_ADDRSTRLEN];

	snprintf(text + used, size - used, "%s%s is %s", used ? ", " : "",
	         sp_address_text(address, number), what);
}

static void describe_mac(struct sp_attachment *attachment, const struct sp_record_interface *one,
                         const struct sp_interface *now)
{
	char mac[SP_TEXT_MAC];

	if (memcmp(now->mac, one->mac, sizeof(one->mac)) != 0)
		snprintf(attachment->changed, sizeof(attachment->changed), "MAC %s is new",
		         sp_text_put_mac(mac, now->mac));
}

static void describe_addresses(struct sp_attachment *attachment,
                               const struct sp_record_interface *one)
{
	struct sp_address now[SP_MAX_ADDRESSES];
	int count = sp_gateway_addresses_at(attachment->ifindex, now, NULL);

	for (int i = 0; i < count; i++)
		if (!sp_address_listed(one->address, one->address_count, &now[i]))
			add_changed(attachment->changed, sizeof(attachment->changed), &now[i],
			            "new");
	for (unsigned i = 0; i < one->address_count && count >= 0; i++)
		if (!sp_address_listed(now, (unsigned)count, &one->address[i]))
			add_changed(attachment->changed, sizeof(attachment->changed),
			            &one->address[i], "gone");
}

/* @now: what has the place of @one. */
static void describe_presence(struct sp_attachment *attachment,
                              const struct sp_record_interface *one, const struct sp_interface *now,
                              bool daemon)
{
	char *why = attachment->why;
	size_t size = sizeof(attachment->why);
	const char *what = daemon ? "sallyportd is about to attach it" : "run `sallyport up`";

	if (attachment->presence == SP_MISSING)
		snprintf(why, size, "the interface %s; %s when it is back",
		         one->ifindex ? "was removed" : "is not there",
		         daemon ? "sallyportd attaches it" : "run `sallyport up`");
	else if (attachment->presence == SP_RENAMED)
		snprintf(why, size, "it is called %s now, and judged as before", now->name);
	else if (attachment->presence == SP_DETACHED && now->ifindex != one->ifindex)
		snprintf(why, size, "the interface was made %s and is not judged: %s",
		         one->ifindex ? "anew" : "just now", what);
	else if (attachment->presence == SP_DETACHED)
		snprintf(why, size, "a program was taken away: %s", what);
	else
		join_why(why, size, one);
}

static void describe(struct sp_attachment *attachment, const struct sp_instance *instance,
                     struct sp_record_interface *one, bool daemon)
{
	struct sp_hook hook[SP_HOOK_KINDS];
	struct sp_interface now;
	bool lost = false;

	snprintf(attachment->interface, sizeof(attachment->interface), "%s", one->name);
	attachment->presence = find(one, &now);
	attachment->ifindex = now.ifindex;
	attachment->uplink = one->uplink;
	for (unsigned kind = 0; kind < SP_HOOK_KINDS; kind++) {
		sp_hook_find(&hook[kind], instance, kind, one->name, now.ifindex, &one->own_qdisc);
		lost |= hook[kind].lost;
	}
	lost |= !one->uplink && hook[SP_HOOK_TC_IN].mode == SP_HOOK_NONE;
	lost |= !one->uplink && hook[SP_HOOK_TC_OUT].mode == SP_HOOK_NONE;
	if (lost && attachment->presence != SP_MISSING)
		attachment->presence = SP_DETACHED;
	attachment->tc_hook = tc_name(&hook[SP_HOOK_TC_IN], &hook[SP_HOOK_TC_OUT]);
	attachment->mode = sp_hook_mode_name(hook[SP_HOOK_XDP].mode);
	if (hook[SP_HOOK_XDP].mode == SP_HOOK_NONE && hook[SP_HOOK_TC_IN].mode != SP_HOOK_NONE)
		attachment->mode = "tc";
	describe_presence(attachment, one, &now, daemon);
	if (now.ifindex)
		describe_mac(attachment, one, &now);
	if (now.ifindex && !one->uplink)
		describe_addresses(attachment, one);
}

/* Which way what comes in goes: past the stack only by XDP and where the answers find back. */
static void describe_forward(struct sp_dataplane_status *status, const struct sp_instance *instance)
{
	struct sp_ports ports;

	if (!status->route_zones || sp_ports_open(&ports, instance, NULL))
		return;
	for (unsigned i = 0; i < status->attachment_count; i++) {
		struct sp_attachment *one = &status->attachment[i];
		bool xdp = strcmp(one->mode, "tc") != 0 && strcmp(one->mode, "none") != 0;
		bool port = sp_ports_has(&ports, one->ifindex);
		size_t used = strlen(one->why);

		one->routed = xdp && port && one->presence == SP_ATTACHED &&
		              (one->uplink || one->zones & status->route_zones);
		if (xdp && !port && one->presence == SP_ATTACHED)
			snprintf(one->why + used, sizeof(one->why) - used,
			         "%sframes cannot be redirected to it", used ? "; " : "");
	}
	sp_ports_close(&ports);
}

/* Zone 0 has what no other zone takes whole. */
static void describe_zones(struct sp_dataplane_status *status, const struct sp_record *record)
{
	status->zone_count = record->zone_count ? record->zone_count : 1;
	for (unsigned zone = 1; zone < status->zone_count; zone++)
		memcpy(status->zone[zone].name, record->zone[zone].name, SP_ZONE_NAME);
	for (unsigned i = 0; i < status->attachment_count; i++) {
		struct sp_attachment *one = &status->attachment[i];

		if (one->uplink)
			continue;
		one->zones = 1;
		for (unsigned zone = 1; zone < status->zone_count; zone++) {
			if (!sp_record_zone_has(&record->zone[zone], one->interface))
				continue;
			one->zones |= 1u << zone;
			if (!record->zone[zone].vlan_count)
				one->zones &= ~1u;
		}
	}
}

static void fill(struct sp_dataplane_status *status, const struct sp_instance *instance,
                 struct sp_record *record)
{
	status->daemon = sp_daemon_pid(instance);
	for (unsigned i = 0; i < record->count && i < SP_MAX_ATTACHED; i++)
		describe(&status->attachment[status->attachment_count++], instance,
		         &record->interface[i], status->daemon);
	describe_zones(status, record);
	describe_forward(status, instance);
	sp_run_config(instance, status->config_path, sizeof(status->config_path));
}

int sp_dataplane_status(const struct sp_instance *instance, struct sp_dataplane_status *status,
                        struct sp_error *err)
{
	struct sp_record record;
	struct sp_maps maps;
	int code;

	*status = (struct sp_dataplane_status){.attachment_count = 0};
	code = sp_bpffs_check(err);
	if (!code)
		code = sp_maps_open(&maps, instance, err);
	if (code)
		return code;
	status->abi_version = maps.loaded.abi_version;
	status->loaded_unix = maps.loaded.loaded_unix;
	status->max_clients = maps.max_clients;
	status->bypass = maps.loaded.bypass;
	status->route_zones = maps.loaded.route_zones;
	sp_maps_close(&maps);
	code = sp_record_read(instance, &record, err);
	if (code == -ENOENT)
		return sp_fail(
			err, code, SP_EXIT_FAILED,
			"%s/dataplane is missing, which says how instance %s is attached: run "
			"`sallyport down`, then `sallyport up`",
			instance->run, instance->name);
	/* Interface numbers mean something else elsewhere. */
	if (!code)
		code = sp_netns_check(instance, record.netns, err);
	if (code)
		return code;
	fill(status, instance, &record);
	return 0;
}
