/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/netns.h"

#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NAMED "/run/netns/"

uint64_t sp_netns(void)
{
	struct stat own;

	return stat("/proc/self/ns/net", &own) ? 0 : own.st_ino;
}

/* The first path of @pattern that is namespace @netns goes to @path. */
static bool find(const char *pattern, uint64_t netns, char *path, size_t size)
{
	struct stat one;
	bool found = false;
	glob_t all;

	if (glob(pattern, GLOB_NOSORT, NULL, &all))
		return false;
	for (size_t i = 0; i < all.gl_pathc && !found; i++) {
		found = stat(all.gl_pathv[i], &one) == 0 && one.st_ino == netns;
		if (found)
			snprintf(path, size, "%s", all.gl_pathv[i]);
	}
	globfree(&all);
	return found;
}

bool sp_netns_exists(uint64_t netns)
{
	char path[256];

	return find(NAMED "*", netns, path, sizeof(path)) ||
	       find("/proc/[0-9]*/ns/net", netns, path, sizeof(path));
}

int sp_netns_check(const struct sp_instance *instance, uint64_t netns, struct sp_error *err)
{
	char path[256];

	if (netns == sp_netns())
		return 0;
	if (find(NAMED "*", netns, path, sizeof(path)))
		return sp_fail(err, -EXDEV, SP_EXIT_FAILED,
		               "instance %s belongs to another network namespace, %s; run: nsenter "
		               "--net=%s sallyport -I %s ...",
		               instance->name, path + strlen(NAMED), path, instance->name);
	if (!sp_netns_exists(netns))
		return sp_fail(err, -EXDEV, SP_EXIT_FAILED,
		               "instance %s belonged to a network namespace that is gone: run "
		               "`sallyport -I %s down`, then `up` again",
		               instance->name, instance->name);
	return sp_fail(err, -EXDEV, SP_EXIT_FAILED,
	               "instance %s belongs to another network namespace, net:[%" PRIu64
	               "]; run this command there",
	               instance->name, netns);
}
