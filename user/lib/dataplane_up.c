/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `up`, the first and every further one. The order lets no packet through that is not judged, and
 * makes a failure harmless: what attaches to an interface comes last, and XDP last of all.
 *
 *   lock, load, record, pin, sessions of before a reboot, TC, XDP, what is no longer wanted away,
 *   program pins
 *
 * A first `up` that fails is torn down like any datapath. A further one takes its steps back. Where
 * maps are of another layout or size, "pin" and the end are those of lib/carry.h.
 */
#include "lib/dataplane.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/attach.h"
#include "lib/bpffs.h"
#include "lib/carry.h"
#include "lib/change.h"
#include "lib/garden_move.h"
#include "lib/log.h"
#include "lib/maps.h"
#include "lib/netns.h"
#include "lib/objects.h"
#include "lib/prepare.h"
#include "lib/record.h"
#include "lib/rundir.h"
#include "lib/session.h"
#include "lib/settings.h"
#include "lib/teardown.h"

#define MAX_CHANGES (2 * SP_MAX_ATTACHED * SP_HOOK_KINDS)

struct up {
	const struct sp_instance *instance;
	const struct sp_config *config;
	bool loaded; /* by an earlier `up` that was successful */
	struct sp_record before, now;
	char config_before[sizeof(((struct sp_config *)0)->path)];
	struct sp_objects objects;
	struct sp_garden_moved moved; /* of zones that get another number */
	struct sp_carry carry;        /* if there are maps of another layout */
	struct sp_change change[MAX_CHANGES];
	unsigned changes;
};

/* --- from what is there --- */

/* An instance that is up: can this `up` go on from it? */
static int check_loaded(struct up *up, struct sp_error *err)
{
	int code = sp_record_read(up->instance, &up->before, err);

	if (code == -ENOENT)
		return sp_fail(
			err, code, SP_EXIT_FAILED,
			"%s/dataplane is missing, which says how instance %s is attached: run "
			"`sallyport down`, then `sallyport up`",
			up->instance->run, up->instance->name);
	if (!code)
		code = sp_netns_check(up->instance, up->before.netns, err);
	sp_run_config(up->instance, up->config_before, sizeof(up->config_before));
	return code;
}

/* Whether the instance's name is free here, or ours. */
static int check_place(struct up *up, struct sp_error *err)
{
	struct sp_record remains;
	int code = sp_record_read(up->instance, &remains, err);

	if (code && code != -ENOENT)
		return code;
	if (!code && sp_netns_exists(remains.netns))
		code = sp_netns_check(up->instance, remains.netns, err);
	else if (code == -ENOENT)
		code = sp_run_check(up->instance, err);
	if (!code)
		code = sp_pins_check(up->instance, err);
	return code;
}

/* Of an `up` that was killed. */
static int clear_remains(struct up *up, struct sp_error *err)
{
	struct sp_record remains;
	int code = sp_record_read(up->instance, &remains, err);

	if (code == -ENOENT)
		return 0;
	return code ? code : sp_teardown(up->instance, &remains, err);
}

/*
 * An interface that got another name, which the configuration uses: what holds its programs is
 * called by it from now on, whether or not this `up` succeeds.
 */
static int follow_names(struct up *up, struct sp_error *err)
{
	bool changed = false;

	for (unsigned i = 0; i < up->before.count; i++) {
		struct sp_record_interface *one = &up->before.interface[i];
		const struct sp_record_interface *now = sp_record_find_at(&up->now, one->ifindex);
		int code;

		if (!now || sp_record_find(&up->before, now->name))
			continue;
		code = sp_pins_rename_links(up->instance, one->name, now->name, err);
		if (code)
			return code;
		memcpy(one->name, now->name, sizeof(one->name));
		changed = true;
	}
	return changed ? sp_record_write(up->instance, &up->before, err) : 0;
}

/* --- the steps --- */

