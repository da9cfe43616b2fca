# SPDX-License-Identifier: GPL-2.0-or-later
"""What a session was charged is what went over the wires: with every way of attaching, traffic on
both CPUs, and limits that change all the time."""

import contextlib
import os
import socket
import threading
import time

import pytest

from lab import CLIENT, CLIENT_MAC, INTERNET, PLAIN_PORTAL, SO_RCVBUFFORCE, Sniffer, wait_until

SECONDS = 2
LAST = b"the last one"
MAC = bytes.fromhex(CLIENT_MAC.replace(":", ""))
LIMITS = [
    ["--for", "1h", "--up", "1G"], ["--quota", "1T"], [], ["--idle", "1h", "--down", "1G"],
    ["--quota-up", "900G", "--quota-down", "10T"], ["--bind", "auto"],
]


@pytest.fixture(scope="module", params=["native", "generic", "tc"])
def counted(request, hosts, tmp_path_factory):
    path = tmp_path_factory.mktemp("counted") / "sallyport.conf"
    path.write_text(PLAIN_PORTAL + f"[gateway]\nclient = lan0\nattach = {request.param}\n")
    hosts.gate(path)
    # Nothing but the test's packets: the counters are asked for before and after.
    hosts.fix_neighbours()
    yield hosts
    hosts.ctl("down", check=True)


@contextlib.contextmanager
def worker(work):
    """Call work() again and again until the `with` block ends."""
    over = threading.Event()

    def run():
        while not over.is_set():
            work()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextlib.contextmanager
def echoing(lab, family, cpu):
    """Datagrams to the echo from one CPU; yields what was sent and what came back."""
    count = {"sent": 0, "received": 0}
    with lab.socket("client", family, socket.SOCK_DGRAM) as sender:
        sender.connect((INTERNET[family], 7))
        sender.setblocking(False)
        # What waits for a thread that waits for a processor is not lost.
        sender.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)

        def work():
            os.sched_setaffinity(0, {cpu})
            with contextlib.suppress(OSError):
                sender.send(bytes(100 + count["sent"] % 900))
                count["sent"] += 1
            time.sleep(0.0005)
            with contextlib.suppress(OSError):
                while sender.recv(2000):
                    count["received"] += 1

        with worker(work):
            yield count
        # The echo answers in turn, sooner or later: when it has answered this, it has all of them.
        sender.settimeout(0.5)
        answer = b""
        while answer != LAST:
            if not answer:
                sender.send(LAST)
                count["sent"] += 1
            with contextlib.suppress(TimeoutError):
                answer = sender.recv(2000)
                count["received"] += 1
                continue
            answer = b""
        # Unless another processor has some; and the last is answered as often as it was sent.
        with contextlib.suppress(TimeoutError):
            while sender.recv(2000):
                count["received"] += 1


def download(lab, family):
    """Two million bytes of a stream whose segments the stack merges and cuts."""
    with lab.socket("client", family) as connection:
        connection.settimeout(30)
        connection.connect((INTERNET[family], 80))
        connection.sendall(b"GET /stream HTTP/1.0\r\n\r\n")
        received = 0
        while received < 2_000_000:
            received += len(connection.recv(1 << 16))


def settled(lab):
    """The client's counters when they grow no more."""
    def same():
        before = lab.client()
        time.sleep(0.3)
        after = lab.client()
        quiet = all(after[key] == before[key] for key in ("up_packets", "down_packets"))
        return after if quiet else None

    return wait_until(same, 10, "the end of the traffic")


def draining(wire):
    """Read what the wire shows while it is shown: there is more than fits into a socket's buffer."""
    wire.socket.settimeout(0.1)

    def work():
        with contextlib.suppress(TimeoutError):
            wire.frames.append(wire.socket.recv(65536))

    return worker(work)


def test_changing_limits(counted, family):
    """Packets and bytes of datagrams, as sender, receiver and the wire counted them."""
    counted.forget()
    counted.allow()
    cpus = sorted(os.sched_getaffinity(0))
    changes = 0

    def change():
        nonlocal changes
        changes += 1
        counted.allow(*LIMITS[changes % len(LIMITS)])

    with Sniffer(counted.host("client"), "client0") as wire, draining(wire):
        with echoing(counted, family, cpus[0]) as one, echoing(counted, family, cpus[-1]) as two, \
                worker(change):
            time.sleep(SECONDS)
        client = settled(counted)
    up = [len(frame) - 14 for frame in wire.frames if frame[6:12] == MAC]
    down = [len(frame) - 14 for frame in wire.frames if frame[:6] == MAC]
    assert changes > 5 and min(one["received"], two["received"]) > 100
    # The echo may lose some; and the hosts have multicast of their own to send.
    assert one["sent"] + two["sent"] <= len(up) < one["sent"] + two["sent"] + 20
    assert one["received"] + two["received"] == len(down)
    assert (client["up_packets"], client["up_bytes"]) == (len(up), sum(up))
    assert (client["down_packets"], client["down_bytes"]) == (len(down), sum(down))
    assert client["first_seen"] <= client["last_seen"] <= time.time() + 1
    assert time.time() - client["last_seen"] < 30
    assert client[f"ipv{family}"] == CLIENT[family]


@pytest.fixture(params=["on", "off"])
def offload(counted, request):
    """Whether the hosts of the client side merge segments and leave cutting them to others."""
    for role, device in (("client", "client0"), ("gw", "lan0"), ("gw", "wan0"), ("net", "net0")):
        counted.run(role, "ethtool", "-K", device, "tso", request.param, "gso", request.param,
                    "gro", request.param, check=False)
    yield request.param
    for role, device in (("client", "client0"), ("gw", "lan0"), ("gw", "wan0"), ("net", "net0")):
        counted.run(role, "ethtool", "-K", device, "tso", "on", "gso", "on", check=False)


def wire_size(frame, family):
    """IP packets and bytes that a frame of a TCP stream is on a wire: cut at the segment size."""
    header = {4: 20, 6: 40}[family]
    size = len(frame) - 14
    tcp = (frame[14 + header + 12] >> 4) * 4
    payload = size - header - tcp
    packets = max(1, -(-payload // (1500 - header - tcp)))
    return packets, size + (packets - 1) * (header + tcp)


def test_large_segments(counted, family, offload):
    """A TCP download counts as the packets that it is on a wire, whoever cuts it."""
    counted.forget()
    counted.allow()
    with Sniffer(counted.host("client"), "client0") as wire, draining(wire):
        download(counted, family)
        client = settled(counted)
    assert client["down_bytes"] > 1000000
    kind = {4: b"\x08\x00", 6: b"\x86\xdd"}[family]
    down = [wire_size(frame, family) for frame in wire.frames
            if frame[:6] == MAC and frame[12:14] == kind]
    assert client["down_packets"] == sum(packets for packets, _ in down), offload
    assert client["down_bytes"] == sum(size for _, size in down)
