# SPDX-License-Identifier: GPL-2.0-or-later
"""Rates: what one TCP flow and many UDP flows really get, up and down, by every way through."""

import contextlib
import itertools
import json
import socket
import threading
import time

import pytest

from lab import INTERNET, PLAIN_PORTAL, SO_RCVBUFFORCE, wait_until

pytestmark = pytest.mark.alone

SECONDS = 6
MODES = {
    "native": "[gateway]\nclient = lan0\n",
    "tc": "[gateway]\nclient = lan0\nattach = tc\n",
    "route": "[gateway]\nclient = lan0\nuplink = wan0\nforward = route\n",
}
# Role, rate, its bits per second, direction, family. All run at the same time.
FLOWS = [
    ("client", "20M", 20e6, "down", 4), ("client1", "20M", 20e6, "up", 4),
    ("client2", "256K", 256e3, "down", 4), ("client3", "256K", 256e3, "up", 4),
    ("client4", "2M", 2e6, "down", 6), ("client5", "2M", 2e6, "up", 6),
]


def mac_of(role):
    return f"02:85:00:00:00:{2 + int(role[6:] or 0):02x}"


@pytest.fixture(scope="module", params=MODES)
def mode(request, hosts, tmp_path_factory):
    path = tmp_path_factory.mktemp("rates") / "sallyport.conf"
    path.write_text(PLAIN_PORTAL + MODES[request.param])
    if not hosts.has("client5"):
        hosts.tool("client", hosts.name, "5")
    hosts.gate(path)
    yield hosts
    hosts.ctl("down", check=True)


# One for each flow: what an earlier one left in a rate's queue may still be on its way.
ports = itertools.count(5300)


