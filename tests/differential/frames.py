# SPDX-License-Identifier: GPL-2.0-or-later
"""Random frames that are mostly plausible: whole packets of every kind that the table knows, from
and to few addresses and ports, so that every row is met; then some of them are damaged."""

import struct

from model import address

GATEWAY_MAC = bytes.fromhex("020000008501")
CLIENT_MACS = [bytes([2, 0, 0, 0, 0, number]) for number in range(1, 9)]
VLANS = [0, 5, 100]
PORTAL_PORT, TLS_PORT = 8080, 443

OWN = ["10.85.0.1", "fd85::1", "fe80::1"]
RESOLVERS = ["10.85.0.1", "fd85::1", "9.9.9.9", "2620:fe::fe"]
PORTALS = ["10.85.0.1", "fd85::1"]

HERE4 = [address(one)[12:] for one in ("10.85.0.2", "10.85.0.3", "0.0.0.0")]
HERE6 = [address(one) for one in ("fd85::2", "fd85::3", "fe80::2", "::")]
THERE4 = [address(one)[12:] for one in
          ("10.85.0.1", "10.85.0.1", "9.9.9.9", "10.86.0.2", "10.86.0.3", "10.87.1.2",
           "255.255.255.255", "224.0.0.251", "10.85.0.3")]
THERE6 = [address(one) for one in
          ("fd85::1", "fd85::1", "fe80::1", "2620:fe::fe", "fd86::2", "fd86::3", "fd87::2", "ff02::1",
           "ff02::1:ff00:2", "ff05::1:3", "fe80::3", "::ffff:10.85.0.1")]
PORTS_THERE = [53, 53, 80, 80, PORTAL_PORT, PORTAL_PORT, 443, 67, 547, 123]
PORTS_HERE = [40000, 40001, 68, 546, 68, 546, 67, 547]
FLAGS = [0x02, 0x02, 0x10, 0x18, 0x04, 0x14, 0x12, 0x11, 0]
ICMP_TYPES = [8, 0, 3, 13]
ICMP6_TYPES = [133, 134, 135, 136, 136, 137, 130, 131, 132, 143, 128, 129, 1, 4]
CHAIN = [0, 43, 44, 44, 60, 51]
OTHER_TYPES = [0x88cc, 0x8035, 0x8864, 0x9100, 0xffff, 0x0600, 0x0026, 0x0030, 0x0000]
EDGES = [0, 1, 0x7f, 0x80, 0xfe, 0xff, 0x3a, 0x2c, 0x3c, 17, 6]


