# SPDX-License-Identifier: GPL-2.0-or-later
"""RADIUS against a real FreeRADIUS in the lab's Internet: logins, accounting, CoA and Disconnect; and
servers that are silent, slow or lie."""

import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest

import radius
from external import make_certificate
from lab import CLIENT, CLIENT_MAC, GATEWAY, INTERNET, PORTAL_PORT, in_namespace, wait_until

STATION = CLIENT_MAC.upper().replace(":", "-")
PORTAL = f"https://{GATEWAY[4]}/captive-portal"
OTHER = "10.86.0.3"  # a second address of the Internet, for a second server

CONFIGURATION = """
[gateway]
client = lan0

[portal]
certificate = {folder}/certificate.pem
key = {folder}/key.pem
plain_port = 8080
methods = click radius
verifiers = 3
attempts = none
account_attempts = none

[radius]
server = {server}
accounting = {accounting}
secret_file = {secret}
timeout = 1s
tries = {tries}
protocol = {protocol}
nas_identifier = lobby
interim = 60s
coa = {coa}
"""


class Gate:
    """The lab's gate with a configuration of its own."""

    def __init__(self, lab, folder):
        self.lab = lab
        self.folder = folder
        make_certificate(folder, f"IP:{GATEWAY[4]}")
        self.file = folder / "sallyport.conf"
        self.secret = folder / "secret"
        self.secret.write_text(radius.SECRET + "\n")
        self.secret.chmod(0o600)

    def up(self, server=INTERNET[4], accounting="none", protocol="pap", coa="off", tries=1):
        self.file.write_text(CONFIGURATION.format(
            server=server, accounting=accounting, secret=self.secret, protocol=protocol, coa=coa,
            tries=tries, folder=self.folder,
        ))
        self.lab.gate(self.file)

    def down(self):
        """Everything but the hosts; nothing of one test is told to the server of the next."""
        self.lab.ctl("down", check=True)
        shutil.rmtree(f"/var/lib/{self.lab.name}")

    def restart(self):
        """The daemon alone."""
        os.kill(self.lab.daemon_pid(), signal.SIGTERM)
        wait_until(lambda: not self.lab.json("status")[0]["daemon"], 10, "the daemon is gone")
        self.lab.gate(self.file)

    def log(self):
        return Path(f"/run/sallyport-lab/{self.lab.name}/sallyportd.log").read_text()


@pytest.fixture(scope="module")
def net(hosts):
    """The hosts, the Internet with a second address."""
    hosts.run("net", "ip", "address", "add", f"{OTHER}/24", "dev", "net0")
    return hosts


@pytest.fixture
def gate(net, tmp_path):
    gate = Gate(net, tmp_path)
    yield gate
    gate.down()


@pytest.fixture
def server(net):
    with radius.Server(net.host("net")) as server:
        yield server


def log_in(gate, name, password, seconds=20):
    """Status and text of a login for machines."""
    result = gate.lab.run(
        "client", "curl", "-s", "--max-time", str(seconds), "--cacert",
        f"{gate.folder}/certificate.pem", "--user", f"{name}:{password}",
        "-H", "Accept: application/json", "-w", "\n%{http_code}", f"{PORTAL}/login", check=False,
        timeout=seconds + 10,
    )
    text, _, status = result.stdout.rpartition("\n")
    return int(status), text


def log_out(gate):
    gate.lab.run("client", "curl", "-s", "--max-time", "5", "--cacert",
                 f"{gate.folder}/certificate.pem", "-X", "POST", f"{PORTAL}/logout")


def session(lab):
    return lab.client()


# --- logins ---


