/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The key that codes of vouchers are hashed with. */
#ifndef SP_LIB_VOUCHER_KEY_H
#define SP_LIB_VOUCHER_KEY_H

#include "lib/key.h"
#include "lib/ledger.h"

/*
 * Read voucher.key of @instance, or make it if @ledger has no voucher yet that could be redeemed.
 * -ENOKEY: it is lost, and another one would make all codes that were given out worthless; the
 * sentence says what to do.
 */
int sp_voucher_key(const struct sp_instance *instance, struct sp_ledger *ledger,
                   uint8_t key[SP_KEY_BYTES], struct sp_error *err);

#endif
