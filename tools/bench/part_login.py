# SPDX-License-Identifier: GPL-2.0-or-later
"""login: from the form that is sent to the first forwarded packet, one by one and many at once;
against one map update."""

import itertools
import json
import math
import os
import shutil
from functools import partial

from hosts import BUILT, HERE, TOP, command, labs
from measure import Row, Table, in_turn
from part_responder import UNLIMITED

PLAIN, TLS, LIMIT = "Sallyport", "Sallyport, TLS", "one map update"
# Of Debian 12, 9.10.0-1. Its script makes chains INPUT and FORWARD of priority -100 by nft in the
# table of iptables-nft, which then refuses to touch them ("CHAIN_ADD failed: Operation not
# supported"), whatever was there before: "Exiting because of error initializing firewall rules".
# Until then it answers every client with 403.
NOT_MEASURED = {"openNDS": "that of Debian 12 (9.10.0) cannot install its firewall rules with Debian's "
                           "own iptables 1.8.9 and ends; until then it answers 403"}
# Number at the same time -> logins of one round.
LOADS = {1: 6, 16: 128}
UPDATES = 20000
PORTAL = "certificate = portal.crt\nkey = portal.key\nhost = portal.test"


def clients(rounds):
    """How many there have to be: none signs in twice."""
    return 2 * (rounds + 1) * sum(LOADS.values()) + max(LOADS.values())


def many_macs(lab):
    """The client's host stands for many, each with the MAC that its address says (many_macs.bpf.c)."""
    pins = f"/sys/fs/bpf/{lab.name}-many"
    command("bpftool", "prog", "loadall",
            os.path.join(TOP, ".output/tests/net/many_macs.bpf.o"), pins)
    try:
        lab.inside("client", "tc", "qdisc", "add", "dev", "client0", "clsact")
        for side, name in ("egress", "many_out"), ("ingress", "many_in"):
            lab.inside("client", "tc", "filter", "add", "dev", "client0", side, "bpf",
                       "direct-action", "object-pinned", os.path.join(pins, name))
    finally:
        shutil.rmtree(pins)


def crowd(count, lab):
    """Addresses as in logins.py."""
    many_macs(lab)
    places = [(1 + number // 250, 1 + number % 250) for number in range(count)]
    lab.inside("client", "ip", "-batch", "-", input="".join(
        f"address add 10.87.{high}.{low}/32 dev lo\n" for high, low in places))
    lab.inside("gw", "ip", "address", "add", "10.87.0.1/16", "dev", "lan0")
    lab.inside("gw", "ip", "-batch", "-", input="".join(
        f"neigh replace 10.87.{high}.{low} lladdr 0a:00:0a:57:{high:02x}:{low:02x} dev lan0 "
        "nud permanent\n" for high, low in places))
    lab.gate(captive=f"[budgets]\n{UNLIMITED}\n[portal]\n{PORTAL}")


def sign_in(lab, way, numbers, at_once):
    """Logins a second, and the median and 99th percentile in ms; none if one of them failed."""
    count = LOADS[at_once]
    said = json.loads(lab.inside("client", "/usr/bin/python3", os.path.join(HERE, "logins.py"),
                                 way, str(next(numbers) * count), str(count), str(at_once)))
    if said["failed"]:
        return math.nan, math.nan, math.nan
    return said["logins"] / said["seconds"], said["p50"], said["p99"]


def write_map():
    said = json.loads(command(os.path.join(BUILT, "map_update"), str(UPDATES)))
    each = said["seconds"] / said["logins"] * 1000
    return 1000 / each, each, each


def tables(size, lab, at_once, first):
    numbers = itertools.count(first // LOADS[at_once])
    rows = in_turn(size.rounds, {
        PLAIN: partial(sign_in, lab, "plain", numbers, at_once),
        TLS: partial(sign_in, lab, "tls", numbers, at_once),
        LIMIT: write_map})
    for place, (what, unit) in enumerate((("rate", "logins/s"), ("p50", "ms"), ("p99", "ms"))):
        yield Table(
            f"login: click-through to the first forwarded packet, {at_once} at once, {what}", unit,
            [Row(row.name, [one[place] for one in row.values]) for row in rows],
            digits=3 if place else 0, scenario="login", clients=clients(size.rounds), subject=PLAIN,
            limit=LIMIT, lower_is_better=place > 0, more={"figure": what, "at_once": at_once})


def run(size):
    count = clients(size.rounds)
    with labs({PLAIN: partial(crowd, count)}) as made:
        first = 0
        for at_once, each in LOADS.items():
            # Numbers go in steps of a round's clients, whatever was used before.
            yield from tables(size, made[PLAIN], at_once, -(-first // each) * each)
            first += 2 * (size.rounds + 1) * each
