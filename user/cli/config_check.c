/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <netinet/in.h>
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
#include "lib/address.h"
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

static bool is_loopback(const struct sp_address *address)
{
	const struct sp_address loopback6 = {{0, 0, 0, htonl(1)}};

	return sp_address_is_ipv4(address) ? ntohl(address->word[3]) >> 24 == IN_LOOPBACKNET
	                                   : !memcmp(address, &loopback6, sizeof(loopback6));
}

/* What may be meant, but should be known. */
static void warn(const struct sp_config *config)
{
	const struct sp_metrics_listen *listen = &config->metrics_listen;
	char text[INET6_ADDRSTRLEN];

	if (listen->on && listen->endpoint.port && !is_loopback(&listen->endpoint.address))
		fprintf(stderr,
		        "sallyport: warning: [metrics] listen: everybody who reaches %s can read "
		        "how many clients there are and how they sign in; 127.0.0.1 is for this "
		        "machine alone\n",
		        sp_address_text(&listen->endpoint.address, text));
}

int sp_config_check_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	static struct sp_config config;
	int code = sp_open_config(invocation, &config, false, err);

	if (!code)
		code = sp_config_check_files(&config, err);
	if (code)
		return code;
	warn(&config);
	if (invocation->json)
		return sp_put_json(json_pack("{s:s, s:b}", "config", config.path, "ok", 1), err);
	printf("%s: ok\n", config.path);
	return 0;
}
