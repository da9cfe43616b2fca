/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keeper/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeper/address.h"
#include "lib/log.h"

int sp_tls_files(const struct sp_config *config, char *certificate, char *key, struct sp_error *err)
{
	const char *name = config->key[0] ? config->key : config->certificate;
	int ret = sp_config_file(config, config->certificate, certificate, PATH_MAX, err);

	return ret ? ret : sp_config_file(config, name, key, PATH_MAX, err);
}

int sp_tls_load(struct sp_certificate *certificate, const struct sp_config *config,
                struct sp_error *err)
{
	char path[PATH_MAX], key_path[PATH_MAX];
	int ret = sp_tls_files(config, path, key_path, err);

	memset(certificate, 0, sizeof(*certificate));
	return ret ? ret : sp_certificate_load(certificate, path, key_path, err);
}

static int check_time(const struct sp_certificate *certificate, const struct sp_config *config,
                      struct sp_error *err)
{
	struct sp_certificate_about about;
	enum sp_certificate_state state = sp_certificate_state(certificate, time(NULL));
	char when[32] = "?";
	struct tm parts;
	time_t limit;

	if (state == SP_CERTIFICATE_GOOD)
		return 0;
	sp_certificate_describe(certificate, &about);
	limit = state == SP_CERTIFICATE_EARLY ? about.not_before : about.not_after;
	if (gmtime_r(&limit, &parts))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &parts);
	if (state == SP_CERTIFICATE_EARLY)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "%s: the certificate is not valid before %s: is the clock of this "
		               "machine right?",
		               config->certificate, when);
	return sp_fail(
		err, -EINVAL, SP_EXIT_USAGE,
		"%s: the certificate expired on %s, and browsers warn of the portal: replace "
		"it, then send SIGHUP to sallyportd",
		config->certificate, when);
}

static int check_name(const struct sp_certificate *certificate, const struct sp_config *config,
                      const char *host, struct sp_error *err)
{
	if (sp_certificate_covers(certificate, host))
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
	               "%s: the certificate is not one of %s, where the login links lead: expected "
	               "one of its names as `host` in [portal]",
	               config->certificate, host);
}

/* The first address of each family, as in the login links. */
static int check_addresses(const struct sp_certificate *certificate, const struct sp_config *config,
                           struct sp_error *err)
{
	struct sp_address list[SP_MAX_ADDRESSES];
	struct sp_error unknown;
	bool seen[2] = {false, false};
	int count = sp_address_portal(config, list, &unknown);

	for (int i = 0; i < count; i++) {
		bool ipv4 = sp_address_is_ipv4(&list[i]);
		char text[INET6_ADDRSTRLEN];
		int ret;

		if (seen[ipv4])
			continue;
		seen[ipv4] = true;
		ret = check_name(certificate, config, sp_address_text(&list[i], text), err);
		if (ret)
			return ret;
	}
	return 0;
}

/* Every name that a login link may have. */
static int check_host(const struct sp_certificate *certificate, const struct sp_config *config,
                      struct sp_error *err)
{
	bool addresses = false;
	int ret = 0;

	for (unsigned i = 0; i < config->zone_count && !ret; i++) {
		const char *host = config->zone[i].portal_host;

		if (host[0])
			ret = check_name(certificate, config, host, err);
		addresses |= !host[0];
	}
	return ret || !addresses ? ret : check_addresses(certificate, config, err);
}

int sp_tls_check(const struct sp_certificate *certificate, const struct sp_config *config,
                 struct sp_error *err)
{
	int ret = check_time(certificate, config, err);

	return ret ? ret : check_host(certificate, config, err);
}

