# SPDX-License-Identifier: GPL-2.0-or-later
"""With every Sallyport process dead the kernel keeps the promise alone; a new daemon goes on from it."""

import os
import signal
import subprocess
import time

import pytest

from lab import (
    CLIENT_MAC, GATEWAY, INTERNET, PLAIN_PORTAL, PORTAL_PORT, SBIN, Sniffer, pids, processes,
    wait_until,
)

NEIGHBOUR = "02:85:00:00:00:03"
NEIGHBOUR_ADDRESS = {4: "10.85.0.3", 6: "fd85::3"}


@pytest.fixture(scope="module")
def neighbour(hosts):
    """A second client host."""
    hosts.tool("client", hosts.name, "1")


@pytest.fixture(scope="module", params=["native", "generic", "tc"])
def gate(request, hosts, neighbour, tmp_path_factory):
    path = tmp_path_factory.mktemp("gate") / "sallyport.conf"
    path.write_text(PLAIN_PORTAL + f"[gateway]\nclient = lan0\nattach = {request.param}\n")
    hosts.gate(path)
    hosts.file = path
    hosts.fix_neighbours()
    yield hosts
    hosts.ctl("down", check=True)


def kill_all(lab):
    """Daemon and children at one blow: nobody has the time to clean up."""
    everybody = pids(lab, "sallyport")
    assert len(everybody) >= 3
    for pid in everybody:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not processes(lab), 5, "the end of all")


def start(lab):
    """A daemon of its own process group, and the seconds until a captive client has its answer."""
    begin = time.monotonic()
    daemon = subprocess.Popen(
        ["nsenter", f"--net=/run/netns/{lab.host('gw')}", "--", SBIN / "sallyportd", "-I", lab.name],
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: lab.status(4, role="client1", seconds=1) == 511, 10, "the responder")
    return daemon, time.monotonic() - begin


@pytest.fixture
def dead(gate):
    """The first client authorized, the second captive, nobody of ours alive."""
    gate.forget(NEIGHBOUR)
    gate.allow("--note", "stays")
    gate.ctl("client", "block", "02:85:00:00:00:99", check=True)
    if not gate.daemon_pid():
        gate.gate(gate.file)
    assert gate.status(4, role="client1") == 511
    kill_all(gate)
    yield gate
    gate.forget()
    gate.forget(NEIGHBOUR)


def test_captive_stays_captive(dead, family):
    """Refused, or without an answer; nothing of it is seen on the network."""
    with Sniffer(dead.host("net"), "net0") as network:
        assert dead.curl(INTERNET[family], role="client1", seconds=1) is None
        assert dead.curl(GATEWAY[family], port=PORTAL_PORT, role="client1", seconds=1) is None
        https = f"https://{INTERNET[4]}/" if family == 4 else f"https://[{INTERNET[6]}]/"
        assert dead.run("client1", "curl", "-sk", "-m", "1", https, check=False).returncode in (7, 28)
        assert not dead.ping(INTERNET[family], "client1", 1)
    assert network.with_address(NEIGHBOUR_ADDRESS[family]) == []


def test_authorized_goes_on_and_is_counted(dead, family):
    assert dead.status(family) == 200
    before = dead.client()
    for _ in range(10):
        assert dead.udp_echo(family, bytes(100)) == bytes(100)
    after = dead.client()
    for direction in ("up", "down"):
        assert after[f"{direction}_packets"] - before[f"{direction}_packets"] == 10
        header = {4: 28, 6: 48}[family]
        assert after[f"{direction}_bytes"] - before[f"{direction}_bytes"] == 10 * (100 + header)


def test_clients_are_managed(dead, family):
    """Allowed, removed and listed by the command line alone."""
    before = {entry["mac"] for entry in dead.json("client", "list")}
    assert before == {CLIENT_MAC, "02:85:00:00:00:99"}
    dead.allow(mac=NEIGHBOUR)
    assert dead.status(family, role="client1") == 200
    assert {entry["mac"] for entry in dead.json("client", "list")} == before | {NEIGHBOUR}
    dead.forget(NEIGHBOUR)
    with Sniffer(dead.host("net"), "net0") as network:
        assert dead.curl(INTERNET[family], role="client1", seconds=1) is None
    assert network.with_address(NEIGHBOUR_ADDRESS[family]) == []
    assert {entry["mac"] for entry in dead.json("client", "list")} == before
    assert dead.reasons()["authorized"] > 0
    assert "not running" in dead.ctl("status", check=True).stdout


def test_session_ends_by_itself(dead):
    """In both families at one moment; then there is nothing, not the Internet."""
    asked = time.monotonic()
    dead.allow("--for", "3s", mac=NEIGHBOUR)
    begin = time.monotonic()
    last = {4: begin, 6: begin}
    while time.monotonic() < begin + 3.8:
        for family in (4, 6):
            now = time.monotonic()
            if dead.udp_echo(family, seconds=0.2, role="client1"):
                last[family] = now
        time.sleep(0.02)
    # What was answered had been sent while the session was there, however late the answer was read.
    assert all(asked + 1 < sent < begin + 3.1 for sent in last.values())
    assert dead.curl(INTERNET[4], role="client1", seconds=0.5) is None


def test_new_daemon_goes_on(dead, family):
    """At once, with an open connection going on, and with all that was there."""
    with dead.socket("client", family) as connection:
        connection.settimeout(30)
        connection.connect((INTERNET[family], 7))
        before = dead.client()
        daemon, seconds = start(dead)
        try:
            connection.sendall(b"still here")
            assert connection.recv(100) == b"still here"
            after = dead.client()
            assert seconds < 10
            assert (after["note"], after["since"]) == ("stays", before["since"])
            assert after["up_packets"] > before["up_packets"]
            assert dead.client("02:85:00:00:00:99")["state"] == "blocked"
            assert dead.curl(GATEWAY[family], port=PORTAL_PORT, role="client1").status == 200
        finally:
            daemon.terminate()
            daemon.wait()
