/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the portal can be reached. */
#ifndef SP_KEEPER_ADDRESS_H
#define SP_KEEPER_ADDRESS_H

#include <sallyport/abi.h>

#include "lib/address.h"
#include "lib/config.h"
#include "lib/error.h"

/*
 * Where the portal listens: the configured addresses or, if there are none, those of the client
 * interfaces that are not link-local, each once. Returns how many (at least 1), or a negative
 * errno.
 */
int sp_address_portal(const struct sp_config *config, struct sp_address list[SP_MAX_ADDRESSES],
                      struct sp_error *err);

#endif
