/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/certificate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/text.h"

#define FILE_MOST 131072 /* bytes; a chain of eight with its key is far below */

static int cannot_read(const char *path, int code, struct sp_error *err)
{
	return sp_fail(err, code, code == -EACCES ? SP_EXIT_PERMISSION : SP_EXIT_USAGE, "%s: %s",
	               path, strerror(-code));
}

/* Read all of @fd into @data, which ends in a NUL that is not counted. */
static int read_all(int fd, gnutls_datum_t *data)
{
	ssize_t length;

	data->data = malloc(FILE_MOST + 1);
	if (!data->data)
		return -ENOMEM;
	do {
		length = read(fd, data->data + data->size, FILE_MOST + 1 - data->size);
		if (length < 0 && errno != EINTR)
			return -errno;
		if (length > 0)
			data->size += (unsigned)length;
	} while (length && data->size <= FILE_MOST);
	if (data->size > FILE_MOST)
		return -EFBIG;
	data->data[data->size] = '\0';
	return 0;
}

static int read_file(const char *path, gnutls_datum_t *data, struct sp_error *err)
{
	/* Not blocking, lest a FIFO stop us before it is seen to be one. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	int ret;

	if (fd < 0)
		return cannot_read(path, -errno, err);
	if (fstat(fd, &status))
		ret = -errno;
	else if (S_ISDIR(status.st_mode))
		ret = -EISDIR;
	else
		ret = S_ISREG(status.st_mode) ? read_all(fd, data) : -EINVAL;
	close(fd);
	return ret ? cannot_read(path, ret, err) : 0;
}

static void wipe(gnutls_datum_t *data)
{
	if (data->data)
		explicit_bzero(data->data, data->size);
	free(data->data);
}

static int parse_chain(struct sp_certificate *certificate, const char *path,
                       const gnutls_datum_t *data, struct sp_error *err)
{
	gnutls_x509_crt_t *list = NULL;
	unsigned count = 0;
	int ret = gnutls_x509_crt_list_import2(&list, &count, data, GNUTLS_X509_FMT_PEM,
	                                       GNUTLS_X509_CRT_LIST_SORT);

	if (ret == GNUTLS_E_CERTIFICATE_LIST_UNSORTED)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "%s: the certificates are no chain: expected that of the host, "
		               "then the one that signed it, and so on",
		               path);
	if (ret < 0)
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "%s: no certificate can be read: %s: expected PEM, text that begins "
		               "with -----BEGIN CERTIFICATE-----",
		               path, gnutls_strerror(ret));
	for (unsigned i = 0; i < count; i++)
		if (i < SP_CERTIFICATE_CHAIN)
			certificate->chain[certificate->count++] = list[i];
		else
			gnutls_x509_crt_deinit(list[i]);
	gnutls_free(list);
	if (count > SP_CERTIFICATE_CHAIN)
		return sp_fail(err, -E2BIG, SP_EXIT_USAGE,
		               "%s: holds %u certificates: expected a chain of at most %d", path,
		               count, SP_CERTIFICATE_CHAIN);
	return 0;
}

static int parse_key(struct sp_certificate *certificate, const char *path,
                     const gnutls_datum_t *data, struct sp_error *err)
{
	int ret = gnutls_x509_privkey_init(&certificate->key);

	if (!ret)
		ret = gnutls_x509_privkey_import2(certificate->key, data, GNUTLS_X509_FMT_PEM, NULL,
		                                  0);
	if (!ret)
		return 0;
	if (data->data && strstr((const char *)data->data, "ENCRYPTED"))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "%s: the key is encrypted, and nobody is there to type its password "
		               "when the gateway starts: expected one without, as `openssl pkey "
		               "-in %s -out FILE` writes it",
		               path, path);
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
	               "%s: no private key can be read: %s: expected PEM, text that begins with "
	               "-----BEGIN PRIVATE KEY-----",
	               path, gnutls_strerror(ret));
}

static int check_match(const struct sp_certificate *certificate, const char *path,
                       const char *key_path, struct sp_error *err)
{
	unsigned char of_certificate[64], of_key[64];
	size_t certificate_size = sizeof(of_certificate), key_size = sizeof(of_key);

	if (!gnutls_x509_crt_get_key_id(certificate->chain[0], GNUTLS_KEYID_USE_SHA256,
	                                of_certificate, &certificate_size) &&
	    !gnutls_x509_privkey_get_key_id(certificate->key, GNUTLS_KEYID_USE_SHA256, of_key,
	                                    &key_size) &&
	    certificate_size == key_size && !memcmp(of_certificate, of_key, key_size))
		return 0;
	return sp_fail(
		err, -EINVAL, SP_EXIT_USAGE,
		"%s: this key is not the key of the certificate in %s: expected the two that "
		"were issued together",
		key_path, path);
}

static int load_key(struct sp_certificate *certificate, const char *path, const char *key_path,
                    struct sp_error *err)
{
	gnutls_datum_t data = {NULL, 0};
	int ret = read_file(key_path, &data, err);

	if (!ret)
		ret = parse_key(certificate, key_path, &data, err);
	wipe(&data);
	return ret ? ret : check_match(certificate, path, key_path, err);
}

int sp_certificate_load(struct sp_certificate *certificate, const char *path, const char *key_path,
                        struct sp_error *err)
{
	gnutls_datum_t data = {NULL, 0};
	int ret;

	memset(certificate, 0, sizeof(*certificate));
	ret = read_file(path, &data, err);
	if (!ret)
		ret = parse_chain(certificate, path, &data, err);
	wipe(&data); /* the key may be in there, too */
	return ret || !key_path ? ret : load_key(certificate, path, key_path, err);
}

