# SPDX-License-Identifier: GPL-2.0-or-later
"""What the datapath must do with a frame, written a second time: from the design's table of what a
captive client may do, the manual pages and the RFCs, and not from the programs. One packet after
the other, without regard to speed; what has happened before is remembered in World.

Every function returns the name of a reason of include/sallyport/abi.h, or None for "no objection".
"""

import ipaddress

HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION, AUTHENTICATION = 0, 43, 44, 60, 51
EXTENSIONS = {HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION, AUTHENTICATION}
MOST_EXTENSIONS = 6
TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
TAGS = {0x8100, 0x88a8}
IPV4, IPV6, ARP, EAPOL = 0x0800, 0x86dd, 0x0806, 0x888e
SYN, RST, ACK = 2, 4, 16

SNAP = (b"\xaa\xaa", {b"\0\0\0", b"\0\0\xf8"})  # RFC 1042; IEEE 802.1H


def address(text):
    """16 bytes, IPv4 mapped (RFC 4291 section 2.5.5.2)."""
    parsed = ipaddress.ip_address(text)
    return mapped(parsed.packed) if parsed.version == 4 else parsed.packed


def mapped(four):
    return b"\0" * 10 + b"\xff\xff" + four


NOBODY = mapped(bytes(4))


def number(data, at, size=2):
    return int.from_bytes(data[at:at + size], "big")


class Bad(Exception):
    """The frame cannot be read; the reason is the argument."""


def need(holds, reason="MALFORMED"):
    if not holds:
        raise Bad(reason)


# --- what a frame says --------------------------------------------------------------------------------


class Packet:
    """What of a frame matters. Raises nothing: what cannot be read has `bad` set."""

    def __init__(self, frame):
        self.destination, self.source = frame[0:6], frame[6:12]
        self.vlan, self.tags = 0, 0
        self.family = 0
        self.protocol = None
        self.fragment = None  # "first", "later"; None: whole
        self.ports = None     # (source, destination) of TCP and UDP
        self.flags = 0
        self.icmp = None      # type, of the family's own ICMP
        self.extended = False
        self.claims = None    # the address that an ARP or neighbour advertisement claims
        self.sender = self.receiver = None
        self.bytes = len(frame) - 14
        self.bad = None
        self.ethertype = number(frame, 12)
        try:
            self.read(frame[14:])
        except Bad as bad:
            self.bad = bad.args[0]

    def read(self, rest):
        while self.ethertype in TAGS:
            self.tags += 1
            need(self.tags <= 2, "VLAN_DEPTH")
            need(len(rest) >= 4)
            # A priority tag names no VLAN (IEEE 802.1Q): the outermost that names one counts.
            self.vlan = self.vlan or number(rest, 0) & 0xfff
            self.ethertype = number(rest, 2)
            rest = rest[4:]
        self.bytes = len(rest)
        if self.ethertype < 0x600:
            self.read_length(rest)
        elif self.ethertype == ARP:
            self.read_arp(rest)
        elif self.ethertype == EAPOL:
            need(len(rest) >= 4 and 4 + number(rest, 2) <= len(rest))
        elif self.ethertype == IPV4:
            self.read_ipv4(rest)
        elif self.ethertype == IPV6:
            self.read_ipv6(rest)

    def read_length(self, rest):
        """IEEE 802.3; Ethernet within SNAP is hidden from the guard and refused."""
        need(len(rest) >= 6)
        need(not (rest[0:2] == SNAP[0] and rest[3:6] in SNAP[1]))

    def read_arp(self, rest):
        need(len(rest) >= 28 and rest[0:6] == b"\0\1\x08\0\6\4")
        self.claims = mapped(rest[14:18])

    def read_ipv4(self, rest):
        need(len(rest) >= 20 and rest[0] >> 4 == 4)
        header, total = 4 * (rest[0] & 15), number(rest, 2)
        need(20 <= header <= total <= len(rest))
        self.family, self.bytes = 4, total
        self.sender, self.receiver = mapped(rest[12:16]), mapped(rest[16:20])
        self.protocol = rest[9]
        if number(rest, 6) & 0x1fff:
            self.fragment = "later"
        elif number(rest, 6) & 0x2000:
            self.fragment = "first"
        self.read_transport(rest[header:total], ICMP)

    def read_ipv6(self, rest):
        need(len(rest) >= 40 and rest[0] >> 4 == 6)
        total = 40 + number(rest, 4)
        need(total <= len(rest))
        self.family, self.bytes = 6, total
        self.sender, self.receiver = rest[8:24], rest[24:40]
        self.protocol = rest[6]
        self.read_transport(self.read_extensions(rest[40:total]), ICMP6)

    def read_extensions(self, rest):
        """RFC 8200 section 4; what is behind them."""
        count = 0
        while self.protocol in EXTENSIONS and self.fragment != "later":
            self.extended = True
            need(len(rest) >= 8)
            size = 8 * (rest[1] + 1)
            if self.protocol == AUTHENTICATION:
                size = 4 * (rest[1] + 2)
            elif self.protocol == FRAGMENT:
                size = 8
                self.fragment = "later" if number(rest, 2) & 0xfff8 else "first"
            need(size <= len(rest))
            self.protocol, rest = rest[0], rest[size:]
            count += 1
            need(count <= MOST_EXTENSIONS, "EXTENSIONS")
        return rest

    def read_transport(self, rest, icmp):
        if self.fragment == "later":
            return
        if self.protocol == TCP:
            need(len(rest) >= 20 and 20 <= 4 * (rest[12] >> 4) <= len(rest))
            self.flags = rest[13]
        elif self.protocol == UDP:
            need(len(rest) >= 8)
            need(self.fragment or 8 <= number(rest, 4) <= len(rest))
        elif self.protocol == icmp:
            need(len(rest) >= 8)
            self.icmp = rest[0]
            if icmp == ICMP6 and self.icmp == 136:
                need(len(rest) >= 24)
                self.claims = rest[8:24]
        if self.protocol in (TCP, UDP):
            self.ports = number(rest, 0), number(rest, 2)

    def is_udp(self):
        return self.protocol == UDP and self.ports

    def is_tcp(self):
        return self.protocol == TCP and self.ports

    def opens(self):
        return self.flags & (SYN | ACK) == SYN


