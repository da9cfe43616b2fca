# SPDX-License-Identifier: GPL-2.0-or-later
"""Zones in the datapath: two interfaces and two VLANs, each with a garden and a forward mode of its own.

Not every kernel has VLAN devices, so the tags are written by hand: what a client sends with a tag is
judged by it, whatever the stack would do with the frame then."""

import socket

import pytest
from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether

from lab import CLIENT_MAC, GATEWAY_MAC, INTERNET, PLAIN_PORTAL, in_namespace, wait_until
from resolver import RESOLVER, Resolver

OTHER_MAC = "02:85:00:00:00:03"  # of the second interface's client
OTHER_CLIENT = {4: "10.87.0.2", 6: "fd87::2"}
OTHER_GATEWAY = {4: "10.87.0.1", 6: "fd87::1"}
OTHER_GATEWAY_MAC = "02:87:00:00:00:01"

CONFIGURATION = PLAIN_PORTAL + """
[gateway]
client = lan0
uplink = wan0

[captive]
resolvers = 10.85.0.1 10.86.0.3

[garden]
allow = 198.51.100.1
allow = 2001:db8::1

[zone rooms]
client = lan1
forward = route
allow = 198.51.100.2
allow = 2001:db8::2
allow = learn.test

[zone staff]
vlan = 12
client = lan0
allow = 198.51.100.3 udp/9

[zone guests]
vlan = 20-22
client = lan0
allow = rooms.test
"""

# Who is where: interface and VLAN of the client.
PLACES = {None: ("client0", 0), "staff": ("client0", 12), "guests": ("client0", 21), "rooms": ("client1", 0)}


def add_second_interface(lab):
    client, peer = lab.host("client"), "client1"
    lab.run("gw", "ip", "link", "add", "lan1", "address", OTHER_GATEWAY_MAC, "type", "veth", "peer",
            "name", peer, "address", OTHER_MAC, "netns", client)
    ends = (("gw", "lan1", OTHER_GATEWAY, OTHER_CLIENT, OTHER_MAC),
            ("client", peer, OTHER_CLIENT, OTHER_GATEWAY, OTHER_GATEWAY_MAC))
    # Before they are up: a veth takes redirected frames if its peer had GRO then.
    for role, device, *_ in ends:
        lab.run(role, "ethtool", "-K", device, "gro", "on", "tx", "off")
    for role, device, own, far, mac in ends:
        lab.run(role, "ip", "link", "set", device, "up")
        for family, bits in ((4, 24), (6, 64)):
            nodad = ["nodad"] if family == 6 else []
            lab.run(role, "ip", "address", "add", f"{own[family]}/{bits}", "dev", device, *nodad)
            lab.run(role, "ip", "neigh", "replace", far[family], "lladdr", mac, "dev", device)
    for family, gateway in OTHER_GATEWAY.items():
        lab.run("client", "ip", f"-{family}", "route", "add", "default", "via", gateway, "dev", peer,
                "metric", "9999")
    for family, net in ((4, "10.87.0.0/24"), (6, "fd87::/64")):
        lab.run("net", "ip", f"-{family}", "route", "replace", net, "via",
                {4: "10.86.0.1", 6: "fd86::1"}[family])


@pytest.fixture(scope="module")
def gated(hosts, tmp_path_factory):
    configuration = tmp_path_factory.mktemp("zones") / "zones.conf"
    configuration.write_text(CONFIGURATION)
    hosts.run("net", "ip", "address", "add", f"{RESOLVER}/24", "dev", "net0")
    add_second_interface(hosts)
    hosts.fix_neighbours()
    hosts.gate(configuration)
    hosts.configuration = configuration
    return hosts


@pytest.fixture
def lab(gated):
    yield gated
    gated.ctl("up", "-c", str(gated.configuration), check=True)
    for one in gated.json("garden", "list"):
        if one["source"] == "cli":
            zone = ["--zone", one["zone"]] if one["zone"] else []
            gated.ctl("garden", "remove", one["entry"], *zone, check=True)
    for vlan in (0, 12, 21):
        for mac in (CLIENT_MAC, OTHER_MAC):
            assert gated.ctl("client", "remove", mac, "--vlan", str(vlan)).returncode in (0, 3)


