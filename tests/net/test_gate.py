# SPDX-License-Identifier: GPL-2.0-or-later
"""The gate on real packets: what captive, authorized and blocked clients meet."""

import json
import re
import socket
import time
from pathlib import Path

import pytest

from lab import (
    CLIENT, CLIENT_MAC, GATEWAY, INTERNET, PORTAL_PORT, PORTAL_URL, Sniffer, bpftool, url,
    wait_until,
)


# --- captive: the answer ---


def test_captive_meets_511(lab, family):
    answer = lab.curl(INTERNET[family])
    assert (answer.status, answer.reason) == (511, "Network Authentication Required")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["connection"].lower() == "close"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["location"].startswith(PORTAL_URL)
    assert int(answer.headers["content-length"]) == len(answer.body.encode()) < 1200
    assert "set-cookie" not in answer.headers and "www-authenticate" not in answer.headers
    assert re.search(r'<meta http-equiv="?refresh"? content="0; ?url=', answer.body, re.I)
    assert f'href="{PORTAL_URL}' in answer.body
    assert "<form" not in answer.body


def test_answer_speaks_french(lab, family):
    answer = lab.curl(INTERNET[family], "-H", "Accept-Language: fr-CH, en;q=0.7")
    assert answer.status == 511
    assert answer.headers["content-language"] == "fr"
    assert "accept-language" in answer.headers["vary"].lower()
    assert "Authentification réseau requise" in answer.body


@pytest.mark.parametrize("accept", ["application/json", "application/problem+json"])
def test_answer_for_programs(lab, family, accept):
    answer = lab.curl(INTERNET[family], "-H", f"Accept: {accept}")
    assert answer.status == 511
    assert answer.headers["content-type"].split(";")[0] == accept
    body = json.loads(answer.body)
    assert body["status"] == 511
    assert any(str(value).startswith(PORTAL_URL) for value in body.values())


def test_answer_for_terminals(lab, family):
    answer = lab.curl(INTERNET[family], "-H", "Accept: text/plain")
    assert answer.status == 511
    assert answer.headers["content-type"].startswith("text/plain")
    assert PORTAL_URL in answer.body
    assert answer.body.count("\n") <= 1


@pytest.mark.parametrize(
    "host, path",
    [
        ("connectivitycheck.gstatic.com", "/generate_204"),
        ("captive.apple.com", "/hotspot-detect.html"),
        ("www.msftconnecttest.com", "/connecttest.txt"),
        ("detectportal.firefox.com", "/canonical.html"),
        ("nmcheck.gnome.org", "/check_network_status.txt"),
    ],
)
def test_probe_is_sent_to_the_portal(lab, family, host, path):
    answer = lab.curl(INTERNET[family], "-H", f"Host: {host}", path=path)
    assert answer.status == 302
    assert answer.headers["location"].startswith(PORTAL_URL)


def test_names_resolve_and_their_sites_are_captured(lab, family):
    result = lab.run("client", "curl", f"-{family}", "-s", "-o", "/dev/null", "-w",
                     "%{http_code} %{remote_ip}", "http://www.example.org/")
    assert result.stdout == f"511 {INTERNET[family]}"


# --- captive: what gets through ---


def test_nothing_of_a_captive_client_reaches_the_network(lab, family):
    """Ping, UDP, QUIC, TCP 443, foreign DNS over UDP and TCP, raw protocols, and HTTP itself."""
    target = INTERNET[family]
    before = lab.reasons()
    with Sniffer(lab.host("net"), "net0") as network:
        assert not lab.ping(target, seconds=1)
        for port in (7, 53, 123, 443, 5353):
            assert lab.udp_echo(family, port=port, seconds=0.1) is None
        for port in (7, 22, 53, 443, 853, 8080):
            assert not lab.tcp_connects(target, port, 0.2)
        with lab.socket("client", family, socket.SOCK_RAW, 132) as sctp:
            sctp.sendto(bytes(12), (target, 0))
        assert lab.status(family) == 511
        assert lab.status(family, path="/generate_204") == 302
    assert network.with_address(CLIENT[4], CLIENT[6]) == []

    after = lab.reasons()
    for reason in ("icmp", "unreachable", "reset", "protocol", "captured"):
        assert after.get(reason, 0) > before.get(reason, 0), reason


