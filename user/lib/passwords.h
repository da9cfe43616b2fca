/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashes of local users' passwords: yescrypt, as crypt(5) writes it. */
#ifndef SP_LIB_PASSWORDS_H
#define SP_LIB_PASSWORDS_H

#include "lib/error.h"
#include "lib/ledger.h"

/* The hash of @password, with a salt of its own; takes some 50 ms. 0 or negative errno. */
int sp_passwords_hash(char hash[SP_LEDGER_HASH], const char *password, struct sp_error *err);

/*
 * A hash of nobody's: random, that no password fits, and as expensive to try as those above. It is
 * tried for a user who does not exist, so that the time does not tell. 0 or negative errno.
 */
int sp_passwords_nobody(char hash[SP_LEDGER_HASH], struct sp_error *err);

#endif