/* Before the maps are pinned, and again when all is attached: from then on it counts as loaded. */
static int write_settings(struct up *up, bool complete, struct sp_error *err)
{
	struct sp_settings settings = {.abi_version = SP_ABI_VERSION};
	int fd = sp_objects_settings(&up->objects), code;
	uint32_t key = 0;

	/* The keeper may have come in between and set its part, an earlier `up` had its time. */
	code = complete ? bpf_map_lookup_elem(fd, &key, &settings) : 0;
	settings.hz = up->objects.hz;
	if (!complete)
		settings.loaded_unix = 0;
	else if (!up->loaded)
		settings.loaded_unix = (uint64_t)time(NULL);
	if (!code)
		code = sp_settings_fill(&settings, up->config);
	if (!code)
		code = bpf_map_update_elem(fd, &key, &settings, BPF_ANY);
	if (code)
		return sp_fail(err, code, SP_EXIT_FAILED, "cannot write the settings: %s",
		               strerror(-code));
	return 0;
}

static int pin_maps(struct up *up, struct sp_error *err)
{
	int code;

	if (up->objects.carries)
		return sp_carry_begin(&up->carry, up->instance, &up->objects, up->config, err);
	code = sp_pins_make(up->instance, err);
	if (!code && !up->loaded)
		code = write_settings(up, false, err);
	if (!code && !up->loaded)
		code = sp_objects_pin_maps(&up->objects, up->instance, err);
	return code;
}

/* Nobody who had a session is captive for a moment: this comes before anything is attached. That a
 * ledger cannot be used does not keep the gate from being shut. */
static int restore(struct up *up, struct sp_error *err)
{
	struct sp_error why;
	struct sp_maps maps;
	int code = sp_objects_pin_clock(&up->objects, up->instance, err);

	if (!code)
		code = sp_maps_open(&maps, up->instance, err);
	if (code)
		return code;
	if (sp_session_restore(&maps, &why) < 0)
		sp_log(SP_LOG_WARNING, "not every session that there was has come back: %s",
		       why.text);
	sp_maps_close(&maps);
	return 0;
}

/* The record for as long as both configurations are in force. */
static int write_transition(struct up *up, struct sp_error *err)
{
	struct sp_record both = up->now;

	for (unsigned i = 0; i < both.count; i++)
		sp_attach_foresee(&both.interface[i]);
	for (unsigned i = 0; i < up->before.count; i++)
		if (!sp_record_find(&up->now, up->before.interface[i].name))
			both.interface[both.count++] = up->before.interface[i];
	return sp_record_write(up->instance, &both, err);
}

/* What the earlier `up` knew about the interfaces that stay. */
static void inherit(struct up *up)
{
	for (unsigned i = 0; i < up->now.count; i++) {
		struct sp_record_interface *now = &up->now.interface[i];
		const struct sp_record_interface *was = sp_record_find(&up->before, now->name);

		if (!was || was->uplink != now->uplink ||
		    (was->ifindex != now->ifindex && !now->missing))
			continue;
		/* Of one that is gone: what it left behind is found by that. */
		now->ifindex = was->ifindex;
		now->own_qdisc = was->own_qdisc;
		memcpy(now->why, was->why, sizeof(now->why));
	}
}

static int attach(struct up *up, enum sp_hook_kind kind, struct sp_error *err)
{
	struct sp_programs programs = sp_objects_programs(&up->objects);
	int code = 0;

	for (unsigned i = 0; i < up->now.count && !code; i++) {
		struct sp_record_interface *one = &up->now.interface[i];
		const struct sp_record_interface *was = sp_record_find(&up->before, one->name);
		struct sp_change *change = &up->change[up->changes];
		bool same_wish = was && was->attach == one->attach && was->tc == one->tc &&
		                 was->uplink == one->uplink;

		if (one->missing || (one->uplink && kind != SP_HOOK_XDP))
			continue;
		code = sp_attach_begin(change, up->instance, one, kind, err);
		if (code)
			break;
		up->changes++;
		code = sp_attach(change, one, &programs, same_wish, err);
	}
	return code;
}

/* Whether @name keeps its @kind of hook: an uplink has only XDP. */
static bool keeps(struct up *up, const char *name, enum sp_hook_kind kind)
{
	const struct sp_record_interface *now = sp_record_find(&up->now, name);

	return now && (kind == SP_HOOK_XDP || !now->uplink);
}

