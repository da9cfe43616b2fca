/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process of ours can still do once it is confined, with the tables of the real programs:
 * each forbidden call is made in a process of its own, and is its end.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "garden/sandbox.h"
#include "ipc/ipc.h"
#include "metrics/sandbox.h"
#include "portal/sandbox.h"
#include "prober/sandbox.h"
#include "responder/sandbox.h"
#include "verifier/sandbox.h"

#define SOMEBODY 64813
#define SURVIVED 42 /* exit status of a process that its call did not end */
#define CONFINED 43 /* of one that could not even be confined */

static const struct program {
	const char *name;
	const struct sp_sandbox *sandbox;
} programs[] = {
	{"responder", &sp_responder_sandbox}, {"portal", &sp_portal_sandbox},
	{"garden", &sp_garden_sandbox},       {"verifier", &sp_verifier_sandbox},
	{"authority", &sp_authority_sandbox}, {"prober", &sp_prober_sandbox},
	{"metrics", &sp_metrics_sandbox},
};

#define PROGRAMS (sizeof(programs) / sizeof(*programs))

static char root[] = "/tmp/sp-test-XXXXXX";

static int make_root(void **state)
{
	(void)state;
	return mkdtemp(root) && !chmod(root, 0755) ? 0 : -1;
}

static int remove_root(void **state)
{
	(void)state;
	return rmdir(root);
}

static void confine(const struct sp_sandbox *sandbox)
{
	struct sp_error err;

	if (sp_ipc_confine(root, sizeof(root), SOMEBODY, SOMEBODY, sandbox, &err)) {
		fprintf(stderr, "%s\n", err.text);
		_exit(CONFINED);
	}
}

/* --- what is forbidden --- */

struct call {
	const char *name;
	long number;
	long argument[6];
};

#define CALL(name, ...)     \
#name, SYS_##name,  \
	{                   \
		__VA_ARGS__ \
	}

static const char path[] = "/etc/passwd";
static char *const nothing[] = {NULL};
static const struct sockaddr_in address = {.sin_family = AF_INET};

