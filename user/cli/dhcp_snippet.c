/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `sallyport dhcp-snippet`: what tells clients of the captive portal API (RFC 8910), for servers
 * that operators have. Each option holds the bare URI: no NUL, no quotes.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/open.h"
#include "cli/output.h"
#include "lib/certificate.h"
#include "lib/revocation.h"
#include "web/api.h"

#define GARDEN_ENTRY "%s tcp/%u" /* of host and port */

/* All that a snippet is made of. */
struct announcement {
	const struct sp_config *config;
	char uri[SP_API_URI];
	struct sp_revocation_server servers[SP_REVOCATION_SERVERS];
	unsigned server_count;
	struct sp_error unread; /* why the certificate could not be asked for them; "" */
};

static void put_dnsmasq(FILE *out, const struct announcement *announcement)
{
	const char *uri = announcement->uri;

	fprintf(out,
	        "# Captive portal API (RFC 8910) by dnsmasq: DHCPv4 option 114, DHCPv6 option "
	        "103.\n"
	        "# Into /etc/dnsmasq.conf or a file in /etc/dnsmasq.d, then restart dnsmasq.\n"
	        "# dnsmasq has no such option for router advertisements.\n"
	        "dhcp-option=114,%s\n"
	        "dhcp-option=option6:103,%s\n",
	        uri, uri);
}

static void put_kea(FILE *out, const struct announcement *announcement)
{
	const char *uri = announcement->uri;

	fprintf(out,
	        "// Captive portal API (RFC 8910) by Kea 2.0 or later: DHCPv4 option 114, DHCPv6\n"
	        "// option 103. Where \"option-data\" is there already, add the entry in braces to "
	        "it.\n"
	        "\n"
	        "// Into \"Dhcp4\" of kea-dhcp4.conf, or into one of its subnets:\n"
	        "\"option-data\": [\n"
	        "    { \"name\": \"v4-captive-portal\", \"data\": \"%s\" }\n"
	        "]\n"
	        "\n"
	        "// Into \"Dhcp6\" of kea-dhcp6.conf, or into one of its subnets:\n"
	        "\"option-data\": [\n"
	        "    { \"name\": \"v6-captive-portal\", \"data\": \"%s\" }\n"
	        "]\n",
	        uri, uri);
}

/* The names are our own: those that ISC dhcpd knows changed their codes between its versions. */
static void put_isc(FILE *out, const struct announcement *announcement)
{
	const char *uri = announcement->uri;

	fprintf(out,
	        "# Captive portal API (RFC 8910) by ISC dhcpd: DHCPv4 option 114, DHCPv6 option "
	        "103.\n"
	        "\n"
	        "# Into dhcpd.conf, above the first subnet:\n"
	        "option captive-portal-api code 114 = text;\n"
	        "option captive-portal-api \"%s\";\n"
	        "\n"
	        "# Into dhcpd6.conf, above the first subnet6:\n"
	        "option dhcp6.captive-portal-api code 103 = text;\n"
	        "option dhcp6.captive-portal-api \"%s\";\n",
	        uri, uri);
}

static void put_radvd(FILE *out, const struct announcement *announcement)
{
	const struct sp_config *config = announcement->config;

	fprintf(out, "# Captive portal API (RFC 8910) by radvd 2.20 or later: option 37 of router\n"
	             "# advertisements. Into /etc/radvd.conf, within the block of each client "
	             "interface:\n");
	for (unsigned i = 0; i < config->client_count; i++)
		fprintf(out, "#     interface %s { ... };\n", config->client[i]);
	fprintf(out, "AdvCaptivePortalAPI \"%s\";\n", announcement->uri);
}

static void put_odhcpd(FILE *out, const struct announcement *announcement)
{
	const char *uri = announcement->uri;

	fprintf(out,
	        "# Captive portal API (RFC 8910) by odhcpd of November 2025 or later: DHCPv4 "
	        "option\n"
	        "# 114, DHCPv6 option 103 and option 37 of router advertisements. Into\n"
	        "# /etc/config/dhcp, within the section of the clients' network (config dhcp "
	        "'lan'),\n"
	        "# then: service odhcpd restart\n"
	        "	option captive_portal_uri '%s'\n"
	        "\n"
	        "# Where dnsmasq serves DHCPv4 (maindhcp is 0, the default), there as well, then:\n"
	        "# service dnsmasq restart\n"
	        "	list dhcp_option '114,%s'\n",
	        uri, uri);
}

