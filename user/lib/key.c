/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_PATH (SP_INSTANCE_PATH + 16)

/* 0, -ENOENT, -EBADMSG for a file that is not a private one of the right size, or another errno. */
static int load(const char *path, uint8_t key[SP_KEY_BYTES])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status))
		ret = -errno;
	else if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077) ||
	         status.st_size != SP_KEY_BYTES || read(fd, key, SP_KEY_BYTES) != SP_KEY_BYTES)
		ret = -EBADMSG;
	close(fd);
	return ret;
}

/* Write @key to the new file @path and down to the disk. */
static int store(const char *path, const uint8_t key[SP_KEY_BYTES])
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0600))
		ret = -errno;
	else if (write(fd, key, SP_KEY_BYTES) != SP_KEY_BYTES)
		ret = -EIO;
	else if (fsync(fd))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

/* Under its name there is never less than a whole key. */
static int create(const char *path, uint8_t key[SP_KEY_BYTES])
{
	char fresh[KEY_PATH + 4];
	int ret;

	if (getrandom(key, SP_KEY_BYTES, 0) != SP_KEY_BYTES)
		return -EIO;
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	ret = store(fresh, key);
	if (!ret && rename(fresh, path))
		ret = -errno;
	if (ret)
		unlink(fresh);
	return ret;
}

/* With the folder locked, so that two processes do not make two keys. */
static int get_locked(const char *path, int folder, uint8_t key[SP_KEY_BYTES])
{
	int ret;

	while (flock(folder, LOCK_EX))
		if (errno != EINTR)
			return -errno;
	ret = load(path, key);
	if (ret == -ENOENT)
		ret = create(path, key);
	if (!ret && fsync(folder))
		ret = -errno;
	return ret;
}

static int open_folder(const char *path)
{
	int folder;

	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return folder < 0 ? -errno : folder;
}

static int failed(const char *path, int ret, struct sp_error *err)
{
	if (ret == -EBADMSG)
		return sp_fail(err, ret, SP_EXIT_FAILED,
		               "%s: expected a file of root's with mode 0600 and %d bytes; remove "
		               "it and a new key is made",
		               path, SP_KEY_BYTES);
	return sp_fail(err, ret, ret == -EACCES ? SP_EXIT_PERMISSION : SP_EXIT_FAILED, "%s: %s",
	               path, strerror(-ret));
}

int sp_key_find(const struct sp_instance *instance, const char *name, uint8_t key[SP_KEY_BYTES],
                struct sp_error *err)
{
	char path[KEY_PATH];
	int ret;

	snprintf(path, sizeof(path), "%s/%s", instance->state, name);
	ret = load(path, key);
	return ret && ret != -ENOENT ? failed(path, ret, err) : ret;
}

int sp_key_get(const struct sp_instance *instance, const char *name, uint8_t key[SP_KEY_BYTES],
               struct sp_error *err)
{
	int folder = open_folder(instance->state);
	char path[KEY_PATH];
	int ret;

	if (folder < 0)
		return failed(instance->state, folder, err);
	snprintf(path, sizeof(path), "%s/%s", instance->state, name);
	ret = load(path, key);
	if (ret == -ENOENT)
		ret = get_locked(path, folder, key);
	close(folder);
	return ret ? failed(path, ret, err) : 0;
}
