/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every answer there is, rendered at start for each language and representation; of a request only
 * the login link, the length and the date are filled in.
 */
#ifndef SP_RESPONDER_ANSWERS_H
#define SP_RESPONDER_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/ipc.h"
#include "lib/error.h"
#include "responder/request.h"
#include "responder/template.h"
#include "web/accept.h"
#include "web/catalogue.h"

#define SP_MAX_BODY   1200 /* a body is shorter than this: a page is one segment */
#define SP_MAX_ANSWER 4096 /* head and body */

enum sp_refusal { SP_REFUSAL_BAD, SP_REFUSAL_TARGET, SP_REFUSAL_HEAD, SP_REFUSAL_COUNT };

struct sp_answers {
	struct sp_template login_head[SP_MAX_LANGUAGES][SP_FORMAT_COUNT]; /* 511 */
	struct sp_template probe_head[SP_MAX_LANGUAGES];                  /* 302, always HTML */
	struct sp_template body[SP_MAX_LANGUAGES][SP_FORMAT_COUNT];
	struct sp_template refusal_head[SP_REFUSAL_COUNT];
	struct sp_template refusal_body[SP_REFUSAL_COUNT];
	struct sp_text login_url[2]; /* by is_ipv6; they point into the setup */
	const uint8_t *key;
};

/* What is to be answered. */
struct sp_answer {
	bool probe;     /* 302, else 511 */
	bool head_only; /* the method was HEAD */
	bool ipv6;      /* which login URL */
	size_t language;
	enum sp_format format; /* HTML for a probe */
	const char *wanted;    /* acceptable URL to come back to, or NULL */
	size_t wanted_length;
	const char *date;
};

/*
 * Render for @catalogue and the zone @zone of @setup, which must live as long as @answers. Errors
 * name the language whose texts are too long, or the login URL that cannot be used (SP_EXIT_USAGE).
 * 0 or a negative errno; nothing stays allocated then.
 */
int sp_answers_init(struct sp_answers *answers, const struct sp_catalogue *catalogue,
                    const struct sp_ipc_responder_setup *setup, unsigned zone,
                    struct sp_error *err);

void sp_answers_free(struct sp_answers *answers);

/* Write the whole answer to @out. Returns its length. */
size_t sp_answers_render(const struct sp_answers *answers, const struct sp_answer *answer,
                         char out[SP_MAX_ANSWER]);

/* The same for a request that could not be read: @result is one of the SP_REQUEST_* errors. */
size_t sp_answers_refuse(const struct sp_answers *answers, enum sp_request_result result,
                         bool head_only, const char *date, char out[SP_MAX_ANSWER]);

#endif
