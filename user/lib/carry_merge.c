/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/carry_merge.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/bpffs.h"

#include "carry.skel.h"

static size_t round_up(size_t size, size_t to)
{
	return (size + to - 1) / to * to;
}

int sp_cells_open(struct sp_cells *cells, int usage, const struct sp_layout *own)
{
	struct sp_layout layout;
	int code = sp_layout_of_fd(&layout, usage);
	void *memory;

	*cells = (struct sp_cells){.count = layout.max_entries};
	if (!code)
		code = sp_recast_make(&cells->recast, &layout, own, false);
	/* kernel/bpf/arraymap.c, array_map_mmap: elements are 8 bytes apart or a multiple. */
	cells->stride = round_up(layout.value_size, 8);
	sp_layout_free(&layout);
	if (code)
		return code;
	memory = mmap(NULL, cells->stride * cells->count, PROT_READ, MAP_SHARED, usage, 0);
	if (memory == MAP_FAILED)
		return -errno;
	cells->memory = memory;
	cells->size = cells->stride * cells->count;
	return 0;
}

void sp_cells_close(struct sp_cells *cells)
{
	if (cells->memory)
		munmap((void *)(uintptr_t)cells->memory, cells->size);
	sp_recast_free(&cells->recast);
	*cells = (struct sp_cells){.memory = NULL};
}

void sp_cells_read(const struct sp_cells *cells, uint32_t slot, struct sp_usage *cell)
{
	if (slot < cells->count)
		sp_recast_apply(&cells->recast, cells->memory + slot * cells->stride, cell);
	else
		*cell = (struct sp_usage){.spare = 0};
}

void sp_carry_sides(const struct sp_usage *cell, uint32_t generation, struct sp_carry_side *up,
                    struct sp_carry_side *down)
{
	*up = *down = (struct sp_carry_side){.generation = 0};
	if (cell->up_generation == generation)
		*up = (struct sp_carry_side){
			.generation = generation,
			.packets = cell->up_packets,
			.bytes = cell->up_bytes,
			.first = cell->up_first,
			.last = cell->up_last,
		};
	if (cell->down_generation == generation)
		*down = (struct sp_carry_side){
			.generation = generation,
			.packets = cell->down_packets,
			.bytes = cell->down_bytes,
			.first = cell->down_first,
			.last = cell->down_last,
		};
}

/* --- the program --- */

static bool place(const struct sp_layout *layout, const char *name, uint32_t wanted,
                  uint32_t *offset)
{
	uint32_t size;

	return sp_layout_member(layout, name, offset, &size) && size == wanted;
}

/* Where the cells of @layout have what is added. */
static bool find_places(struct sp_carry_places *places, const struct sp_layout *layout)
{
	struct sp_carry_side_places *up = &places->up, *down = &places->down;

	return place(layout, "up_generation", 4, &up->generation) &&
	       place(layout, "up_packets", 8, &up->packets) &&
	       place(layout, "up_bytes", 8, &up->bytes) &&
	       place(layout, "up_first", 8, &up->first) && place(layout, "up_last", 8, &up->last) &&
	       place(layout, "up_credit", 8, &up->credit) &&
	       place(layout, "down_generation", 4, &down->generation) &&
	       place(layout, "down_packets", 8, &down->packets) &&
	       place(layout, "down_bytes", 8, &down->bytes) &&
	       place(layout, "down_first", 8, &down->first) &&
	       place(layout, "down_last", 8, &down->last) &&
	       place(layout, "down_credit", 8, &down->credit) &&
	       place(layout, "ipv4", 4, &places->ipv4) &&
	       place(layout, "ipv6", 16, &places->ipv6) &&
	       place(layout, "bound", 4, &places->bound) && place(layout, "told", 4, &places->told);
}

struct merge {
	const struct sp_instance *from, *to;
	struct sp_carry_bpf *bpf;
	struct sp_layout own;   /* `usage` of this version, by the program's BTF */
	struct sp_layout count; /* `reasons` of this version */
	bool back;
};

