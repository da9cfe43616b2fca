# SPDX-License-Identifier: GPL-2.0-or-later
"""System calls made by another process, as its own code would: the process is stopped in a call that
it waits in, given other registers, and goes back to its own system call instruction."""

import contextlib
import ctypes
import os
import platform
import signal
import time

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

# <linux/ptrace.h>
CONT, SINGLESTEP, GETREGSET, SETREGSET, SEIZE, INTERRUPT = 7, 9, 0x4204, 0x4205, 0x4206, 0x4207
DETACH = 17
NT_PRSTATUS = 1

# Places in the kernel's struct user_regs_struct and user_pt_regs, in words; the system call
# instruction, and the numbers of the calls (asm/unistd.h).
MACHINES = {
    "x86_64": {
        "registers": 27, "arguments": (14, 13, 12, 7, 9, 8), "call": 10, "result": 10, "next": 16,
        "restart": 15, "instruction": b"\x0f\x05",
        "numbers": {
            "mmap": 9, "getpid": 39, "socket": 41,
            "execve": 59, "ptrace": 101, "openat": 257, "bpf": 321,
        },
    },
    "aarch64": {
        "registers": 34, "arguments": (0, 1, 2, 3, 4, 5), "call": 8, "result": 0, "next": 32,
        "restart": None, "instruction": b"\x01\x00\x00\xd4",
        "numbers": {
            "mmap": 222, "getpid": 172, "socket": 198,
            "execve": 221, "ptrace": 117, "openat": 56, "bpf": 280,
        },
    },
}
MACHINE = MACHINES.get(platform.machine())


class Part(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def ptrace(request, pid, address=0, data=0):
    if libc.ptrace(request, pid, address, data) < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"ptrace {request:#x} of {pid}: {os.strerror(code)}")


def wait(pid):
    return os.waitpid(pid, 0x40000000)[1]  # __WALL


class Traced:
    """A process that is held while the `with` block runs."""

    def __init__(self, pid):
        self.pid = pid

    def __enter__(self):
        ptrace(SEIZE, self.pid)
        end = time.monotonic() + 10
        while True:
            ptrace(INTERRUPT, self.pid)
            assert os.WIFSTOPPED(wait(self.pid))
            if self.is_in_call():
                return self
            assert time.monotonic() < end, f"{self.pid} never waits"
            ptrace(CONT, self.pid)
            time.sleep(0.01)

    def is_in_call(self):
        """Whether it has just made a system call: then the instruction is behind it."""
        instruction = MACHINE["instruction"]
        with open(f"/proc/{self.pid}/mem", "rb") as memory:
            memory.seek(self.registers()[MACHINE["next"]] - len(instruction))
            return memory.read(len(instruction)) == instruction

    def __exit__(self, *_):
        with contextlib.suppress(OSError):  # it may be no more
            ptrace(DETACH, self.pid)

    def transfer(self, request, words, kind=NT_PRSTATUS):
        part = Part(ctypes.addressof(words), ctypes.sizeof(words))
        ptrace(request, self.pid, kind, ctypes.addressof(part))

    def registers(self):
        words = (ctypes.c_uint64 * MACHINE["registers"])()
        self.transfer(GETREGSET, words)
        return words

    def call(self, name, *arguments):
        """What the call returns, or the signal that ends the process with it."""
        before, words = self.registers(), self.registers()
        for place, value in zip(MACHINE["arguments"], arguments):
            words[place] = value & 0xFFFFFFFFFFFFFFFF
        words[MACHINE["call"]] = MACHINE["numbers"][name]
        words[MACHINE["next"]] -= len(MACHINE["instruction"])
        if MACHINE["restart"] is not None:
            # Or the kernel would first go back to the call that was interrupted.
            words[MACHINE["restart"]] = 0xFFFFFFFFFFFFFFFF
        self.transfer(SETREGSET, words)
        ptrace(SINGLESTEP, self.pid)
        status = wait(self.pid)
        if os.WIFSIGNALED(status):
            return signal.Signals(os.WTERMSIG(status))
        assert os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGTRAP, hex(status)
        result = ctypes.c_int64(self.registers()[MACHINE["result"]]).value
        self.transfer(SETREGSET, before)
        return result
