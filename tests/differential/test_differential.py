# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs against the model: random frames and policies, the same verdict and reason."""

import collections
import ipaddress
import os
import random
import re

import pytest

import frames
from layout import Layouts
from model import BUDGETS, Gateway, Packet, Rule, Session, World, address
from runner import IN, OUT, TOP, XDP, Runner

CASES = int(os.environ.get("SALLYPORT_DIFFERENTIAL_CASES", "1000000"))
PARTS = 4  # of the cases with one setting: who has only a test or two before it is given the next file
ROUND = 600  # cases before everything is forgotten
ENOUGH = 1000000  # cases in which every reason comes up
REFUSING = 0.5  # how often refusals are answered
FOREVER = 1 << 40
ZONES = (0, 1, 2, 15)
ZONE_BITS = 32  # SP_GARDEN_ZONE_BITS
LOOPBACK = 1  # the interface of a test run

PROGRAMS = {XDP: "XDP", IN: "TC ingress", OUT: "TC egress"}
XDP_DROP, XDP_PASS, XDP_TX = 1, 2, 3
TC_SHOT, TC_REDIRECT, TC_UNSPEC = 2, 7, 0xffff

# What a test run does not meet: there is no driver, no route, no socket and no DNS answer.
OUT_OF_REACH = {"LOOPED", "NONLINEAR", "ASSIGN", "ROUTED", "DOWN_ROUTED", "UPLINK", "DOWN_REFUSAL",
                "GARDEN_PENDING", "QUOTA", "UNTIMELY", "DECLINED"}

STATES = {"authorized": 1, "blocked": 2, "unknown": 7}
LIMITS = {"expires": 1, "quota": 4, "rate_up": 8, "rate_down": 16, "quota_up": 32, "quota_down": 64,
          "binding": 128}


def header():
    with open(os.path.join(TOP, "include/sallyport/abi.h"), encoding="utf-8") as file:
        return file.read()


def reasons():
    """Numbers and names of the reasons, as abi.h documents them."""
    table = re.search(r"define SP_REASONS\(X\)(.*?[^\\])\n", header(), re.DOTALL).group(1)
    return {int(number): name for number, name in re.findall(r"X\((\d+), (\w+),", table)}


NAMES = reasons()
NUMBERS = {name: number for number, name in NAMES.items()}