static void close_file(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* The map @name of @instance, or a negative errno. */
static int pinned(const struct sp_instance *instance, const char *name)
{
	char path[SP_PIN_PATH];

	snprintf(path, sizeof(path), "%s/%s", instance->pins, name);
	return bpf_obj_get(path);
}

/* The maps of the program that it uses are those of merge->to. */
static int use_maps(const struct merge *merge)
{
	static const char *const used[] = {"usage", "locks", "reasons"};
	struct bpf_map *map;
	int code = 0;

	bpf_object__for_each_map(map, merge->bpf->obj)
	{
		bool wanted = bpf_map__is_internal(map);
		int fd;

		for (unsigned i = 0; i < sizeof(used) / sizeof(*used) && !wanted; i++) {
			if (strcmp(bpf_map__name(map), used[i]) != 0)
				continue;
			wanted = true;
			fd = pinned(merge->to, used[i]);
			code = fd < 0 ? fd : bpf_map__reuse_fd(map, fd);
			if (fd >= 0)
				close(fd);
			if (code)
				return code;
		}
		code = wanted ? 0 : bpf_map__set_autocreate(map, false);
		if (code)
			return code;
	}
	return 0;
}

static bool find_count(struct sp_carry_places *places, const struct sp_layout *layout)
{
	return place(layout, "packets", 8, &places->count_packets) &&
	       place(layout, "bytes", 8, &places->count_bytes) &&
	       place(layout, "reason", 4, &places->count_reason);
}

/* @find's places in the map @name of merge->to. */
static int look(const struct merge *merge, const char *name, struct sp_carry_places *places,
                bool (*find)(struct sp_carry_places *places, const struct sp_layout *layout))
{
	struct sp_layout layout = {.btf = NULL};
	int fd = pinned(merge->to, name), code = fd < 0 ? fd : sp_layout_of_fd(&layout, fd);

	if (!code && !find(places, &layout))
		code = -EPROTO;
	sp_layout_free(&layout);
	close_file(fd);
	return code;
}

static int load(struct merge *merge)
{
	struct sp_carry_places places;
	int code = look(merge, "usage", &places, find_places);

	if (!code)
		code = look(merge, "reasons", &places, find_count);
	if (code)
		return code;
	memcpy((void *)&merge->bpf->rodata->sp_places, &places, sizeof(places));
	code = use_maps(merge);
	return code ? code : sp_carry_bpf__load(merge->bpf);
}

/* Run @program with @more behind the header of a packet. */
static int run(const struct bpf_program *program, const void *more, size_t size)
{
	uint8_t packet[SP_CARRY_HEADER + sizeof(struct sp_carry_more)] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet,
	            .data_size_in = (uint32_t)(SP_CARRY_HEADER + size));
	int code;

	memcpy(packet + SP_CARRY_HEADER, more, size);
	code = bpf_prog_test_run_opts(bpf_program__fd(program), &options);
	if (code)
		return code;
	/* TC_ACT_SHOT: it found no cell. */
	return options.retval ? -EPROTO : 0;
}

/* --- usage --- */

/* What @now has more than @before, which was of the same session. */
static bool difference(const struct sp_carry_side *now, const struct sp_carry_side *before,
                       struct sp_carry_side *more)
{
	*more = *now;
	if (!now->generation)
		return false;
	if (before->generation == now->generation) {
		more->packets -= before->packets;
		more->bytes -= before->bytes;
		return more->packets || more->bytes || now->last != before->last;
	}
	return true;
}

static int merge_session(const struct merge *merge, const struct sp_cells *cells,
                         volatile struct sp_carry_base *shared)
{
	struct sp_carry_base base;
	struct sp_carry_side up, down;
	struct sp_carry_more more;
	struct sp_usage cell;
	bool differs;
	int code;

	memcpy(&base, (const void *)(uintptr_t)shared, sizeof(base));
	sp_cells_read(cells, merge->back ? base.to : base.from, &cell);
	sp_carry_sides(&cell, base.generation, &up, &down);
	more = (struct sp_carry_more){.slot = merge->back ? base.from : base.to};
	differs = difference(&up, &base.up, &more.up);
	differs |= difference(&down, &base.down, &more.down);
	if (!differs)
		return 0;
	if (up.generation) {
		more.ipv4 = cell.ipv4;
		more.bound = cell.bound;
		memcpy(more.ipv6, cell.ipv6, sizeof(more.ipv6));
	}
	code = run(merge->bpf->progs.sallyport_carry, &more, sizeof(more));
	if (code)
		return code;
	/* So that nothing is added twice should this be interrupted and done again. */
	base.up = up;
	base.down = down;
	memcpy((void *)(uintptr_t)shared, &base, sizeof(base));
	return 0;
}

