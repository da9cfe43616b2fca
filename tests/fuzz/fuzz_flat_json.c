/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any line as one of an export: what is read is JSON to jansson as well, and says the same there.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lib/flat_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
	if (!condition)
		abort();
}

/* Compare with what jansson has read; @context is its object. Of members with the same name it
 * keeps the last. */
static int compare(const struct sp_flat_member *member, void *context)
{
	const json_t *value = json_object_get(context, member->name);

	demand(value != NULL);
	switch (member->kind) {
	case SP_FLAT_NULL:
		demand(json_is_null(value));
		break;
	case SP_FLAT_FALSE:
		demand(json_is_false(value));
		break;
	case SP_FLAT_TRUE:
		demand(json_is_true(value));
		break;
	case SP_FLAT_NUMBER:
		demand(json_is_integer(value) &&
		       (uint64_t)json_integer_value(value) == member->number);
		break;
	case SP_FLAT_TEXT:
		demand(json_is_string(value) && !strcmp(json_string_value(value), member->text));
		break;
	default:
		abort();
	}
	return 0;
}

struct seen {
	unsigned members;
	bool large; /* a number that jansson has no room for */
};

static int look(const struct sp_flat_member *member, void *context)
{
	struct seen *seen = context;

	demand(member->name != NULL);
	seen->members++;
	if (member->kind == SP_FLAT_NUMBER && member->number > INT64_MAX)
		seen->large = true;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1), *again = malloc(size + 1);
	const char *expected = NULL;
	struct seen seen = {0};
	json_t *object;
	int code;

	demand(line && again);
	memcpy(line, data, size);
	line[size] = '\0';
	memcpy(again, line, size + 1);
	object = json_loads(line, 0, NULL);
	code = sp_flat_json(line, look, &seen, &expected);
	demand(code == 0 || (code == -EBADMSG && expected));
	if (code == 0 && !seen.large) {
		demand(json_is_object(object));
		/* With names twice there are more members than jansson keeps. */
		if (json_object_size(object) == seen.members)
			demand(sp_flat_json(again, compare, object, &expected) == 0);
	}
	json_decref(object);
	free(again);
	free(line);
	return 0;
}
