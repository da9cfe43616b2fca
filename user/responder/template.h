/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A text with holes, cut up once so that filling it in is nothing but copying.
 */
#ifndef SP_RESPONDER_TEMPLATE_H
#define SP_RESPONDER_TEMPLATE_H

#include <stddef.h>

/* What may be filled in. In the source of a template a hole is the byte of its number. */
enum sp_hole {
	SP_HOLE_NONE,
	SP_HOLE_DATE,
	SP_HOLE_LENGTH,
	SP_HOLE_LOCATION,
	SP_HOLE_LINK,  /* of the body: the first, or only, one */
	SP_HOLE_LINK2, /* of the body: the second one */
	SP_HOLE_COUNT,
};

#define SP_HOLE_DATE_MARK     "\1"
#define SP_HOLE_LENGTH_MARK   "\2"
#define SP_HOLE_LOCATION_MARK "\3"
#define SP_HOLE_LINK_MARK     "\4"
#define SP_HOLE_LINK2_MARK    "\5"

#define SP_MAX_PIECES 6

struct sp_text {
	const char *at;
	size_t length;
};

struct sp_template {
	char *source; /* owned */
	struct {
		struct sp_text text;
		enum sp_hole hole; /* behind the text */
	} piece[SP_MAX_PIECES];
	size_t count;
	size_t fixed;                 /* bytes without what is filled in */
	unsigned uses[SP_HOLE_COUNT]; /* how often a hole occurs */
};

/* Make @template of @source, which it then owns, also when it fails; NULL is -ENOMEM. 0, -ENOMEM or
 * -E2BIG (more than SP_MAX_PIECES pieces). */
int sp_template_init(struct sp_template *template, char *source);

void sp_template_free(struct sp_template *template);

/* Length of the text when filled in with @values. */
size_t sp_template_length(const struct sp_template *template,
                          const struct sp_text values[SP_HOLE_COUNT]);

/* Write the text to @out, where sp_template_length() bytes fit. Returns the end. */
char *sp_template_fill(const struct sp_template *template,
                       const struct sp_text values[SP_HOLE_COUNT], char *out);

#endif
