/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One step of an `up` that can be taken back: what a hook ran before, and what it runs now.
 */
#ifndef SP_LIB_CHANGE_H
#define SP_LIB_CHANGE_H

#include "lib/hook.h"

struct sp_change {
	struct sp_hook hook;
	enum sp_hook_mode before;
	int program_before; /* descriptor; -1: none */
};

/* Remember what @hook of @instance runs. 0 or negative errno. */
int sp_change_begin(struct sp_change *change, const struct sp_instance *instance,
                    const struct sp_hook *hook, struct sp_error *err);

/*
 * Have the hook run @program_fd in @mode (SP_HOOK_NONE: nothing). Traffic is judged throughout: the
 * same mode is updated in one step, another TC mode is attached before the old one goes, and where
 * XDP has to go before the new mode can come, TC judges by itself. Errors as for sp_hook_attach.
 */
int sp_change_set(struct sp_change *change, enum sp_hook_mode mode, int program_fd,
                  struct sp_error *err);

/* Back to what was before. */
void sp_change_undo(struct sp_change *change);

/* Forget what was before. */
void sp_change_end(struct sp_change *change);

#endif
