# SPDX-License-Identifier: GPL-2.0-or-later
"""What the datapath tells, with the daemon and without it, and the open gate."""

import json
import os
import select
import signal
import socket
import subprocess
import time

import pytest

from lab import CLIENT, CLIENT_MAC, INTERNET, TOOL, processes, wait_until


class Events:
    """`sallyport -j events` while the `with` block runs."""

    def __init__(self, lab, *options):
        self.lab = lab
        self.options = options
        self.seen = []
        self.buffer = b""

    def __enter__(self):
        self.process = subprocess.Popen(
            [str(TOOL), "ctl", self.lab.name, "-j", "events", *self.options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.communicate()

    def wait(self, kind, seconds=30, **fields):
        """The next event of that kind and with those members."""
        end = time.monotonic() + seconds
        while True:
            for event in self.seen:
                if event["event"] == kind and all(event[k] == v for k, v in fields.items()):
                    self.seen.remove(event)
                    return event
            ready, _, _ = select.select([self.process.stdout], [], [], end - time.monotonic())
            assert ready, f"no event {kind} {fields} in {seconds} s, but {self.seen}"
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, self.process.stderr.read()
            *lines, self.buffer = (self.buffer + data).split(b"\n")
            self.seen += [json.loads(line) for line in lines]


@pytest.fixture(params=["daemon", "alone"])
def told(request, lab):
    """Events with the daemon, and without it."""
    if request.param == "alone":
        lab.ctl("status", check=True)
        os.kill(lab.daemon_pid(), signal.SIGKILL)
        wait_until(lambda: not processes(lab), 5, "the daemon's children to end")
    with Events(lab) as events:
        yield events
    if request.param == "alone":
        lab.gate()


def send_udp(lab, family, port=443, data=b"x"):
    with lab.socket("client", family, socket.SOCK_DGRAM) as sender:
        sender.sendto(data, (INTERNET[family], port))


def test_a_session_is_told(lab, told):
    lab.allow("--for", "1s")
    send_udp(lab, 4)
    event = told.wait("login", mac=CLIENT_MAC)
    assert abs(event["time"] - time.time()) < 20
    time.sleep(1.1)
    for _ in range(3):
        send_udp(lab, 4)
    told.wait("expired", mac=CLIENT_MAC)
    time.sleep(0.2)
    send_udp(lab, 4)
    with pytest.raises(AssertionError):
        told.wait("expired", seconds=0.5, mac=CLIENT_MAC)


def test_a_quota_is_told(lab, told, family):
    lab.allow("--quota", "3K")
    for _ in range(5):
        send_udp(lab, family, data=b"x" * 1000)
    told.wait("quota", mac=CLIENT_MAC)


def test_a_flood_is_told_once_in_a_while(lab, told):
    guests = f"/sys/fs/bpf/{lab.name}/guests"
    key = [*CLIENT_MAC.split(":"), "00", "00"]
    subprocess.run(["bpftool", "map", "delete", "pinned", guests, "key", "hex", *key], check=False)
    with lab.socket("client", 4, socket.SOCK_DGRAM) as sender:
        for _ in range(2000):
            sender.sendto(b"x" * 30, ("10.85.0.1", 53))
    told.wait("new", mac=CLIENT_MAC)
    event = told.wait("flood", mac=CLIENT_MAC)
    assert (event["reason"], event["address"]) == ("BUDGET_DNS", CLIENT[4])
    with pytest.raises(AssertionError):
        told.wait("flood", seconds=0.5, mac=CLIENT_MAC)


def test_only_what_was_asked_for(lab):
    lab.allow("--quota", "3K")
    with Events(lab, "--kind", "quota,idle") as some, Events(lab) as all_of_them:
        for _ in range(5):
            send_udp(lab, 4, data=b"x" * 1000)
        all_of_them.wait("login", mac=CLIENT_MAC)
        all_of_them.wait("quota", mac=CLIENT_MAC)
        some.wait("quota", mac=CLIENT_MAC)
        assert {event["event"] for event in some.seen} <= {"quota", "idle"}
    refused = lab.ctl("events", "--kind", "login,nonsense")
    assert refused.returncode == 2 and 'expected one of new, login' in refused.stderr and "nonsense" in refused.stderr


def test_goes_on_over_a_restart_of_the_daemon(lab):
    with Events(lab) as events:
        lab.allow("--for", "1h")
        send_udp(lab, 4)
        events.wait("login", mac=CLIENT_MAC)
        os.kill(lab.daemon_pid(), signal.SIGKILL)
        wait_until(lambda: not lab.daemon_pid(), 5, "the end of the daemon")
        lab.forget()
        lab.allow("--for", "1h")
        send_udp(lab, 4)
        events.wait("login", mac=CLIENT_MAC)
        lab.gate()
        lab.forget()
        lab.allow("--for", "1h")
        send_udp(lab, 4)
        events.wait("login", 10, mac=CLIENT_MAC)
        assert events.process.poll() is None


def test_late_listeners_hear_what_was_told(lab):
    lab.allow()
    send_udp(lab, 4)
    with Events(lab) as first, Events(lab) as second:
        first.wait("login", mac=CLIENT_MAC)
        second.wait("login", mac=CLIENT_MAC)


def test_text_is_for_people(lab):
    lab.allow()
    send_udp(lab, 4)
    result = subprocess.run(
        ["timeout", "1", str(TOOL), "ctl", lab.name, "events"],
        capture_output=True, text=True, check=False,
    )
    assert any(CLIENT_MAC in line and " login " in line for line in result.stdout.splitlines())


def test_the_end_of_the_instance_ends_it(lab):
    with Events(lab) as events:
        lab.allow()
        send_udp(lab, 4)
        events.wait("login")
        lab.ctl("down", check=True)
        assert events.process.wait(5) == 4
    lab.gate()


def test_bypass(lab, family):
    with Events(lab):
        assert lab.ctl("bypass", "on").returncode == 0
        try:
            status = lab.json("status")[0]
            assert status["bypass"] is True
            assert "GATE IS OPEN" in lab.ctl("status").stdout
            assert lab.status(family) == 200
            assert lab.udp_echo(family) == b"marco"
            before = lab.reasons()
            assert before["bypass"] > 0 and before["down_bypass"] > 0
            # The configuration is applied again: still open.
            lab.gate()
            assert lab.json("status")[0]["bypass"] is True
            lab.ctl("client", "block", CLIENT_MAC, check=True)
            assert lab.curl(INTERNET[family], seconds=1) is None
            lab.forget()
        finally:
            assert lab.json("bypass", "off") == [{"bypass": False}]
        assert lab.status(family) == 511
        assert lab.udp_echo(family, seconds=0.3) is None


def test_bypass_wants_on_or_off(lab):
    for operand, said in (("maybe", "maybe"), ("", "on or off")):
        result = lab.ctl("bypass", operand)
        assert result.returncode == 2 and said in result.stderr
    assert lab.ctl("bypass").returncode == 2
