# SPDX-License-Identifier: GPL-2.0-or-later
"""Limits and bindings of sessions as the hosts see them, first of all with every process of
Sallyport dead: what ends a session is the kernel."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from lab import CLIENT, CLIENT_MAC, INTERNET, Sniffer, in_namespace, processes, running, wait_until
from test_dhcp_dns import lease

HEADER = {4: 28, 6: 48}  # IP and UDP
PERIOD = 0.02


class Stream:
    """Datagrams to the Internet's echo, and what came back of them, until the `with` block ends."""

    def __init__(self, lab, family, size=100, period=PERIOD):
        self.socket = lab.socket("client", family, socket.SOCK_DGRAM)
        self.socket.connect((INTERNET[family], 7))
        self.socket.settimeout(0.2)
        self.data, self.period = bytes(size), period
        self.sent = self.received = 0
        self.last = 0.0  # monotonic time of the last echo
        self.over = threading.Event()
        self.threads = [threading.Thread(target=work) for work in (self.send, self.receive)]

    def send(self):
        while not self.over.wait(self.period):
            try:
                self.socket.send(self.data)
                self.sent += 1
            except OSError:
                pass  # refused by ICMP

    def receive(self):
        while True:
            try:
                self.socket.recv(65536)
                self.received += 1
                self.last = time.monotonic()
            except OSError:
                # What was on its way when the sender stopped has come too.
                if self.over.is_set():
                    return

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()
        self.socket.close()


@pytest.fixture(scope="module")
def orphan():
    """A lab whose gate has lost every process."""
    with running() as lab:
        lab.gate()
        daemon = lab.daemon_pid()
        children = [
            int(pid)
            for pid in subprocess.run(
                ["ps", "--ppid", str(daemon), "-o", "pid="], capture_output=True, text=True,
                check=True,
            ).stdout.split()
        ]
        for pid in (daemon, *children):
            with contextlib.suppress(ProcessLookupError):  # children go when the daemon is gone
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not processes(lab), 5, "end of the processes")
        # An answer to the gateway's question for a neighbour would be a sign of life.
        lab.fix_neighbours()
        yield lab


@pytest.fixture
def dead(orphan):
    orphan.forget()
    yield orphan
    assert processes(orphan) == []
    orphan.forget()


def still(stream, seconds=0.6):
    """Nothing comes back any more."""
    before = stream.received
    time.sleep(seconds)
    return stream.received == before


def test_expiry(dead, family):
    with Stream(dead, family) as stream:
        assert still(stream, 0.3)  # captive at first
        dead.allow("--for", "3s")
        start = time.monotonic()
        wait_until(lambda: stream.received > 20, 5, "the session")
        time.sleep(max(0, start + 3 - time.monotonic()))
        wait_until(lambda: still(stream), 5, "the end of the session")
        assert stream.last - start < 6
    assert dead.status(family, seconds=1) is None
    assert not dead.tcp_connects(INTERNET[family], 443)
    assert dead.client()["ended"] == "expired"


def test_idle(dead, family):
    dead.allow("--idle", "2s")
    with Stream(dead, family) as stream:  # a busy one never idles out
        time.sleep(3.5)
        assert not still(stream, 0.3)
    time.sleep(2.3)
    with Stream(dead, family) as stream:  # an absent one does
        assert still(stream)
    assert dead.client()["ended"] == "idle"


@pytest.mark.parametrize("option", ["--quota", "--quota-up", "--quota-down"])
def test_quota(dead, family, option):
    size = 500
    packet = size + HEADER[family]
    quota = 20 * packet - 1 if option != "--quota" else 40 * packet - 1
    dead.allow(option, str(quota))
    with Stream(dead, family, size) as stream:
        wait_until(lambda: "ended" in dead.client(), 5, "end of the quota")
        assert still(stream)
    client = dead.client()
    assert client["ended"] == "quota"
    used = {
        "--quota": client["up_bytes"] + client["down_bytes"],
        "--quota-up": client["up_bytes"],
        "--quota-down": client["down_bytes"],
    }[option]
    assert quota <= used < quota + packet  # the packet that crossed it was the last
    assert client["up_packets"] * packet == client["up_bytes"]
    assert client["down_packets"] in (stream.received, client["up_packets"])
    assert dead.status(family, seconds=1) is None


