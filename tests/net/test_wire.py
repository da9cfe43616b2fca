# SPDX-License-Identifier: GPL-2.0-or-later
"""What only real stacks on a real wire do: ports used again, looped multicast, VLAN tags, pings."""

import contextlib
import errno
import json
import re
import socket
import struct
import time

import pytest

from lab import (
    CLIENT, CLIENT_MAC, CONFIGURATION, COOKIES, GATEWAY, GATEWAY_MAC, INTERNET, TOP, in_namespace, running,
    wait_until,
)

BROWSERS = TOP / ".output/bench/browsers"

REQUEST = b"GET / HTTP/1.1\r\nHost: wire.example\r\n\r\n"

@pytest.fixture(scope="module")
def by_sockets():
    """A gate that gives each captured connection a socket, as on a kernel before Linux 6.9."""
    with running() as lab:
        lab.run("gw", "sysctl", "-qw", "net.ipv4.tcp_syncookies=0")
        lab.gate()
        yield lab


@pytest.fixture(scope="module")
def by_tc(tmp_path_factory):
    """A gate without XDP: several segments may come as one packet, and with their checksums to be
    completed."""
    path = tmp_path_factory.mktemp("tc") / "sallyport.conf"
    path.write_text(re.sub(r"(?m)^\[gateway\]$", "[gateway]\nattach = tc", CONFIGURATION.read_text()))
    with running() as lab:
        lab.gate(path)
        yield lab


def fetch(connection, family):
    """Ask for a page, and read all of it; the connection stays open."""
    connection.settimeout(30)
    connection.connect((INTERNET[family], 80))
    connection.sendall(REQUEST)
    answer = b""
    while b"</html>" not in answer:
        piece = connection.recv(4096)
        assert piece, answer
        answer += piece
    return answer


def ask_from_port(lab, family, port):
    """The first line of the answer to one request from that port, which is reset afterwards."""
    with lab.socket("client", family) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.bind((CLIENT[family], port))
        answer = fetch(connection, family)
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    return answer.split(b"\r\n")[0]


def segments_of_an_answer(lab, family):
    """How many segments a client gets until it has its answer."""
    with lab.socket("client", family) as connection:
        fetch(connection, family)
        # tcpi_segs_in of struct tcp_info (linux/tcp.h).
        return struct.unpack_from("I", connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192), 140)[0]


def test_answer_acknowledges_the_request(lab, family):
    """SYN-ACK and answer; one more only if the responder takes longer than a delayed acknowledgement."""
    wait_until(lambda: segments_of_an_answer(lab, family) == 2, 60, "an answer in one segment")


def opened(lab):
    """Connections that the gateway's stack has made sockets for."""
    return int(lab.run("gw", "nstat", "-asz", "TcpPassiveOpens").stdout.split()[-2])


def rush(lab):
    """One request after the other for a moment, without a pause between handshake and request."""
    return json.loads(lab.run(
        "client", BROWSERS, "--from", "10.85.0.50", "--to-mac", GATEWAY_MAC, "--milliseconds", "10",
        "client0", INTERNET[4], "80").stdout)


def test_request_behind_the_handshake_makes_no_second_socket(by_sockets):
    """Both come in one batch: the stack looks at neither before both are captured."""
    by_sockets.run("gw", "ip", "neigh", "replace", "10.85.0.50", "lladdr", CLIENT_MAC, "dev", "lan0")
    before, runs = opened(by_sockets), []
    wait_until(lambda: runs.append(rush(by_sockets)) or runs[-1]["answers"], 60, "answers")
    # Two more: each begins with a request by a socket.
    assert opened(by_sockets) - before <= sum(said["answers"] + said["failed"] + 2 for said in runs)


def test_short_requests_have_no_socket(lab, family):
    """Nor do connections on which nothing is asked."""
    before = opened(lab)
    for _ in range(3):
        assert ask_from_port(lab, family, 40001).endswith(b" 511 Network Authentication Required")
        with lab.socket("client", family) as silent:
            silent.connect((INTERNET[family], 80))
    assert opened(lab) == before or not COOKIES