def test_nothing_reaches_a_captive_client(lab, family):
    """Not from the network; the gateway itself does reach it."""
    before = lab.reasons()
    with Sniffer(lab.host("client"), "client0") as wire:
        for role in ("net",):
            assert not lab.ping(CLIENT[family], role, 1)
        with lab.socket("net", family, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"hello", (CLIENT[family], 9999))
    assert wire.with_address(INTERNET[family]) == []
    assert lab.reasons().get("down_captive", 0) > before.get("down_captive", 0)


def test_captive_client_may_ping_the_gateway(lab, family):
    assert lab.ping(GATEWAY[family])


# --- authorized ---


def test_authorized_client_is_forwarded(lab, family):
    assert lab.status(family) == 511
    lab.allow()
    answer = lab.curl(INTERNET[family], path="/hello")
    assert answer.status == 200
    assert "This is the Internet" in answer.body
    assert f"came from {CLIENT[family]}" in answer.body
    assert lab.ping(INTERNET[family])
    assert lab.udp_echo(family, b"polo") == b"polo"
    assert lab.tcp_connects(INTERNET[family], 7)
    lab.ctl("client", "remove", CLIENT_MAC, check=True)
    assert lab.status(family) == 511


def test_network_reaches_an_authorized_client(lab, family):
    lab.allow()
    with lab.socket("client", family, socket.SOCK_DGRAM) as receiver:
        receiver.bind((CLIENT[family], 9999))
        receiver.settimeout(30)
        with lab.socket("net", family, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"incoming", (CLIENT[family], 9999))
        assert receiver.recv(100) == b"incoming"
    assert lab.ping(CLIENT[family], "net")


def test_counters_are_exact(lab, family):
    """Ten datagrams of known length each way: packets and bytes of layer 3, headers included."""
    lab.fix_neighbours()
    lab.allow()
    assert lab.udp_echo(family) is not None
    before = lab.client()
    for _ in range(10):
        assert lab.udp_echo(family, bytes(100)) == bytes(100)
    after = lab.client()
    header = {4: 20, 6: 40}[family] + 8
    assert after["up_bytes"] - before["up_bytes"] == 10 * (100 + header)
    assert after["down_bytes"] - before["down_bytes"] == 10 * (100 + header)
    assert after["up_packets"] - before["up_packets"] == 10
    assert after["down_packets"] - before["down_packets"] == 10
    assert after[f"ipv{family}"] == CLIENT[family]


def test_big_transfer_is_counted(lab, family):
    """Large segments (GSO) count as the bytes they carry."""
    lab.allow()
    size = 3_000_000
    with lab.socket("client", family) as connection:
        connection.settimeout(60)
        connection.connect((INTERNET[family], 80))
        connection.sendall(b"GET /stream HTTP/1.0\r\n\r\n")
        received = 0
        while received < size:
            received += len(connection.recv(65536))
    client = lab.client()
    assert client["down_bytes"] >= received
    assert client["down_bytes"] < received * 1.2 + 500_000
    assert client["down_packets"] >= client["down_bytes"] // 1500


def test_session_ends_by_itself(lab, family):
    lab.allow("--for", "4s")
    assert lab.status(family) == 200
    # One that is under way at that moment may wait for the rest of its answer.
    wait_until(lambda: lab.status(family, seconds=1) == 511, 5, "end of the session")
    client = lab.client()
    assert (client["state"], client["ended"]) == ("captive", "expired")


