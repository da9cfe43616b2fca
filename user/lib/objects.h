/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BPF objects, opened, told the configuration and loaded into the kernel.
 */
#ifndef SP_LIB_OBJECTS_H
#define SP_LIB_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/config.h"
#include "lib/error.h"
#include "lib/garden.h"
#include "lib/instance.h"
#include "lib/ports.h"
#include "lib/programs.h"
#include "lib/zones.h"

struct bpf_object;
struct sp_xdp_bpf;
struct sp_tc_bpf;
struct sp_uplink_bpf;
struct sp_clock_bpf;

struct sp_objects {
	struct sp_xdp_bpf *xdp;
	struct sp_tc_bpf *tc;
	struct sp_uplink_bpf *uplink;
	struct sp_clock_bpf *clock;
	uint32_t hz;  /* jiffies per second, as the programs were told */
	bool carries; /* some maps are not those that were pinned: lib/carry.h */
};

/* What libbpf says is for a developer, with SALLYPORT_DEBUG; the operator gets one sentence. */
void sp_objects_quiet(void);

/*
 * Load everything for @config. If @pinned, with the maps that @instance has pinned, but for those
 * of another layout or size; else with new maps. 0 or negative errno; sp_objects_free in either
 * case.
 */
int sp_objects_load(struct sp_objects *objects, const struct sp_instance *instance,
                    const struct sp_config *config, bool pinned, struct sp_error *err);

/* Pin the maps, the first time. */
int sp_objects_pin_maps(const struct sp_objects *objects, const struct sp_instance *instance,
                        struct sp_error *err);

/* Pin the program that tells the time, in place of the one pinned. */
int sp_objects_pin_clock(const struct sp_objects *objects, const struct sp_instance *instance,
                         struct sp_error *err);

/* Pin the programs, in place of those pinned. */
int sp_objects_pin_programs(const struct sp_objects *objects, const struct sp_instance *instance,
                            struct sp_error *err);

/* The object that has all maps of the datapath. */
struct bpf_object *sp_objects_maps(const struct sp_objects *objects);

/* The programs for the hooks; they stay the objects'. */
struct sp_programs sp_objects_programs(const struct sp_objects *objects);

/* The map `settings`. */
int sp_objects_settings(const struct sp_objects *objects);

/* The maps of the garden. */
struct sp_garden_maps sp_objects_garden(const struct sp_objects *objects);

/* The maps of zones. */
struct sp_zone_maps sp_objects_zones(const struct sp_objects *objects);

/* The maps of the route fast path. */
struct sp_ports sp_objects_ports(const struct sp_objects *objects);

void sp_objects_free(struct sp_objects *objects);

#endif