/* What the configuration no longer asks for. */
static int detach(struct up *up, enum sp_hook_kind kind, struct sp_error *err)
{
	struct sp_change *change;
	struct sp_hook hook;
	int code = 0;

	for (unsigned i = 0; i < up->before.count && !code; i++) {
		struct sp_record_interface *one = &up->before.interface[i];

		if (keeps(up, one->name, kind))
			continue;
		sp_hook_find(&hook, up->instance, kind, one->name, one->ifindex, &one->own_qdisc);
		change = &up->change[up->changes];
		code = sp_change_begin(change, up->instance, &hook, err);
		if (code)
			break;
		up->changes++;
		code = sp_change_set(change, SP_HOOK_NONE, -1, err);
	}
	return code;
}

static int attach_all(struct up *up, struct sp_error *err)
{
	int code = attach(up, SP_HOOK_TC_IN, err);

	if (!code)
		code = attach(up, SP_HOOK_TC_OUT, err);
	if (!code)
		code = attach(up, SP_HOOK_XDP, err);
	if (!code)
		code = detach(up, SP_HOOK_XDP, err);
	if (!code)
		code = detach(up, SP_HOOK_TC_OUT, err);
	if (!code)
		code = detach(up, SP_HOOK_TC_IN, err);
	return code;
}

static int finish(struct up *up, struct sp_error *err)
{
	int code = sp_run_set_config(up->instance, up->config->path, err);

	if (!code)
		code = sp_record_write(up->instance, &up->now, err);
	if (!code)
		code = sp_objects_pin_programs(&up->objects, up->instance, err);
	if (!code)
		code = write_settings(up, true, err);
	return code;
}

/* Where frames may go past the stack. After attaching, which decides whether they can. */
static int open_ports(struct up *up, const struct sp_record *record, struct sp_error *err)
{
	const struct sp_ports ports = sp_objects_ports(&up->objects);

	return sp_ports_fill(&ports, up->instance, record, err);
}

/* The zones of @record that were there before: their numbers then and now. */
static void compare_zones(const struct sp_zone_name before[SP_ZONES],
                          const struct sp_record *record, uint32_t to[SP_ZONES])
{
	for (uint32_t old = 1; old < SP_ZONES; old++) {
		to[old] = before[old].name[0] ? SP_ZONES : old;
		for (uint32_t new = 1; new < record->zone_count &&before[old].name[0]; new ++)
			if (!strcmp(record->zone[new].name, before[old].name))
				to[old] = new;
	}
}

/* No zone may have, even for a moment, the garden of the one whose number it gets. */
static int clear_moved(struct up *up, struct sp_error *err)
{
	const struct sp_garden_maps garden = sp_objects_garden(&up->objects);
	const struct sp_zone_maps zones = sp_objects_zones(&up->objects);
	struct sp_zone_name before[SP_ZONES];
	int code = sp_zone_names(&zones, before, err);

	if (code)
		return code;
	compare_zones(before, &up->now, up->moved.to);
	return sp_garden_take_out(&garden, &up->moved, err);
}

/* Which zone is where. Before attaching, so that no packet is taken for another zone's. */
static int mark_out(struct up *up, const struct sp_record *record, struct sp_error *err)
{
	const struct sp_zone_maps maps = sp_objects_zones(&up->objects);

	return sp_zones_fill(&maps, record, err);
}

/* The garden of the configuration. */
static int plant(struct up *up, struct sp_error *err)
{
	const struct sp_garden_maps maps = sp_objects_garden(&up->objects);
	int code = sp_garden_put_back(&maps, &up->moved, false, err);

	if (code)
		return code;
	return sp_garden_configure(&maps, up->config->garden, up->config->garden_count, err);
}

static void tell_missing(const struct up *up)
{
	for (unsigned i = 0; i < up->now.count; i++)
		if (up->now.interface[i].missing)
			sp_log(SP_LOG_WARNING,
			       "there is no interface %s yet: sallyportd attaches it when it "
			       "comes; "
			       "without it, `sallyport up` does",
			       up->now.interface[i].name);
}