@pytest.fixture
def resolver(lab):
    server = Resolver(lab)
    yield server
    server.close()


def send(lab, zone, packet):
    """What the zone's client sends to the gateway."""
    device, vlan = PLACES[zone]
    mac, gateway = (OTHER_MAC, OTHER_GATEWAY_MAC) if device == "client1" else (CLIENT_MAC, GATEWAY_MAC)
    frame = Ether(src=mac, dst=gateway) / (Dot1Q(vlan=vlan) / packet if vlan else packet)

    def go():
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
            wire.bind((device, 0))
            wire.send(bytes(frame))

    in_namespace(lab.host("client"), go)


def verdict(lab, zone, packet):
    """The one reason that is counted for it."""
    before = lab.reasons()
    send(lab, zone, packet)

    def grown():
        now = lab.reasons()
        return [name for name in now if now[name] > before.get(name, 0)
                and not name.startswith("down_")]

    return wait_until(grown, 5, f"a verdict on {packet.summary()} in zone {zone}")


def datagram(zone, address, port=9):
    if ":" in address:
        return IPv6(src="fd85::2" if zone != "rooms" else "fd87::2", dst=address) / UDP(sport=999, dport=port)
    source = "10.87.0.2" if zone == "rooms" else "10.85.0.2"
    return IP(src=source, dst=address) / UDP(sport=999, dport=port)


def opens(lab, address, **options):
    """The zones whose captive clients may go there."""
    return {zone for zone in PLACES
            if verdict(lab, zone, datagram(zone, address, **options)) == ["garden"]}


def interfaces(lab):
    return {one["interface"]: one for one in lab.json("status")[0]["interfaces"]}


def test_each_zone_has_its_garden(lab):
    assert opens(lab, "198.51.100.1") == opens(lab, "2001:db8::1") == set(PLACES)
    assert opens(lab, "198.51.100.2") == opens(lab, "2001:db8::2") == {"rooms"}
    assert opens(lab, "198.51.100.3") == {"staff"}
    assert opens(lab, "198.51.100.3", port=10) == set()


def test_the_command_line_knows_zones(lab):
    lab.ctl("garden", "add", "198.51.100.9", "--zone", "guests", check=True)
    assert opens(lab, "198.51.100.9") == {"guests"}
    listed = {(one["entry"], one["zone"]) for one in lab.json("garden", "list")}
    assert listed == {
        ("198.51.100.1", None), ("2001:db8::1", None), ("198.51.100.2", "rooms"),
        ("2001:db8::2", "rooms"), ("learn.test", "rooms"), ("198.51.100.3", "staff"),
        ("rooms.test", "guests"), ("198.51.100.9", "guests")}
    assert {one["entry"] for one in lab.json("garden", "list", "--zone", "staff")} == {
        "198.51.100.1", "2001:db8::1", "198.51.100.3"}
    assert "ZONE" in lab.ctl("garden", "list").stdout
    for zone, status in (("guests", 0), ("staff", 1)):
        assert lab.ctl("garden", "test", "198.51.100.9", "--zone", zone).returncode == status
        assert lab.ctl("garden", "test", "198.51.100.1", "--zone", zone).returncode == 0
        assert lab.ctl("garden", "test", "rooms.test", "--zone", zone).returncode == status
    assert lab.ctl("garden", "test", "198.51.100.9").returncode == 1
    unknown = lab.ctl("garden", "add", "198.51.100.8", "--zone", "cellar")
    assert unknown.returncode == 3
    assert "there are rooms, staff, guests" in unknown.stderr
    assert lab.ctl("garden", "remove", "198.51.100.9").returncode == 3
    lab.ctl("garden", "remove", "198.51.100.9", "--zone", "guests", check=True)
    assert opens(lab, "198.51.100.9") == set()


