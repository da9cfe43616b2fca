/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doctor/inject.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* r0 = XDP_PASS; exit */
static int load_pass(void)
{
	static const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "sallyport_probe", "GPL", pass, 2, NULL);
}

int sp_inject(int program, uint32_t ifindex, const struct sp_frame *frame)
{
	struct xdp_md context = {.data_end = (uint32_t)frame->length, .ingress_ifindex = ifindex};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->byte,
	            .data_size_in = (uint32_t)frame->length, .ctx_in = &context,
	            .ctx_size_in = sizeof(context), .repeat = 1,
	            .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int pass = program < 0 ? load_pass() : -1, code;

	if (program < 0 && pass < 0)
		return pass;
	code = bpf_prog_test_run_opts(program < 0 ? pass : program, &opts);
	if (pass >= 0)
		close(pass);
	return code;
}

/* Only frames whose first six bytes are @mac, so that nobody's traffic is read. */
static int filter(int fd, const uint8_t mac[6])
{
	uint32_t front, back;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX), BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	front = (uint32_t)mac[0] << 24 | (uint32_t)mac[1] << 16 | (uint32_t)mac[2] << 8 | mac[3];
	back = (uint32_t)mac[4] << 8 | mac[5];
	code[1].k = front;
	code[3].k = back;
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) ? -errno : 0;
}

int sp_overhear(uint32_t ifindex, const uint8_t mac[6])
{
	const struct sockaddr_ll place = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)ifindex,
	};
	/* Protocol 0: nothing comes before it is filtered. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), code;

	if (fd < 0)
		return -errno;
	code = filter(fd, mac);
	if (!code && bind(fd, (const struct sockaddr *)&place, sizeof(place)))
		code = -errno;
	if (!code)
		return fd;
	close(fd);
	return code;
}
