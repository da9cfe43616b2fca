/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/command.h"

#include <limits.h>
#include <string.h>

#include "lib/text.h"

const char *sp_suggest(const char *typed)
{
	unsigned best = UINT_MAX;
	const char *near = NULL;

	for (const struct sp_command *command = sp_commands; command->name; command++) {
		const char *last = strrchr(command->name, ' ');
		unsigned whole = sp_text_distance(typed, command->name);
		/* The group may have been forgotten: "allow". */
		unsigned part = last ? sp_text_distance(typed, last + 1) : UINT_MAX;
		unsigned far = part < whole ? part : whole;

		if (far < best) {
			best = far;
			near = command->name;
		}
	}
	return best <= 1 + strlen(typed) / 4 ? near : NULL;
}
