/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs, links and pins, by what `up` recorded and what it pinned. An interface that is not
 * there is no difference: it is attached when it comes.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/dataplane.h"
#include "lib/hook.h"
#include "lib/netlink.h"
#include "lib/netns.h"
#include "lib/ports.h"
#include "lib/programs.h"
#include "lib/record.h"
#include "lib/verify.h"
#include "lib/zones.h"

#define COMMAND         64
#define MAPS_OF_PROGRAM 64 /* more than one of ours uses */

/* Maps that TC ingress uses, each pinned under its name: those that say who is let in. */
static const char *const judging[] = {"clients", "settings", "usage",    "reasons",
                                      "garden4", "garden6",  "listeners"};

/*
 * Whether XDP may rightly not be on the interface of @one: it was not asked for, or both modes were
 * refused, the reasons of which stand behind each other; one that is cut off may have had a second.
 */
static bool may_lack_xdp(const struct sp_record_interface *one)
{
	const char *why = one->why[SP_HOOK_XDP];

	if (one->attach == SP_ATTACH_TC)
		return !one->uplink;
	return one->attach == SP_ATTACH_AUTO &&
	       (strstr(why, "; ") || strlen(why) == sizeof(one->why[0]) - 1);
}

static uint32_t id_of_program(int fd)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

static void compare_hook(struct sp_verify *verify, struct sp_record_interface *one,
                         enum sp_hook_kind kind, const struct sp_programs *programs,
                         const char *interface)
{
	struct sp_hook hook;
	uint32_t wanted;

	sp_hook_find(&hook, verify->instance, kind, one->name, one->ifindex, &one->own_qdisc);
	hook.uplink = one->uplink;
	if (hook.mode == SP_HOOK_NONE) {
		if (hook.lost || kind != SP_HOOK_XDP || !may_lack_xdp(one))
			sp_verify_add(verify, SP_DIFFERENCE_HOOK, interface, "",
			              "its program at %s is gone", sp_hook_kind_name(kind));
		return;
	}
	wanted = id_of_program(sp_programs_for(programs, &hook, hook.mode));
	if (hook.program_id != wanted)
		sp_verify_add(verify, SP_DIFFERENCE_HOOK, interface, "",
		              "program %u runs at %s, and %u is pinned", hook.program_id,
		              sp_hook_kind_name(kind), wanted);
}

static void compare_interface(struct sp_verify *verify, struct sp_record_interface *one,
                              const struct sp_programs *programs)
{
	struct sp_interface now;

	if (sp_netlink_link_at(one->ifindex, &now, NULL)) {
		if (!sp_netlink_link(one->name, &now, NULL))
			sp_verify_add(verify, SP_DIFFERENCE_HOOK, one->name, "",
			              "the interface was made anew, without our programs");
		return;
	}
	for (enum sp_hook_kind kind = SP_HOOK_TC_IN; kind < SP_HOOK_KINDS; kind++)
		if (kind == SP_HOOK_XDP || !one->uplink)
			compare_hook(verify, one, kind, programs, one->name);
}

/* What loads and pins again. Returns @command. */
static const char *up_of(const struct sp_verify *verify, char command[COMMAND])
{
	snprintf(command, COMMAND, "sallyport -I %s up", verify->instance->name);
	return command;
}

/* --- whether what is pinned is what judges --- */

static uint32_t id_of_pin(const struct sp_instance *instance, const char *name)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	char path[SP_PIN_PATH];
	int fd, code;

	snprintf(path, sizeof(path), "%s/%s", instance->pins, name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	code = bpf_obj_get_info_by_fd(fd, &info, &size);
	close(fd);
	return code ? 0 : info.id;
}

