# SPDX-License-Identifier: GPL-2.0-or-later
"""drop: what captive clients send is dropped: UDP of one MAC and of a million, DNS and SYN floods"""

from functools import partial

import peers
from hosts import CLIENT_MAC, STRANGERS, labs
from measure import Table, Target, in_turn
from peers import FILTER, OURS
from traffic import dropped

NFT, LIMIT = "nftables, dropped", "XDP_DROP and nothing else"
MILLION = 1000000
# A question for the root's name servers, as floods are made of it.
QUESTION = "1234010000010000000000000000020001"
# By name: what it is called, how many MACs send it, and the frame.
KINDS = {
    "udp": ("UDP, one MAC", 1, {}),
    "udp-random": ("UDP, a million random MACs", MILLION, {}),
    "dns": ("DNS to the resolver, one MAC", 1, {"to": "10.85.0.1", "to_port": 53, "payload": QUESTION}),
    "syn": ("SYN to port 80, one MAC", 1, {"protocol": "tcp", "flags": "S", "to_port": 80}),
}


def nftables(lab):
    lab.portal(1, "budget.nft")
    lab.sink()


MAKERS = {OURS: partial(peers.sallyport, "stack", 1), NFT: nftables, FILTER: partial(peers.xdp_filter, 1),
          LIMIT: partial(peers.fixed, "drop")}


def run(size):
    makers = {name: make for name, make in MAKERS.items() if name != FILTER or not size.short}
    with labs(makers) as made:
        for kind, (title, macs, frame) in KINDS.items():
            source = STRANGERS if macs > 1 else CLIENT_MAC
            rows = in_turn(size.rounds, {
                name: partial(dropped, lab, size.milliseconds, source, macs, **frame)
                for name, lab in made.items()})
            yield Table(f"drop: captive, {title}", "Mpps", rows, scale=1e6, digits=3, ns=True,
                        scenario="captive-drop", clients=macs, subject=OURS, limit=LIMIT,
                        targets=(Target(NFT, 5), Target(LIMIT, 0.93 if macs == 1 else 0.7)),
                        more={"kind": kind})
