/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ipc/prober.h"

#include <string.h>

bool sp_ipc_probed_fits(const struct sp_ipc_probed *probed)
{
	for (unsigned i = 0; i < SP_PROBE_QUESTIONS; i++) {
		const struct sp_probe_answer *answer = &probed->answer[i];

		if (answer->outcome > SP_PROBE_NONSENSE || answer->count > SP_PROBE_ADDRESSES ||
		    answer->code > 999 ||
		    strnlen(answer->text, sizeof(answer->text)) == sizeof(answer->text))
			return false;
	}
	return true;
}