@pytest.mark.parametrize("protocol", ["pap", "chap"])
@pytest.mark.parametrize("family", [4, 6])
def test_login(gate, server, protocol, family):
    """Right and wrong, by IPv4 and IPv6; what was asked names client and gateway."""
    lab = gate.lab
    gate.up(server=INTERNET[family] if family == 4 else f"[{INTERNET[6]}]:1812", protocol=protocol)
    assert log_in(gate, "plain", "wrong")[0] == 401
    assert lab.ctl("client", "show", CLIENT_MAC).returncode == 3
    status, text = log_in(gate, "plain", "plain-word")
    assert status == 200, text + gate.log()
    assert json.loads(text)["captive"] is False
    assert session(lab)["state"] == "authorized"
    asked = dict(server.records("asked")[-1])
    assert asked["User-Name"] == '"plain"'
    assert asked["Calling-Station-Id"] == f'"{STATION}"'
    assert asked["Called-Station-Id"] == '"02-85-00-00-00-01"'
    assert asked["NAS-Identifier"] == '"lobby"'
    assert asked["Service-Type"] == "Login-User"
    assert asked["NAS-Port-Type"] == "Wireless-802.11"
    assert "Message-Authenticator" in asked and "Event-Timestamp" in asked
    assert asked.get("Framed-IP-Address") == CLIENT[4] or "Framed-IPv6-Address" in asked
    assert ("CHAP-Password" in asked) == (protocol == "chap")
    assert ("User-Password" in asked) == (protocol == "pap")
    assert radius.SECRET not in gate.log() and "plain-word" not in gate.log()


def test_what_the_server_grants(gate, server):
    lab = gate.lab
    gate.up()
    assert log_in(gate, "alice", "wonderland")[0] == 200
    shown = session(lab)
    assert 1790 <= shown["seconds_left"] <= 1800
    assert shown["idle_limit"] == 600
    assert shown["quota"] == 5_000_000_000
    assert shown["quota_up"] == 1_000_000_000 and shown["quota_down"] == 2_000_000_000
    assert shown["rate_up"] == 5_000_000 and shown["rate_down"] == 20_000_000


def test_refusals(gate, server):
    """Rejected with the server's words, too late, and a password longer than PAP can carry."""
    lab = gate.lab
    gate.up()
    assert log_in(gate, "banned", "whatever")[0] == 401
    assert log_in(gate, "nobody", "whatever")[0] == 401
    assert log_in(gate, "late", "too-late")[0] == 403
    assert log_in(gate, "plain", "x" * 200)[0] == 401
    assert lab.ctl("client", "show", CLIENT_MAC).returncode == 3
    assert lab.status(4) == 511


# --- servers that do not do what they should ---


class Pretender:
    """A UDP server in the Internet while the `with` block runs: answer(request) gives the datagrams
    that it sends back. What came is kept."""

    def __init__(self, lab, answer, address=OTHER, port=1812):
        self.answer = answer
        self.requests = []

        def make():
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            server.bind((address, port))
            return server

        self.socket = in_namespace(lab.host("net"), make)
        self.thread = threading.Thread(target=self.serve)

    def serve(self):
        while True:
            request, peer = self.socket.recvfrom(4096)
            if not request:
                return
            self.requests.append(request)
            for reply in self.answer(request):
                self.socket.sendto(reply, peer)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        # Reading ends; what was sent to it is of no interest any more.
        name = self.socket.getsockname()
        self.socket.sendto(b"", name)
        self.thread.join(10)
        self.socket.close()


def silent(_request):
    return []


def accept(request, **options):
    return radius.reply(request, 2, radius.attribute(27, struct.pack("!I", 900)), **options)


def test_failover(gate, server):
    """The first server is silent: the second one decides, and is asked first from then on."""
    lab = gate.lab
    with Pretender(lab, silent, port=1899) as dead:
        gate.up(server=f"{OTHER}:1899 {INTERNET[4]}", tries=2)
        # Each verifier finds out by itself.
        for _ in range(12):
            assert log_in(gate, "plain", "plain-word")[0] == 200
            log_out(gate)
        assert 2 <= len(dead.requests) <= 3 * 2
    assert "no answer" in gate.log()


