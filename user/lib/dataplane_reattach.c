/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One interface that has come back. TC first, which judges by itself until XDP is there: from the
 * first of these steps on nothing goes through that is not judged.
 */
#include "lib/dataplane.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/attach.h"
#include "lib/bpffs.h"
#include "lib/change.h"
#include "lib/netlink.h"
#include "lib/netns.h"
#include "lib/ports.h"
#include "lib/programs.h"
#include "lib/record.h"
#include "lib/zones.h"

static int not_ours(const struct sp_instance *instance, const char *name, struct sp_error *err)
{
	return sp_fail(err, -ENOENT, SP_EXIT_NOT_FOUND,
	               "interface %s is none of those that instance %s was given", name,
	               instance->name);
}

/* The interface that had the name before has another one now, or is in another namespace. */
static int release(const struct sp_instance *instance, struct sp_record_interface *one,
                   struct sp_error *err)
{
	static const enum sp_hook_kind kinds[] = {SP_HOOK_XDP, SP_HOOK_TC_OUT, SP_HOOK_TC_IN};
	struct sp_hook hook;
	int code = 0;

	for (unsigned i = 0; i < SP_HOOK_KINDS && !code; i++) {
		sp_hook_find(&hook, instance, kinds[i], one->name, one->ifindex, &one->own_qdisc);
		code = sp_hook_detach(&hook, err);
	}
	return code;
}

static int attach_hook(const struct sp_instance *instance, struct sp_record_interface *one,
                       enum sp_hook_kind kind, const struct sp_programs *programs, bool same_wish,
                       struct sp_error *err)
{
	struct sp_change change;
	int code = sp_attach_begin(&change, instance, one, kind, err);

	if (code)
		return code;
	code = sp_attach(&change, one, programs, same_wish, err);
	sp_change_end(&change);
	return code;
}

static int attach(const struct sp_instance *instance, struct sp_record_interface *one,
                  const struct sp_programs *programs, bool same_wish, struct sp_error *err)
{
	int code = 0;

	if (!one->uplink)
		code = attach_hook(instance, one, SP_HOOK_TC_IN, programs, same_wish, err);
	if (!code && !one->uplink)
		code = attach_hook(instance, one, SP_HOOK_TC_OUT, programs, same_wish, err);
	if (code)
		return code;
	code = attach_hook(instance, one, SP_HOOK_XDP, programs, same_wish, err);
	if (code)
		snprintf(one->why[SP_HOOK_XDP], SP_WHY, "%.*s", SP_WHY - 1, err->text);
	return code;
}

static int fill_ports(const struct sp_instance *instance, const struct sp_record *record,
                      struct sp_error *err)
{
	struct sp_ports ports;
	int code = sp_ports_open(&ports, instance, err);

	if (code)
		return code;
	code = sp_ports_fill(&ports, instance, record, err);
	sp_ports_close(&ports);
	return code;
}

static int fill_zones(const struct sp_instance *instance, const struct sp_record *record,
                      struct sp_error *err)
{
	struct sp_zone_maps zones;
	int code = sp_zones_open(&zones, instance, err);

	if (code)
		return code;
	code = sp_zones_fill(&zones, record, err);
	sp_zones_close(&zones);
	return code;
}

/* What is attached stays when a later step fails: TC without XDP is safe, nothing is not. */
static int reattach(const struct sp_instance *instance, struct sp_record *record,
                    struct sp_record_interface *one, uint32_t ifindex, struct sp_error *err)
{
	bool new = one->ifindex != ifindex;
	struct sp_programs programs;
	int code = sp_programs_open(&programs, instance, err), written;

	if (code)
		return code;
	if (new)
		code = release(instance, one, err);
	if (!code && new) {
		one->ifindex = ifindex;
		one->own_qdisc = false;
		memset(one->why, 0, sizeof(one->why));
	}
	if (!code) {
		struct sp_record before = *record;

		sp_attach_foresee(sp_record_find(&before, one->name));
		code = sp_record_write(instance, &before, err);
	}
	if (!code)
		code = fill_zones(instance, record, err);
	if (!code) {
		code = attach(instance, one, &programs, !new, err);
		written = sp_record_write(instance, record, code ? NULL : err);
		code = code ? code : written;
		written = fill_ports(instance, record, code ? NULL : err);
		code = code ? code : written;
	}
	sp_programs_close(&programs);
	return code;
}

/* Under the lock. */
static int find_and_reattach(const struct sp_instance *instance, const char *name,
                             struct sp_error *err)
{
	struct sp_record_interface *one;
	struct sp_interface interface;
	struct sp_record record;
	int code = sp_record_read(instance, &record, err);

	if (code == -ENOENT)
		return not_ours(instance, name, err);
	if (!code)
		code = sp_netns_check(instance, record.netns, err);
	if (code)
		return code;
	one = sp_record_find(&record, name);
	if (!one)
		return not_ours(instance, name, err);
	code = sp_netlink_link(name, &interface, err);
	return code ? code : reattach(instance, &record, one, interface.ifindex, err);
}

int sp_dataplane_reattach(const struct sp_instance *instance, const char *interface,
                          struct sp_error *err)
{
	int lock = sp_pins_lock(instance, false, err), code;

	if (lock < 0)
		return lock;
	code = find_and_reattach(instance, interface, err);
	close(lock);
	return code;
}

int sp_dataplane_ports(const struct sp_instance *instance, struct sp_error *err)
{
	int lock = sp_pins_lock(instance, false, err), code;
	struct sp_record record;

	if (lock < 0)
		return lock;
	code = sp_record_read(instance, &record, err);
	if (!code)
		code = sp_netns_check(instance, record.netns, err);
	if (!code)
		code = fill_ports(instance, &record, err);
	if (!code)
		code = fill_zones(instance, &record, err);
	close(lock);
	/* Without a record nothing is attached that could be forwarded to. */
	return code == -ENOENT ? 0 : code;
}
