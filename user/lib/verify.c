/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/verify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/session.h"

#define DIFFERENCE_WORDS(id, word, believed, repair) \
	[SP_DIFFERENCE_##id] = {word, believed, repair},
const struct sp_difference_words sp_difference_words[SP_DIFFERENCE_KINDS] = {
	SP_DIFFERENCES(DIFFERENCE_WORDS)};

/* Count one; NULL: it is not listed. */
static struct sp_difference *count(struct sp_verify *verify, enum sp_difference_kind kind)
{
	verify->found[kind]++;
	verify->total++;
	if (verify->listed == SP_VERIFY_LISTED)
		return NULL;
	if (!verify->difference)
		verify->difference = calloc(SP_VERIFY_LISTED, sizeof(*verify->difference));
	if (!verify->difference) {
		verify->no_memory = true;
		return NULL;
	}
	verify->difference[verify->listed].kind = kind;
	return &verify->difference[verify->listed++];
}

void sp_verify_add(struct sp_verify *verify, enum sp_difference_kind kind, const char *about,
                   const char *command, const char *format, ...)
{
	struct sp_difference *one = count(verify, kind);
	va_list args;

	if (!one)
		return;
	snprintf(one->about, sizeof(one->about), "%s", about);
	snprintf(one->command, sizeof(one->command), "%s", command);
	va_start(args, format);
	vsnprintf(one->text, sizeof(one->text), format, args);
	va_end(args);
}

void sp_verify_add_client(struct sp_verify *verify, enum sp_difference_kind kind,
                          const struct sp_client_key *key, const char *format, ...)
{
	struct sp_difference *one = count(verify, kind);
	char name[SP_SESSION_NAME];
	va_list args;

	if (!one)
		return;
	one->client = *key;
	snprintf(one->about, sizeof(one->about), "%s", sp_session_name(name, key));
	va_start(args, format);
	vsnprintf(one->text, sizeof(one->text), format, args);
	va_end(args);
}

int sp_verify_look(struct sp_verify *verify, const struct sp_instance *instance,
                   struct sp_maps *maps, struct sp_error *err)
{
	int code;

	*verify = (struct sp_verify){.instance = instance, .maps = maps};
	code = sp_verify_sessions(verify, err);
	if (!code)
		code = sp_verify_garden(verify, err);
	if (!code)
		code = sp_verify_attached(verify, err);
	if (!code)
		code = sp_verify_listeners(verify, err);
	if (!code && verify->no_memory)
		code = sp_fail(err, -ENOMEM, SP_EXIT_FAILED, "out of memory");
	return code;
}

/* Whether some of the @kinds (a bit each) were found. */
static bool any(const struct sp_verify *verify, uint32_t kinds)
{
	for (unsigned i = 0; i < SP_DIFFERENCE_KINDS; i++)
		if ((kinds >> i & 1) && verify->found[i])
			return true;
	return false;
}

#define KIND(id) (1u << SP_DIFFERENCE_##id)

static int reconcile(const struct sp_verify *verify, struct sp_error *err)
{
	return sp_session_reconcile(verify->maps, err);
}

/*
 * What would let in or count wrongly goes first; then programs come back, which judge by what is
 * right by then; the ledger, which only remembers, comes last.
 */
int sp_verify_repair(const struct sp_verify *verify, struct sp_error *err)
{
	static const struct step {
		uint32_t kinds;
		int (*repair)(const struct sp_verify *verify, struct sp_error *err);
	} steps[] = {
		{KIND(ENTRY) | KIND(SLOT) | KIND(SLOT_LEAKED) | KIND(SLOT_FREE) | KIND(SETTINGS),
	         sp_verify_repair_entries},
		{KIND(LIMITS), sp_verify_repair_limits},
		{KIND(GARDEN), sp_verify_repair_garden},
		{KIND(HOOK) | KIND(PORTS), sp_verify_repair_attached},
		{KIND(LOST) | KIND(UNKNOWN) | KIND(UNTIL) | KIND(BLOCK_LOST) | KIND(BLOCK_UNKNOWN) |
	                 KIND(ENTRY),
	         reconcile},
	};
	struct sp_error further;
	int code = 0, result;

	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (!any(verify, steps[i].kinds))
			continue;
		result = steps[i].repair(verify, code ? &further : err);
		code = code ? code : result;
	}
	return code;
}

void sp_verify_free(struct sp_verify *verify)
{
	free(verify->difference);
	*verify = (struct sp_verify){.total = 0};
}
