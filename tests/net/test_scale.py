# SPDX-License-Identifier: GPL-2.0-or-later
"""A hundred thousand clients: listed in less than a second, and no slower to forward."""

import ctypes
import os
import platform
import resource
import struct
import subprocess

import pytest

from lab import CLIENT_MAC, SBIN, TOOL

COUNT = 100_000
SYSCALL_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
BPF_OBJ_GET, BPF_MAP_UPDATE_BATCH = 7, 26
AUTHORIZED = 1
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes)
    result = libc.syscall(SYSCALL_BPF, command, buffer, len(attributes))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command})")
    return result


def fill(pin):
    """COUNT authorized clients 0a:..., as struct sp_client_key and sp_client_policy lay them out."""
    keys = b"".join(b"\x0a\x00" + struct.pack(">I", n) + bytes(2) for n in range(COUNT))
    values = b"".join(
        struct.pack("=3IHBB10Q2IQ", AUTHORIZED, n + 1000, 1, *[0] * 16)
        for n in range(COUNT)
    )
    path = ctypes.create_string_buffer(pin.encode())
    handle = bpf(BPF_OBJ_GET, struct.pack("=QII", ctypes.addressof(path), 0, 0))
    try:
        key_buffer = ctypes.create_string_buffer(keys, len(keys))
        value_buffer = ctypes.create_string_buffer(values, len(values))
        bpf(
            BPF_MAP_UPDATE_BATCH,
            struct.pack(
                "=QQQQIIQQ", 0, 0, ctypes.addressof(key_buffer),
                ctypes.addressof(value_buffer), COUNT, handle, 0, 0,
            ),
        )
    finally:
        os.close(handle)


@pytest.fixture(scope="module")
def crowded(gated):
    fill(f"/sys/fs/bpf/{gated.name}/clients")
    return gated


def list_clients(lab, *options):
    """Number of lines and seconds of a processor: other work on the machine is not measured."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = lab.run("gw", str(SBIN / "sallyport"), "-I", lab.name, *options, "client", "list")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return result.stdout.count("\n"), seconds


@pytest.mark.parametrize("options", [[], ["-j"]], ids=["table", "json"])
def test_list_takes_less_than_a_second(crowded, options):
    runs = [list_clients(crowded, *options) for _ in range(3)]
    assert all(lines >= COUNT for lines, _ in runs)
    assert min(seconds for _, seconds in runs) < 1


def test_list_streams(crowded):
    """The first line comes before the last is made, and a reader that leaves is no error."""
    result = subprocess.run(
        f"set -o pipefail; {TOOL} ctl {crowded.name} -j client list | head -n 1",
        shell=True, executable="/bin/bash", capture_output=True, text=True, check=False,
    )
    assert result.stdout.count("\n") == 1
    assert result.stderr == ""


def test_gate_works_in_a_crowd(crowded):
    crowded.forget()
    assert crowded.status(4) == 511
    crowded.allow()
    assert crowded.status(4) == 200
    assert crowded.client(CLIENT_MAC)["up_packets"] > 0
