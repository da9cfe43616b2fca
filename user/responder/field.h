/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_RESPONDER_FIELD_H
#define SP_RESPONDER_FIELD_H

#include "responder/request.h"

/* Take in the field line at @line. False if it, or what it says, makes the request a bad one. */
bool sp_field_read(struct sp_request *request, const char *head, struct sp_span line);

/* Whether the @length bytes at @text are a token (RFC 9110 section 5.6.2). */
bool sp_is_token(const char *text, size_t length);

#endif
