/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text as an Authorization field: a name and a secret that end, or nothing of either. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "portal/basic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
	if (!condition)
		abort();
}

static void check_text(const char *text, size_t room)
{
	size_t length = strnlen(text, room);

	demand(length < room && sp_text_printable(text, length));
	for (size_t i = length; i < room; i++)
		demand(text[i] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sp_basic nothing;
	struct sp_basic basic;
	char *value = malloc(size + 1);
	int code;

	demand(value != NULL);
	memcpy(value, data, size);
	value[size] = '\0';
	code = sp_basic_read(value, &basic);
	demand(code == 0 || code == -ENOENT || code == -EINVAL || code == -ENOSPC);
	if (code)
		demand(memcmp(&basic, &nothing, sizeof(basic)) == 0);
	check_text(basic.name, sizeof(basic.name));
	check_text(basic.secret, sizeof(basic.secret));
	free(value);
	return 0;
}
