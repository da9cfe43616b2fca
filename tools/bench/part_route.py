# SPDX-License-Identifier: GPL-2.0-or-later
"""route: forwarding past the stack, against nftables and against XDP that only forwards."""

from functools import partial

from hosts import CLIENT_MAC, MANY, labs
from measure import Table, in_turn
from traffic import DOWN, UP, forwarded

CLIENTS = 1000
NFT, BARE = "nftables, set of MACs", "XDP, FIB lookup and nothing else"
MODES = {"Sallyport, forward = stack": "stack", "Sallyport, forward = route": "route"}


def nftables(lab):
    lab.portal(CLIENTS)
    lab.nft(f"add element inet portal allowed {{ {CLIENT_MAC} }}")
    lab.sink()


def bare(lab):
    lab.fixed("gw", "lan0", "forward")
    lab.fixed("gw", "wan0", "forward")
    lab.sink()


def sallyport(mode, lab):
    lab.gate(gateway=f"uplink = wan0\nforward = {mode}")
    lab.fill(CLIENTS)
    lab.allow()
    lab.sink()


def run(size):
    makers = {NFT: nftables, BARE: bare}
    makers.update((name, partial(sallyport, mode)) for name, mode in MODES.items())
    ways = ((UP, MANY, CLIENTS, f"client to network, {CLIENTS} clients in turn"),
            (DOWN, CLIENT_MAC, 1, f"network to client, {CLIENTS} clients known"))
    with labs(makers) as made:
        for way, source, clients, title in ways:
            yield Table(
                f"route: {title}, 60-byte UDP", "Mpps",
                in_turn(size.rounds, {
                    name: partial(forwarded, lab, way, size.milliseconds, source, clients)
                    for name, lab in made.items()}), scale=1e6, digits=3, ns=True)
