/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys of an instance: 32 random bytes each in /var/lib/INSTANCE/NAME, made once and readable by
 * root alone. link.key: the tag of the wanted URL, so that login links stay good across restarts;
 * voucher.key: what the ledger keeps of vouchers' codes.
 */
#ifndef SP_LIB_KEY_H
#define SP_LIB_KEY_H

#include <stdint.h>

#include "lib/error.h"
#include "lib/instance.h"

#define SP_KEY_BYTES 32

/* Read the key @name ("link.key"), or make it; of several processes that do at once one makes it.
 * 0 or negative errno. */
int sp_key_get(const struct sp_instance *instance, const char *name, uint8_t key[SP_KEY_BYTES],
               struct sp_error *err);

/* The same of a key that is there: -ENOENT, without an error text, if there is none. */
int sp_key_find(const struct sp_instance *instance, const char *name, uint8_t key[SP_KEY_BYTES],
                struct sp_error *err);

#endif
