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
 * untouched; a changed max_clients is an error that says to run `down` first. On failure everything
 * this call did is undone: an instance that was up is still up as before, one that was not leaves
 * no pin, link, qdisc or file. 0 or negative errno.
 */
int sp_dataplane_up(const struct sp_instance *instance, const struct sp_config *config,
                    struct sp_error *err);

/* Detach and remove everything of @instance. -ENOENT (SP_EXIT_NOT_LOADED) when there is nothing. */
int sp_dataplane_down(const struct sp_instance *instance, struct sp_error *err);

struct sp_attachment {
	char interface[IF_NAMESIZE];
	uint32_t ifindex;    /* 0: the interface is gone */
	const char *mode;    /* "native", "generic", "tc" or "none" */
	const char *tc_hook; /* "tcx", "clsact" or "none" */
	char why[160];       /* why not a better mode; "" if it is the best */
};

struct sp_dataplane_status {
	struct sp_attachment attachment[SP_MAX_INTERFACES];
	unsigned attachment_count;
	uint32_t abi_version;
	uint64_t loaded_unix;
	uint32_t max_clients;
	bool bypass;            /* the gate is open */
	int daemon;             /* pid of the running sallyportd, 0: none */
	char config_path[4096]; /* the file `up` was given */
};

/* What is really there, asked from the kernel. SP_EXIT_NOT_LOADED when nothing is loaded. */
int sp_dataplane_status(const struct sp_instance *instance, struct sp_dataplane_status *status,
                        struct sp_error *err);

#endif
