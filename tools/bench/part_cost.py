# SPDX-License-Identifier: GPL-2.0-or-later
"""cost: what the datapath's programs cost alone, for each verdict, beside one that does nothing

By BPF_PROG_TEST_RUN on the programs of a gateway of the lab, with the frame in the cache: what a
verdict adds to the way of a packet, and not the way itself.
"""

import dataclasses
import json
import os
import struct
import time
from functools import partial

import floods
from hosts import BUILT, CLIENT_MAC, LAB, MANY, STRANGERS, Failed, command, labs, mac
from measure import Row, Table
from traffic import DOWN, UP

VLAN = 5
BLOCKED, EXPIRED = mac(MANY, 100), mac(MANY, 101)
NOTHING = "XDP program that does nothing"
BUDGETS = ("neighbour", "dns", "dns_bytes", "http", "portal", "echo", "garden", "refusals")
NO_BUDGETS = "[budgets]\nnew_clients = none\n" + "".join(f"{name} = none\n{name}_all = none\n" for name in BUDGETS)
XDP, IN, OUT, UPLINK = "sallyport_xdp", "sallyport_in", "sallyport_out", "sallyport_uplink"


def ipv6(source, destination, protocol, payload):
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + source + destination + payload


def address6(network, host):
    return bytes((0xFD, network)) + bytes(13) + bytes((host,))


def ethernet(source, ethertype, payload, vlan=0, to=UP["to-mac"]):
    tag = struct.pack("!HH", 0x8100, vlan) if vlan else b""
    out = bytes.fromhex((to + source).replace(":", "")) + tag
    return (out + struct.pack("!H", ethertype) + payload).ljust(60, b"\0").hex()


def packet(source, protocol, destination, payload, vlan=0):
    return ethernet(source, 0x800, floods.ipv4(protocol, destination, payload, (10, 85, 0, 2)), vlan)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """A row: what is sent, and which reason is counted for it (None: TC counts it)."""
    name: str
    frame: str
    reason: str
    forward: str = "stack"
    program: str = XDP
    interface: str = "lan0"


DATA = floods.udp(443, bytes(18))
ELSEWHERE, GARDEN = floods.INTERNET, (203, 0, 113, 7)
WEB6 = ipv6(address6(0x85, 2), address6(0x86, 2), 17, floods.udp(443, bytes(18)))
HOME = floods.ipv4(17, (10, 85, 0, 2), DATA, ELSEWHERE)
STRANGER = mac(STRANGERS, 1)
VERDICTS = (
    Verdict("authorized, IPv4", packet(CLIENT_MAC, 17, ELSEWHERE, DATA), "AUTHORIZED"),
    Verdict("authorized, IPv6", ethernet(CLIENT_MAC, 0x86DD, WEB6), "AUTHORIZED"),
    Verdict("authorized, tagged", packet(CLIENT_MAC, 17, ELSEWHERE, DATA, VLAN), "AUTHORIZED"),
    Verdict("authorized, judged by TC", packet(CLIENT_MAC, 17, ELSEWHERE, DATA), "AUTHORIZED", program=IN),
    Verdict("authorized, download, by TC", ethernet(UP["to-mac"], 0x800, HOME, to=CLIENT_MAC),
            "DOWN_AUTHORIZED", program=OUT),
    Verdict("routed, IPv4", packet(CLIENT_MAC, 17, ELSEWHERE, DATA), "ROUTED", "route"),
    Verdict("routed, IPv6", ethernet(CLIENT_MAC, 0x86DD, WEB6), "ROUTED", "route"),
    Verdict("routed, download", ethernet("02:86:00:00:00:02", 0x800, HOME, to=DOWN["to-mac"]), "DOWN_ROUTED", "route",
            UPLINK, "wan0"),
    Verdict("captive: DNS", packet(STRANGER, 17, floods.RESOLVER, floods.DNS), "DNS"),
    Verdict("captive: DHCP", packet(STRANGER, 17, (255,) * 4, floods.udp(67, bytes(240), 68)), "DHCP"),
    Verdict("captive: ARP", ethernet(STRANGER, 0x806, floods.ARP), "ARP"),
    Verdict("captive: HTTP captured", packet(STRANGER, 6, ELSEWHERE, floods.tcp(80, 2)), None),
    Verdict("captive: TCP refused with a reset", packet(STRANGER, 6, ELSEWHERE, floods.tcp(443, 2)), "RESET"),
    Verdict("captive: UDP refused by ICMP", packet(STRANGER, 17, ELSEWHERE, DATA), "UNREACHABLE"),
    Verdict("captive: walled garden", packet(STRANGER, 17, GARDEN, DATA), "GARDEN"),
    Verdict("captive: ethertype dropped", ethernet(STRANGER, 0x88CC, bytes(46)), "ETHERTYPE"),
    Verdict("malformed", packet(CLIENT_MAC, 17, ELSEWHERE, DATA[:4]), "MALFORMED"),
    Verdict("blocked", packet(BLOCKED, 17, ELSEWHERE, DATA), "BLOCKED"),
    Verdict("expired, UDP refused", packet(EXPIRED, 17, ELSEWHERE, DATA), "UNREACHABLE"),
)


