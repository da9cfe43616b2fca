/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration file that is being read. For config_read.c, config_zone.c and config_whole.c. */
#ifndef SP_LIB_CONFIG_PARSER_H
#define SP_LIB_CONFIG_PARSER_H

#include <stdbool.h>
#include <stdio.h>

#include "lib/config.h"
#include "lib/config_errors.h"
#include "lib/config_key.h"

struct sp_config_parser {
	struct sp_config *config;
	const char *path;
	FILE *file;
	struct sp_config_errors *errors;
	int line;                /* the one being read */
	const char *section;     /* as in the table of keys; "": none yet; NULL: an unknown one */
	unsigned zone;           /* whose section it is; 0: no zone's */
	int zone_line[SP_ZONES]; /* where the section of a zone begins */
	int seen[SP_ZONES][SP_CONFIG_KEYS]; /* line of each key; 0: not seen */
};

/* Another error, at @line of the file; 0: of the whole file. */
void sp_config_wrong(struct sp_config_parser *parser, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The line of a key; 0: the file does not say it. */
int sp_config_line(const struct sp_config_parser *parser, unsigned zone, const char *section,
                   const char *name);

/* The section [zone NAME] begins, its name being @name. */
void sp_config_enter_zone(struct sp_config_parser *parser, const char *name);

/* With the file read: give each zone what it does not say itself, and find what is wrong between
 * them. */
void sp_config_finish_zones(struct sp_config_parser *parser);

/* What only the whole file shows. */
void sp_config_check_whole(struct sp_config_parser *parser);

#endif
