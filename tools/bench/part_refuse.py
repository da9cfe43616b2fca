# SPDX-License-Identifier: GPL-2.0-or-later
"""refuse: resets and ICMP messages that answer what captive clients send, without budgets"""

from functools import partial

import peers
from hosts import CLIENT_MAC, Failed, labs
from measure import Table, in_turn
from peers import OURS
from traffic import UP, run as send

NFT, LIMIT = "nftables, reject", "XDP_TX and nothing else"
BY_TC = "Sallyport, answered by TC as on a veth"
BUDGETS = "[budgets]\nrefusals = none\nrefusals_all = none"
# Answers come back to where it was sent.
BACK = {**UP, "end": ("client", "client0")}
# By name: what it is called, the frame, and how the sink counts its answers.
KINDS = {
    "reset": ("TCP to port 443, resets", {"protocol": "tcp", "flags": "S", "to_port": 443}, "resets"),
    "unreachable": ("UDP to port 443, ICMP port unreachable", {"to_port": 443}, "unreachables"),
}


def by_tc(lab):
    peers.sallyport("stack", 1, lab, more=BUDGETS)


def sallyport(lab):
    by_tc(lab)
    peers.as_on_a_nic(lab)


def nftables(lab):
    lab.portal(1, "refuse.nft")
    # The stack's own limit of ICMP messages is not what is measured.
    lab.inside("gw", "sysctl", "-qw", "net.ipv4.icmp_ratemask=0", "net.ipv6.icmp.ratemask=")
    lab.sink()


MAKERS = {OURS: sallyport, NFT: nftables, BY_TC: by_tc, LIMIT: partial(peers.fixed, "tx")}


def answers(lab, milliseconds, family, frame, kind):
    """Per second. What XDP_TX sends back is no answer but the question."""
    said = send(lab, BACK, milliseconds, CLIENT_MAC, family=family, **frame)
    came = said[kind] or said["arrived"] + said["others"]
    if not came:
        raise Failed(f"{lab.name}: nothing that {CLIENT_MAC} sent was answered")
    return came / said["seconds"]


def run(size):
    makers = {name: make for name, make in MAKERS.items() if name != BY_TC or not size.short}
    with labs(makers) as made:
        for kind, (title, frame, counted) in KINDS.items():
            for family in (4,) if size.short else (4, 6):
                rows = in_turn(size.rounds, {
                    name: partial(answers, lab, size.milliseconds, family, frame, counted)
                    for name, lab in made.items()})
                yield Table(f"refuse: captive, {title}, IPv{family}", "Mpps", rows, scale=1e6, digits=3,
                            ns=True, scenario="fast-refusal", subject=OURS, limit=LIMIT,
                            more={"kind": kind, "family": family})
