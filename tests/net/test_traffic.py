# SPDX-License-Identifier: GPL-2.0-or-later
"""The traffic generator of the benchmarks: whether frames are what was asked for, and the counts true."""

import dataclasses
import json
import math
import subprocess
import sys
import time
from functools import partial

import pytest
from scapy.all import Ether, raw

from lab import TOP, Sniffer

sys.path.insert(0, str(TOP / "tools" / "bench"))

import hosts as bench  # noqa: E402
import part_cost  # noqa: E402
import traffic  # noqa: E402
from traffic import DOWN, UP  # noqa: E402

PROGRAM = str(TOP / ".output" / "bench" / "traffic")
COST = str(TOP / ".output" / "bench" / "cost")
CLIENTS = 200
# How many are looked at.
FRAMES = 100
OTHER = "02850000000102 5c00000001 88cc".replace(" ", "") + "00" * 46


def complete(lab):
    lab.sink()
    for family in 4, 6:
        lab.neighbours(CLIENTS, family)


@pytest.fixture(scope="module")
def lab():
    with bench.labs({"lab": complete}) as made:
        yield made["lab"]


def number(mac):
    """Of one of many clients."""
    return int(mac.replace(":", ""), 16) - int(bench.MANY.replace(":", ""), 16)


def seen(lab, way, where, **frame):
    """Some frames as the other end of the wire gets them."""
    frame = {"source": bench.MANY, "clients": CLIENTS, **frame}
    with Sniffer(f"{lab.name}-gw", where) as sniffer:
        traffic.run(lab, way, 2, **frame)
    mac = bytes.fromhex(way["to-mac"].replace(":", ""))
    ours = [one for one in sniffer.frames if one.startswith(mac)]
    return [Ether(one) for one in ours[:FRAMES]]


def rebuilt(frame):
    """The same with all lengths and checksums made anew."""
    copy = frame.copy()
    for layer in copy.layers():
        for field in "chksum", "len", "plen":
            if field in copy[layer].fields and layer is not Ether:
                delattr(copy[layer], field)
    return raw(copy)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("more", [
    {}, {"bytes": 1514}, {"protocol": "tcp", "flows": 50}, {"protocol": "tcp", "flags": "S"},
    {"bytes": 512, "flows": 1000, "stamp": True}, {"to_port": 53, "payload": "12340100"},
], ids=["udp", "largest", "tcp", "syn", "stamped", "payload"])
def test_frames_are_right(lab, family, more):
    """Each by itself: numbers of clients, checksums, lengths."""
    frames = seen(lab, UP, "lan0", family=family, **more)
    assert len(frames) == FRAMES
    first = int.from_bytes(bytes.fromhex("0a600000") if family == 4 else bytes(4))
    for frame in frames:
        ip = frame.payload
        assert ip.version == family
        assert number(frame.src) < CLIENTS
        address = raw(ip)[12:16] if family == 4 else raw(ip)[20:24]
        assert int.from_bytes(address) - first == number(frame.src)
        if not (family == 4 and ip.payload.name == "UDP"):
            assert ip.payload.chksum
        elif not ip.payload.chksum:  # none, which IPv4 allows
            ip.payload.chksum = 0
            assert raw(frame)[:34] == rebuilt(frame)[:34]
            continue
        assert raw(frame) == rebuilt(frame)
    assert {len(raw(frame)) for frame in frames} == {max(more.get("bytes", 60), len(raw(frames[0])))}
    assert len({number(frame.src) for frame in frames}) > FRAMES / 3
    ports = {frame.payload.payload.sport for frame in frames}
    assert (len(ports) > 10) == ("flows" in more) and min(ports) >= 9000
    assert max(ports) < 9000 + more.get("flows", 1)
    if more.get("protocol") == "tcp":
        assert {str(frame.payload.payload.flags) for frame in frames} == {more.get("flags", "A")}


def test_download_numbers_the_destination(lab):
    frames = seen(lab, DOWN, "wan0")
    assert {frame.src for frame in frames} == {"02:86:00:00:00:02"}
    assert len({frame.payload.dst for frame in frames}) > FRAMES / 3
    assert all(frame.payload.dst.startswith("10.96.0.") for frame in frames)


def test_clients_in_order(lab):
    numbers = [number(frame.src) for frame in seen(lab, UP, "lan0", in_order=True)]
    steps = {(after - before) % CLIENTS for before, after in zip(numbers, numbers[1:])}
    assert steps == {1}


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("way", [UP, DOWN], ids=["up", "down"])
def test_what_is_forwarded_arrives(lab, way, family):
    said = traffic.complete(lab, way, 10, bench.MANY, CLIENTS, family=family, bytes=200)
    assert said["arrived_bytes"] == 200 * said["arrived"]
    assert said["resets"] == said["unreachables"] == said["flood"] == 0
    assert said["taken"] >= said["arrived"]


