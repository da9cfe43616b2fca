/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operator's certificate and key, PEM files that GnuTLS reads. */
#ifndef SP_LIB_CERTIFICATE_H
#define SP_LIB_CERTIFICATE_H

#include <gnutls/x509.h>
#include <stdbool.h>
#include <time.h>

#include "lib/error.h"

#define SP_CERTIFICATE_CHAIN 8 /* certificates: that of the host and those that signed it */
#define SP_CERTIFICATE_TEXT  256
#define SP_CERTIFICATE_PRINT 96 /* "AB:CD:...": SHA-256 in hexadecimal */
#define SP_CERTIFICATE_NAMES 64 /* that are shown; more can be in it */

struct sp_certificate {
	gnutls_x509_crt_t chain[SP_CERTIFICATE_CHAIN]; /* that of the host first */
	unsigned count;
	gnutls_x509_privkey_t key; /* NULL: not read */
};

/*
 * Read the chain in the file @path and, unless @key_path is NULL, the key in that file, which may
 * be the same one. Certificates in another order are sorted. Errors name the file and say what to
 * do: no such file, not readable, no PEM, no certificate, an encrypted key, a key of another
 * certificate. 0 or negative errno; sp_certificate_free when done.
 */
int sp_certificate_load(struct sp_certificate *certificate, const char *path, const char *key_path,
                        struct sp_error *err);

/* After an error, too. */
void sp_certificate_free(struct sp_certificate *certificate);

/* When the host's certificate is good. */
enum sp_certificate_state { SP_CERTIFICATE_GOOD, SP_CERTIFICATE_EARLY, SP_CERTIFICATE_EXPIRED };
enum sp_certificate_state sp_certificate_state(const struct sp_certificate *certificate,
                                               time_t now);

/* "good", "not yet valid", "expired". */
const char *sp_certificate_state_name(enum sp_certificate_state state);

/* Whether a browser that asked for @host, a name or an address, takes the host's certificate. */
bool sp_certificate_covers(const struct sp_certificate *certificate, const char *host);

/* What can be said of the host's certificate. */
struct sp_certificate_about {
	char subject[SP_CERTIFICATE_TEXT], issuer[SP_CERTIFICATE_TEXT]; /* RFC 4514 */
	char name[SP_CERTIFICATE_NAMES][SP_CERTIFICATE_TEXT]; /* DNS names and addresses */
	unsigned name_count;
	time_t not_before, not_after;
	char fingerprint[SP_CERTIFICATE_PRINT];
};

/* Fill @about; what cannot be said stays empty. */
void sp_certificate_describe(const struct sp_certificate *certificate,
                             struct sp_certificate_about *about);

/* The days until @until, rounded down; negative when it is past. */
long sp_certificate_days(time_t until, time_t now);

#endif
