/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/ledger_state.h"

#include "lib/ledger_care.h"

bool sp_ledger_is_fine(const struct sp_instance *instance, struct sp_error *err)
{
	struct sp_ledger *ledger;
	int code;

	if (!sp_ledger_exists(instance))
		return true;
	code = sp_ledger_open(&ledger, instance, err);
	if (!code)
		code = sp_ledger_probe(ledger, err);
	sp_ledger_close(ledger);
	return !code;
}
