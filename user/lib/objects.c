/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/objects.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sallyport/abi.h>

#include "lib/layout.h"
#include "lib/load.h"
#include "lib/maps.h"
#include "lib/settings.h"

#include "clock.skel.h"
#include "tc.skel.h"
#include "uplink.skel.h"
#include "xdp.skel.h"

static int print(enum libbpf_print_level level, const char *format, va_list args)
{
	const char *debug = getenv("SALLYPORT_DEBUG");

	if (!debug || !*debug || level == LIBBPF_DEBUG)
		return 0;
	return vfprintf(stderr, format, args);
}

static int pin_of(char *path, size_t size, const struct sp_instance *instance, const char *name)
{
	return snprintf(path, size, "%s/%s", instance->pins, name);
}

/* The maps whose size is the operator's choice, or the machine's. */
static uint32_t entries(const char *name, uint32_t max_clients)
{
	int cpus = libbpf_num_possible_cpus();

	if (!strcmp(name, "clients") || !strcmp(name, "usage"))
		return max_clients;
	if (!strcmp(name, "slots"))
		return SP_SLOT_WORDS(max_clients);
	if (!strcmp(name, "flows") && cpus > 0)
		return SP_FLOWS * (uint32_t)cpus;
	return 0;
}

/* What choose_maps goes by. */
struct choice {
	struct bpf_object *object;
	const struct bpf_object *first;   /* maps of the same name are its maps */
	const struct sp_instance *pinned; /* else those pinned by this one, where they fit */
	bool same_version;                /* they were made by this version */
	uint32_t max_clients;
	bool carries; /* out: one did not fit */
};

/* Whether the pinned map behind @fd does for @map: what is in a ring has no layout that could be
 * compared, and the version is in `settings`. */
static bool fits(const struct choice *choice, const struct bpf_map *map, int fd)
{
	struct sp_layout old, new;
	bool result;

	if (!choice->same_version &&
	    (bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF || !strcmp(bpf_map__name(map), "settings")))
		return false;
	sp_layout_of_map(&new, choice->object, map);
	result = !sp_layout_of_fd(&old, fd) && sp_layout_same(&old, &new);
	sp_layout_free(&old);
	return result;
}

static int use_pinned(struct choice *choice, struct bpf_map *map, struct sp_error *err)
{
	char path[SP_PIN_PATH];
	int fd, code = 0;

	pin_of(path, sizeof(path), choice->pinned, bpf_map__name(map));
	fd = bpf_obj_get(path);
	if (fd == -ENOENT || (fd >= 0 && !fits(choice, map, fd)))
		choice->carries = true;
	else
		code = fd < 0 ? fd : bpf_map__reuse_fd(map, fd);
	if (fd >= 0)
		close(fd);
	if (code)
		return sp_fail(err, code, SP_EXIT_FAILED,
		               "cannot use %s: %s; run `sallyport down`, then `sallyport up`", path,
		               strerror(-code));
	return 0;
}

/* Each map of the object: that of the first if there is one, else the pinned one, else a new one.
 */
static int choose_maps(struct choice *choice, struct sp_error *err)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, choice->object)
	{
		const char *name = bpf_map__name(map);
		uint32_t size = entries(name, choice->max_clients);
		int code = 0;

		if (bpf_map__is_internal(map))
			continue;
		if (choice->first)
			code = bpf_map__reuse_fd(
				map, bpf_object__find_map_fd_by_name(choice->first, name));
		else if (size)
			code = bpf_map__set_max_entries(map, size);
		if (!code && choice->pinned)
			code = use_pinned(choice, map, err);
		if (code)
			return code;
	}
	return 0;
}

