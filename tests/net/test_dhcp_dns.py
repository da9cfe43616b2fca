# SPDX-License-Identifier: GPL-2.0-or-later
"""What a captive client needs before it can log in: an address, a router, names."""

import os
import re
import shutil
import signal
import subprocess

import pytest
from scapy.all import ICMPv6ND_RA, ICMPv6ND_RS, Ether, IPv6

from lab import CLIENT, CLIENT_MAC, GATEWAY, INTERNET, Sniffer, wait_until


def lease(lab, folder, version):
    """The text of the lease that dhclient was given; it configures nothing."""
    assert shutil.which("dhclient"), "dhclient is missing; run tools/install-deps"
    leases, pid = folder / "leases", folder / "pid"
    lab.run(
        "client", "timeout", "20", "dhclient", version, "-1", "-sf", "/bin/true",
        "-cf", "/dev/null", "-lf", str(leases), "-pf", str(pid), "client0",
    )
    # It goes to the background when it has its lease, and writes this from there.
    wait_until(lambda: pid.exists() and pid.read_text().strip(), 5, "the pid file of dhclient")
    os.kill(int(pid.read_text()), signal.SIGTERM)
    return leases.read_text()


class Renewing:
    """A dhclient that has an address and asks for it again a second later, as others do after half
    an hour: to the server that gave it, from the address that it has."""

    SCRIPT = """#!/bin/sh
case $reason in
BOUND | REBOOT) ip address replace "$new_ip_address/32" dev "$interface" ;;
BOUND6) ip address replace "$new_ip6_address/128" dev "$interface" nodad ;;
esac
echo "$reason $new_ip_address$new_ip6_address" >>"$0.log"
"""

    def __init__(self, lab, folder, version):
        self.lab, self.script, self.leases = lab, folder / "script", folder / "leases"
        self.log = folder / "script.log"
        self.script.write_text(self.SCRIPT)
        self.script.chmod(0o755)
        configuration = folder / "dhclient.conf"
        configuration.write_text("supersede dhcp-renewal-time 1;\n")
        self.command = [
            "dhclient", version, "-d", "-sf", str(self.script), "-cf", str(configuration),
            "-lf", str(self.leases), "-pf", str(folder / "pid"), "client0",
        ]

    def start(self):
        self.process = self.lab.popen("client", *self.command, stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def __enter__(self):
        self.start()
        return self

    def wait(self, reason):
        """The address that dhclient was given for that reason."""
        def told():
            text = self.log.read_text() if self.log.exists() else ""
            return re.search(rf"^{reason} (\S+)$", text, re.MULTILINE)

        return wait_until(told, 10, reason)[1]

    def __exit__(self, *_):
        self.stop()
        for address in set(re.findall(r"^BOUND6? (\S+)$", self.log.read_text(), re.MULTILINE)):
            prefix = 128 if ":" in address else 32
            self.lab.run("client", "ip", "address", "delete", f"{address}/{prefix}", "dev", "client0")


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


@pytest.mark.parametrize("authorized", [False, True], ids=["captive", "authorized"])
def test_lease_is_renewed(lab, tmp_path, authorized):
    if authorized:
        lab.allow()
    with Renewing(lab, tmp_path, "-4") as client:
        address = client.wait("BOUND")
        assert client.wait("RENEW") == address


@pytest.mark.parametrize("authorized", [False, True], ids=["captive", "authorized"])
def test_ipv6_lease_is_renewed(lab, tmp_path, authorized):
    """dhclient takes the time of renewal from its leases: those of a first run, changed."""
    if authorized:
        lab.allow()
    with Renewing(lab, tmp_path, "-6") as client:
        address = client.wait("BOUND6")
        client.stop()
        client.leases.write_text(re.sub(r"renew \d+;", "renew 1;", client.leases.read_text()))
        client.log.write_text(f"BOUND6 {address}\n")
        client.start()
        assert client.wait("RENEW6") == address


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
