/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/metrics_output.h"

#include <stdlib.h>
#include <string.h>

#include "cli/output.h"

/* Put the label at @at, name="value", into @labels. Returns what is behind it; NULL: no memory. */
static const char *read_label(const char *at, json_t *labels)
{
	size_t name_length = strcspn(at, "="), length = 0;
	char *name = strndup(at, name_length), *value;

	at += name_length + strlen("=\"");
	value = malloc(strlen(at) + 1);
	while (value && *at && *at != '"') {
		at += *at == '\\';
		value[length++] = *at++;
	}
	if (!name || !value || json_object_set_new(labels, name, json_stringn(value, length)))
		at = NULL;
	free(name);
	free(value);
	return at ? at + 1 : NULL;
}

/* Whole numbers stay such. */
static json_t *read_value(const char *text)
{
	char *end;
	const long long whole = strtoll(text, &end, 10);

	return *end == '.' ? json_real(strtod(text, NULL)) : json_integer(whole);
}

static json_t *read_sample(const char *line)
{
	size_t length = strcspn(line, "{ ");
	json_t *labels = json_object();
	const char *at = line + length;

	while (labels && at && (*at == '{' || *at == ','))
		at = read_label(at + 1, labels);
	if (!at) {
		json_decref(labels);
		return NULL;
	}
	at += strcspn(at, " ");
	return json_pack("{s:s#, s:o, s:o}", "metric", line, (int)length, "labels", labels, "value",
	                 read_value(at + 1));
}

int sp_put_metrics_json(const char *text, struct sp_error *err)
{
	int code = 0;

	for (const char *line = text; *line && !code; line = strchrnul(line, '\n') + 1)
		if (*line != '#')
			code = sp_put_json(read_sample(line), err);
	return code;
}
