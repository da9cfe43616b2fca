/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory of an instance below /sys/fs/bpf:
 *   (INSTANCE~ is there while maps are replaced: lib/carry.h)
 *   clients usage slots origins captures settings reasons listeners   maps
 *   clock                                                             the program that tells the
 * time programs/sallyport_xdp ...                                        the programs in use
 *   links/xdp-lan0 links/tc-in-lan0 links/tc-out-lan0                 what holds them to interfaces
 */
#include "lib/bpffs.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/hook.h"

/* A pin that is being replaced stands under this name for a moment. No interface or map is called
 * so, because '~' cannot begin one of ours. */
#define TEMPORARY "~new"

static const char *const directories[] = {"programs", "links"};
#define DIRECTORIES (sizeof(directories) / sizeof(directories[0]))

static const char *const known[] = {
	"clients",     "usage",       "slots",        "origins",   "captures",   "settings",
	"reasons",     "guests",      "budgets",      "garden4",   "garden6",    "queries",
	"answers",     "events",      "ports",        "scratch",   "egress",     "vlans",
	"flows",       "garden_seen", "garden_names", "listeners", "clock",      "programs",
	"flooders",    "links",       "locks",        "zones",     "zone_names", "flow_tags",
	"guests_seen", SP_PIN_BASE,   TEMPORARY};

static int make(const char *path, struct sp_error *err)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	return sp_fail(err, -errno,
	               errno == EPERM || errno == EACCES ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
	               "cannot make the directory %s: %s", path, strerror(errno));
}

int sp_pins_make(const struct sp_instance *instance, struct sp_error *err)
{
	char path[SP_PIN_PATH];
	int code = make(instance->pins, err);

	for (unsigned i = 0; i < DIRECTORIES && !code; i++) {
		snprintf(path, sizeof(path), "%s/%s", instance->pins, directories[i]);
		code = make(path, err);
	}
	return code;
}

int sp_pins_open(int *fd, const struct sp_instance *instance, const char *name,
                 struct sp_error *err)
{
	char path[SP_PIN_PATH];
	int code;

	snprintf(path, sizeof(path), "%s/%s", instance->pins, name);
	code = bpf_obj_get(path);
	*fd = code < 0 ? -1 : code;
	if (code >= 0)
		return 0;
	return sp_fail(err, code, SP_EXIT_FAILED, "cannot open %s: %s; run `sallyport up`", path,
	               strerror(-code));
}

/* Whether @name is one that Sallyport makes in the instance's directory. */
static bool is_known(const char *name)
{
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(name, known[i]))
			return true;
	return false;
}

int sp_pins_check(const struct sp_instance *instance, struct sp_error *err)
{
	const struct dirent *entry;
	DIR *directory = opendir(instance->pins);
	int code = 0;

	if (!directory)
		return errno == ENOENT ? 0
		                       : sp_fail(err, -errno, SP_EXIT_FAILED, "cannot read %s: %s",
		                                 instance->pins, strerror(errno));
	while (!code && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.' || is_known(entry->d_name))
			continue;
		code = sp_fail(err, -EEXIST, SP_EXIT_FAILED,
		               "%s holds %s, which is not Sallyport's: choose another instance "
		               "name (-I)",
		               instance->pins, entry->d_name);
	}
	closedir(directory);
	return code;
}

/* Unlink everything in @path and remove it. */
static int empty(const char *path)
{
	const struct dirent *entry;
	DIR *directory = opendir(path);
	int code = 0;

	if (!directory)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(directory)))
		if (entry->d_name[0] != '.' && unlinkat(dirfd(directory), entry->d_name, 0))
			code = -errno;
	closedir(directory);
	return rmdir(path) && !code ? -errno : code;
}

