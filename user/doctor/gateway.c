/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The instance: what is loaded, the daemon, what room is left, the ledger. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "lib/bpffs.h"
#include "lib/ledger.h"
#include "lib/ledger_whole.h"
#include "lib/slots.h"
#include "lib/text.h"

/* Per cent of something that are in use when it is time to say so. */
#define NEARLY_FULL 90u

/* Bytes of disk below which the ledger is at risk: some hundred thousand sessions. */
#define LITTLE_DISK (64ull << 20)

static void look_at_others(struct sp_doctor *doctor)
{
	DIR *folder = opendir(SP_BPFFS);
	const struct dirent *entry;
	char names[256] = "", path[sizeof(SP_BPFFS) + sizeof(entry->d_name) + 16];

	while (folder && (entry = readdir(folder))) {
		size_t used = strlen(names);

		snprintf(path, sizeof(path), SP_BPFFS "/%s/settings", entry->d_name);
		if (entry->d_name[0] == '.' || !strcmp(entry->d_name, doctor->instance->name) ||
		    access(path, F_OK))
			continue;
		snprintf(names + used, sizeof(names) - used, "%s%.31s", used ? " " : "",
		         entry->d_name);
	}
	if (folder)
		closedir(folder);
	if (names[0])
		sp_report_add(doctor->report, SP_LEVEL_OK, "instances", "",
		              "others are loaded on this machine: %s", names);
}

static void say_not_loaded(struct sp_doctor *doctor)
{
	const struct sp_error *err = &doctor->not_loaded;
	struct sp_finding *finding;

	if (err->exit_code != SP_EXIT_NOT_LOADED) {
		sp_report_add(doctor->report, SP_LEVEL_ERROR, "loaded", doctor->instance->name,
		              "%s", err->text);
		return;
	}
	finding = sp_report_add(doctor->report, SP_LEVEL_NOTE, "loaded", doctor->instance->name,
	                        "the datapath is not loaded");
	sp_finding_why(finding, "until it is, every client gets through");
	sp_finding_command(finding, "sallyport -I %s up%s%s", doctor->instance->name,
	                   doctor->config ? " -c " : "",
	                   doctor->config ? doctor->config->path : "");
}

void sp_doctor_gateway(struct sp_doctor *doctor)
{
	struct sp_finding *finding;

	doctor->report->group = "Gateway";
	look_at_others(doctor);
	if (!doctor->loaded) {
		say_not_loaded(doctor);
		return;
	}
	if (!doctor->status.bypass) {
		sp_report_add(doctor->report, SP_LEVEL_OK, "loaded", doctor->instance->name,
		              "the datapath is loaded");
		return;
	}
	finding = sp_report_add(doctor->report, SP_LEVEL_WARNING, "bypass", "",
	                        "the gate is open: every client gets through");
	sp_finding_why(finding, "`sallyport bypass on` was for an emergency");
	sp_finding_command(finding, "sallyport -I %s bypass off", doctor->instance->name);
}

/* --- the daemon --- */

/* Whether process @pid (its folder of /proc) is named @name and has the parent @parent: proc(5),
 * "pid (name) state parent ..."; none of our names has a parenthesis. */
static bool is_child(const char *pid, int parent, const char *name)
{
	char path[32], line[256] = "", wanted[64];
	const char *at;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.10s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	snprintf(wanted, sizeof(wanted), " (%s) ", name);
	at = strstr(line, wanted);
	if (!at || strlen(at) < strlen(wanted) + 2)
		return false;
	return strtol(at + strlen(wanted) + 2, NULL, 10) == parent;
}

/* How many processes named @name have the parent @parent. */
static unsigned count_children(int parent, const char *name)
{
	DIR *folder = opendir("/proc");
	const struct dirent *entry;
	unsigned count = 0;

	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			count += is_child(entry->d_name, parent, name);
	if (folder)
		closedir(folder);
	return count;
}

static void look_at_children(struct sp_doctor *doctor)
{
	unsigned responders = count_children(doctor->status.daemon, "sallyport-respo");
	unsigned portals = count_children(doctor->status.daemon, "sallyport-porta");
	struct sp_finding *finding;

	if (portals && responders && responders >= doctor->maps.loaded.workers) {
		sp_report_add(doctor->report, SP_LEVEL_OK, "daemon", "",
		              "process %d, %u responders", doctor->status.daemon, responders);
		return;
	}
	finding = sp_report_add(doctor->report, SP_LEVEL_ERROR, "daemon", "",
	                        "process %d runs, but %s", doctor->status.daemon,
	                        !portals ? "its portal does not" : "not all of its responders do");
	sp_finding_why(finding, "clients wait for a page; the daemon starts them again and logs "
	                        "why they end");
	sp_finding_command(finding, "journalctl -u sallyport@%s -n 50", doctor->instance->name);
}