def test_whom_the_gateway_does_not_know_gets_a_socket(lab, family):
    """An answer would wait for the neighbour in a buffer that is everybody's: forged addresses could
    fill it."""
    gateway = GATEWAY[family]
    for known in True, False:
        before = opened(lab)
        lab.run("client", "ip", "neigh", "replace", gateway, "lladdr", GATEWAY_MAC, "dev", "client0")
        lab.run("gw", "ip", "neigh", "replace", CLIENT[family], "lladdr", CLIENT_MAC, "dev", "lan0")
        if not known:
            lab.run("gw", "ip", "neigh", "delete", CLIENT[family], "dev", "lan0")
        assert ask_from_port(lab, family, 40002).endswith(b" 511 Network Authentication Required")
        assert (opened(lab) == before) == (known and COOKIES)
    lab.run("client", "ip", "neigh", "delete", gateway, "dev", "client0")


# As gateways usually have it, and once more without saying where to.
NAT = """table inet spnat {
	chain post {
		type nat hook postrouting priority srcnat
		oifname wan0 masquerade
		ip saddr 10.85.0.0/24 masquerade
		ip6 saddr fd85::/64 masquerade
	}
}"""
# Of what has the `mark` of [gateway].
NOTRACK = """table inet spnat {
	chain pre {
		type filter hook prerouting priority raw
		meta mark 0x53000000/8 notrack
	}
}"""
PIECES = [REQUEST[:9], REQUEST[9:]]


def first_line(lab, family, pieces):
    """Of the answer; or that the connection was reset."""
    try:
        return talk(lab, family, pieces, seconds=0.05).split(b"\r\n")[0]
    except ConnectionResetError:
        return b"reset"


@pytest.mark.parametrize("gate", ["lab", "by_tc", "by_sockets"])
def test_answers_of_a_gateway_with_nat(request, gate, family):
    """Netfilter takes sockets away again from packets that it translates, or could have."""
    lab = request.getfixturevalue(gate)
    lab.run("gw", "nft", NAT)
    try:
        assert first_line(lab, family, [ONCE]).startswith(b"HTTP/1.1 511 ")
        if gate == "by_sockets":
            assert first_line(lab, family, PIECES).startswith(b"HTTP/1.1 511 ")
    finally:
        lab.run("gw", "nft", "delete table inet spnat")


@pytest.mark.parametrize("tracked", [True, False], ids=["tracked", "notrack"])
def test_sockets_that_nat_takes_away_are_missed(tracked, family):
    """It looks at what is not yet set in them, so it may take some time. Then one connection is reset,
    and no other: they have sockets from their SYN on. What is not tracked is let alone."""
    with running() as lab:
        lab.gate()
        lab.run("gw", "nft", NAT if tracked else NAT + "\n" + NOTRACK)
        lines = [first_line(lab, family, PIECES)[:13] for _ in range(8)]
        resets = lines.count(b"reset")
        assert resets <= (tracked and COOKIES) and lines.count(b"HTTP/1.1 511 ") == 8 - resets
        before = opened(lab)
        assert first_line(lab, family, [ONCE]).startswith(b"HTTP/1.1 511 ")
        assert (opened(lab) == before) == (COOKIES and not resets)


def test_a_family_without_an_address_is_dropped():
    """And not answered halfway: there is nowhere to deliver a request to."""
    with running() as lab:
        lab.fix_neighbours()
        lab.run("gw", "ip", "address", "delete", "fd85::1/64", "dev", "lan0")
        lab.gate()
        with lab.socket("client", 6) as connection:
            connection.settimeout(0.5)
            with pytest.raises(TimeoutError):
                connection.connect((INTERNET[6], 80))
        reasons = lab.reasons()
        assert reasons["no_listener"] and "captured" not in reasons
        assert lab.status(4) == 511


