/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Vouchers as they are listed, and as they are shown once with their codes. */
#ifndef SP_CLI_VOUCHER_OUTPUT_H
#define SP_CLI_VOUCHER_OUTPUT_H

#include "lib/ledger.h"

enum sp_voucher_format { SP_VOUCHER_PLAIN, SP_VOUCHER_CSV, SP_VOUCHER_JSON };

/* "new", "used", "full", "expired" or "revoked" at @now. */
const char *sp_voucher_state(const struct sp_voucher *voucher, uint64_t now);

void sp_put_voucher_header(void);
void sp_put_voucher_row(const struct sp_voucher *voucher, uint64_t now);

/* One line; with @code, if it is not NULL. */
int sp_put_voucher_json(const struct sp_voucher *voucher, uint64_t now, const char *code,
                        struct sp_error *err);

/* One of the new vouchers, whose code is printed as @code. */
void sp_put_voucher_csv_header(void);
int sp_put_new_voucher(const struct sp_voucher *voucher, const char *code,
                       enum sp_voucher_format format, struct sp_error *err);

#endif
