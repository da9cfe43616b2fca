/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Zones in the maps: `zones` and `zone_names`, and what `settings` holds of the former for the
 * datapath. A zone's number is its place in the configuration that `up` was given.
 */
#ifndef SP_LIB_ZONES_H
#define SP_LIB_ZONES_H

#include <stdbool.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "lib/error.h"
#include "lib/instance.h"
#include "lib/maps.h"
#include "lib/netlink.h"
#include "lib/record.h"

/* Descriptors. */
struct sp_zone_maps {
	int zones, names, settings;
};

/* Those of @maps; nothing is owned. */
struct sp_zone_maps sp_zone_maps_of(const struct sp_maps *maps);

/* The pinned ones. On failure nothing stays open. 0 or negative errno. */
int sp_zones_open(struct sp_zone_maps *maps, const struct sp_instance *instance,
                  struct sp_error *err);
void sp_zones_close(const struct sp_zone_maps *maps);

/*
 * Bring the maps to what is there now: the zones of @record on its interfaces and on the VLAN
 * devices on them. The caller holds the lock. 0 or negative errno.
 */
int sp_zones_fill(const struct sp_zone_maps *maps, const struct sp_record *record,
                  struct sp_error *err);

/* The same with the VLAN devices that the caller has found, at most SP_VLAN_DEVICES. */
int sp_zones_fill_for(const struct sp_zone_maps *maps, const struct sp_record *record,
                      const struct sp_vlan_device *devices, unsigned count, struct sp_error *err);

/* How many entries of the maps are missing, wrong or too many, by what sp_zones_fill would make of
 * them now; nothing is written. Or a negative errno. */
int sp_zones_differ(const struct sp_zone_maps *maps, const struct sp_record *record,
                    struct sp_error *err);

/* The zone of what is seen at interface @ifindex with this VLAN id (0: none). */
uint32_t sp_zone_of(const struct sp_maps *maps, uint32_t ifindex, uint16_t vlan);

/* All names, by number. "" for zone 0 and for numbers without a zone. 0 or negative errno. */
int sp_zone_names(const struct sp_zone_maps *maps, struct sp_zone_name names[SP_ZONES],
                  struct sp_error *err);

/* The number of zone @name. -ENOENT (SP_EXIT_NOT_FOUND): the sentence lists the zones there are. */
int sp_zone_number(const struct sp_zone_maps *maps, const char *name, uint32_t *number,
                   struct sp_error *err);

#endif
