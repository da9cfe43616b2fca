/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_PATH (SP_INSTANCE_PATH + 16)

/* 0, -ENOENT, -EBADMSG for a file that is not a private one of the right size, or another errno. */
static int load(const char *path, uint8_t key[SP_IPC_KEY])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status))
		ret = -errno;
	else if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 077) ||
	         status.st_size != SP_IPC_KEY || read(fd, key, SP_IPC_KEY) != SP_IPC_KEY)
		ret = -EBADMSG;
	close(fd);
	return ret;
}

/* Write @key to the new file @path and down to the disk. */
static int store(const char *path, const uint8_t key[SP_IPC_KEY])
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0600))
		ret = -errno;
	else if (write(fd, key, SP_IPC_KEY) != SP_IPC_KEY)
		ret = -EIO;
	else if (fsync(fd))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

/* Under its name there is never less than a whole key. */
static int create(const char *path, uint8_t key[SP_IPC_KEY])
{
	char fresh[KEY_PATH + 4];
	int ret;

	if (getrandom(key, SP_IPC_KEY, 0) != SP_IPC_KEY)
		return -EIO;
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	ret = store(fresh, key);
	if (!ret && rename(fresh, path))
		ret = -errno;
	if (ret)
		unlink(fresh);
	return ret;
}

int sp_key_get(const struct sp_instance *instance, uint8_t key[SP_IPC_KEY], struct sp_error *err)
{
	char path[KEY_PATH];
	int ret;

	if (mkdir(instance->state, 0700) && errno != EEXIST) {
		ret = -errno;
		return sp_fail(err, ret, SP_EXIT_FAILED, "%s: %s", instance->state, strerror(-ret));
	}
	snprintf(path, sizeof(path), "%s/link.key", instance->state);
	ret = load(path, key);
	if (ret == -ENOENT)
		ret = create(path, key);
	if (ret == -EBADMSG)
		return sp_fail(err, ret, SP_EXIT_FAILED,
		               "%s: expected a file of root's with mode 0600 and %d bytes; remove "
		               "it and a new key is made",
		               path, SP_IPC_KEY);
	if (ret)
		return sp_fail(err, ret, SP_EXIT_FAILED, "%s: %s", path, strerror(-ret));
	return 0;
}
