# SPDX-License-Identifier: GPL-2.0-or-later
"""Processes that die: the kernel keeps the promise alone, and a restart serves again."""

import os
import signal

import pytest

from lab import (
    CLIENT, CLIENT_MAC, GATEWAY, INTERNET, PORTAL_PORT, SBIN, Sniffer, pids, processes, wait_until,
)


def kill_daemon(lab, number=signal.SIGKILL):
    os.kill(lab.daemon_pid(), number)
    wait_until(lambda: not processes(lab), 5, "the daemon's children to end too")


@pytest.fixture
def orphaned(lab):
    """The gate without its daemon; it has one again afterwards."""
    kill_daemon(lab)
    yield lab
    lab.gate()


def test_captive_stays_captive_without_the_daemon(orphaned, family):
    with Sniffer(orphaned.host("net"), "net0") as network:
        assert orphaned.curl(INTERNET[family], seconds=1) is None
        assert orphaned.curl(GATEWAY[family], port=PORTAL_PORT, seconds=1) is None
        assert orphaned.udp_echo(family, seconds=0.2) is None
        assert not orphaned.tcp_connects(INTERNET[family], 443, 0.2)
    assert network.with_address(CLIENT[family]) == []


def test_authorized_is_forwarded_without_the_daemon(lab, family):
    lab.allow("--for", "5s")
    with lab.socket("client", family) as connection:
        connection.settimeout(30)
        connection.connect((INTERNET[family], 7))
        kill_daemon(lab)
        connection.sendall(b"still here")
        assert connection.recv(100) == b"still here"
        assert lab.status(family) == 200
        # And its end comes without the daemon too.
        wait_until(lambda: lab.client()["state"] == "captive", 10, "the end of the session")
        connection.sendall(b"gone")
        with pytest.raises(ConnectionResetError):
            connection.recv(100)
    assert lab.curl(INTERNET[family], seconds=1) is None
    lab.gate()
    assert lab.status(family) == 511


def test_command_line_works_without_the_daemon(orphaned):
    orphaned.allow()
    assert orphaned.status(4) == 200
    assert orphaned.client()["state"] == "authorized"
    assert not orphaned.daemon_pid()
    status = orphaned.ctl("status")
    assert status.returncode == 0
    orphaned.ctl("client", "remove", CLIENT_MAC, check=True)
    assert orphaned.curl(INTERNET[4], seconds=1) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["stop", "kill"])
def test_restart_keeps_sessions_and_counters(lab, number):
    lab.allow("--note", "survivor")
    assert lab.udp_echo(4) is not None
    before = lab.client()
    kill_daemon(lab, number)
    assert lab.udp_echo(4) is not None
    lab.gate()
    after = lab.client()
    assert (after["note"], after["since"]) == ("survivor", before["since"])
    assert after["up_packets"] > before["up_packets"]
    lab.forget()
    assert lab.status(4) == 511
    assert lab.status(6) == 511


def test_up_again_loses_no_packet(lab):
    """New programs take the place of the old ones under traffic; every frame is counted once."""
    lab.fix_neighbours()
    lab.allow()
    assert lab.udp_echo(4) is not None
    configuration = f"/run/sallyport-lab/{lab.name}/sallyport.conf"
    mac = bytes.fromhex(CLIENT_MAC.replace(":", ""))
    sent = 0
    before = lab.client()
    with Sniffer(lab.host("client"), "client0") as wire:
        renewal = lab.popen(
            "gw", str(SBIN / "sallyport"), "-I", lab.name, "up", "-c", configuration
        )
        while renewal.poll() is None or sent < 50:
            assert lab.udp_echo(4, str(sent).encode()) == str(sent).encode()
            sent += 1
        assert renewal.returncode == 0
    after = lab.client()
    up = sum(frame[6:12] == mac for frame in wire.frames)
    down = sum(frame[:6] == mac for frame in wire.frames)
    assert up >= sent and down >= sent
    # A router advertisement and what it sets off may come outside the sniffer's time.
    assert up <= after["up_packets"] - before["up_packets"] <= up + 12
    assert down <= after["down_packets"] - before["down_packets"] <= down + 12


@pytest.mark.parametrize("name", ["sallyport-respo", "sallyport-porta"])
def test_killed_child_is_started_again(lab, name):
    old = pids(lab, name)
    assert old
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(pids(lab, name)) == len(old) and not set(old) & set(pids(lab, name)),
               10, f"new {name}")
    assert lab.status(4) == 511
    assert lab.status(6) == 511
    assert lab.curl(GATEWAY[4], port=PORTAL_PORT).status == 200


def test_one_daemon_is_enough(lab):
    second = lab.run("gw", str(SBIN / "sallyportd"), "-I", lab.name, check=False)
    assert second.returncode == 1
    assert str(lab.daemon_pid()) in second.stderr
    assert lab.status(4) == 511
