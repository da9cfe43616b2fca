/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A response of any kind. */
#ifndef SP_PORTAL_REPLY_H
#define SP_PORTAL_REPLY_H

#include <microhttpd.h>
#include <stddef.h>

struct sp_field {
	const char *name, *value; /* of a header; a list of them ends with a NULL name */
};

/*
 * Queue @response, which is given up, with the fields of each list in @lists, which ends with NULL.
 * MHD_NO: the connection is closed without one; so it is with a NULL @response (no memory).
 */
enum MHD_Result sp_reply_queue(struct MHD_Connection *connection, unsigned status,
                               struct MHD_Response *response, const struct sp_field *const lists[]);

/* The same with the body @text of @length bytes, which comes from malloc() and is freed here. */
enum MHD_Result sp_reply_send(struct MHD_Connection *connection, unsigned status, char *text,
                              size_t length, const struct sp_field *const lists[]);

#endif
