# SPDX-License-Identifier: GPL-2.0-or-later
"""Each answer of the datapath, byte by byte, against what scapy makes of the packet it answers."""

import os
import struct
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from scapy.all import ICMP, IP, TCP, UDP, ICMPv6DestUnreach, IPv6, Raw, rdpcap

PROGRAM = Path(__file__).resolve().parents[2] / ".output/tests/bpf/test_reply"
LONGEST_QUOTE = 512
EXTENSIONS = (0, 43, 51, 60)
FIN, SYN, RST, ACK = 1, 2, 4, 16


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """(packet, its answer), each as bytes, as the programs made them in test runs."""
    path = tmp_path_factory.mktemp("answers") / "answers.pcap"
    done = subprocess.run([PROGRAM], env={**os.environ, "SP_ANSWERS": str(path)}, capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    frames = [bytes(frame) for frame in rdpcap(str(path))]
    return list(zip(frames[::2], frames[1::2], strict=True))


class Packet:
    """The fields of a frame that its answer depends on."""

    def __init__(self, frame):
        self.to, self.source = frame[:6], frame[6:12]
        at = 12
        while frame[at : at + 2] in (b"\x81\x00", b"\x88\xa8"):
            at += 4
        self.tags = (at - 12) // 4
        self.behind = frame[12 : at + 2]  # tags and ethertype
        data = frame[at + 2 :]
        self.version = data[0] >> 4
        if self.version == 4:
            self.ip = data[: struct.unpack_from("!H", data, 2)[0]]
            self.layer = IP(self.ip)
            self.transport, self.protocol = (data[0] & 15) * 4, data[9]
        else:
            self.ip = data[: 40 + struct.unpack_from("!H", data, 4)[0]]
            self.layer = IPv6(self.ip[:40])
            self.transport, self.protocol = 40, data[6]
            while self.protocol in EXTENSIONS:
                size = data[self.transport + 1]
                size = (size + 2) * 4 if self.protocol == 51 else (size + 1) * 8
                self.protocol = data[self.transport]
                self.transport += size
        self.segment = self.ip[self.transport :]

    def header(self, source, destination):
        if self.version == 4:
            return IP(src=source, dst=destination, ttl=64, id=0, flags="DF")
        return IPv6(src=source, dst=destination, hlim=64)

    def back(self):
        return self.header(self.layer.dst, self.layer.src)


def reset_of(packet):
    """RFC 9293 section 3.10.7.1."""
    tcp = TCP(packet.segment)
    flags = int(tcp.flags)
    if flags & ACK:
        return packet.back() / TCP(sport=tcp.dport, dport=tcp.sport, flags=RST, seq=tcp.ack, window=0)
    length = len(packet.segment) - tcp.dataofs * 4 + bool(flags & SYN) + bool(flags & FIN)
    return packet.back() / TCP(sport=tcp.dport, dport=tcp.sport, flags=RST | ACK, seq=0,
                               ack=(tcp.seq + length) % 2**32, window=0)


def reset_instead(packet):
    tcp = TCP(packet.segment)
    return packet.header(packet.layer.src, packet.layer.dst) / TCP(
        sport=tcp.sport, dport=tcp.dport, flags=RST | int(tcp.flags) & ACK, seq=tcp.seq, ack=tcp.ack,
        window=0)


def unreachable(packet):
    quote = Raw(packet.ip[: min(len(packet.ip), LONGEST_QUOTE) // 4 * 4])
    if packet.version == 4:
        return packet.back() / ICMP(type=3, code=3) / quote
    return packet.back() / ICMPv6DestUnreach(code=4) / quote


def test_answers(pairs):
    kinds = Counter()
    for request, answer in pairs:
        packet = Packet(request)
        if answer[:6] == packet.to:
            kind, ethernet, wanted = "instead", request[:12], reset_instead(packet)
        else:
            kind = "reset" if packet.protocol == 6 else "unreachable"
            ethernet = packet.source + packet.to
            wanted = reset_of(packet) if packet.protocol == 6 else unreachable(packet)
        assert answer == ethernet + packet.behind + bytes(wanted), (
            kind, Packet(answer).layer.show2(dump=True), wanted.show2(dump=True))
        kinds[kind, packet.version, packet.tags] += 1
    # Nothing is missing from the file.
    for kind in ("reset", "unreachable", "instead"):
        for version in (4, 6):
            for tags in (0, 1, 2):
                assert kinds[kind, version, tags] >= 2, (kind, version, tags)


def test_the_packets_were_what_they_should_be(pairs):
    """Or the checks above would compare with nonsense."""
    for request, _ in pairs:
        packet = Packet(request)
        assert packet.protocol in (6, 17)
        if packet.protocol == 17:
            assert UDP(packet.segment).len == len(packet.segment)
