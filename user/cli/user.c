/* SPDX-License-Identifier: GPL-2.0-or-later */
/* user add, remove, list, passwd, disable, enable. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/client_limits.h"
#include "cli/command.h"
#include "cli/end_sessions.h"
#include "cli/limits_output.h"
#include "cli/moment.h"
#include "cli/output.h"
#include "cli/password.h"
#include "lib/ledger.h"
#include "lib/text.h"

#define MOST_DEVICES 10000u

/* What can be typed into a form and sent to a RADIUS server (RFC 2865, section 5.1). */
static int check_name(const char *name, struct sp_error *err)
{
	size_t length = strlen(name);

	if (length && length <= 253 && sp_text_printable(name, length) && name[0] != ' ' &&
	    name[length - 1] != ' ')
		return 0;
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
	               "NAME: expected 1 to 253 bytes of UTF-8 text without control characters and "
	               "without a blank at either end");
}

static int read_note(const struct sp_invocation *invocation, struct sp_user *user,
                     struct sp_error *err)
{
	const char *note = invocation->option[SP_OPTION_NOTE];

	if (!note)
		return 0;
	if (strlen(note) >= sizeof(user->note) || !sp_text_printable(note, strlen(note)))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "--note: expected at most %zu bytes of text",
		               sizeof(user->note) - 1);
	snprintf(user->note, sizeof(user->note), "%s", note);
	return 0;
}

static int read_devices(const struct sp_invocation *invocation, struct sp_user *user,
                        struct sp_error *err)
{
	const char *text = invocation->option[SP_OPTION_DEVICES];
	uint64_t number = 0;

	if (text && sp_text_number(text, 1, MOST_DEVICES, &number))
		return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
		               "--devices: expected a number from 1 to %u, got \"%s\"",
		               MOST_DEVICES, text);
	user->devices = (uint32_t)number;
	return 0;
}

static int read_user(const struct sp_invocation *invocation, struct sp_user *user,
                     struct sp_error *err)
{
	int code = check_name(invocation->operand, err);

	*user = (struct sp_user){.devices = 0};
	if (!code)
		code = sp_client_limits_read(invocation, &user->limits, err);
	if (!code)
		code = sp_moment_option(invocation, SP_OPTION_UNTIL, true, &user->until, err);
	if (!code && user->until && user->until <= (uint64_t)time(NULL))
		code = sp_fail(err, -EINVAL, SP_EXIT_USAGE, "--until: expected a time to come");
	if (!code)
		code = read_devices(invocation, user, err);
	if (!code)
		code = read_note(invocation, user, err);
	if (!code)
		snprintf(user->name, sizeof(user->name), "%s", invocation->operand);
	return code;
}

static const char *state_of(const struct sp_user *user)
{
	if (user->disabled)
		return "disabled";
	return user->until && user->until <= (uint64_t)time(NULL) ? "expired" : "enabled";
}

static int fill(json_t *object, const struct sp_user *user)
{
	return json_object_set_new(object, "name", json_string(user->name)) ||
	       json_object_set_new(object, "state", json_string(state_of(user))) ||
	       json_object_set_new(object, "devices",
	                           sp_json_number(user->devices, user->devices)) ||
	       json_object_set_new(object, "until", sp_json_number(user->until, user->until)) ||
	       sp_put_limits(object, &user->limits) ||
	       json_object_set_new(object, "note", json_string(user->note));
}

static int put_json(const struct sp_user *user, struct sp_error *err)
{
	json_t *object = json_object();

	if (!object || fill(object, user)) {
		json_decref(object);
		return sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	}
	return sp_put_json(object, err);
}

/* The user that the command line names, as it is now, and what has been done. */
static int put_changed(const struct sp_invocation *invocation, struct sp_ledger *ledger,
                       const char *what, struct sp_error *err)
{
	struct sp_user user;
	int code = sp_ledger_user_get(ledger, invocation->operand, &user, err);

	if (code)
		return code;
	explicit_bzero(user.hash, sizeof(user.hash));
	if (invocation->json)
		return put_json(&user, err);
	printf("user %s %s\n", user.name, what);
	return 0;
}

