# SPDX-License-Identifier: GPL-2.0-or-later
"""path: authorized clients' packets, by each way of deciding, on the whole path and one CPU."""

from functools import partial

import peers
from hosts import MANY, labs
from measure import Table, Target, in_turn
from peers import BARE, FILTER, IPTABLES, MOST, NFT, NONE, OURS
from traffic import UP, forwarded

SCENARIOS = {
    "stack": "authorized clients, forwarded by the kernel's stack, 1 to 1,000,000 of them",
    "route": "authorized clients, forwarded by XDP, both directions, IPv4 and IPv6, three sizes",
    "attach": "the ways of attaching where XDP is not at hand, 1,000 clients",
}
LIMIT = {"stack": NONE, "route": BARE}
USUAL = 1000
PEERS = {NFT: peers.nftables, IPTABLES: peers.iptables, FILTER: peers.xdp_filter}
ATTACH = {"Sallyport, attach = generic": "generic", "Sallyport, attach = tc": "tc"}


def targets(scenario, clients):
    if scenario == "stack":
        return Target(NFT, 1.5), Target(NONE, 0.97)
    return Target(NFT, 4), Target(BARE, 0.95 if clients <= USUAL else 0.85)


def makers(size):
    """What completes each lab, by variant and number of clients."""
    there = {}
    counts = size.clients if {"stack", "route"} & size.scenarios else ()
    for count in sorted({*counts, USUAL} & set(size.clients)):
        for scenario in {"stack", "route"} & size.scenarios:
            there[scenario, count] = partial(peers.sallyport, scenario, count)
        for name, peer in PEERS.items():
            if count <= MOST.get(name, count) and counts:
                there[name, count] = partial(peer, count)
    if {"stack", "attach"} & size.scenarios:
        there[NONE, 0] = peers.none
    if "route" in size.scenarios:
        there[BARE, 0] = peers.bare
    if "attach" in size.scenarios:
        there["stack", USUAL] = partial(peers.sallyport, "stack", USUAL)
        for name, attach in ATTACH.items():
            there[name, USUAL] = partial(peers.sallyport, "stack", USUAL, attach=attach)
    # The longest first.
    return dict(sorted(there.items(), key=lambda item: -item[0][1]))


class Path:
    """The labs of a run, and tables of what comes through them."""

    def __init__(self, size, made):
        self.size, self.made = size, made

    def variants(self, scenario, count):
        there = {OURS: self.made[scenario, count]}
        there.update((name, self.made[name, count]) for name in PEERS if (name, count) in self.made)
        there[LIMIT[scenario]] = self.made[LIMIT[scenario], 0]
        return there

    def table(self, scenario, count, way):
        labs_of = self.variants(scenario, count)
        title = (f"{scenario}: authorized, {way['title']}, {count:,} client{'s' * (count > 1)}, "
                 "60-byte UDP")
        rows = in_turn(self.size.rounds, {
            name: partial(forwarded, lab, way, self.size.milliseconds, MANY, count)
            for name, lab in labs_of.items()})
        return Table(title, "Mpps", rows, scale=1e6, digits=3, ns=True, scenario=f"authorized-{scenario}",
                     clients=count, subject=OURS, targets=targets(scenario, count), limit=LIMIT[scenario],
                     more={"direction": way["name"], "family": 4, "bytes": 60})

    def attach(self):
        labs_of = {OURS: self.made["stack", USUAL], NONE: self.made[NONE, 0]}
        labs_of.update((name, self.made[name, USUAL]) for name in ATTACH)
        names = {name: f"{name} ({labs_of[name].mode()})" for name in ATTACH}
        rows = in_turn(self.size.rounds, {
            names.get(name, name): partial(forwarded, lab, UP, self.size.milliseconds, MANY, USUAL)
            for name, lab in labs_of.items()})
        return Table(f"attach: authorized, {UP['title']}, {USUAL:,} clients, 60-byte UDP", "Mpps", rows,
                     scale=1e6, digits=3, ns=True, scenario="attach", clients=USUAL, subject=OURS,
                     limit=NONE)


def run(size):
    with labs(makers(size)) as made:
        path = Path(size, made)
        for scenario in "stack", "route":
            if scenario not in size.scenarios:
                continue
            for count in size.clients:
                yield path.table(scenario, count, UP)
        if "attach" in size.scenarios:
            yield path.attach()
