/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a page of a sheet looks like, for those who draw it. Lengths are tenths of a millimetre. */
#ifndef SP_CLI_SHEET_PAGE_H
#define SP_CLI_SHEET_PAGE_H

#include <stdio.h>

#include <qrencode.h>

#include "cli/sheet.h"

#define SP_PAGE_WIDTH   2100
#define SP_PAGE_HEIGHT  2970
#define SP_PAGE_COLUMNS 3
#define SP_PAGE_ROWS    7
#define SP_PAGE_CELLS   21 /* SP_PAGE_COLUMNS * SP_PAGE_ROWS */
#define SP_PAGE_MARGIN  105
#define SP_CELL_WIDTH   630
#define SP_CELL_HEIGHT  394
#define SP_CELL_SPACE   25  /* between the cell's edge, where it is cut, and what is in it */
#define SP_CELL_QR      264 /* side of the QR code with its quiet zone */
#define SP_QR_QUIET     4   /* modules of it (ISO/IEC 18004) */

_Static_assert(SP_PAGE_CELLS == SP_PAGE_COLUMNS * SP_PAGE_ROWS, "as they are drawn");

/* Draw @count cells, each with its QR code. 0 or a negative errno. */
int sp_sheet_svg(FILE *file, const struct sp_sheet_cell *cells, QRcode *const *codes, size_t count);
int sp_sheet_png(FILE *file, const struct sp_sheet_cell *cells, QRcode *const *codes, size_t count);

#endif