int sp_user_add_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct sp_ledger *ledger;
	struct sp_user user, known;
	int code = read_user(invocation, &user, err);

	if (!code)
		code = sp_ledger_open(&ledger, &invocation->instance, err);
	if (code)
		return code;
	/* Before somebody types a password in vain. */
	code = sp_ledger_user_get(ledger, user.name, &known, err);
	code = code == -ENOENT ? sp_password_hash(invocation, user.hash, err) : code;
	if (!code)
		code = sp_ledger_user_add(ledger, &user, err);
	if (!code)
		code = put_changed(invocation, ledger, "is added", err);
	sp_ledger_close(ledger);
	explicit_bzero(&user, sizeof(user));
	explicit_bzero(&known, sizeof(known));
	return code;
}

int sp_user_passwd_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	char hash[SP_LEDGER_HASH] = "";
	struct sp_ledger *ledger;
	struct sp_user user;
	int code = sp_ledger_open(&ledger, &invocation->instance, err);

	if (code)
		return code;
	code = sp_ledger_user_get(ledger, invocation->operand, &user, err);
	if (!code)
		code = sp_password_hash(invocation, hash, err);
	if (!code)
		code = sp_ledger_user_password(ledger, invocation->operand, hash, err);
	if (!code)
		code = put_changed(invocation, ledger, "has another password", err);
	sp_ledger_close(ledger);
	explicit_bzero(hash, sizeof(hash));
	return code;
}

static int put_ended(const struct sp_invocation *invocation, const char *what, unsigned ended,
                     struct sp_error *err)
{
	if (invocation->json)
		return sp_put_json(json_pack("{s:s, s:s, s:i}", "name", invocation->operand,
		                             "state", what, "sessions_ended", (int)ended),
		                   err);
	printf("user %s is %s, %u session%s ended\n", invocation->operand, what, ended,
	       ended == 1 ? "" : "s");
	return 0;
}

static bool is_theirs(const struct sp_record *record, const void *context)
{
	const char *name = context;

	return record->who.method == SP_METHOD_USER && !strcmp(record->who.name, name);
}

/* Have @change done to the user, then end the user's sessions. */
static int shut_out(const struct sp_invocation *invocation, const char *what,
                    int (*change)(struct sp_ledger *, const char *, struct sp_error *),
                    struct sp_error *err)
{
	struct sp_ledger *ledger;
	unsigned ended = 0;
	int code = sp_ledger_open(&ledger, &invocation->instance, err);

	if (code)
		return code;
	code = change(ledger, invocation->operand, err);
	if (!code)
		code = sp_end_sessions(&invocation->instance, is_theirs, invocation->operand,
		                       &ended, err);
	sp_ledger_close(ledger);
	return code ? code : put_ended(invocation, what, ended, err);
}

static int disable(struct sp_ledger *ledger, const char *name, struct sp_error *err)
{
	return sp_ledger_user_disable(ledger, name, true, err);
}

int sp_user_remove_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	return shut_out(invocation, "removed", sp_ledger_user_remove, err);
}

int sp_user_disable_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	return shut_out(invocation, "disabled", disable, err);
}

int sp_user_enable_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct sp_ledger *ledger;
	int code = sp_ledger_open(&ledger, &invocation->instance, err);

	if (code)
		return code;
	code = sp_ledger_user_disable(ledger, invocation->operand, false, err);
	if (!code)
		code = put_changed(invocation, ledger, "is enabled", err);
	sp_ledger_close(ledger);
	return code;
}

#define ROW "%-24s  %-8s  %-7s  %-16s  %-28s  %s\n"

static void put_row(const struct sp_user *user)
{
	char devices[16] = "any", until[SP_MOMENT], limits[128];

	if (user->devices)
		snprintf(devices, sizeof(devices), "%u", user->devices);
	printf(ROW, user->name, state_of(user), devices, sp_moment_text(until, user->until),
	       sp_limits_text(limits, sizeof(limits), &user->limits), user->note);
}

struct listing {
	bool json;
	struct sp_error *err;
};

static int list_one(const struct sp_user *user, void *context)
{
	const struct listing *listing = context;

	if (listing->json)
		return put_json(user, listing->err);
	put_row(user);
	return ferror(stdout) ? sp_put_end(listing->err) : 0;
}

int sp_user_list_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	struct listing listing = {invocation->json, err};
	struct sp_ledger *ledger = NULL;
	int code = 0;

	if (sp_ledger_exists(&invocation->instance))
		code = sp_ledger_open(&ledger, &invocation->instance, err);
	if (!code && !invocation->json)
		printf(ROW, "NAME", "STATE", "DEVICES", "UNTIL", "LIMITS", "NOTE");
	if (code || !ledger)
		return code;
	code = sp_ledger_user_each(ledger, list_one, &listing, err);
	sp_ledger_close(ledger);
	return code;
}
