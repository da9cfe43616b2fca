/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What went wrong, told to a program (RFC 9457) or, if it is a browser after all, to a person. */
#ifndef SP_PORTAL_PROBLEM_H
#define SP_PORTAL_PROBLEM_H

#include <stdbool.h>

#include "portal/reply.h"
#include "portal/request.h"

/* The representation for a program or a browser: HTML only for who names text/html and likes it
 * best, since these paths are made for programs, many of which send no Accept. */
enum sp_format sp_problem_format(const struct sp_request *request);

/* Respond with @status and the text @text in the visitor's language. @extra: further fields, ended
 * by a NULL name; NULL: none. */
enum MHD_Result sp_problem_respond(struct sp_request *request, unsigned status,
                                   enum sp_message text, const struct sp_field *extra);

#endif
