/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/change.h"

#include <string.h>
#include <unistd.h>

#include "lib/programs.h"

int sp_change_begin(struct sp_change *change, const struct sp_instance *instance,
                    const struct sp_hook *hook, struct sp_error *err)
{
	int fd = -1;

	if (hook->mode != SP_HOOK_NONE) {
		fd = sp_programs_by_id(instance, hook->program_id);
		if (fd < 0)
			return sp_fail(err, fd, SP_EXIT_FAILED,
			               "cannot open the program that runs on %s: %s",
			               hook->interface, strerror(-fd));
	}
	*change = (struct sp_change){.hook = *hook, .before = hook->mode, .program_before = fd};
	return 0;
}

static int replace(struct sp_hook *hook, enum sp_hook_mode mode, int program_fd,
                   struct sp_error *err)
{
	struct sp_hook next = *hook;
	int code = 0;

	if (hook->kind == SP_HOOK_XDP)
		code = sp_hook_detach(hook, err);
	if (!code)
		code = sp_hook_attach(&next, mode, program_fd, err);
	if (code)
		return code;
	if (hook->mode != SP_HOOK_NONE)
		code = sp_hook_detach(hook, err);
	*hook = next;
	return code;
}

int sp_change_set(struct sp_change *change, enum sp_hook_mode mode, int program_fd,
                  struct sp_error *err)
{
	struct sp_hook *hook = &change->hook;

	if (mode == SP_HOOK_NONE)
		return sp_hook_detach(hook, err);
	if (mode == hook->mode)
		return sp_hook_update(hook, program_fd, err);
	return replace(hook, mode, program_fd, err);
}

void sp_change_undo(struct sp_change *change)
{
	sp_change_set(change, change->before, change->program_before, NULL);
	sp_change_end(change);
}

void sp_change_end(struct sp_change *change)
{
	if (change->program_before >= 0)
		close(change->program_before);
	change->program_before = -1;
}
