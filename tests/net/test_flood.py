# SPDX-License-Identifier: GPL-2.0-or-later
"""A captive client that sends as fast as one CPU can: what it costs the others.

How much throughput is left is measured by `tools/bench/run flood`; here is what must hold however
fast the machine is: budgets bite, nobody else notices, no session goes.
"""

import json
import sys
import time

import pytest

from lab import CLIENT, CLIENT_MAC, INTERNET, TOP, wait_until

sys.path.insert(0, str(TOP / "tools" / "bench"))

import floods  # noqa: E402

pytestmark = pytest.mark.alone

GENERATOR = str(TOP / ".output" / "bench" / "traffic")
MILLISECONDS = 1500
KINDS = {name: (ethertype, payload, macs) for name, ethertype, payload, macs in floods.KINDS}

# What the datapath may let through or answer of each kind: reasons, rate and burst of the defaults.
BUDGETS = {
    "ARP": (("arp",), 50, 200, "budget_neighbour"),
    "DNS": (("dns",), 30, 200, "budget_dns"),
    "SYN to port 80": (("captured", "no_listener"), 10, 100, "budget_http"),
    "data to port 80": (("captured", "no_listener"), 320, 3200, "budget_http"),
    "SYN to the portal": (("portal",), 20, 100, "budget_portal"),
    "SYN to port 443": (("reset", "tcp"), 50, 200, "budget_refusal"),
    "UDP to port 443": (("unreachable", "udp"), 50, 200, "budget_refusal"),
    "ping": (("echo",), 5, 20, "budget_echo"),
}
NEW_RATE, NEW_BURST = 500, 5000


@pytest.fixture(scope="module")
def neighbour(gated):
    """Another captive client, known before the flood begins."""
    gated.tool("client", gated.name, "1")
    assert gated.status(4, role="client1") == 511
    return gated


def flood(lab, name, milliseconds=MILLISECONDS):
    """Both kinds of packets, one of each in turn; what the generator says of itself."""
    ethertype, payload, macs = KINDS[name]
    return lab.popen(
        "client", GENERATOR, "--from-mac", CLIENT_MAC, "--to-mac", "02:85:00:00:00:01",
        "--from", CLIENT[4], "--to", INTERNET[4], "--milliseconds", str(milliseconds),
        "--flood", floods.frame(ethertype, payload), "--flooders", str(macs), "client0",
        stdout=-1)


def received(lab):
    """Frames that the gateway has taken in; a veth drops what is more than its queue holds."""
    (link,) = json.loads(lab.run("gw", "ip", "-j", "-s", "link", "show", "lan0").stdout)
    return link["stats64"]["rx"]["packets"]


def grown(before, after, names):
    return sum(after.get(name, 0) - before.get(name, 0) for name in names)


@pytest.mark.parametrize("name", BUDGETS)
def test_a_flood_is_held_to_its_budget(neighbour, name):
    lab = neighbour
    reasons, rate, burst, over = BUDGETS[name]
    lab.allow()
    before, used, taken = lab.reasons(), lab.client()["up_packets"], received(lab)
    started = time.monotonic()
    flood(lab, name).communicate(timeout=60)
    seconds = time.monotonic() - started
    after, taken = lab.reasons(), received(lab) - taken
    # One more second: the clock of budgets is that of jiffies, and others may share the reason.
    assert grown(before, after, reasons) <= burst + rate * (seconds + 1)
    assert grown(before, after, (over,)) > taken // 4
    # Every packet of the session is counted to it, and nothing else is.
    authorized = grown(before, after, ("authorized",))
    assert lab.client()["up_packets"] - used == authorized
    assert abs(authorized - taken // 2) <= taken // 100 + 100


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind[2] > 1])
def test_random_addresses_push_nobody_out(neighbour, name):
    lab = neighbour
    lab.allow("--note", "stays")
    before, taken = lab.reasons(), received(lab)
    started = time.monotonic()
    generator = flood(lab, name, 3000)
    # Meanwhile: the neighbour gets its page, the responder's time is not taken.
    answers = []
    while generator.poll() is None:
        answers.append(lab.status(4, role="client1", seconds=20))
    assert set(answers) == {511}
    generator.communicate()
    seconds = time.monotonic() - started
    after, taken = lab.reasons(), received(lab) - taken
    if KINDS[name][0] != 0x88CC:
        passed = ("arp", "dns", "captured", "no_listener")
        assert grown(before, after, passed) <= NEW_BURST + NEW_RATE * (seconds + 1) + 50 * len(answers)
        assert grown(before, after, ("total_guest",)) > taken // 4
    assert lab.client()["note"] == "stays"
    assert lab.json("status")[0]["authorized"] == 1
    lab.forget()


def test_after_the_flood_all_is_as_before(neighbour):
    lab = neighbour
    lab.forget()
    wait_until(lambda: lab.status(4) == 511, 10, "the first client's page")
    assert lab.status(6) == 511
