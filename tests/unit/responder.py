# SPDX-License-Identifier: GPL-2.0-or-later
"""A real responder process on the loopback device, with this module as its keeper."""

import fcntl
import os
import socket
import struct
import subprocess
import tempfile
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
PROGRAM = TREE / ".output/libexec/sallyport/sallyport-responder"
DATA = TREE / ".output/share/sallyport"
LOGIN = {socket.AF_INET: "http://10.85.0.1:8080/", socket.AF_INET6: "http://[fd85::1]:8080/"}
ADDRESS = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
NOBODY = 65534

MAGIC, SETUP, READY = 0x53504D31, 1, 3
SETUP_SIZE = struct.calcsize("7I32s256s128s") + 16 * struct.calcsize("280s280s256s256s")


def listen(family):
    """A listener as the keeper makes it."""
    listener = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.bind((ADDRESS[family], 0))
    listener.listen(1024)
    return listener


class Responder:
    def __init__(self, probe_status=302, data=DATA, pages=""):
        self.root = tempfile.TemporaryDirectory(prefix="sp-empty-")
        self.listener = {family: listen(family) for family in ADDRESS}
        self.keeper, child = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.keeper.settimeout(10)
        # From which letters are answered, and where they come.
        self.datagrams = [socket.socket(family, socket.SOCK_DGRAM) for family in (*ADDRESS, *ADDRESS)]
        given = [child, *self.datagrams[:2], *self.listener.values(), *self.datagrams[2:]]
        # High numbers, so that putting one into its place does not overwrite another.
        inherited = [fcntl.fcntl(item, fcntl.F_DUPFD, 20) for item in given]
        self.process = subprocess.Popen(
            ["bash", "-c",
             'exec "$0" 3<&"$1" 4</dev/null 5<&"$2" 6<&"$3" 7<&"$4" 8<&"$5" 9<&"$6" 10<&"$7"',
             PROGRAM, *map(str, inherited)],
            pass_fds=inherited, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for fd in inherited:
            os.close(fd)
        child.close()
        self.keeper.send(self.setup(probe_status, data, pages))

    def setup(self, probe_status, data, pages):
        """As struct sp_ipc_responder_setup of ipc/ipc.h, with one zone."""
        text = [str(data), self.root.name, LOGIN[socket.AF_INET], LOGIN[socket.AF_INET6], str(pages), ""]
        packed = struct.pack("7I32s256s128s280s280s256s256s", MAGIC, SETUP, NOBODY, NOBODY, probe_status,
                             0, 1, b"k" * 32, *(item.encode() for item in text))
        return packed.ljust(SETUP_SIZE, b"\0")

    def ready(self):
        assert self.keeper.recv(100) == struct.pack("2I", MAGIC, READY)
        return self

    def connect(self, family=socket.AF_INET):
        port = self.listener[family].getsockname()[1]
        return socket.create_connection((ADDRESS[family], port), timeout=15)

    def ask(self, request, family=socket.AF_INET):
        """Everything that is answered to these bytes, until the responder closes."""
        with self.connect(family) as connection:
            connection.sendall(request)
            return read_all(connection)

    def stop(self):
        """End of file for the responder; its exit status and what it wrote to its log."""
        self.keeper.close()
        try:
            _, log = self.process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        for item in (*self.listener.values(), *self.datagrams):
            item.close()
        self.root.cleanup()
        return self.process.returncode, log


def read_all(connection):
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


class Answer:
    def __init__(self, raw):
        head, separator, self.body = raw.partition(b"\r\n\r\n")
        assert separator, f"no end of the head in {raw!r}"
        lines = head.decode("ascii").split("\r\n")
        self.version, status, self.reason = lines[0].split(" ", 2)
        self.status = int(status)
        self.fields = {}
        for line in lines[1:]:
            name, value = line.split(": ", 1)
            assert name.lower() not in self.fields, f"{name} twice"
            self.fields[name.lower()] = value
