# SPDX-License-Identifier: GPL-2.0-or-later
"""Two thousand clients at once, each with a MAC and an address of its own: judged and counted right."""

import asyncio
import contextlib
import json
import re
import resource
import subprocess
import threading
import time

import pytest

from lab import INTERNET, TOP, in_namespace, lines, wait_until

pytestmark = pytest.mark.alone

PROGRAMS = TOP / ".output/tests/net/many_macs.bpf.o"
COUNT = 2000
SECONDS = 120  # for all of them; it takes 2 on two idle CPUs, and those that lose a SYN wait


class Crowd:
    def __init__(self, lab):
        self.lab = lab
        self.clients = [self.client(number) for number in range(COUNT)]

    @staticmethod
    def client(number):
        """MAC, family and address; every second one has IPv6."""
        high, low = 1 + number // 250, 1 + number % 250
        mac = f"0a:00:0a:57:{high:02x}:{low:02x}"
        if number % 2:
            return mac, 6, f"fd87::a57:{high:x}{low:02x}"
        return mac, 4, f"10.87.{high}.{low}"

    def build(self, pins):
        """The host's addresses and programs; the gateway knows its neighbours."""
        subprocess.run(["bpftool", "prog", "loadall", PROGRAMS, pins], check=True)
        run = self.lab.run
        run("client", "tc", "qdisc", "add", "dev", "client0", "clsact")
        # As on a real card, what is too much at once waits; from Linux 6.16 a veth makes it wait too.
        for role, device in (("client", "client0"), ("gw", "lan0"), ("gw", "wan0"), ("net", "net0")):
            run(role, "tc", "qdisc", "add", "dev", device, "root", "pfifo", "limit", "20000")
        for side, name in (("egress", "many_out"), ("ingress", "many_in")):
            run("client", "tc", "filter", "add", "dev", "client0", side, "bpf", "direct-action",
                "object-pinned", f"{pins}/{name}")
        self.batch("client", [
            f"address add {address}/32 dev lo" if family == 4
            else f"address add {address}/128 dev lo nodad"
            for _, family, address in self.clients
        ])
        self.batch("gw", ["address add 10.87.0.1/16 dev lan0", "address add fd87::1/64 dev lan0 nodad"])
        self.batch("gw", [
            f"neigh replace {address} lladdr {mac} dev lan0 nud permanent"
            for mac, _, address in self.clients
        ])

    def batch(self, role, commands):
        subprocess.run(
            ["nsenter", f"--net=/run/netns/{self.lab.host(role)}", "--", "ip", "-batch", "-"],
            input="\n".join(commands) + "\n", text=True, check=True,
        )

    def ask(self):
        """All at once; the status that each was given, and the seconds until the last had it."""
        async def one(family, address):
            reader, writer = await asyncio.open_connection(
                INTERNET[family], 80, local_addr=(address, 0)
            )
            writer.write(b"GET / HTTP/1.1\r\nHost: crowd.example\r\nConnection: close\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            size = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)\r\n", head)
            await reader.readexactly(int(size[1]))
            writer.close()
            return int(head.split(None, 2)[1])

        async def everybody():
            jobs = [one(family, address) for _, family, address in self.clients]
            return await asyncio.wait_for(asyncio.gather(*jobs), SECONDS)

        begin = time.monotonic()
        statuses = in_namespace(self.lab.host("client"), lambda: asyncio.run(everybody()))
        return statuses, time.monotonic() - begin

    def sent(self):
        """TCP segments that the host has put on the wire: what its stack counted less what its
        device dropped. A veth does that when the 256 places of its peer's queue are taken, before
        anything of the peer has seen the frame (drivers/net/veth.c, veth_xmit)."""
        inside = ["nsenter", f"--net=/run/netns/{self.lab.host('client')}", "--"]
        text = lines(*inside, "nstat", "-asz", "TcpOutSegs", "TcpRetransSegs")
        segments = sum(int(line.split()[1]) for line in text if line.startswith("Tcp"))
        (link,) = json.loads("".join(lines(*inside, "ip", "-j", "-s", "link", "show", "client0")))
        return segments - link["stats64"]["tx"]["dropped"]


@pytest.fixture(scope="module")
def crowd(hosts):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limits[0], 3 * COUNT), max(limits[1], 3 * COUNT)))
    pins = f"/sys/fs/bpf/{hosts.name}-crowd"
    one = Crowd(hosts)
    try:
        one.build(pins)
        hosts.gate()
        hosts.fix_neighbours()
        yield one
    finally:
        subprocess.run(["rm", "-rf", pins], check=True)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


