/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/radius.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keeper/listen.h"
#include "lib/netlink.h"
#include "lib/secrets.h"

#define ACCESS_PORT     1812u /* RFC 2865, 3 */
#define ACCOUNTING_PORT 1813u /* RFC 2866, 3 */

_Static_assert(SP_CONFIG_RADIUS == SP_IPC_RADIUS_SERVERS && SP_SECRET == SP_IPC_RADIUS_SECRET,
               "what the configuration holds has room in a message");

/* The interface of the clients by its MAC address, as access points do (RFC 3580, 3.20). */
static int name_station(char called[64], const struct sp_config *config, struct sp_error *err)
{
	struct sp_interface interface;
	const uint8_t *mac = interface.mac;
	int ret = sp_netlink_link(config->client[0], &interface, err);

	if (ret)
		/* One that comes later is not named. */
		return ret == -ENODEV ? 0 : ret;
	snprintf(called, 64, "%02X-%02X-%02X-%02X-%02X-%02X", mac[0], mac[1], mac[2], mac[3],
	         mac[4], mac[5]);
	return 0;
}

static void name_gateway(struct sp_ipc_radius *radius, const struct sp_config *config)
{
	memcpy(radius->nas_identifier, config->radius_identifier, sizeof(radius->nas_identifier));
	/* A longer host name is cut. */
	if (!radius->nas_identifier[0])
		(void)gethostname(radius->nas_identifier, sizeof(radius->nas_identifier) - 1);
	memcpy(radius->nas_address, config->radius_nas, sizeof(radius->nas_address));
}

/* @count servers, and the secret of each: that of its place, or the only one. */
static int list_servers(struct sp_ipc_radius *radius, const struct sp_config *config,
                        const struct sp_endpoint *list, unsigned count, unsigned port,
                        struct sp_error *err)
{
	char secrets[SP_CONFIG_RADIUS][SP_SECRET];
	int known = sp_secrets_read("secret_file", config->radius_secret_file, secrets, count, err);

	for (unsigned i = 0; known > 0 && i < count; i++) {
		struct sp_ipc_radius_server *server = &radius->server[i];

		if (known > 1 && i >= (unsigned)known) {
			known = sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			                "%s: it has %d secrets and there are %u servers: expected "
			                "one for all, or one for each",
			                config->radius_secret_file, known, count);
			break;
		}
		server->address = list[i].address;
		server->port = list[i].port ? list[i].port : port;
		memcpy(server->secret, secrets[known == 1 ? 0 : i], sizeof(server->secret));
		radius->server_count = i + 1;
	}
	explicit_bzero(secrets, sizeof(secrets));
	return known < 0 ? known : 0;
}

static int plan(struct sp_ipc_radius *radius, const struct sp_config *config,
                const struct sp_endpoint *list, unsigned count, unsigned port, struct sp_error *err)
{
	int ret;

	*radius = (struct sp_ipc_radius){
		.timeout_ms = (uint32_t)config->radius_timeout * 1000,
		.tries = config->radius_tries,
		.chap = config->radius_chap,
		.port_type = config->radius_port_type,
	};
	if (!count)
		return 0;
	name_gateway(radius, config);
	ret = list_servers(radius, config, list, count, port, err);
	return ret ? ret : name_station(radius->called, config, err);
}

int sp_radius_plan_access(struct sp_ipc_radius *radius, const struct sp_config *config,
                          struct sp_error *err)
{
	return plan(radius, config, config->radius_server, config->radius_count, ACCESS_PORT, err);
}

/* Without servers of its own, the hosts that are asked for access. */
static unsigned list_accounting(const struct sp_config *config,
                                struct sp_endpoint list[SP_CONFIG_RADIUS])
{
	if (config->radius_no_accounting)
		return 0;
	if (config->radius_accounting_count) {
		memcpy(list, config->radius_accounting, sizeof(config->radius_accounting));
		return config->radius_accounting_count;
	}
	for (unsigned i = 0; i < config->radius_count; i++)
		list[i] = (struct sp_endpoint){.address = config->radius_server[i].address};
	return config->radius_count;
}

int sp_radius_plan_accounting(struct sp_ipc_radius *radius, const struct sp_config *config,
                              struct sp_error *err)
{
	struct sp_endpoint list[SP_CONFIG_RADIUS];
	unsigned count = list_accounting(config, list);

	return plan(radius, config, list, count, ACCOUNTING_PORT, err);
}

/* Without addresses of their own, the hosts that are asked for access. */
static void list_sources(struct sp_ipc_verifier_setup *setup, const struct sp_config *config)
{
	_Static_assert(SP_CONFIG_RADIUS <= SP_MAX_ADDRESSES, "they have room");
	setup->source_count =
		config->radius_coa_count ? config->radius_coa_count : config->radius_count;
	for (unsigned i = 0; i < setup->source_count; i++)
		setup->source[i] = config->radius_coa_count ? config->radius_coa_client[i]
		                                            : config->radius_server[i].address;
}

static int find_source_secret(char secret[SP_IPC_RADIUS_SECRET], const struct sp_config *config,
                              struct sp_error *err)
{
	char list[SP_CONFIG_RADIUS][SP_SECRET];
	const bool own = config->radius_coa_secret_file[0];
	int ret = own ? sp_secrets_read("coa_secret_file", config->radius_coa_secret_file, list, 1,
	                                err)
	              : sp_secrets_read("secret_file", config->radius_secret_file, list,
	                                SP_CONFIG_RADIUS, err);

	if (ret > 0)
		memcpy(secret, list[0], sizeof(list[0]));
	explicit_bzero(list, sizeof(list));
	return ret < 0 ? ret : 0;
}

int sp_radius_plan_authority(struct sp_ipc_verifier_setup *setup, int *file,
                             const struct sp_config *config, struct sp_error *err)
{
	int ret;

	if (!config->radius_coa)
		return 0;
	list_sources(setup, config);
	name_gateway(&setup->radius, config);
	ret = find_source_secret(setup->source_secret, config, err);
	if (ret)
		return ret;
	ret = sp_listen_authority(config->radius_coa_port, err);
	if (ret < 0)
		return ret;
	*file = ret;
	return 0;
}

int sp_radius_check(const struct sp_config *config, struct sp_error *err)
{
	static struct sp_ipc_radius radius;
	char secret[SP_IPC_RADIUS_SECRET];
	int ret = sp_radius_plan_access(&radius, config, err);

	if (!ret)
		ret = sp_radius_plan_accounting(&radius, config, err);
	if (!ret && config->radius_coa)
		ret = find_source_secret(secret, config, err);
	explicit_bzero(&radius, sizeof(radius));
	explicit_bzero(secret, sizeof(secret));
	return ret;
}
