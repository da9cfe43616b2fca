/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cli/sheet_page.h"

static void put_text(FILE *file, const char *text)
{
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", file);
		else if (*text == '&')
			fputs("&amp;", file);
		else
			fputc(*text, file);
	}
}

static void put_line(FILE *file, int x, int y, int size, const char *more, const char *text)
{
	fprintf(file, "<text x=\"%d\" y=\"%d\" font-size=\"%d\"%s>", x, y, size, more);
	put_text(file, text);
	fputs("</text>\n", file);
}

/* One path of runs of dark modules: a rectangle for each would show hairlines between them. */
static void put_code(FILE *file, int x, int y, const QRcode *code)
{
	double module = SP_CELL_QR / (double)(code->width + 2 * SP_QR_QUIET);

	fprintf(file, "<path transform=\"translate(%.3f %.3f) scale(%.4f)\" d=\"",
	        x + SP_QR_QUIET * module, y + SP_QR_QUIET * module, module);
	for (int row = 0; row < code->width; row++) {
		const unsigned char *modules = code->data + (size_t)row * (size_t)code->width;

		for (int at = 0, end; at < code->width; at = end + 1) {
			for (end = at; end < code->width && (modules[end] & 1); end++)
				;
			if (end > at)
				fprintf(file, "M%d %dh%dv1h-%dz", at, row, end - at, end - at);
		}
	}
	fputs("\"/>\n", file);
}

static void put_cell(FILE *file, size_t place, const struct sp_sheet_cell *cell, const QRcode *code)
{
	int x = SP_PAGE_MARGIN + (int)(place % SP_PAGE_COLUMNS) * SP_CELL_WIDTH;
	int y = SP_PAGE_MARGIN + (int)(place / SP_PAGE_COLUMNS) * SP_CELL_HEIGHT;
	int text = x + SP_CELL_SPACE + SP_CELL_QR;

	fprintf(file,
	        "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" "
	        "stroke=\"#bbb\" stroke-width=\"1\" stroke-dasharray=\"8 8\"/>\n",
	        x, y, SP_CELL_WIDTH, SP_CELL_HEIGHT);
	put_code(file, x + SP_CELL_SPACE / 2, y + (SP_CELL_HEIGHT - SP_CELL_QR) / 2, code);
	put_line(file, text, y + 150, 44, " font-family=\"monospace\" font-weight=\"bold\"",
	         cell->code);
	put_line(file, text, y + 220, 26, "", cell->lines[0]);
	put_line(file, text, y + 265, 26, "", cell->lines[1]);
}

int sp_sheet_svg(FILE *file, const struct sp_sheet_cell *cells, QRcode *const *codes, size_t count)
{
	fprintf(file,
	        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"210mm\" height=\"297mm\" "
	        "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\">\n"
	        "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
	        SP_PAGE_WIDTH, SP_PAGE_HEIGHT);
	for (size_t i = 0; i < count; i++)
		put_cell(file, i, &cells[i], codes[i]);
	fputs("</svg>\n", file);
	return ferror(file) ? -EIO : 0;
}