/* Of every program. */
static const struct call forbidden[] = {
	{CALL(openat, AT_FDCWD, (long)path, O_RDONLY)},
	{CALL(openat, AT_FDCWD, (long)path, O_WRONLY | O_CREAT, 0600)},
	{CALL(openat2, AT_FDCWD, (long)path, 0, 0)},
	{CALL(open_by_handle_at, AT_FDCWD, 0, 0)},
	{CALL(readlinkat, AT_FDCWD, (long)path, 0, 0)},
	{CALL(unlinkat, AT_FDCWD, (long)path, 0)},
	{CALL(mkdirat, AT_FDCWD, (long)path, 0755)},
	{CALL(mknodat, AT_FDCWD, (long)path, S_IFREG | 0600, 0)},
	{CALL(statx, AT_FDCWD, (long)path, 0, 0, 0)},
	{CALL(getdents64, 0, 0, 0)},
	{CALL(memfd_create, (long)path, 0)},
	{CALL(socket, AF_INET, SOCK_STREAM, 0)},
	{CALL(socket, AF_UNIX, SOCK_STREAM, 0)},
	{CALL(socket, AF_NETLINK, SOCK_RAW, 0)},
	{CALL(socket, AF_PACKET, SOCK_RAW, 0)},
	{CALL(socketpair, AF_UNIX, SOCK_STREAM, 0, 0)},
	{CALL(connect, 0, (long)&address, sizeof(address))},
	{CALL(bind, 0, (long)&address, sizeof(address))},
	{CALL(listen, 0, 1)},
	{CALL(setsockopt, 0, SOL_SOCKET, SO_MARK, 0, 0)},
	{CALL(setsockopt, 0, SOL_SOCKET, SO_ATTACH_FILTER, 0, 0)},
	{CALL(setsockopt, 0, IPPROTO_TCP, TCP_ULP, 0, 0)},
	{CALL(ioctl, 0, 0, 0)},
	{CALL(fcntl, 0, F_SETOWN, 0)},
	{CALL(dup, 0)},
	{CALL(execve, (long)path, (long)nothing, (long)nothing)},
	{CALL(execveat, AT_FDCWD, (long)path, (long)nothing, (long)nothing, 0)},
	{CALL(clone, SIGCHLD, 0, 0, 0, 0)},
	{CALL(clone3, 0, 0)},
	{CALL(ptrace, PTRACE_TRACEME, 0, 0, 0)},
	{CALL(process_vm_readv, 1, 0, 0, 0, 0, 0)},
	{CALL(process_vm_writev, 1, 0, 0, 0, 0, 0)},
	{CALL(pidfd_open, 1, 0)},
	{CALL(kill, 1, 0)},
	{CALL(kill, 0, 0)},
	{CALL(tgkill, 1, 1, 0)},
	{CALL(tkill, 1, 0)},
	{CALL(bpf, BPF_MAP_CREATE, 0, 0)},
	{CALL(bpf, BPF_MAP_UPDATE_ELEM, 0, 0)},
	{CALL(bpf, BPF_MAP_DELETE_ELEM, 0, 0)},
	{CALL(bpf, BPF_PROG_LOAD, 0, 0)},
	{CALL(bpf, BPF_OBJ_GET, 0, 0)},
	{CALL(bpf, BPF_OBJ_PIN, 0, 0)},
	{CALL(bpf, BPF_MAP_GET_FD_BY_ID, 0, 0)},
	{CALL(mount, (long)path, (long)path, 0, 0, 0)},
	{CALL(umount2, (long)path, 0)},
	{CALL(pivot_root, (long)path, (long)path)},
	{CALL(chroot, (long)path)},
	{CALL(chdir, (long)path)},
	{CALL(unshare, CLONE_NEWUSER)},
	{CALL(setns, 0, 0)},
	{CALL(setuid, 0)},
	{CALL(setresuid, 0, 0, 0)},
	{CALL(setresgid, 0, 0, 0)},
	{CALL(setgroups, 0, 0)},
	{CALL(capset, 0, 0)},
	{CALL(prctl, PR_SET_DUMPABLE, 1, 0, 0, 0)},
	{CALL(prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0)},
	{CALL(seccomp, 0, 0, 0)},
	{CALL(prlimit64, 0, RLIMIT_NOFILE, 0, 0)},
	{CALL(personality, 0)},
	{CALL(mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)},
	{CALL(mmap, 0, 4096, PROT_READ, MAP_PRIVATE, 0, 0)},
	{CALL(mprotect, 0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC)},
	{CALL(pkey_mprotect, 0, 4096, PROT_EXEC, -1)},
	{CALL(remap_file_pages, 0, 0, 0, 0, 0)},
	{CALL(shmget, 0, 4096, 0)},
	{CALL(futex, 0, FUTEX_CMP_REQUEUE_PI, 0, 0, 0, 0)},
	{CALL(madvise, 0, 4096, MADV_HWPOISON)},
	{CALL(sendto, 0, 0, 0, 0, (long)&address, sizeof(address))},
	{CALL(sendmmsg, 0, 0, 0, 0)},
	{CALL(recvmmsg, 0, 0, 0, 0, 0)},
	{CALL(io_uring_setup, 1, 0)},
	{CALL(userfaultfd, 0)},
	{CALL(perf_event_open, 0, 0, 0, 0, 0)},
	{CALL(add_key, 0, 0, 0, 0, 0)},
	{CALL(keyctl, 0, 0, 0, 0, 0)},
	{CALL(init_module, 0, 0, 0)},
	{CALL(clock_settime, 0, 0)},
	{CALL(sched_setaffinity, 0, 0, 0)},
#ifdef __x86_64__
	{CALL(open, (long)path, O_RDONLY)},
	{CALL(creat, (long)path, 0600)},
	{CALL(fork)},
	{CALL(vfork)},
	{CALL(arch_prctl, 0, 0)},
	{CALL(modify_ldt, 0, 0, 0)},
	{"getpid of x32", 0x40000000 | SYS_getpid, {0}},
#endif
};

