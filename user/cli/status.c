/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "cli/cert_output.h"
#include "cli/command.h"
#include "cli/ledger_state.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/status_output.h"
#include "lib/census.h"
#include "lib/dataplane.h"
#include "lib/text.h"

/* What the daemon shows to browsers. False: there is none, or no certificate. */
static bool load_certificate(const struct sp_invocation *invocation,
                             const struct sp_dataplane_status *status,
                             struct sp_certificate *certificate)
{
	char path[SP_INSTANCE_PATH + 16];
	struct sp_error err;

	*certificate = (struct sp_certificate){.count = 0};

	snprintf(path, sizeof(path), "%s/certificate", invocation->instance.run);
	if (status->daemon && !sp_certificate_load(certificate, path, NULL, &err))
		return true;
	sp_certificate_free(certificate);
	return false;
}

static int put_json(const struct sp_invocation *invocation,
                    const struct sp_dataplane_status *status, const struct sp_census *census,
                    unsigned responders, const struct sp_certificate *shown, const char *damage,
                    struct sp_error *err)
{
	const uint32_t authorized = sp_census_sum(census->authorized);
	const uint32_t ended = sp_census_sum(census->ended);
	json_t *object = sp_status_json(&invocation->instance, status);

	if (object &&
	    json_object_update_new(
		    object, json_pack("{s:i, s:i, s:i, s:i, s:i, s:o, s:{s:b, s:s?}}", "clients",
	                              (int)(authorized + census->blocked + ended), "authorized",
	                              (int)authorized, "blocked", (int)census->blocked, "ended",
	                              (int)ended, "responders", (int)responders, "certificate",
	                              shown ? sp_cert_json(shown) : json_null(), "ledger", "ok",
	                              !damage, "error", damage))) {
		json_decref(object);
		object = NULL;
	}
	return sp_put_json(object, err);
}

static void put_text(const struct sp_invocation *invocation,
                     const struct sp_dataplane_status *status, const struct sp_census *census,
                     unsigned responders, const struct sp_certificate *shown, const char *damage)
{
	const uint32_t authorized = sp_census_sum(census->authorized);
	const uint32_t ended = sp_census_sum(census->ended);
	time_t since = (time_t)status->loaded_unix;
	char text[64] = "?", age[SP_TEXT_QUANTITY];
	struct tm parts;

	if (localtime_r(&since, &parts))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %z", &parts);
	sp_put_field("Instance", "%s", invocation->instance.name);
	sp_put_field("Loaded", "since %s (%s)", text,
	             sp_text_put_duration(age, (uint64_t)(time(NULL) - since)));
	sp_put_field("Configuration", "%s",
	             status->config_path[0] ? status->config_path : "defaults");
	if (status->bypass)
		sp_put_field("Bypass",
		             "%sTHE GATE IS OPEN%s: every client gets through without a login; "
		             "close it with `sallyport bypass off`",
		             sp_colour(SP_BAD), sp_colour(SP_PLAIN));
	sp_put_attachments(status);
	sp_put_forward(status);
	sp_put_field("Clients", "%u of %u: %u authorized, %u blocked, %u ended",
	             authorized + census->blocked + ended, status->max_clients, authorized,
	             census->blocked, ended);
	if (status->daemon)
		sp_put_field("Daemon", "%sprocess %d%s, %u responders", sp_colour(SP_GOOD),
		             status->daemon, sp_colour(SP_PLAIN), responders);
	else
		sp_put_field("Daemon",
		             "%snot running%s: captive clients get no page and cannot log in; "
		             "sessions go on; start it with `sallyport run`",
		             sp_colour(SP_BAD), sp_colour(SP_PLAIN));
	if (damage)
		sp_put_field("Ledger",
		             "%sCANNOT BE WRITTEN%s, so nobody can log in; sessions go on: %s",
		             sp_colour(SP_BAD), sp_colour(SP_PLAIN), damage);
	if (shown)
		sp_put_cert("Certificate", shown);
}

int sp_status_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	static struct sp_dataplane_status status;
	struct sp_certificate certificate;
	struct sp_census census;
	struct sp_clock clock;
	struct sp_maps maps;
	const struct sp_certificate *shown;
	struct sp_error failure;
	const char *damage;
	unsigned responders;
	int code = sp_dataplane_status(&invocation->instance, &status, err);

	if (!code)
		code = sp_open_maps(invocation, &maps, &clock, err);
	if (code)
		return code;
	responders = status.daemon ? maps.loaded.workers : 0;
	code = sp_census_take(&census, &maps, &clock, err);
	sp_maps_close(&maps);
	if (code)
		return code;
	shown = load_certificate(invocation, &status, &certificate) ? &certificate : NULL;
	damage = sp_ledger_is_fine(&invocation->instance, &failure) ? NULL : failure.text;
	if (invocation->json)
		code = put_json(invocation, &status, &census, responders, shown, damage, err);
	else
		put_text(invocation, &status, &census, responders, shown, damage);
	sp_certificate_free(&certificate);
	return code;
}
