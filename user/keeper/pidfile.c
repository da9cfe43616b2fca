/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PIDFILE_PATH (SP_INSTANCE_PATH + 32)

static void path_of(const struct sp_instance *instance, char path[PIDFILE_PATH])
{
	snprintf(path, PIDFILE_PATH, "%s/sallyportd.pid", instance->run);
}

static int refuse(const struct sp_instance *instance, int fd, struct sp_error *err)
{
	char pid[16] = "", since[40] = "";
	ssize_t length = pread(fd, pid, sizeof(pid) - 1, 0);
	struct stat status;
	struct tm broken;

	pid[length > 0 ? strcspn(pid, "\n") : 0] = '\0';
	/* It was written when that one began. */
	if (!fstat(fd, &status) && localtime_r(&status.st_mtime, &broken))
		strftime(since, sizeof(since), " since %F %T %z", &broken);
	return sp_fail(err, -EBUSY, SP_EXIT_FAILED,
	               "another sallyportd, pid %s, serves the instance %s%s; stop it first",
	               pid[0] ? pid : "unknown", instance->name, since);
}

/* Whether @path still names the open file: its last owner may just have removed it. */
static bool still_named(const char *path, int fd)
{
	struct stat named, opened;

	return !stat(path, &named) && !fstat(fd, &opened) && named.st_ino == opened.st_ino &&
	       named.st_dev == opened.st_dev;
}

/* The open, locked file, or a negative errno: -EBUSY has set @err. */
static int lock(const struct sp_instance *instance, const char *path, struct sp_error *err)
{
	for (;;) {
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
		int ret;

		if (fd < 0)
			return -errno;
		ret = flock(fd, LOCK_EX | LOCK_NB) ? -errno : 0;
		if (!ret && still_named(path, fd))
			return fd;
		if (ret == -EWOULDBLOCK)
			ret = refuse(instance, fd, err);
		close(fd);
		if (ret)
			return ret;
	}
}

static int write_pid(int fd)
{
	char pid[16];
	int length = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());

	if (ftruncate(fd, 0))
		return -errno;
	if (pwrite(fd, pid, (size_t)length, 0) != length)
		return -EIO;
	return 0;
}

int sp_pidfile_take(const struct sp_instance *instance, struct sp_error *err)
{
	char path[PIDFILE_PATH];
	int fd, ret;

	path_of(instance, path);
	fd = lock(instance, path, err);
	if (fd == -EBUSY)
		return fd;
	if (fd < 0)
		return sp_fail(err, fd, fd == -EACCES ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
		               "%s: %s", path, strerror(-fd));
	ret = write_pid(fd);
	if (ret) {
		sp_pidfile_release(instance, fd);
		return sp_fail(err, ret, SP_EXIT_FAILED, "%s: %s; is /run full?", path,
		               strerror(-ret));
	}
	return fd;
}

void sp_pidfile_release(const struct sp_instance *instance, int fd)
{
	char path[PIDFILE_PATH];

	if (fd < 0)
		return;
	path_of(instance, path);
	unlink(path);
	close(fd);
}
