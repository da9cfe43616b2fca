/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doctor/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *sp_level_name(enum sp_level level)
{
	static const char *const names[SP_LEVELS] = {
		[SP_LEVEL_OK] = "ok",
		[SP_LEVEL_NOTE] = "note",
		[SP_LEVEL_WARNING] = "warning",
		[SP_LEVEL_ERROR] = "error",
	};

	return names[level];
}

static struct sp_finding *make(struct sp_report *report)
{
	struct sp_finding *finding = calloc(1, sizeof(*finding));

	if (!finding) {
		report->incomplete = true;
		report->lost = (struct sp_finding){.next = NULL};
		return &report->lost;
	}
	if (report->last)
		report->last->next = finding;
	else
		report->first = finding;
	report->last = finding;
	return finding;
}

struct sp_finding *sp_report_add(struct sp_report *report, enum sp_level level, const char *check,
                                 const char *about, const char *format, ...)
{
	struct sp_finding *finding = make(report);
	va_list args;

	finding->level = level;
	finding->group = report->group;
	finding->check = check;
	snprintf(finding->about, sizeof(finding->about), "%s", about);
	va_start(args, format);
	vsnprintf(finding->what, sizeof(finding->what), format, args);
	va_end(args);
	report->at[level]++;
	return finding;
}

void sp_finding_why(struct sp_finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(finding->why, sizeof(finding->why), format, args);
	va_end(args);
}

void sp_finding_command(struct sp_finding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(finding->command, sizeof(finding->command), format, args);
	va_end(args);
}

void sp_finding_sysctl(struct sp_finding *finding, const char *name, const char *value)
{
	bool dots = strchr(name, '.');
	char shown[sizeof(finding->mend.name)];

	finding->mend.kind = SP_MEND_SYSCTL;
	snprintf(finding->mend.name, sizeof(finding->mend.name), "%s", name);
	snprintf(finding->mend.value, sizeof(finding->mend.value), "%s", value);
	/* sysctl takes either; a VLAN interface's name has a dot of its own. */
	snprintf(shown, sizeof(shown), "%s", name);
	for (char *c = shown; *c && !dots; c++)
		if (*c == '/')
			*c = '.';
	sp_finding_command(finding, "sysctl -w %s=%s", shown, value);
}

void sp_finding_offload(struct sp_finding *finding, const char *interface, enum sp_offload offload)
{
	finding->mend.kind = SP_MEND_OFFLOAD;
	finding->mend.offload = offload;
	snprintf(finding->mend.interface, sizeof(finding->mend.interface), "%s", interface);
	sp_finding_command(finding, "ethtool -K %s %s off", interface, sp_offload_word(offload));
}

void sp_report_free(struct sp_report *report)
{
	struct sp_finding *next;

	for (struct sp_finding *one = report->first; one; one = next) {
		next = one->next;
		free(one);
	}
	*report = (struct sp_report){.first = NULL};
}
