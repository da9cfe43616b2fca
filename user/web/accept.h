/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_WEB_ACCEPT_H
#define SP_WEB_ACCEPT_H

#include <stdbool.h>
#include <stddef.h>

/* The representations there are, in the order that decides between equals. */
enum sp_format {
	SP_FORMAT_HTML,
	SP_FORMAT_PROBLEM,
	SP_FORMAT_JSON,
	SP_FORMAT_TEXT,
	SP_FORMAT_COUNT
};

/* The media type of @format. */
const char *sp_format_type(enum sp_format format);

/*
 * The representation for an Accept value of @length bytes (RFC 9110 section 12.5.1): the highest
 * quality; among equals the one that was named most exactly, so that a program that asks for
 * "application/json, *" "/" "*" gets JSON; HTML when that leaves a doubt or nothing.
 * @value may be any bytes.
 */
enum sp_format sp_accept_choose(const char *value, size_t length);

/* Whether an Accept value of @length bytes, any bytes, names exactly @type, and not with a quality
 * of 0. Ranges such as "*" "/" "*" name nothing. */
bool sp_accept_names(const char *value, size_t length, const char *type);

#endif
