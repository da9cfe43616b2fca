/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each handshake gets a copy of its own, made from DER in a tenth of a millisecond, and frees it: a
 * certificate can be replaced at any moment, whatever handshakes are under way.
 */
#include "portal/tls.h"

#include <errno.h>
#include <stddef.h>

/* GnuTLS gives the callback nothing by which it could find its portal. */
static const struct sp_ipc_tls *current;

static void free_chain(gnutls_pcert_st *chain, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		gnutls_pcert_deinit(&chain[i]);
	gnutls_free(chain);
}

static gnutls_pcert_st *make_chain(const struct sp_ipc_tls *tls)
{
	gnutls_pcert_st *chain = gnutls_calloc(tls->count, sizeof(*chain));
	const uint8_t *at = tls->chain;

	for (unsigned i = 0; chain && i < tls->count; i++) {
		const gnutls_datum_t der = {(void *)(uintptr_t)at, tls->length[i]};

		if (gnutls_pcert_import_x509_raw(&chain[i], &der, GNUTLS_X509_FMT_DER, 0)) {
			free_chain(chain, i);
			return NULL;
		}
		at += tls->length[i];
	}
	return chain;
}

static gnutls_privkey_t make_key(const struct sp_ipc_tls *tls)
{
	const gnutls_datum_t der = {(void *)(uintptr_t)tls->key, tls->key_length};
	gnutls_privkey_t key;

	if (gnutls_privkey_init(&key))
		return NULL;
	if (!gnutls_privkey_import_x509_raw(key, &der, GNUTLS_X509_FMT_DER, NULL, 0))
		return key;
	gnutls_privkey_deinit(key);
	return NULL;
}

int sp_tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                    gnutls_pcert_st **chain, unsigned int *count, gnutls_ocsp_data_st **ocsp,
                    unsigned int *ocsp_count, gnutls_privkey_t *key, unsigned int *flags)
{
	(void)session;
	(void)info;
	*chain = make_chain(current);
	if (!*chain)
		return -1;
	*key = make_key(current);
	if (!*key) {
		free_chain(*chain, current->count);
		return -1;
	}
	*count = current->count;
	*ocsp = NULL;
	*ocsp_count = 0;
	*flags = GNUTLS_CERT_RETR_DEINIT_ALL;
	return 0;
}

int sp_tls_use(const struct sp_ipc_tls *tls)
{
	const struct sp_ipc_tls *before = current;
	gnutls_ocsp_data_st *ocsp;
	unsigned count, ocsp_count, flags;
	gnutls_pcert_st *chain;
	gnutls_privkey_t key;

	if (!sp_ipc_tls_fits(tls) || !tls->count)
		return -EINVAL;
	current = tls;
	if (sp_tls_retrieve(NULL, NULL, &chain, &count, &ocsp, &ocsp_count, &key, &flags)) {
		current = before;
		return -EINVAL;
	}
	free_chain(chain, count);
	gnutls_privkey_deinit(key);
	return 0;
}
