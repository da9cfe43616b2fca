/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/voucher_key.h"

#include <errno.h>

#define NAME "voucher.key"

int sp_voucher_key(const struct sp_instance *instance, struct sp_ledger *ledger,
                   uint8_t key[SP_KEY_BYTES], struct sp_error *err)
{
	uint64_t vouchers = 0;
	int ret = sp_key_find(instance, NAME, key, err);

	if (ret != -ENOENT)
		return ret;
	ret = sp_ledger_voucher_count(ledger, &vouchers, err);
	if (ret)
		return ret;
	if (!vouchers)
		return sp_key_get(instance, NAME, key, err);
	return sp_fail(err, -ENOKEY, SP_EXIT_FAILED,
	               "%s/" NAME
	               " is missing, without which none of the codes of %llu vouchers is "
	               "known: put it back from a copy; or, if it is lost, revoke these vouchers "
	               "(`sallyport voucher revoke --all`), and a new key is made",
	               instance->state, (unsigned long long)vouchers);
}
