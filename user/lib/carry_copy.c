/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/carry_copy.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sallyport/abi.h>

#include "lib/bpffs.h"
#include "lib/carry_merge.h"
#include "lib/layout.h"
#include "lib/maps.h"
#include "lib/settings.h"

#define BATCH    1024u
#define POSITION 512u /* bytes: larger than any key */
#define ENOTSUPP 524  /* the kernel's own, of maps without batches */

/* --- any map --- */

typedef int (*visit_entry)(void *context, const void *key, const void *value);

struct reader {
	int fd;
	const struct sp_layout *layout;
	uint8_t *keys, *values;
	uint32_t room;
};

static int make_room(struct reader *reader, uint32_t room)
{
	free(reader->keys);
	free(reader->values);
	reader->keys = calloc(room, reader->layout->key_size);
	reader->values = calloc(room, reader->layout->value_size);
	reader->room = room;
	return reader->keys && reader->values ? 0 : -ENOMEM;
}

static int visit_all(const struct reader *reader, uint32_t count, visit_entry visit, void *context)
{
	int code = 0;

	for (uint32_t i = 0; i < count && !code; i++)
		code = visit(context, reader->keys + (size_t)i * reader->layout->key_size,
		             reader->values + (size_t)i * reader->layout->value_size);
	return code;
}

static int each_in_batches(struct reader *reader, visit_entry visit, void *context)
{
	uint8_t position[POSITION], next[POSITION];
	bool begun = false;
	int more = 0, code = 0;

	while (!more && !code) {
		uint32_t count = reader->room;

		more = bpf_map_lookup_batch(reader->fd, begun ? position : NULL, next, reader->keys,
		                            reader->values, &count, NULL);
		if (more == -ENOSPC) {
			more = make_room(reader, 2 * reader->room);
			continue;
		}
		if (more && more != -ENOENT)
			return more;
		code = visit_all(reader, count, visit, context);
		memcpy(position, next, sizeof(position));
		begun = true;
	}
	return code ? code : more == -ENOENT ? 0 : more;
}

static int each_by_one(struct reader *reader, visit_entry visit, void *context)
{
	const void *before = NULL;
	uint8_t key[POSITION];
	int code = 0;

	for (uint32_t i = 0; i < reader->layout->max_entries && !code; i++) {
		if (bpf_map_get_next_key(reader->fd, before, reader->keys))
			break;
		memcpy(key, reader->keys, reader->layout->key_size);
		before = key;
		if (!bpf_map_lookup_elem(reader->fd, key, reader->values))
			code = visit(context, reader->keys, reader->values);
	}
	return code;
}

/* Visit each entry of map @fd; a non-zero return ends it. */
static int each(int fd, const struct sp_layout *layout, visit_entry visit, void *context)
{
	struct reader reader = {.fd = fd, .layout = layout};
	int code = layout->key_size <= POSITION ? make_room(&reader, BATCH) : -E2BIG;

	if (!code)
		code = each_in_batches(&reader, visit, context);
	if (code == -ENOTSUPP || code == -EOPNOTSUPP)
		code = each_by_one(&reader, visit, context);
	free(reader.keys);
	free(reader.values);
	return code;
}

/* --- from one map to another --- */

struct copy {
	int to;
	struct sp_layout old, new;
	struct sp_recast keys, values;
	uint8_t *key, *value; /* room for one of the new layout */
	uint64_t flags;       /* of bpf_map_update_elem */
	uint32_t added_bits;  /* garden: in front of each address */
};

static void close_copy(struct copy *copy)
{
	sp_recast_free(&copy->keys);
	sp_recast_free(&copy->values);
	sp_layout_free(&copy->old);
	sp_layout_free(&copy->new);
	free(copy->key);
	free(copy->value);
}

/* copy->new and copy->to are there. */
static int open_copy(struct copy *copy, int from)
{
	int code = sp_layout_of_fd(&copy->old, from);

	if (!code)
		code = sp_recast_make(&copy->keys, &copy->old, &copy->new, true);
	if (!code)
		code = sp_recast_make(&copy->values, &copy->old, &copy->new, false);
	copy->key = calloc(1, copy->new.key_size + 1);
	copy->value = calloc(1, copy->new.value_size + 1);
	/* The bits of an LPM key that are not in front of the address in the old one are all given,
	 * as zero: for the zone of version 3, which is then that of everybody. */
	if (copy->old.type == BPF_MAP_TYPE_LPM_TRIE && copy->new.key_size > copy->old.key_size)
		copy->added_bits = 8 * (copy->new.key_size - copy->old.key_size);
	return code ? code : copy->key && copy->value ? 0 : -ENOMEM;
}

