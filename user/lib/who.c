/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/who.h"

const char *sp_cause_name(unsigned cause)
{
	static const char *const names[SP_CAUSES] = {
		[SP_CAUSE_NONE] = "",
		[SP_CAUSE_TIME] = "time",
		[SP_CAUSE_IDLE] = "idle",
		[SP_CAUSE_QUOTA] = "quota",
		[SP_CAUSE_CLIENT] = "client",
		[SP_CAUSE_OPERATOR] = "operator",
		[SP_CAUSE_REPLACED] = "replaced",
		[SP_CAUSE_LOST] = "lost",
	};

	return cause < SP_CAUSES ? names[cause] : "unknown";
}
