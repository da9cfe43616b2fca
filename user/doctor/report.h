/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `sallyport doctor` finds: one finding for each thing looked at, with what is wrong, why it
 * matters and the command that mends it.
 */
#ifndef SP_DOCTOR_REPORT_H
#define SP_DOCTOR_REPORT_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"
#include "lib/netlink_offload.h"

enum sp_level { SP_LEVEL_OK, SP_LEVEL_NOTE, SP_LEVEL_WARNING, SP_LEVEL_ERROR, SP_LEVELS };

/* "ok", "note", "warning", "error". */
const char *sp_level_name(enum sp_level level);

/* What `doctor --mend` does by itself: what can be taken back and interrupts nobody. */
enum sp_mend_kind {
	SP_MEND_NOTHING,
	SP_MEND_SYSCTL,  /* write `value` to /proc/sys/`name` */
	SP_MEND_OFFLOAD, /* switch `offload` of `interface` off (ethtool -K) */
};

struct sp_mend {
	enum sp_mend_kind kind;
	char interface[IF_NAMESIZE];
	enum sp_offload offload;
	char name[96];
	char value[16];
};

struct sp_finding {
	struct sp_finding *next; /* NULL: it is the last */
	enum sp_level level;
	const char *group; /* heading: "Kernel", "Interfaces", ... */
	const char *check; /* one word for scripts: "rp_filter"; stable */
	char about[64];    /* interface, address or file; "": the gateway as a whole */
	char what[320];
	char why[480];     /* "" if it is good */
	char command[320]; /* that mends it, to be copied; "": there is none */
	struct sp_mend mend;
};

struct sp_report {
	struct sp_finding *first, *last;
	unsigned at[SP_LEVELS]; /* findings of each level */
	const char *group;      /* of those that are added */
	bool incomplete;        /* there was no memory for some */
	struct sp_finding lost; /* takes what there was no memory for */
};

/* Add a finding of @check about @about; the format says what. Never NULL; the finding is the
 * report's and stays where it is. */
struct sp_finding *sp_report_add(struct sp_report *report, enum sp_level level, const char *check,
                                 const char *about, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Why it matters, and what the operator types to mend it. */
void sp_finding_why(struct sp_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void sp_finding_command(struct sp_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same for what --mend can do: fills the command, too. @name: "net/ipv4/ip_forward". */
void sp_finding_sysctl(struct sp_finding *finding, const char *name, const char *value);

void sp_finding_offload(struct sp_finding *finding, const char *interface, enum sp_offload offload);

void sp_report_free(struct sp_report *report);

#endif