def is_group(mac):
    return mac[0] & 1


def is_host(where, family):
    """The address of one host somewhere (RFC 1122 section 3.2.1.3, RFC 4291 section 2.4)."""
    if family == 4:
        return 0 < where[12] < 224 and where[12] != 127
    return where[0] != 0xff and where not in (address("::"), address("::1"))


# --- who sends it -------------------------------------------------------------------------------------


class Gateway:
    """The load-time configuration."""

    def __init__(self, guard, own, resolvers, portals, portal_ports, macs):
        self.guard = guard
        self.own = {address(one) for one in own}
        self.resolvers = {address(one) for one in resolvers}
        self.portals = {address(one) for one in portals}
        self.portal_ports = portal_ports
        self.macs = macs

    def is_near(self, where):
        """On this link, or a host that captive clients may talk to in any case."""
        if where == address("255.255.255.255"):
            return True
        if where[0] == 0xfe and where[1] & 0xc0 == 0x80:  # link-local
            return True
        if where[0] == 0xff and where[1] & 0x0f == 2:  # a group on this link
            return True
        return where in self.own or where in self.resolvers or where in self.portals

    def is_portal(self, packet):
        return (packet.is_tcp() and packet.ports[1] in self.portal_ports
                and packet.receiver in self.portals)

    def guards(self, packet):
        """What only a router or server sends."""
        if not self.guard:
            return None
        if packet.ethertype == ARP:
            return "GUARD_ADDRESS" if packet.claims in self.own else None
        if packet.is_udp():
            server, client = (67, 68) if packet.family == 4 else (547, 546)
            if packet.ports[0] == server or packet.ports[1] == client:
                return "GUARD_DHCP"
        if packet.icmp is None:
            return None
        if packet.family == 4:
            return {5: "GUARD_REDIRECT", 9: "GUARD_RA"}.get(packet.icmp)
        return self.guards_discovery(packet)

    def guards_discovery(self, packet):
        if packet.icmp == 134:
            return "GUARD_RA"
        if packet.icmp == 137:
            return "GUARD_REDIRECT"
        if packet.icmp in (133, 135) and packet.sender in self.own:
            return "GUARD_ADDRESS"
        if packet.icmp == 136 and packet.claims in self.own:
            return "GUARD_ADDRESS"
        return None

    # What captive clients may do, in the order of the design's table.

    def captive(self, packet):
        if packet.ethertype == ARP:
            return "ARP"
        if packet.ethertype == EAPOL:
            return "EAPOL"
        if not packet.family:
            return "ETHERTYPE"
        if packet.fragment:
            return "FRAGMENT"
        if packet.protocol == UDP:
            return self.captive_udp(packet)
        if packet.protocol == TCP:
            return self.captive_tcp(packet)
        if packet.icmp is not None:
            return self.captive_icmp(packet)
        return "PROTOCOL"

    def captive_udp(self, packet):
        dhcp = (68, 67) if packet.family == 4 else (546, 547)
        if packet.ports == dhcp and self.is_near(packet.receiver):
            return "DHCP"
        if packet.ports[1] == 53 and packet.receiver in self.resolvers:
            return "DNS"
        return "UDP"

    def captive_tcp(self, packet):
        if packet.ports[1] == 53 and packet.receiver in self.resolvers:
            return "DNS"
        if self.is_portal(packet):
            return "PORTAL"
        if packet.ports[1] != 80:
            return "TCP"
        return "PROTOCOL" if packet.extended else "CAPTURED"

    def captive_icmp(self, packet):
        v6 = packet.family == 6
        if packet.icmp in ((128, 129) if v6 else (8, 0)) and packet.receiver in self.own:
            return "ECHO"
        if v6 and packet.icmp in (133, 135, 136) and self.is_near(packet.receiver):
            return "ND"
        if v6 and packet.icmp in (131, 132, 143) and packet.receiver[0] == 0xff:
            return "MLD"
        return "ICMP"

    # What may be sent to them.

    def is_service(self, packet):
        if packet.ethertype in (ARP, EAPOL):
            return True
        if not packet.family or packet.fragment:
            return False
        if packet.is_udp():
            if packet.family == 4 and packet.ports == (67, 68):
                return True
            if packet.family == 6 and packet.ports == (547, 546) and self.is_near(packet.sender):
                return True
        if packet.ports and packet.ports[0] == 53 and packet.sender in self.resolvers:
            return True
        if packet.is_tcp() and packet.ports[0] in self.portal_ports and packet.sender in self.portals:
            return True
        if packet.family == 6 and packet.icmp in (133, 134, 135, 136):
            return self.is_near(packet.sender)
        if packet.family == 6 and packet.icmp == 130:
            return self.is_near(packet.sender) and packet.receiver[0] == 0xff
        return False