/* Of those that have nothing to do with it. */
static const struct call of_responder[] = {
	{CALL(bpf, BPF_MAP_LOOKUP_ELEM, 0, 0)},
	{CALL(read, 0, 0, 0)},
	{CALL(write, 3, 0, 0)},
	{CALL(sendmsg, 0, 0, 0)},
	{CALL(recvmsg, 0, 0, 0)},
	{CALL(epoll_create1, 0)},
	{CALL(sendmmsg, SP_IPC_KEEPER_FD, 0, 0, 0)},
	{CALL(recvmmsg, SP_IPC_KEEPER_FD, 0, 0, 0, 0)},
	{CALL(sendmmsg, SP_IPC_FIRST_FD + 2, 0, 0, 0)},
	{CALL(sendmmsg, SP_IPC_FIRST_FD + 6, 0, 0, 0)},
	{CALL(recvmmsg, SP_IPC_FIRST_FD + SP_IPC_RESPONDER_FILES(SP_ZONES) + 1, 0, 0, 0)},
	{CALL(sendmmsg, -1, 0, 0, 0)},
};
static const struct call of_verifier[] = {
	{CALL(bpf, BPF_MAP_LOOKUP_ELEM, 0, 0)},
};
static const struct call of_authority[] = {
	{CALL(connect, SP_IPC_FIRST_FD, (long)&address, sizeof(address))},
	{CALL(recvmsg, SP_IPC_KEEPER_FD, 0, 0)},
	{CALL(sendmsg, SP_IPC_KEEPER_FD, 0, 0)},
};
static const struct call of_metrics[] = {
	{CALL(bpf, BPF_MAP_LOOKUP_ELEM, 0, 0)},
	{CALL(read, 0, 0, 0)},
	{CALL(write, 3, 0, 0)},
	{CALL(recvmsg, 0, 0, 0)},
	{CALL(setsockopt, 0, SOL_SOCKET, SO_LINGER, 0, 0)},
	{CALL(epoll_create1, 0)},
};
/* But for the sockets that they were given. */
static const struct call of_these[] = {
	{CALL(accept4, 0, 0, 0, 0)}, {CALL(read, 0, 0, 0)},
	{CALL(write, 3, 0, 0)},      {CALL(setsockopt, 0, SOL_SOCKET, SO_LINGER, 0, 0)},
	{CALL(sendmsg, 0, 0, 0)},    {CALL(recvmsg, 0, 0, 0)},
	{CALL(epoll_create1, 0)},
};

static int status_of(pid_t pid)
{
	int status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void try(const struct program *program, const struct call *call)
{
	const long *argument = call->argument;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		confine(program->sandbox);
		syscall(call->number, argument[0], argument[1], argument[2], argument[3],
		        argument[4], argument[5]);
		_exit(SURVIVED);
	}
	status = status_of(pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
		fail_msg("%s: %s(%ld, %ld, %ld, ...) was not its end: status %#x", program->name,
		         call->name, argument[0], argument[1], argument[2], (unsigned)status);
}

static void try_all(const struct program *program, const struct call *calls, size_t count)
{
	for (size_t i = 0; i < count; i++)
		try(program, &calls[i]);
}

#define TRY_ALL(program, calls) try_all(program, calls, sizeof(calls) / sizeof(*(calls)))

static void test_responder(void **state)
{
	(void)state;
	TRY_ALL(&programs[0], forbidden);
	TRY_ALL(&programs[0], of_responder);
}

/* At the sockets that it has requests by, of however many zones: where there is none, no harm. */
static void test_letters(void **state)
{
	const int first = SP_IPC_FIRST_FD, end = first + (int)SP_IPC_RESPONDER_FILES(SP_ZONES);
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		confine(&sp_responder_sandbox);
		for (int fd = first; fd < end; fd++)
			if (!syscall(SYS_recvmmsg, fd, 0, 0, 0, 0))
				_exit(1);
		if (!syscall(SYS_sendmmsg, first, 0, 0, 0) ||
		    !syscall(SYS_sendmmsg, first + 1, 0, 0, 0))
			_exit(1);
		_exit(SURVIVED);
	}
	pid = status_of(pid);
	assert_true(WIFEXITED(pid));
	assert_int_equal(WEXITSTATUS(pid), SURVIVED);
}