def test_idle_session_ends(lab, family):
    lab.allow("--idle", "2s")
    assert lab.udp_echo(family) is not None
    time.sleep(2.5)
    assert lab.udp_echo(family, seconds=0.3) is None
    assert lab.client()["ended"] == "idle"


def test_used_up_quota_ends_the_session(lab, family):
    lab.allow("--quota", "100K")
    assert lab.status(family) == 200
    with lab.socket("client", family) as connection:
        connection.settimeout(30)
        connection.connect((INTERNET[family], 80))
        connection.sendall(b"GET /stream HTTP/1.0\r\n\r\n")
        received = len(connection.recv(1000))
        connection.settimeout(5)
        with pytest.raises((TimeoutError, ConnectionError)):
            while data := connection.recv(65536):
                received += len(data)
                assert received < 200_000
    assert lab.status(family) == 511
    assert lab.client()["ended"] == "quota"


def test_remove_stops_an_open_download(lab, family):
    lab.allow()
    with lab.socket("client", family) as connection:
        connection.settimeout(30)
        connection.connect((INTERNET[family], 80))
        connection.sendall(b"GET /stream HTTP/1.0\r\n\r\n")
        for _ in range(20):
            assert connection.recv(65536)
        connection.settimeout(5)
        lab.ctl("client", "remove", CLIENT_MAC, check=True)
        removed = time.monotonic()
        last = removed
        with pytest.raises((TimeoutError, ConnectionError)):
            while connection.recv(65536):
                last = time.monotonic()
                assert last < removed + 5, "the download goes on"


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: "], ids=["unused", "begun"])
def test_connection_opened_while_captive_does_not_hang(lab, family, begun):
    """Browsers connect ahead of need. After the login such a connection, which ends at the
    responder, must fail or be answered at once: a browser that waits for it shows nothing."""
    with lab.socket("client", family) as connection:
        connection.settimeout(30)
        connection.connect((INTERNET[family], 80))
        connection.sendall(begun)
        time.sleep(0.2)
        lab.allow()
        rest = b"www.example.org\r\n\r\n" if begun else b"GET / HTTP/1.0\r\n\r\n"
        try:
            connection.sendall(rest)
            connection.recv(65536)
        except ConnectionError:
            pass
    assert lab.status(family) == 200


# --- blocked ---


def test_blocked_client_gets_nothing(lab, family):
    lab.ctl("client", "block", CLIENT_MAC, "--note", "abuse", check=True)
    assert lab.curl(INTERNET[family], seconds=1) is None
    assert lab.curl(GATEWAY[family], port=PORTAL_PORT, seconds=1) is None
    assert not lab.ping(GATEWAY[family], seconds=1)
    assert lab.client()["state"] == "blocked"
    lab.ctl("client", "remove", CLIENT_MAC, check=True)
    assert lab.status(family) == 511


# --- other clients ---


@pytest.fixture(scope="module")
def neighbours(gated):
    gated.tool("client", gated.name, "2")


def test_clients_are_told_apart(lab, neighbours, family):
    lab.allow()
    assert lab.status(family) == 200
    assert lab.status(family, role="client1") == 511
    lab.allow(mac="02:85:00:00:00:03")
    assert lab.status(family, role="client1") == 200
    assert lab.status(family, role="client2") == 511
    lab.forget("02:85:00:00:00:03")
    assert lab.status(family, role="client1") == 511
    assert lab.status(family) == 200


def test_the_address_of_an_authorized_client_does_not_help(lab, neighbours, family):
    """A captive neighbour that forges the source address stays captive: the MAC decides."""
    lab.allow()
    assert lab.udp_echo(family) is not None
    address = CLIENT[family]
    # nodad: usable at once.
    flags = {4: [f"{address}/32"], 6: [f"{address}/128", "nodad"]}[family]
    lab.run("client2", "ip", "address", "add", *flags, "dev", "lo")
    with Sniffer(lab.host("net"), "net0") as network:
        with lab.socket("client2", family, socket.SOCK_DGRAM) as sender:
            sender.bind((address, 0))
            sender.sendto(b"forged by a neighbour", (INTERNET[family], 7))
    assert not any(b"forged by a neighbour" in frame for frame in network.frames)


