/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "portal/server.h"

int main(void)
{
	return sp_portal_run();
}
