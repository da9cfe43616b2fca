/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/certificate_make.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/text.h"

#define SERIAL     16                     /* bytes (RFC 5280 section 4.1.2.2: at most 20) */
#define BEHIND     ((time_t)24 * 60 * 60) /* seconds that a client's clock may be behind ours */
#define LONGEST_CN 64                     /* bytes (RFC 5280, ub-common-name) */

/* --- making --- */

static int put_name(gnutls_x509_crt_t crt, const char *name)
{
	struct sp_address address;
	unsigned skip;

	if (sp_text_is_host_name(name))
		return gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
	if (!sp_address_read(name, &address))
		return GNUTLS_E_INVALID_REQUEST;
	skip = sp_address_is_ipv4(&address) ? 12 : 0;
	return gnutls_x509_crt_set_subject_alt_name(
		crt, GNUTLS_SAN_IPADDRESS, (const char *)&address + skip,
		(unsigned)sizeof(address) - skip, GNUTLS_FSAN_APPEND);
}

static int put_names(gnutls_x509_crt_t crt, const char *const name[], unsigned count,
                     struct sp_error *err)
{
	for (unsigned i = 0; i < count; i++)
		if (put_name(crt, name[i]))
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
			               "'%s': expected a DNS name such as login.example.org, or an "
			               "address",
			               name[i]);
	return 0;
}

static int put_validity(gnutls_x509_crt_t crt, unsigned days)
{
	unsigned char serial[SERIAL];
	time_t now = time(NULL);
	int ret;

	if (getrandom(serial, sizeof(serial), 0) != (ssize_t)sizeof(serial))
		return GNUTLS_E_RANDOM_FAILED;
	serial[0] = (unsigned char)((serial[0] & 0x7f) | 0x40); /* positive, and not shorter */
	ret = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	if (!ret)
		ret = gnutls_x509_crt_set_activation_time(crt, now - BEHIND);
	return ret ? ret
	           : gnutls_x509_crt_set_expiration_time(crt, now + (time_t)days * 24 * 60 * 60);
}

/* What a server's certificate says that is nobody else's authority. */
static int put_purpose(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	unsigned char id[64];
	size_t size = sizeof(id);
	int ret = gnutls_x509_crt_set_version(crt, 3);

	if (!ret)
		ret = gnutls_x509_crt_set_key(crt, key);
	if (!ret)
		ret = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
	if (!ret)
		ret = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (!ret)
		ret = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	if (!ret)
		ret = gnutls_x509_crt_get_key_id(crt, 0, id, &size);
	if (!ret)
		ret = gnutls_x509_crt_set_subject_key_id(crt, id, size);
	return ret ? ret : gnutls_x509_crt_set_authority_key_id(crt, id, size);
}

static int put_subject(gnutls_x509_crt_t crt, const char *name)
{
	const char *shown = strlen(name) <= LONGEST_CN ? name : "Sallyport";

	return gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, shown,
	                                     (unsigned)strlen(shown));
}

static int make_key(struct sp_certificate *certificate)
{
	int ret = gnutls_x509_privkey_init(&certificate->key);

	return ret ? ret
	           : gnutls_x509_privkey_generate(certificate->key, GNUTLS_PK_ECDSA,
	                                          GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
	                                          0);
}

static int finish(gnutls_x509_crt_t crt, const struct sp_certificate *certificate, const char *name,
                  unsigned days)
{
	int ret = put_subject(crt, name);

	if (!ret)
		ret = put_validity(crt, days);
	if (!ret)
		ret = put_purpose(crt, certificate->key);
	return ret ? ret : gnutls_x509_crt_sign2(crt, crt, certificate->key, GNUTLS_DIG_SHA256, 0);
}

/* GnuTLS tells of a certificate only what it has read. */
static int read_back(struct sp_certificate *certificate)
{
	gnutls_datum_t der = {NULL, 0};
	int ret = gnutls_x509_crt_export2(certificate->chain[0], GNUTLS_X509_FMT_DER, &der);

	if (ret)
		return ret;
	gnutls_x509_crt_deinit(certificate->chain[0]);
	certificate->count = 0;
	ret = gnutls_x509_crt_init(&certificate->chain[0]);
	if (!ret) {
		certificate->count = 1;
		ret = gnutls_x509_crt_import(certificate->chain[0], &der, GNUTLS_X509_FMT_DER);
	}
	gnutls_free(der.data);
	return ret;
}

