/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/style.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sp_style_load(struct sp_style *style, const char *directory, struct sp_error *err)
{
	char path[PATH_MAX];
	FILE *file;
	int ret = 0;

	snprintf(path, sizeof(path), "%s/pages/style.css", directory);
	*style = (struct sp_style){.text = malloc(SP_STYLE_MOST + 1)};
	file = fopen(path, "re");
	if (!style->text || !file)
		ret = -errno;
	if (!ret) {
		style->length = fread(style->text, 1, SP_STYLE_MOST + 1, file);
		if (ferror(file))
			ret = -EIO;
		else if (style->length > SP_STYLE_MOST)
			ret = -EFBIG;
	}
	if (file)
		fclose(file);
	if (!ret)
		return 0;
	sp_style_free(style);
	return sp_fail(err, ret, SP_EXIT_FAILED,
	               "%s: expected a style sheet of at most %u bytes: %s", path, SP_STYLE_MOST,
	               strerror(-ret));
}

void sp_style_free(struct sp_style *style)
{
	free(style->text);
	*style = (struct sp_style){0};
}
