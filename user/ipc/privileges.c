/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ipc/ipc.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

/* No program that is executed later could have a capability. */
static int empty_bounding_set(void)
{
	capng_clear(CAPNG_SELECT_BOUNDS);
	return capng_apply(CAPNG_SELECT_BOUNDS) ? -EPERM : 0;
}

static int enter(const char *root)
{
	if (chroot(root) || chdir("/"))
		return -errno;
	return 0;
}

static int become(uint32_t uid, uint32_t gid)
{
	/* The kernel forgets the parent-death signal when the uid changes. */
	int signal = 0;

	if (prctl(PR_GET_PDEATHSIG, &signal))
		return -errno;
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return -errno;
	if (signal && prctl(PR_SET_PDEATHSIG, signal))
		return -errno;
	return 0;
}

/* The change of the uid has emptied the sets in force, but not what is inherited. */
static int drop_capabilities(void)
{
	capng_clear(CAPNG_SELECT_ALL);
	return capng_apply(CAPNG_SELECT_CAPS) ? -EPERM : 0;
}

static bool has_capability(void)
{
	if (capng_get_caps_process() || capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE)
		return true;
	for (int one = 0; prctl(PR_CAPBSET_READ, one, 0, 0, 0) >= 0; one++)
		if (prctl(PR_CAPBSET_READ, one, 0, 0, 0) ||
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, one, 0, 0) > 0)
			return true;
	return false;
}

/* Whether nothing of root is left and root cannot be had back. */
static int check(uint32_t uid, uint32_t gid)
{
	uid_t real_uid, effective_uid, saved_uid;
	gid_t real_gid, effective_gid, saved_gid;

	if (getresuid(&real_uid, &effective_uid, &saved_uid) ||
	    getresgid(&real_gid, &effective_gid, &saved_gid))
		return -errno;
	if (real_uid != uid || effective_uid != uid || saved_uid != uid || real_gid != gid ||
	    effective_gid != gid || saved_gid != gid || getgroups(0, NULL) != 0)
		return -EPERM;
	if (!setresuid(0, 0, 0) || !setresgid(0, 0, 0) || !setgroups(0, NULL))
		return -EPERM;
	return has_capability() ? -EPERM : 0;
}

int sp_drop_privileges(const char *root, uint32_t uid, uint32_t gid)
{
	int ret;

	if (uid == 0 || gid == 0)
		return -EINVAL;
	ret = empty_bounding_set();
	if (!ret)
		ret = enter(root);
	if (!ret)
		ret = become(uid, gid);
	if (!ret)
		ret = drop_capabilities();
	if (!ret && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)))
		ret = -errno;
	return ret ? ret : check(uid, gid);
}
