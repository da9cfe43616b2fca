/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries of the walled garden as operators write them: a prefix, address, name or *.name, then
 * what of it is open: nothing (all), or any number of tcp, udp, icmp, a protocol number, tcp/443,
 * udp/1000-2000.
 */
#ifndef SP_LIB_GARDEN_ENTRY_H
#define SP_LIB_GARDEN_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include <sallyport/abi.h>

#include "lib/error.h"

struct sp_garden_target {
	char name[SP_GARDEN_NAME]; /* as the key of `garden_names`; "": a prefix */
	struct sp_address address; /* of a prefix, zero behind it */
	uint32_t zone;             /* whose clients it is for; 0: everybody */
	uint8_t family;            /* 4 or 6; 0: a name */
	uint8_t length;            /* of the prefix, in bits of its family */
};

struct sp_garden_entry {
	struct sp_garden_target target;
	uint32_t count;
	struct sp_garden_rule rule[SP_GARDEN_RULES]; /* at least one; ICMP stands for ICMPv6 too */
};

/*
 * Read @words: the target, then the rules; the zone is 0. 0, or -EINVAL (SP_EXIT_USAGE) with
 * "'WORD' ...: expected
 * ...".
 */
int sp_garden_entry_read(struct sp_garden_entry *entry, const char *const *words, unsigned count,
                         struct sp_error *err);

/* The same of a line, words separated by blanks or commas. */
int sp_garden_entry_read_line(struct sp_garden_entry *entry, const char *line,
                              struct sp_error *err);

/* Whether a captive client that may have @wide may have everything of @narrow. */
bool sp_garden_rule_covers(const struct sp_garden_rule *wide, const struct sp_garden_rule *narrow);

/* The same rule, wherever it comes from and whenever it ends. */
bool sp_garden_rule_same(const struct sp_garden_rule *one, const struct sp_garden_rule *other);

/* Whether @narrow lies in @wide of the same zone: a prefix in a prefix, a name below a *.name. A
 * target is in itself. */
bool sp_garden_target_covers(const struct sp_garden_target *wide,
                             const struct sp_garden_target *narrow);

/* Make a prefix the wider one of @length bits. */
void sp_garden_target_widen(struct sp_garden_target *target, uint8_t length);

/*
 * The names of `garden_names` that @name falls under, from the name itself to the widest: makes the
 * next one of @name in @key, for zone 0, *@at being 0 for the first. False: there is none any more.
 */
bool sp_garden_name_next(const char *name, unsigned *at, struct sp_garden_name_key *key);

#define SP_GARDEN_TEXT 320 /* buffer for the two below */

/* "192.0.2.0/24", "192.0.2.7", "*.example.org". Returns @out. */
char *sp_garden_put_target(char out[SP_GARDEN_TEXT], const struct sp_garden_target *target);

/* "everything" or "tcp/443, udp". Returns @out. */
char *sp_garden_put_rules(char out[SP_GARDEN_TEXT], const struct sp_garden_rule *rules,
                          uint32_t count);

#endif
