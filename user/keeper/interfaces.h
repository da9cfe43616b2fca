/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interfaces that come and go while the datapath is loaded: seen, said in the log, and
 * attached again when they are back; and VLAN devices on them.
 */
#ifndef SP_KEEPER_INTERFACES_H
#define SP_KEEPER_INTERFACES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/dataplane.h"

struct mnl_socket;

struct sp_interfaces {
	struct sp_instance instance;
	struct mnl_socket *socket;              /* what changes, as the kernel tells it */
	struct sp_dataplane_status status;      /* at the last look */
	char told[SP_MAX_ATTACHED][SP_CHANGED]; /* changed addresses that were logged */
	char failed[SP_ERROR_TEXT]; /* the last failure that was logged; "": none since */
};

/* Begin to listen, and look for the first time. 0 or negative errno. */
int sp_interfaces_open(struct sp_interfaces *interfaces, const struct sp_instance *instance,
                       struct sp_error *err);

/* To wait on: readable when sp_interfaces_read has to be called. */
int sp_interfaces_file(const struct sp_interfaces *interfaces);

/* Take what the kernel says. Whether it concerns us, or may: then sp_interfaces_look. */
bool sp_interfaces_read(struct sp_interfaces *interfaces);

/*
 * Compare with the last look, log what is different, attach what is not. Changed addresses are
 * logged only when @settled: an interface is given its addresses one by one.
 */
void sp_interfaces_look(struct sp_interfaces *interfaces, bool settled);

/* The number of interface @name at the last look; 0: it is missing. */
uint32_t sp_interfaces_number(const struct sp_interfaces *interfaces, const char *name);

void sp_interfaces_close(struct sp_interfaces *interfaces);

#endif
