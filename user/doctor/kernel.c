/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel can do. Not asked by its version: the very programs that `up` loads are loaded,
 * with maps of one entry, and dropped again. Only when that fails it is tried piece by piece.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "doctor/doctor.h"
#include "doctor/sysctl.h"
#include "lib/bpffs.h"
#include "lib/objects.h"

#define OLDEST_MAJOR 6
#define OLDEST_MINOR 1

static void look_at_version(struct sp_report *report)
{
	struct utsname name;
	unsigned long major, minor = 0;
	struct sp_finding *finding;
	char *end;
	bool old;

	if (uname(&name))
		return;
	major = strtoul(name.release, &end, 10);
	if (*end == '.')
		minor = strtoul(end + 1, NULL, 10);
	old = major < OLDEST_MAJOR || (major == OLDEST_MAJOR && minor < OLDEST_MINOR);
	finding = sp_report_add(report, old ? SP_LEVEL_WARNING : SP_LEVEL_OK, "kernel", "",
	                        "Linux %s", name.release);
	if (old)
		sp_finding_why(finding,
		               "nothing older than Linux %u.%u is tested: programs may not load",
		               OLDEST_MAJOR, OLDEST_MINOR);
}

static void look_at_btf(struct sp_report *report)
{
	struct sp_finding *finding;

	if (!access("/sys/kernel/btf/vmlinux", R_OK)) {
		sp_report_add(report, SP_LEVEL_OK, "btf", "", "the kernel describes its types");
		return;
	}
	finding = sp_report_add(report, SP_LEVEL_ERROR, "btf", "",
	                        "/sys/kernel/btf/vmlinux is missing");
	sp_finding_why(finding, "the programs are fitted to the kernel by its BTF; use one built "
	                        "with CONFIG_DEBUG_INFO_BTF, as distributions' are");
}

struct feature {
	const char *words;
	int type;
};

/* The kernel lacks what is needed: say what. */
static void name_missing(char *text, size_t size)
{
	static const struct feature programs[] = {
		{"XDP programs", BPF_PROG_TYPE_XDP},
		{"TC programs (CONFIG_NET_CLS_BPF)", BPF_PROG_TYPE_SCHED_CLS},
		{"syscall programs", BPF_PROG_TYPE_SYSCALL},
	};
	static const struct feature maps[] = {
		{"LRU hash maps", BPF_MAP_TYPE_LRU_HASH},
		{"prefix maps (LPM_TRIE)", BPF_MAP_TYPE_LPM_TRIE},
		{"socket maps (CONFIG_BPF_STREAM_PARSER or CONFIG_NET_SOCK_MSG)",
	         BPF_MAP_TYPE_SOCKMAP},
		{"device maps", BPF_MAP_TYPE_DEVMAP_HASH},
		{"ring buffers", BPF_MAP_TYPE_RINGBUF},
	};

	for (unsigned i = 0; i < sizeof(programs) / sizeof(programs[0]) && !*text; i++)
		if (libbpf_probe_bpf_prog_type((enum bpf_prog_type)programs[i].type, NULL) == 0)
			snprintf(text, size, "it has no %s", programs[i].words);
	for (unsigned i = 0; i < sizeof(maps) / sizeof(maps[0]) && !*text; i++)
		if (libbpf_probe_bpf_map_type((enum bpf_map_type)maps[i].type, NULL) == 0)
			snprintf(text, size, "it has no %s", maps[i].words);
}

/* By what became of our own program: the switch is not to be seen in every network namespace. */
static void look_at_jit(struct sp_report *report, int program)
{
	char code[1];
	struct bpf_prog_info info = {.jited_prog_len = sizeof(code),
	                             .jited_prog_insns = (uintptr_t)code};
	uint32_t size = sizeof(info);
	struct sp_finding *finding;

	if (bpf_obj_get_info_by_fd(program, &info, &size))
		return;
	if (info.jited_prog_len) {
		sp_report_add(report, SP_LEVEL_OK, "jit", "", "programs are compiled");
		return;
	}
	finding = sp_report_add(report, SP_LEVEL_WARNING, "jit", "",
	                        "programs are interpreted (net.core.bpf_jit_enable is 0)");
	sp_finding_why(finding, "every packet costs about ten times as much as by compiled "
	                        "programs; after the switch run `sallyport up`");
	sp_finding_sysctl(finding, "net/core/bpf_jit_enable", "1");
}

static void look_at_programs(struct sp_doctor *doctor)
{
	static struct sp_config config;
	struct sp_objects objects;
	struct sp_finding *finding;
	char missing[128] = "";
	struct sp_error err;
	int code;

	sp_config_defaults(&config);
	config.max_clients = 1;
	code = sp_objects_load(&objects, doctor->instance, &config, false, &err);
	if (!code) {
		sp_report_add(doctor->report, SP_LEVEL_OK, "programs", "",
		              "the kernel takes the programs and maps");
		look_at_jit(doctor->report, sp_objects_programs(&objects).xdp);
	} else {
		finding = sp_report_add(doctor->report, SP_LEVEL_ERROR, "programs", "", "%s",
		                        err.text);
		name_missing(missing, sizeof(missing));
		sp_finding_why(finding, "without them there is no gate%s%s", missing[0] ? ": " : "",
		               missing);
	}
	sp_objects_free(&objects);
}

static void look_at_bpffs(struct sp_report *report)
{
	struct sp_finding *finding;
	struct sp_error err;

	if (sp_bpffs_mounted()) {
		sp_report_add(report, SP_LEVEL_OK, "bpffs", SP_BPFFS, "mounted");
	} else if (sp_bpffs_check(&err)) {
		sp_report_add(report, SP_LEVEL_ERROR, "bpffs", SP_BPFFS, "%s", err.text);
	} else {
		finding = sp_report_add(report, SP_LEVEL_NOTE, "bpffs", SP_BPFFS, "not mounted");
		sp_finding_why(finding, "sessions live there; `sallyport up` mounts it");
		sp_finding_command(finding, "mount -t bpf bpf " SP_BPFFS);
	}
}

static void look_at_strangers(struct sp_report *report)
{
	struct sp_finding *finding;

	if (sp_sysctl_read("kernel/unprivileged_bpf_disabled") != 0)
		return;
	finding = sp_report_add(report, SP_LEVEL_NOTE, "unprivileged_bpf", "",
	                        "any user may load BPF programs");
	sp_finding_why(finding, "Sallyport does not need it, and it has been a way to root and to "
	                        "what the kernel knows (Spectre)");
	sp_finding_sysctl(finding, "kernel/unprivileged_bpf_disabled", "2");
}

void sp_doctor_kernel(struct sp_doctor *doctor)
{
	doctor->report->group = "Kernel";
	look_at_version(doctor->report);
	look_at_btf(doctor->report);
	look_at_programs(doctor);
	look_at_bpffs(doctor->report);
	look_at_strangers(doctor->report);
}
