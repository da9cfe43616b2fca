# SPDX-License-Identifier: GPL-2.0-or-later
"""What a captive client may not have is refused at once, and a real client's stack believes it."""

import socket
import struct
import subprocess
import time

import pytest
from scapy.all import IP, TCP, UDP, IPv6

from lab import CLIENT, CLIENT_MAC, GATEWAY_MAC, INTERNET, PLAIN_PORTAL, Sniffer, in_namespace, running, url

FAST = 0.010
SIZES = (0, 1, 3, 100, 471, 472, 1400)
SOL_PACKET, PACKET_AUXDATA = 263, 8
IPV6_DSTOPTS = 59

PASS = """
__attribute__((section("xdp"), used)) int on(void *context) { return 2; }
char LICENSE[] __attribute__((section("license"), used)) = "GPL";
"""


def configuration(folder, attach, captive=""):
    path = folder / "sallyport.conf"
    path.write_text(PLAIN_PORTAL + f"[gateway]\nclient = lan0\nattach = {attach}\n[captive]\n{captive}")
    return path


def answer_in_the_driver(lab, folder):
    """The program that no veth gets, because its peer must run XDP too: here it does."""
    (folder / "pass.c").write_text(PASS)
    subprocess.run(["clang", "-target", "bpf", "-O2", "-g", "-c", folder / "pass.c", "-o",
                    folder / "pass.o"], check=True)
    pins = f"/sys/fs/bpf/{lab.name}"
    subprocess.run(["bpftool", "prog", "load", folder / "pass.o", f"{pins}-pass"], check=True)
    try:
        lab.run("client", "ip", "link", "set", "dev", "client0", "xdp", "pinned", f"{pins}-pass")
    finally:
        subprocess.run(["rm", f"{pins}-pass"], check=True)
    lab.run("gw", "ip", "link", "set", "dev", "lan0", "xdp", "pinned",
            f"{pins}/programs/sallyport_xdp")