void sp_doctor_daemon(struct sp_doctor *doctor)
{
	struct sp_finding *finding;

	if (!doctor->loaded)
		return;
	if (doctor->status.daemon) {
		look_at_children(doctor);
		return;
	}
	finding = sp_report_add(doctor->report, SP_LEVEL_ERROR, "daemon", "",
	                        "sallyportd does not run");
	sp_finding_why(finding, "captive clients get no page and cannot log in; sessions go on");
	sp_finding_command(finding, "systemctl start sallyport@%s", doctor->instance->name);
}

/* --- room --- */

/* @what: "clients"; @mend: what gives more room. */
static void look_at_fill(struct sp_doctor *doctor, const char *map, uint64_t used, uint64_t room,
                         const char *mend)
{
	bool full = used * 100 >= room * NEARLY_FULL;
	struct sp_finding *finding = sp_report_add(
		doctor->report,
		used >= room ? SP_LEVEL_ERROR
		: full       ? SP_LEVEL_WARNING
			     : SP_LEVEL_OK,
		"room", map, "%" PRIu64 " of %" PRIu64 " entries are used", used, room);

	if (full)
		sp_finding_why(finding, "%s", mend);
}

/* What the datapath could not tell, because there was too much of it or nobody who read it. */
static void look_at_events(struct sp_doctor *doctor)
{
	struct sp_finding *finding;
	struct sp_total total;
	uint64_t lost = 0;

	for (uint32_t kind = 1; SP_TOTAL_OF_EVENT(kind) < SP_TOTALS; kind++) {
		uint32_t key = SP_TOTAL_OF_EVENT(kind);

		if (!bpf_map_lookup_elem(doctor->maps.budgets, &key, &total))
			lost += total.refused;
	}
	finding = sp_report_add(doctor->report, lost ? SP_LEVEL_NOTE : SP_LEVEL_OK, "events", "",
	                        "%" PRIu64 " events were lost since `up`", lost);
	if (lost)
		sp_finding_why(finding, "there were more of a kind than the budget `event` allows, "
		                        "or than were read: floods, or no daemon; nothing but "
		                        "`events` and the log miss them");
}

void sp_doctor_room(struct sp_doctor *doctor)
{
	const struct sp_settings *settings = &doctor->maps.loaded;
	uint32_t prefixes;

	if (!doctor->loaded)
		return;
	prefixes = settings->garden4 > settings->garden6 ? settings->garden4 : settings->garden6;
	look_at_fill(doctor, "clients", sp_slots_used(&doctor->maps), doctor->maps.max_clients,
	             "who comes when it is full cannot log in: raise `max_clients` in [gateway], "
	             "run `sallyport down` and `sallyport up`");
	look_at_events(doctor);
	look_at_fill(doctor, "garden", prefixes, SP_GARDEN_PREFIXES,
	             "addresses of names that are learnt now stay closed: lower `addresses` in "
	             "[garden] or remove entries");
}

/* --- the ledger --- */

static void look_at_disk(struct sp_doctor *doctor)
{
	struct sp_finding *finding;
	struct statvfs disk;
	char size[SP_TEXT_QUANTITY];
	uint64_t left;

	if (statvfs(doctor->instance->state, &disk))
		return;
	left = (uint64_t)disk.f_bavail * disk.f_frsize;
	sp_text_put_size(size, left);
	if (disk.f_flag & ST_RDONLY)
		finding = sp_report_add(doctor->report, SP_LEVEL_ERROR, "disk",
		                        doctor->instance->state, "the file system is read-only");
	else if (left < LITTLE_DISK)
		finding = sp_report_add(doctor->report, SP_LEVEL_WARNING, "disk",
		                        doctor->instance->state, "%s are left", size);
	else
		finding = NULL;
	if (finding)
		sp_finding_why(finding, "nobody is let in who would not be remembered in the "
		                        "ledger; sessions go on");
	else
		sp_report_add(doctor->report, SP_LEVEL_OK, "disk", doctor->instance->state,
		              "%s are free", size);
}

void sp_doctor_ledger(struct sp_doctor *doctor)
{
	struct sp_finding *finding;
	struct sp_error err;

	if (!sp_ledger_exists(doctor->instance)) {
		if (doctor->loaded)
			sp_report_add(doctor->report, SP_LEVEL_NOTE, "ledger", "",
			              "there is none yet; the first login or session makes it");
		return;
	}
	look_at_disk(doctor);
	if (!sp_ledger_whole(doctor->instance, &err)) {
		sp_report_add(doctor->report, SP_LEVEL_OK, "ledger", "", "the ledger is whole");
		return;
	}
	finding = sp_report_add(doctor->report, SP_LEVEL_ERROR, "ledger", "", "%s", err.text);
	sp_finding_why(finding, "nobody can log in, sessions go on: put a copy back, or move it "
	                        "away and a new one is made");
	sp_finding_command(finding, "mv %s/ledger.db %s/ledger.damaged", doctor->instance->state,
	                   doctor->instance->state);
}
