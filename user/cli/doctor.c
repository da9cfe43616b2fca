/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/output.h"
#include "doctor/doctor.h"

#define INDENT 11

static void look(struct sp_report *report, const struct sp_invocation *invocation)
{
	sp_doctor_look(report, &invocation->instance, invocation->option[SP_OPTION_CONFIG],
	               invocation->option[SP_OPTION_PROBE]);
}

/* --- JSON --- */

static json_t *finding_json(const struct sp_finding *one)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "level",
	                 sp_level_name(one->level), "check", one->check, "about", one->about,
	                 "group", one->group, "what", one->what, "why", one->why, "command",
	                 one->command, "mends", (int)(one->mend.kind != SP_MEND_NOTHING));
}

static int put_json(const struct sp_invocation *invocation, const struct sp_report *report,
                    json_t *mended, struct sp_error *err)
{
	json_t *findings = json_array();

	for (const struct sp_finding *one = report->first; one; one = one->next)
		json_array_append_new(findings, finding_json(one));
	return sp_put_json(json_pack("{s:s, s:o, s:i, s:i, s:i, s:i, s:o}", "instance",
	                             invocation->instance.name, "mended", mended, "ok",
	                             (int)report->at[SP_LEVEL_OK], "notes",
	                             (int)report->at[SP_LEVEL_NOTE], "warnings",
	                             (int)report->at[SP_LEVEL_WARNING], "errors",
	                             (int)report->at[SP_LEVEL_ERROR], "findings", findings),
	                   err);
}

/* --- text --- */

/* @text broken at blanks into lines below each other. */
static void put_wrapped(const char *text)
{
	const int width = 100 - INDENT;

	while (*text) {
		int length = (int)strlen(text), cut = length;

		if (length > width)
			for (cut = width; cut && text[cut] != ' '; cut--)
				;
		if (!cut)
			cut = (int)strcspn(text, " ");
		printf("%*s%.*s\n", INDENT, "", cut, text);
		text += cut;
		text += strspn(text, " ");
	}
}

static void put_finding(const struct sp_finding *one)
{
	static const enum sp_colour colours[SP_LEVELS] = {
		[SP_LEVEL_OK] = SP_GOOD,
		[SP_LEVEL_NOTE] = SP_FAINT,
		[SP_LEVEL_WARNING] = SP_BAD,
		[SP_LEVEL_ERROR] = SP_BAD,
	};

	printf("  %s%-7s%s  %s%s%s\n", sp_colour(colours[one->level]), sp_level_name(one->level),
	       sp_colour(SP_PLAIN), one->about, one->about[0] ? ": " : "", one->what);
	put_wrapped(one->why);
	if (one->command[0])
		printf("%*s-> %s\n", INDENT, "", one->command);
}

static void put_text(const struct sp_report *report)
{
	const char *group = "";

	for (const struct sp_finding *one = report->first; one; one = one->next) {
		if (strcmp(group, one->group) != 0)
			printf("%s%s\n", *group ? "\n" : "", one->group);
		group = one->group;
		put_finding(one);
	}
	printf("\nerrors %u, warnings %u, notes %u, ok %u\n", report->at[SP_LEVEL_ERROR],
	       report->at[SP_LEVEL_WARNING], report->at[SP_LEVEL_NOTE], report->at[SP_LEVEL_OK]);
}

/* --- mending --- */

static void mend_one(const struct sp_finding *one, bool json, json_t *mended)
{
	struct sp_error err = {.text = ""};
	int code = sp_doctor_mend(&one->mend, &err);

	json_array_append_new(mended, json_pack("{s:s, s:s, s:s, s:s}", "check", one->check,
	                                        "about", one->about, "command", one->command,
	                                        "error", code ? err.text : ""));
	if (json)
		return;
	if (code)
		printf("not mended: %s (%s)\n", one->command, err.text);
	else
		printf("mended: %s\n", one->command);
}

static void mend_all(const struct sp_invocation *invocation, json_t *mended)
{
	struct sp_report report = {.first = NULL};

	look(&report, invocation);
	for (const struct sp_finding *one = report.first; one; one = one->next)
		if (one->mend.kind != SP_MEND_NOTHING)
			mend_one(one, invocation->json, mended);
	if (json_array_size(mended) && !invocation->json)
		putchar('\n');
	sp_report_free(&report);
}

int sp_doctor_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct sp_report report = {.first = NULL};
	json_t *mended = json_array();
	bool bad;
	int code = 0;

	if (geteuid() != 0) {
		json_decref(mended);
		return sp_fail(err, -EPERM, SP_EXIT_PERMISSION,
		               "no permission to look at the gateway: run this as root");
	}
	if (invocation->option[SP_OPTION_MEND])
		mend_all(invocation, mended);
	look(&report, invocation);
	bad = report.at[SP_LEVEL_WARNING] || report.at[SP_LEVEL_ERROR];
	if (invocation->json) {
		code = put_json(invocation, &report, mended, err);
	} else {
		json_decref(mended);
		put_text(&report);
	}
	if (!code && report.incomplete)
		code = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	sp_report_free(&report);
	/* What was found has been said. */
	if (!code && bad) {
		*err = (struct sp_error){.exit_code = SP_EXIT_FAILED};
		code = -EUCLEAN;
	}
	return code;
}