def test_with_the_daemon_it_is_511(lab, family):
    lab.allow("--for", "4s")
    start = time.monotonic()
    assert lab.status(family) == 200
    wait_until(lambda: lab.status(family, seconds=1) == 511, 5, "end of the session")
    assert time.monotonic() - start > 3.5


def test_a_quota_that_is_used_up_changes_nothing(lab):
    lab.allow("--quota-up", "10M")
    assert lab.udp_echo(4, bytes(1000)) == bytes(1000)
    before = lab.client()
    result = lab.ctl("client", "allow", CLIENT_MAC, "--quota", "1K", "--up", "1M")
    assert result.returncode == 1
    assert "quota of 1000" in result.stderr and "nothing was changed" in result.stderr
    after = lab.client()
    assert {key: after[key] for key in ("quota", "quota_up", "rate_up", "state")} == {
        key: before[key] for key in ("quota", "quota_up", "rate_up", "state")
    }
    assert lab.udp_echo(4) is not None


def test_limits_change_while_it_goes_on(lab, family):
    """No packet is lost to a change that allows it, and every one is counted."""
    lab.fix_neighbours()
    lab.allow()
    mac = bytes.fromhex(CLIENT_MAC.replace(":", ""))
    with Sniffer(lab.host("client"), "client0") as wire, \
            Stream(lab, family, period=0.002) as stream:
        for limits in (["--for", "1h"], ["--quota", "1G"], ["--bind", "auto"], ["--up", "1G"], []):
            lab.allow(*limits)
            time.sleep(0.2)
        stream.over.set()
        time.sleep(0.3)
    client = lab.client()
    up = [len(frame) - 14 for frame in wire.frames if frame[6:12] == mac]
    down = [len(frame) - 14 for frame in wire.frames if frame[:6] == mac]
    assert stream.received == stream.sent > 100
    assert (client["up_packets"], client["up_bytes"]) == (len(up), sum(up))
    assert (client["down_packets"], client["down_bytes"]) == (len(down), sum(down))


def echo_from(lab, address):
    """Whether the echo answers this address of the client."""

    def make():
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.bind((address, 0))
        return sender

    with in_namespace(lab.host("client"), make) as sender:
        sender.settimeout(2)
        sender.sendto(b"who", (INTERNET[4], 7))
        try:
            return sender.recv(100) == b"who"
        except OSError:
            return False


@pytest.fixture
def second_address(lab):
    lab.run("client", "ip", "address", "add", "10.85.0.77/24", "dev", "client0")
    yield "10.85.0.77"
    lab.run("client", "ip", "address", "del", "10.85.0.77/24", "dev", "client0")


def test_binding_to_the_first_address(lab, second_address):
    lab.allow("--bind", "auto")
    assert lab.client()["bind"] == "auto"
    assert echo_from(lab, CLIENT[4])
    assert lab.client()["bound"] == CLIENT[4]
    assert not echo_from(lab, second_address)
    assert lab.reasons()["binding"] >= 1
    assert echo_from(lab, CLIENT[4])
    assert lab.udp_echo(6) is not None


def test_binding_to_an_address(lab, second_address):
    lab.allow("--bind", second_address)
    assert lab.client()["bound"] == second_address
    assert not echo_from(lab, CLIENT[4])
    assert echo_from(lab, second_address)
    assert "Bound to" in lab.ctl("client", "show", CLIENT_MAC).stdout
    lab.allow()
    assert echo_from(lab, CLIENT[4])


def test_binding_follows_dhcp(lab, tmp_path):
    """The gateway's own DHCP server gives the client another address."""
    lab.allow("--bind", "auto")
    assert echo_from(lab, CLIENT[4])
    given = re.search(r"fixed-address (\S+);", lease(lab, tmp_path, "-4"))[1]
    assert given != CLIENT[4]
    assert lab.client()["bound"] == given
    assert not echo_from(lab, CLIENT[4])