class Flow:
    """iperf3 from a client for so many seconds, or less: it is ended with the `with` block."""

    def __init__(self, lab, role, direction, family, seconds=120):
        port = str(next(ports))
        reverse = ["-R"] if direction == "down" else []
        self.server = lab.popen("net", "iperf3", "-s", "-1", "-p", port, stdout=-3, stderr=-3)
        wait_until(lambda: f":{port} " in lab.run("net", "ss", "-Htln").stdout, 20, "iperf3")
        self.client = lab.popen(role, "iperf3", "-J", "-c", INTERNET[family], "-p", port, "-t",
                                str(seconds), *reverse, stdout=-1, stderr=-3)

    def report(self):
        return json.loads(self.client.communicate(timeout=60)[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in (self.client, self.server):
            process.kill()
            process.communicate()


class Moved:
    """Bit/s of IP packets that went through between two looks, once the first burst is over."""

    def __init__(self, lab, role, direction):
        self.lab, self.mac, self.member = lab, mac_of(role), f"{direction}_bytes"
        self.begun, self.before = time.monotonic(), self.bytes()

    def bytes(self):
        return self.lab.client(self.mac)[self.member]

    def rate(self):
        moved = self.bytes() - self.before
        return moved * 8 / (time.monotonic() - self.begun)


def test_one_tcp_flow_gets_its_rate(mode):
    for role, rate, _, direction, _ in FLOWS:
        mode.ctl("client", "allow", mac_of(role), f"--{direction}", rate, check=True)
    before = [Moved(mode, role, direction) for role, _, _, direction, _ in FLOWS]
    with contextlib.ExitStack() as stack:
        for role, _, _, direction, family in FLOWS:
            stack.enter_context(Flow(mode, role, direction, family))
        # All of them move, and have used their burst.
        for one, (role, _, bits, _, _) in zip(before, FLOWS):
            wait_until(lambda one=one, bits=bits: one.bytes() - one.before > bits / 8, 30, role)
        moved = [Moved(mode, role, direction) for role, _, _, direction, _ in FLOWS]
        time.sleep(SECONDS)
        rates = [one.rate() for one in moved]
    for (role, rate, bits, direction, family), got in zip(FLOWS, rates):
        # What a bucket may hold more or less at the second look than at the first, too. A slow
        # flow over a path of 0.1 ms mostly waits for its retransmission timer: not that smooth.
        slack = (0.05 if bits > 1e7 else 0.35) * bits + 0.4 * bits / SECONDS
        assert abs(got - bits) < slack, f"{role}: {rate} {direction}, IPv{family}: {got / bits:.3f}"
        mode.forget(mac_of(role))


class Datagrams:
    """Many UDP flows to or from one client, which want twice its rate together."""

    SECONDS = 3

    def __init__(self, lab, number, direction, flows, rate):
        self.lab, self.flows, self.rate = lab, flows, rate
        self.role = f"client{number or ''}"
        self.mac, self.used = mac_of(self.role), f"{direction}_bytes"
        self.size = 1000 if rate > 1_000_000 else 100
        roles = (self.role, "net") if direction == "up" else ("net", self.role)
        target = INTERNET[4] if direction == "up" else f"10.85.0.{2 + number}"
        self.senders = [lab.socket(roles[0], 4, socket.SOCK_DGRAM) for _ in range(flows)]
        self.receivers = [lab.socket(roles[1], 4, socket.SOCK_DGRAM) for _ in range(flows)]
        self.counts = [0] * flows
        for flow, (sender, receiver) in enumerate(zip(self.senders, self.receivers)):
            receiver.bind((target, 6000 + 100 * number + flow))
            receiver.setblocking(False)
            receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
            sender.connect(receiver.getsockname())
        lab.ctl("client", "allow", self.mac, f"--{direction}", str(rate), check=True)
        # The client's address is known to the network, and the other way round.
        assert lab.udp_echo(4, role=self.role) == b"marco"
        self.before = self.moved()
        self.threads = [threading.Thread(target=work) for work in (self.receive, self.send)]

    def moved(self):
        return self.lab.client(self.mac)[self.used]

    def send(self):
        pause = self.flows * self.size * 8 / (2 * self.rate)
        begun, sent = time.monotonic(), 0
        while time.monotonic() < begun + self.SECONDS:
            for sender in self.senders:
                with contextlib.suppress(ConnectionRefusedError):
                    sender.send(bytes(self.size))
            sent += 1
            time.sleep(max(0, begun + sent * pause - time.monotonic()))

    def receive(self):
        end, over = time.monotonic() + self.SECONDS + 0.5, False
        while not over:
            time.sleep(0.005)
            over = time.monotonic() > end
            for flow, one in enumerate(self.receivers):
                with contextlib.suppress(BlockingIOError):
                    while True:
                        self.counts[flow] += len(one.recv(2048))

    def close(self):
        for one in self.senders + self.receivers:
            one.close()

    def check(self):
        used = self.moved() - self.before
        total = self.rate / 8 * self.SECONDS
        assert 0.95 * total < used < 1.05 * total + max(self.rate / 8 * 0.4, 24000)
        # What is counted is what arrived: 28 bytes of headers each.
        assert abs(sum(self.counts) * (self.size + 28) / self.size - used) < 0.01 * used
        share = sum(self.counts) / self.flows
        assert min(self.counts) > share / 2, sorted(count / share for count in self.counts)


def test_no_udp_flow_starves(mode):
    """Each gets at least half of its share: of many flows and of few, up and down, all at once."""
    runs = [
        Datagrams(mode, number, direction, flows, rate)
        for number, (direction, flows, rate) in enumerate(
            (direction, *sort) for direction in ("up", "down") for sort in ((64, 8_000_000), (4, 256_000)))
    ]
    threads = [thread for run in runs for thread in run.threads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for run in runs:
        run.close()
        run.check()
        mode.forget(run.mac)


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_fast_rate(mode, direction):
    """A gigabit, if this machine can: never more, and no less than it has room for."""
    mode.allow()
    with Flow(mode, "client", direction, 4, 1) as flow:
        free = flow.report()["end"]["sum_received"]["bits_per_second"]
    mode.allow(f"--{direction}", "1G")
    with Flow(mode, "client", direction, 4):
        time.sleep(1.5)
        # A machine that is busy with something else for a moment has not that room then.
        for _ in range(3):
            moved = Moved(mode, "client", direction)
            time.sleep(3)
            rate = moved.rate()
            assert rate < 1.05e9 + 0.4e9 / 3
            if rate > 0.95e9 - 0.4e9 / 3 or rate > 0.5 * free:
                break
        else:
            pytest.fail(f"{rate / 1e9:.2f} of {free / 1e9:.2f} Gbit/s")
    mode.forget()
