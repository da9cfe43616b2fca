/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How certificates are shown. */
#ifndef SP_CLI_CERT_OUTPUT_H
#define SP_CLI_CERT_OUTPUT_H

#include <jansson.h>

#include "lib/certificate.h"

/* {"state", "subject", "issuer", "names", "not_before", "not_after", "days_left", "fingerprint"};
 * NULL: no memory. */
json_t *sp_cert_json(const struct sp_certificate *certificate);

/* The same in lines; the first one is headed by @title. */
void sp_put_cert(const char *title, const struct sp_certificate *certificate);

#endif