def test_tagged_frames_are_known_where_they_end(lab):
    """The sink is where they go to: nothing forwards them here."""
    lab.fixed("gw", "lan0", "sink")
    try:
        said = traffic.run(lab, {**UP, "end": ("gw", "lan0")}, 10, vlan=7)
    finally:
        lab.inside("gw", "ip", "link", "set", "dev", "lan0", "xdp", "off")
    assert said["arrived"] == said["taken"] == said["packets"] > 0


def test_what_does_not_arrive_is_no_result(lab, monkeypatch):
    """Towards clients of whom every second one is known to the gateway."""
    monkeypatch.setattr(traffic, "run", lambda *_, run=traffic.run, **__: run(
        lab, DOWN, 5, bench.MANY, 2 * CLIENTS))
    assert math.isnan(traffic.forwarded(lab, DOWN, 5, bench.MANY, 2 * CLIENTS))


def test_nothing_arrives_is_a_failure(lab):
    with pytest.raises(bench.Failed, match="was not forwarded"):
        traffic.forwarded(lab, UP, 5, to="10.99.0.1")


# Frames beside the rate: each call begins with a batch, has credit for two, and its last is sent after the
# clock was read; a call that was cut short by others is followed by more. Without a rate it is 100,000.
BESIDE = 16 * 64


def test_rate_is_not_passed(lab):
    said = traffic.run(lab, UP, 100, rate=5000)
    assert 0 < said["packets"] <= 5000 * said["seconds"] + BESIDE


def test_flood_has_its_share(lab):
    said = traffic.run(lab, UP, 10, flood=OTHER, flooders=1000, flood_share=16)
    assert abs(said["flood"] - said["packets"] / 4) <= 64
    assert said["arrived"] <= said["packets"] - said["flood"]


def test_flood_has_its_rate(lab):
    said = traffic.run(lab, UP, 50, flood=OTHER, flood_rate=2000)
    assert 0 < said["flood"] <= 2000 * said["seconds"] + BESIDE
    assert said["packets"] > said["flood"]


def test_time_is_that_of_sending(lab):
    before = time.monotonic()
    said = traffic.run(lab, UP, 50)
    assert 0.03 < said["seconds"] < time.monotonic() - before


def test_delays_are_in_order(lab):
    said = traffic.run(lab, UP, 20, rate=20000, stamp=True)
    assert 100 < said["p50"] <= said["p99"] < 10**9


@pytest.mark.parametrize("arguments", [
    ("--bytes", "59"), ("--bytes", "1515"), ("--vlan", "4095"), ("--flags", "X"), ("--protocol", "sctp"),
    ("--payload", "0"), ("--flood", "00"), ("--clients", "0"), ("--to", "fd86::2"),
    ("--protocol", "tcp", "--stamp"),
])
def test_bad_arguments_are_told(arguments):
    done = subprocess.run(
        [PROGRAM, "--from-mac", bench.MANY, "--to-mac", UP["to-mac"], "--from", "10.85.0.2", "--to",
         "10.86.0.2", *arguments, "lo"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("traffic: --")


def test_neighbours_are_numbered(lab):
    """As the frames are."""
    said = lab.inside("gw", "ip", "neigh", "show", "dev", "lan0", "10.96.0.77")
    assert bench.mac(bench.MANY, 77) in said and "PERMANENT" in said
    said = lab.inside("gw", "ip", "neigh", "show", "dev", "lan0", "nud", "permanent").splitlines()
    assert len([line for line in said if bench.MANY[:14] in line]) == 2 * CLIENTS


def test_cost_of_nothing(lab):
    said = lab.inside("gw", COST, "--runs", "50", "none", part_cost.VERDICTS[0].frame)
    program, frame = map(json.loads, said.splitlines())
    assert program["instructions"] == program["verified"] == 2 and program["jited_bytes"] > 2
    assert frame["action"] == 2 and frame["ns"] > 0


@pytest.fixture(scope="module")
def gateways():
    with bench.labs({forward: partial(part_cost.gateway, forward) for forward in ("stack", "route")}) as made:
        yield made


@pytest.mark.parametrize("verdict", part_cost.VERDICTS, ids=lambda verdict: verdict.name)
def test_cost_is_of_what_it_says(gateways, verdict):
    part_cost.check(gateways[verdict.forward], verdict)


def test_cost_of_something_else_is_a_failure(gateways):
    wrong = dataclasses.replace(part_cost.VERDICTS[0], reason="BLOCKED")
    with pytest.raises(bench.Failed, match="instead of BLOCKED"):
        part_cost.check(gateways["stack"], wrong, 0)
