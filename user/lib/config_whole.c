/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A key that stands there and is wrong was told; that another one needs it is not told besides. */
#include <string.h>

#include "lib/config_parser.h"
#include "lib/method.h"

static bool has(const struct sp_config_parser *parser, const char *section, const char *name)
{
	return sp_config_line(parser, 0, section, name) != 0;
}

/* --- [gateway] --- */

static void check_clients(struct sp_config_parser *parser)
{
	if (parser->config->client_count || has(parser, "gateway", "client"))
		return;
	for (unsigned i = 1; i < parser->config->zone_count; i++)
		if (sp_config_line(parser, i, SP_CONFIG_ZONE, "client"))
			return;
	sp_config_wrong(parser, 0,
	                "no key 'client' in section [gateway]: expected the interfaces where the "
	                "clients are, such as client = lan0");
}

/* The line that makes @interface one of clients. */
static int line_of_client(const struct sp_config_parser *parser, const char *interface)
{
	for (unsigned i = 1; i < parser->config->zone_count; i++)
		for (unsigned k = 0; k < parser->config->zone[i].client_count; k++)
			if (!strcmp(parser->config->zone[i].client[k], interface))
				return sp_config_line(parser, i, SP_CONFIG_ZONE, "client");
	return sp_config_line(parser, 0, "gateway", "client");
}

/* Frames of an interface go through one program: it is judged or it is an uplink. */
static void check_uplinks(struct sp_config_parser *parser)
{
	const struct sp_config *config = parser->config;

	for (unsigned i = 0; i < config->uplink_count; i++)
		if (sp_config_is_client(config, config->uplink[i]))
			sp_config_wrong(parser, sp_config_line(parser, 0, "gateway", "uplink"),
			                "key 'uplink': '%s' is in 'client' too (line %d): expected "
			                "an interface without clients",
			                config->uplink[i],
			                line_of_client(parser, config->uplink[i]));
}

static void check_forward(struct sp_config_parser *parser)
{
	const struct sp_config *config = parser->config;

	for (unsigned i = 0; i < config->zone_count; i++) {
		int line = sp_config_line(parser, i, "gateway", "forward");

		if (line && config->zone[i].forward == SP_FORWARD_ROUTE &&
		    !has(parser, "gateway", "uplink"))
			sp_config_wrong(parser, line,
			                "key 'forward': 'route' needs the key 'uplink'%s: expected "
			                "the interfaces that lead to the network, such as uplink = "
			                "wan0",
			                i ? " in section [gateway]" : "");
	}
}

/* --- ways to sign in --- */

static void check_methods_of(struct sp_config_parser *parser, unsigned zone)
{
	const uint32_t methods = parser->config->zone[zone].methods;
	int line = sp_config_line(parser, zone, "portal", "methods");

	if ((methods & SP_METHOD_BIT(SP_METHOD_RADIUS)) && !has(parser, "radius", "server"))
		sp_config_wrong(parser, line,
		                "key 'methods': 'radius' needs the key 'server' in section "
		                "[radius]: expected the addresses of the RADIUS servers, such as "
		                "server = 10.0.0.5");
	/* With the method there must be all that it needs; without it, what is there does no harm.
	 */
	if (!(methods & SP_METHOD_BIT(SP_METHOD_EXTERNAL)))
		return;
	if (!has(parser, "external", "url"))
		sp_config_wrong(parser, line,
		                "key 'methods': 'external' needs the key 'url' in section "
		                "[external]: expected where the external portal is");
	if (!has(parser, "external", "secret_file"))
		sp_config_wrong(parser, line,
		                "key 'methods': 'external' needs the key 'secret_file' in section "
		                "[external]: expected the file with the secret that is shared with "
		                "the external portal");
}

static void check_methods(struct sp_config_parser *parser)
{
	for (unsigned i = 0; i < parser->config->zone_count; i++)
		if (sp_config_line(parser, i, "portal", "methods"))
			check_methods_of(parser, i);
}

static void check_radius(struct sp_config_parser *parser)
{
	const struct sp_config *config = parser->config;

	if (config->radius_count && !has(parser, "radius", "secret_file"))
		sp_config_wrong(parser, sp_config_line(parser, 0, "radius", "server"),
		                "key 'server' needs the key 'secret_file': expected a file with "
		                "the secret that the servers know, such as secret_file = "
		                "/etc/sallyport/radius.secret");
	if (config->radius_coa && !has(parser, "radius", "server"))
		sp_config_wrong(parser, sp_config_line(parser, 0, "radius", "coa"),
		                "key 'coa': 'on' needs the key 'server': expected the addresses of "
		                "the RADIUS servers, whose sessions it is about");
}

/* --- [portal] --- */

/* Two ways to the portal, which keep apart. */
static void check_ports(struct sp_config_parser *parser)
{
	static const char *const of_https[] = {"key", "port"};
	const struct sp_config *config = parser->config;

	for (size_t i = 0; i < sizeof(of_https) / sizeof(*of_https); i++) {
		int line = sp_config_line(parser, 0, "portal", of_https[i]);

		if (line && !has(parser, "portal", "certificate"))
			sp_config_wrong(parser, line,
			                "key '%s' is about HTTPS: expected the key 'certificate' "
			                "with it; the port of plain HTTP is 'plain_port'",
			                of_https[i]);
	}
	if (config->certificate[0] && config->plain_port == config->portal_port)
		sp_config_wrong(parser, sp_config_line(parser, 0, "portal", "plain_port"),
		                "key 'plain_port': %u is the port of HTTPS: expected another one",
		                config->plain_port);
}

struct user {
	const char *section, *key, *name;
};

static void check_pair(struct sp_config_parser *parser, const struct user *one,
                       const struct user *other)
{
	int first = sp_config_line(parser, 0, one->section, one->key);
	int second = sp_config_line(parser, 0, other->section, other->key);
	char where[64];

	if (strcmp(one->name, other->name) != 0)
		return;
	if (first && second)
		snprintf(where, sizeof(where), "lines %d and %d", first, second);
	else
		snprintf(where, sizeof(where), "one of them by default");
	sp_config_wrong(parser, first > second ? first : second,
	                "keys '%s' and '%s' are both '%s' (%s): expected two users, so that "
	                "neither process can touch the other",
	                one->key, other->key, one->name, where);
}

/* Each process has a user of its own. */
static void check_users(struct sp_config_parser *parser)
{
	const struct sp_config *config = parser->config;
	const struct user users[] = {
		{"captive", "responder_user", config->responder_user},
		{"portal", "portal_user", config->portal_user},
		{"portal", "verifier_user", config->verifier_user},
		{"garden", "garden_user", config->garden_user},
		{"metrics", "metrics_user", config->metrics_user},
	};

	for (size_t i = 0; i < sizeof(users) / sizeof(*users); i++)
		for (size_t k = i + 1; k < sizeof(users) / sizeof(*users); k++)
			check_pair(parser, &users[i], &users[k]);
}

void sp_config_check_whole(struct sp_config_parser *parser)
{
	check_clients(parser);
	check_uplinks(parser);
	check_forward(parser);
	check_ports(parser);
	check_methods(parser);
	check_radius(parser);
	check_users(parser);
}
