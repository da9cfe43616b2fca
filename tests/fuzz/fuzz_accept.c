/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as Accept and as Accept-Language. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "web/accept.h"
#include "web/catalogue.h"
#include "web/weighted.h"

static const struct sp_catalogue catalogue = {
	.language = {{.tag = "en"},
                     {.tag = "fr"},
                     {.tag = "pt-br", .alias = {"pt", "pt-ao"}},
                     {.tag = "zh-hant", .alias = {"zh-tw", "zh-hk", "yue"}}},
	.count = 4,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *value = malloc(size ? size : 1);
	struct sp_weighted element;
	const char *at = value, *before = value;

	if (!value)
		abort();
	memcpy(value, data, size);
	while (sp_weighted_next(&at, value + size, &element)) {
		if (element.weight > 1000 || element.length == 0 || element.name < before ||
		    element.name + element.length > at || at > value + size)
			abort();
		before = at;
	}
	if (sp_accept_choose(value, size) >= SP_FORMAT_COUNT ||
	    sp_catalogue_choose(&catalogue, value, size) >= catalogue.count)
		abort();
	free(value);
	return 0;
}
