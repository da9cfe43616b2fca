/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cert self-signed, cert show. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cert_output.h"
#include "cli/command.h"
#include "cli/open.h"
#include "cli/output.h"
#include "keeper/address.h"
#include "keeper/tls.h"
#include "lib/certificate_make.h"
#include "lib/text.h"

#define DAYS_DEFAULT 365
#define DAYS_MOST    3650
#define NAMES        (SP_MAX_ADDRESSES + 1)

struct names {
	char text[NAMES][SP_CONFIG_TEXT];
	const char *name[NAMES];
	unsigned count;
};

struct files {
	char certificate[PATH_MAX], key[PATH_MAX];
};

static int add_name(struct names *names, const char *name, struct sp_error *err)
{
	if (names->count == NAMES || strlen(name) >= SP_CONFIG_TEXT)
		return sp_fail(err, -E2BIG, SP_EXIT_USAGE,
		               "--host: expected at most %d names of at most %d bytes", NAMES,
		               SP_CONFIG_TEXT - 1);
	snprintf(names->text[names->count], SP_CONFIG_TEXT, "%s", name);
	names->name[names->count] = names->text[names->count];
	names->count++;
	return 0;
}

static int take_hosts(struct names *names, const char *hosts, struct sp_error *err)
{
	char *copy = strdup(hosts), *rest = NULL;
	int code = copy ? 0 : sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");

	for (char *name = copy ? strtok_r(copy, ", ", &rest) : NULL; name && !code;
	     name = strtok_r(NULL, ", ", &rest))
		code = add_name(names, name, err);
	free(copy);
	return code;
}

/* The name in the login links and the addresses where the portal listens. */
static int take_configured(struct names *names, const struct sp_config *config,
                           struct sp_error *err)
{
	struct sp_address list[SP_MAX_ADDRESSES];
	char text[INET6_ADDRSTRLEN];
	struct sp_error unknown;
	int count = sp_address_portal(config, list, &unknown), code = 0;

	if (config->zone[0].portal_host[0])
		code = add_name(names, config->zone[0].portal_host, err);
	for (int i = 0; i < count && !code; i++)
		code = add_name(names, sp_address_text(&list[i], text), err);
	return code;
}

static int find_names(struct names *names, const struct sp_invocation *invocation,
                      const struct sp_config *config, struct sp_error *err)
{
	const char *hosts = invocation->option[SP_OPTION_HOST];
	int code = hosts ? take_hosts(names, hosts, err) : take_configured(names, config, err);

	if (code || names->count)
		return code;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
	               "--host: expected the names and addresses by which browsers reach the "
	               "portal, such as --host login.example.org,10.0.0.1; the configuration names "
	               "none");
}

static int join(char path[PATH_MAX], const char *folder, const char *name, struct sp_error *err)
{
	if (snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX)
		return 0;
	return sp_fail(err, -ENAMETOOLONG, SP_EXIT_USAGE, "%s: %s", folder, strerror(ENAMETOOLONG));
}

static int find_files(struct files *files, const struct sp_invocation *invocation,
                      const struct sp_config *config, struct sp_error *err)
{
	const char *folder = invocation->option[SP_OPTION_OUT];
	int code;

	if (folder) {
		code = join(files->certificate, folder, "portal.crt", err);
		return code ? code : join(files->key, folder, "portal.key", err);
	}
	if (config->certificate[0])
		return sp_tls_files(config, files->certificate, files->key, err);
	code = sp_config_file(config, "portal.crt", files->certificate, PATH_MAX, err);
	return code ? code : sp_config_file(config, "portal.key", files->key, PATH_MAX, err);
}

/* The configuration need not say yet how the portal is reached; with names and a place for the
 * files there need not be one. */
static int load_config(const struct sp_invocation *invocation, struct sp_config *config,
                       struct sp_error *err)
{
	const char *path = invocation->option[SP_OPTION_CONFIG];

	if (path || !invocation->option[SP_OPTION_HOST] || !invocation->option[SP_OPTION_OUT])
		return sp_open_config_at(invocation, config, path ? path : SP_CONFIG_PATH, err);
	sp_config_defaults(config);
	snprintf(config->path, sizeof(config->path), "%s", SP_CONFIG_PATH);
	return 0;
}

static int read_days(const char *text, unsigned *days, struct sp_error *err)
{
	uint64_t number = *days;

	if (text && sp_text_number(text, 1, DAYS_MOST, &number))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "--days: expected a number from 1 to %d, got \"%s\"", DAYS_MOST,
		               text);
	*days = (unsigned)number;
	return 0;
}

static int put_made(const struct sp_invocation *invocation, const struct sp_config *config,
                    const struct files *files, const struct sp_certificate *certificate,
                    struct sp_error *err)
{
	json_t *object;

	if (invocation->json) {
		object = sp_cert_json(certificate);
		json_object_set_new(object, "certificate", json_string(files->certificate));
		json_object_set_new(object, "key", json_string(files->key));
		return sp_put_json(object, err);
	}
	sp_put_cert("Certificate", certificate);
	sp_put_field("Files", "%s, %s", files->certificate, files->key);
	if (config->certificate[0])
		printf("A daemon that runs reads them again on SIGHUP.\n");
	else
		printf("Put this into section [portal] of %s:\ncertificate = %s\nkey = %s\n",
		       config->path, files->certificate, files->key);
	printf("Browsers warn of it until they are told to trust it: it is for trials.\n");
	return 0;
}

int sp_cert_self_signed_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	static struct sp_config config;
	struct sp_certificate certificate = {.count = 0};
	struct names names = {.count = 0};
	struct files files;
	unsigned days = DAYS_DEFAULT;
	int code = load_config(invocation, &config, err);

	if (!code)
		code = read_days(invocation->option[SP_OPTION_DAYS], &days, err);
	if (!code)
		code = find_names(&names, invocation, &config, err);
	if (!code)
		code = find_files(&files, invocation, &config, err);
	if (!code)
		code = sp_certificate_make(&certificate, names.name, names.count, days, err);
	if (!code)
		code = sp_certificate_store(&certificate, files.certificate, files.key,
		                            invocation->option[SP_OPTION_FORCE] != NULL, err);
	if (!code)
		code = put_made(invocation, &config, &files, &certificate, err);
	sp_certificate_free(&certificate);
	return code;
}

/* --- show --- */

/* The file that is named, or that of the configuration, with its key. */
static int load_shown(const struct sp_invocation *invocation, struct sp_certificate *certificate,
                      struct sp_error *err)
{
	static struct sp_config config;
	int code;

	memset(certificate, 0, sizeof(*certificate));
	if (invocation->operand)
		return sp_certificate_load(certificate, invocation->operand, NULL, err);
	code = sp_open_config(invocation, &config, true, err);
	if (code)
		return code;
	if (!config.certificate[0])
		return sp_fail(err, -ENOENT, SP_EXIT_NOT_FOUND,
		               "%s: has no key 'certificate': the portal speaks plain HTTP only",
		               config.path);
	return sp_tls_load(certificate, &config, err);
}

int sp_cert_show_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct sp_certificate certificate;
	int code = load_shown(invocation, &certificate, err);

	if (!code && invocation->json)
		code = sp_put_json(sp_cert_json(&certificate), err);
	else if (!code)
		sp_put_cert("Certificate", &certificate);
	sp_certificate_free(&certificate);
	return code;
}
