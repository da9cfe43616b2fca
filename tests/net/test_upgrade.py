# SPDX-License-Identifier: GPL-2.0-or-later
"""Another `sallyport up` takes the place of a loaded one while packets flow: none that may pass is lost,
none that may not gets through, and every one is counted once."""

import random
import re
import subprocess
import threading
import time
from pathlib import Path

import pytest

from lab import (
    INTERNET, PLAIN_PORTAL, SBIN, TOP, Sniffer, bpftool, foreign_program, soak, wait_until,
)

OTHER = TOP / ".output" / "other" / "sbin"  # another version: tests/net/other_version.sed
CAPTIVE = {4: "10.85.0.3", 6: "fd85::3"}
BYTES = 1400  # of a datagram's payload: nothing else that clients send is so long
PACKET = BYTES + 28
WINDOW = 32  # datagrams under way: what no queue on the way drops

MODES = {
    "native": {},
    "clsact": {"attach": "tc", "tc": "clsact"},
    "route": {"forward": "route", "uplink": "wan0"},
}


@pytest.fixture(scope="module")
def pair(hosts):
    """With a second client, which stays captive."""
    hosts.tool("client", hosts.name, "1")
    hosts.fix_neighbours()
    return hosts


def configuration(folder, **keys):
    path = folder / f"{len(list(folder.iterdir()))}.conf"
    lines = "".join(f"{key} = {value}\n" for key, value in keys.items())
    path.write_text(f"{PLAIN_PORTAL}[gateway]\nclient = lan0\n{lines}")
    return path


def up(lab, file, sbin=SBIN):
    done = lab.run("gw", str(sbin / "sallyport"), "-I", lab.name, "up", "-c", str(file))
    return done.stdout


@pytest.fixture
def gate(pair, tmp_path):
    """Loads it in that mode; without a daemon."""
    def load(mode):
        file = configuration(tmp_path, **MODES[mode])
        if "uplink" in MODES[mode]:
            for role, device in (("client", "client0"), ("net", "net0")):
                pair.run(role, "ethtool", "-K", device, "tx", "off")
        up(pair, file)
        pair.allow()
        return file

    yield load
    pair.ctl("down")


class Echo:
    """Datagrams to the Internet's echo and back, as fast as they come back."""

    def __init__(self, lab):
        self.socket = lab.socket("client", 4, 2)
        self.socket.connect((INTERNET[4], 7))
        self.socket.settimeout(0.01)
        self.sent = self.back = 0
        self.over = False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        data = bytes(BYTES)
        while not self.over:
            while self.sent - self.back < WINDOW:
                self.socket.send(data)
                self.sent += 1
            self.receive()

    def receive(self):
        try:
            self.back += len(self.socket.recv(65536)) == BYTES
        except TimeoutError:
            pass

    def __enter__(self):
        self.thread.start()
        wait_until(lambda: self.back > WINDOW, 5, "datagrams to come back")
        return self

    def __exit__(self, *_):
        self.over = True
        self.thread.join()
        end = time.monotonic() + 5
        while self.back < self.sent and time.monotonic() < end:
            self.receive()
        self.socket.close()


class Flood:
    """What the captive client sends: datagrams and SYNs to the Internet."""

    def __init__(self, lab):
        self.sockets = {family: lab.socket("client1", family, 2) for family in (4, 6)}
        self.sent = 0
        self.over = False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over:
            for family, one in self.sockets.items():
                try:
                    one.sendto(b"let me out", (INTERNET[family], 9))
                    self.sent += 1
                except OSError:  # the gateway's refusal of an earlier one
                    pass
            time.sleep(0.0005)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.thread.join()
        for one in self.sockets.values():
            one.close()


