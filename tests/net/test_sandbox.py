# SPDX-License-Identifier: GPL-2.0-or-later
"""What the processes that read clients' bytes can do besides: nothing. In the running gate."""

import errno
import mmap
import os
import re
import signal
import socket
from pathlib import Path

import pytest

import inject
from lab import (
    CLIENT_MAC, CONFIGURATION, GATEWAY, PORTAL_PORT, SBIN, TOP, pids, wait_until,
)

# The beginning of a process's name, which the kernel cuts, and its files from 4 on (ipc/ipc.h).
CHILDREN = {
    "sallyport-respo": ["socket"] * 6,
    "sallyport-porta": ["bpf-map"],
    "sallyport-garde": ["bpf-map", "bpf-map"],
    "sallyport-verif": [],
    "sallyport-metri": ["socket"],
}
# What they count in.
TALLY = "/memfd:sallyport-tally (deleted)"
# What a program opens for itself, or is given as many of as there are addresses.
FURTHER = {
    "sallyport-respo": {"anon_inode:[eventpoll]"},
    "sallyport-porta": {"anon_inode:[eventpoll]", "anon_inode:[eventfd]", "socket"},
    "sallyport-garde": {"anon_inode:[eventpoll]"},
    "sallyport-verif": set(),
    "sallyport-metri": {"anon_inode:[eventpoll]"},
}


def status(pid):
    """The fields of /proc/PID/status."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return dict(re.findall(r"^(\w+):\t(.*)$", text, re.M))


def limits(pid):
    """Soft and hard limit by name, of /proc/PID/limits."""
    text = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    found = re.findall(r"^(Max .+?) {2,}(\S+) +(\S+)", text, re.M)
    return {name: (soft, hard) for name, soft, hard in found}


def files(pid):
    """What each descriptor is, without numbers of inodes."""
    folder = Path(f"/proc/{pid}/fd")
    return {
        int(entry.name): re.sub(r"socket:.*", "socket", os.readlink(entry)).replace(
            "anon_inode:bpf-map", "bpf-map")
        for entry in folder.iterdir()
    }


def log(lab):
    return Path(f"/run/sallyport-lab/{lab.name}/sallyportd.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CHILDREN)
def test_state_of_a_child(lab, name):
    found = pids(lab, name)
    assert found
    for pid in found:
        fields = status(pid)
        assert fields["Seccomp"] == "2"
        assert fields["NoNewPrivs"] == "1"
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(fields[capabilities], 16) == 0, capabilities
        assert fields["Groups"].strip() == ""
        assert fields["Threads"] == "1"
        assert os.listdir(f"/proc/{pid}/root") == []
        assert os.readlink(f"/proc/{pid}/cwd") == os.readlink(f"/proc/{pid}/root") != "/"
        most = limits(pid)
        for what in ("Max core file size", "Max processes", "Max locked memory"):
            assert most[what] == ("0", "0"), what
        assert int(most["Max data size"][1]) <= 2 << 30
        assert int(most["Max open files"][1]) < 10000


@pytest.mark.parametrize("name", CHILDREN)
def test_files_of_a_child(lab, name):
    expected = CHILDREN[name]
    for pid in pids(lab, name):
        found = files(pid)
        assert found[0] == found[1] == "/dev/null"
        assert found[2].startswith("pipe:")
        given = ["socket", TALLY, *expected]
        assert [found[number] for number in range(3, 3 + len(given))] == given
        rest = {what for number, what in found.items() if number >= 3 + len(given)}
        assert rest <= FURTHER[name], found


def test_each_has_its_own_user(lab):
    """Five users besides root; no two kinds of process share one."""
    users = {}
    for name in CHILDREN:
        for pid in pids(lab, name):
            fields = status(pid)
            ids = set(fields["Uid"].split()) | set(fields["Gid"].split())
            assert "0" not in ids
            users.setdefault(name, set()).update(fields["Uid"].split())
        assert len(users[name]) == 1
    assert len(set.union(*users.values())) == len(CHILDREN)
    assert status(lab.daemon_pid())["Uid"].split() == ["0"] * 4


# Linux's numbers (capabilities(7)): read for others, kill, setgid, setuid, setpcap, net admin, chroot.
KEPT = sum(1 << number for number in (2, 5, 6, 7, 8, 12, 18))


def test_keeper_has_dropped_what_it_does_not_need(lab):
    fields = status(lab.daemon_pid())
    assert fields["NoNewPrivs"] == "1"
    for capabilities in ("CapPrm", "CapEff", "CapBnd"):
        assert int(fields[capabilities], 16) == KEPT, capabilities
    for capabilities in ("CapInh", "CapAmb"):
        assert int(fields[capabilities], 16) == 0, capabilities


# From inside: each is the process's own call, made with its own instruction.
OFFENCES = {
    "open": ("openat", -100, 0, os.O_RDONLY),
    "socket": ("socket", socket.AF_INET, socket.SOCK_STREAM, 0),
    "execve": ("execve", 0, 0, 0),
    "ptrace": ("ptrace", 0, 0, 0, 0),
    "bpf": ("bpf", 0, 0, 0),
}


TRACEABLE = pytest.mark.skipif(not inject.MACHINE, reason="no registers of this architecture known")


def commit(pid, offence):
    with inject.Traced(pid) as process:
        # What is allowed shows that the next one is not the end because of how it is made.
        assert process.call("getpid") == pid
        return process.call(*OFFENCES[offence])


@TRACEABLE
@pytest.mark.parametrize("name", CHILDREN)
def test_memory_is_limited(lab, name):
    """What is too much is refused, and not the end."""
    much = 2 << 30
    arguments = (0, much, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    pid = pids(lab, name)[0]
    with inject.Traced(pid) as process:
        assert process.call("mmap", *arguments, -1, 0) == -errno.ENOMEM
    assert status(pid)["State"][0] in "SR"


@TRACEABLE
@pytest.mark.parametrize("offence", OFFENCES)
def test_offence_is_the_end(lab, offence):
    """It is the end of that process, which is started again; the client's session goes on."""
    lab.offends = True
    lab.allow("--note", "untouched")
    before = {name: pids(lab, name) for name in CHILDREN}
    told = log(lab).count("was killed for a forbidden system call")
    for name in CHILDREN:
        assert commit(before[name][0], offence) == signal.SIGSYS, name
    wait_until(lambda: log(lab).count("was killed for a forbidden system call")
               == told + len(CHILDREN), 10, "the keeper to say so")

    def all_back():
        now = {name: pids(lab, name) for name in CHILDREN}
        return all(len(now[name]) == len(before[name]) and before[name][0] not in now[name]
                   and all(status(pid)["Seccomp"] == "2" for pid in now[name])
                   for name in CHILDREN)

    wait_until(all_back, 30, "the children to be there again")
    assert lab.client()["note"] == "untouched"
    assert lab.status(4) == lab.status(6) == 200
    lab.ctl("client", "remove", CLIENT_MAC, check=True)
    assert lab.status(4) == lab.status(6) == 511
    assert lab.curl(GATEWAY[4], port=PORTAL_PORT).status == 200