static int cannot_load(int code, const char *what, struct sp_error *err)
{
	if (code == -EPERM || code == -EACCES)
		return sp_fail(err, code, SP_EXIT_PERMISSION,
		               "the kernel refuses to load the %s program: run as root, with "
		               "CAP_BPF and CAP_NET_ADMIN; SALLYPORT_DEBUG=1 shows its words",
		               what);
	if (code == -ENOMEM || code == -E2BIG)
		return sp_fail(err, code, SP_EXIT_FAILED,
		               "no memory for the %s program and its maps: lower `max_clients` in "
		               "[gateway]",
		               what);
	return sp_fail(err, code, SP_EXIT_FAILED,
	               "cannot load the %s program: %s; Linux 6.1 or later is needed; "
	               "SALLYPORT_DEBUG=1 shows the verifier's words",
	               what, strerror(-code));
}

static int load_tc(struct sp_objects *objects, const struct sp_load *load,
                   const struct sp_instance *instance, const struct sp_config *config, bool pinned,
                   struct sp_error *err)
{
	struct choice choice;
	int code;

	objects->tc = sp_tc_bpf__open();
	if (!objects->tc)
		return cannot_load(-errno, "TC", err);
	memcpy(&objects->tc->rodata->sp_load, load, sizeof(*load));
	choice = (struct choice){
		.object = objects->tc->obj,
		.pinned = pinned ? instance : NULL,
		.same_version = pinned && sp_settings_version(instance) == SP_ABI_VERSION,
		.max_clients = config->max_clients,
	};
	code = choose_maps(&choice, err);
	objects->carries = choice.carries;
	if (code)
		return code;
	code = sp_tc_bpf__load(objects->tc);
	return code ? cannot_load(code, "TC", err) : 0;
}

static int load_xdp(struct sp_objects *objects, const struct sp_load *load, struct sp_error *err)
{
	struct choice choice = {.first = objects->tc->obj};
	int code;

	objects->xdp = sp_xdp_bpf__open();
	if (!objects->xdp)
		return cannot_load(-errno, "XDP", err);
	memcpy(&objects->xdp->rodata->sp_load, load, sizeof(*load));
	choice.object = objects->xdp->obj;
	code = choose_maps(&choice, err);
	if (!code)
		code = sp_xdp_bpf__load(objects->xdp);
	return code ? cannot_load(code, "XDP", err) : 0;
}

void sp_objects_quiet(void)
{
	libbpf_set_print(print);
}

static int load_uplink(struct sp_objects *objects, const struct sp_load *load, struct sp_error *err)
{
	struct choice choice = {.first = objects->tc->obj};
	int code;

	objects->uplink = sp_uplink_bpf__open();
	if (!objects->uplink)
		return cannot_load(-errno, "uplink", err);
	memcpy(&objects->uplink->rodata->sp_load, load, sizeof(*load));
	choice.object = objects->uplink->obj;
	code = choose_maps(&choice, err);
	if (!code)
		code = sp_uplink_bpf__load(objects->uplink);
	return code ? cannot_load(code, "uplink", err) : 0;
}

int sp_objects_load(struct sp_objects *objects, const struct sp_instance *instance,
                    const struct sp_config *config, bool pinned, struct sp_error *err)
{
	struct sp_load load;
	int code = sp_load_fill(&load, config, err);

	*objects = (struct sp_objects){.hz = code ? 0 : load.hz};
	if (!code)
		code = load_tc(objects, &load, instance, config, pinned, err);
	if (!code)
		code = load_xdp(objects, &load, err);
	if (!code)
		code = load_uplink(objects, &load, err);
	if (code)
		return code;
	objects->clock = sp_clock_bpf__open_and_load();
	return objects->clock ? 0 : cannot_load(-errno, "clock", err);
}

int sp_objects_pin_maps(const struct sp_objects *objects, const struct sp_instance *instance,
                        struct sp_error *err)
{
	char path[SP_PIN_PATH];
	struct bpf_map *map;
	int code = 0;

	bpf_object__for_each_map(map, objects->tc->obj)
	{
		if (bpf_map__is_internal(map))
			continue;
		pin_of(path, sizeof(path), instance, bpf_map__name(map));
		code = sp_pin(bpf_map__fd(map), path, err);
		if (code)
			return code;
	}
	return 0;
}

