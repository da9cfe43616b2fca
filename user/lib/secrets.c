/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/text.h"

struct reading {
	const char *option, *path;
	char (*list)[SP_SECRET];
	unsigned most, count, line;
	struct sp_error *err;
};

static int failed(const struct reading *reading, int code)
{
	return sp_fail(reading->err, code, code == -EACCES ? SP_EXIT_PERMISSION : SP_EXIT_USAGE,
	               "%s = %s: %s", reading->option, reading->path, strerror(-code));
}

static int wrong(const struct reading *reading, const char *what)
{
	return sp_fail(reading->err, -EINVAL, SP_EXIT_USAGE, "%s:%u: %s", reading->path,
	               reading->line, what);
}

/* Opened so that a FIFO does not stop us; only root's own file is believed. */
static int open_file(const struct reading *reading, FILE **file)
{
	int fd = open(reading->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	int ret = 0;

	if (fd < 0)
		return failed(reading, -errno);
	if (fstat(fd, &status))
		ret = failed(reading, -errno);
	else if (!S_ISREG(status.st_mode) || (status.st_uid && status.st_uid != geteuid()) ||
	         (status.st_mode & 077))
		ret = sp_fail(reading->err, -EPERM, SP_EXIT_USAGE,
		              "%s = %s: expected a file that root alone can read; chown root and "
		              "chmod 600 it",
		              reading->option, reading->path);
	else if (!(*file = fdopen(fd, "r")))
		ret = failed(reading, -errno);
	if (ret)
		close(fd);
	return ret;
}

/* The line without blanks around it. */
static char *trim(char *line)
{
	size_t length;

	line += strspn(line, " \t\r\n");
	length = strlen(line);
	while (length && strchr(" \t\r\n", line[length - 1]))
		line[--length] = '\0';
	return line;
}

static int take(struct reading *reading, const char *secret)
{
	if (!*secret || *secret == '#')
		return 0;
	if (!sp_text_printable(secret, strlen(secret)))
		return wrong(reading, "the secret is no plain text");
	if (strlen(secret) >= SP_SECRET)
		return wrong(reading, "the secret is too long: expected at most 127 bytes");
	if (reading->count == reading->most)
		return wrong(reading, "one secret too many: expected one, or one for each server");
	snprintf(reading->list[reading->count++], SP_SECRET, "%s", secret);
	return 0;
}

int sp_secrets_read(const char *option, const char *path, char (*list)[SP_SECRET], unsigned most,
                    struct sp_error *err)
{
	struct reading reading = {option, path, list, most, 0, 0, err};
	char line[1024];
	FILE *file = NULL;
	int ret = open_file(&reading, &file);

	if (ret)
		return ret;
	while (!ret && fgets(line, sizeof(line), file)) {
		reading.line++;
		ret = take(&reading, trim(line));
	}
	explicit_bzero(line, sizeof(line));
	fclose(file);
	if (!ret && !reading.count)
		ret = wrong(&reading, "no secret: expected one on a line of its own");
	return ret ? ret : (int)reading.count;
}

_Static_assert(SP_SECRET == 128, "a sentence above says so");
