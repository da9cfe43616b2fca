/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/open_ledger.h"

#include <errno.h>

int sp_open_ledger(const struct sp_invocation *invocation, struct sp_ledger **ledger,
                   struct sp_error *err)
{
	const struct sp_instance *instance = &invocation->instance;

	if (!sp_ledger_exists(instance))
		return sp_fail(err, -ENOENT, SP_EXIT_NOT_FOUND,
		               "%s/ledger.db: there is no ledger yet; the first session makes one",
		               instance->state);
	return sp_ledger_open(ledger, instance, err);
}
