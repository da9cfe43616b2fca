/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "web/pages.h"

int sp_pages_load(struct sp_pages *pages, const char *directory, const char *own,
                  struct sp_error *err)
{
	int ret;

	*pages = (struct sp_pages){0};
	ret = sp_catalogue_load(&pages->catalogue, directory, own, err);
	if (!ret)
		ret = sp_frame_load(&pages->frame, directory, own, err);
	if (!ret)
		ret = sp_asset_style(&pages->style, directory, own, err);
	if (!ret)
		ret = sp_asset_logo(&pages->logo, own, err);
	if (ret)
		sp_pages_free(pages);
	return ret;
}

void sp_pages_free(struct sp_pages *pages)
{
	sp_asset_free(&pages->logo);
	sp_asset_free(&pages->style);
	sp_frame_free(&pages->frame);
	sp_catalogue_free(&pages->catalogue);
}

int sp_pages_check(const char *directory, const char *own, struct sp_error *err)
{
	static struct sp_pages pages;
	int ret = sp_pages_load(&pages, directory, own, err);

	sp_pages_free(&pages);
	return ret;
}
