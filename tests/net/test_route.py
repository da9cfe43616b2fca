# SPDX-License-Identifier: GPL-2.0-or-later
"""The route fast path between real hosts: what takes it and what the stack still does.

The hosts send frames as a wire has them (checksums filled in), which tools/lab sees to."""

import hashlib
import json
import re
import socket
import threading
import time

import pytest

from lab import (
    CLIENT, CLIENT_MAC, FAMILY, GATEWAY, INTERNET, PLAIN_PORTAL, Sniffer, gateway_state, in_namespace,
    running, url, wait_until,
)

DOWNLOAD_PORT = 8000
CHUNK = bytes(range(256)) * 64


def configuration(folder, **gateway):
    keys = "".join(f"{key} = {value}\n" for key, value in gateway.items())
    path = folder / "sallyport.conf"
    path.write_text(PLAIN_PORTAL + f"[gateway]\nclient = lan0\nuplink = wan0\n{keys}")
    return path


@pytest.fixture(scope="module", params=["native", "generic"])
def routed(request, tmp_path_factory):
    """A lab whose gate forwards by route."""
    with running() as lab:
        folder = tmp_path_factory.mktemp("route")
        lab.gate(configuration(folder, forward="route", attach=request.param))
        lab.mode = request.param
        # Who is where is known, so that the first packet is not the stack's.
        for role, device, addresses in (
            ("gw", "lan0", CLIENT), ("gw", "wan0", INTERNET), ("client", "client0", GATEWAY),
        ):
            for address in addresses.values():
                mac = "02:86:00:00:00:02" if device == "wan0" else (
                    CLIENT_MAC if device == "lan0" else "02:85:00:00:00:01")
                lab.run(role, "ip", "neigh", "replace", address, "lladdr", mac, "dev", device)
        yield lab


@pytest.fixture
def lab(routed):
    """Its client authorized, the mode route."""
    routed.forget()
    routed.ctl("forward", "route", check=True)
    routed.allow()
    yield routed
    routed.forget()


class Grown:
    """By how much the counters of the reasons grow."""

    def __init__(self, lab):
        self.lab, self.before = lab, lab.reasons()

    def __getitem__(self, name):
        return self.lab.reasons().get(name, 0) - self.before.get(name, 0)


def interfaces(lab):
    return {one["interface"]: one for one in lab.json("status")[0]["interfaces"]}


def test_status_tells_what_each_interface_does(lab):
    found = interfaces(lab)
    assert [(one["role"], one["mode"], one["forward"]) for one in found.values()] == [
        ("client", lab.mode, "route"), ("uplink", lab.mode, "route")]
    assert lab.json("forward")[0]["forward"] == "route"
    assert "past netfilter" in lab.ctl("status").stdout
    lab.ctl("forward", "stack", check=True)
    assert {one["forward"] for one in interfaces(lab).values()} == {"stack"}
    assert "past netfilter" not in lab.ctl("status").stdout


def test_both_directions_go_past_the_stack(lab, family):
    grown = Grown(lab)
    assert lab.status(family) == 200
    assert grown["routed"] >= 4 and grown["down_routed"] >= 4
    assert grown["authorized"] == 0 and grown["down_authorized"] == 0


def test_stack_mode_does_not(lab, family):
    lab.ctl("forward", "stack", check=True)
    grown = Grown(lab)
    assert lab.status(family) == 200
    assert grown["routed"] == 0 and grown["down_routed"] == 0 and grown["uplink"] == 0
    assert grown["authorized"] >= 4 and grown["down_authorized"] >= 4


def test_captive_and_blocked_stay_so(lab, family):
    lab.forget()
    grown = Grown(lab)
    assert lab.status(family) == 511
    assert lab.udp_echo(family, seconds=0.3) is None
    lab.ctl("client", "block", CLIENT_MAC, check=True)
    assert lab.status(family, seconds=1) is None
    assert lab.udp_echo(family, seconds=0.3) is None
    assert grown["routed"] == 0 and grown["down_routed"] == 0


def test_counters_are_what_the_hosts_sent(lab, family):
    grown = Grown(lab)
    with lab.socket("client", family, socket.SOCK_DGRAM) as sender:
        sender.settimeout(30)
        for size in range(1, 1001, 10):
            sender.sendto(bytes(size), (INTERNET[family], 7))
            assert sender.recv(65536) == bytes(size)
    usage = lab.client()
    headers = 28 if family == 4 else 48
    total = sum(size + headers for size in range(1, 1001, 10))
    assert grown["routed"] == grown["down_routed"] == 100
    assert (usage["up_packets"], usage["up_bytes"]) == (100, total)
    assert (usage["down_packets"], usage["down_bytes"]) == (100, total)


def test_the_gateway_is_a_hop(lab, family):
    """A packet whose hops run out here is answered by the stack; one more, and it is forwarded."""
    grown = Grown(lab)
    ping = ["ping", "-n", "-c", "1", "-W", "1", "-t", "1", INTERNET[family]]
    answer = lab.run("client", *ping, check=False).stdout
    assert re.search(f"From {re.escape(GATEWAY[family])} .*(exceeded|Hop limit)", answer)
    assert grown["routed"] == 0
    ping[ping.index("-t") + 1] = "2"
    answer = lab.run("client", *ping).stdout
    # The Internet is one hop away from the gateway.
    assert re.search("ttl=63", answer)
    assert grown["routed"] == 1 and grown["down_routed"] == 1


