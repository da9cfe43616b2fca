/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/again.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keeper/inherit.h"
#include "lib/text.h"

#define ARGUMENTS 64
#define TOKEN     "SALLYPORT_RELOAD"
#define DELETED   " (deleted)" /* what /proc says of a program that was replaced */

/* The path of this program, or of what has taken its place. */
static int find_program(char path[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
	size_t end;

	if (length < 0)
		return -errno;
	path[length] = '\0';
	end = (size_t)length > strlen(DELETED) ? (size_t)length - strlen(DELETED) : 0;
	if (end && !strcmp(path + end, DELETED))
		path[end] = '\0';
	return 0;
}

/* -c FILE, -cFILE, --config FILE, --config=FILE. @value: the next argument belongs to it. */
static bool is_config(const char *argument, bool *value)
{
	*value = !strcmp(argument, "-c") || !strcmp(argument, "--config");
	return *value || !strncmp(argument, "-c", 2) || !strncmp(argument, "--config=", 9);
}

/* The arguments of this process, in @text. How many, or a negative errno. */
static int read_arguments(char *text, size_t room, char *arguments[ARGUMENTS])
{
	int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC), count = 0;
	ssize_t length = file < 0 ? -1 : read(file, text, room - 1);
	int ret = -errno;
	bool value = false;

	if (file >= 0)
		close(file);
	if (length < 0)
		return ret;
	text[length] = '\0';
	for (char *one = text; one < text + length; one += strlen(one) + 1) {
		if (value) {
			value = false;
			continue;
		}
		if (count && is_config(one, &value))
			continue;
		if (count == ARGUMENTS - 1)
			return -E2BIG;
		arguments[count++] = one;
	}
	arguments[count] = NULL;
	return count;
}

int sp_again(int token, struct sp_error *err)
{
	static char text[65536], path[PATH_MAX];
	char *arguments[ARGUMENTS], number[16];
	int ret = find_program(path);

	snprintf(number, sizeof(number), "%d", token);
	if (!ret && setenv(TOKEN, number, 1))
		ret = -errno;
	if (!ret)
		ret = read_arguments(text, sizeof(text), arguments);
	if (ret >= 0)
		ret = sp_inherit_exec(path, arguments);
	return sp_fail(err, ret, SP_EXIT_FAILED, "sallyportd cannot start again as %s: %s", path,
	               strerror(-ret));
}

int sp_again_token(void)
{
	const char *token = getenv(TOKEN);
	uint64_t number = 0;

	if (token && sp_text_number(token, 0, INT_MAX, &number))
		number = 0;
	unsetenv(TOKEN);
	return (int)number;
}
