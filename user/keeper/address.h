/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses as the datapath stores them: IPv4 as IPv4-mapped IPv6. */
#ifndef SP_KEEPER_ADDRESS_H
#define SP_KEEPER_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>

#include <sallyport/abi.h>

#include "lib/config.h"
#include "lib/error.h"

bool sp_address_is_ipv4(const struct sp_address *address);

/* "10.85.0.1" or "fd85::1". Returns @out. */
char *sp_address_text(const struct sp_address *address, char out[INET6_ADDRSTRLEN]);

/*
 * Where the portal listens: the configured addresses or, if there are none, those of the client
 * interfaces that are not link-local, each once. Returns how many (at least 1), or a negative
 * errno.
 */
int sp_address_portal(const struct sp_config *config, struct sp_address list[SP_MAX_ADDRESSES],
                      struct sp_error *err);

#endif
