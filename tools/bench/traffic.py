# SPDX-License-Identifier: GPL-2.0-or-later
"""Sending through a lab's gateway, and counting what came of it.

Frames are described by keywords, the options of .output/bench/traffic: bytes, protocol, flags,
to_port, payload, vlan, flows, in_order, rate, share, stamp, flood, flooders, flood_share, flood_rate;
and family, 4 or 6.
"""

import json
import math
import os

from hosts import BUILT, CLIENT_MAC, MANY, MANY_ADDRESS, STRANGERS, Failed

UP = {"name": "up", "title": "client to network", "host": "client", "out": "client0",
      "to-mac": "02:85:00:00:00:01",
      "from": {4: "10.85.0.2", 6: "fd85::2"}, "to": {4: "10.86.0.2", 6: "fd86::2"},
      "gateway": "lan0", "end": ("net", "net0")}
DOWN = {"name": "down", "title": "network to client", "host": "net", "out": "net0",
        "to-mac": "02:86:00:00:00:01",
        "from": {4: "10.86.0.2", 6: "fd86::2"}, "to": {4: "10.85.0.2", 6: "fd85::2"},
        "gateway": "wan0", "end": ("client", "client0")}
# More is no result.
MOST_LOST = 0.001


def words(frame):
    """Keywords as options of the program."""
    for name, value in frame.items():
        if value is True:
            yield f"--{name.replace('_', '-')}"
        elif value is not None and value is not False:
            yield from (f"--{name.replace('_', '-')}", str(value))


def run(lab, way, milliseconds, source=CLIENT_MAC, clients=1, family=4, **frame):
    """Send, and return what the generator says: packets (of which flood), bytes of each, seconds,
    taken by the gateway; arrived, resets, unreachables and others at the sink.

    `source` is the first of `clients` MACs. Clients that exist only as addresses have one each, from
    MANY_ADDRESS on; towards them, the gateway has to know their MACs (Lab.neighbours)."""
    download = way is DOWN
    ends = {"from": way["from"][family], "to": way["to"][family]}
    if source in (MANY, STRANGERS):
        ends["to" if download else "from"] = MANY_ADDRESS[family]
    namespace = f"/run/netns/{lab.name}-"
    said = lab.inside(
        way["host"], os.path.join(BUILT, "traffic"),
        "--from-mac", "02:86:00:00:00:02" if download else source, "--to-mac", way["to-mac"],
        "--clients", str(clients), "--milliseconds", str(milliseconds),
        "--gate", f"{namespace}gw:{way['gateway']}", "--sink", f"{namespace}{':'.join(way['end'])}",
        *words({**ends, "download": download, **frame}), way["out"])
    return json.loads(said)


def lost(said):
    """Which part of the authorized packets did not arrive."""
    own = said["packets"] - said["flood"]
    return 1 - said["arrived"] / own if own else 0.0


def complete(lab, way, milliseconds, source, clients, **frame):
    """A run that lost nothing; None if two in a row did."""
    for _ in range(2):
        said = run(lab, way, milliseconds, source, clients, **frame)
        if not said["arrived"]:
            raise Failed(f"{lab.name}: traffic of {source} was not forwarded from {way['out']} to "
                         f"{way['end'][1]}; see what `sallyport stats` says of it")
        if lost(said) <= MOST_LOST:
            return said
    return None


def forwarded(lab, way, milliseconds, source=CLIENT_MAC, clients=1, **frame):
    """Packets per second that arrive; NaN if more than MOST_LOST of them do not, twice."""
    said = complete(lab, way, milliseconds, source, clients, **frame)
    return said["arrived"] / said["seconds"] if said else math.nan


def dropped(lab, milliseconds, source, clients=1, **frame):
    """Packets of captive clients per second that the gateway deals with; NaN as above."""
    for _ in range(2):
        said = run(lab, UP, milliseconds, source, clients, **frame)
        if said["arrived"] > 100:
            raise Failed(f"{lab.name}: traffic of the captive client {source} reached net0")
        if said["taken"] >= said["packets"] * (1 - MOST_LOST):
            return said["packets"] / said["seconds"]
    return math.nan
