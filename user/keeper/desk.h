/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where logins (login.h) meet the children: the portal that asks, the verifiers that judge, the
 * responders whose connections a login ends. */
#ifndef SP_KEEPER_DESK_H
#define SP_KEEPER_DESK_H

#include "keeper/state.h"

/* 0 or negative errno; sp_desk_close in either case. */
int sp_desk_open(struct sp_keeper *keeper, struct sp_error *err);
void sp_desk_close(struct sp_keeper *keeper);

/* Logins are about to be decided, all of which were asked before now: what has been known of the
 * neighbours may be too old for them. */
void sp_desk_begin(struct sp_keeper *keeper);

/* Learn which children came and went, answer what is due, end a verifier that is stuck. To be
 * called before a child that has ended is started again. Returns the ms at which to call this
 * again; UINT64_MAX: not by itself. */
uint64_t sp_desk_attend(struct sp_keeper *keeper);

#endif
