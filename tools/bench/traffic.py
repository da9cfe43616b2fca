# SPDX-License-Identifier: GPL-2.0-or-later
"""Sending through a lab's gateway, and counting what came of it."""

import json
import os

from hosts import BUILT, CLIENT_MAC, Failed

UP = {"name": "up", "title": "client to network", "host": "client", "out": "client0", "to-mac": "02:85:00:00:00:01",
      "from": "10.85.0.2", "to": "10.86.0.2", "gateway": "lan0", "end": ("net", "net0")}
DOWN = {"name": "down", "title": "network to client", "host": "net", "out": "net0", "to-mac": "02:86:00:00:00:01",
        "from": "10.86.0.2", "to": "10.85.0.2", "gateway": "wan0", "end": ("client", "client0")}


def send(lab, way, milliseconds, source, clients, *more):
    """Returns how many frames were taken by the gateway and how many came out, per second."""
    entry, end = ("gw", way["gateway"]), way["end"]
    before = lab.received(*entry), lab.received(*end)
    said = lab.inside(way["host"], os.path.join(BUILT, "traffic"), "--from-mac", source,
                      "--to-mac", way["to-mac"], "--from", way["from"], "--to", way["to"],
                      "--clients", str(clients), "--milliseconds", str(milliseconds), *more, way["out"])
    seconds = json.loads(said)["seconds"]
    taken, arrived = lab.received(*entry) - before[0], lab.received(*end) - before[1]
    return taken / seconds, arrived / seconds


def forwarded(lab, way, milliseconds, source=CLIENT_MAC, clients=1, flood=None):
    """Packets per second that arrive. `flood`: the frame between every two of them, and how many
    send it."""
    more = ("--flood", flood[0], "--flooders", str(flood[1])) if flood else ()
    _, arrived = send(lab, way, milliseconds, source, clients, *more)
    if arrived < 1000:
        raise Failed(f"{lab.name}: traffic of {source} was not forwarded from {way['out']} to "
                     f"{way['end'][1]}; see what `sallyport stats` says of it")
    return arrived


def dropped(lab, milliseconds, source, clients=1):
    """Packets of captive clients per second that the gateway deals with."""
    taken, arrived = send(lab, UP, milliseconds, source, clients)
    if arrived > 100:
        raise Failed(f"{lab.name}: traffic of the captive client {source} reached net0")
    if not taken:
        raise Failed(f"{lab.name}: no traffic reached lan0")
    return taken
