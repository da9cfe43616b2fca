# SPDX-License-Identifier: GPL-2.0-or-later
"""responder: 511 answers to captive clients, a connection each, against nginx and libmicrohttpd."""

import contextlib
import json
import math
import os
import time
from functools import partial

from hosts import BUILT, HERE, Failed, labs
from measure import Row, Table, Target, in_turn

SALLYPORT, NGINX, REDIRECTED = "Sallyport", "nginx", "nginx behind nftables redirect"
MICROHTTPD, BARE = "libmicrohttpd", "accept, write, close"
INTERNET, GATEWAY, GATEWAY_MAC = "10.86.0.2", "10.85.0.1", "02:85:00:00:00:01"
# Number of workers -> what is asked at the same time. A second worker makes no answer quicker.
LOADS = {1: (1, 32, 1000), 2: (32,)}
CLIENTS = 250
# What a client's own budget would hold up: one machine makes the load of a whole network.
UNLIMITED = "\n".join(f"{name} = none\n{name}_all = none" for name in (
    "neighbour", "http", "portal", "refusals")) + "\nnew_clients = none"
# The answer of a page in one go, as it comes; the lab's curl would change what a peer has to say.
RECORD = """
import socket, sys
with socket.create_connection((sys.argv[1], 80), 5) as connection, open(sys.argv[2], "wb") as out:
    connection.sendall(b"GET / HTTP/1.0\\r\\nHost: www.example.org\\r\\nAccept: text/html,*/*;q=0.8\\r\\n"
                       b"Accept-Language: en\\r\\n\\r\\n")
    while data := connection.recv(65536):
        out.write(data)
"""


def port(base, workers):
    """Where a peer with that many workers listens."""
    return base + workers


def many_clients(lab):
    """The gateway knows where they are; and there is a queue in front of each wire, which a veth needs
    to make what is too much at once wait, as a card does."""
    lab.inside("gw", "ip", "route", "add", "10.87.0.0/16", "via", "10.85.0.2")
    for host, device in ("client", "client0"), ("gw", "lan0"):
        lab.inside(host, "tc", "qdisc", "add", "dev", device, "root", "pfifo", "limit", "20000")


def captive(workers, lab):
    many_clients(lab)
    lab.gate(captive=f"workers = {workers}\n[budgets]\n{UNLIMITED}")


def redirected(lab):
    many_clients(lab)
    lab.portal(1, "redirect.nft")
    # The peer's own limit, which a longer run would meet and this must not.
    lab.inside("gw", "sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_timeout_time_wait=1",
               "net.netfilter.nf_conntrack_tcp_timeout_close=1")


def record(lab):
    """A file with an answer of the responder, and the length of its body."""
    path = os.path.join(lab.folder, "answer")
    lab.inside("client", "/usr/bin/python3", "-c", RECORD, INTERNET, path)
    with open(path, "rb") as file:
        head, _, body = file.read().partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 511 ") or not body:
        raise Failed(f"{lab.name}: the responder said {head[:80]}: expected 511 with a page")
    return path, len(body)


def nginx(lab, workers, body):
    with open(os.path.join(HERE, "nginx.conf"), encoding="ascii") as template:
        text = template.read()
    path = os.path.join(lab.folder, f"nginx{workers}.conf")
    for name, value in (("WORKERS", str(workers)), ("PORT", str(port(8090, workers))),
                        ("FOLDER", lab.folder), ("BODY", "x" * body)):
        text = text.replace(name, value)
    with open(path, "w", encoding="ascii") as out:
        out.write(text)
    lab.serve("nginx", "-c", path, "-p", lab.folder)


def peers(beside, behind, answer, body):
    for workers in LOADS:
        nginx(beside, workers, body)
        nginx(behind, workers, body)
        for base, program in (8100, "http_microhttpd"), (8110, "http_bare"):
            beside.serve(os.path.join(BUILT, program), str(port(base, workers)), str(workers), answer)


def ask(lab, address, number, connections, milliseconds):
    """What the browsers say of so many connections at once."""
    return json.loads(lab.inside(
        "client", os.path.join(BUILT, "browsers"), "--from", "10.87.0.1", "--clients", str(CLIENTS),
        "--to-mac", GATEWAY_MAC, "--connections", str(connections), "--milliseconds", str(milliseconds),
        "client0", address, str(number)))


def wait_for(lab, address, number):
    """Until a server that has been started answers."""
    for _ in range(100):
        with contextlib.suppress(Failed):
            ask(lab, address, number, 1, 1)
            return
        time.sleep(0.05)
    raise Failed(f"{lab.name}: {address} port {number} gives no 511 within 5 s")


def variants(made, workers):
    beside, behind = made[NGINX], made[REDIRECTED]
    return {
        SALLYPORT: (made[workers], INTERNET, 80),
        NGINX: (beside, GATEWAY, port(8090, workers)),
        REDIRECTED: (behind, INTERNET, port(79, workers)),
        MICROHTTPD: (beside, GATEWAY, port(8100, workers)),
        BARE: (beside, GATEWAY, port(8110, workers)),
    }


def figures(said):
    """Answers a second, median and 99th percentile; none of them if answers went missing."""
    if said["failed"] * 100 > said["answers"]:
        return math.nan, math.nan, math.nan
    return said["answers"] / said["seconds"], said["p50"], said["p99"]


def tables(size, chosen, workers, connections, body):
    time_of_one = size.milliseconds * (5 if connections > 100 else 2.5)
    rows = in_turn(size.rounds, {
        name: partial(lambda where: figures(ask(*where, connections, round(time_of_one))), where)
        for name, where in chosen.items()})
    title = f"responder: 511 with {body} bytes, {connections} at once, workers: {workers}"
    targets = Target(NGINX, 1.5), Target(REDIRECTED, 1.5)
    for place, (what, unit) in enumerate((("rate", "answers/s"), ("p50", "us"), ("p99", "us"))):
        yield Table(
            f"{title}, {what}", unit, [Row(row.name, [one[place] for one in row.values]) for row in rows],
            digits=0, scenario="responder", clients=CLIENTS, subject=SALLYPORT, limit=BARE,
            targets=() if place else targets, lower_is_better=place > 0,
            more={"figure": what, "connections": connections, "workers": workers})


def run(size):
    makers = {workers: partial(captive, workers) for workers in LOADS}
    makers.update({NGINX: many_clients, REDIRECTED: redirected})
    with labs(makers) as made:
        wait_for(made[1], INTERNET, 80)
        answer, body = record(made[1])
        peers(made[NGINX], made[REDIRECTED], answer, body)
        for workers, loads in LOADS.items():
            chosen = variants(made, workers)
            for where in chosen.values():
                wait_for(*where)
            for connections in loads:
                yield from tables(size, chosen, workers, connections, body)
