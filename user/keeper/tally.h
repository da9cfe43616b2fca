/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper's side of what children count (ipc/tally.h): one book for each place of a child,
 * whoever has it. A count never goes back, neither when the child is replaced nor when it says so.
 */
#ifndef SP_KEEPER_TALLY_H
#define SP_KEEPER_TALLY_H

#include "ipc/tally.h"

struct sp_tally_book {
	const struct sp_tally *shared; /* of the child that runs, read-only; NULL: none */
	struct sp_tally *before;       /* what its predecessors counted; owned */
	struct sp_tally *seen;         /* what it had counted when it was looked at last; owned */
};

/* A child is about to run: the file that it is to be given, which the caller closes when it has
 * been; or a negative errno. */
int sp_tally_begin(struct sp_tally_book *book);

/* Look at what the child has counted. */
void sp_tally_look(struct sp_tally_book *book);

/* It runs no more. Harmless when none ran. */
void sp_tally_end(struct sp_tally_book *book);

/* Add what was counted at this place to @sum. */
void sp_tally_add(const struct sp_tally_book *book, struct sp_tally *sum);

/* Forget everything. */
void sp_tally_close(struct sp_tally_book *book);

#endif