# --- watching ---


def test_bpftool_shows_named_fields(lab):
    lab.allow("--for", "1h", "--note", "room 12")
    assert lab.status(4) == 200
    pins = f"/sys/fs/bpf/{lab.name}"
    entries = [
        entry["formatted"] for entry in bpftool("map", "dump", "pinned", f"{pins}/clients")
    ]
    octets = [int(octet, 16) for octet in CLIENT_MAC.split(":")]
    entry = next(
        entry for entry in entries if [int(str(n), 0) for n in entry["key"]["mac"]] == octets
    )
    assert entry["key"]["vlan"] == 0
    assert entry["value"]["state"] == "SP_CLIENT_AUTHORIZED"
    assert abs(entry["value"]["expires_unix"] - time.time() - 3600) < 10
    assert entry["value"]["granted"] < entry["value"]["expires"]

    slot = entry["value"]["slot"]
    key = [str(octet) for octet in slot.to_bytes(4, "little")]
    usage = bpftool("map", "lookup", "pinned", f"{pins}/usage", "key", *key)["formatted"]["value"]
    assert usage["up_generation"] == entry["value"]["generation"]
    assert usage["up_packets"] > 0 and usage["down_bytes"] > 0

    reasons = bpftool("map", "dump", "pinned", f"{pins}/reasons")
    named = {
        cell["value"]["reason"]
        for entry in reasons
        for cell in entry["formatted"]["values"]
        if cell["value"]["packets"]
    }
    assert {"SP_REASON_AUTHORIZED", "SP_REASON_DOWN_AUTHORIZED"} <= named


def test_status_tells_what_is_there(lab):
    status = lab.json("status")[0]
    assert lab.daemon_pid() > 0
    text = lab.ctl("status", check=True).stdout
    for word in (lab.name, "lan0", "native"):
        assert word in text
    assert "native" in json.dumps(status)


def test_client_list(lab):
    lab.allow("--note", "the only one", "--for", "8h", "--quota", "2G", "--up", "5M")
    listed = [entry for entry in lab.json("client", "list") if entry["mac"] == CLIENT_MAC]
    assert len(listed) == 1
    assert listed[0]["note"] == "the only one"
    assert listed[0]["state"] == "authorized"
    assert listed[0]["quota"] == 2_000_000_000
    assert listed[0]["rate_up"] == 5_000_000
    assert 8 * 3600 - 10 <= listed[0]["seconds_left"] <= 8 * 3600
    text = lab.ctl("client", "list", check=True).stdout
    assert CLIENT_MAC in text and "the only one" in text


@pytest.mark.parametrize("spelling", ["02-85-00-00-00-02", "0285.0000.0002", "02:85:00:00:00:02"])
def test_mac_spellings(lab, spelling):
    lab.allow(mac=spelling)
    assert lab.client()["state"] == "authorized"


def test_login_page_belongs_to_the_connection(lab, family):
    """The portal knows its client by the MAC of its connection, from nowhere else."""
    with lab.socket("gw", family) as connection:
        connection.settimeout(30)
        connection.connect((GATEWAY[family], PORTAL_PORT))
        host = url(GATEWAY[family], "", PORTAL_PORT)[7:]
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while data := connection.recv(65536):
            answer += data
    assert answer.startswith(b"HTTP/1.1 403")


# --- the lab itself ---


@pytest.mark.parametrize("role", ["net", "client"])
def test_a_killed_command_is_gone(lab, role):
    """Who starts something in a host and kills it has ended it, and no shell in front of it."""
    started = lab.popen(role, "sleep", "4711")
    wait_until(lambda: Path(f"/proc/{started.pid}/comm").read_text() == "sleep\n", 10, "sleep")
    started.kill()
    started.wait()