void sp_certificate_free(struct sp_certificate *certificate)
{
	for (unsigned i = 0; i < certificate->count; i++)
		gnutls_x509_crt_deinit(certificate->chain[i]);
	if (certificate->key)
		gnutls_x509_privkey_deinit(certificate->key);
	memset(certificate, 0, sizeof(*certificate));
}

enum sp_certificate_state sp_certificate_state(const struct sp_certificate *certificate, time_t now)
{
	if (now < gnutls_x509_crt_get_activation_time(certificate->chain[0]))
		return SP_CERTIFICATE_EARLY;
	return now > gnutls_x509_crt_get_expiration_time(certificate->chain[0])
	               ? SP_CERTIFICATE_EXPIRED
	               : SP_CERTIFICATE_GOOD;
}

const char *sp_certificate_state_name(enum sp_certificate_state state)
{
	static const char *const names[] = {"good", "not yet valid", "expired"};

	return names[state];
}

bool sp_certificate_covers(const struct sp_certificate *certificate, const char *host)
{
	return gnutls_x509_crt_check_hostname(certificate->chain[0], host) != 0;
}

/* One name of the certificate; what is no DNS name and no address is left out. */
static bool put_name(char text[SP_CERTIFICATE_TEXT], unsigned type, const unsigned char *value,
                     size_t size)
{
	if (type == GNUTLS_SAN_IPADDRESS)
		return (size == 4 || size == 16) &&
		       inet_ntop(size == 4 ? AF_INET : AF_INET6, value, text, SP_CERTIFICATE_TEXT);
	if (type != GNUTLS_SAN_DNSNAME || size >= SP_CERTIFICATE_TEXT ||
	    !sp_text_printable((const char *)value, size))
		return false;
	memcpy(text, value, size);
	text[size] = '\0';
	return true;
}

static void put_names(gnutls_x509_crt_t host, struct sp_certificate_about *about)
{
	for (unsigned i = 0; about->name_count < SP_CERTIFICATE_NAMES; i++) {
		unsigned char value[SP_CERTIFICATE_TEXT];
		size_t size = sizeof(value);
		int type = gnutls_x509_crt_get_subject_alt_name(host, i, value, &size, NULL);

		if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
			continue;
		if (type < 0)
			return;
		if (put_name(about->name[about->name_count], (unsigned)type, value, size))
			about->name_count++;
	}
}

static void put_fingerprint(gnutls_x509_crt_t host, char text[SP_CERTIFICATE_PRINT])
{
	unsigned char digest[32];
	size_t size = sizeof(digest);

	if (gnutls_x509_crt_get_fingerprint(host, GNUTLS_DIG_SHA256, digest, &size))
		return;
	for (size_t i = 0; i < size; i++)
		snprintf(text + 3 * i, SP_CERTIFICATE_PRINT - 3 * i, "%02X%s", digest[i],
		         i + 1 < size ? ":" : "");
}

void sp_certificate_describe(const struct sp_certificate *certificate,
                             struct sp_certificate_about *about)
{
	gnutls_x509_crt_t host = certificate->chain[0];
	size_t size = sizeof(about->subject);

	memset(about, 0, sizeof(*about));
	if (gnutls_x509_crt_get_dn(host, about->subject, &size) ||
	    !sp_text_printable(about->subject, strlen(about->subject)))
		about->subject[0] = '\0';
	size = sizeof(about->issuer);
	if (gnutls_x509_crt_get_issuer_dn(host, about->issuer, &size) ||
	    !sp_text_printable(about->issuer, strlen(about->issuer)))
		about->issuer[0] = '\0';
	put_names(host, about);
	put_fingerprint(host, about->fingerprint);
	about->not_before = gnutls_x509_crt_get_activation_time(host);
	about->not_after = gnutls_x509_crt_get_expiration_time(host);
}

long sp_certificate_days(time_t until, time_t now)
{
	const time_t day = (time_t)24 * 60 * 60;
	time_t left = until - now;

	return (long)(left >= 0 ? left / day : -((-left + day - 1) / day));
}
