/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ledger_fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct sp_fixture sp_fixture;

void sp_ok(int code)
{
	if (code)
		fail_msg("%d: %s", code, sp_fixture.err.text);
}

int sp_fixture_open(void **state)
{
	char folder[] = "/tmp/test_ledger.XXXXXX";

	(void)state;
	sp_fixture = (struct sp_fixture){.ledger = NULL};
	if (!mkdtemp(folder))
		return -1;
	memcpy(sp_fixture.instance.state, folder, sizeof(folder));
	return sp_ledger_open(&sp_fixture.ledger, &sp_fixture.instance, &sp_fixture.err);
}

int sp_fixture_close(void **state)
{
	DIR *folder = opendir(sp_fixture.instance.state);
	struct dirent *entry;

	(void)state;
	sp_ledger_close(sp_fixture.ledger);
	while (folder && (entry = readdir(folder)))
		if (entry->d_type == DT_REG)
			unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
	return rmdir(sp_fixture.instance.state);
}