def under_traffic(lab, steps):
    """Take the steps, then look at what came through and what was counted."""
    before = lab.client()
    ping = subprocess.Popen(
        ["nsenter", f"--net=/run/netns/{lab.host('client')}", "--", "ping", "-q", "-n", "-i", "0.002",
         INTERNET[4]],
        stdout=subprocess.PIPE, text=True,
    )
    with Sniffer(lab.host("net"), "net0") as network, Flood(lab) as flood, Echo(lab) as echo:
        for step in steps:
            step()
            sent = echo.back
            wait_until(lambda: echo.back > sent + WINDOW, 5, "traffic behind the step")
    ping.send_signal(2)
    text = ping.communicate(timeout=60)[0]
    assert " 0% packet loss" in text, text
    pings = int(re.search(r"(\d+) packets transmitted", text)[1])
    assert echo.back == echo.sent
    assert flood.sent > 0 and network.with_address(*CAPTIVE.values()) == []
    return before, echo.sent, pings


def check_counters(lab, before, datagrams, pings):
    """Of each direction every one, once; some packets that are not the test's (MLD, ND) may be too."""
    after = lab.client()
    assert (after["since"], after["state"]) == (before["since"], "authorized")
    for way in ("up", "down"):
        packets = after[f"{way}_packets"] - before[f"{way}_packets"]
        counted = after[f"{way}_bytes"] - before[f"{way}_bytes"]
        others = packets - datagrams - pings
        assert 0 <= others <= 12, (way, packets, datagrams, pings)
        # One datagram more or less would be 1,344 bytes.
        assert abs(counted - datagrams * PACKET - (pings + others) * 84) < 1000


@pytest.mark.parametrize("mode", MODES)
def test_under_traffic(gate, pair, tmp_path, mode):
    """The same version again, one whose maps have another layout, and back to larger maps."""
    file = gate(mode)
    pair.ctl("client", "block", "02:00:00:00:00:05", "--note", "stays out", check=True)
    larger = configuration(tmp_path, max_clients=140000, **MODES[mode])
    steps = [lambda: up(pair, file), lambda: up(pair, file, OTHER), lambda: up(pair, larger)]
    check_counters(pair, *under_traffic(pair, steps * soak(1, 20)))
    assert pair.client("02:00:00:00:00:05")["state"] == "blocked"
    assert pair.client("02:00:00:00:00:05")["note"] == "stays out"


def killed_up(lab, file, sbin, seconds):
    """An `up` of which nobody knows how far it came."""
    command = ["nsenter", f"--net=/run/netns/{lab.host('gw')}", str(sbin / "sallyport"), "-I", lab.name,
               "up", "-c", str(file)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(seconds)
        process.kill()


def test_killed_and_done_again(gate, pair):
    """At any moment of an upgrade; the next one does what is left, and every packet is counted."""
    file = gate("native")
    rounds = soak(3, 200)

    def step(number):
        killed_up(pair, file, (OTHER, SBIN)[number % 2], random.uniform(0, 0.4))
        up(pair, file, (OTHER, SBIN)[number // 2 % 2])

    def back():
        up(pair, file)
        assert not Path(f"/sys/fs/bpf/{pair.name}~").exists()

    steps = [lambda number=number: step(number) for number in range(rounds)]
    check_counters(pair, *under_traffic(pair, steps + [back]))


def test_failure_leads_back(gate, pair, tmp_path):
    """A program of somebody else on the second interface is met when the first one is switched."""
    gate("native")
    pair.run("gw", "ip", "link", "add", "lan9", "type", "veth", "peer", "name", "peer9")
    file = configuration(tmp_path)
    file.write_text(file.read_text().replace("client = lan0", "client = lan0 lan9"))
    program = Path(f"/sys/fs/bpf/{pair.name}/links/xdp-lan0")

    def fails():
        before = bpftool("link", "show", "pinned", str(program))["prog_id"]
        done = pair.run("gw", str(OTHER / "sallyport"), "-I", pair.name, "up", "-c", str(file), check=False)
        assert done.returncode == 1 and "lan9" in done.stderr, done
        assert bpftool("link", "show", "pinned", str(program))["prog_id"] == before
        assert not Path(f"/sys/fs/bpf/{pair.name}~").exists()

    try:
        with foreign_program("xdp") as pin:
            pair.run("gw", "ip", "link", "set", "dev", "lan9", "xdp", "pinned", str(pin))
            check_counters(pair, *under_traffic(pair, [fails] * soak(1, 20)))
    finally:
        pair.run("gw", "ip", "link", "delete", "lan9")
