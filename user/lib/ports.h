/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the route fast path knows of the interfaces: the maps `ports`, `egress` and `vlans`.
 */
#ifndef SP_LIB_PORTS_H
#define SP_LIB_PORTS_H

#include <stdbool.h>

#include "lib/error.h"
#include "lib/instance.h"
#include "lib/record.h"

struct sp_ports {
	int ports, egress, vlans; /* descriptors */
};

/* The pinned ones. On failure nothing stays open. 0 or negative errno. */
int sp_ports_open(struct sp_ports *ports, const struct sp_instance *instance, struct sp_error *err);
void sp_ports_close(const struct sp_ports *ports);

/*
 * Bring the maps to what is there now: the interfaces of @record, and the VLAN devices on them.
 * Frames go on meanwhile, by the stack where a map does not say yet. An interface that frames
 * cannot be redirected to is left out. The caller holds the lock. 0 or negative errno.
 */
int sp_ports_fill(const struct sp_ports *ports, const struct sp_instance *instance,
                  const struct sp_record *record, struct sp_error *err);

/* How many entries of the maps are missing, wrong or too many, by what sp_ports_fill would make of
 * them now; nothing is written. Or a negative errno. */
int sp_ports_differ(const struct sp_ports *ports, const struct sp_instance *instance,
                    const struct sp_record *record, struct sp_error *err);

/* Whether frames are redirected to interface @ifindex. */
bool sp_ports_has(const struct sp_ports *ports, uint32_t ifindex);

#endif
