/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screen of `sallyport top`. */
#ifndef SP_CLI_TOP_H
#define SP_CLI_TOP_H

#include "cli/top_data.h"
#include "lib/error.h"

struct sp_top_screen {
	struct sp_top *top;
	uint32_t first; /* row that is shown first */
	bool paused, reasons, typing;
	uint64_t interval; /* ms */
};

/* Show @screen until it is left. 0 or negative errno. */
int sp_top_show(struct sp_top_screen *screen, struct sp_error *err);

#endif
