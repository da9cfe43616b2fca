/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cert_output.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/output.h"

#define SOON 14 /* days: then it should have been replaced */

static json_t *names_json(const struct sp_certificate_about *about)
{
	json_t *names = json_array();

	for (unsigned i = 0; i < about->name_count; i++)
		json_array_append_new(names, json_string(about->name[i]));
	return names;
}

json_t *sp_cert_json(const struct sp_certificate *certificate)
{
	time_t now = time(NULL);
	struct sp_certificate_about about;

	sp_certificate_describe(certificate, &about);
	return json_pack("{s:s, s:s, s:s, s:o, s:I, s:I, s:I, s:s}", "state",
	                 sp_certificate_state_name(sp_certificate_state(certificate, now)),
	                 "subject", about.subject, "issuer", about.issuer, "names",
	                 names_json(&about), "not_before", (json_int_t)about.not_before,
	                 "not_after", (json_int_t)about.not_after, "days_left",
	                 (json_int_t)sp_certificate_days(about.not_after, now), "fingerprint",
	                 about.fingerprint);
}

static void put_date(char text[32], time_t when)
{
	struct tm parts;

	snprintf(text, 32, "?");
	if (localtime_r(&when, &parts))
		strftime(text, 32, "%Y-%m-%d %H:%M", &parts);
}

static void put_validity(const struct sp_certificate *certificate,
                         const struct sp_certificate_about *about)
{
	time_t now = time(NULL);
	long days = sp_certificate_days(about->not_after, now);
	enum sp_certificate_state state = sp_certificate_state(certificate, now);
	char from[32], until[32];

	put_date(from, about->not_before);
	put_date(until, about->not_after);
	if (state == SP_CERTIFICATE_EARLY)
		sp_put_field("", "%snot valid before %s%s", sp_colour(SP_BAD), from,
		             sp_colour(SP_PLAIN));
	else if (state == SP_CERTIFICATE_EXPIRED)
		sp_put_field("", "%sEXPIRED%s on %s: browsers warn of the portal; replace it",
		             sp_colour(SP_BAD), sp_colour(SP_PLAIN), until);
	else
		sp_put_field("", "%sgood until %s, %ld days%s",
		             sp_colour(days < SOON ? SP_BAD : SP_PLAIN), until, days,
		             sp_colour(SP_PLAIN));
}

void sp_put_cert(const char *title, const struct sp_certificate *certificate)
{
	struct sp_certificate_about about;
	char names[1024] = "";
	size_t used = 0;

	sp_certificate_describe(certificate, &about);
	for (unsigned i = 0; i < about.name_count && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
		                         about.name[i]);
	sp_put_field(title, "%s", about.name_count ? names : about.subject);
	put_validity(certificate, &about);
	sp_put_field("", "SHA-256 %s", about.fingerprint);
}
