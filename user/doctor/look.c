/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "doctor/doctor.h"
#include "lib/config_errors.h"
#include "lib/dataplane.h"
#include "lib/rundir.h"

static void (*const checks[])(struct sp_doctor *doctor) = {
	sp_doctor_kernel,    sp_doctor_clock,  sp_doctor_interfaces, sp_doctor_forwarding,
	sp_doctor_netfilter, sp_doctor_portal, sp_doctor_client,     sp_doctor_gateway,
	sp_doctor_daemon,    sp_doctor_room,   sp_doctor_neighbours, sp_doctor_ledger,
};

const struct sp_attachment *sp_doctor_attachment(const struct sp_doctor *doctor,
                                                 const char *interface)
{
	for (unsigned i = 0; doctor->loaded && i < doctor->status.attachment_count; i++)
		if (!strcmp(doctor->status.attachment[i].interface, interface))
			return &doctor->status.attachment[i];
	return NULL;
}

bool sp_doctor_routes(const struct sp_doctor *doctor)
{
	return sp_config_routes(doctor->config) || (doctor->loaded && doctor->status.route_zones);
}

static bool zone_has_vlans(const struct sp_zone *zone, const char *interface)
{
	for (unsigned i = 0; i < zone->client_count; i++)
		if (!strcmp(zone->client[i], interface))
			return zone->vlan_count;
	return zone->vlan_count && !zone->client_count;
}

bool sp_doctor_uses_vlans(const struct sp_doctor *doctor, const struct sp_interface *link)
{
	static struct sp_vlan_device all[SP_VLAN_DEVICES];
	int count = sp_netlink_vlans(all, SP_VLAN_DEVICES, NULL);

	for (int i = 0; i < count; i++)
		if (all[i].lower == link->ifindex)
			return true;
	for (unsigned i = 1; i < doctor->config->zone_count; i++)
		if (zone_has_vlans(&doctor->config->zone[i], link->name))
			return true;
	return sp_doctor_routes(doctor);
}

/* --- the configuration --- */

static void say_wrong(struct sp_report *report, const struct sp_error *err)
{
	struct sp_finding *finding =
		sp_report_add(report, SP_LEVEL_ERROR, "config", "", "%s", err->text);

	sp_finding_why(finding, "what depends on the configuration was not looked at");
}

/* All that is wrong with the file @path. */
static void say_all_wrong(struct sp_report *report, const struct sp_config_errors *errors,
                          const char *path, struct sp_error *err)
{
	unsigned lines = sp_config_errors_lines(errors);

	if (!lines)
		say_wrong(report, err);
	for (unsigned i = 0; i < lines; i++) {
		sp_config_errors_get(errors, path, i, err);
		say_wrong(report, err);
	}
}

/* Of the file @path; NULL: of the last `up`, else the default. */
static void read_config(struct sp_doctor *doctor, const char *path)
{
	static struct sp_config config;
	static struct sp_config_errors errors;
	char last[sizeof(config.path)] = "";
	struct sp_error err;

	doctor->report->group = "Configuration";
	sp_run_config(doctor->instance, last, sizeof(last));
	if (!path)
		path = last[0] ? last : SP_CONFIG_PATH;
	if (sp_config_load(&config, path, &errors, &err)) {
		say_all_wrong(doctor->report, &errors, path, &err);
	} else if (sp_config_check_portal(&config, &err)) {
		say_wrong(doctor->report, &err);
	} else {
		sp_report_add(doctor->report, SP_LEVEL_OK, "config", "", "%s", config.path);
		doctor->config = &config;
	}
}

/* The instance, if it is loaded here. */
static void open_instance(struct sp_doctor *doctor)
{
	int code = sp_dataplane_status(doctor->instance, &doctor->status, &doctor->not_loaded);

	if (!code)
		code = sp_maps_open(&doctor->maps, doctor->instance, &doctor->not_loaded);
	doctor->loaded = !code;
}

void sp_doctor_look(struct sp_report *report, const struct sp_instance *instance, const char *path,
                    bool probe)
{
	static struct sp_doctor doctor;

	doctor = (struct sp_doctor){.instance = instance, .report = report, .probe = probe};
	read_config(&doctor, path);
	open_instance(&doctor);
	for (unsigned i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](&doctor);
	if (doctor.loaded)
		sp_maps_close(&doctor.maps);
}