@pytest.fixture(scope="module", params=["native", "generic", "tc", "driver"])
def gated(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("refuse")
    with running() as lab:
        lab.mode = request.param
        lab.gate(configuration(folder, "tc" if lab.mode == "driver" else lab.mode))
        if lab.mode == "driver":
            answer_in_the_driver(lab, folder)
        yield lab


def refusal(sock, attempt):
    """How long it took until the attempt was refused."""
    sock.settimeout(30)
    begin = time.monotonic()
    with pytest.raises(ConnectionRefusedError):
        attempt(sock)
    return time.monotonic() - begin


# No operation, and padding.
OPTION = {4: (socket.IPPROTO_IP, socket.IP_OPTIONS, b"\1\1\1\0"),
          6: (socket.IPPROTO_IPV6, IPV6_DSTOPTS, bytes([0, 0, 1, 4, 0, 0, 0, 0]))}


def connect(lab, family, option=None):
    with lab.socket("client", family) as sock:
        if option:
            sock.setsockopt(*option)
        return refusal(sock, lambda to: to.connect((INTERNET[family], 443)))


def ask(lab, family, size=100, option=None):
    def attempt(sock):
        sock.send(bytes(size))
        sock.recv(100)

    with lab.socket("client", family, socket.SOCK_DGRAM) as sock:
        if option:
            sock.setsockopt(*option)
        sock.connect((INTERNET[family], 443))
        return refusal(sock, attempt)


def challenges(lab):
    """Resets that the client's stack did not take at once (RFC 5961)."""
    head, values = lab.run("client", "grep", "^TcpExt", "/proc/net/netstat").stdout.splitlines()[:2]
    return int(dict(zip(head.split(), values.split()))["TCPChallengeACK"])


def test_tcp(lab, family):
    before = lab.reasons().get("reset", 0)
    assert min(connect(lab, family) for _ in range(5)) < FAST
    assert lab.reasons()["reset"] == before + 5


def test_tcp_with_options(lab, family):
    """Only a segment whose checksum waits for its wire cannot be answered behind the driver."""
    before = lab.reasons().get("tcp", 0)
    lab.run("client", "ethtool", "-K", "client0", "tx", "off")
    connect(lab, family, OPTION[family])
    lab.run("client", "ethtool", "-K", "client0", "tx", "on")
    assert lab.reasons().get("tcp", 0) == before
    with lab.socket("client", family) as sock:
        sock.setsockopt(*OPTION[family])
        sock.settimeout(30 if lab.mode == "driver" else 0.2)
        with pytest.raises(ConnectionRefusedError if lab.mode == "driver" else TimeoutError):
            sock.connect((INTERNET[family], 443))
    assert lab.reasons().get("tcp", 0) == before + (lab.mode != "driver")


def test_udp(lab, family):
    before = lab.reasons().get("unreachable", 0)
    for size in SIZES:
        assert min(ask(lab, family, size) for _ in range(3)) < FAST
    assert lab.reasons()["unreachable"] == before + 3 * len(SIZES)


def test_https(lab, family):
    address = url(INTERNET[family]).replace("http:", "https:")
    times = []
    for _ in range(3):
        result = lab.run(
            "client", "curl", "-s", "-m", "5", "-w", "%{time_total}", address, check=False)
        assert result.returncode == 7, result.stdout
        times.append(float(result.stdout))
    assert min(times) < 0.1


def test_counted_where_it_happens(lab, family):
    """In the driver nothing comes to the stack; else the answer leaves through it."""
    before = lab.reasons()
    connect(lab, family)
    ask(lab, family)
    after = lab.reasons()
    through = after.get("down_refusal", 0) - before.get("down_refusal", 0)
    assert through == (0 if lab.mode == "driver" else 2)
    for reason in ("tcp", "udp", "down_captive", "internal", "malformed"):
        assert after.get(reason, 0) == before.get(reason, 0), reason


@pytest.mark.parametrize("offload", ["on", "off"])
def test_upload_of_an_ended_session(lab, family, offload):
    """Its next packet is reset, however large, exactly where the client's stack wants it."""
    lab.run("client", "ethtool", "-K", "client0", "tso", offload, "gso", offload)
    lab.allow()
    with lab.socket("client", family) as connection:
        connection.settimeout(30)
        connection.connect((INTERNET[family], 7))
        connection.sendall(b"marco")
        assert connection.recv(100) == b"marco"
        before = lab.reasons().get("reset", 0), challenges(lab)
        lab.forget()
        begin = time.monotonic()
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while True:
                connection.sendall(bytes(1 << 16))
        assert time.monotonic() - begin < 10
    assert lab.reasons()["reset"] > before[0]
    assert challenges(lab) == before[1]
    lab.run("client", "ethtool", "-K", "client0", "tso", "on", "gso", "on")


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_download_of_an_ended_session(lab, family, size):
    """The client sends nothing; what the server sends becomes a reset."""
    lab.allow()
    with lab.socket("net", family) as listener, lab.socket("client", family) as connection:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((INTERNET[family], 9000))
        listener.listen()
        connection.settimeout(30)
        connection.connect((INTERNET[family], 9000))
        server, _ = listener.accept()
        with server:
            server.sendall(b"hello")
            assert connection.recv(100) == b"hello"
            time.sleep(0.1)  # the acknowledgement was sent with the session
            before = lab.reasons(), challenges(lab)
            lab.forget()
            server.setblocking(False)
            begin = time.monotonic()
            server.send(bytes(size))
            with pytest.raises(ConnectionResetError):
                connection.recv(100)
            assert time.monotonic() - begin < 10
    after = lab.reasons()
    assert after["down_reset"] > before[0].get("down_reset", 0)
    assert after.get("reset", 0) == before[0].get("reset", 0)
    assert challenges(lab) == before[1]


# --- the answers on the wire ---


def total(data):
    """RFC 1071; what holds its own checksum gives 0xffff."""
    words = struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2))
    result = sum(words)
    while result >> 16:
        result = (result & 0xFFFF) + (result >> 16)
    return result


def pseudo(addresses, protocol, length):
    return addresses + struct.pack("!II", length, protocol)


class Answer:
    """A frame to the client, its checksums checked."""

    def __init__(self, frame):
        version = frame[14] >> 4
        head = 20 if version == 4 else 40
        self.ip, self.body = frame[14 : 14 + head], frame[14 + head :]
        if version == 4:
            length = struct.unpack_from("!H", self.ip, 2)[0] - 20
            self.hops, self.protocol, addresses = self.ip[8], self.ip[9], self.ip[12:20]
            assert total(self.ip) == 0xFFFF
        else:
            length = struct.unpack_from("!H", self.ip, 4)[0]
            self.hops, self.protocol, addresses = self.ip[7], self.ip[6], self.ip[8:40]
        assert len(self.body) == length
        covered = b"" if self.protocol == 1 else pseudo(addresses, self.protocol, length)
        assert total(covered + self.body) == 0xFFFF
        assert self.hops == 64
        self.quote = self.body[8:] if self.protocol != 6 else None

    def quoted_udp(self, options, complete):
        """The quoted UDP packet, its own checksum checked if the quote has all of it."""
        head = (20 if self.quote[0] >> 4 == 4 else 40) + options
        udp = self.quote[head:]
        length = struct.unpack_from("!H", udp, 4)[0]
        if complete and length <= len(udp):
            addresses = self.quote[12:20] if self.quote[0] >> 4 == 4 else self.quote[8:40]
            assert total(pseudo(addresses, 17, length) + udp) == 0xFFFF
        return udp


