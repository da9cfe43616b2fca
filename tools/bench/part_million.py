# SPDX-License-Identifier: GPL-2.0-or-later
"""million: 1,000,000 clients loaded, listed and taken down, and the kernel's memory for each."""

import json
import os
import subprocess
import time
from functools import partial

from hosts import BUILT, HERE, LAB, MANY, SALLYPORT, STRANGERS, Failed, command, labs, mac
from measure import Row, Table, Target, in_turn

ROUNDS = 2  # at most
SECONDS, BYTES = 1.5, 320
MAPS, LEDGER, NFT, LIMIT = ("Sallyport, the session module", "Sallyport, import with the ledger",
                            "nftables set, nft -f", "one bpf_map_update_batch")
LIST, LIST_JSON, SHOW, READ = ("sallyport client list", "sallyport -j client list", "nft list set",
                               "one bpf_map_lookup_batch")
ALLOW, ADD, NOTHING = "sallyport client allow", "nft add element", "a program that does nothing"
TARGET = "target"


def measured(*arguments):
    """Seconds from start to end of a program, and its largest memory in MB. By `time`, which is small
    itself: a child of ours would be counted with our memory, which it has until it runs its own
    program."""
    done = subprocess.run(["/usr/bin/time", "-f", "%e %M", *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Failed(f"{' '.join(arguments)}: exit code {done.returncode}: {done.stderr[:200]}")
    seconds, kilobytes = done.stderr.split()[-2:]
    return float(seconds), int(kilobytes) / 1000


def timed(*arguments):
    return measured(*arguments)[0]


def rounds(count, variants):
    """As in_turn, without a first round that is not kept: there are no caches to warm, and each
    takes seconds."""
    rows = {name: [] for name in variants}
    for _ in range(count):
        for name, measure in variants.items():
            rows[name].append(measure())
    return [Row(name, values) for name, values in rows.items()]


def kernel_memory():
    """Bytes that the kernel has for what it does not give back: its objects and large tables."""
    kinds = ("SUnreclaim:", "VmallocUsed:")
    with open("/proc/meminfo", encoding="ascii") as file:
        lines = [line.split() for line in file]
    return sum(int(line[1]) * 1024 for line in lines if line[0] in kinds)


class Sallyport:
    """A gate with room for `count` clients."""

    def __init__(self, lab, count):
        self.lab, self.count = lab, count
        self.command = [SALLYPORT, "-I", lab.name]

    def up(self):
        self.lab.gate(gateway="max_clients = 1048576")

    def down(self):
        return timed(LAB, "ctl", self.lab.name, "down")

    def load(self):
        """Into an empty gate, which is made anew."""
        self.down()
        self.up()
        return timed(os.path.join(BUILT, "fill"), self.lab.name, MANY, str(self.count))

    def load_file(self, path):
        self.down()
        self.up()
        return timed(*self.command, "import", path)

    def bytes(self):
        """Of kernel memory for each client that there is room for."""
        maps = [json.loads(command("bpftool", "-j", "map", "show", "pinned",
                                   f"/sys/fs/bpf/{self.lab.name}/{name}"))
                for name in ("clients", "usage", "slots")]
        return sum(one["bytes_memlock"] for one in maps) / maps[0]["max_entries"]


class Nftables:
    """The set of a portal."""

    def __init__(self, lab, path):
        self.nft = ["nsenter", f"--net=/run/netns/{lab.name}-gw", "nft"]
        self.path = path

    def load(self):
        command(*self.nft, "flush", "set", "inet", "portal", "allowed")
        return timed(*self.nft, "-f", self.path)


def empty_set(lab):
    lab.inside("gw", "nft", "-f", os.path.join(HERE, "portal.nft"))


def files(folder, count):
    """The clients as each of the two reads them."""
    ours, theirs = os.path.join(folder, "clients"), os.path.join(folder, "clients.nft")
    many = [mac(MANY, number) for number in range(count)]
    with open(ours, "w", encoding="ascii") as out:
        out.writelines(f"{one} --for 8h\n" for one in many)
    with open(theirs, "w", encoding="ascii") as out:
        out.write(f"add element inet portal allowed {{ {', '.join(many)} }}\n")
    return ours, theirs


def limit(count, what):
    return json.loads(command(os.path.join(BUILT, "batch"), str(count)))[what]


def loading(size, count, gate, nft):
    rows = rounds(min(size.rounds, ROUNDS), {
        MAPS: gate.load, NFT: nft.load, LIMIT: partial(limit, count, "write")})
    # Of fewer, starting the program is most.
    targets = (Target(TARGET, 1),) if count == 1000000 else ()
    if targets:
        rows.append(Row(TARGET, [SECONDS] * len(rows[0].values)))
    return Table(f"million: {count} clients loaded", "s", rows, scenario="million-load",
                 clients=count, subject=MAPS, limit=LIMIT, lower_is_better=True,
                 targets=targets)


def memory(count, gate, theirs):
    rows = [Row(MAPS, [gate.bytes()]), Row(NFT, [theirs]), Row(TARGET, [BYTES])]
    return Table("million: kernel memory for each client", "bytes", rows, digits=1,
                 scenario="million-memory", clients=count, subject=MAPS, lower_is_better=True,
                 targets=(Target(TARGET, 1),))


def listing(count, gate, nft):
    """Once: nft takes half a minute."""
    ways = {LIST: measured(*gate.command, "client", "list"),
            LIST_JSON: measured(*gate.command, "-j", "client", "list"),
            SHOW: measured(*nft.nft, "list", "set", "inet", "portal", "allowed")}
    yield Table(f"million: list of {count} clients, time", "s",
                [Row(name, [seconds]) for name, (seconds, _) in ways.items()]
                + [Row(READ, [limit(count, "read")])], scenario="million-list",
                clients=count, subject=LIST, limit=READ, lower_is_better=True)
    yield Table(f"million: list of {count} clients, peak memory", "MB",
                [Row(name, [megabytes]) for name, (_, megabytes) in ways.items()], digits=1,
                scenario="million-list-memory", clients=count, subject=LIST, lower_is_better=True)


def one_more(size, count, gate, nft):
    """What a single change costs beside so many. By our clock: that of `time` counts in 10 ms."""
    number = iter(range(1, 1 << 20))

    def watched(*arguments):
        before = time.monotonic()
        command(*arguments)
        return (time.monotonic() - before) * 1000

    rows = in_turn(size.rounds, {
        ALLOW: lambda: watched(*gate.command, "client", "allow", mac(STRANGERS, next(number)),
                               "--for", "8h"),
        ADD: lambda: watched(*nft.nft, "add element inet portal allowed "
                             f"{{ {mac(STRANGERS, next(number))} }}"),
        NOTHING: lambda: watched("/bin/true")})
    return Table(f"million: one more beside {count} clients", "ms", rows, scenario="million-allow",
                 clients=count, subject=ALLOW, limit=NOTHING, lower_is_better=True)


def with_ledger(count, gate, path):
    """Once; the disk is measured as well."""
    rows = [Row(LEDGER, [gate.load_file(path)]),
            Row("sallyport verify", [timed(LAB, "ctl", gate.lab.name, "verify")]),
            Row("sallyport down", [gate.down()])]
    return Table(f"million: {count} clients with the ledger", "s", rows)


def run(size):
    count = max(size.clients)
    with labs({"sallyport": lambda lab: lab.gate(gateway="max_clients = 1048576"),
               "nft": empty_set}) as made:
        ours, theirs = files(made["sallyport"].folder, count)
        gate, nft = Sallyport(made["sallyport"], count), Nftables(made["nft"], theirs)
        before = kernel_memory()
        nft.load()
        yield memory(count, gate, (kernel_memory() - before) / count)
        yield loading(size, count, gate, nft)
        yield from listing(count, gate, nft)
        yield one_more(size, count, gate, nft)
        yield with_ledger(count, gate, ours)
