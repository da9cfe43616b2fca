/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/dataplane.h"

#include <errno.h>
#include <unistd.h>

#include "lib/bpffs.h"
#include "lib/daemon.h"
#include "lib/hook.h"
#include "lib/netns.h"
#include "lib/record.h"
#include "lib/rundir.h"
#include "lib/teardown.h"

/* The first error stays. */
static int first(int code, int next)
{
	return code ? code : next;
}

static int detach_kind(const struct sp_instance *instance, struct sp_record *record,
                       enum sp_hook_kind kind, struct sp_error *err)
{
	struct sp_hook hook;
	int code = 0;

	for (unsigned i = 0; i < record->count; i++) {
		struct sp_record_interface *one = &record->interface[i];

		sp_hook_find(&hook, instance, kind, one->name, one->ifindex, &one->own_qdisc);
		code = first(code, sp_hook_detach(&hook, code ? NULL : err));
	}
	return code;
}

int sp_teardown(const struct sp_instance *instance, struct sp_record *record, struct sp_error *err)
{
	int code = detach_kind(instance, record, SP_HOOK_XDP, err);

	code = first(code, detach_kind(instance, record, SP_HOOK_TC_OUT, code ? NULL : err));
	code = first(code, detach_kind(instance, record, SP_HOOK_TC_IN, code ? NULL : err));
	/* Links of interfaces that the record does not know go with their pins. */
	code = first(code, sp_pins_remove(instance, code ? NULL : err));
	return first(code, sp_run_remove(instance, code ? NULL : err));
}

static int nothing(const struct sp_instance *instance, struct sp_error *err)
{
	return sp_fail(err, -ENOENT, SP_EXIT_NOT_LOADED,
	               "instance %s is not loaded: there is nothing to take down", instance->name);
}

/* @record of what is there: -ENOENT if neither pins nor record are. */
static int look(const struct sp_instance *instance, struct sp_record *record, struct sp_error *err)
{
	int code = sp_record_read(instance, record, err);

	if (code && code != -ENOENT)
		return code;
	if (code == -ENOENT && access(instance->pins, F_OK))
		return nothing(instance, err);
	/* Without a record the name may be somebody else's. */
	if (code == -ENOENT) {
		code = sp_pins_check(instance, err);
		return code ? code : sp_run_check(instance, err);
	}
	/* A namespace that is gone took all that was attached with it: only pins and files remain.
	 */
	return sp_netns_exists(record->netns) ? sp_netns_check(instance, record->netns, err) : 0;
}

/* Pins that cannot be seen from here are no pins that are not there. */
static int check_place(const struct sp_instance *instance, struct sp_error *err)
{
	if (geteuid() != 0)
		return sp_fail(err, -EPERM, SP_EXIT_PERMISSION,
		               "no permission to take the instance down: run as root");
	/* Mounted anew if somebody unmounted it: what was attached without pins is still there. */
	return access(instance->run, F_OK) ? sp_bpffs_check(err) : sp_bpffs_ensure(err);
}

int sp_dataplane_down(const struct sp_instance *instance, struct sp_error *err)
{
	struct sp_record record = {.count = 0};
	int code = check_place(instance, err), lock;

	if (!code)
		code = look(instance, &record, err);
	/* Before the lock is taken: the daemon needs it to end in order. */
	if (!code)
		code = sp_daemon_stop(instance, err);
	if (code)
		return code;
	lock = sp_pins_lock(instance, true, err);
	if (lock < 0)
		return lock;
	/* Another `down` or `up` may have been faster. */
	code = look(instance, &record, err);
	if (!code)
		code = sp_teardown(instance, &record, err);
	close(lock);
	return code;
}
