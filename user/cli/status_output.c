/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/status_output.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/output.h"

static json_t *attachment_json(const struct sp_attachment *one)
{
	return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:s}", "interface",
	                 one->interface, "role", one->uplink ? "uplink" : "client", "state",
	                 sp_presence_name(one->presence), "ifindex",
	                 sp_json_number(one->ifindex, one->ifindex), "mode", one->mode, "tc_hook",
	                 one->tc_hook, "forward", one->routed ? "route" : "stack", "why", one->why,
	                 "changed", one->changed);
}

json_t *sp_status_json(const struct sp_instance *instance, const struct sp_dataplane_status *status)
{
	json_t *interfaces = json_array();

	for (unsigned i = 0; i < status->attachment_count; i++)
		json_array_append_new(interfaces, attachment_json(&status->attachment[i]));
	return json_pack("{s:s, s:b, s:I, s:i, s:s, s:o, s:o, s:I, s:b, s:s}", "instance",
	                 instance->name, "loaded", 1, "loaded_since",
	                 (json_int_t)status->loaded_unix, "abi_version", (int)status->abi_version,
	                 "config", status->config_path, "daemon",
	                 sp_json_number((uint64_t)status->daemon, status->daemon), "interfaces",
	                 interfaces, "max_clients", (json_int_t)status->max_clients, "bypass",
	                 (int)status->bypass, "forward", sp_forward_name(status->forward));
}

const char *sp_forward_name(enum sp_forward forward)
{
	return forward == SP_FORWARD_ROUTE ? "route" : "stack";
}

void sp_put_forward(const struct sp_dataplane_status *status)
{
	if (status->forward == SP_FORWARD_ROUTE)
		sp_put_field("Forward",
		             "route: authorized clients' packets go past the stack, and past "
		             "netfilter and NAT");
}

static void put_attachment(const char *field, const struct sp_attachment *one)
{
	enum sp_colour colour = one->presence == SP_ATTACHED ? SP_PLAIN : SP_BAD;
	bool tc_only = !strcmp(one->mode, "tc");
	char how[96] = "";

	if (one->presence != SP_MISSING && one->uplink)
		snprintf(how, sizeof(how), "uplink, XDP %s, forwards by %s", one->mode,
		         one->routed ? "route" : "stack");
	else if (one->presence != SP_MISSING)
		snprintf(how, sizeof(how), "%s%s, TC %s, forwards by %s",
		         tc_only ? "no XDP" : "XDP ", tc_only ? "" : one->mode, one->tc_hook,
		         one->routed ? "route" : "stack");
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
		put_attachment(i ? "" : "Interfaces", &status->attachment[i]);
}
