# SPDX-License-Identifier: GPL-2.0-or-later
"""Two thousand clients at once, each with a MAC and an address of its own: judged and counted right."""

import asyncio
import resource
import subprocess
import time

import pytest

from lab import INTERNET, SBIN, TOP, in_namespace, lines

PROGRAMS = TOP / ".output/tests/net/many_macs.bpf.o"
COUNT = 2000
SECONDS = 20  # for all of them; it takes 2 on two idle CPUs


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
        for side, name in (("egress", "many_out"), ("ingress", "many_in")):
            run("client", "tc", "filter", "add", "dev", "client0", side, "bpf", "direct-action",
                "object-pinned", f"{pins}/{name}")
        self.batch("client", [
            f"address add {address}/{32 if family == 4 else 128} dev lo"
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
            writer.write(b"GET / HTTP/1.0\r\nHost: crowd.example\r\n\r\n")
            answer = await reader.read()
            writer.close()
            return int(answer.split(None, 2)[1])

        async def everybody():
            jobs = [one(family, address) for _, family, address in self.clients]
            return await asyncio.wait_for(asyncio.gather(*jobs), SECONDS)

        begin = time.monotonic()
        statuses = in_namespace(self.lab.host("client"), lambda: asyncio.run(everybody()))
        return statuses, time.monotonic() - begin

    def sent(self):
        """TCP segments that the host has sent, as its own stack counts them."""
        text = lines(
            "nsenter", f"--net=/run/netns/{self.lab.host('client')}", "--", "nstat", "-asz",
            "TcpOutSegs", "TcpRetransSegs",
        )
        return sum(int(line.split()[1]) for line in text if line.startswith("Tcp"))


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


def moved(before, after, *names):
    return sum(after.get(name, 0) - before.get(name, 0) for name in names)


def test_all_captive(crowd):
    before, sent = crowd.lab.reasons(), crowd.sent()
    statuses, seconds = crowd.ask()
    after = crowd.lab.reasons()
    assert statuses == [511] * COUNT
    assert seconds < SECONDS
    assert moved(before, after, "captured") == crowd.sent() - sent


def test_half_of_them_authorized(crowd):
    """Those reach the site, the others do not, and each packet is counted for its sender."""
    lab = crowd.lab
    chosen = {client[0] for client in crowd.clients[: COUNT // 2]}
    program = SBIN / "sallyport"
    lab.run(
        "gw", "bash", "-ec", 'program=$1 name=$2; shift 2\n'
        'for mac; do "$program" -I "$name" client allow "$mac" --for 1h >&2; done',
        "bash", str(program), lab.name, *sorted(chosen), timeout=120,
    )
    before, sent = lab.reasons(), crowd.sent()
    statuses, seconds = crowd.ask()
    after = lab.reasons()
    assert statuses == [200] * (COUNT // 2) + [511] * (COUNT // 2)
    assert seconds < SECONDS

    sessions = lab.json("client", "list")
    assert {session["mac"] for session in sessions} == chosen
    addresses = {mac: (family, address) for mac, family, address in crowd.clients}
    for session in sessions:
        # SYN, ACK, request and FIN at least; retransmissions at most double that.
        assert 4 <= session["up_packets"] <= 16, session
        assert 3 <= session["down_packets"] <= 16, session
        family, address = addresses[session["mac"]]
        assert session[f"ipv{family}"] == address
    up = sum(session["up_packets"] for session in sessions)
    down = sum(session["down_packets"] for session in sessions)
    assert moved(before, after, "authorized") == up
    assert moved(before, after, "down_authorized") == down
    assert up + moved(before, after, "captured") == crowd.sent() - sent
