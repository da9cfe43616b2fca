/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which network namespace an instance belongs to: the interfaces of a gateway can only be asked for
 * from inside it.
 */
#ifndef SP_LIB_NETNS_H
#define SP_LIB_NETNS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/instance.h"

/* Inode of the network namespace of this process; 0: unknown. */
uint64_t sp_netns(void);

/* Whether the namespace still exists, as far as can be seen: one that a process is in or that has
 * a name. */
bool sp_netns_exists(uint64_t netns);

/* 0 if @netns is this process's; else -EXDEV with a sentence that says which one it is. */
int sp_netns_check(const struct sp_instance *instance, uint64_t netns, struct sp_error *err);

#endif