/* What a gateway should not be without a portal for. */
static void warn(const struct sp_certificate *certificate, const struct sp_config *config)
{
	char path[PATH_MAX], key_path[PATH_MAX];
	struct sp_error err;
	struct stat status;

	if (check_time(certificate, config, &err))
		sp_log(SP_LOG_WARNING, "%s", err.text);
	if (check_host(certificate, config, &err))
		sp_log(SP_LOG_WARNING, "%s", err.text);
	if (!sp_tls_files(config, path, key_path, &err) && !stat(key_path, &status) &&
	    (status.st_mode & S_IROTH))
		sp_log(SP_LOG_WARNING,
		       "%s: everybody on this machine may read the key: run `chmod o= %s`",
		       key_path, key_path);
}

static int put_chain(struct sp_ipc_tls *tls, const struct sp_certificate *certificate)
{
	size_t used = 0;

	for (unsigned i = 0; i < certificate->count; i++) {
		size_t size = sizeof(tls->chain) - used;

		if (gnutls_x509_crt_export(certificate->chain[i], GNUTLS_X509_FMT_DER,
		                           tls->chain + used, &size))
			return -EFBIG;
		tls->length[i] = (uint32_t)size;
		used += size;
	}
	tls->count = certificate->count;
	return 0;
}

static int put_key(struct sp_ipc_tls *tls, const struct sp_certificate *certificate)
{
	size_t size = sizeof(tls->key);

	if (gnutls_x509_privkey_export_pkcs8(certificate->key, GNUTLS_X509_FMT_DER, NULL,
	                                     GNUTLS_PKCS_PLAIN, tls->key, &size))
		return -EFBIG;
	tls->key_length = (uint32_t)size;
	return 0;
}

static int put(struct sp_ipc_tls *tls, const struct sp_certificate *certificate,
               const struct sp_config *config, struct sp_error *err)
{
	static struct sp_ipc_tls fresh;
	int ret;

	memset(&fresh, 0, sizeof(fresh));
	ret = put_chain(&fresh, certificate);
	if (!ret)
		ret = put_key(&fresh, certificate);
	fresh.expires = (uint64_t)gnutls_x509_crt_get_expiration_time(certificate->chain[0]);
	if (!ret)
		*tls = fresh;
	explicit_bzero(&fresh, sizeof(fresh));
	if (ret)
		return sp_fail(
			err, ret, SP_EXIT_USAGE,
			"%s: the chain or its key is larger than expected: at most %d and %d "
			"bytes in DER",
			config->certificate, SP_IPC_CHAIN_DER, SP_IPC_KEY_DER);
	return 0;
}

int sp_tls_make(struct sp_ipc_tls *tls, const struct sp_config *config, struct sp_error *err)
{
	struct sp_certificate certificate;
	int ret;

	if (!config->certificate[0]) {
		memset(tls, 0, sizeof(*tls));
		return 0;
	}
	ret = sp_tls_load(&certificate, config, err);
	if (!ret)
		ret = put(tls, &certificate, config, err);
	if (!ret)
		warn(&certificate, config);
	sp_certificate_free(&certificate);
	return ret;
}

static int write_text(const char *path, const gnutls_datum_t *text)
{
	char fresh[SP_INSTANCE_PATH + 32];
	int ret = 0, fd;

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, text->data, text->size) != (ssize_t)text->size)
		ret = -EIO;
	if (close(fd) && !ret)
		ret = -errno;
	return !ret && rename(fresh, path) ? -errno : ret;
}

void sp_tls_publish(const struct sp_ipc_tls *tls, const struct sp_instance *instance)
{
	const gnutls_datum_t der = {(void *)(uintptr_t)tls->chain, tls->length[0]};
	char path[SP_INSTANCE_PATH + 16];
	gnutls_datum_t text = {NULL, 0};
	int ret;

	snprintf(path, sizeof(path), "%s/certificate", instance->run);
	if (!tls->count)
		ret = unlink(path) && errno != ENOENT ? -errno : 0;
	else if (gnutls_pem_base64_encode2("CERTIFICATE", &der, &text))
		ret = -ENOMEM;
	else
		ret = write_text(path, &text);
	gnutls_free(text.data);
	if (ret)
		sp_log(SP_LOG_WARNING, "%s: %s", path, strerror(-ret));
}
