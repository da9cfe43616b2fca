/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/layout.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

/* The flags that change what a map is; the kernel sets others by itself. */
#define FLAGS ((uint32_t)BPF_F_NO_PREALLOC | BPF_F_MMAPABLE)

int sp_layout_of_fd(struct sp_layout *layout, int fd)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int code = bpf_obj_get_info_by_fd(fd, &info, &size);

	*layout = (struct sp_layout){.btf = NULL};
	if (code)
		return code;
	if (info.btf_id) {
		layout->btf = btf__load_from_kernel_by_id(info.btf_id);
		if (!layout->btf)
			return -errno;
		layout->owned = true;
	}
	layout->key_type = info.btf_key_type_id;
	layout->value_type = info.btf_value_type_id;
	layout->key_size = info.key_size;
	layout->value_size = info.value_size;
	layout->type = info.type;
	layout->max_entries = info.max_entries;
	layout->flags = info.map_flags & FLAGS;
	return 0;
}

void sp_layout_of_map(struct sp_layout *layout, const struct bpf_object *object,
                      const struct bpf_map *map)
{
	*layout = (struct sp_layout){
		.btf = bpf_object__btf(object),
		.key_type = bpf_map__btf_key_type_id(map),
		.value_type = bpf_map__btf_value_type_id(map),
		.key_size = bpf_map__key_size(map),
		.value_size = bpf_map__value_size(map),
		.type = bpf_map__type(map),
		.max_entries = bpf_map__max_entries(map),
		.flags = bpf_map__map_flags(map) & FLAGS,
	};
}

void sp_layout_free(struct sp_layout *layout)
{
	if (layout->owned)
		btf__free(layout->btf);
	layout->btf = NULL;
	layout->owned = false;
}

/* @id without the names that typedef and const give it. */
static const struct btf_type *plain(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	while (type && (btf_is_mod(type) || btf_is_typedef(type)))
		type = btf__type_by_id(btf, type->type);
	return type;
}

static bool is_struct(const struct btf_type *type)
{
	return btf_is_struct(type) || btf_is_union(type);
}

static uint32_t size_of(const struct btf *btf, uint32_t id)
{
	int64_t size = btf__resolve_size(btf, id);

	return size < 0 ? 0 : (uint32_t)size;
}

static bool same_type(const struct btf *a, uint32_t a_id, const struct btf *b, uint32_t b_id);

static bool same_members(const struct btf *a, const struct btf_type *a_type, const struct btf *b,
                         const struct btf_type *b_type)
{
	const struct btf_member *mine = btf_members(a_type), *theirs = btf_members(b_type);

	if (btf_vlen(a_type) != btf_vlen(b_type))
		return false;
	for (uint32_t i = 0; i < btf_vlen(a_type); i++)
		if (btf_member_bit_offset(a_type, i) != btf_member_bit_offset(b_type, i) ||
		    strcmp(btf__name_by_offset(a, mine[i].name_off),
		           btf__name_by_offset(b, theirs[i].name_off)) != 0 ||
		    !same_type(a, mine[i].type, b, theirs[i].type))
			return false;
	return true;
}

/* Names of numbers and enums say nothing of the layout. */
static bool same_type(const struct btf *a, uint32_t a_id, const struct btf *b, uint32_t b_id)
{
	const struct btf_type *mine = plain(a, a_id), *theirs = plain(b, b_id);

	if (!mine || !theirs || size_of(a, a_id) != size_of(b, b_id))
		return false;
	if (is_struct(mine) || is_struct(theirs))
		return btf_kind(mine) == btf_kind(theirs) && same_members(a, mine, b, theirs);
	if (btf_is_array(mine) || btf_is_array(theirs))
		return btf_kind(mine) == btf_kind(theirs) &&
		       btf_array(mine)->nelems == btf_array(theirs)->nelems &&
		       same_type(a, btf_array(mine)->type, b, btf_array(theirs)->type);
	return true;
}

/* Maps of some kinds are made without BTF; their sizes have to do. */
static bool has_types(const struct sp_layout *layout)
{
	return layout->btf && layout->value_type;
}

bool sp_layout_same(const struct sp_layout *a, const struct sp_layout *b)
{
	if (a->type != b->type || a->max_entries != b->max_entries || a->flags != b->flags ||
	    a->key_size != b->key_size || a->value_size != b->value_size)
		return false;
	if (!has_types(a) || !has_types(b))
		return true;
	return same_type(a->btf, a->key_type, b->btf, b->key_type) &&
	       same_type(a->btf, a->value_type, b->btf, b->value_type);
}

/* The member of @type called @name, or NULL. */
static const struct btf_member *find(const struct btf *btf, const struct btf_type *type,
                                     const char *name, uint32_t *offset)
{
	const struct btf_member *member = btf_members(type);

	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		if (strcmp(btf__name_by_offset(btf, member[i].name_off), name) != 0)
			continue;
		*offset = btf_member_bit_offset(type, i) / 8;
		return &member[i];
	}
	return NULL;
}

