# SPDX-License-Identifier: GPL-2.0-or-later
"""flat: the cost of a packet by the number of clients known, each packet another one's."""

from functools import partial

from hosts import MANY, STRANGERS, labs
from measure import Table, in_turn
from traffic import UP, dropped, forwarded

# What a million clients need: policies, hash table and usage cells, locked in memory.
BYTES_PER_CLIENT = 600


def available():
    with open("/proc/meminfo", encoding="ascii") as lines:
        for line in lines:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 0


def sallyport(clients, lab):
    lab.gate(gateway="max_clients = 1048576" if clients > 100000 else "")
    lab.fill(clients)
    lab.sink()


def run(size):
    counts = [count for count in size.clients if count * BYTES_PER_CLIENT < available() / 2]
    with labs({count: partial(sallyport, count) for count in counts}) as made:
        yield Table(
            "flat: authorized, forwarded, by clients known", "Mpps",
            in_turn(size.rounds, {
                f"{count:,}": partial(forwarded, lab, UP, size.milliseconds, MANY, count)
                for count, lab in made.items()}), scale=1e6, digits=3, ns=True)
        yield Table(
            "flat: as many strangers, dropped, by clients known", "Mpps",
            in_turn(size.rounds, {
                f"{count:,}": partial(dropped, lab, size.milliseconds, STRANGERS, count)
                for count, lab in made.items()}), scale=1e6, digits=3, ns=True)