class Frames:
    def __init__(self, random):
        self.random = random
        self.pick = random.choice

    def chance(self, one_in):
        return self.random.random() * one_in < 1

    def upload(self):
        """A frame from a client."""
        return self.damaged(self.tagged(self.pick((GATEWAY_MAC,) * 6 + (b"\xff" * 6, b"\x33\x33\0\0\0\1")),
                                        self.client(), *self.packet(True)))

    def download(self):
        """A frame to a client."""
        source = self.pick((GATEWAY_MAC, GATEWAY_MAC, b"\2\0\0\0\x86\2"))
        target = b"\x33\x33\0\0\0\1" if self.chance(20) else self.pick(CLIENT_MACS)
        return self.damaged(self.tagged(target, source, *self.packet(False)))

    def client(self):
        if self.chance(40):
            return self.pick((GATEWAY_MAC, bytes(6), b"\xff" * 6, b"\1\0\0\0\0\1"))
        return self.pick(CLIENT_MACS)

    def tagged(self, to, source, ethertype, body):
        tags = b""
        if self.chance(2):
            for _ in range(self.pick((1, 1, 1, 2, 2, 3))):
                tags += struct.pack("!HH", self.pick((0x8100, 0x8100, 0x88a8)),
                                    self.pick(VLANS) | self.pick((0, 0x6000)))
        return to + source + tags + struct.pack("!H", ethertype) + body

    def packet(self, up):
        kind = self.random.random()
        if kind < 0.06:
            return 0x0806, self.arp(up)
        if kind < 0.08:
            body = self.random.randbytes(self.random.randrange(12))
            return 0x888e, b"\2\1" + struct.pack("!H", len(body) + self.chance(8)) + body
        if kind < 0.11:
            return self.pick(OTHER_TYPES), self.pick((b"", b"\xaa\xaa\3\0\0\0")) + bytes(12)
        if kind < 0.14:
            return 0x0800, self.portal(up)
        if kind < 0.56:
            return 0x0800, self.ipv4(up)
        return 0x86dd, self.ipv6(up)

    def arp(self, up):
        sender = self.pick(HERE4 if up and not self.chance(4) else THERE4)
        return (b"\0\1\x08\0\6\4\0" + bytes([self.pick((1, 2))]) + self.pick(CLIENT_MACS) + sender
                + bytes(6) + self.pick(HERE4 + THERE4))

    def ends(self, here, there, up):
        if self.chance(12):
            return self.pick(there), self.pick(here + there)
        return (self.pick(here), self.pick(there)) if up else (self.pick(there), self.pick(here))

    def ipv4(self, up):
        sender, receiver = self.ends(HERE4, THERE4, up)
        options = b"\1" * 4 * self.pick((0, 0, 0, 0, 1, 10))
        fragment = self.pick((0x2000, 0x2001, 0x0001, 0x1fff)) if self.chance(16) else self.pick((0, 0x4000))
        protocol, body = self.transport(4, up, bool(fragment & 0x1fff))
        return struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, 0, 20 + len(options) + len(body), 0,
                           fragment, 64, protocol, 0) + sender + receiver + options + body

    def ipv6(self, up):
        sender, receiver = self.ends(HERE6, THERE6, up)
        chain = []
        if self.chance(6):
            chain = [self.pick(CHAIN) for _ in range(self.pick((1, 1, 1, 2, 3, 5, 6, 7, 8)))]
        protocol, body = self.transport(6, up, False)
        following = protocol
        for kind in reversed(chain):
            size = 8 * self.pick((1, 1, 1, 2))
            head = bytes([following, 4 if kind == 51 else size // 8 - 1])
            if kind == 44:
                size, head = 8, head + struct.pack("!H", self.pick((0, 0, 1, 8, 9, 0xfff8)))
            elif kind == 51:
                size = 24
            body = head + bytes(size - len(head)) + body
            following = kind
        return struct.pack("!IHBB", 0x60000000, len(body), following, 255) + sender + receiver + body

    def portal(self, up):
        """Of few connections, so that several clients send on the same one."""
        ends = [self.pick(HERE4[:2]), THERE4[0]], (40000, PORTAL_PORT)
        (sender, receiver), ports = ends if up else (ends[0][::-1], ends[1][::-1])
        return struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + sender + receiver + struct.pack(
            "!HHIIBBHHH", *ports, 1, 1, 5 << 4, self.pick(FLAGS), 0, 0, 0)

    def transport(self, family, up, headless):
        kind = self.random.random()
        payload = bytes(self.pick((0, 1, 8, 30, 300)))
        if kind < 0.4:
            ports = self.ports(up)
            words = 5 + (self.pick((1, 5, 10)) if self.chance(4) else 0)
            header = struct.pack("!HHIIBBHHH", *ports, 1, 1, words << 4, self.pick(FLAGS), 0, 0, 0)
            protocol, body = 6, header + b"\1" * (4 * words - 20) + payload
        elif kind < 0.7:
            protocol, body = 17, struct.pack("!HHHH", *self.ports(up), 8 + len(payload), 0) + payload
        elif kind < 0.95:
            protocol, body = self.icmp(family)
        else:
            protocol, body = self.pick((1, 58, 47, 132, 2, 59)), payload
        return protocol, payload if headless else body

    def ports(self, up):
        if self.chance(6):
            here, there = self.pick(((68, 67), (546, 547), (67, 68), (547, 546)))
        else:
            here, there = self.pick(PORTS_HERE), self.pick(PORTS_THERE)
        return (here, there) if up else (there, here)

    def icmp(self, family):
        if family == 4:
            return 1, struct.pack("!BBHI", self.pick(ICMP_TYPES), 0, 0, 0) + bytes(self.pick((0, 8)))
        head = struct.pack("!BBHI", self.pick(ICMP6_TYPES), 0, 0, 0)
        return 58, head + self.pick(HERE6 + THERE6) + bytes(8)

    def damaged(self, frame):
        if self.chance(10):
            frame += bytes(self.random.randrange(1, 20))
        if not self.chance(5):
            return frame
        frame = bytearray(frame)
        for _ in range(self.random.randrange(4)):
            at = self.random.randrange(12, min(len(frame), 96))
            way = self.random.randrange(4)
            if way == 0:
                frame[at] = self.random.randrange(256)
            elif way == 1:
                frame[at] = self.pick(EDGES)
            elif way == 2:
                frame[at] ^= 1 << self.random.randrange(8)
            else:
                frame[at] = (frame[at] + self.pick((1, -1))) & 255
        if self.chance(2):
            del frame[self.random.randrange(14, len(frame) + 1):]
        return bytes(frame)
