# SPDX-License-Identifier: GPL-2.0-or-later
"""cli: how long commands take, with many clients known."""

import subprocess
import time
from functools import partial

from hosts import SALLYPORT, STRANGERS, Failed, labs, mac
from measure import Row, Table, in_turn

CLIENTS = 100000
ALLOW, LIST, LIST_JSON = "sallyport client allow", "sallyport client list", "sallyport -j client list"
ADD, SHOW = "nft add element", "nft list set"


def sallyport(lab):
    lab.gate()
    lab.fill(CLIENTS)


def nftables(lab):
    lab.portal(CLIENTS)


def timed(arguments):
    """Milliseconds from start to end of a program."""
    before = time.monotonic()
    code = subprocess.call(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    taken = time.monotonic() - before
    if code:
        raise Failed(f"{' '.join(arguments)}: exit code {code}")
    return taken * 1000


def peak(arguments):
    """Largest memory of a program, in MB. By `time`, which is small itself: a child of ours would
    be counted with our memory, which it has until it runs its own program."""
    done = subprocess.run(["/usr/bin/time", "-f", "%M", *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    return int(done.stderr.split()[-1]) / 1000


def run(size):
    with labs({"sallyport": sallyport, "nft": nftables}) as made:
        nft = ["nsenter", f"--net=/run/netns/{made['nft'].name}-gw", "nft"]
        ours = [SALLYPORT, "-I", made["sallyport"].name]
        number = iter(range(1, 1 << 20))

        def add():
            return timed([*nft, f"add element inet portal allowed {{ {mac(STRANGERS, next(number))} }}"])

        def allow():
            return timed([*ours, "client", "allow", mac(STRANGERS, next(number)), "--for", "8h"])

        yield Table(f"cli: one more client beside {CLIENTS}", "ms", in_turn(
            size.commands, {"a program that does nothing": partial(timed, ["/bin/true"]),
                            ALLOW: allow, ADD: add}))
        listing = {SHOW: [*nft, "list", "set", "inet", "portal", "allowed"],
                   LIST: [*ours, "client", "list"], LIST_JSON: [*ours, "-j", "client", "list"]}
        yield Table(f"cli: list of {CLIENTS} clients, time", "ms", in_turn(
            size.lists, {name: partial(timed, arguments) for name, arguments in listing.items()}),
            digits=0)
        yield Table(f"cli: list of {CLIENTS} clients, peak memory", "MB", [
            Row(name, [peak(arguments)]) for name, arguments in listing.items()], digits=1)
