/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keeper begins anew, in the same process: with the program that is installed now. */
#ifndef SP_KEEPER_AGAIN_H
#define SP_KEEPER_AGAIN_H

#include "lib/error.h"

/*
 * Start the program at the path of this one with the arguments of this one, but without a
 * configuration file: that of the last `up` holds. Its listening sockets are handed over
 * (keeper/inherit.h). Returns only if that fails: a negative errno.
 */
int sp_again(struct sp_error *err);

#endif
