/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/sheet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/sheet_page.h"

static bool ends_in(const char *file, const char *end)
{
	size_t length = strlen(file), wanted = strlen(end);

	return length > wanted && !strcasecmp(file + length - wanted, end);
}

int sp_sheet_check(const char *file, struct sp_error *err)
{
	if (strlen(file) < PATH_MAX - 16 && (ends_in(file, ".svg") || ends_in(file, ".png")))
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
	               "--sheet: expected the name of a file that ends in .svg or .png, got \"%s\"",
	               file);
}

static void page_name(char name[PATH_MAX], const char *file, size_t page)
{
	size_t stem = strlen(file) - strlen(".svg");

	if (page == 0)
		snprintf(name, PATH_MAX, "%s", file);
	else
		snprintf(name, PATH_MAX, "%.*s-%zu%s", (int)stem, file, page + 1, file + stem);
}

static size_t pages_of(size_t count)
{
	return (count + SP_PAGE_CELLS - 1) / SP_PAGE_CELLS;
}

static void remove_pages(const char *file, size_t pages)
{
	char name[PATH_MAX];

	for (size_t page = 0; page < pages; page++) {
		page_name(name, file, page);
		unlink(name);
	}
}

void sp_sheet_remove(const char *file, size_t count)
{
	remove_pages(file, pages_of(count));
}

static int draw(FILE *file, bool png, const struct sp_sheet_cell *cells, size_t count)
{
	QRcode *codes[SP_PAGE_CELLS] = {NULL};
	int code = 0;

	for (size_t i = 0; i < count && !code; i++) {
		/* Quartile: a quarter of it may be dirty or torn. */
		codes[i] = QRcode_encodeString8bit(cells[i].url, 0, QR_ECLEVEL_Q);
		code = codes[i] ? 0 : -errno;
	}
	if (!code)
		code = (png ? sp_sheet_png : sp_sheet_svg)(file, cells, codes, count);
	for (size_t i = 0; i < count; i++)
		QRcode_free(codes[i]);
	return code;
}

/* Down to the disk: the codes are shown only once. */
static int finish(FILE *file, int code)
{
	if (!code && (fflush(file) || fsync(fileno(file))))
		code = -errno;
	if (fclose(file) && !code)
		code = -errno;
	return code;
}

/* Who has a sheet has the vouchers: it is for its owner's eyes. */
static int write_page(const char *name, bool png, const struct sp_sheet_cell *cells, size_t count,
                      struct sp_error *err)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	int code = 0;

	if (!file) {
		code = -errno;
		if (fd >= 0)
			close(fd);
		return sp_fail(err, code, code == -EACCES ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
		               "--sheet: cannot make %s: %s", name, strerror(-code));
	}
	code = finish(file, draw(file, png, cells, count));
	if (code) {
		unlink(name);
		return sp_fail(err, code, SP_EXIT_FAILED, "--sheet: cannot write %s: %s", name,
		               strerror(-code));
	}
	return 0;
}

int sp_sheet_write(const char *file, const struct sp_sheet_cell *cells, size_t count,
                   struct sp_error *err)
{
	char name[PATH_MAX];
	size_t done = 0;

	for (size_t page = 0; page < pages_of(count); page++) {
		size_t here = count - done < SP_PAGE_CELLS ? count - done : SP_PAGE_CELLS;
		int code;

		page_name(name, file, page);
		code = write_page(name, ends_in(file, ".png"), cells + done, here, err);
		if (code) {
			remove_pages(file, page);
			return code;
		}
		done += here;
	}
	return 0;
}
