/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BPF file system: where an instance's maps, programs and links live when no process holds
 * them.
 */
#ifndef SP_LIB_BPFFS_H
#define SP_LIB_BPFFS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"
#include "lib/instance.h"

#define SP_BPFFS    "/sys/fs/bpf"
#define SP_PIN_PATH 128 /* longest path of a pin, terminating NUL included */

/* The map that is pinned while counters are carried over from the second directory (lib/carry.h).
 */
#define SP_PIN_BASE "base"

/* Whether /sys/fs/bpf is a BPF file system. */
bool sp_bpffs_mounted(void);

/*
 * -EXDEV with a sentence when /sys/fs/bpf is hidden behind mounts that vanish with this command, as
 * those of `ip netns exec`: nothing that is loaded could be seen.
 */
int sp_bpffs_check(struct sp_error *err);

/*
 * Have a BPF file system at /sys/fs/bpf, mounting it if need be and sp_bpffs_check allows.
 */
int sp_bpffs_ensure(struct sp_error *err);

/* Make the pin directories of @instance. 0 or negative errno; existing ones are fine. */
int sp_pins_make(const struct sp_instance *instance, struct sp_error *err);

/* Open the map @name of @instance. 0 or negative errno; *@fd is -1 then. */
int sp_pins_open(int *fd, const struct sp_instance *instance, const char *name,
                 struct sp_error *err);

/* Remove the pins and directories of @instance. What was not made by Sallyport is left, and the
 * directories that hold it. */
int sp_pins_remove(const struct sp_instance *instance, struct sp_error *err);

/* -EEXIST when the directory holds something that Sallyport does not make: the name is taken. */
int sp_pins_check(const struct sp_instance *instance, struct sp_error *err);

/* Pin @fd at @path in one step, in place of what is pinned there. */
int sp_pin(int fd, const char *path, struct sp_error *err);

/*
 * The exclusive lock of @instance: an open descriptor of its pin directory, which is made if
 * @create; close it to unlock. -ENOENT (SP_EXIT_NOT_LOADED) when there is no such directory.
 */
int sp_pins_lock(const struct sp_instance *instance, bool create, struct sp_error *err);

/* Have the links of interface @from be those of @to. Links that are not pinned are none. */
int sp_pins_rename_links(const struct sp_instance *instance, const char *from, const char *to,
                         struct sp_error *err);

/* Where the link of hook @kind ("xdp", "tc-in", "tc-out") on @interface is pinned. */
void sp_pin_of_link(char *path, size_t size, const struct sp_instance *instance, const char *kind,
                    const char *interface);

/* The second pin directory of an instance: @instance with its path. */
void sp_pins_beside(struct sp_instance *beside, const struct sp_instance *instance);

/* Remove that directory, if it is there, with everything in it. 0 or negative errno. */
int sp_pins_clear_beside(const struct sp_instance *instance, struct sp_error *err);

/* Have the two directories change places, in one step. 0 or negative errno. */
int sp_pins_exchange(const struct sp_instance *instance, struct sp_error *err);

/* Pin the links of @from, and no others, below @to too. 0 or negative errno. */
int sp_pins_copy_links(const struct sp_instance *from, const struct sp_instance *to,
                       struct sp_error *err);

#endif
