/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doctor/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/text.h"

#define ROOT "/proc/sys/"

int sp_sysctl_read(const char *format, ...)
{
	char path[PATH_MAX] = ROOT;
	char line[32] = "";
	uint64_t number;
	va_list args;
	FILE *file;

	va_start(args, format);
	vsnprintf(path + strlen(ROOT), sizeof(path) - strlen(ROOT), format, args);
	va_end(args);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return sp_text_number(line, 0, INT_MAX, &number) ? -EINVAL : (int)number;
}

int sp_sysctl_write(const char *name, const char *value, struct sp_error *err)
{
	char path[PATH_MAX];
	ssize_t length = (ssize_t)strlen(value);
	int fd, code = 0;

	snprintf(path, sizeof(path), ROOT "%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, (size_t)length) != length)
		code = errno ? -errno : -EIO;
	if (fd >= 0)
		close(fd);
	if (code)
		return sp_fail(err, code, code == -EACCES ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
		               "cannot write %s to %s: %s", value, path, strerror(-code));
	return 0;
}
