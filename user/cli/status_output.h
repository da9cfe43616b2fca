/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_CLI_STATUS_OUTPUT_H
#define SP_CLI_STATUS_OUTPUT_H

#include <jansson.h>

#include "lib/dataplane.h"

/* The object of `status`, without what the maps say. NULL: no memory. */
json_t *sp_status_json(const struct sp_instance *instance,
                       const struct sp_dataplane_status *status);

/* "stack", "route". */
const char *sp_forward_name(enum sp_forward forward);

/* What the route mode means, if it is on. */
void sp_put_forward(const struct sp_dataplane_status *status);

/* A line for each interface. */
void sp_put_attachments(const struct sp_dataplane_status *status);

#endif
