/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The key of the wanted-URL tag: 32 random bytes in /var/lib/INSTANCE/link.key, made once, so that
 * login links stay good across restarts. */
#ifndef SP_KEEPER_KEY_H
#define SP_KEEPER_KEY_H

#include <stdint.h>

#include "ipc/ipc.h"
#include "lib/error.h"
#include "lib/instance.h"

/* Read the key, or make it. The caller holds the lock of the instance's pid file. 0 or negative
 * errno. */
int sp_key_get(const struct sp_instance *instance, uint8_t key[SP_IPC_KEY], struct sp_error *err);

#endif