def test_silence(gate):
    """Nobody answers: the client is told so, and nobody else waits for it."""
    lab = gate.lab
    with Pretender(lab, silent):
        gate.up(server=OTHER, tries=9)
        result = []
        waiting = threading.Thread(target=lambda: result.append(log_in(gate, "plain", "x")))
        waiting.start()
        for _ in range(3):
            assert lab.curl("10.85.0.1", path="/", port=PORTAL_PORT).status == 200
            assert lab.json("status")[0]["daemon"]
        assert waiting.is_alive(), "others were served meanwhile"
        waiting.join()
        assert result[0][0] == 503, result
        assert lab.status(4) == 511


LIES = {
    "another's secret": lambda request: [accept(request, secret="another")],
    "no signature": lambda request: [accept(request, signed=False)],
    "false signature": lambda request: [accept(request, signature=b"\0" * 16)],
    "false authenticator": lambda request: [
        accept(request)[:4] + b"\0" * 16 + accept(request)[20:]],
    "another request's": lambda request: [
        accept(bytes([request[0], request[1] ^ 1]) + request[2:])],
    "truncated": lambda request: [accept(request)[:-1]],
    "an attribute too long": lambda request: [
        radius.reply(request, 2, b"\x1b\xff\0\0\0\x05")],
    "an attribute too short": lambda request: [radius.reply(request, 2, b"\x1b\x00\0\0")],
    "its own request": lambda request: [request],
    "nothing": lambda request: [b"", b"\2"],
    "an answer to accounting": lambda request: [radius.reply(request, 5, b"")],
}


def test_lies(gate):
    """What is no answer of the server is not believed, and does not keep the right one away."""
    lab = gate.lab
    lie = [silent]
    with Pretender(lab, lambda request: lie[0](request)) as liar:
        gate.up(server=OTHER)
        for name, lies in LIES.items():
            lie[0] = lies
            assert log_in(gate, "plain", "x")[0] == 503, name
        assert lab.ctl("client", "show", CLIENT_MAC).returncode == 3
        lie[0] = lambda request: [
            wrong for lies in LIES.values() for wrong in lies(request)] + [accept(request)]
        assert log_in(gate, "plain", "x")[0] == 200, len(liar.requests)
        assert session(lab)["seconds_left"] <= 900
    assert "is not believed: it has no Message-Authenticator" in gate.log()


# --- accounting ---


def of_status(server, status):
    return [dict(one) for one in server.records() if ("Acct-Status-Type", status) in one]


def octets(record, direction):
    return int(record[f"Acct-{direction}-Octets"]) + (
        int(record[f"Acct-{direction}-Gigawords"]) << 32)


def fetch(lab, times=5):
    for _ in range(times):
        assert lab.status(4) == 200


def settled(lab):
    """The counters of the session when nothing is on its way any more."""
    before = None
    while True:
        now = {key: value for key, value in session(lab).items()
               if key.startswith(("up_", "down_"))}
        if now == before:
            return now
        before = now
        time.sleep(0.3)


