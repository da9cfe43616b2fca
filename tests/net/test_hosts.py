# SPDX-License-Identifier: GPL-2.0-or-later
"""What hosts do with a network besides HTTP, through an authorized session, in every mode."""

import hashlib
import shutil
import socket
import struct
import threading

import pytest

from lab import (
    CLIENT_MAC, FAMILY, GATEWAY, GATEWAY_MAC, INTERNET, PLAIN_PORTAL, Sniffer, in_namespace,
    wait_until,
)

IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_MTU = 10, 2, 14
IPV6_MTU_DISCOVER, IPV6_MTU = 23, 24
ESP, GRE, SCTP = 50, 47, 132
WIRES = [("client", "client0"), ("gw", "lan0"), ("gw", "wan0"), ("net", "net0")]


@pytest.fixture(scope="module", params=["native", "generic", "tc", "route"])
def gate(request, hosts, tmp_path_factory):
    """The gate in one mode of attaching, or with the route fast path, its first client authorized."""
    attach = "native" if request.param == "route" else request.param
    route = "forward = route\nuplink = wan0\n" if request.param == "route" else ""
    path = tmp_path_factory.mktemp("gate") / "sallyport.conf"
    path.write_text(PLAIN_PORTAL + f"[gateway]\nclient = lan0\nattach = {attach}\n{route}")
    hosts.gate(path)
    assert mode_of(hosts) == attach
    hosts.fix_neighbours()
    hosts.allow()
    yield hosts
    hosts.ctl("down", check=True)


def mode_of(lab):
    return lab.json("status")[0]["interfaces"][0]["mode"]


def forward_of(lab):
    return lab.json("status")[0]["interfaces"][0]["forward"]


