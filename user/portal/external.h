/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way to an external portal (web/handover.h). */
#ifndef SP_PORTAL_EXTERNAL_H
#define SP_PORTAL_EXTERNAL_H

#include <stddef.h>

#include "portal/request.h"

/*
 * Write the link that hands the visitor over to the external portal, which knows by it where to
 * send them back to: our /external, with the wanted URL. request->visitor is known. 0 or negative
 * errno; -ENOENT: there is no external portal.
 */
int sp_external_link(const struct sp_request *request, char *out, size_t room);

#endif
