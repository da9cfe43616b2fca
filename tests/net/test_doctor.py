# SPDX-License-Identifier: GPL-2.0-or-later
"""What the doctor finds on a gateway with something wrong, and that his remedies help."""

import contextlib
import json
import re
import socket
import threading
from pathlib import Path

import pytest

from lab import (
    CONFIGURATION, COOKIES, GATEWAY, INTERNET, PLAIN_PORTAL, PORTAL_PORT, foreign_program, wait_until,
)

NAMED = f"[gateway]\nclient = lan0\n{PLAIN_PORTAL}host = portal.test\n"
ROUTED = PLAIN_PORTAL + "[gateway]\nclient = lan0\nuplink = wan0\nforward = route\n"


class Report:
    def __init__(self, lab, *options):
        result = lab.ctl("-j", "doctor", *options)
        self.whole = json.loads(result.stdout)
        assert result.stderr == ""
        worst = self.whole["warnings"] + self.whole["errors"]
        assert result.returncode == (1 if worst else 0)

    def find(self, check, about=""):
        """Those findings of the check that are not good."""
        return [
            one for one in self.whole["findings"]
            if one["check"] == check and one["about"] == about and one["level"] != "ok"
        ]

    def level(self, check, about=""):
        """How bad it is; good when nothing is said but that it is."""
        found = self.find(check, about)
        return found[0]["level"] if found else "ok"


def write(folder, text):
    path = folder / "sallyport.conf"
    path.write_text(text)
    return str(path)


def sysctl(lab, name, value):
    lab.run("gw", "sysctl", "-qw", f"{name}={value}")


@pytest.fixture
def bare(hosts):
    """The hosts without a gate, before and after."""
    yield hosts
    hosts.ctl("down")
    for name in ("all", "lan0", "wan0"):
        sysctl(hosts, f"net.ipv4.conf.{name}.rp_filter", 0)
    hosts.run("gw", "ethtool", "-K", "lan0", "rxvlan", "on")


@contextlib.contextmanager
def stranger(lab, *how):
    """Somebody's XDP program on lan0."""
    with foreign_program("xdp") as pin:
        lab.run("gw", "bpftool", "net", "attach", *how, "pinned", str(pin), "dev", "lan0")
        try:
            yield
        finally:
            off = "xdpgeneric" if "xdpgeneric" in how else "xdp"
            lab.run("gw", "ip", "link", "set", "dev", "lan0", off, "off")


def offload(lab):
    """Whether the card strips tags, by ethtool."""
    shown = lab.run("gw", "ethtool", "-k", "lan0").stdout
    return re.search(r"^rx-vlan-offload: (\w+)", shown, re.M)[1]


def rp_filter(lab):
    return lab.run("gw", "cat", "/proc/sys/net/ipv4/conf/lan0/rp_filter").stdout.strip()


def spoil(lab):
    lab.run("gw", "ethtool", "-K", "lan0", "rxvlan", "on")
    sysctl(lab, "net.ipv4.conf.lan0.rp_filter", 1)


def test_three_are_named_and_two_mended_by_hand(bare, tmp_path):
    path = write(tmp_path, ROUTED)
    spoil(bare)
    with stranger(bare, "xdpdrv"):
        report = Report(bare, "-c", path)
        # Looking has changed nothing.
        assert report.level("rxvlan", "lan0") == "warning" and offload(bare) == "on"
        assert report.level("rp_filter", "lan0") == "warning" and rp_filter(bare) == "1"
        foreign = report.find("foreign_xdp", "lan0")[0]
        assert foreign["level"] == "error" and "other_prog" in foreign["what"]
        for check in ("rxvlan", "rp_filter"):
            finding = report.find(check, "lan0")[0]
            assert finding["why"] and finding["mends"]
            bare.run("gw", "sh", "-c", finding["command"])
        report = Report(bare, "-c", path)
        assert report.level("rxvlan", "lan0") == report.level("rp_filter", "lan0") == "ok"
        # Whose it is and who needs it, only the operator knows.
        assert report.level("foreign_xdp", "lan0") == "error" and not foreign["mends"]
        bare.run("gw", "sh", "-c", foreign["command"])
        assert Report(bare, "-c", path).level("foreign_xdp", "lan0") == "ok"
    bare.ctl("up", "-c", path, check=True)
    assert Report(bare).level("xdp", "lan0") == "ok"


def test_the_doctor_mends_what_interrupts_nobody(bare, tmp_path):
    path = write(tmp_path, ROUTED)
    spoil(bare)
    with stranger(bare, "xdpgeneric"):
        report = Report(bare, "-c", path, "--mend")
        assert {one["check"] for one in report.whole["mended"]} == {"rxvlan", "rp_filter"}
        assert not any(one["error"] for one in report.whole["mended"])
        assert report.level("rxvlan", "lan0") == report.level("rp_filter", "lan0") == "ok"
        assert report.find("foreign_xdp", "lan0")[0]["command"].endswith("xdpgeneric off")
    assert offload(bare) == "off" and rp_filter(bare) == "2"


