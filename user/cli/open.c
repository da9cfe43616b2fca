/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/open.h"

#include <errno.h>
#include <string.h>

#include "cli/output.h"
#include "lib/bpffs.h"
#include "lib/rundir.h"
#include "lib/text.h"
#include "lib/zones.h"

int sp_open_maps(const struct sp_invocation *invocation, struct sp_maps *maps,
                 struct sp_clock *clock, struct sp_error *err)
{
	int code = sp_bpffs_check(err);

	if (!code)
		code = sp_maps_open(maps, &invocation->instance, err);
	if (code)
		return code;
	maps->remember = true;
	code = sp_clock_read(clock, maps->clock, err);
	if (code)
		sp_maps_close(maps);
	return code;
}

int sp_open_zone(const struct sp_invocation *invocation, const struct sp_maps *maps, uint32_t *zone,
                 struct sp_error *err)
{
	const struct sp_zone_maps zones = sp_zone_maps_of(maps);
	const char *name = invocation->option[SP_OPTION_ZONE];

	*zone = 0;
	return name ? sp_zone_number(&zones, name, zone, err) : 0;
}

int sp_open_key(const struct sp_invocation *invocation, struct sp_client_key *key,
                struct sp_error *err)
{
	const char *vlan = invocation->option[SP_OPTION_VLAN];

	memset(key, 0, sizeof(*key));
	if (sp_text_mac(invocation->operand, key->mac))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "MAC: expected an address such as 02:00:00:00:00:07, got \"%s\"",
		               invocation->operand);
	if (vlan && sp_text_vlan(vlan, &key->vlan))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "--vlan: expected a number from 0 (untagged) to %u, got \"%s\"",
		               SP_VLAN_MAX, vlan);
	return 0;
}

int sp_open_config_at(const struct sp_invocation *invocation, struct sp_config *config,
                      const char *path, struct sp_error *err)
{
	static struct sp_config_errors errors;
	int code = sp_config_load(config, path, &errors, err);
	unsigned lines = sp_config_errors_lines(&errors);

	for (unsigned i = 0; i < lines; i++) {
		sp_config_errors_get(&errors, path, i, err);
		if (i + 1 < lines)
			sp_put_error(err, invocation->json);
	}
	return code;
}

int sp_open_config(const struct sp_invocation *invocation, struct sp_config *config,
                   bool of_last_up, struct sp_error *err)
{
	const char *path = invocation->option[SP_OPTION_CONFIG];
	char last[sizeof(config->path)] = "";
	int code;

	if (!path && of_last_up) {
		sp_run_config(&invocation->instance, last, sizeof(last));
		path = last[0] ? last : NULL;
	}
	code = sp_open_config_at(invocation, config, path ? path : SP_CONFIG_PATH, err);
	return code ? code : sp_config_check_portal(config, err);
}
