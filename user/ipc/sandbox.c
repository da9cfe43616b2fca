/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ipc/sandbox.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * What libc needs for memory, time, random numbers and an orderly end, and what the programs need
 * to speak to the keeper and to their log. Calls that have a second number for 64-bit time on some
 * architectures, and those that the vDSO answers where it can, are here in all their forms.
 */
static const struct sp_sandbox_rule common[] = {
	/* Memory, but none that could be executed, and no file. */
	SP_SANDBOX_CALL(brk),
	SP_SANDBOX_CALL(munmap),
	SP_SANDBOX_CALL(mremap),
	SP_SANDBOX_CALL_IF(mmap, SP_SANDBOX_BITS(2, PROT_EXEC, 0),
                           SP_SANDBOX_BITS(3, MAP_ANONYMOUS, MAP_ANONYMOUS)),
	SP_SANDBOX_CALL_IF(mprotect, SP_SANDBOX_BITS(2, PROT_EXEC, 0)),
	SP_SANDBOX_CALL_IF(madvise, SP_SANDBOX_INT(2, MADV_DONTNEED)),
	/* There is one thread, so nobody waits; pthread_once() wakes others all the same. */
	SP_SANDBOX_CALL_IF(futex, SP_SANDBOX_INT(1, FUTEX_WAKE_PRIVATE)),
	/* qsort() asks how much memory there is. */
	SP_SANDBOX_CALL(sysinfo),
	/* Time and random numbers. */
	SP_SANDBOX_CALL(clock_gettime),
	SP_SANDBOX_CALL(clock_gettime64),
	SP_SANDBOX_CALL(gettimeofday),
	SP_SANDBOX_CALL(time),
	SP_SANDBOX_CALL(getrandom),
	/* Keeper and log. send() and recv() have no address. */
	SP_SANDBOX_CALL(poll),
	SP_SANDBOX_CALL(ppoll),
	SP_SANDBOX_CALL(ppoll_time64),
	SP_SANDBOX_CALL_IF(sendto, SP_SANDBOX_NULL(4)),
	SP_SANDBOX_CALL_IF(recvfrom, SP_SANDBOX_NULL(4)),
	SP_SANDBOX_CALL_IF(write, SP_SANDBOX_INT(0, STDERR_FILENO)),
	SP_SANDBOX_CALL(close),
	/* The end, abort() with libc's last words included (sp_sandbox_filter adds tgkill); and
         * what the kernel makes of a call that was interrupted. */
	SP_SANDBOX_CALL(exit),
	SP_SANDBOX_CALL(exit_group),
	SP_SANDBOX_CALL(getpid),
	SP_SANDBOX_CALL(gettid),
	SP_SANDBOX_CALL(rt_sigprocmask),
	SP_SANDBOX_CALL(rt_sigreturn),
	SP_SANDBOX_CALL(restart_syscall),
	SP_SANDBOX_CALL_IF(writev, SP_SANDBOX_INT(0, STDERR_FILENO)),
#ifdef __SANITIZE_ADDRESS__
	/* AddressSanitizer, in tests: before a function that does not return, and for its notes
         * about memory that is new again. */
	SP_SANDBOX_CALL_IF(sigaltstack, SP_SANDBOX_NULL(0)),
	SP_SANDBOX_CALL_IF(madvise, SP_SANDBOX_INT(2, MADV_NOHUGEPAGE)),
	SP_SANDBOX_CALL_IF(madvise, SP_SANDBOX_INT(2, MADV_DONTDUMP)),
#endif
};

static int allow(scmp_filter_ctx filter, const struct sp_sandbox_rule *rules, unsigned count)
{
	int ret = 0;

	for (unsigned i = 0; i < count && !ret; i++)
		ret = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rules[i].call, rules[i].count,
		                             rules[i].argument);
	return ret;
}

/* A signal to ourselves, which is how abort() ends. */
static int allow_abort(scmp_filter_ctx filter)
{
	const struct sp_sandbox_rule self =
		SP_SANDBOX_CALL_IF(tgkill, SP_SANDBOX_INT(0, (uint32_t)getpid()));

	return allow(filter, &self, 1);
}

static int choose_architecture(scmp_filter_ctx filter, uint32_t token)
{
	int ret;

	if (token == SCMP_ARCH_NATIVE || token == seccomp_arch_native())
		return 0;
	ret = seccomp_arch_remove(filter, SCMP_ARCH_NATIVE);
	return ret ? ret : seccomp_arch_add(filter, token);
}

int sp_sandbox_filter(const struct sp_sandbox *sandbox, uint32_t token, scmp_filter_ctx *filter)
{
	int ret;

	*filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!*filter)
		return -ENOMEM;
	/* Calls by the numbers of another architecture (x86: int 0x80, x32) are no way around. */
	ret = seccomp_attr_set(*filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!ret)
		ret = choose_architecture(*filter, token);
	if (!ret)
		ret = allow(*filter, common, sizeof(common) / sizeof(*common));
	if (!ret)
		ret = allow_abort(*filter);
	if (!ret)
		ret = allow(*filter, sandbox->rules, sandbox->rule_count);
	if (ret)
		seccomp_release(*filter);
	return ret;
}

int sp_sandbox_close(const struct sp_sandbox *sandbox)
{
	scmp_filter_ctx filter;
	int ret = sp_sandbox_filter(sandbox, SCMP_ARCH_NATIVE, &filter);

	if (ret)
		return ret;
	ret = seccomp_load(filter);
	seccomp_release(filter);
	return ret;
}

static int limit(__rlimit_resource_t resource, rlim_t most)
{
	const struct rlimit value = {most, most};

	return setrlimit(resource, &value) ? -errno : 0;
}

/* A limit would end the process when it writes to its log, if that is a file. */
static int limit_writing(void)
{
	struct stat log;

	if (!fstat(STDERR_FILENO, &log) && S_ISREG(log.st_mode))
		return 0;
	return limit(RLIMIT_FSIZE, 0);
}

static int limit_memory(uint64_t most)
{
#ifdef __SANITIZE_ADDRESS__
	/* AddressSanitizer reserves terabytes, which count. */
	(void)most;
	return 0;
#else
	return limit(RLIMIT_DATA, most);
#endif
}

int sp_sandbox_limit(const struct sp_sandbox *sandbox)
{
	int ret = limit(RLIMIT_CORE, 0);

	if (!ret)
		ret = limit(RLIMIT_NOFILE, sandbox->files);
	if (!ret)
		ret = limit(RLIMIT_NPROC, 0);
	if (!ret)
		ret = limit(RLIMIT_MEMLOCK, 0);
	if (!ret)
		ret = limit_writing();
	return ret ? ret : limit_memory(sandbox->memory);
}