def test_keeper_reads_what_belongs_to_others(lab, tmp_path):
    """Pages of an account that lets nobody else look, at the start and after SIGHUP."""
    pages = tmp_path / "pages"
    pages.mkdir()
    texts = pages / "en.conf"
    text = (TOP / "user/portal/pages/en.conf").read_text(encoding="utf-8")
    key, value = re.search(r"^(\w+) *= *(.+)$", text, re.M).groups()
    texts.write_text(f"{key} = {value}\n", encoding="utf-8")
    for path, mode in ((texts, 0o600), (pages, 0o700)):
        os.chown(path, 65534, 65534)
        path.chmod(mode)
    configuration = tmp_path / "sallyport.conf"
    configuration.write_text(CONFIGURATION.read_text(encoding="utf-8") + f"pages = {pages}\n",
                             encoding="utf-8")
    os.kill(lab.daemon_pid(), signal.SIGTERM)
    wait_until(lambda: not pids(lab, "sallyport"), 10, "the daemon to end")
    lab.gate(configuration)
    try:
        before = log(lab)
        readers = len(pids(lab, "sallyport-respo")) + 1
        texts.write_text(f"# changed\n{key} = {value}\n", encoding="utf-8")
        os.kill(lab.daemon_pid(), signal.SIGHUP)
        wait_until(lambda: log(lab)[len(before):].count("the pages are read again") == readers, 10,
                   "responders and portal to begin again")
        assert "error" not in log(lab)[len(before):]
        assert lab.status(4) == 511
    finally:
        os.kill(lab.daemon_pid(), signal.SIGTERM)
        wait_until(lambda: not pids(lab, "sallyport"), 10, "the daemon to end")
        lab.gate()


def test_unit_file_leaves_what_the_daemon_needs(lab):
    """The daemon serves with no more than its unit lets it have."""
    unit = (TOP / "user/systemd/sallyport@.service").read_text(encoding="utf-8")
    names = " ".join(re.findall(r"^CapabilityBoundingSet=(.*)$", unit, re.M)).lower().split()
    bounds = ",".join(["-all", *(name.replace("cap_", "+") for name in names)])
    os.kill(lab.daemon_pid(), signal.SIGTERM)
    wait_until(lambda: not pids(lab, "sallyport"), 10, "the daemon to end")
    begun = len(log(lab))
    with open(f"/run/sallyport-lab/{lab.name}/sallyportd.log", "ab") as output:
        daemon = lab.popen("gw", "setpriv", f"--bounding-set={bounds}", str(SBIN / "sallyportd"),
                           "-I", lab.name, stdout=output, stderr=output)
    try:
        wait_until(lambda: "serving instance" in log(lab)[begun:], 15, "the daemon to serve")
        assert "error" not in log(lab)[begun:]
        assert "warning" not in log(lab)[begun:]
        assert lab.status(4) == lab.status(6) == 511
        assert lab.curl(GATEWAY[4], port=PORTAL_PORT).status == 200
    finally:
        os.kill(lab.daemon_pid(), signal.SIGTERM)
        daemon.wait(10)
        lab.gate()
