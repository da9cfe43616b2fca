/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "responder/template.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bytes before the next hole. */
static size_t text_length(const char *at)
{
	return strcspn(at, SP_HOLE_DATE_MARK SP_HOLE_LENGTH_MARK SP_HOLE_LOCATION_MARK
	                           SP_HOLE_LINK_MARK SP_HOLE_LINK2_MARK);
}

int sp_template_init(struct sp_template *template, char *source)
{
	const char *at = source;

	*template = (struct sp_template){.source = source};
	if (!source)
		return -ENOMEM;
	for (; *at; template->count++) {
		size_t length = text_length(at);
		enum sp_hole hole = (enum sp_hole)at[length];

		if (template->count == SP_MAX_PIECES)
			return -E2BIG;
		template->piece[template->count].text = (struct sp_text){at, length};
		template->piece[template->count].hole = hole;
		template->fixed += length;
		template->uses[hole]++;
		at += length + (hole != SP_HOLE_NONE);
	}
	return 0;
}

void sp_template_free(struct sp_template *template)
{
	free(template->source);
	*template = (struct sp_template){0};
}

size_t sp_template_length(const struct sp_template *template,
                          const struct sp_text values[SP_HOLE_COUNT])
{
	size_t length = template->fixed;

	for (enum sp_hole hole = SP_HOLE_DATE; hole < SP_HOLE_COUNT; hole++)
		length += template->uses[hole] * values[hole].length;
	return length;
}

char *sp_template_fill(const struct sp_template *template,
                       const struct sp_text values[SP_HOLE_COUNT], char *out)
{
	for (size_t i = 0; i < template->count; i++) {
		const struct sp_text *text = &template->piece[i].text;
		enum sp_hole hole = template->piece[i].hole;

		out = mempcpy(out, text->at, text->length);
		if (hole != SP_HOLE_NONE)
			out = mempcpy(out, values[hole].at, values[hole].length);
	}
	return out;
}