static bool is_among(const uint32_t *ids, uint32_t count, uint32_t id)
{
	for (uint32_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static void compare_maps(struct sp_verify *verify, int program)
{
	char command[COMMAND];
	uint32_t ids[MAPS_OF_PROGRAM] = {0};
	struct bpf_prog_info info = {.nr_map_ids = MAPS_OF_PROGRAM, .map_ids = (uintptr_t)ids};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(program, &info, &size) || info.nr_map_ids > MAPS_OF_PROGRAM)
		return;
	for (unsigned i = 0; i < sizeof(judging) / sizeof(judging[0]); i++)
		if (!is_among(ids, info.nr_map_ids, id_of_pin(verify->instance, judging[i])))
			sp_verify_add(verify, SP_DIFFERENCE_PINS, judging[i],
			              up_of(verify, command),
			              "the map that is pinned is not the one that judges");
}

/* --- where frames go past the stack --- */

static int compare_ports(struct sp_verify *verify, const struct sp_record *record,
                         struct sp_error *err)
{
	struct sp_ports ports;
	int count = sp_ports_open(&ports, verify->instance, err);

	if (count)
		return count;
	count = sp_ports_differ(&ports, verify->instance, record, err);
	sp_ports_close(&ports);
	if (count > 0)
		sp_verify_add(verify, SP_DIFFERENCE_PORTS, "ports", "",
		              "%d entries of `ports`, `egress` and `vlans` are not as the "
		              "interfaces are",
		              count);
	return count < 0 ? count : 0;
}

static int compare_zones(struct sp_verify *verify, const struct sp_record *record,
                         struct sp_error *err)
{
	const struct sp_zone_maps maps = sp_zone_maps_of(verify->maps);
	int count = sp_zones_differ(&maps, record, err);

	if (count > 0)
		sp_verify_add(verify, SP_DIFFERENCE_PORTS, "zones", "",
		              "%d entries of `zones`, `zone_names` and `settings` are not as the "
		              "zones are",
		              count);
	return count < 0 ? count : 0;
}

/* Under the lock. */
static int compare_all(struct sp_verify *verify, struct sp_record *record, struct sp_error *err)
{
	struct sp_programs programs;
	struct sp_error missing;
	char command[COMMAND];
	int code;

	if (sp_programs_open(&programs, verify->instance, &missing)) {
		sp_verify_add(verify, SP_DIFFERENCE_PINS, "programs", up_of(verify, command), "%s",
		              missing.text);
		return 0;
	}
	compare_maps(verify, programs.in);
	for (unsigned i = 0; i < record->count; i++)
		compare_interface(verify, &record->interface[i], &programs);
	sp_programs_close(&programs);
	code = compare_ports(verify, record, err);
	return code ? code : compare_zones(verify, record, err);
}

int sp_verify_attached(struct sp_verify *verify, struct sp_error *err)
{
	struct sp_record record;
	char command[COMMAND];
	int code = sp_maps_lock(verify->maps, err);

	if (code)
		return code;
	code = sp_record_read(verify->instance, &record, err);
	if (code == -ENOENT) {
		sp_verify_add(verify, SP_DIFFERENCE_PINS, verify->instance->run,
		              up_of(verify, command),
		              "the record of what is attached is gone (%s/dataplane)",
		              verify->instance->run);
		code = 0;
	} else {
		if (!code)
			code = sp_netns_check(verify->instance, record.netns, err);
		if (!code)
			code = compare_all(verify, &record, err);
	}
	sp_maps_unlock(verify->maps);
	return code;
}

int sp_verify_repair_attached(const struct sp_verify *verify, struct sp_error *err)
{
	struct sp_error further;
	const char *last = "";
	int code = 0, result;

	for (size_t i = 0; i < verify->listed; i++) {
		const struct sp_difference *one = &verify->difference[i];

		/* Several of one interface follow each other. */
		if (one->kind != SP_DIFFERENCE_HOOK || !strcmp(one->about, last))
			continue;
		last = one->about;
		result = sp_dataplane_reattach(verify->instance, one->about, code ? &further : err);
		code = code ? code : result;
	}
	if (verify->found[SP_DIFFERENCE_PORTS]) {
		result = sp_dataplane_ports(verify->instance, code ? &further : err);
		code = code ? code : result;
	}
	return code;
}
