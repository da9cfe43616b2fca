/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a child may still ask of the kernel while it reads bytes of strangers: a list of system
 * calls for each program, in its own folder, besides those that every program needs. Any other call
 * is the end of the process (SIGSYS), whatever the reason.
 */
#ifndef SP_SANDBOX_H
#define SP_SANDBOX_H

#include <seccomp.h>
#include <stdint.h>

/* Allowed if the first @count comparisons hold. Several rules for one call: any of them. */
struct sp_sandbox_rule {
	int call; /* SCMP_SYS(name); one that this machine's architecture lacks is passed over */
	unsigned count;
	struct scmp_arg_cmp argument[2];
};

#define SP_SANDBOX_CALL(name)          \
	{                              \
		.call = SCMP_SYS(name) \
	}

/* With one or two of the comparisons below. */
#define SP_SANDBOX_CALL_IF(name, ...)                                   \
	{                                                               \
		.call = SCMP_SYS(name),                                 \
		.count = sizeof((struct scmp_arg_cmp[]){__VA_ARGS__}) / \
		         sizeof(struct scmp_arg_cmp),                   \
		.argument = {__VA_ARGS__},                              \
	}

/* Of argument @n, counted from 0, the bits of @mask are @value. */
#define SP_SANDBOX_BITS(n, mask, value)                  \
	{                                                \
		(n), SCMP_CMP_MASKED_EQ, (mask), (value) \
	}

/* The same for the whole of an int: the kernel does not look at the upper half of its register. */
#define SP_SANDBOX_INT(n, value) SP_SANDBOX_BITS(n, UINT32_MAX, value)

/* A null pointer, or a whole register that is zero. */
#define SP_SANDBOX_NULL(n) SP_SANDBOX_BITS(n, UINT64_MAX, 0)

/* Nothing here is owned. */
struct sp_sandbox {
	const struct sp_sandbox_rule *rules;
	unsigned rule_count;
	unsigned files;  /* descriptors at most */
	uint64_t memory; /* bytes of data at most: heap and other private memory */
};

/*
 * Limit the process to what @sandbox says, and to no new process, no core file and, unless its log
 * is a file, no writing to files. While there is still privilege: a limit may have to be raised.
 * 0 or negative errno.
 */
int sp_sandbox_limit(const struct sp_sandbox *sandbox);

/* From now on only the calls of @sandbox, for good. Implies no_new_privs. 0 or negative errno. */
int sp_sandbox_close(const struct sp_sandbox *sandbox);

/*
 * The filter that sp_sandbox_close loads, made for the architecture @token (SCMP_ARCH_NATIVE or
 * another), into *@filter, which the caller releases with seccomp_release(). 0 or negative errno.
 */
int sp_sandbox_filter(const struct sp_sandbox *sandbox, uint32_t token, scmp_filter_ctx *filter);

#endif
