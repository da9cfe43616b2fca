/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of requests by which operating systems and browsers find captive portals, as data
 * (probes.conf; its format is described at its top).
 */
#ifndef SP_WEB_PROBES_H
#define SP_WEB_PROBES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"

enum sp_probe_part { SP_PROBE_HOST, SP_PROBE_PATH, SP_PROBE_AGENT, SP_PROBE_PARTS };

struct sp_probe_pattern {
	char *text; /* without the stars */
	size_t length;
	bool open_start, open_end; /* there was a star */
};

/* Matches when for each part one of its patterns does; a part without patterns is any. */
struct sp_probe {
	char *name;
	struct sp_probe_pattern *pattern[SP_PROBE_PARTS];
	size_t count[SP_PROBE_PARTS];
};

struct sp_probes {
	struct sp_probe *probe;
	size_t count;
};

struct sp_probe_text {
	const char *text;
	size_t length;
};

/* Read the list @path. 0 or a negative errno, with file and line; nothing stays allocated then. */
int sp_probes_load(struct sp_probes *probes, const char *path, struct sp_error *err);

void sp_probes_free(struct sp_probes *probes);

/* Which of @probes a request is, NULL: none. @part: host without port, path without query,
 * User-Agent. */
const struct sp_probe *sp_probes_match(const struct sp_probes *probes,
                                       const struct sp_probe_text part[SP_PROBE_PARTS]);

#endif