int sp_certificate_make(struct sp_certificate *certificate, const char *const name[],
                        unsigned count, unsigned days, struct sp_error *err)
{
	int ret;

	memset(certificate, 0, sizeof(*certificate));
	ret = gnutls_x509_crt_init(&certificate->chain[0]);
	if (!ret) {
		certificate->count = 1;
		if (put_names(certificate->chain[0], name, count, err))
			return -EINVAL;
		ret = make_key(certificate);
	}
	if (!ret)
		ret = finish(certificate->chain[0], certificate, name[0], days);
	if (!ret)
		ret = read_back(certificate);
	if (ret)
		return sp_fail(err, -EIO, SP_EXIT_FAILED, "cannot make a certificate: %s",
		               gnutls_strerror(ret));
	return 0;
}

/* --- storing --- */

struct text {
	unsigned char data[SP_CERTIFICATE_PEM];
	size_t length;
};

static int add_certificate(struct text *text, const struct sp_certificate *certificate)
{
	size_t size = sizeof(text->data) - text->length;
	int ret = gnutls_x509_crt_export(certificate->chain[0], GNUTLS_X509_FMT_PEM,
	                                 text->data + text->length, &size);

	text->length += ret ? 0 : size;
	return ret ? -EIO : 0;
}

static int add_key(struct text *text, const struct sp_certificate *certificate)
{
	size_t size = sizeof(text->data) - text->length;
	int ret = gnutls_x509_privkey_export_pkcs8(certificate->key, GNUTLS_X509_FMT_PEM, NULL,
	                                           GNUTLS_PKCS_PLAIN, text->data + text->length,
	                                           &size);

	text->length += ret ? 0 : size;
	return ret ? -EIO : 0;
}

static int write_new(const char *path, const struct text *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (fchmod(fd, mode))
		ret = -errno;
	else if (write(fd, text->data, text->length) != (ssize_t)text->length)
		ret = -EIO;
	else if (fsync(fd))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

/* A link, unlike a renaming, replaces nothing. */
static int put_in_place(const char *fresh, const char *path, bool force)
{
	if (force)
		return rename(fresh, path) ? -errno : 0;
	if (link(fresh, path))
		return -errno;
	return unlink(fresh) ? -errno : 0;
}

static int store(const char *path, const struct text *text, mode_t mode, bool force,
                 struct sp_error *err)
{
	char fresh[PATH_MAX];
	int ret = -ENAMETOOLONG;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) < (int)sizeof(fresh))
		ret = write_new(fresh, text, mode);
	if (!ret) {
		ret = put_in_place(fresh, path, force);
		if (ret)
			unlink(fresh);
	}
	if (ret == -EEXIST)
		return sp_fail(err, ret, SP_EXIT_FAILED,
		               "%s: is there already; --force replaces it", path);
	if (ret)
		return sp_fail(err, ret, ret == -EACCES ? SP_EXIT_PERMISSION : SP_EXIT_FAILED,
		               "%s: %s", path, strerror(-ret));
	return 0;
}

/* Before one of the two is written. */
static int check_absent(const char *path, bool force, struct sp_error *err)
{
	struct stat status;

	if (force || lstat(path, &status))
		return 0;
	return sp_fail(err, -EEXIST, SP_EXIT_FAILED, "%s: is there already; --force replaces it",
	               path);
}

static int store_both(const struct text *certificate, const struct text *key, const char *path,
                      const char *key_path, bool force, struct sp_error *err)
{
	int ret = check_absent(path, force, err);

	if (!ret)
		ret = store(key_path, key, 0600, force, err);
	return ret ? ret : store(path, certificate, 0644, force, err);
}

int sp_certificate_store(const struct sp_certificate *certificate, const char *path,
                         const char *key_path, bool force, struct sp_error *err)
{
	struct text key = {.length = 0}, shown = {.length = 0};
	bool together = !strcmp(path, key_path);
	int ret = add_key(&key, certificate);

	if (!ret)
		ret = add_certificate(together ? &key : &shown, certificate);
	if (ret)
		sp_fail(err, ret, SP_EXIT_FAILED, "cannot write a certificate: %s", strerror(-ret));
	else if (together)
		ret = store(path, &key, 0600, force, err);
	else
		ret = store_both(&shown, &key, path, key_path, force, err);
	explicit_bzero(&key, sizeof(key));
	return ret;
}
