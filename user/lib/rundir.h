/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /run/INSTANCE: what is known about a running instance besides its pins.
 *   config           symbolic link to the configuration file of the last `up`
 *   dataplane        record.h
 *   sallyportd.pid   written and locked by the keeper
 *   certificate      what the portal shows to browsers, PEM, without its key
 *   metrics          socket of the keeper, for `sallyport metrics`
 *   metrics.sock     where metrics are served over HTTP, if the configuration says so
 *   events           socket of the keeper, for `sallyport events`
 *   applied          the configuration file as it was when it was applied last
 *   reloaded         the keeper's answer to who had it read the configuration again
 */
#ifndef SP_LIB_RUNDIR_H
#define SP_LIB_RUNDIR_H

#include <stddef.h>

#include "lib/error.h"
#include "lib/instance.h"

/* Make the directory. */
int sp_run_make(const struct sp_instance *instance, struct sp_error *err);

/* -EEXIST when /run/INSTANCE holds something that Sallyport does not make. */
int sp_run_check(const struct sp_instance *instance, struct sp_error *err);

/* Remove our files in /run/INSTANCE, and the directory if nothing else is in it. */
int sp_run_remove(const struct sp_instance *instance, struct sp_error *err);

/* Point /run/INSTANCE/config at the absolute @path; "" removes it. */
int sp_run_set_config(const struct sp_instance *instance, const char *path, struct sp_error *err);

/* The file it points at, or "". */
void sp_run_config(const struct sp_instance *instance, char *path, size_t size);

#endif