def test_path_mtu_is_the_stacks_to_tell(lab, family):
    lab.run("gw", "ip", "link", "set", "wan0", "mtu", "1400")
    try:
        grown = Grown(lab)
        size = str(1400 - (28 if family == 4 else 48))
        ping = ["ping", "-n", "-c", "1", "-W", "1", "-M", "do", INTERNET[family]]
        assert "1 received" in lab.run("client", *ping, "-s", size).stdout
        assert grown["routed"] == 1
        longer = str(int(size) + 1)
        answer = lab.run("client", *ping, "-s", longer, check=False)
        assert re.search("mtu ?= ?1400", answer.stdout + answer.stderr), answer.stdout
        assert grown["routed"] == 1
        # And a TCP connection finds it by that.
        assert lab.status(family) == 200
    finally:
        lab.run("gw", "ip", "link", "set", "wan0", "mtu", "1500")
        lab.run("client", "ip", *(["-6"] if family == 6 else []), "route", "flush", "cache")
        # What IPv6 learnt of the interface went with its small MTU.
        lab.run("gw", "ip", "-6", "route", "flush", "cache")


def test_missing_neighbour_is_looked_for_by_the_stack(lab, family):
    lab.run("gw", "ip", "neigh", "del", INTERNET[family], "dev", "wan0")
    grown = Grown(lab)
    assert lab.udp_echo(family) == b"marco"
    assert grown["authorized"] >= 1
    assert lab.udp_echo(family) == b"marco"
    assert grown["routed"] >= 1


def test_an_interface_that_is_no_port_is_the_stacks(lab):
    """A tunnel, a bridge, anything that is not in the configuration."""
    lab.run("gw", "ip", "link", "add", "other0", "type", "veth", "peer", "name", "other1")
    try:
        lab.run("gw", "ip", "link", "set", "other0", "up")
        lab.run("gw", "ip", "link", "set", "other1", "up")
        lab.run("gw", "ip", "address", "add", "10.87.0.1/24", "dev", "other0")
        lab.run("gw", "ip", "neigh", "add", "10.87.0.2", "lladdr", "02:87:00:00:00:02", "dev",
                "other0")
        grown = Grown(lab)
        with Sniffer(lab.host("gw"), "other1") as wire:
            with lab.socket("client", 4, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"marco", ("10.87.0.2", 7))
        assert len(wire.with_address(CLIENT[4])) == 1
        assert grown["routed"] == 0 and grown["authorized"] == 1
    finally:
        lab.run("gw", "ip", "link", "del", "other0")


def test_forged_source_is_left_to_the_reverse_path_filter(lab):
    """The FIB lookup alone would forward it."""
    lab.run("gw", "sysctl", "-qw", "net.ipv4.conf.all.rp_filter=1")
    lab.run("client", "ip", "address", "add", "10.99.0.9/32", "dev", "client0")
    try:
        grown = Grown(lab)
        with Sniffer(lab.host("net"), "net0") as wire:
            with lab.socket("client", 4, socket.SOCK_DGRAM) as sender:
                sender.bind(("10.99.0.9", 0))
                for _ in range(3):
                    sender.sendto(b"marco", (INTERNET[4], 7))
        assert wire.with_address("10.99.0.9") == []
        assert grown["authorized"] >= 3 and grown["routed"] == 0
    finally:
        lab.run("client", "ip", "address", "del", "10.99.0.9/32", "dev", "client0")
        lab.run("gw", "sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0")


def test_end_of_a_session_cuts_both_ways(lab, family):
    grown = Grown(lab)
    with lab.socket("client", family, socket.SOCK_DGRAM) as sender:
        sender.settimeout(30)
        sender.sendto(b"marco", (INTERNET[family], 7))
        assert sender.recv(100) == b"marco"
        sender.settimeout(0.3)
        lab.forget()
        routed, down = grown["routed"], grown["down_routed"]
        with Sniffer(lab.host("net"), "net0") as wire:
            sender.sendto(b"marco", (INTERNET[family], 7))
        assert wire.with_address(CLIENT[family]) == []
        with lab.socket("net", family, socket.SOCK_DGRAM) as other:
            other.bind((INTERNET[family], 0))
            other.sendto(b"polo", (CLIENT[family], sender.getsockname()[1]))
        with pytest.raises(OSError):
            sender.recv(100)
    assert (grown["routed"], grown["down_routed"]) == (routed, down)


def test_quota_ends_it(lab):
    lab.forget()
    lab.allow("--quota", "100K")
    grown = Grown(lab)
    result = lab.run("client", "curl", "-s", "--max-time", "2", "-o", "/dev/null", "-w",
                     "%{size_download}", url(INTERNET[4], "/stream"), check=False)
    assert 50_000 < int(result.stdout) <= 100_000
    usage = lab.client()
    # The packet that crosses it is the last.
    assert 100_000 <= usage["up_bytes"] + usage["down_bytes"] < 100_000 + 2 * 1500
    assert usage["state"] == "captive"
    assert grown["down_routed"] > 30


