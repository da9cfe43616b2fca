# SPDX-License-Identifier: GPL-2.0-or-later
"""path: authorized clients' packets, by each way of deciding, on the whole path and one CPU."""

from functools import partial

import peers
from hosts import MANY, labs
from measure import Table, Target, in_turn
from peers import BARE, FILTER, IPTABLES, MOST, NFT, NONE, OURS, STATELESS
from traffic import DOWN, UP, forwarded

SCENARIOS = {
    "stack": "authorized clients, forwarded by the kernel's stack, 1 to 1,000,000 of them",
    "route": "authorized clients, forwarded by XDP, both directions, IPv4 and IPv6, three sizes",
    "attach": "the ways of attaching where XDP is not at hand, 1,000 clients",
}
LIMIT = {"stack": NONE, "route": BARE}
USUAL = 1000
PEERS = {NFT: peers.nftables, STATELESS: peers.nftables, IPTABLES: peers.iptables, FILTER: peers.xdp_filter}
ATTACH = {"Sallyport, attach = generic": "generic", "Sallyport, attach = tc": "tc"}


# Besides IPv4, upwards, 60 bytes.
OTHERS = {
    "stack": ((DOWN, 4, 60), (UP, 6, 60), (UP, 4, 1514)),
    "route": ((DOWN, 4, 60), (UP, 6, 60), (DOWN, 6, 60), (UP, 4, 512), (DOWN, 4, 512), (UP, 4, 1514),
              (DOWN, 4, 1514), (UP, 6, 512), (UP, 6, 1514), (DOWN, 6, 1514)),
}
SHORT = {"stack": ((DOWN, 4, 60),), "route": ((DOWN, 4, 60), (UP, 6, 60))}


def targets(scenario, clients):
    if scenario == "stack":
        return Target(peers.nft(clients), 1.5), Target(NONE, 0.97)
    return Target(peers.nft(clients), 4), Target(BARE, 0.95 if clients <= USUAL else 0.85)


def peers_for(count, short):
    """Their names."""
    there = (peers.nft(count),) if short else (peers.nft(count), IPTABLES, FILTER)
    return [name for name in there if count <= MOST.get(name, count)]


def makers(size):
    """What completes each lab, by variant and number of clients."""
    there = {}
    wanted = [scenario for scenario in LIMIT if scenario in size.scenarios]
    for count in size.clients if wanted else ():
        there.update(((scenario, count), partial(peers.sallyport, scenario, count)) for scenario in wanted)
        there.update(((name, count), partial(PEERS[name], count)) for name in peers_for(count, size.short))
    if {"stack", "attach"} & size.scenarios:
        there[NONE, 0] = peers.none
    if "route" in size.scenarios:
        there[BARE, 0] = peers.bare
    if "attach" in size.scenarios:
        there["stack", USUAL] = partial(peers.sallyport, "stack", USUAL)
        for name, attach in ATTACH.items():
            there[name, USUAL] = partial(peers.sallyport, "stack", USUAL, attach=attach)
    # The longest first.
    return {key: partial(reached, there[key]) if key[1] in (USUAL, 0) else there[key]
            for key in sorted(there, key=lambda key: -key[1])}


def reached(make, lab):
    """Complete a lab whose gateway knows where the usual number of clients is."""
    make(lab)
    for family in 4, 6:
        lab.neighbours(USUAL, family)


class Path:
    """The labs of a run, and tables of what comes through them."""

    def __init__(self, size, made):
        self.size, self.made = size, made

    def variants(self, scenario, count, names):
        """Labs by name, of the peers that are named and of those that there are."""
        there = {OURS: self.made[scenario, count]}
        there.update((name, self.made[name, count]) for name in names if (name, count) in self.made)
        there[LIMIT[scenario]] = self.made[LIMIT[scenario], 0]
        return there

    def table(self, scenario, count, way=UP, family=4, length=60, names=PEERS):
        title = (f"{scenario}: authorized, {count:,} client{'s' * (count > 1)}, {way['title']}, "
                 f"IPv{family}, {length} bytes")
        rows = in_turn(self.size.rounds, {
            name: partial(forwarded, lab, way, self.size.milliseconds, MANY, count, family=family,
                          bytes=length)
            for name, lab in self.variants(scenario, count, names).items()})
        return Table(title, "Mpps", rows, scale=1e6, digits=3, ns=True, scenario=f"authorized-{scenario}",
                     clients=count, subject=OURS, targets=targets(scenario, count), limit=LIMIT[scenario],
                     more={"direction": way["name"], "family": family, "bytes": length})

    def all_of(self, scenario):
        """Every number of clients with the smallest packets, which cost the most; other directions,
        families and sizes with one number, and without peers for whom they are no other thing."""
        for count in self.size.clients:
            yield self.table(scenario, count)
        if USUAL not in self.size.clients:
            return
        for way, family, length in (SHORT if self.size.short else OTHERS)[scenario]:
            yield self.table(scenario, USUAL, way, family, length, names=(NFT,))

    def attach(self):
        labs_of = {OURS: self.made["stack", USUAL], NONE: self.made[NONE, 0]}
        labs_of.update((name, self.made[name, USUAL]) for name in ATTACH)
        names = {name: f"{name} ({labs_of[name].mode()})" for name in ATTACH}
        rows = in_turn(self.size.rounds, {
            names.get(name, name): partial(forwarded, lab, UP, self.size.milliseconds, MANY, USUAL)
            for name, lab in labs_of.items()})
        return Table(f"attach: authorized, {USUAL:,} clients, {UP['title']}, IPv4, 60 bytes", "Mpps", rows,
                     scale=1e6, digits=3, ns=True, scenario="attach", clients=USUAL, subject=OURS,
                     limit=NONE)


def run(size):
    with labs(makers(size)) as made:
        path = Path(size, made)
        for scenario in LIMIT:
            if scenario in size.scenarios:
                yield from path.all_of(scenario)
        if "attach" in size.scenarios:
            yield path.attach()
