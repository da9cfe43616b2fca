/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon says to systemd, through libsystemd. That library is loaded when systemd has
 * started us or its journal is asked for, and not with the program: it brings six others, which
 * would cost every short call of the command line a millisecond; and it may be absent.
 */
#ifndef SP_KEEPER_SYSTEMD_H
#define SP_KEEPER_SYSTEMD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

/* Load the library if there is a use for it; @journal: that is one. 0; -ENOENT with nothing
 * loaded: it is not installed. Everything below does nothing then. */
int sp_systemd_open(bool journal);

/* Whether what is written to stderr goes to the journal ($JOURNAL_STREAM). */
bool sp_systemd_has_stderr(void);

/* An entry of the journal: @count fields "NAME=value". 0 or negative errno. */
int sp_systemd_journal(const struct iovec *fields, unsigned count);

/* Tell the service manager: "READY=1", "STATUS=..." and so on, one a line. */
void sp_systemd_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Have the service manager keep the socket @fd while this service is started again; the next one
 * gets it as @name (keeper/inherit.h). sp_systemd_forget: those of that name that it keeps.
 */
void sp_systemd_keep(const char *name, int fd);
void sp_systemd_forget(const char *name);

/* Whether there is a service manager that keeps them. */
bool sp_systemd_keeps(void);

/* To be called in every round of the main loop: tells the watchdog, if there is one, that there was
 * one. Returns when it is to be told again, in ms of CLOCK_MONOTONIC; UINT64_MAX: never. */
uint64_t sp_systemd_attend(void);

#endif