static int recast(struct copy *copy, const void *key, const void *value)
{
	int code = sp_recast_apply(&copy->keys, key, copy->key);
	uint32_t bits;

	if (!code)
		code = sp_recast_apply(&copy->values, value, copy->value);
	if (copy->added_bits) {
		memcpy(&bits, copy->key, sizeof(bits));
		bits += copy->added_bits;
		memcpy(copy->key, &bits, sizeof(bits));
	}
	return code;
}

static int copy_entry(void *context, const void *key, const void *value)
{
	struct copy *copy = context;
	int code = recast(copy, key, value);

	if (!code)
		code = bpf_map_update_elem(copy->to, copy->key, copy->value, copy->flags);
	return code == -EEXIST ? 0 : code;
}

/* --- clients, and with them slots and usage --- */

struct sessions {
	struct copy copy;       /* of `clients` */
	struct sp_cells cells;  /* the old `usage` */
	struct sp_usage *usage; /* the new one; NULL: it is the old one */
	uint64_t *slots;        /* the new bits; NULL: they are the old ones */
	struct sp_carry_base *base;
	uint32_t count, max_clients;
	uint32_t free_slot; /* those below are taken */
	bool second;        /* the pass that gives slots to those whose own is beyond the end */
};

static int count_entry(void *context, const void *key, const void *value)
{
	(void)key;
	(void)value;
	(*(uint32_t *)context)++;
	return 0;
}

static bool take(struct sessions *sessions, uint32_t slot)
{
	uint64_t bit = UINT64_C(1) << slot % 64u;

	if (sessions->slots[slot / 64u] & bit)
		return false;
	sessions->slots[slot / 64u] |= bit;
	return true;
}

/* The slot of a client in the new maps: its own if there is such a one, else a free one. */
static int choose_slot(struct sessions *sessions, uint32_t own, uint32_t *slot)
{
	*slot = own;
	if (!sessions->slots)
		return 0;
	if (own < sessions->max_clients)
		return take(sessions, own) ? 0 : -EUCLEAN;
	while (sessions->free_slot < sessions->max_clients) {
		*slot = sessions->free_slot++;
		if (take(sessions, *slot))
			return 0;
	}
	return -ENOSPC;
}

static int copy_session(void *context, const void *key, const void *value)
{
	struct sessions *sessions = context;
	struct copy *copy = &sessions->copy;
	struct sp_client_policy policy;
	struct sp_carry_base *base;
	struct sp_usage cell;
	int code = recast(copy, key, value);

	memcpy(&policy, copy->value, sizeof(policy));
	/* First those that keep their slot. */
	if (!code && (policy.slot >= sessions->max_clients) != sessions->second)
		return 0;
	if (!code && sessions->count == sessions->max_clients)
		return -ENOSPC;
	base = &sessions->base[sessions->count];
	*base = (struct sp_carry_base){.from = policy.slot, .generation = policy.generation};
	if (!code)
		code = choose_slot(sessions, policy.slot, &base->to);
	if (code)
		return code;
	policy.slot = base->to;
	sp_cells_read(&sessions->cells, base->from, &cell);
	sp_carry_sides(&cell, policy.generation, &base->up, &base->down);
	sessions->count++;
	if (sessions->usage)
		sessions->usage[base->to] = cell;
	return copy->to < 0 ? 0 : bpf_map_update_elem(copy->to, copy->key, &policy, BPF_ANY);
}

/* --- all of them --- */

struct all {
	const struct sp_objects *objects;
	const struct bpf_object *object;
	const struct sp_instance *from, *to;
	const struct sp_config *config;
	char failed[32]; /* the map that could not be copied */
};

/* Those that are begun anew, or made in another way. */
static bool is_apart(const struct bpf_map *map)
{
	static const char *const apart[] = {"clients",   "usage",    "slots",      "reasons",
	                                    "locks",     "scratch",  "settings",   "flows",
	                                    "flow_tags", "flooders", "guests_seen"};
	const uint32_t type = bpf_map__type(map);

	for (unsigned i = 0; i < sizeof(apart) / sizeof(*apart); i++)
		if (!strcmp(bpf_map__name(map), apart[i]))
			return true;
	return bpf_map__is_internal(map) || type == BPF_MAP_TYPE_RINGBUF ||
	       type == BPF_MAP_TYPE_SOCKMAP;
}

static uint32_t id_of(int fd)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

/* The pinned map of @name, or a negative errno. */
static int pinned(const struct sp_instance *instance, const char *name)
{
	char path[SP_PIN_PATH];

	snprintf(path, sizeof(path), "%s/%s", instance->pins, name);
	return bpf_obj_get(path);
}