def is_answer(frame):
    """To the client, and a segment from port 443 or an ICMP message of that type."""
    if frame[:6] != bytes.fromhex(CLIENT_MAC.replace(":", "")):
        return False
    kind = {b"\x08\x00": (frame[23], frame[34:36]), b"\x86\xdd": (frame[20], frame[54:56])}.get(
        frame[12:14])
    return kind in ((6, b"\x01\xbb"), (1, b"\3\3"), (58, b"\1\4"))


@pytest.fixture(params=["completed", "offloaded"])
def wire(lab, request):
    """Somebody completes the checksums: the gateway, of what came without, or the client itself.
    Before they are completed, nothing on a veth can be checked."""
    host, device = {"completed": ("gw", "lan0"), "offloaded": ("client", "client0")}[request.param]
    lab.run(host, "ethtool", "-K", device, "tx", "off")
    lab.by = host
    yield lab
    lab.run(host, "ethtool", "-K", device, "tx", "on")


def test_checksums(wire, family):
    # A driver quotes what it was given.
    complete = wire.mode != "driver" or wire.by != "gw"
    option = OPTION[family]
    with Sniffer(wire.host("client"), "client0") as sniffer:
        connect(wire, family)
        for size in SIZES:
            ask(wire, family, size)
        for size in SIZES:
            ask(wire, family, size, option)
    seen = [Answer(frame) for frame in sniffer.frames if is_answer(frame)]
    assert [one.quote is None for one in seen] == [True] + [False] * 2 * len(SIZES)
    for index, one in enumerate(seen[1:]):
        udp = one.quoted_udp(len(option[2]) if index >= len(SIZES) else 0, complete)
        assert struct.unpack_from("!H", udp, 4)[0] == 8 + SIZES[index % len(SIZES)]
        assert len(one.quote) <= 512


def exchange(lab, frame):
    """Send a frame with its tags; the first tagged one that comes back to the client, with the tag
    that its stack took off."""
    def work():
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as wire:
            wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
            wire.bind(("client0", 0))
            wire.settimeout(30)
            wire.send(frame)
            while True:
                data, ancillary, _, _ = wire.recvmsg(2048, 256)
                if data[:6] != frame[6:12]:
                    continue
                tag = b""
                for _, _, content in ancillary:
                    status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", content[:20])
                    tag = struct.pack("!HH", tpid, tci) if status & 16 else b""
                if (tag + data[12:])[:2] == frame[12:14]:
                    return data[:12] + tag + data[12:]

    return in_namespace(lab.host("client"), work)


@pytest.mark.parametrize("tags", ["81006064", "88a8006481000007"], ids=["802.1Q", "QinQ"])
@pytest.mark.parametrize("protocol", [TCP(sport=4000, dport=443, seq=9), UDP(sport=4000, dport=443)],
                         ids=["tcp", "udp"])
def test_tags_are_kept(lab, family, tags, protocol):
    ends = {"src": CLIENT[family], "dst": INTERNET[family]}
    packet = bytes((IP(**ends) if family == 4 else IPv6(**ends)) / protocol)
    macs = [bytes.fromhex(mac.replace(":", "")) for mac in (GATEWAY_MAC, CLIENT_MAC)]
    behind = bytes.fromhex(tags) + (b"\x08\x00" if family == 4 else b"\x86\xdd")
    frame = exchange(lab, macs[0] + macs[1] + behind + packet)
    assert frame[: 12 + len(behind)] == macs[1] + macs[0] + behind
    answer = Answer(frame[:12] + frame[10 + len(behind) :])
    if isinstance(protocol, TCP):
        assert answer.body[4:14] == struct.pack("!IIH", 0, 10, 0x5014)
    else:
        assert answer.quote == packet


# --- the operator's choice ---


def test_drop(hosts, tmp_path, family):
    """Each by itself; nothing comes back."""
    def timed_out(attempt):
        try:
            attempt()
        except (TimeoutError, BlockingIOError):
            return True
        except ConnectionRefusedError:
            return False
        raise AssertionError("there was an answer")

    def silent(lab):
        with lab.socket("client", family) as stream, \
                lab.socket("client", family, socket.SOCK_DGRAM) as datagram:
            stream.settimeout(1)
            datagram.settimeout(1)
            tcp = timed_out(lambda: stream.connect((INTERNET[family], 443)))
            datagram.connect((INTERNET[family], 443))
            datagram.send(b"x")
            return tcp, timed_out(lambda: datagram.recv(10))

    hosts.gate(configuration(tmp_path, "auto", "refuse = drop\n"))
    assert silent(hosts) == (True, False)
    path = configuration(tmp_path, "auto", "refuse = reset\nrefuse_udp = drop\n")
    hosts.ctl("up", "-c", str(path), check=True)
    assert silent(hosts) == (False, True)
    counted = hosts.reasons()
    assert counted["tcp"] and counted["udp"] and counted["reset"] and counted["unreachable"]
    hosts.ctl("down", check=True)
