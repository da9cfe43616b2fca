/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/revocation.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "web/authority.h"

#define LONGEST_URL  1024 /* bytes; a longer one is left out */
#define MOST_ENTRIES 64u  /* of one certificate: what cannot be parsed has no end */

struct list {
	struct sp_revocation_server *servers;
	unsigned count;
};

static const struct scheme {
	const char *begin;
	uint16_t port;
} schemes[] = {{"http://", 80}, {"https://", 443}};

static void append(struct list *list, const char *host, size_t length, uint16_t port)
{
	struct sp_revocation_server server = {.port = port};

	if (*host == '[') {
		host++;
		length -= 2;
	}
	if (list->count == SP_REVOCATION_SERVERS || length >= sizeof(server.host))
		return;
	memcpy(server.host, host, length);
	for (unsigned i = 0; i < list->count; i++)
		if (list->servers[i].port == port &&
		    !strcasecmp(list->servers[i].host, server.host))
			return;
	list->servers[list->count++] = server;
}

static void add_url(struct list *list, const char *url, size_t length)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		size_t skipped = strlen(schemes[i].begin), end;
		struct sp_authority authority;

		if (length <= skipped || strncasecmp(url, schemes[i].begin, skipped) != 0)
			continue;
		for (end = skipped; end < length && url[end] != '/' && url[end] != '?'; end++)
			;
		if (sp_authority_parse(url + skipped, end - skipped, &authority))
			append(list, url + skipped, authority.host_length,
			       authority.has_port ? authority.port : schemes[i].port);
	}
}

static void add_ocsp(struct list *list, gnutls_x509_crt_t certificate)
{
	gnutls_datum_t url;
	int ret = 0;

	/* Entries of other kinds give other errors. */
	for (unsigned i = 0; i < MOST_ENTRIES && ret != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
	     i++) {
		ret = gnutls_x509_crt_get_authority_info_access(certificate, i, GNUTLS_IA_OCSP_URI,
		                                                &url, NULL);
		if (ret)
			continue;
		add_url(list, (const char *)url.data, url.size);
		gnutls_free(url.data);
	}
}

static void add_lists(struct list *list, gnutls_x509_crt_t certificate)
{
	char url[LONGEST_URL];
	size_t size;
	int ret = 0;

	for (unsigned i = 0; i < MOST_ENTRIES && ret != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
	     i++) {
		size = sizeof(url);
		ret = gnutls_x509_crt_get_crl_dist_points(certificate, i, url, &size, NULL, NULL);
		if (ret == GNUTLS_SAN_URI)
			add_url(list, url, strnlen(url, size));
	}
}

unsigned sp_revocation_servers(const struct sp_certificate *certificate,
                               struct sp_revocation_server servers[SP_REVOCATION_SERVERS])
{
	struct list list = {.servers = servers};

	for (unsigned i = 0; i < certificate->count; i++) {
		add_ocsp(&list, certificate->chain[i]);
		add_lists(&list, certificate->chain[i]);
	}
	return list.count;
}
