/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of one layout become those of another, by the names of their members. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <bpf/btf.h>
#include <cmocka.h>
#include <linux/bpf.h>

#include "lib/layout.h"

/* What a test builds: numbers of 1 to 8 bytes, and a struct of them. */
struct types {
	struct btf *btf;
	int u8, u16, u32, u64, text;
};

static void make_types(struct types *types, unsigned elements)
{
	int index;

	types->btf = btf__new_empty();
	assert_non_null(types->btf);
	types->u8 = btf__add_int(types->btf, "u8", 1, 0);
	types->u16 = btf__add_int(types->btf, "u16", 2, 0);
	types->u32 = btf__add_int(types->btf, "u32", 4, 0);
	types->u64 = btf__add_int(types->btf, "u64", 8, 0);
	index = types->u32;
	types->text = btf__add_array(types->btf, index, types->u8, elements);
	assert_true(types->text > 0);
}

struct member {
	const char *name;
	int type;
	uint32_t offset; /* bytes */
};

static int make_struct(const struct types *types, uint32_t size, const struct member *members)
{
	int id = btf__add_struct(types->btf, "value", size);

	assert_true(id > 0);
	for (; members->name; members++)
		assert_int_equal(btf__add_field(types->btf, members->name, members->type,
		                                members->offset * 8, 0),
		                 0);
	return id;
}

static struct sp_layout layout_of(const struct types *types, int id, uint32_t size)
{
	return (struct sp_layout){
		.btf = types->btf,
		.key_type = (uint32_t)types->u32,
		.value_type = (uint32_t)id,
		.key_size = 4,
		.value_size = size,
		.type = BPF_MAP_TYPE_HASH,
		.max_entries = 10,
	};
}

/* The members of the first are found in the second: moved, wider, narrower, longer, gone and new.
 */
static void test_by_name(void **state)
{
	struct old {
		uint32_t a, narrow;
		uint64_t wide;
		uint8_t text[4];
		uint32_t gone;
	} from = {1, 2, 3, "abc", 4};
	struct new
	{
		uint64_t added, narrow;
		uint16_t wide;
		uint8_t text[6];
		uint32_t a, spare;
	}
	to;
	struct types old, new;
	struct sp_layout before, after;
	struct sp_recast recast;

	(void)state;
	make_types(&old, 4);
	make_types(&new, 6);
	before = layout_of(
		&old,
		make_struct(&old, sizeof(from),
	                    (struct member[]){{"a", old.u32, offsetof(struct old, a)},
	                                      {"narrow", old.u32, offsetof(struct old, narrow)},
	                                      {"wide", old.u64, offsetof(struct old, wide)},
	                                      {"text", old.text, offsetof(struct old, text)},
	                                      {"gone", old.u32, offsetof(struct old, gone)},
	                                      {NULL, 0, 0}}),
		sizeof(from));
	after = layout_of(
		&new,
		make_struct(&new, sizeof(to),
	                    (struct member[]){{"added", new.u64, offsetof(struct new, added)},
	                                      {"narrow", new.u64, offsetof(struct new, narrow)},
	                                      {"wide", new.u16, offsetof(struct new, wide)},
	                                      {"text", new.text, offsetof(struct new, text)},
	                                      {"a", new.u32, offsetof(struct new, a)},
	                                      {"spare", new.u32, offsetof(struct new, spare)},
	                                      {NULL, 0, 0}}),
		sizeof(to));
	assert_false(sp_layout_same(&before, &after));
	assert_true(sp_layout_same(&before, &before));
	assert_int_equal(sp_recast_make(&recast, &before, &after, false), 0);
	memset(&to, 0xff, sizeof(to));
	assert_int_equal(sp_recast_apply(&recast, &from, &to), 0);
	assert_int_equal(to.added, 0);
	assert_int_equal(to.narrow, 2);
	assert_int_equal(to.wide, 3);
	assert_memory_equal(to.text, "abc\0\0\0", 6);
	assert_int_equal(to.a, 1);
	assert_int_equal(to.spare, 0);
	/* A number that does not fit is not cut. */
	from.wide = UINT64_C(0x10000);
	assert_int_equal(sp_recast_apply(&recast, &from, &to), -EOVERFLOW);
	sp_recast_free(&recast);
	btf__free(old.btf);
	btf__free(new.btf);
}

/* Names and places of members decide, sizes and numbers of entries too. */
static void test_same(void **state)
{
	struct types types;
	struct sp_layout one, other;
	int first, renamed, moved;

	(void)state;
	make_types(&types, 4);
	first = make_struct(
		&types, 16,
		(struct member[]){{"a", types.u32, 0}, {"b", types.u64, 8}, {NULL, 0, 0}});
	renamed = make_struct(
		&types, 16,
		(struct member[]){{"a", types.u32, 0}, {"c", types.u64, 8}, {NULL, 0, 0}});
	moved = make_struct(
		&types, 16,
		(struct member[]){{"a", types.u32, 4}, {"b", types.u64, 8}, {NULL, 0, 0}});
	one = layout_of(&types, first, 16);
	other = layout_of(&types, renamed, 16);
	assert_false(sp_layout_same(&one, &other));
	other = layout_of(&types, moved, 16);
	assert_false(sp_layout_same(&one, &other));
	other = one;
	other.max_entries++;
	assert_false(sp_layout_same(&one, &other));
	other = one;
	other.type = BPF_MAP_TYPE_ARRAY;
	assert_false(sp_layout_same(&one, &other));
	/* Kinds of maps that are made without BTF. */
	other = one;
	other.btf = NULL;
	assert_true(sp_layout_same(&one, &other));
	btf__free(types.btf);
}

static void test_member(void **state)
{
	struct sp_layout layout;
	uint32_t offset, size;
	struct types types;

	(void)state;
	make_types(&types, 4);
	layout = layout_of(
		&types,
		make_struct(
			&types, 16,
			(struct member[]){{"a", types.u32, 0}, {"b", types.u64, 8}, {NULL, 0, 0}}),
		16);
	assert_true(sp_layout_member(&layout, "b", &offset, &size));
	assert_int_equal(offset, 8);
	assert_int_equal(size, 8);
	assert_false(sp_layout_member(&layout, "c", &offset, &size));
	layout.value_type = (uint32_t)types.u32;
	assert_false(sp_layout_member(&layout, "b", &offset, &size));
	btf__free(types.btf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_name),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