def test_a_zone_keeps_its_garden_when_others_come_and_go(lab, tmp_path):
    """Numbers of zones are their places in the file; no zone gets another one's garden by it."""
    lab.ctl("garden", "add", "198.51.100.9", "--zone", "guests", check=True)
    lab.ctl("garden", "add", "198.51.100.7", "--zone", "rooms", check=True)
    before, rooms, rest = CONFIGURATION.partition("[zone rooms]")
    without = before + "[zone" + rest.partition("[zone")[2]
    changed = tmp_path / "changed.conf"
    changed.write_text(without)
    lab.ctl("up", "-c", str(changed), check=True)
    assert {(one["entry"], one["zone"]) for one in lab.json("garden", "list")} == {
        ("198.51.100.1", None), ("2001:db8::1", None), ("198.51.100.3", "staff"),
        ("rooms.test", "guests"), ("198.51.100.9", "guests")}
    assert verdict(lab, "guests", datagram("guests", "198.51.100.9")) == ["garden"]
    assert verdict(lab, "staff", datagram("staff", "198.51.100.9")) != ["garden"]
    lab.ctl("up", "-c", str(lab.configuration), check=True)
    assert opens(lab, "198.51.100.9") == {"guests"}
    assert opens(lab, "198.51.100.7") == set()


def client_socket(lab, device, family):
    """A socket of the client that sends by this device."""
    wire = lab.socket("client", family, socket.SOCK_DGRAM)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    if device == "client1":
        wire.bind((OTHER_CLIENT[family], 0))
    wire.settimeout(30)
    return wire


def learnt(lab):
    return {(one["entry"], one["name"], one["zone"]) for one in lab.json("garden", "list")
            if one["source"] == "learnt"}


def test_names_are_learnt_for_the_zone_that_has_them(lab, resolver):
    question = bytes(DNS(id=7, rd=1, qd=DNSQR(qname="learn.test")))
    resolver.records = [DNSRR(rrname="learn.test", type="A", ttl=60, rdata="198.51.100.4")]
    # Whoever asks: only the zone's clients are let there, and only they teach it.
    for device, known in (("client0", set()), ("client1", {("198.51.100.4", "learn.test", "rooms")})):
        with client_socket(lab, device, 4) as wire:
            wire.sendto(question, (RESOLVER, 53))
            assert DNS(wire.recv(512)).ancount == 1
        wait_until(lambda expected=known: learnt(lab) == expected, 5, f"what {device} taught")
    assert opens(lab, "198.51.100.4") == {"rooms"}


def test_each_zone_has_its_forward_mode(lab, family):
    lab.allow()
    lab.allow(mac=OTHER_MAC)
    for device, reason in (("client0", "authorized"), ("client1", "routed")):
        before = lab.reasons()
        with client_socket(lab, device, family) as wire:
            for _ in range(20):
                wire.sendto(b"marco", (INTERNET[family], 7))
                assert wire.recv(100) == b"marco"
        now = lab.reasons()
        # Uploads, and downloads too.
        assert now[reason] - before.get(reason, 0) == 20
        assert now["down_" + reason] - before.get("down_" + reason, 0) == 20


def test_forward_switches_one_zone_or_all(lab):
    assert interfaces(lab)["lan0"]["forward"] == "stack"
    assert interfaces(lab)["lan1"]["forward"] == "route"
    assert interfaces(lab)["lan1"]["zones"] == [{"zone": "rooms", "forward": "route"}]
    lab.ctl("forward", "route", "--zone", "staff", check=True)
    assert interfaces(lab)["lan0"]["zones"] == [
        {"zone": None, "forward": "stack"}, {"zone": "staff", "forward": "route"},
        {"zone": "guests", "forward": "stack"}]
    assert "of zone (other), guests by stack" in lab.ctl("status").stdout
    lab.ctl("forward", "stack", check=True)
    assert {one["forward"] for one in lab.json("status")[0]["zones"]} == {"stack"}
    lab.ctl("forward", "route", check=True)
    assert {one["forward"] for one in lab.json("status")[0]["zones"]} == {"route"}
    assert lab.ctl("forward", "route", "--zone", "cellar").returncode == 3
    assert lab.ctl("forward", "--zone", "staff").returncode == 2