def test_accounting(gate, server):
    """Start, Interim-Update and Stop say what the counters say."""
    lab = gate.lab
    gate.up(accounting=INTERNET[4])
    wait_until(lambda: of_status(server, "Accounting-On"), 10, "the gateway's beginning")
    assert log_in(gate, "alice", "wonderland")[0] == 200
    wait_until(lambda: of_status(server, "Start"), 10, "a start")
    fetch(lab)
    lab.fix_neighbours()
    first = settled(lab)
    update = wait_until(lambda: of_status(server, "Interim-Update"), 90, "an update")[0]
    last = settled(lab)
    for direction, way in (("Input", "up"), ("Output", "down")):
        assert first[f"{way}_bytes"] <= octets(update, direction) <= last[f"{way}_bytes"]
    lab.ctl("client", "remove", CLIENT_MAC, check=True)
    stop = wait_until(lambda: of_status(server, "Stop"), 15, "a stop")[0]
    start = of_status(server, "Start")[0]
    for direction, way in (("Input", "up"), ("Output", "down")):
        assert octets(stop, direction) == last[f"{way}_bytes"] > 0
        assert int(stop[f"Acct-{direction}-Packets"]) == last[f"{way}_packets"]
    assert stop["Acct-Terminate-Cause"] == "Admin-Reset"
    assert 60 <= int(stop["Acct-Session-Time"]) <= 600
    assert start["Acct-Session-Id"] == update["Acct-Session-Id"] == stop["Acct-Session-Id"]
    for record in (start, update, stop):
        assert record["User-Name"] == '"alice"'
        assert record["Calling-Station-Id"] == f'"{STATION}"'
        assert record["NAS-Identifier"] == '"lobby"'
        assert record["Acct-Authentic"] == "RADIUS"
    classes = [value for name, value in server.records()[-1] if name == "Class"]
    assert classes == ["0x726f6f6d2d3132", "0x0001ff"]
    assert stop["Framed-IP-Address"] == CLIENT[4]
    assert len(of_status(server, "Start")) == len(of_status(server, "Stop")) == 1


def test_sign_out_ends_accounting(gate, server):
    gate.up(accounting=INTERNET[4])
    assert log_in(gate, "plain", "plain-word")[0] == 200
    log_out(gate)
    stop = wait_until(lambda: of_status(server, "Stop"), 15, "a stop")[0]
    assert stop["Acct-Terminate-Cause"] == "User-Request"


def test_nothing_is_lost_to_a_dead_server(gate, server, net):
    """A session begins and ends while no server hears of it, and the daemon is started again."""
    gate.up(accounting=f"{INTERNET[4]}:1999")
    assert log_in(gate, "plain", "plain-word")[0] == 200
    log_out(gate)
    gate.restart()
    with radius.Server(net.host("net"), auth=1998, acct=1999) as late:
        stop = wait_until(lambda: of_status(late, "Stop"), 60, "a stop")[0]
        start = of_status(late, "Start")[0]
        assert start["Acct-Session-Id"] == stop["Acct-Session-Id"]
        assert int(start["Acct-Delay-Time"]) >= 1


# --- CoA and Disconnect ---


def radclient(lab, kind, attributes, secret=radius.SECRET, timestamp=None, source=INTERNET[4]):
    """The code of the answer of the gateway ("CoA-ACK"), and its Error-Cause; None: no answer."""
    lines = [*attributes, f"Event-Timestamp = {timestamp or int(time.time())}",
             "Message-Authenticator = 0x00", f"Packet-Src-IP-Address = {source}"]
    result = subprocess.run(
        ["nsenter", f"--net=/run/netns/{lab.host('net')}", "--", "radclient", "-x", "-t", "2", "-r",
         "1", "10.86.0.1:3799", kind, secret],
        input=",".join(lines), capture_output=True, text=True, check=False, timeout=30,
    )
    code = re.search(r"Received ([\w-]+) Id", result.stdout)
    cause = re.search(r"Error-Cause = (\S+)", result.stdout)
    return (code.group(1), cause.group(1) if cause else None) if code else None


@pytest.fixture
def obedient(gate, server):
    """A gate that obeys the server, with a session of alice."""
    gate.up(accounting=INTERNET[4], coa="on")
    assert log_in(gate, "alice", "wonderland")[0] == 200
    return gate