class Policies:
    """A random world, as the model has it and as the maps have it."""

    def __init__(self, draw, guard, layouts):
        self.draw, self.layouts = draw, layouts
        self.gateway = Gateway(guard, frames.OWN, frames.RESOLVERS, frames.PORTALS,
                               {frames.PORTAL_PORT, frames.TLS_PORT}, {frames.GATEWAY_MAC})

    def make(self):
        budgets, totals = self.limits(3), self.limits(10)
        return World(self.gateway, sessions=self.sessions(), garden=self.garden(),
                     bypass=self.draw.random() < 0.1, reset=self.draw.random() < REFUSING,
                     unreachable=self.draw.random() < REFUSING, budgets=budgets, totals=totals,
                     zones=self.zones())

    def zones(self):
        """Of the VLANs, and of the rest of the interface."""
        if self.draw.random() < 0.5:
            return {}
        return {vlan or None: self.draw.choice(ZONES[1:]) for vlan in frames.VLANS
                if self.draw.random() < 0.6}

    def limits(self, most):
        if self.draw.random() < 0.5:
            return {}
        # Enough for some packets, too little for a round of all.
        return {kind: self.draw.randrange(1, most) * (500 if kind == "DNS_BYTES" else
                                                   32 if kind in ("HTTP", "PORTAL") else 1)
                for kind in BUDGETS if self.draw.random() < 0.6}

    def sessions(self):
        return {(mac, vlan): self.session() for mac in frames.CLIENT_MACS for vlan in frames.VLANS
                if self.draw.random() < 0.5}

    def session(self):
        kind = self.draw.random()
        if kind < 0.3:
            return Session()
        if kind < 0.5:
            return Session(self.draw.choice(("blocked", "unknown")))
        if kind < 0.6:
            return Session(over=True)
        if kind < 0.65:
            return Session(missing=True)
        some = {name: self.draw.randrange(2000) for name in
                ("quota", "quota_up", "quota_down", "rate_up", "rate_down") if self.draw.random() < 0.4}
        if self.draw.random() < 0.3:
            some["binding"] = True
            some["bound"] = self.draw.choice((None, address("10.85.0.2"), address("10.85.0.3")))
        return Session(**some)

    def garden(self):
        if self.draw.random() < 0.4:
            return {}
        prefixes = ["10.86.0.0/16", "10.86.0.2/32", "10.87.0.0/17", "0.0.0.0/0", "fd86::/32",
                    "fd86::2/128", "fd87::/64", "::/0", "10.85.0.1/32"]
        return {(zone, ipaddress.ip_network(one)): [self.rule() for _ in range(self.draw.randrange(1, 4))]
                for zone in self.draw.sample(ZONES, self.draw.randrange(1, 3))
                for one in self.draw.sample(prefixes, self.draw.randrange(1, 5))}

    def rule(self):
        ports = sorted(self.draw.choice((0, 53, 79, 80, 81, 443, 65535)) for _ in range(2))
        return Rule(protocol=self.draw.choice((None, 6, 17, 1, 58)), over=self.draw.random() < 0.2,
                    ports=self.draw.choice((None, ports)))

    # --- into the maps

    def write(self, world, runner):
        runner.reset()
        now = runner.jiffies()
        runner.write("settings", bytes(4), self.settings(world))
        for slot, ((mac, vlan), session) in enumerate(world.sessions.items()):
            runner.write("clients", self.layouts.pack("sp_client_key", mac=mac, vlan=vlan),
                         self.policy(session, slot, now))
        for vlan, zone in world.zones.items():
            key = self.layouts.pack("sp_zone_key", ifindex=LOOPBACK, vlan=vlan or 0, whole=not vlan)
            runner.write("zones", key, zone.to_bytes(4, "little"))
        for (zone, prefix), rules in world.garden.items():
            key = self.layouts.pack(f"sp_garden{prefix.version}_key", zone=zone,
                                    prefix_length=ZONE_BITS + prefix.prefixlen,
                                    address=prefix.network_address.packed)
            runner.write(f"garden{prefix.version}", key, self.prefix(rules, now))

    def settings(self, world):
        version = int(re.search(r"define SP_ABI_VERSION (\d+)u", header()).group(1))
        return self.layouts.pack(
            "sp_settings", abi_version=version, bypass=world.bypass, refuse_tcp=world.reset,
            refuse_udp=world.unreachable,
            garden4=sum(one.version == 4 for _, one in world.garden),
            garden6=sum(one.version == 6 for _, one in world.garden),
            garden_zones=sum(1 << zone for zone in {zone for zone, _ in world.garden} - {0}),
            zones=len(world.zones), **self.short_cut(world.zones),
            client=[self.budget(world.budgets.get(kind)) for kind in BUDGETS],
            total=[self.budget(world.totals[kind].burst) for kind in BUDGETS])

    def short_cut(self, zones):
        """What `up` writes for whole interfaces, or nothing: then the map is asked."""
        if self.draw.random() < 0.5:
            return {}
        port = self.layouts.pack("sp_zone_port", ifindex=LOOPBACK, zone=zones.get(None, 0),
                                 vlans=any(zones))
        return {"zone_factor": 1, "zone_port": [port]}  # in cell 1 * 1 >> 26

    def budget(self, burst):
        """A unit takes longer than the test: none comes back."""
        if not burst:
            return self.layouts.pack("sp_budget")
        return self.layouts.pack("sp_budget", cost=FOREVER, depth=FOREVER * burst)

    def policy(self, session, slot, now):
        limits = sum(bit for name, bit in LIMITS.items()
                     if getattr(session, name, None) is not None or name == "expires" and session.over)
        return self.layouts.pack(
            "sp_client_policy", state=STATES[session.state], slot=1 << 20 if session.missing else slot,
            generation=1, limits=limits, granted=now, expires=now, quota=session.quota or 0,
            quota_up=session.quota_up or 0, quota_down=session.quota_down or 0,
            rate_up=1, rate_down=1, burst_up=session.rate_up or 0, burst_down=session.rate_down or 0,
            ipv4=int.from_bytes(session.bound[12:], "little") if session.bound else 0)

    def prefix(self, rules, now):
        ports = [rule.ports or (0, 65535) for rule in rules]
        return self.layouts.pack("sp_garden", count=len(rules), rule=[
            self.layouts.pack("sp_garden_rule", protocol=rule.protocol or 0, port_low=low, port_high=high,
                              expires=1 if rule.over else 0)
            for rule, (low, high) in zip(rules, ports)])