static int merge_sessions(const struct merge *merge, int usage, int base_fd)
{
	struct bpf_map_info info = {0};
	uint32_t length = sizeof(info);
	struct sp_carry_base *base;
	struct sp_cells cells;
	size_t size;
	int code = bpf_obj_get_info_by_fd(base_fd, &info, &length);

	if (!code && info.value_size != sizeof(*base))
		code = -EPROTO;
	if (code)
		return code;
	size = info.max_entries * sizeof(*base);
	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, base_fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	code = sp_cells_open(&cells, usage, &merge->own);
	/* Generation 0: no session, of a map that must have an entry. */
	for (uint32_t i = 0; i < info.max_entries && !code; i++)
		if (base[i].generation)
			code = merge_session(merge, &cells, &base[i]);
	sp_cells_close(&cells);
	munmap(base, size);
	return code;
}

/* --- reasons --- */

/* The sum of all CPUs in map @fd of what @recast makes struct sp_count. */
static int add_cpus(int fd, uint32_t number, const struct sp_recast *recast, uint8_t *values,
                    size_t stride, struct sp_count *sum)
{
	int cpus = libbpf_num_possible_cpus(), code = bpf_map_lookup_elem(fd, &number, values);

	*sum = (struct sp_count){.reason = (enum sp_reason)number};
	for (int cpu = 0; cpu < cpus && !code; cpu++) {
		struct sp_count one;

		code = sp_recast_apply(recast, values + (size_t)cpu * stride, &one);
		sum->packets += one.packets;
		sum->bytes += one.bytes;
	}
	return code;
}

static int merge_reasons(const struct merge *merge, int fd)
{
	struct sp_recast recast = {.step = NULL};
	struct sp_layout layout;
	int cpus = libbpf_num_possible_cpus(), code = sp_layout_of_fd(&layout, fd);
	const size_t stride = round_up(layout.value_size, 8);
	uint8_t *values = cpus > 0 ? calloc((size_t)cpus, stride) : NULL;
	struct sp_count sum;

	if (!code)
		code = values ? sp_recast_make(&recast, &layout, &merge->count, false) : -ENOMEM;
	for (uint32_t i = 0; i < layout.max_entries && i < SP_MAX_REASONS && !code; i++) {
		code = add_cpus(fd, i, &recast, values, stride, &sum);
		if (!code && sum.packets)
			code = run(merge->bpf->progs.sallyport_carry_reason, &sum, sizeof(sum));
	}
	sp_recast_free(&recast);
	sp_layout_free(&layout);
	free(values);
	return code;
}

/* --- all --- */

static uint32_t id_of(int fd)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	return fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

/* Both maps of that name; false if there is nothing to do. */
static bool differ(const struct merge *merge, const char *name, int *from)
{
	int to = pinned(merge->to, name);
	bool result;

	*from = pinned(merge->from, name);
	result = id_of(*from) && id_of(to) && id_of(*from) != id_of(to);
	close_file(to);
	if (!result)
		close_file(*from);
	return result;
}

static int merge_all(struct merge *merge)
{
	int usage, reasons, code = 0;
	int base = pinned(merge->back ? merge->from : merge->to, SP_PIN_BASE);

	if (base >= 0)
		code = load(merge);
	if (base >= 0 && !code && differ(merge, "usage", &usage)) {
		code = merge_sessions(merge, usage, base);
		close_file(usage);
	}
	if (base >= 0 && !code && differ(merge, "reasons", &reasons)) {
		code = merge_reasons(merge, reasons);
		close_file(reasons);
	}
	close_file(base);
	return code;
}

int sp_carry_merge(const struct sp_instance *from, const struct sp_instance *to, bool back,
                   struct sp_error *err)
{
	struct merge merge = {.from = from, .to = to, .back = back};
	int code;

	merge.bpf = sp_carry_bpf__open();
	if (!merge.bpf)
		code = -errno;
	else {
		sp_layout_of_map(&merge.own, merge.bpf->obj, merge.bpf->maps.usage);
		sp_layout_of_map(&merge.count, merge.bpf->obj, merge.bpf->maps.reasons);
		code = merge_all(&merge);
	}
	sp_carry_bpf__destroy(merge.bpf);
	if (code)
		return sp_fail(err, code, SP_EXIT_FAILED,
		               "cannot carry the counters of %s over: %s", from->pins,
		               strerror(-code));
	return 0;
}
