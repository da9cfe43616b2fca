/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/applied.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/rundir.h"

#define PATH_SIZE (SP_INSTANCE_PATH + 16)

static void path_of(const struct sp_instance *instance, char path[PATH_SIZE])
{
	snprintf(path, PATH_SIZE, "%s/applied", instance->run);
}

/* inih: into an object of objects of texts. 1: go on. */
static int take(void *context, const char *section, const char *key, const char *value)
{
	json_t *file = context, *entries = json_object_get(file, section);
	const char *before;

	if (!entries) {
		entries = json_object();
		if (json_object_set_new(file, section, entries))
			return 0;
	}
	before = json_string_value(json_object_get(entries, key));
	return !json_object_set_new(
		entries, key, before ? json_sprintf("%s, %s", before, value) : json_string(value));
}

/* What the file at @path says; NULL: it cannot be read. */
static json_t *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	json_t *result = json_object();

	if (!file || ini_parse_file(file, take, result) < 0) {
		json_decref(result);
		result = NULL;
	}
	if (file)
		fclose(file);
	return result;
}

static void add(json_t *changes, const char *section, const char *key, json_t *from, json_t *to)
{
	if (from && to && json_equal(from, to))
		return;
	json_array_append_new(changes, json_pack("{s:s, s:s, s:O?, s:O?}", "section", section,
	                                         "key", key, "from", from, "to", to));
}

/* Each key of @mine, compared with @theirs; with @only, those that @theirs has not. */
static void compare(json_t *changes, json_t *mine, json_t *theirs, bool only)
{
	const char *section, *key;
	json_t *entries, *value;

	json_object_foreach(mine, section, entries)
	{
		json_object_foreach(entries, key, value)
		{
			json_t *other = json_object_get(json_object_get(theirs, section), key);

			if (!only)
				add(changes, section, key, value, other);
			else if (!other)
				add(changes, section, key, NULL, value);
		}
	}
}

json_t *sp_applied_changes(const struct sp_instance *instance, const char *path)
{
	json_t *before, *now, *changes = NULL;
	char applied[PATH_SIZE];

	path_of(instance, applied);
	before = read_file(applied);
	now = read_file(path);
	if (before && now) {
		changes = json_array();
		compare(changes, before, now, false);
		compare(changes, now, before, true);
	}
	json_decref(before);
	json_decref(now);
	return changes;
}

int sp_applied_read(const struct sp_instance *instance, struct sp_config *config)
{
	char applied[PATH_SIZE], path[sizeof(config->path)];
	FILE *file;
	int code;

	path_of(instance, applied);
	sp_run_config(instance, path, sizeof(path));
	file = path[0] ? fopen(applied, "re") : NULL;
	if (!file)
		return -ENOENT;
	sp_config_defaults(config);
	code = sp_config_read(config, file, path, NULL, NULL);
	fclose(file);
	/* What it names is found from where it was. */
	memcpy(config->path, path, sizeof(path));
	return code;
}

static int copy(int from, int to)
{
	char bytes[4096];
	ssize_t length;

	while ((length = read(from, bytes, sizeof(bytes))) > 0)
		if (write(to, bytes, (size_t)length) != length)
			return -EIO;
	return length < 0 ? -errno : 0;
}

void sp_applied_keep(const struct sp_instance *instance, const char *path)
{
	char applied[PATH_SIZE], temporary[PATH_SIZE + 4];
	int from, to;

	path_of(instance, applied);
	snprintf(temporary, sizeof(temporary), "%s.new", applied);
	from = open(path, O_RDONLY | O_CLOEXEC);
	to = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (from < 0 || to < 0 || copy(from, to) || rename(temporary, applied))
		unlink(temporary);
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
}