def test_disconnect(obedient, server):
    """By each name of a session; all that are given must be right."""
    lab = obedient.lab
    fetch(lab)
    start = wait_until(lambda: of_status(server, "Start"), 10, "a start")[0]
    names = ['User-Name = "alice"', f'Calling-Station-Id = "{STATION}"',
             f"Acct-Session-Id = {start['Acct-Session-Id']}", f"Framed-IP-Address = {CLIENT[4]}",
             'NAS-Identifier = "lobby"']
    wrong = ['User-Name = "bob"', 'Calling-Station-Id = "02-85-00-00-00-99"',
             'Acct-Session-Id = "00000000000000ff"', "Framed-IP-Address = 10.85.0.77"]
    for one in wrong:
        others = [name for name in names if name.split()[0] != one.split()[0]]
        assert radclient(lab, "disconnect", [*others, one]) == (
            "Disconnect-NAK", "Session-Context-Not-Found"), one
    assert radclient(lab, "disconnect", [names[0], 'NAS-Identifier = "attic"']) == (
        "Disconnect-NAK", "NAS-Identification-Mismatch")
    assert radclient(lab, "disconnect", [names[0], "Session-Timeout = 5"]) == (
        "Disconnect-NAK", "Unsupported-Attribute")
    assert session(lab)["state"] == "authorized"
    assert radclient(lab, "disconnect", names) == ("Disconnect-ACK", None)
    assert lab.status(4) == 511
    stop = wait_until(lambda: of_status(server, "Stop"), 15, "a stop")[0]
    assert stop["Acct-Terminate-Cause"] == "Admin-Reset"
    assert radclient(lab, "disconnect", names)[1] == "Session-Context-Not-Found"


def test_change(obedient, server):
    """New limits take the place of old ones; the session goes on with all that it has counted."""
    lab = obedient.lab
    fetch(lab)
    before = settled(lab)
    assert radclient(lab, "coa", ['User-Name = "alice"', "Session-Timeout = 300",
                                  "WISPr-Bandwidth-Max-Down = 3000000",
                                  "ChilliSpot-Max-Total-Octets = 123456789"]) == ("CoA-ACK", None)
    shown = session(lab)
    assert 290 <= shown["seconds_left"] <= 300
    assert shown["rate_down"] == 3_000_000 and shown["rate_up"] == 5_000_000
    assert shown["quota"] == 123_456_789 and shown["quota_up"] == 1_000_000_000
    assert shown["idle_limit"] == 600
    assert {key: shown[key] for key in before} == before
    fetch(lab, 1)
    assert session(lab)["up_bytes"] > before["up_bytes"]
    assert radclient(lab, "coa", ['User-Name = "alice"', "ChilliSpot-Max-Total-Octets = 1"]) == (
        "CoA-NAK", "Invalid-Attribute-Value")
    assert radclient(lab, "coa", ['User-Name = "alice"']) == ("CoA-NAK", "Missing-Attribute")
    assert session(lab)["quota"] == 123_456_789
    assert len(of_status(server, "Start")) <= 1 and not of_status(server, "Stop")


def test_strangers(obedient):
    """Another secret, address or time, and what was sent before: no answer, and nothing happens."""
    lab = obedient.lab
    name = ['User-Name = "alice"']
    assert radclient(lab, "disconnect", name, secret="another") is None
    assert radclient(lab, "disconnect", name, source=OTHER) is None
    assert radclient(lab, "disconnect", name, timestamp=int(time.time()) - 400) is None
    assert session(lab)["state"] == "authorized"

    request = radius.request(43, 7, radius.attribute(55, struct.pack("!I", int(time.time())))
                             + radius.attribute(1, b"alice")
                             + radius.attribute(27, struct.pack("!I", 200)))

    def send(port, seconds=30):
        with lab.socket("net", 4, socket.SOCK_DGRAM) as sender:
            sender.settimeout(seconds)
            sender.bind((INTERNET[4], port))
            sender.sendto(request, ("10.86.0.1", 3799))
            try:
                return sender.recv(4096)
            except TimeoutError:
                return None

    first = send(40001)
    assert first[0] == 44
    assert send(40001) == first, "who asks again is answered again"
    assert send(40002, 2) is None, "a replay"
    assert session(lab)["state"] == "authorized"
    for why in ("authenticator is wrong", "not one of coa_clients", "older than five minutes",
                "sent before"):
        assert why in obedient.log()
