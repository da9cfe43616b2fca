/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const known[] = {
	"config",       "config.new", "dataplane",   "dataplane.new",   "sallyportd.pid",
	"empty",        "events",     "certificate", "certificate.new", "reloaded",
	"reloaded.new", "applied",    "applied.new", "metrics",         "metrics.sock"};
#define KNOWN (sizeof(known) / sizeof(known[0]))

int sp_run_make(const struct sp_instance *instance, struct sp_error *err)
{
	if (mkdir(instance->run, 0755) == 0 || errno == EEXIST)
		return 0;
	return sp_fail(err, -errno, errno == EACCES ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
	               "cannot make the directory %s: %s", instance->run, strerror(errno));
}

static bool is_known(const char *name)
{
	for (unsigned i = 0; i < KNOWN; i++)
		if (!strcmp(name, known[i]))
			return true;
	return !strcmp(name, ".") || !strcmp(name, "..");
}

int sp_run_check(const struct sp_instance *instance, struct sp_error *err)
{
	const struct dirent *entry;
	DIR *directory = opendir(instance->run);
	int code = 0;

	if (!directory)
		return errno == ENOENT ? 0
		                       : sp_fail(err, -errno, SP_EXIT_FAILED, "cannot read %s: %s",
		                                 instance->run, strerror(errno));
	while (!code && (entry = readdir(directory)))
		if (!is_known(entry->d_name))
			code = sp_fail(err, -EEXIST, SP_EXIT_FAILED,
			               "%s holds %s, which is not Sallyport's: choose another "
			               "instance name (-I)",
			               instance->run, entry->d_name);
	closedir(directory);
	return code;
}

int sp_run_remove(const struct sp_instance *instance, struct sp_error *err)
{
	char path[SP_INSTANCE_PATH + 32];
	int code = 0;

	for (unsigned i = 0; i < KNOWN; i++) {
		snprintf(path, sizeof(path), "%s/%s", instance->run, known[i]);
		if (remove(path) && errno != ENOENT)
			code = sp_fail(err, -errno, SP_EXIT_FAILED, "cannot remove %s: %s", path,
			               strerror(errno));
	}
	/* EBUSY, ENOTEMPTY: somebody else's directory or files, which stay. */
	rmdir(instance->run);
	return code;
}

int sp_run_set_config(const struct sp_instance *instance, const char *path, struct sp_error *err)
{
	char link[SP_INSTANCE_PATH + 16], temporary[SP_INSTANCE_PATH + 16];
	int code = 0;

	snprintf(link, sizeof(link), "%s/config", instance->run);
	snprintf(temporary, sizeof(temporary), "%s/config.new", instance->run);
	if (unlink(temporary) && errno != ENOENT)
		code = -errno;
	else if (!path[0])
		code = unlink(link) && errno != ENOENT ? -errno : 0;
	else if (symlink(path, temporary) || rename(temporary, link))
		code = -errno;
	if (code)
		return sp_fail(err, code, SP_EXIT_FAILED, "cannot set %s: %s", link,
		               strerror(-code));
	return 0;
}

void sp_run_config(const struct sp_instance *instance, char *path, size_t size)
{
	char link[SP_INSTANCE_PATH + 16];
	ssize_t length;

	snprintf(link, sizeof(link), "%s/config", instance->run);
	length = readlink(link, path, size - 1);
	path[length < 0 ? 0 : length] = '\0';
}
