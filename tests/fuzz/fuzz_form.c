/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as the body of a form: a value is what one field says, and never more than fits. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "portal/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
	if (!condition)
		abort();
}

/* The value in a buffer of exactly @room bytes, so that a byte beyond it shows. */
static int value_of(const char *body, size_t size, const char *name, size_t room)
{
	char *out = malloc(room);
	int length;

	demand(out != NULL);
	length = sp_form_value(body, size, name, out, room);
	demand(length >= 0 || length == -ENOENT || length == -EINVAL || length == -ENOSPC);
	if (length >= 0)
		demand((size_t)length < room && strlen(out) == (size_t)length);
	free(out);
	return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"user", "password", "code", "url", "token"};
	char *body = malloc(size ? size : 1);

	demand(body != NULL);
	memcpy(body, data, size);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int whole = value_of(body, size, names[i], size + 1);

		/* Nothing that is decoded is longer than what it was. */
		demand(whole != -ENOSPC);
		if (whole >= 0)
			demand(value_of(body, size, names[i], (size_t)whole + 1) == whole);
		if (whole > 0)
			demand(value_of(body, size, names[i], (size_t)whole) == -ENOSPC);
	}
	free(body);
	return 0;
}
