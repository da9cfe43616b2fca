# SPDX-License-Identifier: GPL-2.0-or-later
"""responder: 511 answers to a captive client, a connection each, against nginx."""

import json
import os
import time
from functools import partial

from hosts import HERE, Failed, labs
from measure import Table, in_turn

CAPTURED, GATEWAY = "http://10.86.0.2/", "http://10.85.0.1:8085/"
# What a browser would say.
HEADERS = ("Accept: text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language: en")
REDIRECTED, BESIDE, RESPONDER = (
    "nginx behind nftables redirect", "nginx behind Sallyport, port open", "Sallyport responder")
URL = {REDIRECTED: CAPTURED, BESIDE: GATEWAY, RESPONDER: CAPTURED}


def headers():
    return [part for header in HEADERS for part in ("-H", header)]


def fetch(lab, url):
    """Status and size of the answer's body."""
    said = lab.inside("client", "curl", "-so", "/dev/null", "-m", "5", *headers(),
                      "-w", "%{http_code} %{size_download}", url)
    status, size = said.split()
    if status != "511":
        raise Failed(f"{lab.name}: {url} gave status {status}: expected 511")
    return int(size)


def wait_for(lab, url):
    for _ in range(100):
        try:
            return fetch(lab, url)
        except Failed:
            time.sleep(0.05)
    return fetch(lab, url)


def nginx(lab, workers, body):
    with open(os.path.join(HERE, "nginx.conf"), encoding="ascii") as template:
        text = template.read()
    path = os.path.join(lab.folder, "nginx.conf")
    for name, value in ("WORKERS", str(workers)), ("FOLDER", lab.folder), ("BODY", "x" * body):
        text = text.replace(name, value)
    with open(path, "w", encoding="ascii") as out:
        out.write(text)
    lab.serve("nginx", "-c", path, "-p", lab.folder)


def many_clients(lab):
    """One client stands for many, each of whom has all its ports."""
    lab.inside("client", "sysctl", "-qw", "net.ipv4.tcp_max_tw_buckets=0",
               "net.ipv4.ip_local_port_range=1024 65535")


def captive(workers, lab):
    many_clients(lab)
    lab.gate(captive=f"workers = {workers}")


def authorized(workers, lab):
    captive(workers, lab)
    lab.allow()


def redirected(lab):
    many_clients(lab)
    lab.portal(1, "redirect.nft")


def requests(lab, url, seconds, workers):
    said = lab.inside("client", "wrk", f"-t{workers}", "-c32", f"-d{seconds}s",
                      "-H", "Connection: close", *headers(),
                      "-s", os.path.join(HERE, "wrk.lua"), url)
    result = json.loads(said.splitlines()[-1])
    if not result["requests"] or result["refused"] != result["requests"]:
        raise Failed(f"{lab.name}: {result['refused']} of {result['requests']} answers from {url} "
                     "had a status above 399: expected all")
    if result["errors"] > result["requests"] / 100:
        raise Failed(f"{lab.name}: {result['errors']} socket errors in {result['requests']} "
                     f"requests to {url}")
    return result["requests"] / result["seconds"]


def one(size, workers):
    makers = {REDIRECTED: redirected, BESIDE: partial(authorized, workers),
              RESPONDER: partial(captive, workers)}
    with labs(makers) as made:
        body = wait_for(made[RESPONDER], CAPTURED)
        for name in REDIRECTED, BESIDE:
            nginx(made[name], workers, body)
            wait_for(made[name], URL[name])
        return Table(
            f"responder: 511 with {body} bytes, a connection each, workers: {workers}",
            "requests/s", in_turn(size.wrk_rounds, {
                name: partial(requests, lab, URL[name], size.wrk_seconds, workers)
                for name, lab in made.items()}), digits=0)


def run(size):
    for workers in 1, 2:
        yield one(size, workers)