static void test_portal(void **state)
{
	(void)state;
	TRY_ALL(&programs[1], forbidden);
}

static void test_garden(void **state)
{
	(void)state;
	TRY_ALL(&programs[2], forbidden);
	TRY_ALL(&programs[2], of_these);
}

static void test_verifier(void **state)
{
	(void)state;
	TRY_ALL(&programs[3], forbidden);
	TRY_ALL(&programs[3], of_these);
	TRY_ALL(&programs[3], of_verifier);
}

static void test_authority(void **state)
{
	(void)state;
	TRY_ALL(&programs[4], forbidden);
	TRY_ALL(&programs[4], of_these);
	TRY_ALL(&programs[4], of_verifier);
	TRY_ALL(&programs[4], of_authority);
}

static void test_metrics(void **state)
{
	(void)state;
	TRY_ALL(&programs[6], forbidden);
	TRY_ALL(&programs[6], of_metrics);
}

#ifdef __x86_64__
/* The numbers of 32-bit programs: 5 is open there. */
static void test_old_gate(void **state)
{
	(void)state;
	for (size_t i = 0; i < PROGRAMS; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			long result = 5;

			confine(programs[i].sandbox);
			__asm__ volatile("int $0x80" : "+a"(result) : "b"(0), "c"(0) : "memory");
			_exit(SURVIVED);
		}
		status = status_of(pid);
		/* SIGSEGV: a kernel without 32-bit programs. */
		assert_true(WIFSIGNALED(status));
		assert_true(WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV);
	}
}
#endif

/* --- what goes on working --- */

static int live(void)
{
	struct timespec now;
	unsigned char byte;
	char *memory = malloc(1 << 20), *more;
	time_t seconds = 86400;
	struct tm parts;

	if (!memory)
		return 1;
	memset(memory, 1, 1 << 20);
	more = realloc(memory, 4 << 20);
	if (!more)
		return 2;
	memset(more, 2, 4 << 20);
	free(more);
	if (clock_gettime(CLOCK_MONOTONIC, &now) || time(NULL) < 0 ||
	    syscall(SYS_getrandom, &byte, 1, 0) != 1)
		return 3;
	if (!gmtime_r(&seconds, &parts) || parts.tm_mday != 2)
		return 4;
	if (write(STDERR_FILENO, "", 0) != 0 || close(STDIN_FILENO))
		return 5;
	return 0;
}

static void test_life(void **state)
{
	(void)state;
	for (size_t i = 0; i < PROGRAMS; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			confine(programs[i].sandbox);
			_exit(live());
		}
		assert_int_equal(status_of(pid), 0);
	}
}

/* A failed assertion must be told from an offence. */
static void test_abort(void **state)
{
	(void)state;
	for (size_t i = 0; i < PROGRAMS; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			signal(SIGABRT, SIG_DFL);
			confine(programs[i].sandbox);
			abort();
		}
		status = status_of(pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGABRT);
	}
}

