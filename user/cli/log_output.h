/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of the log, and who was there at one moment, as text and as JSON. */
#ifndef SP_CLI_LOG_OUTPUT_H
#define SP_CLI_LOG_OUTPUT_H

#include "lib/error.h"
#include "lib/ledger_log.h"

void sp_put_log_header(void);
void sp_put_log_row(const struct sp_history_line *line);
int sp_put_log_json(const struct sp_history_line *line, struct sp_error *err);

void sp_put_use_header(void);
void sp_put_use_row(const struct sp_history_use *use);
int sp_put_use_json(const struct sp_history_use *use, struct sp_error *err);

#endif
