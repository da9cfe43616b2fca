# SPDX-License-Identifier: GPL-2.0-or-later
"""What `dhcp-snippet` prints, in the servers that it is for, read by a client."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess

import pytest
from scapy.all import DHCP, ICMPv6ND_RA, Ether

from lab import SBIN, Sniffer, pids, wait_until

URI = "https://portal.test/captive-portal/api"
CONFIGURATION = """[gateway]
client = lan0
[portal]
host = portal.test
certificate = portal.pem
plain_port = 8080
"""
DHCP_PORT = {4: ("udp", 67), 6: ("udp6", 547)}
RADVD_KNOWS_IT = (2, 20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("announce")
    (path / "sallyport.conf").write_text(CONFIGURATION)
    return path


def snippet(folder, server, *options, configuration="sallyport.conf"):
    return subprocess.run(
        [str(SBIN / "sallyport"), *options, "dhcp-snippet", server, "-c", str(folder / configuration)],
        capture_output=True, text=True, check=False,
    )


def text_of(folder, server):
    result = snippet(folder, server)
    assert result.returncode == 0, result.stderr
    return result.stdout


def part(text, begins):
    """The paragraph of a snippet whose first line holds these words."""
    return next(one for one in text.split("\n\n") if begins in one.split("\n")[0]) + "\n"


def silence(lab):
    """Tell the lab's own server to go."""
    for pid in pids(lab, "dnsmasq"):
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not listens(lab, 4) and not listens(lab, 6), 10, "the lab's server to end")


@pytest.fixture(scope="module")
def silent(hosts):
    """A lab without a server of its own."""
    silence(hosts)
    return hosts


def listens(lab, family):
    """Whether a DHCP server's port is open on the gateway."""
    table, port = DHCP_PORT[family]
    text = lab.run("gw", "cat", f"/proc/net/{table}").stdout
    return re.search(rf"^ *\d+: [0-9A-F]+:{port:04X} ", text, re.MULTILINE)


