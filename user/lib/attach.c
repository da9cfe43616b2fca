/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/attach.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What may be tried, best first, ended by SP_HOOK_NONE. */
struct wish {
	enum sp_hook_mode modes[3];
	const char *words; /* the configuration that leaves no choice, or NULL */
};

/* `attach = tc` is about the judgement: an uplink takes what works. */
static struct wish wish_of(enum sp_hook_kind kind, const struct sp_record_interface *one)
{
	static const struct wish xdp[] = {
		[SP_ATTACH_AUTO] = {{SP_HOOK_NATIVE, SP_HOOK_GENERIC}, NULL},
		[SP_ATTACH_NATIVE] = {{SP_HOOK_NATIVE}, "attach = native"},
		[SP_ATTACH_GENERIC] = {{SP_HOOK_GENERIC}, "attach = generic"},
		[SP_ATTACH_TC] = {{SP_HOOK_NONE}, "attach = tc"},
	};
	static const struct wish tc[] = {
		[SP_TC_AUTO] = {{SP_HOOK_TCX, SP_HOOK_CLSACT}, NULL},
		[SP_TC_TCX] = {{SP_HOOK_TCX}, "tc = tcx"},
		[SP_TC_CLSACT] = {{SP_HOOK_CLSACT}, "tc = clsact"},
	};

	if (one->uplink && one->attach == SP_ATTACH_TC)
		return xdp[SP_ATTACH_AUTO];
	return kind == SP_HOOK_XDP ? xdp[one->attach] : tc[one->tc];
}

static void add_why(char why[SP_WHY], const char *reason)
{
	size_t used = strlen(why);

	snprintf(why + used, SP_WHY - used, "%s%s", used ? "; " : "", reason);
}

/* The best mode needs no explanation; another one was configured or is all that worked. */
static void explain_configured(const struct wish *wish, enum sp_hook_kind kind, char why[SP_WHY])
{
	enum sp_hook_mode best = kind == SP_HOOK_XDP ? SP_HOOK_NATIVE : SP_HOOK_TCX;
	char reason[64];

	if (!wish->words || wish->modes[0] == best)
		return;
	snprintf(reason, sizeof(reason), "%s is configured", wish->words);
	add_why(why, reason);
}

static bool may_stay(const struct sp_hook *hook, const struct wish *wish, bool same_wish)
{
	if (hook->mode == SP_HOOK_NONE)
		return false;
	return hook->mode == wish->modes[0] || (same_wish && !wish->words);
}

static int impossible(const struct sp_hook *hook, const struct wish *wish, const char *why,
                      struct sp_error *err)
{
	return sp_fail(err, -EOPNOTSUPP, SP_EXIT_FAILED,
	               "interface %s: %s in [gateway] is not possible: %s; set it to auto",
	               hook->interface, wish->words ? wish->words : "tc = auto", why);
}

void sp_attach_foresee(struct sp_record_interface *one)
{
	if (one->ifindex && !one->uplink && one->tc != SP_TC_TCX &&
	    sp_clsact_is_missing(one->ifindex))
		one->own_qdisc = true;
}

int sp_attach_begin(struct sp_change *change, const struct sp_instance *instance,
                    struct sp_record_interface *one, enum sp_hook_kind kind, struct sp_error *err)
{
	struct sp_hook hook;
	int code;

	sp_hook_find(&hook, instance, kind, one->name, one->ifindex, &one->own_qdisc);
	hook.uplink = one->uplink;
	/* Said before anything is tried. */
	if (kind == SP_HOOK_XDP && (one->uplink || one->attach != SP_ATTACH_TC)) {
		code = sp_hook_check_foreign(&hook, hook.program_id, err);
		if (code)
			return code;
	}
	return sp_change_begin(change, instance, &hook, err);
}

int sp_attach(struct sp_change *change, struct sp_record_interface *one,
              const struct sp_programs *programs, bool same_wish, struct sp_error *err)
{
	enum sp_hook_kind kind = change->hook.kind;
	struct wish wish = wish_of(kind, one);
	char *why = one->why[kind];
	struct sp_error reason = {.text = ""};
	int code;

	if (may_stay(&change->hook, &wish, same_wish))
		return sp_change_set(change, change->hook.mode,
		                     sp_programs_for(programs, &change->hook, change->hook.mode),
		                     err);
	why[0] = '\0';
	explain_configured(&wish, kind, why);
	for (unsigned i = 0; wish.modes[i] != SP_HOOK_NONE; i++) {
		code = sp_change_set(change, wish.modes[i],
		                     sp_programs_for(programs, &change->hook, wish.modes[i]),
		                     &reason);
		if (code != -EOPNOTSUPP) {
			if (code && err)
				*err = reason;
			return code;
		}
		add_why(why, reason.text);
	}
	/* Without XDP, TC judges everything; without TC nothing works. */
	if (kind != SP_HOOK_XDP || (wish.words && wish.modes[0] != SP_HOOK_NONE))
		return impossible(&change->hook, &wish, reason.text, err);
	return sp_change_set(change, SP_HOOK_NONE, -1, err);
}