/* The old map of the name of @map; -ENOENT: there is none, or it is the same. */
static int old_of(const struct all *all, const struct bpf_map *map)
{
	int fd = pinned(all->from, bpf_map__name(map));

	if (fd < 0 || id_of(fd) != id_of(bpf_map__fd(map)))
		return fd;
	close(fd);
	return -ENOENT;
}

static int copy_map(const struct all *all, const struct bpf_map *map)
{
	struct copy copy = {.to = bpf_map__fd(map)};
	int from = old_of(all, map), code;

	if (from < 0)
		return from == -ENOENT ? 0 : from;
	sp_layout_of_map(&copy.new, all->object, map);
	code = open_copy(&copy, from);
	if (!code)
		code = each(from, &copy.old, copy_entry, &copy);
	close_copy(&copy);
	close(from);
	return code;
}

static int copy_others(struct all *all)
{
	const struct bpf_map *map;
	int code = 0;

	bpf_object__for_each_map(map, all->object)
	{
		if (!is_apart(map))
			code = copy_map(all, map);
		if (!code)
			continue;
		snprintf(all->failed, sizeof(all->failed), "%s", bpf_map__name(map));
		return code;
	}
	return 0;
}

static struct bpf_map *map_of(const struct all *all, const char *name)
{
	return bpf_object__find_map_by_name(all->object, name);
}

/* Whether another map of that name is pinned. */
static bool is_new(const struct all *all, const char *name)
{
	int fd = old_of(all, map_of(all, name));

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* With what this version adds: from the configuration, as for a first `up`. */
static int copy_settings(const struct all *all)
{
	const struct bpf_map *map = map_of(all, "settings");
	struct copy copy = {.to = bpf_map__fd(map)};
	struct sp_settings settings;
	uint32_t key = 0;
	uint8_t *old = NULL;
	int from = old_of(all, map), code;

	if (from < 0)
		return from == -ENOENT ? 0 : from;
	sp_layout_of_map(&copy.new, all->object, map);
	code = open_copy(&copy, from);
	if (!code)
		old = calloc(1, copy.old.value_size);
	if (!code)
		code = old ? bpf_map_lookup_elem(from, &key, old) : -ENOMEM;
	if (!code)
		code = sp_recast_apply(&copy.values, old, &settings);
	settings.abi_version = SP_ABI_VERSION;
	settings.hz = all->objects->hz;
	/* The sockets of the old map are not in a new one. */
	if (is_new(all, "listeners"))
		settings.workers = 0;
	if (!code)
		code = sp_settings_fill(&settings, all->config);
	if (!code)
		code = bpf_map_update_elem(copy.to, &key, &settings, BPF_ANY);
	free(old);
	close_copy(&copy);
	close(from);
	return code;
}

/* A map `base` for @count sessions, pinned and mapped. */
static int make_base(const struct all *all, uint32_t count, struct sp_carry_base **base)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	char path[SP_PIN_PATH];
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, SP_PIN_BASE, sizeof(uint32_t), sizeof(**base),
	                        count ? count : 1, &options);
	void *memory;
	int code;

	if (fd < 0)
		return fd;
	snprintf(path, sizeof(path), "%s/" SP_PIN_BASE, all->to->pins);
	memory = mmap(NULL, (count ? count : 1) * sizeof(**base), PROT_READ | PROT_WRITE,
	              MAP_SHARED, fd, 0);
	code = memory == MAP_FAILED ? -errno : sp_pin(fd, path, NULL);
	if (code && memory != MAP_FAILED)
		munmap(memory, (count ? count : 1) * sizeof(**base));
	close(fd);
	*base = code ? NULL : memory;
	return code;
}

/* @size bytes of the new map @name, of which nothing is in use; NULL if it is the old one. */
static int map_new(const struct all *all, const char *name, size_t size, void **memory)
{
	*memory = NULL;
	if (!is_new(all, name))
		return 0;
	*memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
	               bpf_map__fd(map_of(all, name)), 0);
	if (*memory != MAP_FAILED)
		return 0;
	*memory = NULL;
	return -errno;
}

static size_t slots_size(const struct sessions *sessions)
{
	return SP_SLOT_WORDS((size_t)sessions->max_clients) * sizeof(uint64_t);
}

static size_t usage_size(const struct sessions *sessions)
{
	return sessions->max_clients * sizeof(struct sp_usage);
}

