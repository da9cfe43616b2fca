/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /run/INSTANCE/applied: the configuration file as it was when it was applied last, so that it can
 * be said what has changed in it.
 */
#ifndef SP_CLI_APPLIED_H
#define SP_CLI_APPLIED_H

#include <jansson.h>

#include "lib/config.h"
#include "lib/error.h"
#include "lib/instance.h"

/*
 * What is different in the file @path: an array of objects {"section", "key", "from", "to"}, of a
 * key that was or is not said: null; one that is said several times (`allow`) has them side by
 * side. NULL when it is not known what it was.
 */
json_t *sp_applied_changes(const struct sp_instance *instance, const char *path);

/* The configuration that was applied last. 0; a negative errno if it is not known. */
int sp_applied_read(const struct sp_instance *instance, struct sp_config *config);

/* Keep @path as it is now. It may fail: then it is not known next time. */
void sp_applied_keep(const struct sp_instance *instance, const char *path);

#endif
