/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loading, attaching, pinning and removing the datapath.
 */
#ifndef SP_LIB_DATAPLANE_H
#define SP_LIB_DATAPLANE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/config.h"
#include "lib/error.h"
#include "lib/instance.h"

/*
 * Make the datapath of @instance what @config says. Idempotent: when it is loaded already, new
 * programs are loaded against the pinned maps and the links are updated atomically, sessions
 * untouched; maps of another version or size are replaced by ones that hold the same (lib/carry.h);
 * -ENOSPC: more clients are there than max_clients. On failure everything this call did is undone:
 * an instance that was up is still up as before, one that was not leaves no pin, link, qdisc or
 * file. Interfaces that are missing are attached when they come (sp_dataplane_reattach); one client
 * interface at least must be there. 0 or negative errno.
 */
int sp_dataplane_up(const struct sp_instance *instance, const struct sp_config *config,
                    struct sp_error *err);

/* Detach and remove everything of @instance. -ENOENT (SP_EXIT_NOT_LOADED) when there is nothing. */
int sp_dataplane_down(const struct sp_instance *instance, struct sp_error *err);

/*
 * Attach @interface, one of those that `up` was given, in the way `up` did, with the programs that
 * are pinned: for one that was removed and has come back, or that lost a program. What was attached
 * to an interface that had its name before is taken away. When XDP is not possible any more, TC
 * judges everything, and the error says why. 0 or negative errno; -ENODEV: there is none now.
 */
int sp_dataplane_reattach(const struct sp_instance *instance, const char *interface,
                          struct sp_error *err);

/*
 * Have the route fast path and the zones know the interfaces as they are now: after VLAN devices
 * came or went. 0 or negative errno.
 */
int sp_dataplane_ports(const struct sp_instance *instance, struct sp_error *err);

enum sp_presence {
	SP_ATTACHED,
	SP_MISSING,  /* there is no interface of that name */
	SP_RENAMED,  /* it has another name now and is judged as before */
	SP_DETACHED, /* an interface of that name is there, and what it sends is not judged */
};

#define SP_CHANGED 160

struct sp_attachment {
	char interface[IF_NAMESIZE];
	enum sp_presence presence;
	uint32_t ifindex;         /* 0: SP_MISSING */
	bool uplink;              /* else a client interface */
	bool routed;              /* what comes in here is forwarded past the stack, of some zone
	                             at least */
	uint32_t zones;           /* bit of each zone that is on it; an uplink has none */
	const char *mode;         /* "native", "generic", "tc" or "none" */
	const char *tc_hook;      /* "tcx", "clsact" or "none" */
	char why[160];            /* why not a better mode; "" if it is the best */
	char changed[SP_CHANGED]; /* how its addresses differ from those the programs know */
};

/* "attached", "missing", "renamed", "detached". */
const char *sp_presence_name(enum sp_presence presence);

struct sp_dataplane_status {
	struct sp_attachment attachment[SP_MAX_ATTACHED];
	unsigned attachment_count;
	uint32_t abi_version;
	uint64_t loaded_unix;
	uint32_t max_clients;
	bool bypass;          /* the gate is open */
	uint32_t route_zones; /* bit of each zone that is forwarded past the stack now */
	unsigned zone_count;  /* with zone 0 */
	struct sp_zone_name zone[SP_ZONES];
	int daemon;             /* pid of the running sallyportd, 0: none */
	char config_path[4096]; /* the file `up` was given */
};

/* What is really there, asked from the kernel. SP_EXIT_NOT_LOADED when nothing is loaded. */
int sp_dataplane_status(const struct sp_instance *instance, struct sp_dataplane_status *status,
                        struct sp_error *err);

#endif