static int pin_program(const struct bpf_program *program, const struct sp_instance *instance,
                       const char *name, struct sp_error *err)
{
	char path[SP_PIN_PATH];

	pin_of(path, sizeof(path), instance, name);
	return sp_pin(bpf_program__fd(program), path, err);
}

/* Those of @object, by their names. */
static int pin_object(const struct bpf_object *object, const struct sp_instance *instance,
                      struct sp_error *err)
{
	struct bpf_program *program;
	char name[64];
	int code = 0;

	bpf_object__for_each_program(program, object)
	{
		snprintf(name, sizeof(name), "programs/%s", bpf_program__name(program));
		code = pin_program(program, instance, name, err);
		if (code)
			break;
	}
	return code;
}

int sp_objects_pin_clock(const struct sp_objects *objects, const struct sp_instance *instance,
                         struct sp_error *err)
{
	return pin_program(objects->clock->progs.sallyport_clock, instance, "clock", err);
}

int sp_objects_pin_programs(const struct sp_objects *objects, const struct sp_instance *instance,
                            struct sp_error *err)
{
	int code = sp_objects_pin_clock(objects, instance, err);

	if (!code)
		code = pin_object(objects->tc->obj, instance, err);
	if (!code)
		code = pin_object(objects->xdp->obj, instance, err);
	if (!code)
		code = pin_object(objects->uplink->obj, instance, err);
	return code;
}

struct bpf_object *sp_objects_maps(const struct sp_objects *objects)
{
	return objects->tc->obj;
}

struct sp_programs sp_objects_programs(const struct sp_objects *objects)
{
	return (struct sp_programs){
		.in = bpf_program__fd(objects->tc->progs.sallyport_in),
		.out = bpf_program__fd(objects->tc->progs.sallyport_out),
		.xdp = bpf_program__fd(objects->xdp->progs.sallyport_xdp),
		.xdp_veth = bpf_program__fd(objects->xdp->progs.sallyport_xdp_veth),
		.xdp_skb = bpf_program__fd(objects->xdp->progs.sallyport_xdp_skb),
		.uplink = bpf_program__fd(objects->uplink->progs.sallyport_uplink),
		.uplink_skb = bpf_program__fd(objects->uplink->progs.sallyport_uplink_skb),
	};
}

int sp_objects_settings(const struct sp_objects *objects)
{
	return bpf_map__fd(objects->tc->maps.settings);
}

struct sp_garden_maps sp_objects_garden(const struct sp_objects *objects)
{
	return (struct sp_garden_maps){
		.garden4 = bpf_map__fd(objects->tc->maps.garden4),
		.garden6 = bpf_map__fd(objects->tc->maps.garden6),
		.seen = bpf_map__fd(objects->tc->maps.garden_seen),
		.names = bpf_map__fd(objects->tc->maps.garden_names),
		.settings = bpf_map__fd(objects->tc->maps.settings),
	};
}

struct sp_zone_maps sp_objects_zones(const struct sp_objects *objects)
{
	return (struct sp_zone_maps){
		.zones = bpf_map__fd(objects->tc->maps.zones),
		.names = bpf_map__fd(objects->tc->maps.zone_names),
		.settings = bpf_map__fd(objects->tc->maps.settings),
	};
}

struct sp_ports sp_objects_ports(const struct sp_objects *objects)
{
	return (struct sp_ports){
		.ports = bpf_map__fd(objects->tc->maps.ports),
		.egress = bpf_map__fd(objects->tc->maps.egress),
		.vlans = bpf_map__fd(objects->tc->maps.vlans),
	};
}

void sp_objects_free(struct sp_objects *objects)
{
	sp_clock_bpf__destroy(objects->clock);
	sp_uplink_bpf__destroy(objects->uplink);
	sp_xdp_bpf__destroy(objects->xdp);
	sp_tc_bpf__destroy(objects->tc);
	*objects = (struct sp_objects){.xdp = NULL};
}
