/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/config_check.h"
#include "cli/open.h"
#include "cli/output.h"
#include "ipc/ipc.h"
#include "keeper/external.h"
#include "keeper/paths.h"
#include "keeper/tls.h"
#include "keeper/radius.h"
#include "web/pages.h"

static bool has_pages(const struct sp_config *config)
{
	for (unsigned i = 0; i < config->zone_count; i++)
		if (config->zone[i].pages[0])
			return true;
	return false;
}

/* The operator's own pages belong to the configuration. */
static int check_pages(const struct sp_config *config, struct sp_error *err)
{
	struct sp_paths paths;
	int code = sp_paths_find(&paths, err);

	return code ? code : sp_pages_check(paths.data, config, err);
}

static int check_external(const struct sp_config *config, struct sp_error *err)
{
	char secret[SP_IPC_SHARED];
	int code = sp_external_read(secret, config, err);

	explicit_bzero(secret, sizeof(secret));
	return code;
}

/* Also what a daemon that starts would only warn of. */
static int check_certificate(const struct sp_config *config, struct sp_error *err)
{
	struct sp_certificate certificate;
	int code;

	if (!config->certificate[0])
		return 0;
	code = sp_tls_load(&certificate, config, err);
	if (!code)
		code = sp_tls_check(&certificate, config, err);
	sp_certificate_free(&certificate);
	return code;
}

int sp_config_check_files(const struct sp_config *config, struct sp_error *err)
{
	int code = has_pages(config) ? check_pages(config, err) : 0;

	if (!code)
		code = sp_radius_check(config, err);
	if (!code)
		code = check_external(config, err);
	return code ? code : check_certificate(config, err);
}

int sp_config_check_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	static struct sp_config config;
	int code = sp_open_config(invocation, &config, false, err);

	if (!code)
		code = sp_config_check_files(&config, err);
	if (code)
		return code;
	if (invocation->json)
		return sp_put_json(json_pack("{s:s, s:b}", "config", config.path, "ok", 1), err);
	printf("%s: ok\n", config.path);
	return 0;
}
