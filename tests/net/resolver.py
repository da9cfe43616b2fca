# SPDX-License-Identifier: GPL-2.0-or-later
"""A resolver on the Internet that answers with what a test wants."""

import socket
import threading

from scapy.layers.dns import DNS

from lab import in_namespace

# On the host of the Internet, besides its own address.
RESOLVER = "10.86.0.3"


class Resolver:
    """A resolver on the Internet that answers with what the test wants."""

    def __init__(self, lab):
        def make():
            server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            server.bind((RESOLVER, 53))
            return server

        self.records = []
        self.header = {}
        self.late = []
        self.socket = in_namespace(lab.host("net"), make)
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            data, client = self.socket.recvfrom(4096)
            if data == b"stop":
                return
            self.socket.sendto(self.answer(DNS(data)), client)

    def answer(self, question):
        head = {"qr": 1, "rd": 1, "ra": 1, **self.header}
        answer = DNS(id=question.id, qd=question.qd, ancount=len(self.records), **head)
        return bytes(answer) + b"".join(bytes(record) for record in self.records)

    def close(self):
        # From its own namespace: the thread waits for it.
        self.socket.sendto(b"stop", self.socket.getsockname())
        self.thread.join()
        self.socket.close()
