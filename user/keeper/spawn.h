/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fork and exec of a child with exactly the files it may have. */
#ifndef SP_KEEPER_SPAWN_H
#define SP_KEEPER_SPAWN_H

#include <sys/types.h>

/*
 * Start @program without arguments and environment: fd 0 and 1 /dev/null, fd 2 @log, @socket at
 * SP_IPC_KEEPER_FD, @tally (-1: nothing that is looked at) at SP_IPC_TALLY_FD, @files at
 * SP_IPC_FIRST_FD and following. It dies with its parent. Returns the pid or a negative errno; a
 * program that cannot be executed is reported by its exit, status 127.
 */
pid_t sp_spawn(const char *program, int socket, int log, int tally, const int *files,
               unsigned count);

#endif
