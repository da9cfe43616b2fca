/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of packets from the client side and what must become of each.
 */
#ifndef SP_TEST_SAMPLES_H
#define SP_TEST_SAMPLES_H

#include "packets.h"

/* Ends with a sample that has no name. */
extern const struct sp_sample sp_samples[];

#define for_each_sample(sample) \
	for (const struct sp_sample *sample = sp_samples; sample->name; sample++)

#endif