def fits(program, frame):
    """Whether the kernel's test run takes the frame as a packet: see sp_bench_takes."""
    if program == XDP:
        return True
    return len(frame) >= {0x0800: 34, 0x86dd: 54}.get(int.from_bytes(frame[12:14], "big"), 14)


def make_cases(draw, count):
    """[(program, local, frame)]; a frame of a client goes to both programs that may meet it."""
    make = frames.Frames(draw)
    cases = []
    while len(cases) < count:
        if draw.random() < 0.4:
            frame = make.download()
            cases.append((OUT, draw.random() < 0.2, frame))
        else:
            frame = make.upload()
            cases.append((draw.choice((XDP, IN)), False, frame))
        if not fits(cases[-1][0], frame):
            cases.pop()
    return cases


def answer(world, program, local, packet):
    """The reason, as the model has it. Nobody listens here, which TC finds out; XDP leaves it to TC."""
    return world.download(packet, local) if program == OUT else world.upload(packet, program == XDP)


def action(program, number, name):
    if program == XDP:
        return XDP_TX if name in ("RESET", "UNREACHABLE") else XDP_PASS if number < 32 else XDP_DROP
    if name in ("RESET", "UNREACHABLE"):
        return TC_REDIRECT
    return TC_UNSPEC if number < 32 else TC_SHOT


def describe(world, program, local, packet):
    client = packet.destination if program == OUT else packet.source
    session = world.sessions.get((client, packet.vlan))
    return (f"{PROGRAMS[program]}, {'from the gateway, ' if local else ''}guard {world.gateway.guard}, "
            f"session {vars(session) if session else None}, garden {world.garden}, budgets "
            f"{world.budgets}, bypass {world.bypass}, reset {world.reset}, unreachable "
            f"{world.unreachable}")


def compare(batch, world, verdicts, hits):
    """None if all agree, else what differs."""
    for (program, local, frame), (number, did) in zip(batch, verdicts):
        packet = Packet(frame)
        world.drawn = NAMES.get(number)
        wanted = answer(world, program, local, packet)
        hits[wanted] += 1
        if number != NUMBERS[wanted] or did != action(program, number, wanted):
            return (f"the model says {wanted}, the program {NAMES.get(number, number)} and action "
                    f"{did}: {frame.hex()}\n{describe(world, program, local, packet)}")
    return None


def run(guard, seed, first, last):
    layouts = Layouts(os.path.join(TOP, ".output/bpf/tc.bpf.o"))
    hits = collections.Counter()
    runner = Runner(guard)
    try:
        for start in range(first, last, ROUND):
            draw = random.Random(f"{seed} {guard} {start}")
            policies = Policies(draw, guard, layouts)
            world = policies.make()
            batch = make_cases(draw, ROUND)
            policies.write(world, runner)
            difference = compare(batch, world, runner.run(batch), hits)
            assert not difference, (f"{difference}\nagain: SALLYPORT_DIFFERENTIAL_SEED={seed}, "
                                    f"cases {start} to {start + ROUND}")
    finally:
        assert runner.close() == 0
    return hits


@pytest.fixture(scope="module")
def seed():
    return os.environ.get("SALLYPORT_DIFFERENTIAL_SEED") or str(random.SystemRandom().getrandbits(32))


@pytest.fixture(scope="module")
def all_hits(seed):
    """What came up in all the tests of this module."""
    hits = collections.Counter()
    yield hits
    print(f"\ndifferential: seed {seed}: {hits.total()} cases agree")
    print(" ", ", ".join(f"{name} {count}" for name, count in sorted(hits.items())))


@pytest.mark.parametrize("guard", [True, False], ids=["guard", "no guard"])
@pytest.mark.parametrize("part", range(PARTS))
def test_model_agrees(seed, all_hits, guard, part):
    rounds = CASES // 2 // ROUND // PARTS + 1
    all_hits.update(run(guard, seed, part * rounds * ROUND, (part + 1) * rounds * ROUND))


def test_every_reason_came_up(all_hits):
    missed = {name for name in NAMES.values() if not all_hits[name]} - OUT_OF_REACH
    assert not missed or all_hits.total() < ENOUGH
