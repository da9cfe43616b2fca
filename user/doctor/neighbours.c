/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's neighbour tables (ARP, ND). They are smaller than a full gateway needs, of the whole
 * machine and not of a network namespace, and a client whose neighbour entry finds no room is not
 * reached: to its user that looks like a gate that is shut. Only the machine's first network
 * namespace shows their size; in others nothing is said.
 */
#include <inttypes.h>

#include "doctor/doctor.h"
#include "doctor/sysctl.h"
#include "lib/slots.h"

/*
 * The kernel refuses an entry beyond gc_thresh3, and from gc_thresh2 on throws away those that were
 * not used for 5 s (neigh_alloc in net/core/neighbour.c).
 */
#define HARD_LIMIT "net/%s/neigh/default/gc_thresh3"

/* A number of entries for @clients: twice as many, because an IPv6 client has several addresses and
 * captive clients have entries too; a power of two, from which the lower thresholds follow. */
static uint64_t room_for(uint64_t clients)
{
	uint64_t room = 1024;

	while (room < 2 * clients)
		room *= 2;
	return room;
}

static void look_at_table(struct sp_doctor *doctor, uint64_t clients, const char *family,
                          const char *name)
{
	int limit = sp_sysctl_read(HARD_LIMIT, name);
	uint64_t wanted = room_for(clients);
	struct sp_finding *finding;

	if (limit < 0)
		return;
	if ((uint64_t)limit > clients) {
		sp_report_add(doctor->report, SP_LEVEL_OK, "neighbours", family,
		              "the kernel remembers up to %d neighbours", limit);
		return;
	}
	finding = sp_report_add(doctor->report, SP_LEVEL_WARNING, "neighbours", family,
	                        "the kernel remembers %d neighbours at most, and %" PRIu64
	                        " clients are known",
	                        limit, clients);
	sp_finding_why(finding, "a client for whose address there is no room is not reached, with "
	                        "a session or without; the kernel says `neighbor table overflow`");
	sp_finding_command(finding,
	                   "sysctl -w net.%s.neigh.default.gc_thresh3=%" PRIu64
	                   " net.%s.neigh.default.gc_thresh2=%" PRIu64
	                   " net.%s.neigh.default.gc_thresh1=%" PRIu64,
	                   name, wanted, name, wanted / 2, name, wanted / 4);
}

void sp_doctor_neighbours(struct sp_doctor *doctor)
{
	uint64_t clients;

	if (!doctor->loaded)
		return;
	clients = sp_slots_used(&doctor->maps);
	look_at_table(doctor, clients, "IPv4", "ipv4");
	look_at_table(doctor, clients, "IPv6", "ipv6");
}