def test_tags_matter_where_there_are_vlans(bare, tmp_path):
    assert Report(bare, "-c", write(tmp_path, NAMED)).level("rxvlan", "lan0") == "note"
    path = write(tmp_path, PLAIN_PORTAL + "[gateway]\nclient = lan0\n[zone guests]\nvlan = 12\n")
    assert Report(bare, "-c", path).level("rxvlan", "lan0") == "warning"


def test_past_nat_and_firewall(bare, tmp_path):
    path = write(tmp_path, ROUTED)
    assert Report(bare, "-c", path).level("nat") == "ok"
    bare.run("gw", "nft", "add table ip spt")
    try:
        bare.run("gw", "nft", "add chain ip spt out { type nat hook postrouting priority 100; }")
        bare.run("gw", "nft", "add chain ip spt through { type filter hook forward priority 0; }")
        # Chains without a rule do nothing.
        assert Report(bare, "-c", path).level("nat") == "ok"
        bare.run("gw", "nft", "add rule ip spt out oifname wan0 masquerade")
        bare.run("gw", "nft", "add rule ip spt through ct state invalid drop")
        report = Report(bare, "-c", path)
        assert report.level("nat") == "error" and "spt" in report.find("nat")[0]["what"]
        assert report.level("firewall") == "warning"
        # Through the stack they hold.
        assert not Report(bare, "-c", str(CONFIGURATION)).find("nat")
    finally:
        bare.run("gw", "nft", "delete table ip spt")


@contextlib.contextmanager
def answering(lab, host, answer):
    """A server of the Internet's at UDP port 53 that sends what it is asked through answer()."""
    with lab.socket(host, 4, socket.SOCK_DGRAM) as server:
        server.bind((INTERNET[4], 53))
        server.settimeout(0.1)
        over = threading.Event()

        def serve():
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    question, whose = server.recvfrom(512)
                    server.sendto(answer(question), whose)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def test_resolvers(bare, tmp_path):
    elsewhere = write(tmp_path, f"[captive]\nresolvers = {INTERNET[4]}\n" + NAMED)
    found = Report(bare, "-c", elsewhere).find("resolver", INTERNET[4])[0]
    assert found["level"] == "error" and "no resolver listens" in found["what"]
    # The wrong name, type and count in the answer to it.
    with answering(bare, "net", lambda question: question[:2] + b"\x81\x80" + question[:8]):
        found = Report(bare, "-c", elsewhere).find("resolver", INTERNET[4])[0]
        assert found["level"] == "error" and "is no resolver" in found["what"]
    refused = lambda question: question[:2] + b"\x81\x85" + question[4:]
    with answering(bare, "net", refused):
        report = Report(bare, "-c", elsewhere)
        assert report.level("resolver", INTERNET[4]) == "warning"
        assert "no address of portal.test" in report.find("host", INTERNET[4])[0]["what"]


def test_portal_s_name(bare, tmp_path):
    report = Report(bare, "-c", write(tmp_path, NAMED))
    assert report.level("resolver", GATEWAY[4]) == report.level("host", GATEWAY[4]) == "ok"
    # The lab's resolver takes any other name for the Internet.
    report = Report(bare, "-c", write(tmp_path, NAMED.replace("portal.test", "login.test")))
    found = report.find("host", GATEWAY[4])[0]
    assert found["level"] == "error" and INTERNET[4] in found["what"]
    assert f"address=/login.test/{GATEWAY[4]}" in found["why"]


def test_certificate(bare, tmp_path):
    path = write(tmp_path, NAMED + "certificate = portal.crt\nkey = portal.key\n")
    assert "portal.crt" in Report(bare, "-c", path).find("certificate")[0]["what"]
    bare.ctl("cert", "self-signed", "-c", path, "--days", "3", check=True)
    found = Report(bare, "-c", path).find("certificate")[0]
    assert found["level"] == "warning" and "days" in found["what"]


def test_before_up(bare, tmp_path):
    report = Report(bare, "-c", write(tmp_path, PLAIN_PORTAL + "[gateway]\nclient = lan7\n"))
    assert report.level("interface", "lan7") == "error"
    assert "lan0" in report.find("interface", "lan7")[0]["what"]
    assert report.level("loaded", bare.name) == "note"
    ledger = Path(f"/var/lib/{bare.name}/ledger.db")
    ledger.parent.mkdir(exist_ok=True)
    ledger.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 16)
    # What can be looked at without a configuration is.
    report = Report(bare, "-c", write(tmp_path, "[gateway]\nclint = lan0\nguard = 7\n"))
    assert [one["level"] for one in report.find("config")][:2] == ["error", "error"]
    assert ":2:" in report.find("config")[0]["what"] and ":3:" in report.find("config")[1]["what"]
    assert [one for one in report.whole["findings"] if one["check"] == "programs"]
    assert report.level("ledger") == "error" and "ledger.db" in report.find("ledger")[0]["what"]
    ledger.unlink()


