/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A changed configuration for the keeper that runs. What it only looks up itself (what a login is
 * given) holds from then on; for the rest it is tried first whether everything can be opened, and
 * then the keeper begins anew (keeper/again.h). What is wrong with it changes nothing.
 */
#ifndef SP_KEEPER_RELOAD_H
#define SP_KEEPER_RELOAD_H

#include "keeper/state.h"

enum sp_reload {
	SP_RELOAD_FAILED,
	SP_RELOAD_SAME,  /* nothing that matters to the keeper has changed */
	SP_RELOAD_TAKEN, /* it holds */
	SP_RELOAD_AGAIN, /* the keeper is to begin anew */
};

/* Read the configuration of the last `up`, and take it as far as that can be. */
enum sp_reload sp_reload(struct sp_keeper *keeper, struct sp_error *err);

/* Remember what the files that the configuration names are like: they are read at the start. */
void sp_reload_begin(struct sp_keeper *keeper);

#endif
