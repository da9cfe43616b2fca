/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "responder/count.h"

#include <string.h>

#include "ipc/tally.h"
#include "lib/monotonic.h"

void sp_count_answer(const char *answer, uint64_t came)
{
	const char *status = answer + strlen("HTTP/1.1 ");
	struct sp_tally_responder *tally = &sp_tally->responder;

	sp_tally_status(tally->answers, (unsigned)((status[0] - '0') * 100 +
	                                           (status[1] - '0') * 10 + status[2] - '0'));
	sp_histogram_count(&tally->latency, sp_monotonic_us() - came);
}
