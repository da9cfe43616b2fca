/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SP_CLI_GARDEN_OUTPUT_H
#define SP_CLI_GARDEN_OUTPUT_H

#include <jansson.h>

#include <sallyport/abi.h>

#include "lib/clock.h"
#include "lib/garden_set.h"

struct sp_garden_output {
	const struct sp_garden_set *set;
	struct sp_clock clock;
	bool json;
	bool daemon;   /* it runs: names are learnt */
	bool bypass;   /* the gate is open anyway */
	uint32_t zone; /* that was asked for; 0: none */
	struct sp_zone_name zones[SP_ZONES];
};

#define SP_GARDEN_PARTS 2u /* what may decide: the zone's own prefix, and everybody's */

/* An array of "tcp/443" and the like. */
json_t *sp_garden_rules_json(const struct sp_garden_rule *rules, uint32_t count);

/* `garden list`. */
void sp_put_garden_header(const struct sp_garden_output *output);
int sp_put_garden_name(const struct sp_garden_output *output,
                       const struct sp_garden_known_name *name, struct sp_error *err);
int sp_put_garden_prefix(const struct sp_garden_output *output,
                         const struct sp_garden_prefix *prefix, const struct sp_garden_seen *seen,
                         struct sp_error *err);

/* `garden test`: @found, @name: the entries that decide, or NULL. @asked: for certain protocols. */
int sp_put_garden_test_prefix(const struct sp_garden_output *output,
                              const struct sp_garden_entry *entry,
                              const struct sp_garden_prefix *const found[SP_GARDEN_PARTS],
                              bool open, bool asked, struct sp_error *err);
int sp_put_garden_test_name(const struct sp_garden_output *output,
                            const struct sp_garden_entry *entry,
                            const struct sp_garden_known_name *name, bool open,
                            struct sp_error *err);

#endif
