/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/maps.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "lib/ledger.h"
#include "lib/session_gather.h"
#include "lib/settings.h"

/* What is expected of each pinned map; 0: not checked. */
struct expected {
	const char *name;
	size_t fd; /* where in struct sp_maps the descriptor goes */
	uint32_t type, key_size, value_size;
};

/* `settings` comes first: it tells the ABI version. */
static const struct expected expected_maps[] = {
	{"settings", offsetof(struct sp_maps, settings), BPF_MAP_TYPE_ARRAY, 4,
         sizeof(struct sp_settings)},
	{"clients", offsetof(struct sp_maps, clients), BPF_MAP_TYPE_HASH,
         sizeof(struct sp_client_key), sizeof(struct sp_client_policy)},
	{"usage", offsetof(struct sp_maps, usage), BPF_MAP_TYPE_ARRAY, 4, sizeof(struct sp_usage)},
	{"slots", offsetof(struct sp_maps, slots), BPF_MAP_TYPE_ARRAY, 4, sizeof(uint64_t)},
	{"origins", offsetof(struct sp_maps, origins), BPF_MAP_TYPE_LRU_HASH,
         sizeof(struct sp_origin_key), sizeof(struct sp_origin)},
	{"reasons", offsetof(struct sp_maps, reasons), BPF_MAP_TYPE_PERCPU_ARRAY, 4,
         sizeof(struct sp_count)},
	{"garden4", offsetof(struct sp_maps, garden4), BPF_MAP_TYPE_LPM_TRIE,
         sizeof(struct sp_garden4_key), sizeof(struct sp_garden)},
	{"garden6", offsetof(struct sp_maps, garden6), BPF_MAP_TYPE_LPM_TRIE,
         sizeof(struct sp_garden6_key), sizeof(struct sp_garden)},
	{"garden_seen", offsetof(struct sp_maps, garden_seen), BPF_MAP_TYPE_ARRAY, 4,
         sizeof(struct sp_garden_seen)},
	{"garden_names", offsetof(struct sp_maps, garden_names), BPF_MAP_TYPE_HASH,
         sizeof(struct sp_garden_name_key), sizeof(struct sp_garden_name)},
	{"budgets", offsetof(struct sp_maps, budgets), BPF_MAP_TYPE_ARRAY, 4,
         sizeof(struct sp_total)},
	{"zones", offsetof(struct sp_maps, zones), BPF_MAP_TYPE_HASH, sizeof(struct sp_zone_key),
         sizeof(uint32_t)},
	{"zone_names", offsetof(struct sp_maps, zone_names), BPF_MAP_TYPE_ARRAY, 4,
         sizeof(struct sp_zone_name)},
	{"answers", offsetof(struct sp_maps, answers), BPF_MAP_TYPE_RINGBUF, 0, 0},
	{"listeners", offsetof(struct sp_maps, listeners), BPF_MAP_TYPE_SOCKMAP, 4, 0},
};

#define MAP_COUNT (sizeof(expected_maps) / sizeof(expected_maps[0]))

static int *descriptor(struct sp_maps *maps, size_t offset)
{
	return (int *)(void *)((char *)maps + offset);
}

static int not_loaded(const struct sp_maps *maps, int code, struct sp_error *err)
{
	return sp_fail(err, code, SP_EXIT_NOT_LOADED,
	               "instance %s is not loaded: no maps in %s; run `sallyport up` first",
	               maps->instance.name, maps->instance.pins);
}

static int no_permission(const struct sp_maps *maps, int code, struct sp_error *err)
{
	return sp_fail(err, code, SP_EXIT_PERMISSION,
	               "instance %s: no permission to open its maps in %s; run this as root",
	               maps->instance.name, maps->instance.pins);
}

static int other_version(const struct sp_maps *maps, uint32_t version, struct sp_error *err)
{
	return sp_fail(err, -EPROTONOSUPPORT, SP_EXIT_FAILED,
	               "instance %s was loaded by a sallyport with maps of version %u, this one "
	               "has version %u: run `sallyport up` with this one (sessions go on), or use "
	               "the one that loaded it",
	               maps->instance.name, version, SP_ABI_VERSION);
}

static int broken(const struct sp_maps *maps, int code, const char *pin, const char *what,
                  struct sp_error *err)
{
	return sp_fail(err, code, SP_EXIT_FAILED,
	               "%s/%s: %s; run `sallyport down`, then `sallyport up` (sessions end)",
	               maps->instance.pins, pin, what);
}