@contextlib.contextmanager
def serving(lab, *command, family=None):
    """A server on the gateway; with a family, of DHCP, which listens then."""
    assert shutil.which(command[0]), f"{command[0]} is missing; run tools/install-deps"
    server = subprocess.Popen(
        ["nsenter", f"--net=/run/netns/{lab.host('gw')}", "--", *command],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    try:
        if family:
            wait_until(lambda: server.poll() is not None or listens(lab, family), 10, command[0])
        assert server.poll() is None, server.stdout.read()
        yield
    finally:
        server.terminate()
        server.communicate(timeout=60)


def dnsmasq(lab, folder, family, text=None):
    """With the snippet @text; without, that of the folder's configuration."""
    (folder / "dnsmasq.conf").write_text(
        "interface=lan0\nexcept-interface=lo\nbind-interfaces\nno-resolv\nno-hosts\nlog-facility=-\n"
        "address=/portal.test/10.85.0.1\naddress=/portal.test/fd85::1\n"
        f"dhcp-authoritative\nno-ping\ndhcp-leasefile={folder}/dnsmasq.leases\n"
        "dhcp-range=10.85.0.100,10.85.0.199,255.255.255.0,1h\ndhcp-range=fd85::100,fd85::1ff,64,1h\n"
        + (text or text_of(folder, "dnsmasq"))
    )
    return serving(
        lab, "dnsmasq", "--keep-in-foreground", f"--conf-file={folder}/dnsmasq.conf", "--pid-file=",
        family=family,
    )


def isc(lab, folder, family):
    network = {
        4: "subnet 10.85.0.0 netmask 255.255.255.0 { range 10.85.0.100 10.85.0.199; }\n",
        6: "subnet6 fd85::/64 { range6 fd85::100 fd85::1ff; }\n",
    }[family]
    name = {4: "Into dhcpd.conf", 6: "Into dhcpd6.conf"}[family]
    (folder / "dhcpd.conf").write_text(
        "authoritative;\n" + part(text_of(folder, "isc"), name) + network
    )
    (folder / "dhcpd.leases").write_text("")
    return serving(
        lab, "dhcpd", f"-{family}", "-f", "-q", "--no-pid", "-cf", str(folder / "dhcpd.conf"),
        "-lf", str(folder / "dhcpd.leases"), "lan0", family=family,
    )


def leased(lab, folder, family):
    """What dhclient understood the option to be."""
    name = {4: "api", 6: "dhcp6.api"}[family]
    code = {4: 114, 6: 103}[family]
    (folder / "dhclient.conf").write_text(
        f"option {name} code {code} = text;\nalso request {name};\n"
    )
    leases, pid = folder / "leases", folder / "pid"
    for old in (leases, pid):
        old.unlink(missing_ok=True)
    lab.run(
        "client", "timeout", "25", "dhclient", f"-{family}", "-1", "-sf", "/bin/true",
        "-cf", str(folder / "dhclient.conf"), "-lf", str(leases), "-pf", str(pid), "client0",
    )
    wait_until(lambda: pid.exists() and pid.read_text().strip(), 5, "the pid file of dhclient")
    os.kill(int(pid.read_text()), signal.SIGTERM)
    return re.search(rf"option {name} \"(.*)\";", leases.read_text())[1]


def has_option(frame, family):
    """Whether a frame from the server has the option, with the URI and not a byte more."""
    if family == 4:
        layer = Ether(frame).getlayer(DHCP)
        raw = bytes(layer) if layer else b""
        return bytes([114, len(URI)]) + URI.encode() in raw
    return (103).to_bytes(2, "big") + len(URI).to_bytes(2, "big") + URI.encode() in frame


@pytest.mark.parametrize("server", [dnsmasq, isc])
def test_dhcp(silent, folder, family, server):
    with server(silent, folder, family), Sniffer(silent.host("client"), "client0") as wire:
        assert leased(silent, folder, family) == URI
    assert any(has_option(frame, family) for frame in wire.frames)


@pytest.mark.parametrize("version", [4, 6])
def test_kea(folder, version):
    program = f"kea-dhcp{version}"
    assert shutil.which(program), f"{program} is missing; run tools/install-deps"
    fragment = part(text_of(folder, "kea"), f"Into \"Dhcp{version}\"")
    file = folder / f"{program}.conf"
    file.write_text(
        '{ "Dhcp%d": {\n"lease-database": { "type": "memfile", "persist": false },\n%s} }\n'
        % (version, fragment)
    )

    def check():
        return subprocess.run(
            [program, "-t", str(file)], capture_output=True, text=True, check=False,
            env={**os.environ, "KEA_LOCKFILE_DIR": "none", "KEA_PIDFILE_DIR": str(folder)},
        )

    good = check()
    assert good.returncode == 0, good.stdout + good.stderr
    file.write_text(file.read_text().replace("captive-portal\"", "captive-porter\""))
    assert check().returncode != 0


def radvd_version():
    assert shutil.which("radvd"), "radvd is missing; run tools/install-deps"
    text = subprocess.run(["radvd", "--version"], capture_output=True, text=True, check=False)
    number = re.search(r"Version: (\d+)\.(\d+)", text.stdout + text.stderr)
    return int(number[1]), int(number[2])


def test_radvd(silent, folder):
    """What is on the wire, where radvd knows the option; else that this line is all it minds."""
    file = folder / "radvd.conf"
    begin = "interface lan0 {\nAdvSendAdvert on;\nMinRtrAdvInterval 3;\nMaxRtrAdvInterval 4;\n"
    file.write_text(begin + text_of(folder, "radvd") + "};\n")
    if radvd_version() < RADVD_KNOWS_IT:
        check = ["radvd", "--configtest", "-C", str(file)]
        result = subprocess.run(check, capture_output=True, text=True, check=False)
        line = 1 + file.read_text().split("\n").index(f'AdvCaptivePortalAPI "{URI}";')
        assert f"radvd.conf:{line} error" in result.stdout + result.stderr
        file.write_text(re.sub("AdvCaptivePortalAPI.*;", "", file.read_text()))
        assert subprocess.run(check, capture_output=True, check=False).returncode == 0
        return
    uri = URI.encode()
    units = (2 + len(uri) + 7) // 8
    option = bytes([37, units]) + uri + bytes(8 * units - 2 - len(uri))
    command = ("radvd", "--nodaemon", "-C", str(file), "-p", str(folder / "radvd.pid"), "-m", "stderr")
    with Sniffer(silent.host("client"), "client0") as wire, serving(silent, *command):
        wire.wait(lambda frame: ICMPv6ND_RA in Ether(frame) and option in frame, 10)


def test_odhcpd(folder):
    """Not in Debian: the options of UCI as its documentation has them."""
    options = re.findall(r"^\t(.*)$", text_of(folder, "odhcpd"), re.MULTILINE)
    assert options == [f"option captive_portal_uri '{URI}'", f"list dhcp_option '114,{URI}'"]


@pytest.mark.parametrize("server", ["dnsmasq", "kea", "isc", "radvd", "odhcpd"])
def test_json(folder, server):
    answer = json.loads(snippet(folder, server, "-j").stdout)
    assert answer == {
        "server": server, "uri": URI, "garden": [], "snippet": text_of(folder, server)
    }


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("certificate = portal.pem\n", "", "`certificate`"),
        ("host = portal.test\n", "", "`host`"),
        ("portal.test", ".".join(["x" * 60] * 4), "at most 255"),
    ],
    ids=["plain HTTP", "no name", "too long"],
)
def test_what_cannot_be_announced(folder, old, new, words):
    (folder / "bad.conf").write_text(CONFIGURATION.replace(old, new))
    result = snippet(folder, "dnsmasq", configuration="bad.conf")
    assert (result.returncode, result.stdout) == (2, "")
    assert words in result.stderr and "bad.conf" in result.stderr


