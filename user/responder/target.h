/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_RESPONDER_TARGET_H
#define SP_RESPONDER_TARGET_H

#include "responder/request.h"

/* Tell the four forms of request target apart (RFC 9112 section 3.2) by method and target of
 * @request; fills form, authority and path. False if it is none of them. */
bool sp_target_parse(struct sp_request *request, const char *head);

#endif