static const struct server {
	const char *name;
	void (*put)(FILE *out, const struct announcement *announcement);
	const char *comment; /* what begins one */
} servers[] = {
	{"dnsmasq", put_dnsmasq, "#"}, {"kea", put_kea, "//"},      {"isc", put_isc, "#"},
	{"radvd", put_radvd, "#"},     {"odhcpd", put_odhcpd, "#"},
};

static const struct server *find_server(const char *name)
{
	for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++)
		if (!strcmp(servers[i].name, name))
			return &servers[i];
	return NULL;
}

/* What devices need before they believe the API. */
static void put_needs(FILE *out, const char *comment, const struct announcement *announcement)
{
	const struct sp_config *config = announcement->config;

	fprintf(out,
	        "\n%s For the API devices must resolve %s to the portal, trust its certificate,\n"
	        "%s have the right time (a time server by DHCP that captive clients reach), and "
	        "be\n"
	        "%s able to ask whether the certificate was revoked. For that ",
	        comment, config->zone[0].portal_host, comment, comment);
	if (announcement->unread.text[0])
		fprintf(out, "see what it names:\n%s %s\n", comment, announcement->unread.text);
	else if (!announcement->server_count)
		fprintf(out, "it names no server.\n");
	else
		fprintf(out, "open in [garden] of\n%s %s:\n", comment, config->path);
	for (unsigned i = 0; i < announcement->server_count; i++)
		fprintf(out, "%s     allow = " GARDEN_ENTRY "\n", comment,
		        announcement->servers[i].host, announcement->servers[i].port);
}

/* The snippet as one text, from malloc(); NULL: no memory. */
static char *make(const struct server *server, const struct announcement *announcement)
{
	size_t length;
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	server->put(out, announcement);
	put_needs(out, server->comment, announcement);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* A certificate that cannot be read now changes nothing in what is announced. */
static void read_certificate(struct announcement *announcement)
{
	struct sp_certificate certificate = {0};
	char path[PATH_MAX];
	int code = sp_config_file(announcement->config, announcement->config->certificate, path,
	                          sizeof(path), &announcement->unread);

	if (!code)
		code = sp_certificate_load(&certificate, path, NULL, &announcement->unread);
	if (code)
		return;
	announcement->server_count = sp_revocation_servers(&certificate, announcement->servers);
	sp_certificate_free(&certificate);
}

static json_t *garden_of(const struct announcement *announcement)
{
	json_t *garden = json_array();

	for (unsigned i = 0; garden && i < announcement->server_count; i++) {
		const struct sp_revocation_server *server = &announcement->servers[i];

		json_array_append_new(garden,
		                      json_sprintf(GARDEN_ENTRY, server->host, server->port));
	}
	return garden;
}

int sp_dhcp_snippet_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	const struct server *server = find_server(invocation->operand);
	static struct sp_config config;
	struct announcement announcement = {.config = &config};
	char *text;
	int code;

	if (!server)
		return sp_fail(
			err, -EINVAL, SP_EXIT_USAGE,
			"dhcp-snippet: expected dnsmasq, kea, isc, radvd or odhcpd, got \"%s\"",
			invocation->operand);
	code = sp_open_config(invocation, &config, true, err);
	if (!code)
		code = sp_api_uri(announcement.uri, &config, err);
	if (code)
		return code;
	read_certificate(&announcement);
	text = make(server, &announcement);
	if (!text)
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	if (invocation->json)
		code = sp_put_json(json_pack("{s:s, s:s, s:o, s:s}", "server", server->name, "uri",
		                             announcement.uri, "garden", garden_of(&announcement),
		                             "snippet", text),
		                   err);
	else
		fputs(text, stdout);
	free(text);
	return code;
}
