# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames that captive clients flood a gateway with, as bytes for the generator's --flood."""

import struct

from hosts import STRANGERS, mac
from traffic import UP

GATEWAY = bytes.fromhex(UP["to-mac"].replace(":", ""))
RANDOM = 1 << 24
PLAIN = "what is only dropped"


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(protocol, destination, payload, source=(10, 85, 0, 77)):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0,
                       bytes(source), bytes(destination))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp(port, payload, source=9000):
    return struct.pack("!HHHH", source, port, 8 + len(payload), 0) + payload


def tcp(port, flags):
    return struct.pack("!HHIIBBHHH", 9000, port, 1, 0, 0x50, flags, 1024, 0, 0)


INTERNET, RESOLVER = (10, 86, 0, 2), (10, 85, 0, 1)
ARP = struct.pack("!HHBBH6s4s6s4s", 1, 0x800, 6, 4, 1, bytes(6), bytes((10, 85, 0, 77)), bytes(6),
                  bytes(RESOLVER))
DNS = udp(53, bytes.fromhex("1234010000010000000000000000020001"))
# Name, ethertype, what follows it, how many MACs send it.
KINDS = (
    (PLAIN, 0x88CC, bytes(46), 1),
    ("ARP", 0x806, ARP, 1),
    ("DNS", 0x800, ipv4(17, RESOLVER, DNS), 1),
    ("SYN to port 80", 0x800, ipv4(6, INTERNET, tcp(80, 2)), 1),
    ("data to port 80", 0x800, ipv4(6, INTERNET, tcp(80, 0x10)), 1),
    ("SYN to the portal", 0x800, ipv4(6, RESOLVER, tcp(8080, 2)), 1),
    ("SYN to port 443", 0x800, ipv4(6, INTERNET, tcp(443, 2)), 1),
    ("UDP to port 443", 0x800, ipv4(17, INTERNET, udp(443, bytes(20))), 1),
    ("ping", 0x800, ipv4(1, RESOLVER, bytes.fromhex("0800f7ff00000000")), 1),
    ("what is only dropped, random MACs", 0x88CC, bytes(46), RANDOM),
    ("ARP, random MACs", 0x806, ARP, RANDOM),
    ("DNS, random MACs", 0x800, ipv4(17, RESOLVER, DNS), RANDOM),
    ("SYN to port 80, random MACs", 0x800, ipv4(6, INTERNET, tcp(80, 2)), RANDOM),
)


def frame(ethertype, payload):
    source = bytes.fromhex(mac(STRANGERS, 1).replace(":", ""))
    return (GATEWAY + source + struct.pack("!H", ethertype) + payload).hex()
