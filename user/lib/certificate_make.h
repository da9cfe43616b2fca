/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A certificate that signs itself: for trials, and for gateways whose clients are told of it. */
#ifndef SP_LIB_CERTIFICATE_MAKE_H
#define SP_LIB_CERTIFICATE_MAKE_H

#include <stdbool.h>

#include "lib/certificate.h"

#define SP_CERTIFICATE_PEM 8192 /* bytes of a file of ours, key included */

/*
 * Make a key (ECDSA P-256) and a certificate for the DNS names and addresses @name, good for @days
 * from now on. -EINVAL with SP_EXIT_USAGE names the one that is neither. sp_certificate_free when
 * done.
 */
int sp_certificate_make(struct sp_certificate *certificate, const char *const name[],
                        unsigned count, unsigned days, struct sp_error *err);

/*
 * Write certificate and key to the files @path and @key_path, which may be the same one; a file
 * with a key has mode 0600. Each is there as a whole or not at all; one that is there already is
 * replaced only if @force, else -EEXIST. 0 or negative errno.
 */
int sp_certificate_store(const struct sp_certificate *certificate, const char *path,
                         const char *key_path, bool force, struct sp_error *err);

#endif