def pattern(size):
    """Octets of which no two pieces are alike."""
    block = b"".join(hashlib.sha256(struct.pack("!I", n)).digest() for n in range(4096))
    return (block * (size // len(block) + 1))[:size]


def through_echo(lab, family, size):
    """Send so much to the Internet's echo while it comes back; whether it was the same."""
    data, back = pattern(size), hashlib.sha256()
    with lab.socket("client", family) as connection:
        connection.settimeout(20)
        connection.connect((INTERNET[family], 7))

        def send():
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        while piece := connection.recv(262144):
            back.update(piece)
        sender.join()
    return back.digest() == hashlib.sha256(data).digest()


# --- ways and sizes ---


@pytest.mark.parametrize("how", ["-U", "-I"], ids=["udp", "icmp"])
def test_traceroute(gate, family, how):
    assert shutil.which("traceroute"), "traceroute is missing; run tools/install-deps"
    result = gate.run(
        "client", "traceroute", "-n", f"-{family}", how, "-q", "1", "-w", "2", "-m", "4",
        INTERNET[family],
    )
    hops = [line.split()[1] for line in result.stdout.splitlines()[1:]]
    assert hops == [GATEWAY[family], INTERNET[family]]


def test_ping(gate, family):
    result = gate.run("client", "ping", "-n", "-c", "3", "-i", "0.1", INTERNET[family])
    assert " 0% packet loss" in result.stdout


@pytest.fixture
def narrow(gate):
    """A network behind the gateway with small packets."""
    for role, device in WIRES[2:]:
        gate.run(role, "ip", "link", "set", device, "mtu", "1300")
    yield gate
    for role, device in WIRES[2:]:
        gate.run(role, "ip", "link", "set", device, "mtu", "1500")
    for family in ("-4", "-6"):
        gate.run("client", "ip", family, "route", "flush", "cache")


def test_path_mtu_discovery(narrow, family):
    """The gateway's ICMP reaches the client, whose stack learns from it."""
    level = {4: socket.IPPROTO_IP, 6: socket.IPPROTO_IPV6}[family]
    option = {4: (IP_MTU_DISCOVER, IP_MTU), 6: (IPV6_MTU_DISCOVER, IPV6_MTU)}[family]
    with narrow.socket("client", family, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(level, option[0], IP_PMTUDISC_DO)
        sender.connect((INTERNET[family], 7))
        assert sender.getsockopt(level, option[1]) == 1500
        sender.send(bytes(1400))

        def learnt():
            try:
                return sender.getsockopt(level, option[1]) == 1300
            except OSError:
                return False

        wait_until(learnt, 3, "the path MTU")
    assert through_echo(narrow, family, 1_000_000)


@pytest.mark.parametrize("state", ["on", "off"])
def test_large_transfers(gate, family, state):
    """With segments made and joined by the hosts and the gateway, or not."""
    for role, device in WIRES:
        gate.run(role, "ethtool", "-K", device, "tso", state, "gso", state)
    # At the ends of a veth it decides whether frames can be redirected to them at all.
    for role, device in WIRES[1:3]:
        gate.run(role, "ethtool", "-K", device, "gro", state)
    before = gate.client()
    assert through_echo(gate, family, 8_000_000)
    after = gate.client()
    for direction in ("up", "down"):
        moved = after[f"{direction}_bytes"] - before[f"{direction}_bytes"]
        packets = after[f"{direction}_packets"] - before[f"{direction}_packets"]
        # Payload, a header of at most 80 bytes for each packet, few retransmissions.
        assert 8_000_000 + packets * 40 <= moved < 8_000_000 * 1.2 + packets * 80
        assert packets >= 8_000_000 // 1460


@pytest.fixture
def jumbo(gate):
    for role, device in WIRES:
        gate.run(role, "ip", "link", "set", device, "mtu", "9000")
    yield gate
    for role, device in WIRES:
        gate.run(role, "ip", "link", "set", device, "mtu", "1500")
    for family in ("-4", "-6"):
        gate.run("client", "ip", family, "route", "flush", "cache")


def test_jumbo_frames(jumbo, family):
    """Larger than a page: the driver gives XDP several buffers."""
    assert jumbo.udp_echo(family, pattern(8900)) == pattern(8900)
    assert through_echo(jumbo, family, 2_000_000)


# --- many flows, odd protocols ---


def test_many_udp_flows(gate, family):
    """64 flows of 10 datagrams: all come back, all are counted."""
    before, passed = gate.client(), gate.reasons().get("routed", 0)
    ends = [gate.socket("client", family, socket.SOCK_DGRAM) for _ in range(64)]
    try:
        for number, end in enumerate(ends):
            end.settimeout(30)
            end.connect((INTERNET[family], 7))
        for turn in range(10):
            for number, end in enumerate(ends):
                end.send(b"flow %d turn %d" % (number, turn))
            for number, end in enumerate(ends):
                assert end.recv(100) == b"flow %d turn %d" % (number, turn)
    finally:
        for end in ends:
            end.close()
    after = gate.client()
    assert after["up_packets"] - before["up_packets"] == 640
    assert after["down_packets"] - before["down_packets"] == 640
    # Past the stack where that was asked for, and only there.
    routed = forward_of(gate) == "route"
    assert (gate.reasons().get("routed", 0) - passed >= 600) == routed


def test_fragments(gate, family):
    """A datagram in three pieces there, in three pieces back."""
    before = gate.client()
    assert gate.udp_echo(family, pattern(4000)) == pattern(4000)
    after = gate.client()
    assert after["up_packets"] - before["up_packets"] == 3
    assert after["down_packets"] - before["down_packets"] == 3


@pytest.mark.parametrize("protocol", [ESP, GRE, SCTP], ids=["esp", "gre", "sctp"])
def test_other_protocols(gate, family, protocol):
    data = b"\x00\x00\x08\x00 no TCP and no UDP " + bytes([protocol, family])
    with Sniffer(gate.host("net"), "net0") as network:
        with gate.socket("client", family, socket.SOCK_RAW, protocol) as raw:
            raw.sendto(data, (INTERNET[family], 0))
        network.wait(lambda frame: data in frame)


def test_multicast(gate, family):
    """Of an authorized client, to whoever listens at the gateway."""
    group = {4: "239.85.0.1", 6: "ff15::85"}[family]

    def listen():
        listener = socket.socket(FAMILY[family], socket.SOCK_DGRAM)
        listener.settimeout(30)
        listener.bind(("", 8585))
        number = struct.pack("@I", socket.if_nametoindex("lan0"))
        packed = socket.inet_pton(FAMILY[family], group)
        if family == 4:
            request = packed + socket.inet_aton(GATEWAY[4])
            listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
        else:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, packed + number)
        return listener

    with in_namespace(gate.host("gw"), listen) as listener:
        with gate.socket("client", family, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"to whoever listens", (group, 8585))
        assert listener.recv(100) == b"to whoever listens"


def test_tagged_frames(gate):
    """A session on a VLAN: its frames go on with their tag; on another VLAN they do not."""
    octets = [bytes.fromhex(mac.replace(":", "")) for mac in (GATEWAY_MAC, CLIENT_MAC)]

    def send(vlan):
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
            wire.bind(("client0", 0))
            wire.send(octets[0] + octets[1] + struct.pack("!HHH", 0x8100, vlan, 0x88B5) + bytes(46))

    gate.allow("--vlan", "85")
    try:
        before = gate.reasons()
        for vlan in (85, 86):
            in_namespace(gate.host("client"), lambda vlan=vlan: send(vlan))
        after = gate.reasons()
        assert gate.json("client", "show", CLIENT_MAC, "--vlan", "85")[0]["up_packets"] == 1
        assert after["ethertype"] - before.get("ethertype", 0) == 1
    finally:
        gate.ctl("client", "remove", CLIENT_MAC, "--vlan", "85", check=True)
