/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a network card does with frames before anybody sees them, as `ethtool -k` shows it. */
#ifndef SP_LIB_NETLINK_OFFLOAD_H
#define SP_LIB_NETLINK_OFFLOAD_H

#include <stdint.h>

#include "lib/error.h"

/* Offloads: name, what `ethtool -K` calls it, what the kernel calls it. */
#define SP_OFFLOADS(X)                          \
	X(RXVLAN, "rxvlan", "rx-vlan-hw-parse") \
	X(LRO, "lro", "rx-lro")                 \
	X(GRO, "gro", "rx-gro")                 \
	X(GRO_HW, "rx-gro-hw", "rx-gro-hw")

#define SP_OFFLOAD_ENUM(id, word, name) SP_OFFLOAD_##id,
enum sp_offload { SP_OFFLOADS(SP_OFFLOAD_ENUM) SP_OFFLOAD_COUNT };
#undef SP_OFFLOAD_ENUM

#define SP_OFFLOAD_BIT(id) (1u << (id))

/* What `ethtool -K` calls it. */
const char *sp_offload_word(enum sp_offload offload);

/* SP_OFFLOAD_BIT of those that are on, and of those that can be switched. 0 or a negative errno;
 * -ENOENT: this kernel does not tell (CONFIG_ETHTOOL_NETLINK). */
int sp_netlink_offloads(uint32_t ifindex, uint32_t *on, uint32_t *changeable);

/* Switch @offload of interface @ifindex off. 0 or negative errno. */
int sp_netlink_offload_off(uint32_t ifindex, enum sp_offload offload, struct sp_error *err);

#endif
