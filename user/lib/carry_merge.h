/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adding what programs have counted in maps that are given up to those that take their place. The
 * adding is done by BPF (bpf/carry.bpf.c).
 */
#ifndef SP_LIB_CARRY_MERGE_H
#define SP_LIB_CARRY_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sallyport/abi.h>
#include <sallyport/carry.h>

#include "lib/error.h"
#include "lib/instance.h"
#include "lib/layout.h"

/* The cells of a map `usage` of whatever layout, read as those of this version. */
struct sp_cells {
	const uint8_t *memory; /* mapping of @size bytes */
	size_t size, stride;
	uint32_t count;
	struct sp_recast recast;
};

/* Of the map behind @usage; @own: the layout of this version. 0 or negative errno; sp_cells_close
 * in either case. */
int sp_cells_open(struct sp_cells *cells, int usage, const struct sp_layout *own);
void sp_cells_close(struct sp_cells *cells);

/* The cell of @slot as it is now; zero if there is no such slot. */
void sp_cells_read(const struct sp_cells *cells, uint32_t slot, struct sp_usage *cell);

/* What @cell holds of each direction for the session of @generation. */
void sp_carry_sides(const struct sp_usage *cell, uint32_t generation, struct sp_carry_side *up,
                    struct sp_carry_side *down);

/*
 * Add what has been counted in the maps of @from to those of @to since the copy that `base` of @to
 * (@back: of @from, and its slots the other way round) tells of, and keep in mind that it was. Maps
 * that both share are passed over. 0 or negative errno.
 */
int sp_carry_merge(const struct sp_instance *from, const struct sp_instance *to, bool back,
                   struct sp_error *err);

#endif
