/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/asset.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Append what @file has to @asset, @most bytes or fewer, and a NUL that does not count. */
static int append(struct sp_asset *asset, FILE *file, size_t most)
{
	char *grown = realloc(asset->data, asset->length + most + 1);
	size_t length;

	if (!grown)
		return -ENOMEM;
	asset->data = grown;
	errno = 0;
	length = fread(grown + asset->length, 1, most + 1, file);
	if (ferror(file))
		return errno ? -errno : -EIO;
	asset->length += length;
	if (length > most)
		return -EFBIG;
	grown[asset->length] = '\0';
	return 0;
}

/* -ENOENT without a message: there is no such file. */
static int read_file(struct sp_asset *asset, const char *folder, const char *name, size_t most,
                     struct sp_error *err)
{
	char path[PATH_MAX];
	FILE *file;
	int ret = 0;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return sp_fail(err, -ENAMETOOLONG, SP_EXIT_FAILED, "%s: path too long", folder);
	file = fopen(path, "re");
	if (!file && errno == ENOENT)
		return -ENOENT;
	ret = file ? append(asset, file, most) : -errno;
	if (file)
		fclose(file);
	if (!ret)
		return 0;
	sp_asset_free(asset);
	return sp_fail(err, ret, SP_EXIT_FAILED, "%s: expected a file of at most %zu bytes: %s",
	               path, most, strerror(-ret));
}

/* The folder @index of @own, the one that goes first being 0; NULL: there is none. */
static const char *own_folder(const struct sp_own_pages *own, unsigned index)
{
	const char *folder = own ? own->folder[SP_OWN_PAGES - 1 - index] : NULL;

	return folder && *folder ? folder : NULL;
}

int sp_asset_style(struct sp_asset *style, const char *directory, const struct sp_own_pages *own,
                   struct sp_error *err)
{
	int ret;

	*style = (struct sp_asset){.type = "text/css; charset=utf-8"};
	ret = read_file(style, directory, "pages/style.css", SP_STYLE_MOST, err);
	if (ret == -ENOENT)
		return sp_fail(err, ret, SP_EXIT_FAILED, "%s/pages/style.css: %s", directory,
		               strerror(-ret));
	/* What comes last wins. */
	for (unsigned i = SP_OWN_PAGES; i-- > 0 && !ret;) {
		const char *folder = own_folder(own, i);

		if (folder)
			ret = read_file(style, folder, "style.css", SP_STYLE_MOST, err);
		ret = ret == -ENOENT ? 0 : ret;
	}
	return ret;
}

static int read_logo(struct sp_asset *logo, const char *folder, struct sp_error *err)
{
	static const struct {
		const char *name, *type;
	} kinds[] = {{"logo.svg", "image/svg+xml"},
	             {"logo.png", "image/png"},
	             {"logo.jpg", "image/jpeg"},
	             {"logo.webp", "image/webp"}};
	int ret = -ENOENT;

	for (size_t i = 0; ret == -ENOENT && i < sizeof(kinds) / sizeof(*kinds); i++) {
		logo->type = kinds[i].type;
		ret = read_file(logo, folder, kinds[i].name, SP_LOGO_MOST, err);
	}
	return ret;
}

int sp_asset_logo(struct sp_asset *logo, const struct sp_own_pages *own, struct sp_error *err)
{
	int ret = -ENOENT;

	*logo = (struct sp_asset){0};
	for (unsigned i = 0; i < SP_OWN_PAGES && ret == -ENOENT; i++) {
		const char *folder = own_folder(own, i);

		if (folder)
			ret = read_logo(logo, folder, err);
	}
	return ret == -ENOENT ? 0 : ret;
}

int sp_asset_page(struct sp_asset *page, const char *directory, const struct sp_own_pages *own,
                  char path[SP_ASSET_PATH], struct sp_error *err)
{
	int ret = -ENOENT;

	*page = (struct sp_asset){0};
	for (unsigned i = 0; i < SP_OWN_PAGES && ret == -ENOENT; i++) {
		const char *folder = own_folder(own, i);

		if (!folder)
			continue;
		snprintf(path, SP_ASSET_PATH, "%s/page.html", folder);
		ret = read_file(page, folder, "page.html", SP_PAGE_MOST, err);
	}
	if (ret != -ENOENT)
		return ret;
	snprintf(path, SP_ASSET_PATH, "%s/pages/page.html", directory);
	ret = read_file(page, directory, "pages/page.html", SP_PAGE_MOST, err);
	return ret == -ENOENT ? sp_fail(err, ret, SP_EXIT_FAILED, "%s: %s", path, strerror(-ret))
	                      : ret;
}

void sp_asset_free(struct sp_asset *asset)
{
	free(asset->data);
	*asset = (struct sp_asset){0};
}
