#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""In the place of the portal of sallyportd: says that it is ready, and passes on to the keeper what a
test sends to the socket `portal` in its folder, and the keeper's answers to the test."""

import os
import select
import socket
import struct
import sys

MAGIC, READY = 0x53504D31, 3
ROOM = 1 << 20

FOLDER = os.path.dirname(os.path.abspath(sys.argv[0]))
PATH = f"{FOLDER}/portal"


def main():
    keeper = socket.socket(fileno=os.dup(3))
    keeper.setblocking(True)
    keeper.recv(ROOM)
    keeper.send(struct.pack("2I", MAGIC, READY))
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.path.exists(PATH):
        os.unlink(PATH)
    listener.bind(PATH)
    listener.listen()
    test, _ = listener.accept()
    while True:
        ready, _, _ = select.select([keeper, test], [], [])
        for source in ready:
            message = source.recv(ROOM)
            if not message:
                return
            (test if source is keeper else keeper).send(message)


main()