class Session:
    """An entry of `clients`."""

    def __init__(self, state="authorized", over=False, missing=False, quota=None, quota_up=None,
                 quota_down=None, rate_up=None, rate_down=None, binding=None, bound=None):
        self.state = state        # "authorized", "blocked", or what is none
        self.over = over          # its time, or idle time
        self.missing = missing    # its counters are not there
        self.quota, self.quota_up, self.quota_down = quota, quota_up, quota_down
        # Bytes that may come at once, none later. The bucket's upper half drops at random, so what
        # becomes of a packet there is a lot that the program draws (World.drawn).
        self.rate_up, self.rate_down = rate_up, rate_down
        self.binding = binding    # whether it is bound to one IPv4 address
        self.bound = bound        # to which; None: to its first
        self.up = self.down = 0   # bytes

    def is_over(self):
        return (self.over or (self.quota is not None and self.up + self.down >= self.quota)
                or (self.quota_up is not None and self.up >= self.quota_up)
                or (self.quota_down is not None and self.down >= self.quota_down))


class Budget:
    """Units that may be spent; none come back while a test lasts."""

    def __init__(self, burst):
        self.burst, self.left = burst, burst

    def spend(self, units):
        if self.burst is None:
            return True
        units = min(units, self.burst)
        if units > self.left:
            return False
        self.left -= units
        return True


