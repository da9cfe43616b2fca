/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The second pin directory of an instance, while maps of another layout take the place of those
 * that are there: /sys/fs/bpf/INSTANCE~. No instance has such a name.
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

void sp_pins_beside(struct sp_instance *beside, const struct sp_instance *instance)
{
	*beside = *instance;
	snprintf(beside->pins, sizeof(beside->pins), SP_BPFFS "/%s~", instance->name);
}

/* Everything in the directory @name of @parent, which may not be there. */
static int clear(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), code = 0;
	const struct dirent *entry;
	DIR *directory;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	directory = fdopendir(fd);
	if (!directory) {
		code = -errno;
		close(fd);
		return code;
	}
	while ((entry = readdir(directory)) && !code) {
		if (entry->d_name[0] == '.')
			continue;
		if (unlinkat(fd, entry->d_name, 0) == 0)
			continue;
		code = errno == EISDIR || errno == EPERM ? clear(fd, entry->d_name) : -errno;
	}
	closedir(directory);
	return !code && unlinkat(parent, name, AT_REMOVEDIR) ? -errno : code;
}

int sp_pins_clear_beside(const struct sp_instance *instance, struct sp_error *err)
{
	struct sp_instance beside;
	int code;

	sp_pins_beside(&beside, instance);
	code = clear(AT_FDCWD, beside.pins);
	if (code)
		return sp_fail(err, code, SP_EXIT_FAILED, "cannot remove %s: %s", beside.pins,
		               strerror(-code));
	return 0;
}

static int exchange_failed(const struct sp_instance *instance, struct sp_error *err)
{
	int code = -errno;

	return sp_fail(err, code, SP_EXIT_FAILED, "cannot put new maps into the place of %s: %s",
	               instance->pins, strerror(-code));
}

int sp_pins_exchange(const struct sp_instance *instance, struct sp_error *err)
{
	struct sp_instance beside;

	sp_pins_beside(&beside, instance);
	if (renameat2(AT_FDCWD, instance->pins, AT_FDCWD, beside.pins, RENAME_EXCHANGE))
		return exchange_failed(instance, err);
	return 0;
}

static int pin_again(const char *from, const char *to, struct sp_error *err)
{
	int fd = bpf_obj_get(from), code;

	if (fd < 0)
		return sp_fail(err, fd, SP_EXIT_FAILED, "cannot open %s: %s", from, strerror(-fd));
	code = sp_pin(fd, to, err);
	close(fd);
	return code;
}

int sp_pins_copy_links(const struct sp_instance *from, const struct sp_instance *to,
                       struct sp_error *err)
{
	char source[SP_PIN_PATH], target[SP_PIN_PATH];
	const struct dirent *entry;
	DIR *directory;
	int code;

	snprintf(target, sizeof(target), "%s/links", to->pins);
	code = clear(AT_FDCWD, target);
	if (!code && mkdir(target, 0700))
		code = -errno;
	snprintf(source, sizeof(source), "%s/links", from->pins);
	directory = code ? NULL : opendir(source);
	if (!directory)
		return sp_fail(err, code ? code : -errno, SP_EXIT_FAILED,
		               "cannot make %s what %s is: %s", target, source,
		               strerror(code ? -code : errno));
	while (!code && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(source, sizeof(source), "%s/links/%.40s", from->pins, entry->d_name);
		snprintf(target, sizeof(target), "%s/links/%.40s", to->pins, entry->d_name);
		code = pin_again(source, target, err);
	}
	closedir(directory);
	return code;
}
