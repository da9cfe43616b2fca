# SPDX-License-Identifier: GPL-2.0-or-later
"""A real FreeRADIUS with a configuration of its own, and its client."""

import hashlib
import hmac
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from lab import wait_until

SECRET = "lab-secret-57"
AUTH_PORT, ACCT_PORT = 1812, 1813

USERS = """
alice Cleartext-Password := "wonderland"
    Reply-Message := "Welcome, Alice",
    Session-Timeout := 1800,
    Idle-Timeout := 600,
    Acct-Interim-Interval := 60,
    WISPr-Bandwidth-Max-Up := 5000000,
    WISPr-Bandwidth-Max-Down := 20000000,
    ChilliSpot-Max-Total-Octets := 705032704,
    ChilliSpot-Max-Total-Gigawords := 1,
    ChilliSpot-Max-Input-Octets := 1000000000,
    ChilliSpot-Max-Output-Octets := 2000000000,
    Class := 0x726f6f6d2d3132,
    Class += 0x0001ff

plain Cleartext-Password := "plain-word"

banned Cleartext-Password := "whatever", Auth-Type := Reject
    Reply-Message := "Your account is closed; see the front desk"

late Cleartext-Password := "too-late"
    WISPr-Session-Terminate-Time := "2020-01-01T00:00:00Z"
"""

# No file outside the folder but the dictionaries and modules of the package.
CONFIGURATION = """
prefix = /usr
localstatedir = {folder}
logdir = {folder}
run_dir = {folder}
libdir = /usr/lib/freeradius
pidfile = {folder}/pid
max_requests = 1024
log {{
    destination = stdout
    auth = no
}}
security {{
    max_attributes = 200
    reject_delay = 0
    status_server = no
    allow_vulnerable_openssl = yes
}}
thread pool {{
    start_servers = 2
    max_servers = 4
    min_spare_servers = 1
    max_spare_servers = 3
    max_requests_per_server = 0
}}
client gateways4 {{
    ipaddr = 0.0.0.0/0
    secret = {secret}
    require_message_authenticator = yes
}}
client gateways6 {{
    ipv6addr = ::/0
    secret = {secret}
    require_message_authenticator = yes
}}
modules {{
    pap {{
    }}
    chap {{
    }}
    files {{
        filename = {folder}/users
        key = "%{{User-Name}}"
    }}
    detail {{
        filename = {folder}/detail
        permissions = 0600
    }}
    detail asked {{
        filename = {folder}/asked
        permissions = 0600
    }}
    always ok {{
        rcode = ok
    }}
}}
server lab {{
{listeners}
    authorize {{
        asked
        chap
        files
        pap
    }}
    authenticate {{
        Auth-Type PAP {{
            pap
        }}
        Auth-Type CHAP {{
            chap
        }}
    }}
    post-auth {{
        # FreeRADIUS before 3.2.5 signs its answers only when it is told to.
        update reply {{
            Message-Authenticator := 0x00
        }}
        Post-Auth-Type REJECT {{
            update reply {{
                Message-Authenticator := 0x00
            }}
        }}
    }}
    accounting {{
        detail
        ok
    }}
}}
"""


# --- packets ---


def attribute(kind, value):
    return bytes([kind, len(value) + 2]) + value


def seal(code, number, authenticator, attributes, secret, signed, signature):
    """A packet with its Message-Authenticator in front; without the authenticator of its head."""
    if not signed:
        return struct.pack("!BBH", code, number, 20 + len(attributes)), attributes
    head = struct.pack("!BBH", code, number, 38 + len(attributes))
    message = head + authenticator + attribute(80, bytes(16)) + attributes
    if signature is None:
        signature = hmac.digest(secret.encode(), message, "md5")
    return head, attribute(80, signature) + attributes


def reply(request, code, attributes, secret=SECRET, signed=True, signature=None):
    """The answer to a request as a server makes it."""
    head, body = seal(code, request[1], request[4:20], attributes, secret, signed, signature)
    digest = hashlib.md5(head + request[4:20] + body + secret.encode()).digest()
    return head + digest + body


def request(code, number, attributes, secret=SECRET):
    """A CoA-Request or Disconnect-Request."""
    head, body = seal(code, number, bytes(16), attributes, secret, True, None)
    return head + hashlib.md5(head + bytes(16) + body + secret.encode()).digest() + body


# --- a server ---

LISTENER = """
    listen {{
        type = {kind}
        {family} = {address}
        port = {port}
    }}"""


class Server:
    """FreeRADIUS in a host of the lab while the `with` block runs; in this one without a lab."""

    def __init__(self, host=None, auth=AUTH_PORT, acct=ACCT_PORT, secret=SECRET, users=USERS):
        self.host = host
        self.secret = secret
        self.listeners = "".join(
            LISTENER.format(kind=kind, port=port, family=family, address=address)
            for kind, port in (("auth", auth), ("acct", acct))
            for family, address in (("ipaddr", "*"), ("ipv6addr", "::"))
        )
        self.users = users
        self.folder = self.process = None

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sallyport-radius-"))
        try:
            self.write()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def write(self):
        text = CONFIGURATION.format(
            folder=self.folder, secret=self.secret, listeners=self.listeners
        )
        (self.folder / "radiusd.conf").write_text(text, encoding="utf-8")
        (self.folder / "users").write_text(self.users, encoding="utf-8")
        (self.folder / "dictionary").write_text(
            "$INCLUDE /usr/share/freeradius/dictionary\n"
            # CoovaChilli's, which the package's dictionary lacks.
            "BEGIN-VENDOR ChilliSpot\n"
            "ATTRIBUTE ChilliSpot-Max-Input-Gigawords 21 integer\n"
            "ATTRIBUTE ChilliSpot-Max-Output-Gigawords 22 integer\n"
            "ATTRIBUTE ChilliSpot-Max-Total-Gigawords 23 integer\n"
            "END-VENDOR ChilliSpot\n",
            encoding="utf-8",
        )

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder)

    def start(self):
        """Returns when it answers."""
        command = ["freeradius", "-f", "-l", "stdout", "-d", str(self.folder), "-n", "radiusd"]
        if self.host:
            # nsenter becomes the server, so that a signal reaches it.
            command = ["nsenter", f"--net=/run/netns/{self.host}", "--", *command]
        with open(self.folder / "log", "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_until(self.is_ready, 30, "FreeRADIUS is up")

    def is_ready(self):
        assert self.process.poll() is None, self.log()
        return "Ready to process requests" in self.log()

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(10)
        self.process = None

    def log(self):
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def records(self, name="detail"):
        """The packets it wrote down, as lists of (attribute, value); oldest first."""
        path = self.folder / name
        if not os.path.exists(path):
            return []
        blocks = path.read_text(encoding="utf-8", errors="replace").split("\n\n")
        return [
            [tuple(line.strip().split(" = ", 1)) for line in block.splitlines() if " = " in line]
            for block in blocks
            if " = " in block
        ]
