/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the keeper's result of a login means for people and for HTTP. */
#ifndef SP_PORTAL_OUTCOME_H
#define SP_PORTAL_OUTCOME_H

#include "ipc/ipc.h"
#include "lib/method.h"
#include "portal/page.h"

struct sp_outcome {
	unsigned status; /* of HTTP */
	enum sp_message text;
	enum sp_page_subject about; /* never SP_PAGE_NOTHING */
};

/* Of a login by @method that did not succeed. A result that does not exist, or SP_IPC_DONE without
 * a session, is a failure of ours. */
struct sp_outcome sp_outcome_of(uint32_t result, enum sp_method method);

#endif
