/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the daemon's log goes, and in which form: section [log] of the configuration. */
#ifndef SP_KEEPER_LOGBOOK_H
#define SP_KEEPER_LOGBOOK_H

#include <stdbool.h>

#include "lib/config.h"
#include "lib/error.h"
#include "lib/instance.h"
#include "lib/log.h"

/* From here on lines of this process go where @config says. @instance is used until the next call.
 * May be called again with another configuration. 0; -ENOENT with @err filled when there is no
 * journal to write to, and nothing is changed. */
int sp_logbook_open(const struct sp_config *config, const struct sp_instance *instance,
                    struct sp_error *err);

/* Whether it is another place than stderr. */
bool sp_logbook_elsewhere(void);

#endif
