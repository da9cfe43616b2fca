/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/pages.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct sp_own_pages sp_pages_own(const struct sp_config *config, unsigned zone)
{
	const char *common = config->zone[0].pages, *own = config->zone[zone].pages;

	return (struct sp_own_pages){{common, strcmp(common, own) != 0 ? own : NULL}};
}

int sp_pages_load(struct sp_pages *pages, const char *directory, const struct sp_own_pages *own,
                  struct sp_error *err)
{
	int ret;

	*pages = (struct sp_pages){0};
	ret = sp_catalogue_load(&pages->catalogue, directory, own, err);
	if (!ret)
		ret = sp_frame_load(&pages->frame, directory, own, err);
	if (!ret)
		ret = sp_asset_style(&pages->style, directory, own, err);
	if (!ret)
		ret = sp_asset_logo(&pages->logo, own, err);
	if (ret)
		sp_pages_free(pages);
	return ret;
}

void sp_pages_free(struct sp_pages *pages)
{
	sp_asset_free(&pages->logo);
	sp_asset_free(&pages->style);
	sp_frame_free(&pages->frame);
	sp_catalogue_free(&pages->catalogue);
}

/* Whether the pages of zone number @zone are its own. */
static bool has_own(const struct sp_config *config, unsigned zone)
{
	return zone == 0 || strcmp(config->zone[0].pages, config->zone[zone].pages) != 0;
}

int sp_pages_check(const char *directory, const struct sp_config *config, struct sp_error *err)
{
	static struct sp_pages pages;
	int ret = 0;

	for (unsigned i = 0; i < config->zone_count && !ret; i++) {
		const struct sp_own_pages own = sp_pages_own(config, i);

		if (!has_own(config, i))
			continue;
		ret = sp_pages_load(&pages, directory, &own, err);
		sp_pages_free(&pages);
	}
	return ret;
}

/* FNV-1a of the bytes, begun with @seed. */
static uint64_t mix(uint64_t seed, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		seed = (seed ^ bytes[i]) * 0x100000001b3u;
	return seed;
}

static uint64_t stamp_file(int folder, const char *name)
{
	uint64_t stamp = mix(0xcbf29ce484222325u, name, strlen(name));
	struct stat status;

	if (fstatat(folder, name, &status, 0) || !S_ISREG(status.st_mode))
		return 0;
	stamp = mix(stamp, &status.st_ino, sizeof(status.st_ino));
	stamp = mix(stamp, &status.st_size, sizeof(status.st_size));
	stamp = mix(stamp, &status.st_mtim, sizeof(status.st_mtim));
	return mix(stamp, &status.st_ctim, sizeof(status.st_ctim));
}

/* The sum, since a folder has no order. */
static uint64_t stamp_folder(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	uint64_t stamp = 0;

	if (!folder)
		return 0;
	while ((entry = readdir(folder)))
		stamp += stamp_file(dirfd(folder), entry->d_name);
	closedir(folder);
	return stamp;
}

uint64_t sp_pages_stamp(const char *directory, const struct sp_config *config)
{
	char pages[PATH_MAX];
	uint64_t stamp;

	snprintf(pages, sizeof(pages), "%s/pages", directory);
	stamp = stamp_folder(directory) + stamp_folder(pages);
	for (unsigned i = 0; i < config->zone_count; i++)
		if (has_own(config, i) && config->zone[i].pages[0])
			stamp = mix(stamp, &i, sizeof(i)) + stamp_folder(config->zone[i].pages);
	return stamp;
}