static int open_sessions(const struct all *all, struct sessions *sessions, int clients)
{
	struct sp_layout own;
	void *usage = NULL, *slots = NULL;
	int old_usage = pinned(all->from, "usage");
	int code = old_usage < 0 ? old_usage : 0;

	sp_layout_of_map(&sessions->copy.new, all->object, map_of(all, "clients"));
	sp_layout_of_map(&own, all->object, map_of(all, "usage"));
	if (!code)
		code = open_copy(&sessions->copy, clients);
	if (!code)
		code = sp_cells_open(&sessions->cells, old_usage, &own);
	if (!code)
		code = map_new(all, "usage", usage_size(sessions), &usage);
	sessions->usage = usage;
	if (!code)
		code = map_new(all, "slots", slots_size(sessions), &slots);
	sessions->slots = slots;
	if (old_usage >= 0)
		close(old_usage);
	return code;
}

static void close_sessions(struct sessions *sessions, uint32_t count)
{
	if (sessions->slots)
		munmap(sessions->slots, slots_size(sessions));
	if (sessions->usage)
		munmap(sessions->usage, usage_size(sessions));
	if (sessions->base)
		munmap(sessions->base, (count ? count : 1) * sizeof(*sessions->base));
	sp_cells_close(&sessions->cells);
	close_copy(&sessions->copy);
}

/* First those that keep their slots, then those whose own is beyond the end of the new map. */
static int walk_sessions(struct sessions *sessions, int clients)
{
	int code = each(clients, &sessions->copy.old, copy_session, sessions);

	sessions->second = true;
	return code ? code : each(clients, &sessions->copy.old, copy_session, sessions);
}

static int copy_sessions(struct all *all, struct sp_error *err)
{
	struct sessions sessions = {.max_clients = all->config->max_clients};
	int clients = pinned(all->from, "clients"), code = clients < 0 ? clients : 0;
	uint32_t count = 0;

	snprintf(all->failed, sizeof(all->failed), "clients");
	sessions.copy.to = is_new(all, "clients") ? bpf_map__fd(map_of(all, "clients")) : -1;
	if (!code)
		code = open_sessions(all, &sessions, clients);
	if (!code)
		code = each(clients, &sessions.copy.old, count_entry, &count);
	if (!code && count > sessions.max_clients)
		code = sp_fail(err, -ENOSPC, SP_EXIT_FAILED,
		               "max_clients is %u, and %u clients are there: remove some "
		               "(`sallyport client remove`), or raise it",
		               sessions.max_clients, count);
	else if (!code)
		code = make_base(all, count, &sessions.base);
	if (!code)
		code = walk_sessions(&sessions, clients);
	close_sessions(&sessions, count);
	if (clients >= 0)
		close(clients);
	return code;
}

int sp_carry_copy(const struct sp_objects *objects, const struct sp_instance *from,
                  const struct sp_instance *to, const struct sp_config *config,
                  struct sp_error *err)
{
	struct all all = {
		.objects = objects,
		.object = sp_objects_maps(objects),
		.from = from,
		.to = to,
		.config = config,
		.failed = "settings",
	};
	struct sp_error why = {.text = ""};
	int code = copy_settings(&all);

	if (!code)
		code = copy_sessions(&all, &why);
	if (!code)
		code = copy_others(&all);
	if (code && why.text[0] && err)
		*err = why;
	else if (code)
		sp_fail(err, code, SP_EXIT_FAILED,
		        "cannot carry the map %s of instance %s over to this version: %s; nothing "
		        "was changed",
		        all.failed, from->name, strerror(-code));
	return code;
}

/* --- what came meanwhile --- */

static int copy_new_of(const struct sp_instance *from, const struct sp_instance *to,
                       const char *name)
{
	struct copy copy = {.to = pinned(to, name), .flags = BPF_NOEXIST};
	int old = pinned(from, name), code = 0;

	if (old >= 0 && copy.to >= 0 && id_of(old) != id_of(copy.to)) {
		code = sp_layout_of_fd(&copy.new, copy.to);
		if (!code)
			code = open_copy(&copy, old);
		if (!code)
			code = each(old, &copy.old, copy_entry, &copy);
		close_copy(&copy);
	}
	if (old >= 0)
		close(old);
	if (copy.to >= 0)
		close(copy.to);
	return code;
}

int sp_carry_copy_new(const struct sp_instance *from, const struct sp_instance *to,
                      struct sp_error *err)
{
	static const char *const names[] = {"origins", "captures", "guests", "queries"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int code = copy_new_of(from, to, names[i]);

		if (code)
			return sp_fail(err, code, SP_EXIT_FAILED, "cannot carry %s/%s over: %s",
			               from->pins, names[i], strerror(-code));
	}
	return 0;
}
