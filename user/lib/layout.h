/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the keys and values of a map are laid out, asked from its BTF, and how those of one layout
 * become those of another: member by member, by name.
 */
#ifndef SP_LIB_LAYOUT_H
#define SP_LIB_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_map;
struct bpf_object;
struct btf;

struct sp_layout {
	struct btf *btf; /* NULL: the map has none */
	bool owned;      /* sp_layout_free has to free it */
	uint32_t key_type, value_type;
	uint32_t key_size, value_size; /* bytes */
	uint32_t type, max_entries, flags;
};

/* Of the map behind the descriptor @fd. 0 or negative errno; sp_layout_free in either case. */
int sp_layout_of_fd(struct sp_layout *layout, int fd);

/* Of @map of @object, which may not be made yet; valid as long as the object is. */
void sp_layout_of_map(struct sp_layout *layout, const struct bpf_object *object,
                      const struct bpf_map *map);

void sp_layout_free(struct sp_layout *layout);

/*
 * Whether a map of layout @a can be used by programs that were made for @b: the same kind of map
 * and of as many entries, whose keys and values have the same members at the same places.
 */
bool sp_layout_same(const struct sp_layout *a, const struct sp_layout *b);

/* Where member @name of the value is; false if there is none of that name. */
bool sp_layout_member(const struct sp_layout *layout, const char *name, uint32_t *offset,
                      uint32_t *size);

/* One piece of a value on its way from one layout to another. */
struct sp_recast_step {
	uint32_t from, to; /* bytes from the beginning */
	uint32_t taken;    /* bytes to copy; what is missing behind them is zero */
	uint32_t given;    /* bytes that have room: less than taken if a number became narrower */
};

struct sp_recast {
	struct sp_recast_step *step; /* owned */
	uint32_t count, room;
	uint32_t size; /* of the result, bytes */
};

/*
 * How keys (@key) or values of layout @from become those of @to: members of the same name are
 * copied, of arrays as many elements as both have; a member that only @to has is zero, one that
 * only
 * @from has is dropped. 0, or -ENOMEM; sp_recast_free in either case.
 */
int sp_recast_make(struct sp_recast *recast, const struct sp_layout *from,
                   const struct sp_layout *to, bool key);

/* Make @to, of recast->size bytes, from @from. -EOVERFLOW: a number does not fit any more. */
int sp_recast_apply(const struct sp_recast *recast, const void *from, void *to);

void sp_recast_free(struct sp_recast *recast);

#endif