/* The line of /proc/PID/limits that begins with @name: soft and hard limit are both @most. */
static void assert_limit(pid_t pid, const char *name, unsigned long long most)
{
	char file[64], line[256];
	unsigned long long soft = ~most, hard = ~most;
	FILE *limits;

	snprintf(file, sizeof(file), "/proc/%d/limits", (int)pid);
	limits = fopen(file, "re");
	assert_non_null(limits);
	while (fgets(line, sizeof(line), limits))
		if (!strncmp(line, name, strlen(name)))
			sscanf(line + strlen(name), "%llu %llu", &soft, &hard);
	fclose(limits);
	assert_int_equal(soft, most);
	assert_int_equal(hard, most);
}

/* Confined, and waiting until @pair's other end is closed. */
static pid_t start_waiting(const struct sp_sandbox *sandbox, const int pair[2])
{
	pid_t pid = fork();
	char byte = 1;

	if (pid == 0) {
		close(pair[0]);
		confine(sandbox);
		send(pair[1], &byte, 1, 0);
		recv(pair[1], &byte, 1, 0);
		_exit(0);
	}
	return pid;
}

static void test_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < PROGRAMS; i++) {
		const struct sp_sandbox *sandbox = programs[i].sandbox;
		int pair[2];
		char byte;
		pid_t pid;

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		pid = start_waiting(sandbox, pair);
		close(pair[1]);
		assert_int_equal(recv(pair[0], &byte, 1, 0), 1);
		assert_limit(pid, "Max core file size", 0);
		assert_limit(pid, "Max processes", 0);
		assert_limit(pid, "Max locked memory", 0);
		assert_limit(pid, "Max open files", sandbox->files);
		close(pair[0]);
		assert_int_equal(status_of(pid), 0);
	}
}

/* A log that is a file must not end the process; with any other, no file can be written. */
static void test_log(void **state)
{
	char name[] = "/tmp/sp-test-XXXXXX";
	int log = mkstemp(name), null = open("/dev/null", O_WRONLY | O_CLOEXEC), status;
	pid_t pid;

	(void)state;
	assert_true(log >= 0 && null >= 0);
	unlink(name);
	pid = fork();
	if (pid == 0) {
		dup2(log, STDERR_FILENO);
		confine(&sp_responder_sandbox);
		_exit(write(STDERR_FILENO, "well", 4) == 4 ? 0 : SURVIVED);
	}
	assert_int_equal(status_of(pid), 0);
	pid = fork();
	if (pid == 0) {
		dup2(null, STDERR_FILENO);
		confine(&sp_portal_sandbox); /* it may write, to its eventfd */
		_exit(write(log, "ill", 3) == 3 ? SURVIVED : 0);
	}
	status = status_of(pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGXFSZ);
	close(null);
	close(log);
}

/* The tables say something on each architecture that the programs are built for. */
static void test_architectures(void **state)
{
	static const uint32_t tokens[] = {SCMP_ARCH_X86_64, SCMP_ARCH_AARCH64, SCMP_ARCH_RISCV64,
	                                  SCMP_ARCH_PPC64LE};

	(void)state;
	for (size_t i = 0; i < PROGRAMS; i++)
		for (size_t j = 0; j < sizeof(tokens) / sizeof(*tokens); j++) {
			scmp_filter_ctx filter;

			assert_int_equal(sp_sandbox_filter(programs[i].sandbox, tokens[j], &filter),
			                 0);
			seccomp_release(filter);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_responder),     cmocka_unit_test(test_letters),
		cmocka_unit_test(test_portal),        cmocka_unit_test(test_garden),
		cmocka_unit_test(test_verifier),      cmocka_unit_test(test_authority),
		cmocka_unit_test(test_metrics),
#ifdef __x86_64__
		cmocka_unit_test(test_old_gate),
#endif
		cmocka_unit_test(test_life),          cmocka_unit_test(test_abort),
		cmocka_unit_test(test_limits),        cmocka_unit_test(test_log),
		cmocka_unit_test(test_architectures),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
