/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /run/INSTANCE/dataplane: what `up` did that cannot be read back from the pins, so that `down` and
 * `status` work when the configuration has changed or is gone. Written before the things it names
 * are made, so that what a crash leaves behind can be found.
 */
#ifndef SP_LIB_RECORD_H
#define SP_LIB_RECORD_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/config.h"
#include "lib/error.h"
#include "lib/hook.h"
#include "lib/instance.h"

#define SP_WHY 96

struct sp_record_interface {
	char name[IF_NAMESIZE];
	uint32_t ifindex; /* 0: there was none of this name yet */
	bool missing;     /* of the configuration: there is none now; not in the file */
	bool uplink;      /* else a client interface */
	unsigned attach;  /* enum sp_attach and enum sp_tc_hook that were asked for */
	unsigned tc;
	bool own_qdisc;                  /* we made its clsact qdisc */
	char why[SP_HOOK_KINDS][SP_WHY]; /* not a better mode; "" if it is the best */
	uint8_t mac[6];                  /* as the programs were told it */
	/* The addresses on it and its VLAN interfaces, as the programs were told them. */
	struct sp_address address[SP_MAX_ADDRESSES];
	unsigned address_count;
};

/* What is zone's: interfaces, or VLANs on them (none named: on every client interface). */
struct sp_record_zone {
	char name[SP_ZONE_NAME];
	char client[SP_MAX_INTERFACES][IF_NAMESIZE];
	unsigned client_count;
	uint16_t vlan[SP_ZONE_VLANS];
	unsigned vlan_count;
};

struct sp_record {
	uint64_t netns; /* inode of the network namespace */
	unsigned count;
	struct sp_record_interface interface[2 * SP_MAX_ATTACHED]; /* of two configurations */
	unsigned zone_count;                                       /* 0: none but zone 0 */
	struct sp_record_zone zone[SP_ZONES]; /* by number; that of zone 0 is empty */
};

/* -ENOENT, without an error text, when there is none. */
int sp_record_read(const struct sp_instance *instance, struct sp_record *record,
                   struct sp_error *err);

/* Replace the file in one step; makes /run/INSTANCE. */
int sp_record_write(const struct sp_instance *instance, const struct sp_record *record,
                    struct sp_error *err);

/* Whether client interface @name, or VLANs on it, are the zone's. */
bool sp_record_zone_has(const struct sp_record_zone *zone, const char *name);

/* The entry of @name, or NULL. */
struct sp_record_interface *sp_record_find(struct sp_record *record, const char *name);

/* The entry of @ifindex, which is not 0, or NULL. */
struct sp_record_interface *sp_record_find_at(struct sp_record *record, uint32_t ifindex);

#endif
