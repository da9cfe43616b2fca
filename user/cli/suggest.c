/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/command.h"

#include <limits.h>
#include <string.h>

#define LONGEST 32 /* of a command's name */

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Letters to add, drop, change or swap (optimal string alignment). */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][LONGEST + 1];
	size_t width = strlen(b);

	for (unsigned k = 0; k <= width; k++)
		rows[0][k] = k;
	for (unsigned i = 1; a[i - 1]; i++) {
		unsigned *now = rows[i % 3], *last = rows[(i - 1) % 3], *older = rows[(i + 1) % 3];

		now[0] = i;
		for (unsigned k = 1; k <= width; k++) {
			now[k] = least(last[k] + 1, now[k - 1] + 1);
			now[k] = least(now[k], last[k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
				now[k] = least(now[k], older[k - 2] + 1);
		}
	}
	return rows[strlen(a) % 3][width];
}

const char *sp_suggest(const char *typed)
{
	unsigned best = UINT_MAX;
	const char *near = NULL;

	if (strlen(typed) > LONGEST)
		return NULL;
	for (const struct sp_command *command = sp_commands; command->name; command++) {
		const char *last = strrchr(command->name, ' ');
		unsigned far = distance(typed, command->name);

		/* The group may have been forgotten: "allow". */
		if (last)
			far = least(far, distance(typed, last + 1));
		if (far < best) {
			best = far;
			near = command->name;
		}
	}
	return best <= 1 + strlen(typed) / 4 ? near : NULL;
}
