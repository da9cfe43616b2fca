/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/bpffs.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

bool sp_bpffs_mounted(void)
{
	struct statfs fs;

	return statfs(SP_BPFFS, &fs) == 0 && fs.f_type == BPF_FS_MAGIC;
}

/*
 * Whether this process has another mount namespace than the system. Process 1 may hide its own from
 * us (a container's, a hardened one's); then the kernel's first thread tells.
 */
static bool mounts_are_private(void)
{
	static const char *const systems[] = {"/proc/1/ns/mnt", "/proc/2/ns/mnt"};
	struct stat own, system;

	if (stat("/proc/self/ns/mnt", &own))
		return false;
	for (unsigned i = 0; i < sizeof(systems) / sizeof(systems[0]); i++)
		if (stat(systems[i], &system) == 0)
			return own.st_ino != system.st_ino || own.st_dev != system.st_dev;
	return false;
}

int sp_bpffs_check(struct sp_error *err)
{
	if (sp_bpffs_mounted() || !mounts_are_private())
		return 0;
	return sp_fail(err, -EXDEV, SP_EXIT_FAILED,
	               SP_BPFFS
	               " is no BPF file system, and one mounted now would vanish with this "
	               "command, which has mounts of its own (`ip netns exec` gives it its "
	               "own /sys); use instead: nsenter --net=/run/netns/NAME sallyport ...");
}

int sp_bpffs_ensure(struct sp_error *err)
{
	int code = sp_bpffs_check(err);

	if (code || sp_bpffs_mounted())
		return code;
	if (mount("bpf", SP_BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME,
	          "mode=0700") == 0)
		return 0;
	if (errno == EPERM)
		return sp_fail(err, -EPERM, SP_EXIT_PERMISSION,
		               "no permission to mount the BPF file system at " SP_BPFFS
		               ": run as root");
	return sp_fail(err, -errno, SP_EXIT_FAILED,
	               "cannot mount the BPF file system at " SP_BPFFS ": %s", strerror(errno));
}
