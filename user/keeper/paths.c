/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/paths.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* @out = the canonical path of @base/@relative, which must be there. */
static int beside(char *out, size_t room, const char *base, const char *relative,
                  struct sp_error *err)
{
	char path[PATH_MAX], real[PATH_MAX];
	int length = snprintf(path, sizeof(path), "%s/%s", base, relative);

	if (length < 0 || (size_t)length >= sizeof(path))
		return sp_fail(err, -ENAMETOOLONG, SP_EXIT_FAILED, "%s: the path is too long",
		               base);
	if (!realpath(path, real)) {
		int code = -errno;

		return sp_fail(err, code, SP_EXIT_FAILED,
		               "%s: %s; run `make` or install Sallyport completely", path,
		               strerror(-code));
	}
	if (strlen(real) >= room)
		return sp_fail(err, -ENAMETOOLONG, SP_EXIT_FAILED,
		               "%s: the path is longer than %zu bytes; install Sallyport elsewhere",
		               real, room - 1);
	memcpy(out, real, strlen(real) + 1);
	return 0;
}

int sp_paths_find(struct sp_paths *paths, struct sp_error *err)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int ret;

	if (length < 0) {
		ret = -errno;
		return sp_fail(err, ret, SP_EXIT_FAILED, "/proc/self/exe: %s; mount /proc",
		               strerror(-ret));
	}
	self[length] = '\0';
	*strrchr(self, '/') = '\0';
	ret = beside(paths->responder, sizeof(paths->responder), self,
	             "../libexec/sallyport/sallyport-responder", err);
	if (!ret)
		ret = beside(paths->portal, sizeof(paths->portal), self,
		             "../libexec/sallyport/sallyport-portal", err);
	if (!ret)
		ret = beside(paths->garden, sizeof(paths->garden), self,
		             "../libexec/sallyport/sallyport-garden", err);
	if (!ret)
		ret = beside(paths->verifier, sizeof(paths->verifier), self,
		             "../libexec/sallyport/sallyport-verifier", err);
	if (!ret)
		ret = beside(paths->prober, sizeof(paths->prober), self,
		             "../libexec/sallyport/sallyport-prober", err);
	if (!ret)
		ret = beside(paths->metrics, sizeof(paths->metrics), self,
		             "../libexec/sallyport/sallyport-metrics", err);
	if (!ret)
		ret = beside(paths->data, sizeof(paths->data), self, "../share/sallyport", err);
	return ret;
}