def talk(lab, family, pieces, seconds=0.2):
    """Send @pieces on one connection, some time apart; all that comes back."""
    with lab.socket("client", family) as connection:
        connection.settimeout(30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect((INTERNET[family], 80))
        for piece in pieces:
            time.sleep(seconds)
            connection.sendall(piece)
        return b"".join(iter(lambda: connection.recv(4096), b""))


ONCE = b"GET / HTTP/1.0\r\nHost: wire.example\r\n\r\n"


@pytest.mark.parametrize("pieces", [
    [ONCE],
    [ONCE[:2], ONCE[2:30], ONCE[30:]],
    [b"\r\n" + ONCE],
    [ONCE.replace(b"GET", b"POST")],
    [b"GET /" + b"long/" * 400 + ONCE[5:]],
    [b"GET /%s?q=%s" % (b"way/" * 60, b"%20" * 60) + ONCE[5:]],
    [b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + ONCE],
], ids=["whole", "in pieces", "empty line first", "POST", "in segments", "long answer", "two"])
@pytest.mark.parametrize("gate", ["lab", "by_tc"])
def test_request_of_any_form_is_answered(request, gate, family, pieces):
    """Whole in a segment, or not; with an answer that fits into one, or not."""
    lab = request.getfixturevalue(gate)
    answer = talk(lab, family, pieces)
    assert answer.startswith(b"HTTP/1.1 511 ") and answer.endswith(b"</html>\n"), answer
    assert answer.count(b"HTTP/1.1 ") == 1


def test_client_that_says_no_more(lab, family):
    """It closes its side behind the request, as nc -N does: the answer comes all the same."""
    with lab.socket("client", family) as connection:
        connection.settimeout(30)
        connection.connect((INTERNET[family], 80))
        connection.sendall(ONCE)
        connection.shutdown(socket.SHUT_WR)
        assert b"".join(iter(lambda: connection.recv(4096), b"")).endswith(b"</html>\n")


def test_client_that_asks_nothing(lab, family):
    with lab.socket("client", family) as connection:
        connection.settimeout(30)
        connection.connect((INTERNET[family], 80))
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


@contextlib.contextmanager
def deaf(lab, what):
    """The client does not hear segments of @what from port 80."""
    lab.run("client", "nft", f"add table inet deaf; add chain inet deaf in {{ type filter hook input "
            f"priority 0; }}; add rule inet deaf in tcp sport 80 {what} counter drop")
    try:
        yield lambda: "counter packets 0 " not in lab.run(
            "client", "nft", "list", "chain", "inet", "deaf", "in").stdout
    finally:
        lab.run("client", "nft", "delete", "table", "inet", "deaf")


def connected(connection, family):
    return connection.connect_ex((INTERNET[family], 80)) in (0, errno.EISCONN)


@pytest.mark.parametrize("lost", ["syn", "fin"], ids=["SYN-ACK", "answer"])
def test_what_is_lost_comes_again(lab, family, lost):
    with lab.socket("client", family) as connection:
        connection.setblocking(False)
        with deaf(lab, f"tcp flags & (syn|fin) == {lost}") as has_missed:
            wait_until(lambda: connected(connection, family) or has_missed(), 30, "a connection")
            if lost == "fin":
                connection.send(ONCE)
            wait_until(has_missed, 30, "a loss")
        wait_until(lambda: connected(connection, family), 60, "a connection")
        if lost == "syn":
            connection.send(ONCE)
        connection.settimeout(60)
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 511 ") and answer.endswith(b"</html>\n")


@pytest.mark.parametrize("gate", ["lab", "by_sockets"])
def test_port_used_again_at_once(request, gate, family):
    lab = request.getfixturevalue(gate)
    for _ in range(5):
        assert ask_from_port(lab, family, 40007) == b"HTTP/1.1 511 Network Authentication Required"


def time_waits(lab, family, port=None):
    """How many connections of the client (from that port) the gateway keeps in TIME-WAIT."""
    address = CLIENT[family] if family == 4 else f"[{CLIENT[family]}]"
    wanted = ["dst", address] + (["dport", "=", f":{port}"] if port else [])
    return len(lab.run("gw", "ss", "-Htan", "state", "time-wait", *wanted).stdout.splitlines())


@pytest.mark.parametrize("gate", ["lab", "by_sockets"])
def test_connection_after_connection_leaves_no_time_wait(request, gate, family):
    lab = request.getfixturevalue(gate)
    before = time_waits(lab, family)
    for _ in range(3):
        assert lab.status(family) == 511
    assert time_waits(lab, family) <= before


def close_second(lab, family, port):
    """One request from that port; the responder closes first, and keeps the connection in TIME-WAIT.
    How often a segment had to be repeated, first of all the SYN."""
    with lab.socket("client", family) as connection:
        connection.settimeout(30)
        connection.bind((CLIENT[family], port))
        connection.connect((INTERNET[family], 80))
        information = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 511 ")
    return struct.unpack_from("I", information, 100)[0]  # tcpi_total_retrans


@contextlib.contextmanager
def timestamps(lab, value):
    """What the client does about TCP timestamps (RFC 7323), for connections opened meanwhile."""
    was = lab.run("client", "sysctl", "-n", "net.ipv4.tcp_timestamps").stdout.strip()
    lab.run("client", "sysctl", "-qw", f"net.ipv4.tcp_timestamps={value}")
    try:
        yield
    finally:
        lab.run("client", "sysctl", "-qw", f"net.ipv4.tcp_timestamps={was}")


@pytest.mark.parametrize("then", [1, 2, 0], ids=["", "other timestamps", "no timestamps"])
def test_port_in_time_wait_used_again(by_sockets, family, then):
    """Who closes last may take the same port again, and be answered at once. Several ports, because
    on a busy machine any SYN may be repeated."""
    repeated = []
    for port in range(40200 + 10 * then, 40203 + 10 * then):
        with timestamps(by_sockets, 1):
            close_second(by_sockets, family, port)
        wait_until(lambda: time_waits(by_sockets, family, port) == 1, 30, "the first in TIME-WAIT")
        with timestamps(by_sockets, then):
            repeated.append(close_second(by_sockets, family, port))
    assert 0 in repeated, repeated


def test_port_used_again_and_again(by_sockets, family):
    """When all that stands for a host is in TIME-WAIT, the client resets one of them."""
    turns = 8  # SP_TURNS of bpf/capture.h
    for _ in range(turns + 1):
        close_second(by_sockets, family, 40300)
    assert time_waits(by_sockets, family, 40300) == turns


def test_connection_of_a_session_that_is_over_is_reset(lab, family):
    """Opened to the Internet while authorized: the first packet after that is answered, by a reset."""
    lab.allow()
    with lab.socket("client", family) as connection:
        connection.settimeout(30)
        connection.connect((INTERNET[family], 80))
        lab.forget()
        connection.sendall(REQUEST)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_one_port_to_two_hosts(lab, family):
    """A client may use one port towards several hosts at once: each answers for itself."""
    hosts = [INTERNET[family], INTERNET[family][:-1] + "9"]
    ends = []
    for host in hosts:
        end = lab.socket("client", family)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        end.settimeout(30)
        end.bind((CLIENT[family], 40100))
        end.connect((host, 80))
        ends.append(end)
    for end, host in zip(ends, hosts):
        end.sendall(f"GET /{host} HTTP/1.1\r\nHost: wire.example\r\n\r\n".encode())
    for end, host in zip(ends, hosts):
        answer = end.recv(4096).decode()
        assert answer.startswith("HTTP/1.1 511 ")
        end.close()


def test_looped_multicast_is_nobodys(lab):
    before = lab.reasons()
    lab.run("gw", "ping", "-c", "1", "-W", "1", "ff02::1%lan0", check=False)
    after = lab.reasons()
    assert after.get("looped", 0) > before.get("looped", 0)
    assert after.get("ethertype", 0) == before.get("ethertype", 0)


def test_gateway_pings_a_captive_client(lab, family):
    before = lab.reasons().get("echo", 0)
    assert lab.ping(CLIENT[family], role="gw")
    assert lab.reasons()["echo"] > before


def tagged(vlan, family):
    """A UDP packet of the client to the Internet's port 9, tagged."""
    octets = [bytes.fromhex(mac.replace(":", "")) for mac in (GATEWAY_MAC, CLIENT_MAC)]
    udp = struct.pack("!HHHH", 1000, 9, 8, 0)
    if family == 4:
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0)
        packet = b"\x08\x00" + ip + socket.inet_aton(CLIENT[4]) + socket.inet_aton(INTERNET[4])
    else:
        ip = struct.pack("!IHBB", 6 << 28, 8, 17, 64)
        packet = b"\x86\xdd" + ip + b"".join(
            socket.inet_pton(socket.AF_INET6, end[6]) for end in (CLIENT, INTERNET)
        )
    return octets[0] + octets[1] + struct.pack("!HH", 0x8100, vlan) + packet + udp


def send_frame(lab, frame):
    def send():
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
            wire.bind(("client0", 0))
            wire.send(frame)

    in_namespace(lab.host("client"), send)


def test_vlan_is_part_of_the_client(lab, family):
    """The same MAC on another VLAN is another client."""
    lab.ctl("client", "allow", CLIENT_MAC, "--vlan", "100", check=True)
    try:
        before = lab.reasons().get("unreachable", 0)
        for vlan in (100, 200):
            send_frame(lab, tagged(vlan, family))
        assert lab.json("client", "show", CLIENT_MAC, "--vlan", "100")[0]["up_packets"] == 1
        assert lab.reasons()["unreachable"] == before + 1
    finally:
        lab.ctl("client", "remove", CLIENT_MAC, "--vlan", "100", check=True)
