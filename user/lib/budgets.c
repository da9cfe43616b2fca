/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/budgets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/text.h"

/*
 * A phone that joins sends some 20 packets of ARP, DHCP and neighbour discovery, asks a few dozen
 * names and opens as many connections to port 443 and port 80 at once; then it repeats the ones
 * that were refused. The bursts are several times that, the rates what is left when it waits at the
 * login page.
 */
const struct sp_allowance sp_allowance_client[SP_BUDGETS] = {
	[SP_BUDGET_NEIGHBOUR] = {50, 200},     [SP_BUDGET_DNS] = {30, 200},
	[SP_BUDGET_DNS_BYTES] = {4000, 40000}, [SP_BUDGET_HTTP] = {10, 100},
	[SP_BUDGET_PORTAL] = {20, 100},        [SP_BUDGET_ECHO] = {5, 20},
	[SP_BUDGET_GARDEN] = {5000, 10000},    [SP_BUDGET_REFUSAL] = {50, 200},
};

/* Some hundred clients that all use up theirs; a few thousand that join at once. */
const struct sp_allowance sp_allowance_all[SP_BUDGETS] = {
	[SP_BUDGET_NEIGHBOUR] = {5000, 20000},
	[SP_BUDGET_DNS] = {5000, 20000},
	[SP_BUDGET_DNS_BYTES] = {500000, 2000000},
	[SP_BUDGET_HTTP] = {1000, 5000},
	[SP_BUDGET_PORTAL] = {1000, 5000},
	[SP_BUDGET_ECHO] = {500, 2000},
	[SP_BUDGET_GARDEN] = {0, 0},
	[SP_BUDGET_REFUSAL] = {5000, 20000},
	[SP_BUDGET_GUEST] = {500, 5000},
	[SP_BUDGET_EVENT] = {200, 2000},
};

int sp_allowance_read(const char *text, struct sp_allowance *allowance)
{
	char rate[32], burst[32], more;

	if (!strcmp(text, "none")) {
		*allowance = (struct sp_allowance){};
		return 0;
	}
	if (sscanf(text, "%31[^ \t,]%*[ \t,]%31[^ \t,] %c", rate, burst, &more) != 2)
		return -EINVAL;
	if (sp_text_size(rate, &allowance->rate) || sp_text_size(burst, &allowance->burst))
		return -EINVAL;
	if (allowance->rate > SP_ALLOWANCE_MOST || allowance->burst > SP_ALLOWANCE_MOST)
		return -EINVAL;
	return 0;
}

struct sp_budget sp_allowance_budget(enum sp_budget_kind kind, const struct sp_allowance *allowance,
                                     uint32_t hz)
{
	bool connections = kind == SP_BUDGET_HTTP || kind == SP_BUDGET_PORTAL;
	uint64_t units = connections ? SP_BUDGET_SEGMENT : 1;
	uint64_t second = (uint64_t)hz << SP_BUDGET_SHIFT;
	struct sp_budget budget = {};

	if (!allowance->rate)
		return budget;
	budget.cost = second / (allowance->rate * units);
	if (!budget.cost)
		budget.cost = 1;
	budget.depth = allowance->burst * units * budget.cost;
	return budget;
}
