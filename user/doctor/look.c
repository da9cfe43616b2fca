/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "doctor/doctor.h"
#include "lib/dataplane.h"

static void (*const checks[])(struct sp_doctor *doctor) = {
	sp_doctor_kernel,     sp_doctor_clock,     sp_doctor_interfaces,
	sp_doctor_forwarding, sp_doctor_netfilter, sp_doctor_gateway,
	sp_doctor_daemon,     sp_doctor_room,      sp_doctor_ledger,
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
	return sp_config_routes(doctor->config) ||
	       (doctor->loaded && doctor->status.forward == SP_FORWARD_ROUTE);
}

bool sp_doctor_uses_vlans(const struct sp_doctor *doctor, uint32_t ifindex)
{
	static struct sp_vlan_device all[SP_VLAN_DEVICES];
	int count = sp_netlink_vlans(all, SP_VLAN_DEVICES, NULL);

	for (int i = 0; i < count; i++)
		if (all[i].lower == ifindex)
			return true;
	return sp_doctor_routes(doctor);
}

static void look_at_config(struct sp_doctor *doctor, const struct sp_error *err)
{
	struct sp_finding *finding;

	doctor->report->group = "Configuration";
	if (doctor->config) {
		sp_report_add(doctor->report, SP_LEVEL_OK, "config", "", "%s",
		              doctor->config->path);
		return;
	}
	finding = sp_report_add(doctor->report, SP_LEVEL_ERROR, "config", "", "%s", err->text);
	sp_finding_why(finding, "what depends on it was not looked at");
	sp_finding_command(finding, "sallyport config check");
}

/* The instance, if it is loaded here. */
static void open_instance(struct sp_doctor *doctor)
{
	int code = sp_dataplane_status(doctor->instance, &doctor->status, &doctor->not_loaded);

	if (!code)
		code = sp_maps_open(&doctor->maps, doctor->instance, &doctor->not_loaded);
	doctor->loaded = !code;
}

void sp_doctor_look(struct sp_report *report, const struct sp_instance *instance,
                    const struct sp_config *config, const struct sp_error *config_err)
{
	static struct sp_doctor doctor;

	doctor = (struct sp_doctor){.instance = instance, .config = config, .report = report};
	look_at_config(&doctor, config_err);
	open_instance(&doctor);
	for (unsigned i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		checks[i](&doctor);
	if (doctor.loaded)
		sp_maps_close(&doctor.maps);
}
