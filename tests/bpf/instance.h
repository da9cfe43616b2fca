/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pins of an instance without its programs, for tests of what user space does with the maps. */
#ifndef SP_TEST_INSTANCE_H
#define SP_TEST_INSTANCE_H

#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>

#include <sallyport/abi.h>

#include "lib/instance.h"
#include "lib/maps.h"

/* Every map, with room for @entries clients, and the clock. */
void sp_test_pin_all(const struct sp_instance *instance, uint32_t entries);
void sp_test_unpin(const struct sp_instance *instance);

/* One map, or one pin's path (until the next call). */
void sp_test_pin_map(const struct sp_instance *instance, enum bpf_map_type type, const char *name,
                     size_t key_size, size_t value_size, uint32_t entries, uint32_t flags);
const char *sp_test_pin_path(const struct sp_instance *instance, const char *pin);

void sp_test_write_settings(const struct sp_instance *instance, const struct sp_settings *settings);

/*
 * An instance that remembers: all pins, and an empty folder below @where for its ledger ("/run",
 * where fsync costs nothing because there is no disk). Opens @maps. Both are cmocka's setup and
 * teardown, but that a failure fails the running test; the second closes and removes all.
 */
int sp_test_remember(struct sp_instance *instance, struct sp_maps *maps, const char *where,
                     uint32_t entries);
int sp_test_forget(const struct sp_instance *instance, struct sp_maps *maps);

/* Give @instance a random name and have @run run in a child, so that its pins go even when a
 * sanitizer ends it. Returns the exit code. */
int sp_test_run_apart(struct sp_instance *instance, int (*run)(void));

#endif
