/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of the configuration file, one table row each, and how their values are read.
 */
#ifndef SP_LIB_CONFIG_KEY_H
#define SP_LIB_CONFIG_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/config.h"
#include "lib/error.h"

struct sp_config_choice {
	const char *name;
	unsigned value;
};

struct sp_config_key {
	const char *section, *name;
	/* Put the value of @text into the member of @config. On failure @reason says "'VALUE' ...:
	 * expected ...", without file, line and key. 0 or -EINVAL. */
	int (*read)(const struct sp_config_key *key, struct sp_config *config, const char *text,
	            struct sp_error *reason);
	const char *expected; /* completes "expected ..." */
	size_t offset, size;  /* the member of struct sp_config */
	size_t count;         /* of a list: offset of its number of entries */
	uint64_t least, most; /* of a number */
	int (*quantity)(const char *text, uint64_t *value); /* reader of a duration, size or rate */
	const struct sp_config_choice *choices;             /* ends with a NULL name */
	const char *(*refuse)(uint64_t number); /* why a number in range is refused, or NULL */
	unsigned zone;                          /* zoned: the number of that zone */
	bool zoned;                             /* a member of struct sp_zone; a zone may say it */
	bool or_none;                           /* a quantity may also be "none": 0 */
	bool repeats;                           /* it may stand on several lines, which add up */
};

#define SP_CONFIG_KEYS 84

/* Section of the keys that zones alone have; in files it is [zone NAME]. */
#define SP_CONFIG_ZONE "zone"

/* As zone 0 has them. */
extern const struct sp_config_key sp_config_keys[SP_CONFIG_KEYS];

/* @key, which is zoned, as it is for zone number @zone. */
struct sp_config_key sp_config_key_of(const struct sp_config_key *key, unsigned zone);

#endif
