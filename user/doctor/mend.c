/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doctor/doctor.h"
#include "doctor/sysctl.h"
#include "lib/netlink.h"
#include "lib/netlink_offload.h"

static int mend_offload(const struct sp_mend *mend, struct sp_error *err)
{
	struct sp_interface link;
	int code = sp_netlink_link(mend->interface, &link, err);

	return code ? code : sp_netlink_offload_off(link.ifindex, mend->offload, err);
}

int sp_doctor_mend(const struct sp_mend *mend, struct sp_error *err)
{
	switch (mend->kind) {
	case SP_MEND_SYSCTL:
		return sp_sysctl_write(mend->name, mend->value, err);
	case SP_MEND_OFFLOAD:
		return mend_offload(mend, err);
	default:
		return 0;
	}
}