def test_unknown_server(folder):
    result = snippet(folder, "dhcpcd")
    assert (result.returncode, result.stdout) == (2, "")
    assert "dnsmasq, kea, isc, radvd or odhcpd" in result.stderr


def test_other_port(folder):
    (folder / "port.conf").write_text(CONFIGURATION + "port = 8443\n")
    text = snippet(folder, "isc", configuration="port.conf").stdout
    assert text.count('"https://portal.test:8443/captive-portal/api"') == 2


@pytest.fixture(scope="module")
def issued(folder):
    """A certificate that says where it can be asked for."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", str(folder / "issued.key"), "-out", str(folder / "issued.pem"), "-days", "2",
         "-subj", "/CN=portal.test", "-addext",
         "authorityInfoAccess=caIssuers;URI:http://ca.test/ca.crt,OCSP;URI:http://ocsp.test/x,"
         "OCSP;URI:http://OCSP.test",
         "-addext", "crlDistributionPoints=URI:http://crl.test:8080/x.crl,URI:ldap://ldap.test/x"],
        capture_output=True, check=True,
    )
    (folder / "issued.conf").write_text(CONFIGURATION.replace("portal.pem", "issued.pem"))
    return "issued.conf"


def test_what_the_certificate_needs(folder, issued):
    """The lines can be put into the configuration as they are."""
    entries = ["ocsp.test tcp/80", "crl.test tcp/8080"]
    answer = json.loads(snippet(folder, "kea", "-j", configuration=issued).stdout)
    assert answer["garden"] == entries
    lines = re.findall(r"^//\s+(allow = .*)$", answer["snippet"], re.MULTILINE)
    assert lines == [f"allow = {entry}" for entry in entries]
    with_garden = folder / "garden.conf"
    with_garden.write_text((folder / issued).read_text() + "[garden]\n" + "\n".join(lines) + "\n")
    result = snippet(folder, "dnsmasq", configuration="garden.conf")
    assert result.returncode == 0, result.stderr


def test_certificate_that_cannot_be_read(folder):
    """The announcement is the same; the reader is told what is missing in it."""
    text = text_of(folder, "dnsmasq")
    assert f"dhcp-option=114,{URI}\n" in text
    assert f"{folder}/portal.pem" in text