def test_switches_of_the_kernel(bare):
    bare.run("gw", "ip", "link", "set", "dev", "lan0", "down")
    sysctl(bare, "net.ipv4.ip_forward", 0)
    bare.run("gw", "ip", "rule", "add", "fwmark", "7", "lookup", "main")
    try:
        report = Report(bare, "-c", str(CONFIGURATION))
        assert report.level("link", "lan0") == "error"
        bare.run("gw", "sh", "-c", report.find("link", "lan0")[0]["command"])
        assert report.level("rules") == "note"
        bare.run("gw", "sh", "-c", report.find("forwarding")[0]["command"])
        report = Report(bare, "-c", str(CONFIGURATION))
        assert report.level("link", "lan0") == report.level("forwarding") == "ok"
    finally:
        bare.run("gw", "ip", "rule", "delete", "fwmark", "7", "lookup", "main")
        bare.run("gw", "sh", "-c", "ip link set dev lan0 up; sysctl -qw net.ipv4.ip_forward=1")
        # What went with the link.
        bare.run("gw", "ip", "-6", "address", "replace", "fd85::1/64", "dev", "lan0", "nodad")


def test_gate(bare):
    bare.gate()
    report = Report(bare, "--probe")
    assert report.whole["errors"] == 0
    tried = {one["check"] for one in report.whole["findings"] if one["group"] == "As a client"}
    assert tried == {"dhcp", "announced", "client_dns", "client_portal", "client_http"}
    # The lab's server does not announce the API.
    assert report.level("announced", "lan0") == "note"
    heard = [one["about"] for one in report.whole["findings"] if one["check"] == "portal"]
    assert {f"{GATEWAY[4]} port 443", f"{GATEWAY[6]} port {PORTAL_PORT}"} <= set(heard)
    # The machine's clock is nobody's here.
    assert {one["check"] for one in report.whole["findings"] if one["level"] == "warning"} <= {
        "clock"
    }
    bare.ctl("bypass", "on", check=True)
    assert Report(bare).level("bypass") == "warning"
    bare.ctl("bypass", "off", check=True)
    bare.run("gw", "kill", str(bare.daemon_pid()))
    wait_until(lambda: not bare.daemon_pid(), 10, "the end of the daemon")
    report = Report(bare)
    assert report.level("daemon") == "error" and report.level("loaded", bare.name) == "ok"
    # A program that was taken away.
    bare.run("gw", "sh", "-c", f"rm /sys/fs/bpf/{bare.name}/links/xdp-lan0")
    wait_until(lambda: Report(bare).level("attached", "lan0") == "error" or
               Report(bare).find("xdp", "lan0"), 5, "that XDP is gone")


def test_as_a_client(bare):
    """A firewall that keeps clients from what Sallyport lets them have."""
    bare.gate()
    bare.run("gw", "nft", "add table ip spt")
    try:
        bare.run("gw", "nft", "add chain ip spt in { type filter hook input priority 0; }")
        bare.run("gw", "nft", "add rule ip spt in iifname lan0 udp dport 53 drop")
        bare.run("gw", "nft", "add rule ip spt in iifname lan0 tcp dport 443 drop")
        report = Report(bare, "--probe")
        assert report.level("client_dns", "lan0") == "error"
        assert report.level("client_portal", "lan0") == "error"
        assert report.level("client_http", "lan0") == report.level("dhcp", "lan0") == "ok"
        # The gateway itself gets there.
        assert report.level("resolver", GATEWAY[4]) == "ok"
        assert report.level("portal", f"{GATEWAY[4]} port 443") == "ok"
    finally:
        bare.run("gw", "nft", "delete table ip spt")
    # Captured HTTP goes to local sockets in two ways.
    for protocol in ("tcp", "udp"):
        bare.run("gw", "nft", "add table ip spt")
        try:
            bare.run("gw", "nft", "add chain ip spt in { type filter hook input priority 0; }")
            bare.run("gw", "nft", f"add rule ip spt in meta l4proto {protocol} meta mark 0x53000000 drop")
            found = Report(bare, "--probe").find("client_http", "lan0")[0]
            assert found["level"] == ("error" if protocol == "tcp" or COOKIES else "ok")
            assert protocol.upper() in found["why"] or found["level"] == "ok"
        finally:
            bare.run("gw", "nft", "delete table ip spt")
    # Without --probe nobody is played.
    assert not [one for one in Report(bare).whole["findings"] if one["group"] == "As a client"]


def test_text(bare, tmp_path):
    text = bare.ctl("doctor", "-c", write(tmp_path, NAMED)).stdout
    assert "\033" not in text and "ethtool -K lan0 rxvlan off" in text
    assert text.splitlines()[-1].startswith("errors 0, warnings ")
