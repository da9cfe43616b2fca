# SPDX-License-Identifier: GPL-2.0-or-later
"""flood: what authorized clients keep, and how long they wait, while captive ones flood the gateway

One CPU makes the frames and does all that becomes of them, so nothing is lost: a gateway that is
slower makes both come slower. Of a batch of 64, which is what a driver takes from a NIC at once, at
most 51 are of the flood; a gateway that is busy all the time gets fewer than a million a second.
"""

import math
from functools import partial

import floods
import peers
from hosts import MANY, labs
from measure import Row, Table
from peers import NFT, OURS
from traffic import UP, complete

CLIENTS = 1000
ROUTE, QUIET = "Sallyport, forward = route", "Sallyport, no flood"
RATE, MOST = 1000000, 51
# What waits is a trickle beside the flood: of more it would be its own queue that is measured.
TRICKLE = 100000
# By name: which frame of floods.py.
KINDS = {"udp": "UDP to port 443", "syn-random": "SYN to port 80, random MACs"}
FRAMES = {name: (floods.frame(ethertype, payload), flooders)
          for name, ethertype, payload, flooders in floods.KINDS}
MAKERS = {OURS: partial(peers.sallyport, "stack", CLIENTS), ROUTE: partial(peers.sallyport, "route", CLIENTS),
          NFT: partial(peers.nftables, CLIENTS)}
# By scenario: title, unit, scale, digits, and whether less is better.
FIGURES = {
    "flood-throughput": ("authorized", "Mpps", 1e6, 3, False),
    "flood-p50": ("half of the authorized packets are through after", "us", 1e3, 1, True),
    "flood-p99": ("99 % of the authorized packets are through after", "us", 1e3, 1, True),
    "flood-rate": ("the flood that was taken in beside it", "Mpps", 1e6, 3, False),
}


def measure(lab, milliseconds, flood):
    """A value for each of FIGURES; NaN where packets were lost."""
    more = {"flood": flood[0], "flooders": flood[1], "flood_rate": RATE, "flood_share": MOST} if flood else {}
    most = complete(lab, UP, milliseconds, MANY, CLIENTS, **more)
    few = complete(lab, UP, milliseconds, MANY, CLIENTS, rate=TRICKLE, share=64 - MOST,
                   stamp=True, **more)
    rate = (most["arrived"] / most["seconds"], most["flood"] / most["seconds"]) if most else (math.nan, math.nan)
    delays = (few["p50"], few["p99"]) if few else (math.nan, math.nan)
    return dict(zip(FIGURES, (rate[0], *delays, rate[1])))


def rounds(size, made, flood):
    """Rows for each of FIGURES, the variants in turn; the first round uses up what is free at first."""
    variants = {name: (made[name], flood) for name in MAKERS}
    variants[QUIET] = made[OURS], None
    values = {figure: {name: [] for name in variants} for figure in FIGURES}
    for number in range(size.rounds + 1):
        for name, (lab, what) in variants.items():
            for figure, value in measure(lab, size.milliseconds, what).items():
                if number:
                    values[figure][name].append(value)
    return {figure: [Row(name, there) for name, there in rows.items()] for figure, rows in values.items()}


def run(size):
    with labs(MAKERS) as made:
        for kind, name in KINDS.items():
            rows = rounds(size, made, FRAMES[name])
            for figure, (title, unit, scale, digits, less) in FIGURES.items():
                compared = figure != "flood-rate"
                yield Table(f"flood: {title}; 1 Mpps of captive {name}", unit, rows[figure], scale=scale,
                            digits=digits, lower_is_better=less, scenario=figure, clients=CLIENTS,
                            subject=OURS if compared else "", limit=QUIET if compared else "",
                            more={"kind": kind})
