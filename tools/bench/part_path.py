# SPDX-License-Identifier: GPL-2.0-or-later
"""path: what each way of deciding costs on the whole path, one CPU, one client's packets."""

from functools import partial

from hosts import CLIENT_MAC, STRANGERS, labs, mac
from measure import Table, in_turn
from traffic import DOWN, UP, dropped, forwarded

CLIENTS = 16384
PLAIN, NFT, LIMIT = "no rules", "nftables, set of MACs", "XDP program that only passes"
ATTACH = {"Sallyport": "auto", "Sallyport, attach = generic": "generic",
          "Sallyport, attach = tc": "tc"}


def plain(lab):
    lab.sink()


def nftables(lab):
    lab.portal(CLIENTS - 1)
    lab.nft(f"add element inet portal allowed {{ {CLIENT_MAC} }}")
    lab.sink()


def limit(lab):
    lab.fixed("gw", "lan0", "pass")
    lab.sink()


def sallyport(attach, lab):
    lab.gate(gateway=f"attach = {attach}")
    lab.fill(CLIENTS - 1)
    lab.allow()
    lab.sink()


def run(size):
    makers = {PLAIN: plain, NFT: nftables, LIMIT: limit}
    makers.update((name, partial(sallyport, attach)) for name, attach in ATTACH.items())
    with labs(makers) as made:
        names = {name: f"{name} ({made[name].mode()})" if name in ATTACH else name
                 for name in made}
        for way, title in (UP, "client to network"), (DOWN, "network to client"):
            yield Table(
                f"path: {title}, authorized, 60-byte UDP, {CLIENTS} clients known",
                "Mpps", in_turn(size.rounds, {
                    names[name]: partial(forwarded, lab, way, size.milliseconds)
                    for name, lab in made.items()}), scale=1e6, digits=3, ns=True)
        yield Table(
            "path: captive client's UDP, dropped", "Mpps",
            in_turn(size.rounds, {
                names[name]: partial(dropped, made[name], size.milliseconds, mac(STRANGERS, 1))
                for name in (NFT, *ATTACH)}), scale=1e6, digits=3, ns=True)
