/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keeper begins anew, in the same process: with the program that is installed now. */
#ifndef SP_KEEPER_AGAIN_H
#define SP_KEEPER_AGAIN_H

#include "lib/error.h"

/*
 * Start the program at the path of this one with the arguments of this one, but without a
 * configuration file: that of the last `up` holds. Its listening sockets are handed over
 * (keeper/inherit.h), and @token. Returns only if that fails: a negative errno.
 */
int sp_again(int token, struct sp_error *err);

/* The token that sp_again was called with, of who waits for the keeper to serve; 0: nobody. To be
 * asked once. */
int sp_again_token(void);

#endif
