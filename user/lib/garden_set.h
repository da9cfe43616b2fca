/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walled garden in memory: every prefix and name, and how they work together. Nothing here
 * knows of maps; garden.c reads and writes them.
 *
 * The datapath looks at the longest prefix alone, so each prefix repeats the rules of those that
 * cover it. Addresses that were learnt for a name are prefixes of one address whose rules end.
 */
#ifndef SP_LIB_GARDEN_SET_H
#define SP_LIB_GARDEN_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "lib/error.h"
#include "lib/garden_entry.h"

struct sp_garden_prefix {
	struct sp_garden_target target;
	struct sp_garden now;    /* count 0: to be removed */
	struct sp_garden before; /* what the map holds; count 0: nothing */
};

struct sp_garden_known_name {
	struct sp_garden_target target;
	struct sp_garden_name now, before; /* the same */
};

struct sp_garden_set {
	struct sp_garden_prefix *prefix; /* in order: each behind those that cover it */
	size_t count, room;
	struct sp_garden_known_name *name; /* in no order */
	size_t name_count, name_room;
	uint64_t slots[SP_GARDEN_SLOTS / 64]; /* a bit each: in use */
	uint32_t slot_hint;                   /* where to look for a free one */
	uint32_t learnt[SP_GARDEN_NAMES + 1]; /* addresses of each name, by number */
	bool lengths[2][129];                 /* that some prefix of IPv4, IPv6 has */
	uint32_t generation;                  /* of the maps that it was read from */
};

void sp_garden_set_free(struct sp_garden_set *set);

/* Put in what the map holds. -ENOMEM, -EEXIST (twice the same), -EPROTO (nonsense). */
int sp_garden_set_load(struct sp_garden_set *set, const struct sp_garden_target *target,
                       const struct sp_garden *value);
int sp_garden_set_load_name(struct sp_garden_set *set, const struct sp_garden_target *target,
                            const struct sp_garden_name *value);

/* The prefix @target itself, else NULL. */
struct sp_garden_prefix *sp_garden_set_find(const struct sp_garden_set *set,
                                            const struct sp_garden_target *target);

/* The longest prefix that covers @target and has at most @length bits, else NULL. */
struct sp_garden_prefix *sp_garden_set_cover(const struct sp_garden_set *set,
                                             const struct sp_garden_target *target, int length);

struct sp_garden_known_name *sp_garden_set_name(const struct sp_garden_set *set, uint32_t zone,
                                                const char *name);

/* The name with this number, else NULL. */
const char *sp_garden_set_name_of(const struct sp_garden_set *set, uint32_t number);

/* Whether a rule is the operator's and of this prefix itself. */
bool sp_garden_rule_is_own(const struct sp_garden_rule *rule);

/*
 * Fail with a sentence if @entry, or a rule of it, is in the set already, is covered by another
 * entry, or covers others: -EEXIST, SP_EXIT_FAILED.
 */
int sp_garden_set_check_new(const struct sp_garden_set *set, const struct sp_garden_entry *entry,
                            struct sp_error *err);

/* The same for one entry that is there: @target with its @rules. */
int sp_garden_check_pair(const struct sp_garden_entry *entry, const struct sp_garden_target *target,
                         const struct sp_garden_rule *rules, uint32_t count, struct sp_error *err);

/* Add the rules of @entry that are not there, with @flags (SP_GARDEN_CONFIG or 0). To be followed
 * by sp_garden_set_settle. */
int sp_garden_set_add(struct sp_garden_set *set, const struct sp_garden_entry *entry, uint8_t flags,
                      struct sp_error *err);

/* Remove one rule, or with @rule NULL all, of @target. -ENOENT (SP_EXIT_NOT_FOUND): there is none.
 */
int sp_garden_set_remove(struct sp_garden_set *set, const struct sp_garden_target *target,
                         const struct sp_garden_rule *rule, struct sp_error *err);

/*
 * Open @address for @name until @expires. -ENOSPC: @most addresses of this name, or the map, is
 * full. Settles what it changes.
 */
int sp_garden_set_learn(struct sp_garden_set *set, struct sp_garden_known_name *name,
                        const struct sp_address *address, uint64_t expires, uint32_t lease,
                        uint32_t most);

/* Work out what each prefix inherits. -ENOSPC with a sentence: one would have too many rules. */
int sp_garden_set_settle(struct sp_garden_set *set, struct sp_error *err);

/* The same for one of them. */
int sp_garden_set_settle_one(const struct sp_garden_set *set, struct sp_garden_prefix *prefix,
                             struct sp_error *err);

/* How much there will be in each map. */
struct sp_garden_totals {
	uint32_t ipv4, ipv6, names;
	uint32_t zones; /* bit of each zone but 0 that has prefixes */
};
struct sp_garden_totals sp_garden_set_totals(const struct sp_garden_set *set);

/* Whether there is anything to be written. */
bool sp_garden_set_changed(const struct sp_garden_set *set);

/* What was to be written is written: forget what is gone. */
void sp_garden_set_written(struct sp_garden_set *set);

#endif
