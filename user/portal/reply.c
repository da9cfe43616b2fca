/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/reply.h"

#include <stdbool.h>
#include <stdlib.h>

#include "ipc/tally.h"

static bool add(struct MHD_Response *response, const struct sp_field *field)
{
	for (; field->name; field++)
		if (!MHD_add_response_header(response, field->name, field->value))
			return false;
	return true;
}

enum MHD_Result sp_reply_queue(struct MHD_Connection *connection, unsigned status,
                               struct MHD_Response *response, const struct sp_field *const lists[])
{
	enum MHD_Result result = MHD_NO;

	if (!response)
		return MHD_NO;
	while (*lists && add(response, *lists))
		lists++;
	if (!*lists)
		result = MHD_queue_response(connection, status, response);
	if (result == MHD_YES)
		sp_tally_status(sp_tally->portal.requests, status);
	MHD_destroy_response(response);
	return result;
}

enum MHD_Result sp_reply_send(struct MHD_Connection *connection, unsigned status, char *text,
                              size_t length, const struct sp_field *const lists[])
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);

	if (!response)
		free(text);
	return sp_reply_queue(connection, status, response, lists);
}