static int carry_out(struct up *up, struct sp_error *err)
{
	int code = sp_objects_load(&up->objects, up->instance, up->config, up->loaded, err);

	if (code)
		return code;
	inherit(up);
	code = write_transition(up, err);
	if (!code)
		code = pin_maps(up, err);
	if (!code && !up->loaded)
		code = restore(up, err);
	if (!code)
		code = clear_moved(up, err);
	if (!code)
		code = mark_out(up, &up->now, err);
	if (!code)
		code = attach_all(up, err);
	if (!code)
		code = open_ports(up, &up->now, err);
	if (!code)
		code = plant(up, err);
	if (!code)
		code = finish(up, err);
	/* Of this `up`, or of an earlier one that was killed. */
	if (!code)
		code = sp_carry_finish(up->instance, err);
	return code;
}

/* What was taken out of the garden, under the numbers that the zones have again. */
static void replant(struct up *up)
{
	const struct sp_garden_maps maps = sp_objects_garden(&up->objects);
	struct sp_garden_moved planted = {.entry = NULL};

	/* It may be there under the new ones already. */
	for (uint32_t old = 1; old < SP_ZONES; old++)
		planted.to[old] = old;
	for (uint32_t old = 1; old < SP_ZONES; old++) {
		uint32_t new = up->moved.to[old];

		if (new != old &&new < SP_ZONES)
			planted.to[new] = SP_ZONES;
	}
	if (!up->moved.count || !sp_garden_take_out(&maps, &planted, NULL))
		sp_garden_put_back(&maps, &up->moved, true, NULL);
	sp_garden_moved_free(&planted);
}

static void undo(struct up *up)
{
	while (up->changes)
		sp_change_undo(&up->change[--up->changes]);
	if (!up->loaded) {
		sp_teardown(up->instance, &up->now, NULL);
		return;
	}
	for (unsigned i = 0; i < up->before.count; i++) {
		struct sp_record_interface *was = &up->before.interface[i];
		const struct sp_record_interface *now = sp_record_find(&up->now, was->name);

		if (now && now->ifindex == was->ifindex && now->uplink == was->uplink)
			was->own_qdisc = now->own_qdisc;
	}
	/* Maps that were not in use before need not be put back. */
	if (up->objects.tc && !up->objects.carries) {
		open_ports(up, &up->before, NULL);
		mark_out(up, &up->before, NULL);
		replant(up);
	}
	sp_carry_undo(&up->carry);
	sp_record_write(up->instance, &up->before, NULL);
	sp_run_set_config(up->instance, up->config_before, NULL);
}

/* Under the lock. */
static int do_up(struct up *up, struct sp_error *err)
{
	int code;

	up->loaded = sp_settings_loaded(up->instance);
	code = up->loaded ? check_loaded(up, err) : clear_remains(up, err);
	if (!code && up->loaded)
		code = follow_names(up, err);
	if (code)
		return code;
	code = carry_out(up, err);
	if (code)
		undo(up);
	while (up->changes)
		sp_change_end(&up->change[--up->changes]);
	return code;
}

int sp_dataplane_up(const struct sp_instance *instance, const struct sp_config *config,
                    struct sp_error *err)
{
	static struct up up;
	int code, lock;

	up = (struct up){.instance = instance, .config = config, .carry.lock = -1};
	code = sp_prepare_machine(err);
	if (!code)
		code = sp_prepare_record(&up.now, config, err);
	if (!code)
		code = sp_bpffs_ensure(err);
	if (!code)
		code = check_place(&up, err);
	if (code)
		return code;
	lock = sp_pins_lock(instance, true, err);
	if (lock < 0)
		return lock;
	code = do_up(&up, err);
	if (!code)
		tell_missing(&up);
	sp_carry_end(&up.carry);
	sp_objects_free(&up.objects);
	sp_garden_moved_free(&up.moved);
	/* A directory that was made only to be locked. */
	if (code)
		rmdir(instance->pins);
	close(lock);
	return code;
}
