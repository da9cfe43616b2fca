/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as the value of an Authorization field. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "portal/basic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text, size_t room)
{
	size_t length = strnlen(text, room);

	if (length == room || !sp_text_printable(text, length))
		abort();
	for (size_t i = length; i < room; i++)
		if (text[i])
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *value = malloc(size + 1);
	struct sp_basic basic;
	int ret;

	if (!value)
		abort();
	memcpy(value, data, size);
	value[size] = '\0';
	ret = sp_basic_read(value, &basic);
	check(basic.name, sizeof(basic.name));
	check(basic.secret, sizeof(basic.secret));
	if (ret && (*basic.name || *basic.secret))
		abort();
	free(value);
	return 0;
}
