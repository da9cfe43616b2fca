/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a configuration file. What is accepted must keep the promises of config.h; what is
 * refused must be explained in text that can be shown.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_accepted(const struct sp_config *config)
{
	require(config->client_count >= 1 && config->client_count <= SP_MAX_INTERFACES);
	for (unsigned i = 0; i < config->client_count; i++)
		require(config->client[i][0] && memchr(config->client[i], 0, IF_NAMESIZE));
	require(config->resolver_count <= SP_MAX_ADDRESSES);
	require(config->portal_count <= SP_MAX_ADDRESSES);
	require(config->mark && !(config->mark & ~config->mark_mask));
	require(config->max_clients >= 1 && config->max_clients <= 4194304);
	require(config->plain_port != 80);
	require(config->zone[0].session_seconds > 0);
	require(config->workers <= SP_MAX_WORKERS && config->refresh <= 3600);
	require(strcmp(config->responder_user, config->portal_user) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sp_config config;
	struct sp_error error = {0};
	FILE *file;

	if (size == 0)
		return 0;
	file = fmemopen((void *)(uintptr_t)data, size, "r");
	require(file != NULL);
	if (sp_config_read(&config, file, "fuzz.conf", NULL, &error) == 0)
		check_accepted(&config);
	else
		require(!strncmp(error.text, "fuzz.conf:", 10) && error.exit_code == SP_EXIT_USAGE);
	fclose(file);
	return 0;
}