bool sp_layout_member(const struct sp_layout *layout, const char *name, uint32_t *offset,
                      uint32_t *size)
{
	const struct btf_type *type =
		has_types(layout) ? plain(layout->btf, layout->value_type) : NULL;
	const struct btf_member *member =
		type && is_struct(type) ? find(layout->btf, type, name, offset) : NULL;

	if (!member)
		return false;
	*size = size_of(layout->btf, member->type);
	return true;
}

/* --- from one to the other --- */

static int add(struct sp_recast *recast, const struct sp_recast_step *step)
{
	struct sp_recast_step *last = recast->count ? &recast->step[recast->count - 1] : NULL;

	/* What is side by side in both goes at once. */
	if (last && last->taken == last->given && step->taken == step->given &&
	    last->from + last->taken == step->from && last->to + last->given == step->to) {
		last->taken += step->taken;
		last->given += step->given;
		return 0;
	}
	if (recast->count == recast->room) {
		const uint32_t room = recast->room ? 2 * recast->room : 16;
		void *more = reallocarray(recast->step, room, sizeof(*recast->step));

		if (!more)
			return -ENOMEM;
		recast->step = more;
		recast->room = room;
	}
	recast->step[recast->count++] = *step;
	return 0;
}

/* A place in a key or value. */
struct place {
	const struct btf *btf;
	uint32_t type, offset;
};

static int plan(struct sp_recast *recast, struct place from, struct place to);

static int plan_members(struct sp_recast *recast, struct place from, struct place to)
{
	const struct btf_type *old = plain(from.btf, from.type), *new = plain(to.btf, to.type);
	const struct btf_member *member = btf_members(new);
	int code = 0;

	for (uint32_t i = 0; i < btf_vlen(new) && !code; i++) {
		const char *name = btf__name_by_offset(to.btf, member[i].name_off);
		uint32_t offset;
		const struct btf_member *was = find(from.btf, old, name, &offset);

		if (was)
			code = plan(recast,
			            (struct place){from.btf, was->type, from.offset + offset},
			            (struct place){to.btf, member[i].type,
			                           to.offset + btf_member_bit_offset(new, i) / 8});
	}
	return code;
}

static int plan_elements(struct sp_recast *recast, struct place from, struct place to)
{
	const struct btf_array *old = btf_array(plain(from.btf, from.type));
	const struct btf_array *new = btf_array(plain(to.btf, to.type));
	const uint32_t old_size = size_of(from.btf, old->type);
	const uint32_t new_size = size_of(to.btf, new->type);
	const uint32_t count = old->nelems < new->nelems ? old->nelems : new->nelems;
	int code = 0;

	for (uint32_t i = 0; i < count && !code; i++)
		code = plan(recast, (struct place){from.btf, old->type, from.offset + i * old_size},
		            (struct place){to.btf, new->type, to.offset + i *new_size});
	return code;
}

/* A member that became something else entirely is as one that is new. */
static int plan(struct sp_recast *recast, struct place from, struct place to)
{
	const struct btf_type *old = plain(from.btf, from.type), *new = plain(to.btf, to.type);
	struct sp_recast_step step = {from.offset, to.offset, size_of(from.btf, from.type),
	                              size_of(to.btf, to.type)};

	if (!old || !new)
		return 0;
	if (btf_is_struct(old) && btf_is_struct(new))
		return plan_members(recast, from, to);
	if (btf_is_array(old) && btf_is_array(new))
		return plan_elements(recast, from, to);
	if (is_struct(old) || is_struct(new) || btf_is_array(old) || btf_is_array(new))
		return 0;
	return add(recast, &step);
}

int sp_recast_make(struct sp_recast *recast, const struct sp_layout *from,
                   const struct sp_layout *to, bool key)
{
	const uint32_t old = key ? from->key_size : from->value_size;
	const uint32_t new = key ? to->key_size : to->value_size;
	const struct sp_recast_step whole = {0, 0, old < new ? old : new, old < new ? old : new};

	*recast = (struct sp_recast){.size = new};
	if (!has_types(from) || !has_types(to))
		return add(recast, &whole);
	return plan(recast, (struct place){from->btf, key ? from->key_type : from->value_type, 0},
	            (struct place){to->btf, key ? to->key_type : to->value_type, 0});
}

static bool is_zero(const uint8_t *bytes, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

/* The lower bytes of a number that became narrower or wider. */
static int move(const struct sp_recast_step *step, const uint8_t *from, uint8_t *to)
{
	const uint32_t bytes = step->taken < step->given ? step->taken : step->given;
	const bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	const uint32_t dropped = step->taken - bytes;

	memcpy(to + step->to + (big ? step->given - bytes : 0),
	       from + step->from + (big ? dropped : 0), bytes);
	return is_zero(from + step->from + (big ? 0 : bytes), dropped) ? 0 : -EOVERFLOW;
}

int sp_recast_apply(const struct sp_recast *recast, const void *from, void *to)
{
	int code = 0;

	memset(to, 0, recast->size);
	for (uint32_t i = 0; i < recast->count && !code; i++)
		code = move(&recast->step[i], from, to);
	return code;
}

void sp_recast_free(struct sp_recast *recast)
{
	free(recast->step);
	*recast = (struct sp_recast){.step = NULL};
}
