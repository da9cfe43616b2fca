/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/open.h"
#include "cli/output.h"
#include "lib/verify.h"

/* Limits are mended SP_VERIFY_LISTED at a time. */
#define MOST_ROUNDS 5000

struct result {
	struct sp_verify before, after; /* without --repair both are what was found */
	struct sp_error trouble;        /* "" or what a repair met with */
};

static bool is_left(const struct result *result, const struct sp_difference *one)
{
	for (size_t i = 0; i < result->after.listed; i++) {
		const struct sp_difference *other = &result->after.difference[i];

		if (other->kind == one->kind && !strcmp(other->about, one->about))
			return true;
	}
	return false;
}

/* --- JSON --- */

static json_t *difference_json(const struct sp_difference *one, bool left)
{
	const struct sp_difference_words *words = &sp_difference_words[one->kind];

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "difference", words->word, "about",
	                 one->about, "what", one->text, "believed", words->believed, "repair",
	                 words->repair ?: "", "command", one->command, "left", (int)left);
}

static int put_json(const struct sp_invocation *invocation, const struct result *result,
                    bool repair, struct sp_error *err)
{
	json_t *list = json_array();

	for (size_t i = 0; i < result->before.listed; i++) {
		const struct sp_difference *one = &result->before.difference[i];

		json_array_append_new(list, difference_json(one, !repair || is_left(result, one)));
	}
	return sp_put_json(
		json_pack("{s:s, s:I, s:I, s:I, s:I, s:s, s:o}", "instance",
	                  invocation->instance.name, "clients", (json_int_t)result->before.clients,
	                  "sessions", (json_int_t)result->before.sessions, "found",
	                  (json_int_t)result->before.total, "left", (json_int_t)result->after.total,
	                  "trouble", result->trouble.text, "differences", list),
		err);
}

/* --- text --- */

static void put_difference(const struct result *result, const struct sp_difference *one,
                           bool repair)
{
	const struct sp_difference_words *words = &sp_difference_words[one->kind];
	bool left = !repair || is_left(result, one);

	printf("%s%s%s: %s: %s\n", sp_colour(left ? SP_BAD : SP_GOOD),
	       !repair ? "different"
	       : left  ? "left"
	               : "repaired",
	       sp_colour(SP_PLAIN), one->about, one->text);
	if (left && one->command[0])
		printf("    -> %s\n", one->command);
	else if (!repair && words->repair)
		printf("    believed: %s; --repair: %s\n", words->believed, words->repair);
}

static void put_text(const struct result *result, bool repair)
{
	for (size_t i = 0; i < result->before.listed; i++)
		put_difference(result, &result->before.difference[i], repair);
	if (result->before.total > result->before.listed)
		printf("... and %" PRIu64 " more\n", result->before.total - result->before.listed);
	printf("%" PRIu64 " clients, %" PRIu64 " sessions of the ledger: ", result->before.clients,
	       result->before.sessions);
	if (!result->before.total)
		printf("no difference\n");
	else if (repair)
		printf("%" PRIu64 " differences, %" PRIu64 " left\n", result->before.total,
		       result->after.total);
	else
		printf("%" PRIu64 " differences; `sallyport verify --repair` mends them\n",
		       result->before.total);
}

/* --- the work --- */

/* Again while it helps: limits are mended as many at a time as are listed. */
static int repair_all(const struct sp_invocation *invocation, struct sp_maps *maps,
                      struct result *result, struct sp_error *err)
{
	const struct sp_verify *worst = &result->before;
	int code = 0;

	for (unsigned round = 0; round < MOST_ROUNDS && worst->total && !code; round++) {
		uint64_t total = worst->total;

		result->trouble.text[0] = '\0';
		sp_verify_repair(worst, &result->trouble);
		sp_verify_free(&result->after);
		code = sp_verify_look(&result->after, &invocation->instance, maps, err);
		worst = &result->after;
		if (worst->total >= total)
			break;
	}
	return code;
}

static int verify(const struct sp_invocation *invocation, struct sp_maps *maps,
                  struct result *result, bool repair, struct sp_error *err)
{
	int code = sp_verify_look(&result->before, &invocation->instance, maps, err);

	if (!code && repair)
		code = repair_all(invocation, maps, result, err);
	else
		result->after.total = result->before.total;
	if (code)
		return code;
	if (invocation->json)
		return put_json(invocation, result, repair, err);
	put_text(result, repair);
	return 0;
}

int sp_verify_run(const struct sp_invocation *invocation, struct sp_error *err)
{
	static struct result result;
	struct sp_clock clock;
	struct sp_maps maps;
	int code = sp_open_maps(invocation, &maps, &clock, err);
	bool left;

	if (code)
		return code;
	code = verify(invocation, &maps, &result, invocation->option[SP_OPTION_REPAIR], err);
	left = result.after.total;
	/* What was found has been said. */
	if (!code && left) {
		code = -EUCLEAN;
		if (err)
			*err = (struct sp_error){.exit_code = SP_EXIT_FAILED};
		if (err && !invocation->json)
			*err = result.trouble.text[0] ? result.trouble : *err;
	}
	sp_verify_free(&result.before);
	sp_verify_free(&result.after);
	sp_maps_close(&maps);
	return code;
}
