/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ledger in a folder of its own, for one test. */
#ifndef TESTS_UNIT_LEDGER_FIXTURE_H
#define TESTS_UNIT_LEDGER_FIXTURE_H

#include "lib/ledger.h"

struct sp_fixture {
	struct sp_instance instance; /* only `state` is set */
	struct sp_ledger *ledger;
	struct sp_error err;
};

extern struct sp_fixture sp_fixture;

int sp_fixture_open(void **state);
int sp_fixture_close(void **state);

/* @code must be 0, else the test fails with the sentence. */
void sp_ok(int code);

#endif
