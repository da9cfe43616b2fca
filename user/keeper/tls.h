/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The portal's certificate, which the keeper reads and hands over. */
#ifndef SP_KEEPER_TLS_H
#define SP_KEEPER_TLS_H

#include "ipc/ipc.h"
#include "lib/certificate.h"
#include "lib/config.h"
#include "lib/instance.h"

/* The paths of both files, PATH_MAX bytes each; the key is in that of the certificate unless it has
 * one of its own. 0 or -ENAMETOOLONG. */
int sp_tls_files(const struct sp_config *config, char *certificate, char *key,
                 struct sp_error *err);

/*
 * Read the certificate and the key that @config names. 0 or negative errno; sp_certificate_free
 * when done.
 */
int sp_tls_load(struct sp_certificate *certificate, const struct sp_config *config,
                struct sp_error *err);

/*
 * Whether browsers will take @certificate for the login links of @config, at this time: 0, or
 * -EINVAL with SP_EXIT_USAGE and a sentence. Addresses that cannot be known now (no `host`, and an
 * interface is not there) are passed over.
 */
int sp_tls_check(const struct sp_certificate *certificate, const struct sp_config *config,
                 struct sp_error *err);

/*
 * Fill @tls for the portal. What is not as it should be but may be better than no portal at all
 * (the certificate expired while nobody looked) goes to the log. Without a certificate in @config
 * @tls is empty. 0 or negative errno, and @tls as it was.
 */
int sp_tls_make(struct sp_ipc_tls *tls, const struct sp_config *config, struct sp_error *err);

/* Tell `sallyport status` what is shown to browsers now: /run/INSTANCE/certificate, PEM. What does
 * not work goes to the log. */
void sp_tls_publish(const struct sp_ipc_tls *tls, const struct sp_instance *instance);

#endif
