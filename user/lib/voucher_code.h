/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code of a voucher: ten random characters of Crockford's base32
 * (https://www.crockford.com/base32.html), 50 bits, printed as XXXXX-XXXXX. Its alphabet has no I,
 * L, O and U: what people read or type instead of a digit can only have meant that digit.
 */
#ifndef SP_LIB_VOUCHER_CODE_H
#define SP_LIB_VOUCHER_CODE_H

#include <stdbool.h>
#include <stdint.h>

#define SP_VOUCHER_CODE   11 /* the plain form, ten characters, NUL included */
#define SP_VOUCHER_SHOWN  12 /* XXXXX-XXXXX, NUL included */
#define SP_VOUCHER_DIGEST 32 /* HMAC-SHA-256 of the plain form */
#define SP_VOUCHER_KEY    32 /* bytes of its key */

/* A new code from the kernel's random numbers. 0 or negative errno. */
int sp_voucher_code_make(char code[SP_VOUCHER_CODE]);

/*
 * What somebody typed, as a code in its plain form: either case; blanks and dashes anywhere,
 * those of Unicode too, and full-width letters; O is 0, I and L are 1, U is V. -EINVAL for
 * what can be no code; @code is then "".
 */
int sp_voucher_code_read(const char *text, char code[SP_VOUCHER_CODE]);

/* Whether @text is a code in its plain form, to the letter. */
bool sp_voucher_code_is_plain(const char *text);

/* The code @plain as it is printed. Returns @out. */
char *sp_voucher_code_show(char out[SP_VOUCHER_SHOWN], const char plain[SP_VOUCHER_CODE]);

/* What the ledger keeps in place of the code @plain. */
void sp_voucher_code_digest(uint8_t digest[SP_VOUCHER_DIGEST], const uint8_t key[SP_VOUCHER_KEY],
                            const char plain[SP_VOUCHER_CODE]);

#endif
