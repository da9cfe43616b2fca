#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""In the place of a child of sallyportd: at each start it tells the keeper the next one of the lies
in the file ROLE.lies beside it, and waits for its end. After the last one it is the program that it
stands for, whose path is in the file PROGRAM.real."""

import fcntl
import os
import socket
import struct
import sys
import time

MAGIC = 0x53504D31
READY, LOGIN, LOGOUT, QUERY, ANSWER = 3, 4, 5, 6, 7
LEARNT, VERIFIER_SETUP, VERDICT = 10, 12, 14
NAME = os.path.basename(sys.argv[0])
FOLDER = os.path.dirname(os.path.abspath(sys.argv[0]))

keeper = socket.socket(fileno=os.dup(3))


def send(kind, body=b"", magic=MAGIC):
    keeper.send(struct.pack("2I", magic, kind) + body)


def request(kind, mac=b"\x02\x85\x00\x00\x00\x99", vlan=0, method=0, name=b"", secret=b""):
    """As struct sp_ipc_request of ipc/ipc.h."""
    send(kind, struct.pack("<Q6sHII16s40s256s1024s", 7, mac, vlan, method, 0, b"", b"", name, secret))


def verdict(number):
    """As struct sp_ipc_verdict: everything is fine."""
    send(VERDICT, struct.pack("<QII8QQ16s256s256sI508s", number, 0, 0, *[0] * 9, *[b""] * 3, 0, b""))


def flood():
    """Questions whose answers nobody reads."""
    keeper.setblocking(True)
    while True:
        request(QUERY)


def close_and_stay():
    keeper.close()
    os.close(3)


def pass_file():
    socket.send_fds(keeper, [struct.pack("2I", MAGIC, READY)], [2])


# What a child says when it is ready; only then the keeper listens to more.
LIES = {
    "no ready": lambda: send(ANSWER),
    "a byte": lambda: (send(READY), keeper.send(b"x")),
    "nothing": lambda: (send(READY), keeper.send(struct.pack("I", MAGIC))),
    "long": lambda: (send(READY), send(QUERY, bytes(65536))),
    "magic": lambda: (send(READY), send(READY, magic=MAGIC ^ 1)),
    "twice": lambda: (send(READY), send(READY)),
    "a file": lambda: (send(READY), pass_file()),
    "closed": lambda: (send(READY), close_and_stay()),
    "multicast": lambda: (send(READY), request(LOGIN, mac=b"\x01\x00\x5e\x00\x00\x01", method=1)),
    "vlan": lambda: (send(READY), request(LOGIN, vlan=5000, method=1)),
    "method": lambda: (send(READY), request(LOGIN, method=99)),
    "unended": lambda: (send(READY), request(LOGIN, method=1, name=b"a" * 256)),
    "for nothing": lambda: (send(READY), request(QUERY, secret=b"why")),
    "flood": lambda: (send(READY), flood()),
    "unended name": lambda: (send(READY), send(LEARNT, bytes(4) + b"n" * 256 + bytes(28))),
    "no zone": lambda: (send(READY), send(LEARNT, struct.pack("I256s28s", 16, b"a.b", b""))),
    "unasked": lambda: (send(READY), verdict(7)),
}


def role():
    """The same program has several, by its setup (struct sp_ipc_verifier_setup)."""
    _, kind, _, _, number = struct.unpack("5I", keeper.recv(20, socket.MSG_PEEK))
    if kind != VERIFIER_SETUP:
        return NAME.removeprefix("sallyport-")
    return ("verifier", "accounting", "authority")[number]


def next_lie():
    """Taken by one process of the role only."""
    with open(f"{FOLDER}/{role()}.lies", "r+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        lies = file.read().splitlines()
        file.seek(0)
        file.truncate()
        file.writelines(lie + "\n" for lie in lies[1:])
    return lies[0] if lies else None


def main():
    lie = next_lie()
    if not lie:
        with open(f"{FOLDER}/{NAME}.real", encoding="utf-8") as file:
            os.execv(file.read(), [NAME])
    keeper.recv(1 << 20)
    try:
        LIES[lie]()
    except OSError:
        pass  # the keeper has had enough
    time.sleep(60)


main()
