/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/carry.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/bpffs.h"
#include "lib/carry_copy.h"
#include "lib/carry_merge.h"

/* Where the kernel does not wait for us: longer than any packet takes. */
#define GRACE_NS 100000000l

/* Until no CPU runs a program that a hook had before: MEMBARRIER_CMD_GLOBAL is synchronize_rcu()
 * (kernel/sched/membarrier.c), and programs run under rcu_read_lock. */
static void wait_for_packets(void)
{
	const struct timespec grace = {0, GRACE_NS};

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		nanosleep(&grace, NULL);
}

/* Nobody else knows of it yet; after the exchange it is the lock of the instance. */
static int lock_beside(struct sp_carry *carry, struct sp_error *err)
{
	carry->lock = open(carry->beside.pins, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (carry->lock >= 0 && !flock(carry->lock, LOCK_EX | LOCK_NB))
		return 0;
	return sp_fail(err, -errno, SP_EXIT_FAILED, "cannot lock %s: %s", carry->beside.pins,
	               strerror(errno));
}

static int prepare(struct sp_carry *carry, const struct sp_config *config, struct sp_error *err)
{
	int code = sp_pins_clear_beside(&carry->instance, err);

	if (!code)
		code = sp_pins_make(&carry->beside, err);
	if (!code)
		code = lock_beside(carry, err);
	if (!code)
		code = sp_carry_copy(carry->objects, &carry->instance, &carry->beside, config, err);
	if (!code)
		code = sp_objects_pin_maps(carry->objects, &carry->beside, err);
	if (!code)
		code = sp_objects_pin_programs(carry->objects, &carry->beside, err);
	if (!code)
		code = sp_pins_copy_links(&carry->instance, &carry->beside, err);
	return code;
}

int sp_carry_begin(struct sp_carry *carry, const struct sp_instance *instance,
                   const struct sp_objects *objects, const struct sp_config *config,
                   struct sp_error *err)
{
	int code;

	*carry = (struct sp_carry){.instance = *instance, .objects = objects, .lock = -1};
	sp_pins_beside(&carry->beside, instance);
	/* Of an earlier one that was killed. */
	code = sp_carry_finish(instance, err);
	if (code)
		return code;
	code = prepare(carry, config, err);
	if (!code)
		code = sp_pins_exchange(instance, err);
	if (code)
		sp_pins_clear_beside(instance, NULL);
	else
		carry->exchanged = true;
	return code;
}

int sp_carry_finish(const struct sp_instance *instance, struct sp_error *err)
{
	struct sp_instance beside;
	char base[SP_PIN_PATH];
	int code;

	sp_pins_beside(&beside, instance);
	snprintf(base, sizeof(base), "%s/" SP_PIN_BASE, instance->pins);
	if (access(base, F_OK))
		return sp_pins_clear_beside(instance, err);
	wait_for_packets();
	code = sp_carry_merge(&beside, instance, false, err);
	if (!code)
		code = sp_carry_copy_new(&beside, instance, err);
	if (code)
		return code;
	if (unlink(base))
		return sp_fail(err, -errno, SP_EXIT_FAILED, "cannot remove %s: %s", base,
		               strerror(errno));
	return sp_pins_clear_beside(instance, err);
}

void sp_carry_undo(struct sp_carry *carry)
{
	if (!carry->exchanged)
		return;
	wait_for_packets();
	sp_carry_merge(&carry->instance, &carry->beside, true, NULL);
	sp_carry_copy_new(&carry->instance, &carry->beside, NULL);
	sp_pins_copy_links(&carry->instance, &carry->beside, NULL);
	if (!sp_pins_exchange(&carry->instance, NULL))
		sp_pins_clear_beside(&carry->instance, NULL);
	carry->exchanged = false;
}

void sp_carry_end(struct sp_carry *carry)
{
	if (carry->instance.name[0] && carry->lock >= 0)
		close(carry->lock);
	*carry = (struct sp_carry){.lock = -1};
}
