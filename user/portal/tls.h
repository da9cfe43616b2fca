/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The certificate that TLS handshakes show. */
#ifndef SP_PORTAL_TLS_H
#define SP_PORTAL_TLS_H

#include <gnutls/abstract.h>

#include "ipc/ipc.h"

/*
 * TLS 1.2 and 1.3 with forward secrecy and authenticated encryption: what every browser of the last
 * ten years can do (RFC 9325 section 4.2).
 */
#define SP_TLS_PRIORITIES                                                                         \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:" \
	"+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:"           \
	"%SERVER_PRECEDENCE"

/*
 * Show the certificate of @tls, which must stay in place, in handshakes from now on; handshakes
 * that have begun keep the one they have. 0 or -EINVAL when it is none.
 */
int sp_tls_use(const struct sp_ipc_tls *tls);

/* gnutls_certificate_retrieve_function3. */
int sp_tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                    gnutls_pcert_st **chain, unsigned int *count, gnutls_ocsp_data_st **ocsp,
                    unsigned int *ocsp_count, gnutls_privkey_t *key, unsigned int *flags);

#endif