class Books:
    """What was counted since the first look, by everybody who counts."""

    def __init__(self, crowd):
        self.crowd = crowd
        self.first, self.sent_first = self.at_rest()
        self.look()

    def at_rest(self):
        """Reasons and segments sent when nothing moves any more. What an earlier test left may still
        close or repeat: a segment between two readings would be in one of them only."""
        end = time.monotonic() + SECONDS
        last, now = None, (self.crowd.lab.reasons(), self.crowd.sent())
        while now != last and time.monotonic() < end:
            time.sleep(0.3)
            last, now = now, (self.crowd.lab.reasons(), self.crowd.sent())
        assert now == last, "the crowd does not come to rest"
        return now

    def look(self):
        reasons = self.crowd.lab.reasons()
        self.reasons = {
            name: packets - self.first.get(name, 0)
            for name, packets in reasons.items() if packets != self.first.get(name, 0)
        }
        self.sessions = self.crowd.lab.json("client", "list")
        self.up = sum(session["up_packets"] for session in self.sessions)
        self.down = sum(session["down_packets"] for session in self.sessions)
        self.sent = self.crowd.sent() - self.sent_first

    def agree(self):
        moved = self.reasons.get
        return (moved("authorized", 0), moved("down_authorized", 0), self.sent) == (
            self.up, self.down, self.up + moved("captured", 0) + moved("untimely", 0))

    def settle(self):
        """The last segments are still on their way, or repeated, when all have their answers; and
        the counters cannot be read at one moment. Whether they come to say the same."""
        end = time.monotonic() + SECONDS
        self.look()
        while not self.agree() and time.monotonic() < end:
            time.sleep(0.1)
            self.look()
        assert self.agree(), f"sent {self.sent}, up {self.up}, down {self.down}: {self.reasons}"


def test_all_captive(crowd):
    books = Books(crowd)
    statuses, seconds = crowd.ask()
    assert statuses == [511] * COUNT
    assert seconds < SECONDS
    books.settle()
    assert books.reasons["captured"] >= 4 * COUNT


class Slow:
    """One connection from each of these addresses, and on each a byte now and then that never makes
    a request; until the `with` block ends."""

    def __init__(self, lab, clients):
        self.lab, self.clients = lab, clients
        self.open, self.opened, self.lasted = 0, 0, []
        self.over = threading.Event()
        self.thread = threading.Thread(target=lambda: in_namespace(
            lab.host("client"), lambda: asyncio.run(self.everybody())))

    async def one(self, family, address):
        begin = time.monotonic()
        try:
            reader, writer = await asyncio.open_connection(
                INTERNET[family], 80, local_addr=(address, 0)
            )
        except OSError:
            return
        self.open += 1
        self.opened += 1
        try:
            while not reader.at_eof():
                writer.write(b"G")
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(reader.read(1), 4)
        except OSError:
            pass  # a reset
        self.lasted.append(time.monotonic() - begin)
        self.open -= 1
        writer.close()

    async def everybody(self):
        jobs = [asyncio.create_task(self.one(family, address))
                for _, family, address in self.clients]
        while not self.over.is_set():
            await asyncio.sleep(0.1)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def answer_time(lab, family):
    """Seconds from the SYN to the last byte of the answer that a client gets."""
    begin = time.monotonic()
    with lab.socket("client", family) as connection:
        connection.settimeout(60)
        connection.connect((INTERNET[family], 80))
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
        answer = b""
        while not answer.endswith(b"</html>\n"):
            data = connection.recv(4096)
            assert data, answer
            answer += data
    assert answer.startswith(b"HTTP/1.1 511 ")
    return time.monotonic() - begin


def check_answers(lab, slow):
    """Within 100 ms, and none is left out. A busy machine may be late now and then."""
    times = []
    for _ in range(20):
        times += [answer_time(lab, 4), answer_time(lab, 6)]
        assert slow.open > 0
        time.sleep(0.1)
    times.sort()
    print(f"{slow.open} open: median {times[20] * 1000:.1f} ms, longest {times[-1] * 1000:.1f} ms")
    assert times[30] < 0.1, times


def test_slow_requests_of_a_crowd(crowd):
    """Two thousand clients that never finish their requests (slowloris) keep nobody waiting."""
    with Slow(crowd.lab, crowd.clients) as slow:
        wait_until(lambda: slow.opened == COUNT, SECONDS, "all connections")
        check_answers(crowd.lab, slow)
        wait_until(lambda: len(slow.lasted) == COUNT, 30, "the responder to have enough of them")
    # The header deadline is 10 s, from the moment when the responder takes the connection.
    assert 8 < sorted(slow.lasted)[COUNT // 2] < 30


def test_slow_requests_of_one_client(crowd):
    """As many connections as one client can have: its own budget and share, nobody else's."""
    with Slow(crowd.lab, [crowd.clients[-2]] * COUNT) as slow:
        wait_until(lambda: slow.opened >= 50, 20, "some connections")
        check_answers(crowd.lab, slow)
        # 100 at once and 10 a second is the budget of a client's connections.
        assert slow.opened < 1000


def test_half_of_them_authorized(crowd):
    """Those reach the site, the others do not, and each packet is counted for its sender."""
    lab = crowd.lab
    chosen = {client[0] for client in crowd.clients[: COUNT // 2]}
    listed = "".join(f"{mac} --for 1h\n" for mac in sorted(chosen))
    assert lab.tool("ctl", lab.name, "import", "-", typed=listed).stdout.startswith(f"{len(chosen)} new")
    books = Books(crowd)
    statuses, seconds = crowd.ask()
    assert statuses == [200] * (COUNT // 2) + [511] * (COUNT // 2)
    assert seconds < SECONDS
    books.settle()

    assert {session["mac"] for session in books.sessions} == chosen
    addresses = {mac: (family, address) for mac, family, address in crowd.clients}
    for session in books.sessions:
        # SYN, ACK, request and FIN at least; retransmissions at most double that.
        assert 4 <= session["up_packets"] <= 16, session
        assert 3 <= session["down_packets"] <= 16, session
        family, address = addresses[session["mac"]]
        assert session[f"ipv{family}"] == address