BUDGETS = ["NEIGHBOUR", "DNS", "DNS_BYTES", "HTTP", "PORTAL", "ECHO", "GARDEN", "REFUSAL", "GUEST",
           "EVENT"]
NEIGHBOURS = {"ARP", "EAPOL", "DHCP", "ND", "MLD"}
PAID = {"DNS": "DNS", "CAPTURED": "HTTP", "PORTAL": "PORTAL", "ECHO": "ECHO", "GARDEN": "GARDEN",
        "RESET": "REFUSAL", "UNREACHABLE": "REFUSAL", "DOWN_RESET": "REFUSAL"}
SEGMENT = 32  # segments of a captured connection that cost as much as its first

# What the walled garden is asked about: what the gateway itself does not offer.
ELSEWHERE = {"ECHO", "CAPTURED", "TCP", "UDP", "ICMP", "PROTOCOL"}


class Rule:
    """What is open of a prefix; None: everything."""

    def __init__(self, protocol=None, ports=None, over=False):
        self.protocol, self.ports, self.over = protocol, ports, over

    def __repr__(self):
        return str(vars(self))

    def opens(self, protocol, port):
        return (not self.over and self.protocol in (None, protocol)
                and (self.ports is None or self.ports[0] <= port <= self.ports[1]))


class World:
    """A gateway and all that it remembers."""

    def __init__(self, gateway, sessions=None, garden=None, bypass=False, reset=False,
                 unreachable=False, budgets=None, totals=None, zones=None):
        self.gateway = gateway
        self.zones = zones or {}        # VLAN, or None for the rest of the interface: zone
        self.sessions = sessions or {}  # (MAC, VLAN): Session
        self.garden = garden or {}      # (zone, ip_network): [Rule]
        self.bypass, self.reset, self.unreachable = bypass, reset, unreachable
        self.budgets = budgets or {}    # of a client, kind: units
        self.totals = {kind: Budget((totals or {}).get(kind)) for kind in BUDGETS}
        self.guests = {}                # (MAC, VLAN): {kind: Budget}
        self.origins = {}               # portal connection: (MAC, VLAN)
        self.drawn = None               # the reason that the program gave, where it drew a lot

    # --- upload

    def upload(self, packet, listening):
        """The reason; what is captured needs a responder that is @listening."""
        client = packet.source, packet.vlan
        if packet.bad:
            return packet.bad
        if is_group(packet.source) or packet.source == bytes(6):
            return "BAD_SOURCE"
        session = self.sessions.get(client)
        if session and session.state == "blocked":
            return "BLOCKED"
        if session and session.state == "authorized" and session.missing:
            return "INTERNAL"
        guarded = self.gateway.guards(packet)
        if guarded:
            return guarded
        if session and session.state == "authorized" and not session.is_over():
            return self.upload_authorized(packet, client, session)
        reason = self.pay(packet, client, self.upload_captive(packet, client))
        return "NO_LISTENER" if reason == "CAPTURED" and not listening else reason

    def upload_authorized(self, packet, client, session):
        if session.binding and not self.is_bound(packet, session):
            return "BINDING"
        reason = "AUTHORIZED"
        if self.gateway.is_portal(packet):
            reason = self.origin(packet, client)
            if reason != "PORTAL":
                return reason
        if session.binding and not session.bound and packet.family == 4 and packet.sender != NOBODY:
            session.bound = packet.sender
        if self.is_too_fast(session.rate_up, session.up, "RATE_UP"):
            return "RATE_UP"
        session.up += packet.bytes
        return reason

    def is_too_fast(self, burst, used, reason):
        if burst is None or used <= burst / 2:
            return False
        return used > burst or self.drawn == reason

    @staticmethod
    def is_bound(packet, session):
        claimed = packet.claims if packet.ethertype == ARP else packet.sender
        if packet.family == 6 or claimed is None:
            return True
        if claimed == NOBODY:  # asks for an address; what is sent to one host is not that
            return packet.family != 4 or bool(is_group(packet.destination))
        return session.bound in (None, claimed)

    def upload_captive(self, packet, client):
        if packet.source in self.gateway.macs:
            return "OWN_MAC"
        reason = self.gateway.captive(packet)
        if reason == "PORTAL":
            return self.origin(packet, client)
        if self.bypass:
            return "BYPASS"
        if reason in ELSEWHERE and self.is_garden(packet, packet.receiver, 1):
            return "GARDEN"
        if reason == "TCP" and self.reset and self.is_answered(packet):
            return "RESET"
        if reason == "UDP" and self.unreachable and self.is_answered(packet):
            return "UNREACHABLE"
        return reason

    @staticmethod
    def is_answered(packet):
        """Groups, resets, and what comes from no host, are never answered (RFC 1122 section 3.2.2)."""
        return (not is_group(packet.destination) and not packet.flags & RST
                and is_host(packet.receiver, packet.family) and is_host(packet.sender, packet.family))

    def origin(self, packet, client):
        """Whose SYN opened this portal connection? Only that client may go on with it."""
        if packet.fragment:
            return "ORIGIN"
        connection = packet.sender, packet.receiver, packet.ports
        if connection not in self.origins:
            if not packet.opens():
                return "ORIGIN"
            self.origins[connection] = client
        return "PORTAL" if self.origins[connection] == client else "CLASH"

    def is_garden(self, packet, where, end):
        """Whether address @where is open, with the packet's port at that end."""
        here = ipaddress.ip_address(where[12:] if packet.family == 4 else where)
        port = packet.ports[end] if packet.ports else 0
        for zone in {0, self.zone_of(packet)}:
            networks = [one for number, one in self.garden
                        if number == zone and one.version == here.version and here in one]
            longest = max(networks, key=lambda one: one.prefixlen, default=None)
            if longest and not packet.fragment and any(
                    rule.opens(packet.protocol, port) for rule in self.garden[zone, longest]):
                return True
        return False

    def zone_of(self, packet):
        return self.zones.get(packet.vlan or None, self.zones.get(None, 0))

    def pay(self, packet, client, reason):
        """A captive client pays for what is let on or answered: itself, then all together."""
        kind = "NEIGHBOUR" if reason in NEIGHBOURS else PAID.get(reason)
        if not kind:
            return reason
        if client not in self.guests:
            if not self.totals["GUEST"].spend(1):
                return "TOTAL_GUEST"
            self.guests[client] = {one: Budget(self.budgets.get(one)) for one in BUDGETS}
        units = SEGMENT if kind in ("HTTP", "PORTAL") and packet.opens() else 1
        for budgets, refused in (self.guests[client], "BUDGET_"), (self.totals, "TOTAL_"):
            if not budgets[kind].spend(units):
                return refused + kind
            if kind == "DNS" and not budgets["DNS_BYTES"].spend(packet.bytes):
                return refused + kind
        return reason

    # --- download

    def download(self, packet, local):
        """@local: the gateway itself sends it."""
        if packet.bad:
            return "DOWN_MALFORMED"
        if is_group(packet.destination):
            return "DOWN_GROUP"
        session = self.sessions.get((packet.destination, packet.vlan))
        if session and session.state == "blocked":
            return "DOWN_BLOCKED"
        if session and session.state == "authorized" and session.missing:
            return "INTERNAL"
        if session and session.state == "authorized" and not session.is_over():
            if self.is_too_fast(session.rate_down, session.down, "RATE_DOWN"):
                return "RATE_DOWN"
            session.down += packet.bytes
            return "DOWN_AUTHORIZED"
        return self.pay(packet, (packet.destination, packet.vlan),
                        self.download_captive(packet, local))

    def download_captive(self, packet, local):
        if local:
            return "DOWN_LOCAL"
        if self.gateway.is_service(packet):
            return "DOWN_SERVICE"
        if self.bypass:
            return "DOWN_BYPASS"
        if packet.family and self.is_garden(packet, packet.sender, 0):
            return "DOWN_GARDEN"
        # A download whose session is over is reset; nothing that opens or ends a connection is.
        if self.reset and packet.is_tcp() and not packet.fragment and not packet.flags & (SYN | RST):
            return "DOWN_RESET"
        return "DOWN_CAPTIVE"
