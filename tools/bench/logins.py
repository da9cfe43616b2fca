# SPDX-License-Identifier: GPL-2.0-or-later
"""Many clients sign in on the portal: run inside the lab's client host by part_login.py.

usage: logins.py tls|plain FIRST COUNT AT_ONCE

Each of the clients FIRST, FIRST + 1, ... has an address (and so, by many_macs.bpf.c, a MAC) of its
own. All fetch the page, which is not measured. Then each sends the form and, when that is answered,
a packet to the Internet, which comes back if the client was let in. Prints one JSON object.
"""

import concurrent.futures
import json
import re
import socket
import ssl
import statistics
import sys
import time

PORTAL = {"plain": ("10.85.0.1", 8080), "tls": ("10.85.0.1", 443)}
ECHO = ("10.86.0.2", 7)
PATIENCE = 30  # seconds for an answer
AGAIN = 0.2  # seconds until a packet that is not answered is sent once more


def address(number):
    return f"10.87.{1 + number // 250}.{1 + number % 250}"


def context():
    """What is measured is not whether the lab's certificate is a good one."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


TLS = context()


def ask(way, number, request):
    """The whole answer to one request on a connection of its own."""
    with socket.create_connection(PORTAL[way], PATIENCE, (address(number), 0)) as connection:
        if way == "tls":
            connection = TLS.wrap_socket(connection, server_hostname="portal.test")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
            head, end, body = answer.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
            if end and length and len(body) >= int(length[1]):
                break
        connection.close()
    return answer.decode()


def form(way, number):
    """The request that signs this client in."""
    page = ask(way, number, b"GET / HTTP/1.1\r\nHost: portal.test\r\nConnection: close\r\n\r\n")
    token = re.search(r'name="c" value="([^"]+)"', page)
    body = f"c={token[1]}"
    return (f"POST /accept HTTP/1.1\r\nHost: portal.test\r\nConnection: close\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
            f"{body}").encode()


def first_packet(number):
    """One packet to the Internet and back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.bind((address(number), 0))
        end.connect(ECHO)
        end.settimeout(AGAIN)
        for _ in range(int(PATIENCE / AGAIN)):
            end.send(b"first")
            try:
                return bool(end.recv(64))
            except TimeoutError:
                continue
    return False


def sign_in(way, number, request):
    """Milliseconds from the first segment to the first forwarded packet; None if it failed."""
    begin = time.perf_counter()
    answer = ask(way, number, request)
    if not re.match(r"HTTP/1\.[01] (200|303) ", answer) or not first_packet(number):
        return None
    return (time.perf_counter() - begin) * 1000


def main():
    way, first, count, at_once = sys.argv[1], *map(int, sys.argv[2:])
    numbers = range(first, first + count)
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        forms = list(pool.map(lambda number: form(way, number), numbers))
        begin = time.perf_counter()
        times = list(pool.map(lambda number: sign_in(way, number, forms[number - first]), numbers))
        seconds = time.perf_counter() - begin
    good = sorted(one for one in times if one is not None)
    print(json.dumps({
        "logins": len(good), "failed": len(times) - len(good), "seconds": seconds,
        "p50": statistics.median(good) if good else None,
        "p99": good[(len(good) - 1) * 99 // 100] if good else None}))


if __name__ == "__main__":
    main()
