/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `sallyport` in place of the commands that sallyportd has: it becomes that program, which reads
 * the same command line again. So the libraries of the daemon, of certificates and of sheets, of
 * which GnuTLS alone takes 2 ms to load, cost nothing to who lets a client in.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"

/* The program beside this one. */
static int path_of(char path[PATH_MAX], struct sp_error *err)
{
	static const char name[] = "sallyportd";
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - sizeof(name));
	int code = -errno;

	if (length < 0)
		return sp_fail(err, code, SP_EXIT_FAILED, "/proc/self/exe: %s; mount /proc",
		               strerror(-code));
	path[length] = '\0';
	memcpy(strrchr(path, '/') + 1, name, sizeof(name));
	return 0;
}

static int become(const struct sp_invocation *invocation, struct sp_error *err)
{
	char path[PATH_MAX];
	int code = path_of(path, err);

	if (code)
		return code;
	execv(path, invocation->argv);
	code = -errno;
	return sp_fail(err, code, SP_EXIT_FAILED,
	               "%s: %s; run `make` or install Sallyport completely", path, strerror(-code));
}

#define ELSEWHERE(name)                                                                   \
	int sp_##name##_run(const struct sp_invocation *invocation, struct sp_error *err) \
	{                                                                                 \
		return become(invocation, err);                                           \
	}

ELSEWHERE(run)
ELSEWHERE(reload)
ELSEWHERE(status)
ELSEWHERE(voucher_create)
ELSEWHERE(user_add)
ELSEWHERE(user_remove)
ELSEWHERE(user_list)
ELSEWHERE(user_passwd)
ELSEWHERE(user_disable)
ELSEWHERE(user_enable)
ELSEWHERE(dhcp_snippet)
ELSEWHERE(doctor)
ELSEWHERE(cert_self_signed)
ELSEWHERE(cert_show)
ELSEWHERE(config_check)
ELSEWHERE(top)
