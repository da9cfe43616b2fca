/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The places on an interface where a program of ours is attached: XDP, TC ingress and TC egress,
 * and the ways in which each can be done.
 */
#ifndef SP_LIB_HOOK_H
#define SP_LIB_HOOK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/bpffs.h"
#include "lib/error.h"
#include "lib/instance.h"

enum sp_hook_kind { SP_HOOK_TC_IN, SP_HOOK_TC_OUT, SP_HOOK_XDP, SP_HOOK_KINDS };

enum sp_hook_mode {
	SP_HOOK_NONE,
	SP_HOOK_NATIVE,  /* XDP in the driver */
	SP_HOOK_GENERIC, /* XDP in the stack */
	SP_HOOK_TCX,
	SP_HOOK_CLSACT,
};

struct sp_hook {
	enum sp_hook_kind kind;
	enum sp_hook_mode mode; /* how it is attached now */
	uint32_t program_id;    /* what is attached now */
	bool uplink;            /* runs the program of uplinks; the caller's to say */
	bool lost;              /* a link is pinned that holds nothing on this interface any more */
	char interface[IF_NAMESIZE];
	uint32_t ifindex;
	bool *own_qdisc;       /* the interface's clsact qdisc was made by us */
	char pin[SP_PIN_PATH]; /* of the link; a clsact filter has none */
};

/*
 * Find out from the kernel how @kind of @interface is attached. Never fails: what cannot be found
 * is SP_HOOK_NONE.
 */
void sp_hook_find(struct sp_hook *hook, const struct sp_instance *instance, enum sp_hook_kind kind,
                  const char *interface, uint32_t ifindex, bool *own_qdisc);

/*
 * Attach @program_fd to a hook that is SP_HOOK_NONE, pinned from the first moment on. -EOPNOTSUPP
 * means that this way is not possible here, with a short reason (no sentence) in @err; other errors
 * are sentences.
 */
int sp_hook_attach(struct sp_hook *hook, enum sp_hook_mode mode, int program_fd,
                   struct sp_error *err);

/* Put @program_fd in place of the attached program, in one step. */
int sp_hook_update(struct sp_hook *hook, int program_fd, struct sp_error *err);

/* Take the program away; of SP_HOOK_NONE, a dead link that may still be pinned. */
int sp_hook_detach(struct sp_hook *hook, struct sp_error *err);

/* "native", "generic", "tcx", "clsact", "none". */
const char *sp_hook_mode_name(enum sp_hook_mode mode);

/* "xdp", "tc-in", "tc-out". */
const char *sp_hook_kind_name(enum sp_hook_kind kind);

/* A program of somebody else on XDP of an interface. */
struct sp_foreign {
	uint32_t id;
	uint32_t link;    /* the bpf_link that holds it; 0: it was set by netlink */
	const char *mode; /* as in struct sp_interface, or "mode unknown" */
	char name[48];    /* quoted, or why there is none */
};

/* Whether a program that is not @own_id is on XDP of @hook's interface, which is in @foreign. */
bool sp_hook_foreign(const struct sp_hook *hook, uint32_t own_id, struct sp_foreign *foreign);

/* The programs of the tcx hook that @hook would be, ours among them, as many as @room allows.
 * Returns the number or a negative errno: before Linux 6.6 there is no such hook. */
int sp_hook_tcx_programs(const struct sp_hook *hook, uint32_t *ids, unsigned room);

/* The name of the loaded program @id, quoted, or why there is none to be shown. */
void sp_hook_name_program(uint32_t id, char *name, size_t room);

/* -EBUSY, naming it, when a program that is not @own_id is attached to XDP of @hook's interface. */
int sp_hook_check_foreign(const struct sp_hook *hook, uint32_t own_id, struct sp_error *err);

/*
 * The driver's words for refusing @program_fd with @refused in the mode of @mode_flag
 * (XDP_FLAGS_*); the error's own when it has none.
 */
void sp_hook_reason(uint32_t ifindex, uint32_t mode_flag, int program_fd, int refused, char *reason,
                    size_t size);

/* clsact (hook_clsact.c); the rest is bpf_link. */
int sp_clsact_attach(struct sp_hook *hook, int program_fd, struct sp_error *err);
int sp_clsact_update(struct sp_hook *hook, int program_fd, struct sp_error *err);
int sp_clsact_detach(struct sp_hook *hook, struct sp_error *err);

/* Take the qdisc away if we made it and nobody uses it. */
int sp_clsact_drop_qdisc(struct sp_hook *hook, struct sp_error *err);

/* Whether a filter of @handle and @info (struct tcmsg) is where ours is. */
bool sp_clsact_is_handle(uint32_t handle, uint32_t info);

/* Whether the interface has no qdisc that filters could be added to: attaching would make it. */
bool sp_clsact_is_missing(uint32_t ifindex);

/* The program of @instance's filter; 0: none of ours. */
uint32_t sp_clsact_program(const struct sp_hook *hook, const struct sp_instance *instance);

#endif