int sp_pins_remove(const struct sp_instance *instance, struct sp_error *err)
{
	char path[SP_PIN_PATH];
	int code = sp_pins_clear_beside(instance, NULL), result;

	for (unsigned i = 0; i < DIRECTORIES; i++) {
		snprintf(path, sizeof(path), "%s/%s", instance->pins, directories[i]);
		result = empty(path);
		code = result ? result : code;
	}
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", instance->pins, known[i]);
		if (unlink(path) && errno != ENOENT && errno != EISDIR && errno != EPERM)
			code = -errno;
	}
	if (rmdir(instance->pins) && errno != ENOENT)
		code = -errno;
	if (code)
		return sp_fail(err, code, SP_EXIT_FAILED, "cannot remove everything in %s: %s",
		               instance->pins, strerror(-code));
	return 0;
}

int sp_pin(int fd, const char *path, struct sp_error *err)
{
	char temporary[SP_PIN_PATH];
	const char *slash = strrchr(path, '/');
	int code;

	snprintf(temporary, sizeof(temporary), "%.*s/" TEMPORARY, (int)(slash - path), path);
	if (unlink(temporary) && errno != ENOENT) {
		code = -errno;
		goto fail;
	}
	code = bpf_obj_pin(fd, temporary);
	if (code)
		goto fail;
	if (rename(temporary, path) == 0)
		return 0;
	code = -errno;
	unlink(temporary);
fail:
	return sp_fail(err, code, code == -EPERM ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
	               "cannot pin %s: %s", path, strerror(-code));
}

/* Whether the directory behind @fd is still the one at @path: `down` may have removed it and
 * another `up` made a new one while we waited for the lock. */
static bool is_current(int fd, const char *path)
{
	struct stat held, now;

	return fstat(fd, &held) == 0 && stat(path, &now) == 0 && held.st_ino == now.st_ino &&
	       held.st_dev == now.st_dev;
}

static int lock_once(const struct sp_instance *instance, bool create, struct sp_error *err)
{
	int fd, code = create ? make(instance->pins, err) : 0;

	if (code)
		return code;
	fd = open(instance->pins, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return create ? -ESTALE
		              : sp_fail(err, -ENOENT, SP_EXIT_NOT_LOADED,
		                        "instance %s is not loaded; `sallyport up` loads it",
		                        instance->name);
	if (fd < 0)
		return sp_fail(err, -errno, errno == EACCES ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
		               "cannot open %s: %s", instance->pins, strerror(errno));
	while (flock(fd, LOCK_EX)) {
		if (errno == EINTR)
			continue;
		code = sp_fail(err, -errno, SP_EXIT_FAILED, "cannot lock %s: %s", instance->pins,
		               strerror(errno));
		close(fd);
		return code;
	}
	if (is_current(fd, instance->pins))
		return fd;
	close(fd);
	return -ESTALE;
}

int sp_pins_lock(const struct sp_instance *instance, bool create, struct sp_error *err)
{
	int fd;

	do
		fd = lock_once(instance, create, err);
	while (fd == -ESTALE);
	return fd;
}

void sp_pin_of_link(char *path, size_t size, const struct sp_instance *instance, const char *kind,
                    const char *interface)
{
	char name[32];

	/* The BPF file system refuses dots, which VLAN interfaces have; no interface has a colon.
	 */
	snprintf(name, sizeof(name), "%s", interface);
	for (char *c = name; *c; c++)
		if (*c == '.')
			*c = ':';
	snprintf(path, size, "%s/links/%s-%s", instance->pins, kind, name);
}

int sp_pins_rename_links(const struct sp_instance *instance, const char *from, const char *to,
                         struct sp_error *err)
{
	char old[SP_PIN_PATH], new[SP_PIN_PATH];

	for (unsigned kind = 0; kind < SP_HOOK_KINDS; kind++) {
		sp_pin_of_link(old, sizeof(old), instance, sp_hook_kind_name(kind), from);
		sp_pin_of_link(new, sizeof(new), instance, sp_hook_kind_name(kind), to);
		if (rename(old, new) && errno != ENOENT)
			return sp_fail(err, -errno, SP_EXIT_FAILED, "cannot rename %s: %s", old,
			               strerror(errno));
	}
	return 0;
}
