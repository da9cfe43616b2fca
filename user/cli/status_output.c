/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/status_output.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/output.h"

/* "" is said as null: what no other zone has. */
static json_t *zone_json(const struct sp_dataplane_status *status, unsigned zone)
{
	const char *name = status->zone[zone].name;

	return json_pack("{s:s?, s:s}", "zone", name[0] ? name : NULL, "forward",
	                 sp_forward_name(status->route_zones >> zone & 1));
}

static json_t *zones_json(const struct sp_dataplane_status *status, uint32_t zones)
{
	json_t *list = json_array();

	for (unsigned zone = 0; zone < status->zone_count; zone++)
		if (zones >> zone & 1)
			json_array_append_new(list, zone_json(status, zone));
	return list;
}

static json_t *attachment_json(const struct sp_dataplane_status *status,
                               const struct sp_attachment *one)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:s, s:o}", "interface",
	                 one->interface, "role", one->uplink ? "uplink" : "client", "state",
	                 sp_presence_name(one->presence), "ifindex",
	                 sp_json_number(one->ifindex, one->ifindex), "mode", one->mode, "tc_hook",
	                 one->tc_hook, "forward", one->routed ? "route" : "stack", "why", one->why,
	                 "changed", one->changed, "zones", zones_json(status, one->zones));
}

json_t *sp_status_json(const struct sp_instance *instance, const struct sp_dataplane_status *status)
{
	json_t *interfaces = json_array();

	for (unsigned i = 0; i < status->attachment_count; i++)
		json_array_append_new(interfaces, attachment_json(status, &status->attachment[i]));
	return json_pack("{s:s, s:b, s:I, s:i, s:s, s:o, s:o, s:I, s:b, s:s, s:o}", "instance",
	                 instance->name, "loaded", 1, "loaded_since",
	                 (json_int_t)status->loaded_unix, "abi_version", (int)status->abi_version,
	                 "config", status->config_path, "daemon",
	                 sp_json_number((uint64_t)status->daemon, status->daemon), "interfaces",
	                 interfaces, "max_clients", (json_int_t)status->max_clients, "bypass",
	                 (int)status->bypass, "forward", sp_forward_name(status->route_zones & 1),
	                 "zones", zones_json(status, UINT32_MAX));
}

const char *sp_forward_name(enum sp_forward forward)
{
	return forward == SP_FORWARD_ROUTE ? "route" : "stack";
}

/* "guests, staff"; "(other)": zone 0, what no other has. */
static void list_zones(char *out, size_t room, const struct sp_dataplane_status *status,
                       uint32_t zones)
{
	size_t used = 0;

	out[0] = '\0';
	for (unsigned zone = 0; zone < status->zone_count; zone++) {
		const char *name = status->zone[zone].name;

		if (!(zones >> zone & 1))
			continue;
		snprintf(out + used, room - used, "%s%s", used ? ", " : "",
		         name[0] ? name : "(other)");
		used += strlen(out + used);
	}
}

void sp_put_forward(const struct sp_dataplane_status *status)
{
	uint32_t every = (1u << status->zone_count) - 1;
	bool all = (status->route_zones & every) == every;
	char names[SP_ZONES * (SP_ZONE_NAME + 2)];

	list_zones(names, sizeof(names), status, status->route_zones);

	if (status->route_zones)
		sp_put_field("Forward",
		             "route: authorized clients' packets%s%s go past the stack, and past "
		             "netfilter and NAT",
		             all ? "" : " of zone ", all ? "" : names);
}

/* "route", or by which zones if they differ. */
static void put_how(char *out, size_t room, const struct sp_dataplane_status *status,
                    const struct sp_attachment *one)
{
	uint32_t by_stack = one->zones & ~status->route_zones;
	char names[SP_ZONES * (SP_ZONE_NAME + 2)];

	if (!one->routed || !by_stack) {
		snprintf(out, room, "%s", sp_forward_name(one->routed));
		return;
	}
	list_zones(names, sizeof(names), status, by_stack);
	snprintf(out, room, "route, of zone %s by stack", names);
}

static void put_attachment(const struct sp_dataplane_status *status, const char *field,
                           const struct sp_attachment *one)
{
	enum sp_colour colour = one->presence == SP_ATTACHED ? SP_PLAIN : SP_BAD;
	bool tc_only = !strcmp(one->mode, "tc");
	char how[512] = "", forward[400];

	put_how(forward, sizeof(forward), status, one);
	if (one->presence != SP_MISSING && one->uplink)
		snprintf(how, sizeof(how), "uplink, XDP %s, forwards by %s", one->mode, forward);
	else if (one->presence != SP_MISSING)
		snprintf(how, sizeof(how), "%s%s, TC %s, forwards by %s",
		         tc_only ? "no XDP" : "XDP ", tc_only ? "" : one->mode, one->tc_hook,
		         forward);
	sp_put_field(field, "%s%s%s: %s%s%s%s%s%s%s", sp_colour(colour), one->interface,
	             sp_colour(SP_PLAIN),
	             one->presence == SP_ATTACHED ? "" : sp_presence_name(one->presence),
	             one->presence == SP_ATTACHED || !how[0] ? "" : ", ", how,
	             one->why[0] ? sp_colour(SP_FAINT) : "", one->why[0] ? " (" : "", one->why,
	             one->why[0] ? ")" : "");
	if (one->changed[0])
		sp_put_field("", "%s%s%s: addresses changed since `up` (%s): run `sallyport up`",
		             sp_colour(SP_BAD), one->interface, sp_colour(SP_PLAIN), one->changed);
}

void sp_put_attachments(const struct sp_dataplane_status *status)
{
	for (unsigned i = 0; i < status->attachment_count; i++)
		put_attachment(status, i ? "" : "Interfaces", &status->attachment[i]);
}