static int open_directory(struct sp_maps *maps, struct sp_error *err)
{
	maps->directory = open(maps->instance.pins, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (maps->directory >= 0)
		return 0;
	if (errno == ENOENT)
		return not_loaded(maps, -ENOENT, err);
	if (errno == EACCES || errno == EPERM)
		return no_permission(maps, -errno, err);
	return sp_fail(err, -errno, SP_EXIT_FAILED, "%s: %s", maps->instance.pins, strerror(errno));
}

static int open_pin(const struct sp_maps *maps, const char *name, int *fd, struct sp_error *err)
{
	char path[SP_INSTANCE_PATH + 16];
	int result;

	snprintf(path, sizeof(path), "%s/%s", maps->instance.pins, name);
	result = bpf_obj_get(path);
	if (result >= 0) {
		*fd = result;
		return 0;
	}
	if (result == -EACCES || result == -EPERM)
		return no_permission(maps, result, err);
	if (result == -ENOENT && !strcmp(name, expected_maps[0].name))
		return not_loaded(maps, result, err);
	return broken(maps, result, name, strerror(-result), err);
}

/* Read `settings`, whatever its size, for the version in front. */
static int check_version(struct sp_maps *maps, uint32_t value_size, struct sp_error *err)
{
	union {
		struct sp_settings settings;
		char room[SP_SETTINGS_ROOM];
	} value = {0};
	uint32_t key = 0;
	int result;

	if (value_size < sizeof(uint32_t) || value_size > sizeof(value))
		return broken(maps, -EPROTO, "settings", "not a map of sallyport", err);
	result = bpf_map_lookup_elem(maps->settings, &key, &value);
	if (result)
		return broken(maps, result, "settings", strerror(-result), err);
	if (value.settings.abi_version != SP_ABI_VERSION)
		return other_version(maps, value.settings.abi_version, err);
	maps->loaded = value.settings;
	return 0;
}

static int open_map(struct sp_maps *maps, const struct expected *expected,
                    struct bpf_map_info *info, struct sp_error *err)
{
	int *fd = descriptor(maps, expected->fd);
	uint32_t size = sizeof(*info);
	int result = open_pin(maps, expected->name, fd, err);

	if (result)
		return result;
	memset(info, 0, sizeof(*info));
	result = bpf_obj_get_info_by_fd(*fd, info, &size);
	if (result)
		return broken(maps, result, expected->name, strerror(-result), err);
	if (expected->fd == offsetof(struct sp_maps, settings)) {
		result = check_version(maps, info->value_size, err);
		if (result)
			return result;
	}
	if (info->type != expected->type || info->key_size != expected->key_size ||
	    (expected->value_size && info->value_size != expected->value_size))
		return broken(maps, -EPROTO, expected->name,
		              "not the map of this name that sallyport makes", err);
	return 0;
}

/* @maps->max_clients is that of `clients`, which is opened before those two. */
static int check_entries(struct sp_maps *maps, const struct expected *expected,
                         const struct bpf_map_info *info, struct sp_error *err)
{
	uint32_t least = 0;

	if (expected->fd == offsetof(struct sp_maps, clients))
		maps->max_clients = info->max_entries;
	else if (expected->fd == offsetof(struct sp_maps, usage))
		least = maps->max_clients;
	else if (expected->fd == offsetof(struct sp_maps, slots))
		least = SP_SLOT_WORDS(maps->max_clients);
	if (info->max_entries < least)
		return broken(maps, -EPROTO, expected->name, "smaller than `clients` asks for",
		              err);
	return 0;
}

static int map_memory(const struct sp_maps *maps, const char *pin, int fd, size_t size, int access,
                      void **memory, struct sp_error *err)
{
	*memory = mmap(NULL, size, access, MAP_SHARED, fd, 0);
	if (*memory != MAP_FAILED)
		return 0;
	*memory = NULL;
	return sp_fail(err, -errno, errno == EPERM ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
	               "%s/%s: mmap of %zu bytes: %s", maps->instance.pins, pin, size,
	               strerror(errno));
}

static size_t usage_size(const struct sp_maps *maps)
{
	return (size_t)maps->max_clients * sizeof(struct sp_usage);
}

static size_t slots_size(const struct sp_maps *maps)
{
	return SP_SLOT_WORDS((size_t)maps->max_clients) * sizeof(uint64_t);
}

static int open_all(struct sp_maps *maps, struct sp_error *err)
{
	struct bpf_map_info info;
	void *slots = NULL;
	int result = open_directory(maps, err);

	for (size_t i = 0; !result && i < MAP_COUNT; i++) {
		result = open_map(maps, &expected_maps[i], &info, err);
		if (!result)
			result = check_entries(maps, &expected_maps[i], &info, err);
	}
	if (!result)
		result = open_pin(maps, "clock", &maps->clock, err);
	if (!result)
		result = map_memory(maps, "slots", maps->slots, slots_size(maps),
		                    PROT_READ | PROT_WRITE, &slots, err);
	maps->slot_words = slots;
	return result;
}

int sp_maps_open(struct sp_maps *maps, const struct sp_instance *instance, struct sp_error *err)
{
	int result;

	*maps = (struct sp_maps){.instance = *instance, .clock = -1, .directory = -1};
	for (size_t i = 0; i < MAP_COUNT; i++)
		*descriptor(maps, expected_maps[i].fd) = -1;
	result = open_all(maps, err);
	if (result)
		sp_maps_close(maps);
	return result;
}

static void close_descriptor(int fd)
{
	if (fd >= 0)
		close(fd);
}

void sp_maps_close(struct sp_maps *maps)
{
	/* In a zeroed struct the descriptors are 0, which is not ours to close. */
	if (!maps->instance.name[0])
		return;
	sp_ledger_close(maps->ledger);
	sp_gathering_free(maps->gathering);
	if (maps->usage_cells)
		munmap((void *)(uintptr_t)maps->usage_cells, usage_size(maps));
	if (maps->slot_words)
		munmap(maps->slot_words, slots_size(maps));
	for (size_t i = 0; i < MAP_COUNT; i++)
		close_descriptor(*descriptor(maps, expected_maps[i].fd));
	close_descriptor(maps->clock);
	close_descriptor(maps->directory);
	*maps = (struct sp_maps){0};
}

int sp_maps_map_usage(struct sp_maps *maps, struct sp_error *err)
{
	void *usage = NULL;
	int result = 0;

	if (!maps->usage_cells)
		result = map_memory(maps, "usage", maps->usage, usage_size(maps), PROT_READ, &usage,
		                    err);
	if (usage)
		maps->usage_cells = usage;
	return result;
}

/* The kernel writes along: each word is read once, in the order in which bpf_map_lookup_elem copies
 * them, the generation first. */
static void copy_cell(const volatile struct sp_usage *from, struct sp_usage *cell)
{
	const volatile uint64_t *word = (const volatile uint64_t *)(const volatile void *)from;
	uint64_t copy[sizeof(*cell) / sizeof(uint64_t)] = {0};

	for (size_t i = 0; i < sizeof(copy) / sizeof(copy[0]); i++)
		copy[i] = word[i];
	memcpy(cell, copy, sizeof(copy));
}

bool sp_maps_usage(const struct sp_maps *maps, uint32_t slot, struct sp_usage *cell)
{
	if (slot >= maps->max_clients)
		return false;
	if (!maps->usage_cells)
		return !bpf_map_lookup_elem(maps->usage, &slot, cell);
	copy_cell(&maps->usage_cells[slot], cell);
	return true;
}

bool sp_maps_current(const struct sp_maps *maps)
{
	struct stat named, opened;

	return !fstat(maps->directory, &opened) && !stat(maps->instance.pins, &named) &&
	       named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

int sp_maps_lock(const struct sp_maps *maps, struct sp_error *err)
{
	while (flock(maps->directory, LOCK_EX)) {
		if (errno != EINTR)
			return sp_fail(err, -errno, SP_EXIT_FAILED, "%s: cannot lock: %s",
			               maps->instance.pins, strerror(errno));
	}
	if (sp_maps_current(maps))
		return 0;
	sp_maps_unlock(maps);
	return sp_fail(
		err, -ESTALE, SP_EXIT_FAILED,
		"instance %s was taken down or got new maps (`sallyport up`) at this moment: "
		"nothing was changed; try again",
		maps->instance.name);
}

void sp_maps_unlock(const struct sp_maps *maps)
{
	int saved = errno;

	flock(maps->directory, LOCK_UN);
	errno = saved;
}

int sp_maps_set(const struct sp_maps *maps, size_t offset, uint32_t value, struct sp_error *err)
{
	struct sp_settings settings;
	uint32_t key = 0;
	int result = sp_maps_lock(maps, err);

	if (result)
		return result;
	result = bpf_map_lookup_elem(maps->settings, &key, &settings);
	if (!result) {
		memcpy((char *)&settings + offset, &value, sizeof(value));
		result = bpf_map_update_elem(maps->settings, &key, &settings, BPF_EXIST);
	}
	sp_maps_unlock(maps);
	if (result)
		return sp_fail(err, result, SP_EXIT_FAILED, "%s/settings: %s", maps->instance.pins,
		               strerror(-result));
	return 0;
}
