/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the helper programs and the data are: beside the running program, in the build tree and
 * below any PREFIX alike. */
#ifndef SP_KEEPER_PATHS_H
#define SP_KEEPER_PATHS_H

#include "lib/error.h"

struct sp_paths {
	char responder[512]; /* the program */
	char portal[512];
	char garden[512];
	char verifier[512];
	char prober[512];
	char metrics[512];
	char data[256]; /* directory of probes.conf and pages/ */
};

/* Look beside /proc/self/exe and check that all are there. 0 or negative errno. */
int sp_paths_find(struct sp_paths *paths, struct sp_error *err);

#endif
