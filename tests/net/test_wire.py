# SPDX-License-Identifier: GPL-2.0-or-later
"""What only real stacks on a real wire do: ports used again, looped multicast, VLAN tags, pings."""

import socket
import struct

import pytest

from lab import (
    CLIENT, CLIENT_MAC, GATEWAY_MAC, INTERNET, in_namespace,
)

REQUEST = b"GET / HTTP/1.1\r\nHost: wire.example\r\n\r\n"


def ask_from_port(lab, family, port):
    """The first line of the answer to one request from that port, which is reset afterwards."""
    with lab.socket("client", family) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.settimeout(3)
        connection.bind((CLIENT[family], port))
        connection.connect((INTERNET[family], 80))
        connection.sendall(REQUEST)
        answer = b""
        while b"</html>" not in answer:
            piece = connection.recv(4096)
            assert piece, answer
            answer += piece
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    return answer.split(b"\r\n")[0]


def test_port_used_again_at_once(lab, family):
    for _ in range(5):
        assert ask_from_port(lab, family, 40007) == b"HTTP/1.1 511 Network Authentication Required"


def test_connection_after_connection_leaves_no_time_wait(lab, family):
    for _ in range(3):
        assert lab.status(family) == 511
    waiting = lab.run("gw", "ss", "-Htan", "state", "time-wait", "sport", "= :80").stdout
    assert waiting == ""


def test_connection_of_a_session_that_is_over_is_reset(lab, family):
    """Opened to the Internet while authorized: the first packet after that is answered, by a reset."""
    lab.allow()
    with lab.socket("client", family) as connection:
        connection.settimeout(2)
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
        end.settimeout(2)
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
