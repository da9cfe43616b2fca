/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The captive portal API (RFC 8908): a device asks whether it is captive, and until when not. */
#ifndef SP_PORTAL_API_H
#define SP_PORTAL_API_H

#include "ipc/ipc.h"
#include "portal/request.h"

/*
 * The object of RFC 8908 section 5 for a client of which the keeper says @answer. From malloc();
 * NULL: no memory.
 */
char *sp_api_state(const struct sp_ipc_api *api, const struct sp_ipc_answer *answer);

/* Route SP_API_PATH. */
enum MHD_Result sp_api_handle(struct sp_request *request, const char *method);

#endif
