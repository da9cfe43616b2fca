/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The programs that hooks run, as descriptors: those just loaded, or those that the last `up`
 * pinned.
 */
#ifndef SP_LIB_PROGRAMS_H
#define SP_LIB_PROGRAMS_H

#include "lib/error.h"
#include "lib/hook.h"
#include "lib/instance.h"

struct sp_programs {
	int in, out;                /* TC */
	int xdp, xdp_veth, xdp_skb; /* XDP in the driver, in that of a veth, and in the stack */
	int uplink, uplink_skb;     /* the same of an uplink */
};

/* The program for @hook, attached by @mode. */
int sp_programs_for(const struct sp_programs *programs, const struct sp_hook *hook,
                    enum sp_hook_mode mode);

/* Open those that @instance has pinned. On failure nothing stays open. 0 or negative errno. */
int sp_programs_open(struct sp_programs *programs, const struct sp_instance *instance,
                     struct sp_error *err);

/*
 * A descriptor, the caller's, of the loaded program @id: by its pin if it is one of @instance's,
 * which needs no capability, else by its id, which needs CAP_SYS_ADMIN. Or a negative errno.
 */
int sp_programs_by_id(const struct sp_instance *instance, uint32_t id);

/* Only what sp_programs_open opened. */
void sp_programs_close(struct sp_programs *programs);

#endif