class Costs(Table):
    """A row for each verdict, all of them Sallyport's: each is compared with nothing. Not for the
    chart: there is nobody to be better than."""

    def results(self):
        nothing = self.row(NOTHING)
        return [{**dataclasses.replace(self, subject=row.name).result(row, nothing), "kind": row.name,
                 "role": "variant"}
                for row in self.rows if row is not nothing]


def gateway(forward, lab):
    lab.gate(gateway=f"uplink = wan0\nforward = {forward}", more=NO_BUDGETS)
    for arguments in (("allow", CLIENT_MAC), ("allow", CLIENT_MAC, "--vlan", str(VLAN)), ("block", BLOCKED),
                      ("allow", EXPIRED, "--for", "1s")):
        command(LAB, "ctl", lab.name, "client", *arguments)
    command(LAB, "ctl", lab.name, "garden", "add", "203.0.113.0/24")


def cost(lab, program, interface, frames, runs):
    """The program's own figures, and those of each frame."""
    path = "none" if program is None else f"/sys/fs/bpf/{lab.name}/programs/{program}"
    said = lab.inside("gw", os.path.join(BUILT, "cost"), "--interface", interface,
                      *(("--from", "wan0") if program == OUT else ()), "--runs", str(runs), path, *frames)
    about, *values = (json.loads(line) for line in said.splitlines())
    return about, values


def reasons(lab):
    lines = command(LAB, "ctl", lab.name, "-j", "stats").splitlines()
    return {one["name"]: one["packets"] for one in map(json.loads, lines)}


def counted(lab, verdict):
    """The reasons that a frame is counted for."""
    before = reasons(lab)
    cost(lab, verdict.program, verdict.interface, [verdict.frame], 1)
    return [name for name, count in reasons(lab).items() if count > before.get(name, 0)] or [None]


def check(lab, verdict, seconds=30):
    """That the row is what it says. Sessions take a second to expire."""
    end = time.monotonic() + seconds
    while verdict.reason not in (grown := counted(lab, verdict)):
        if time.monotonic() > end:
            raise Failed(f"{lab.name}: {verdict.name}: counted for {grown} instead of {verdict.reason}")
        time.sleep(0.1)


def measured(size, made):
    """A row of values for each verdict, in turn; and each program's own figures."""
    values = {verdict.name: [] for verdict in VERDICTS}
    values[NOTHING] = []
    for number in range(size.rounds + 1):
        for verdict in VERDICTS:
            lab = made[verdict.forward]
            there = cost(lab, verdict.program, verdict.interface, [verdict.frame], 1000)[1]
            values[verdict.name].append(there[0]["ns"])
        there = cost(made["stack"], None, "lan0", [VERDICTS[0].frame], 1000)[1]
        values[NOTHING].append(there[0]["ns"])
    return [Row(name, there[1:]) for name, there in values.items()]


def programs(lab):
    """Tables of what does not depend on the frame."""
    about = {name: cost(lab, name, interface, [VERDICTS[0].frame], 1)[0] for name, interface in (
        (XDP, "lan0"), (IN, "lan0"), (OUT, "lan0"), (UPLINK, "wan0"))}
    about[NOTHING] = cost(lab, None, "lan0", [VERDICTS[0].frame], 1)[0]
    for key, title, unit in (("instructions", "after the verifier", "insns"), ("jited_bytes", "as machine code", "bytes"),
                             ("verified", "processed by the verifier", "insns")):
        yield Costs(f"cost: size of the programs, {title}", unit,
                    [Row(name, [figures[key]]) for name, figures in about.items()], digits=0,
                    scenario=f"program-{key.replace('_', '-')}", limit=NOTHING, lower_is_better=True)


def run(size):
    with labs({forward: partial(gateway, forward) for forward in ("stack", "route")}) as made:
        for verdict in VERDICTS:
            check(made[verdict.forward], verdict)
        yield Costs("cost: each verdict, by BPF_PROG_TEST_RUN", "ns", measured(size, made), digits=0,
                    scenario="program-cost", limit=NOTHING, lower_is_better=True)
        yield from programs(made["stack"])
