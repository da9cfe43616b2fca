/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vouchers to print and cut: A4 pages of 3 by 7, each with its code, a QR code that leads to the
 * portal with the code filled in, and what the voucher is good for. SVG or PNG by the file's name.
 */
#ifndef SP_CLI_SHEET_H
#define SP_CLI_SHEET_H

#include <stddef.h>

#include "lib/error.h"

#define SP_SHEET_LINE 96 /* bytes of a line of text, NUL included */

struct sp_sheet_cell {
	char code[SP_SHEET_LINE]; /* as it is printed */
	char url[512];            /* in the QR code */
	char lines[2][SP_SHEET_LINE];
};

/* Whether the name of a file says what it is to be; a sentence if not (SP_EXIT_USAGE). */
int sp_sheet_check(const char *file, struct sp_error *err);

/*
 * Write @count cells. The second page of FILE.svg is FILE-2.svg and so on. No file that is there is
 * overwritten: -EEXIST. After an error nothing is left.
 */
int sp_sheet_write(const char *file, const struct sp_sheet_cell *cells, size_t count,
                   struct sp_error *err);

/* Take back what sp_sheet_write wrote. */
void sp_sheet_remove(const char *file, size_t count);

#endif
