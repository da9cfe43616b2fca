# SPDX-License-Identifier: GPL-2.0-or-later
"""A neighbour who forges a client's address, to have his own MAC authorized by that client's login:
he takes part in the client's connection to the portal, or opens it before the client does."""

import html
import re
import socket
from urllib.parse import urlencode

import pytest
from scapy.all import IP, TCP, Ether, IPv6, Raw

from lab import CLIENT, CLIENT_MAC, GATEWAY, GATEWAY_MAC, INTERNET, PORTAL_PORT, in_namespace, url
from test_login import form_action, log_in, portal

FORGER_MAC = "02:85:00:00:00:03"


@pytest.fixture(scope="module")
def forger(gated):
    """Sends frames of the second client host as they are."""
    gated.tool("client", gated.name, "1")

    def make():
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        raw.bind(("client0", 0))
        return raw

    with in_namespace(gated.host("client1"), make) as raw:
        yield raw


@pytest.fixture
def victim(lab):
    # The gateway answers the address where it belongs, and is not told otherwise by the frames.
    lab.fix_neighbours()
    yield lab
    lab.forget(FORGER_MAC)


def forge(raw, family, port, flags, payload=b"", sequence=1000):
    """A segment to the portal that claims to be the client's."""
    ip = IP if family == 4 else IPv6
    packet = (
        Ether(src=FORGER_MAC, dst=GATEWAY_MAC)
        / ip(src=CLIENT[family], dst=GATEWAY[family])
        / TCP(sport=port, dport=PORTAL_PORT, flags=flags, seq=sequence)
        / Raw(payload)
    )
    raw.send(bytes(packet))


def connect(lab, family, port, seconds):
    connection = lab.socket("client", family)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    connection.bind((CLIENT[family], port))
    connection.settimeout(seconds)
    connection.connect((GATEWAY[family], PORTAL_PORT))
    return connection


def form(lab, family):
    """The request that a browser sends for the portal's form."""
    page = lab.curl(GATEWAY[family], port=PORTAL_PORT).body
    fields = {}
    for tag in re.findall(r"<input\b[^>]*>", page):
        attributes = dict(re.findall(r'(\w+)="?([^" >]*)"?', tag))
        if attributes.get("type") == "hidden":
            fields[attributes["name"]] = html.unescape(attributes["value"])
    body = urlencode(fields)
    host = portal(family).split("/")[2]
    return (
        f"POST {form_action(page)} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def only_the_client(lab):
    """Who is authorized."""
    assert lab.client()["state"] == "authorized"
    assert [entry["mac"] for entry in lab.json("client", "list")] == [CLIENT_MAC]
    assert lab.status(4, role="client1") == 511


def test_into_the_clients_connection(victim, forger, family):
    """The client is first: nothing of the forger's reaches its connection."""
    port, request = 41000 + family, form(victim, family)
    clashes = victim.reasons().get("clash", 0)
    with connect(victim, family, port, 2) as connection:
        forge(forger, family, port, "S")
        forge(forger, family, port, "R")
        forge(forger, family, port, "PA", request)
        assert victim.reasons()["clash"] == clashes + 3
        assert victim.ctl("client", "show", FORGER_MAC).returncode == 3
        assert victim.ctl("client", "show", CLIENT_MAC).returncode == 3
        connection.sendall(request)
        assert connection.recv(1000).startswith(b"HTTP/1.1 303")
    only_the_client(victim)


def test_before_the_client(victim, forger, family):
    """The forger is first: the client cannot use this connection, so it cannot log him in by it."""
    port, request = 41010 + family, form(victim, family)
    forge(forger, family, port, "S")
    with pytest.raises(OSError):
        connect(victim, family, port, 1.5)
    assert victim.reasons()["clash"] >= 1
    forge(forger, family, port, "PA", request, 1001)  # he does not know what the portal sent
    assert victim.ctl("client", "show", CLIENT_MAC).returncode == 3
    assert victim.ctl("client", "show", FORGER_MAC).returncode == 3
    log_in(victim, family, url(INTERNET[family]))
    only_the_client(victim)