def test_rate_holds(lab):
    lab.forget()
    lab.allow("--down", "8M")
    grown = Grown(lab)
    result = lab.run("client", "curl", "-s", "--max-time", "4", "-o", "/dev/null", "-w",
                     "%{size_download}", url(INTERNET[4], "/stream"), check=False)
    assert 0.5e6 < int(result.stdout) < 4.4e6
    assert grown["down_routed"] > 300 and grown["down_authorized"] == 0


class Download:
    """A TCP download of known bytes, nearly as fast as it goes."""

    def __init__(self, lab, family):
        self.lab, self.family, self.end = lab, family, threading.Event()
        self.sent, self.received = hashlib.sha256(), hashlib.sha256()
        self.bytes = 0
        self.server = in_namespace(lab.host("net"), lambda: socket.create_server(
            (INTERNET[family], DOWNLOAD_PORT), family=FAMILY[family]))
        self.thread = threading.Thread(target=self.serve)

    def serve(self):
        connection, _ = self.server.accept()
        with connection:
            count = 0
            while not self.end.is_set():
                chunk = count.to_bytes(4, "big") + CHUNK
                connection.sendall(chunk)
                self.sent.update(chunk)
                count += 1
                # Leave something of the processor to the command line.
                time.sleep(0.0005)
            connection.shutdown(socket.SHUT_WR)
            wait_until(lambda: connection.recv(1) == b"", what="the end of the download")

    def receive(self):
        with self.lab.socket("client", self.family) as connection:
            connection.settimeout(20)
            connection.connect((INTERNET[self.family], DOWNLOAD_PORT))
            while data := connection.recv(1 << 20):
                self.received.update(data)
                self.bytes += len(data)

    def __enter__(self):
        self.thread.start()
        self.receiver = threading.Thread(target=self.receive)
        self.receiver.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.receiver.join(20)
        self.thread.join(20)
        self.server.close()


def tcp_counters(lab, role):
    """Absolute, and without a look at what another run of nstat has seen."""
    return json.loads(lab.run(role, "nstat", "-asjz").stdout)["kernel"]


def test_switching_loses_nothing_of_a_download(lab, family):
    """A segment that the sender repeats out of impatience (RFC 8985) comes twice, and the receiver
    says so (RFC 2883); one that was lost comes once."""
    grown, before = Grown(lab), tcp_counters(lab, "net")
    with Download(lab, family) as download:
        for turn in range(20):
            lab.ctl("forward", "stack" if turn % 2 == 0 else "route", check=True)
            time.sleep(0.1)
    assert download.bytes > 1_000_000
    assert download.sent.digest() == download.received.digest()
    assert grown["down_routed"] > 100 and grown["down_authorized"] > 100
    after = tcp_counters(lab, "net")
    repeated, twice = (
        after[name] - before[name] for name in ("TcpRetransSegs", "TcpExtTCPDSACKRecvSegs"))
    # Of the very last one the receiver need not say so any more.
    assert twice <= repeated <= twice + 1


def test_refused_without_an_uplink(tmp_path):
    with running() as lab:
        before = gateway_state(lab)
        lab.gate()
        result = lab.ctl("forward", "route")
        assert result.returncode == 1 and "no uplink is attached" in result.stderr
        assert lab.json("status")[0]["forward"] == "stack"
        assert lab.ctl("forward", "nat").returncode == 2
        # `up` brings uplink and mode, and takes them away again.
        path = configuration(tmp_path, forward="route")
        lab.ctl("up", "-c", str(path), check=True)
        assert lab.json("status")[0]["forward"] == "route"
        assert list(interfaces(lab)) == ["lan0", "wan0"]
        lab.ctl("up", "-c", str(configuration(tmp_path)), check=True)
        assert lab.json("status")[0]["forward"] == "stack"
        assert interfaces(lab)["wan0"]["mode"] == "native"
        lab.ctl("up", check=False)
        path.write_text(PLAIN_PORTAL + "[gateway]\nclient = lan0\n")
        lab.ctl("up", "-c", str(path), check=True)
        assert list(interfaces(lab)) == ["lan0"]
        xdp = json.loads(lab.run("gw", "ip", "-j", "link", "show", "wan0").stdout)[0].get("xdp")
        assert not xdp
        lab.ctl("down", check=True)
        assert gateway_state(lab) == before


def test_a_port_that_loses_frames_is_left_out(tmp_path):
    """A veth whose peer does not poll drops what is redirected to it, and tells nobody."""
    with running() as lab:
        lab.run("net", "ethtool", "-K", "net0", "gro", "off")
        lab.gate(configuration(tmp_path, forward="route"))
        lab.allow()
        found = interfaces(lab)
        assert found["wan0"]["forward"] == "stack"
        assert "frames cannot be redirected" in found["wan0"]["why"]
        grown = Grown(lab)
        assert lab.status(4) == 200
        assert grown["routed"] == 0
