# SPDX-License-Identifier: GPL-2.0-or-later
"""What a captive client needs before it can log in: an address, a router, names."""

import os
import re
import shutil
import signal

import pytest
from scapy.all import ICMPv6ND_RA, ICMPv6ND_RS, Ether, IPv6

from lab import CLIENT, CLIENT_MAC, GATEWAY, INTERNET, Sniffer


def lease(lab, folder, version):
    """The text of the lease that dhclient was given; it configures nothing."""
    assert shutil.which("dhclient"), "dhclient is missing; run tools/install-deps"
    leases, pid = folder / "leases", folder / "pid"
    lab.run(
        "client", "timeout", "20", "dhclient", version, "-1", "-sf", "/bin/true",
        "-cf", "/dev/null", "-lf", str(leases), "-pf", str(pid), "client0",
    )
    os.kill(int(pid.read_text()), signal.SIGTERM)
    return leases.read_text()


def dig(lab, server, *question):
    result = lab.run(
        "client", "dig", "+short", "+tries=1", "+time=1", f"@{server}", *question, check=False
    )
    return result.stdout.split() if result.returncode == 0 else None


def test_dhcp(lab, tmp_path):
    text = lease(lab, tmp_path, "-4")
    assert re.search(r"fixed-address 10\.85\.0\.1\d\d;", text)
    assert "option routers 10.85.0.1;" in text
    assert "option domain-name-servers 10.85.0.1;" in text
    assert lab.reasons()["dhcp"] >= 2


def test_dhcpv6(lab, tmp_path):
    text = lease(lab, tmp_path, "-6")
    assert re.search(r"iaaddr fd85::1[0-9a-f]{2} ", text)
    assert "dhcp6.name-servers fd85::1;" in text


def test_router_advertisement_reaches_a_captive_client(lab):
    solicitation = (
        Ether(src=CLIENT_MAC, dst="33:33:00:00:00:02")
        / IPv6(src="fe80::85:ff:fe00:2", dst="ff02::2", hlim=255)
        / ICMPv6ND_RS()
    )
    with Sniffer(lab.host("client"), "client0") as wire:
        wire.socket.send(bytes(solicitation))
        wire.wait(lambda frame: ICMPv6ND_RA in Ether(frame))


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_dns(lab, family, transport):
    assert dig(lab, GATEWAY[family], transport, "www.example.org", "A") == [INTERNET[4]]
    assert dig(lab, GATEWAY[family], transport, "www.example.org", "AAAA") == [INTERNET[6]]


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_other_resolvers_are_out_of_reach(lab, family, transport):
    with Sniffer(lab.host("net"), "net0") as network:
        assert dig(lab, INTERNET[family], transport, "www.example.org", "A") is None
    assert network.with_address(CLIENT[family]) == []
