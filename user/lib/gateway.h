/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which addresses are the gateway's own, as its clients see it.
 */
#ifndef SP_LIB_GATEWAY_H
#define SP_LIB_GATEWAY_H

#include <sallyport/abi.h>

#include "lib/config.h"
#include "lib/error.h"

/*
 * The addresses of interface @ifindex and of the VLAN interfaces on it, each once, IPv4 mapped,
 * link-local ones too. Returns the number or a negative errno (-ENOSPC: more than there is room
 * for).
 */
int sp_gateway_addresses_at(uint32_t ifindex, struct sp_address list[SP_MAX_ADDRESSES],
                            struct sp_error *err);

/*
 * The addresses of the client interfaces, and of the VLAN interfaces on them, each once, IPv4
 * mapped, link-local ones too. An interface that is missing has none. Returns the number or a
 * negative errno (-ENOSPC: more than there is room for).
 */
int sp_gateway_addresses(const struct sp_config *config, struct sp_address list[SP_MAX_ADDRESSES],
                         struct sp_error *err);

#endif
