/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/account.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>

static int take_fallback(const char *option, const char *user, uint32_t fallback, uint32_t *uid,
                         uint32_t *gid, struct sp_error *err)
{
	if (getpwuid(fallback) || getgrgid(fallback))
		return sp_fail(err, -EEXIST, SP_EXIT_FAILED,
		               "%s = %s: there is no such account, and the number %u used instead "
		               "belongs to another one; create the account: useradd --system %s",
		               option, user, fallback, user);
	*uid = fallback;
	*gid = fallback;
	return 0;
}

int sp_account_find(const char *option, const char *user, uint32_t fallback, uint32_t *uid,
                    uint32_t *gid, struct sp_error *err)
{
	const struct passwd *account;

	errno = 0;
	account = getpwnam(user);
	/* What else than 0 means "no such account" differs between systems (getpwnam(3)). */
	if (!account && errno != EIO && errno != EMFILE && errno != ENFILE && errno != ENOMEM)
		return take_fallback(option, user, fallback, uid, gid, err);
	if (!account)
		return sp_fail(err, -errno, SP_EXIT_FAILED, "%s = %s: cannot look it up: %s",
		               option, user, strerror(errno));
	if (account->pw_uid == 0 || account->pw_gid == 0)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "%s = %s: that account is root's; name one without privileges",
		               option, user);
	*uid = account->pw_uid;
	*gid = account->pw_gid;
	return 0;
}
