/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `sallyport doctor` looks at, one file for each subject. A check never fails and changes
 * nothing: what cannot be found out is a finding as well. It works before `up` and after it, with
 * the daemon and without.
 */
#ifndef SP_DOCTOR_DOCTOR_H
#define SP_DOCTOR_DOCTOR_H

#include <stdbool.h>

#include "doctor/report.h"
#include "lib/config.h"
#include "lib/dataplane.h"
#include "lib/instance.h"
#include "lib/maps.h"
#include "lib/netlink.h"

struct sp_doctor {
	const struct sp_instance *instance;
	const struct sp_config *config; /* NULL: it cannot be read */
	bool probe;                     /* play a client */
	bool loaded;                    /* `status` and `maps` are those of the instance */
	struct sp_error not_loaded;     /* else: why not */
	struct sp_dataplane_status status;
	struct sp_maps maps;
	struct sp_report *report;
};

/* Look at everything and fill @report, which is empty. @path: the configuration; NULL: that of the
 * last `up`, else the default. @probe: play a client, which others may notice. */
void sp_doctor_look(struct sp_report *report, const struct sp_instance *instance, const char *path,
                    bool probe);

/* Do what @mend says. 0 or negative errno. */
int sp_doctor_mend(const struct sp_mend *mend, struct sp_error *err);

/* How the loaded instance is attached to @interface; NULL: not at all. */
const struct sp_attachment *sp_doctor_attachment(const struct sp_doctor *doctor,
                                                 const char *interface);

/* Whether packets are forwarded past the stack, now or after the next `up`. */
bool sp_doctor_routes(const struct sp_doctor *doctor);

/* Whether there are clients on VLANs of @link, or packets are forwarded by what XDP sees of them.
 */
bool sp_doctor_uses_vlans(const struct sp_doctor *doctor, const struct sp_interface *link);

/* The checks, in the order in which they are shown. */
void sp_doctor_kernel(struct sp_doctor *doctor);
void sp_doctor_clock(struct sp_doctor *doctor);
void sp_doctor_interfaces(struct sp_doctor *doctor);
void sp_doctor_forwarding(struct sp_doctor *doctor);
void sp_doctor_netfilter(struct sp_doctor *doctor);
void sp_doctor_portal(struct sp_doctor *doctor);
void sp_doctor_client(struct sp_doctor *doctor);
void sp_doctor_gateway(struct sp_doctor *doctor);
void sp_doctor_daemon(struct sp_doctor *doctor);
void sp_doctor_room(struct sp_doctor *doctor);
void sp_doctor_neighbours(struct sp_doctor *doctor);
void sp_doctor_ledger(struct sp_doctor *doctor);

/* Of sp_doctor_interfaces: programs of others on @link. */
void sp_doctor_strangers(struct sp_doctor *doctor, const struct sp_interface *link, bool uplink);

#endif
