/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "instance.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/magic.h>

#include "clock.skel.h"

static const char *const pins[] = {"clients", "usage",     "slots",       "settings",
                                   "reasons", "listeners", "origins",     "clock",
                                   "garden4", "garden6",   "garden_seen", "garden_names",
                                   "answers", "zones",     "zone_names",  "budgets"};
#define PIN_COUNT (sizeof(pins) / sizeof(pins[0]))

const char *sp_test_pin_path(const struct sp_instance *instance, const char *pin)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", instance->pins, pin);
	return path;
}

void sp_test_unpin(const struct sp_instance *instance)
{
	for (size_t i = 0; i < PIN_COUNT; i++)
		unlink(sp_test_pin_path(instance, pins[i]));
	rmdir(instance->pins);
}

void sp_test_pin_map(const struct sp_instance *instance, enum bpf_map_type type, const char *name,
                     size_t key_size, size_t value_size, uint32_t entries, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int fd = bpf_map_create(type, name, (uint32_t)key_size, (uint32_t)value_size, entries,
	                        &opts);

	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_pin(fd, sp_test_pin_path(instance, name)), 0);
	close(fd);
}

static void pin_clock(const struct sp_instance *instance)
{
	struct sp_clock_bpf *skeleton = sp_clock_bpf__open_and_load();

	assert_non_null(skeleton);
	assert_int_equal(bpf_program__pin(skeleton->progs.sallyport_clock,
	                                  sp_test_pin_path(instance, "clock")),
	                 0);
	sp_clock_bpf__destroy(skeleton);
}

void sp_test_write_settings(const struct sp_instance *instance, const struct sp_settings *settings)
{
	uint32_t key = 0;
	int fd = bpf_obj_get(sp_test_pin_path(instance, "settings"));

	assert_true(fd >= 0);
	assert_int_equal(bpf_map_update_elem(fd, &key, settings, BPF_ANY), 0);
	close(fd);
}

void sp_test_pin_all(const struct sp_instance *instance, uint32_t entries)
{
	assert_int_equal(mkdir(instance->pins, 0700), 0);
	sp_test_pin_map(instance, BPF_MAP_TYPE_HASH, "clients", sizeof(struct sp_client_key),
	                sizeof(struct sp_client_policy), entries, 0);
	sp_test_pin_map(instance, BPF_MAP_TYPE_ARRAY, "usage", 4, sizeof(struct sp_usage), entries,
	                BPF_F_MMAPABLE);
	sp_test_pin_map(instance, BPF_MAP_TYPE_ARRAY, "slots", 4, 8, SP_SLOT_WORDS(entries),
	                BPF_F_MMAPABLE);
	sp_test_pin_map(instance, BPF_MAP_TYPE_ARRAY, "settings", 4, sizeof(struct sp_settings), 1,
	                0);
	sp_test_pin_map(instance, BPF_MAP_TYPE_PERCPU_ARRAY, "reasons", 4, sizeof(struct sp_count),
	                SP_MAX_REASONS, 0);
	sp_test_pin_map(instance, BPF_MAP_TYPE_SOCKMAP, "listeners", 4, 8, SP_LISTENERS_SIZE, 0);
	sp_test_pin_map(instance, BPF_MAP_TYPE_LRU_HASH, "origins", sizeof(struct sp_origin_key),
	                sizeof(struct sp_origin), 1024, 0);
	sp_test_pin_map(instance, BPF_MAP_TYPE_LPM_TRIE, "garden4", sizeof(struct sp_garden4_key),
	                sizeof(struct sp_garden), 16, BPF_F_NO_PREALLOC);
	sp_test_pin_map(instance, BPF_MAP_TYPE_LPM_TRIE, "garden6", sizeof(struct sp_garden6_key),
	                sizeof(struct sp_garden), 16, BPF_F_NO_PREALLOC);
	sp_test_pin_map(instance, BPF_MAP_TYPE_ARRAY, "garden_seen", 4,
	                sizeof(struct sp_garden_seen), 16, 0);
	sp_test_pin_map(instance, BPF_MAP_TYPE_HASH, "garden_names",
	                sizeof(struct sp_garden_name_key), sizeof(struct sp_garden_name), 16, 0);
	sp_test_pin_map(instance, BPF_MAP_TYPE_RINGBUF, "answers", 0, 0, 4096, 0);
	sp_test_pin_map(instance, BPF_MAP_TYPE_ARRAY, "budgets", 4, sizeof(struct sp_total),
	                SP_TOTALS, 0);
	sp_test_pin_map(instance, BPF_MAP_TYPE_HASH, "zones", sizeof(struct sp_zone_key), 4, 16, 0);
	sp_test_pin_map(instance, BPF_MAP_TYPE_ARRAY, "zone_names", 4, sizeof(struct sp_zone_name),
	                SP_ZONES, 0);
	pin_clock(instance);
	sp_test_write_settings(instance,
	                       &(struct sp_settings){.abi_version = SP_ABI_VERSION, .hz = 250});
}

static bool bpffs_is_mounted(void)
{
	struct statfs fs;

	return statfs("/sys/fs/bpf", &fs) == 0 && fs.f_type == BPF_FS_MAGIC;
}

static int wait_for(pid_t pid)
{
	int status = 1;

	if (pid > 0)
		waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int sp_test_remember(struct sp_instance *instance, struct sp_maps *maps, const char *where,
                     uint32_t entries)
{
	struct sp_error error;

	snprintf(instance->state, sizeof(instance->state), "%s/sallyport-test.XXXXXX", where);
	if (!mkdtemp(instance->state))
		return -1;
	sp_test_pin_all(instance, entries);
	if (sp_maps_open(maps, instance, &error))
		fail_msg("%s", error.text);
	maps->remember = true;
	return 0;
}

int sp_test_forget(const struct sp_instance *instance, struct sp_maps *maps)
{
	DIR *folder = opendir(instance->state);
	struct dirent *entry;

	sp_maps_close(maps);
	sp_test_unpin(instance);
	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
	return rmdir(instance->state);
}

int sp_test_run_apart(struct sp_instance *instance, int (*run)(void))
{
	unsigned number;
	char name[SP_INSTANCE_NAME];
	pid_t pid;
	int result;

	if (geteuid() != 0 || !bpffs_is_mounted()) {
		fprintf(stderr, "this test needs root and a bpffs: run it as root after "
		                "`mount -t bpf bpf /sys/fs/bpf`\n");
		return 1;
	}
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return 1;
	snprintf(name, sizeof(name), "test-%08x", number);
	if (sp_instance_init(instance, name, NULL))
		return 1;
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	pid = fork();
	if (pid == 0) {
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		_exit(run());
	}
	result = wait_for(pid);
	sp_test_unpin(instance);
	return result;
}
