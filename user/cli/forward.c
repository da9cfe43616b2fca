/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/status_output.h"
#include "lib/dataplane.h"
#include "lib/zones.h"

static int read_mode(const char *text, enum sp_forward *forward, struct sp_error *err)
{
	*forward = strcmp(text, "route") != 0 ? SP_FORWARD_STACK : SP_FORWARD_ROUTE;
	if (*forward == SP_FORWARD_ROUTE || !strcmp(text, "stack"))
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "forward: expected stack or route, got \"%s\"",
	               text);
}

/* Downloads need it, and nobody wants one direction alone. */
static int check_uplink(const struct sp_dataplane_status *status, struct sp_error *err)
{
	for (unsigned i = 0; i < status->attachment_count; i++)
		if (status->attachment[i].uplink && strcmp(status->attachment[i].mode, "none") != 0)
			return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_FAILED,
	               "forward: no uplink is attached: set `uplink` in [gateway], then run "
	               "`sallyport up`");
}

/* Bits of the zones that are meant: that of --zone, or all that there are. */
static int read_zones(const struct sp_invocation *invocation, const struct sp_maps *maps,
                      uint32_t *bits, struct sp_error *err)
{
	const struct sp_zone_maps zones = sp_zone_maps_of(maps);
	struct sp_zone_name names[SP_ZONES];
	uint32_t zone;
	int code = sp_open_zone(invocation, maps, &zone, err);

	*bits = 1u << zone;
	if (code || zone)
		return code;
	code = sp_zone_names(&zones, names, err);
	for (unsigned i = 1; i < SP_ZONES && !code; i++)
		if (names[i].name[0])
			*bits |= 1u << i;
	return code;
}

static int switch_zones(const struct sp_maps *maps, uint32_t bits, enum sp_forward forward,
                        struct sp_error *err)
{
	struct sp_settings settings;
	uint32_t zero = 0;
	int code = sp_maps_lock(maps, err);

	if (code)
		return code;
	code = bpf_map_lookup_elem(maps->settings, &zero, &settings);
	if (code)
		code = sp_fail(err, code, SP_EXIT_FAILED, "forward: cannot read the settings: %s",
		               strerror(-code));
	else
		code = sp_maps_set(maps, offsetof(struct sp_settings, route_zones),
		                   forward == SP_FORWARD_ROUTE ? settings.route_zones | bits
		                                               : settings.route_zones & ~bits,
		                   err);
	sp_maps_unlock(maps);
	return code;
}

static int set(const struct sp_invocation *invocation, enum sp_forward forward,
               struct sp_error *err)
{
	struct sp_clock clock;
	struct sp_maps maps;
	uint32_t bits;
	int code = sp_open_maps(invocation, &maps, &clock, err);

	if (code)
		return code;
	code = read_zones(invocation, &maps, &bits, err);
	if (!code)
		code = switch_zones(&maps, bits, forward, err);
	sp_maps_close(&maps);
	return code;
}

/* --zone says which is switched; all are shown. */
static int check_zone(const struct sp_invocation *invocation, struct sp_error *err)
{
	if (invocation->operand || !invocation->option[SP_OPTION_ZONE])
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
	               "forward: --zone is for `forward stack` and `forward route`: without "
	               "either every zone is shown");
}

int sp_forward_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	static struct sp_dataplane_status status;
	enum sp_forward forward = SP_FORWARD_STACK;
	int code = check_zone(invocation, err);

	if (!code && invocation->operand)
		code = read_mode(invocation->operand, &forward, err);
	if (!code)
		code = sp_dataplane_status(&invocation->instance, &status, err);
	if (!code && forward == SP_FORWARD_ROUTE)
		code = check_uplink(&status, err);
	if (!code && invocation->operand)
		code = set(invocation, forward, err);
	if (!code && invocation->operand)
		code = sp_dataplane_status(&invocation->instance, &status, err);
	if (code)
		return code;
	if (invocation->json)
		return sp_put_json(sp_status_json(&invocation->instance, &status), err);
	printf("Authorized clients' packets are forwarded by: %s\n",
	       sp_forward_name(status.route_zones & 1));
	sp_put_attachments(&status);
	sp_put_forward(&status);
	return 0;
}
