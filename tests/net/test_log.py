# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon's log wherever it goes, what it never holds, and what the daemon tells systemd."""

import contextlib
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from lab import CLIENT_MAC, INTERNET, SBIN, pids, wait_until

LOGIN = "https://portal.test/captive-portal/login"
# Typed, sent or asked for by a client: none of it may be in any log, at any level.
SECRETS = {
    "password": "correct-horse-5523",
    "wrong": "wrong-horse-8812",
    "cookie": "biscuit-7719",
    "host": "private-4471.example",
    "path": "diagnosis-3391",
    "stranger": "somebody-6650",
}
CONFIGURATION = """
[gateway]
client = lan0
[portal]
plain_port = 8080
certificate = portal.crt
key = portal.key
host = portal.test
methods = click voucher user
[log]
"""


class Listener:
    """A socket of datagrams at a path, as the journal, syslog and the service manager have one."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        path.chmod(0o666)
        self.texts = []
        # Who writes waits when nobody reads.
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while text := self.socket.recv(65536):
            self.texts.append(text.decode())

    def close(self):
        """When nobody writes any more."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", str(self.path))
        self.reader.join()
        self.socket.close()
        self.path.unlink()

    def wait(self, *words):
        """The first text with all these words."""
        def find():
            return next((text for text in self.texts if all(word in text for word in words)), None)
        return wait_until(find, 60, f"{words} of {self.path.name}")

    def catch_up(self):
        """Until all that was written before has been read."""
        mark = f"mark {len(self.texts)} {time.monotonic()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(mark.encode(), str(self.path))
        self.wait(mark)


class Daemon:
    """One that runs in a mount namespace with our own sockets in it."""

    def __init__(self, lab, folder, section, *options):
        self.lab = lab
        self.ended = False
        self.stderr = folder / "stderr"
        (folder / "run").mkdir()
        self.journal = Listener(folder / "run" / "socket")
        self.syslog = Listener(folder / "syslog")
        self.manager = Listener(folder / "manager")
        state = Path(lab.certificate).parent
        configuration = state / "sallyport.conf"
        configuration.write_text(CONFIGURATION + section)
        if not (state / "portal.crt").exists():
            lab.ctl("cert", "self-signed", "--host", "portal.test", "--out", str(state), check=True)
        lab.ctl("up", "-c", str(configuration), check=True)
        script = (
            'mount --bind "$1/run" /run/systemd/journal && mount -t tmpfs tmpfs /dev &&'
            ' mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/urandom c 1 9 &&'
            ' ln -s "$1/syslog" /dev/log && shift && exec "$@"'
        )
        with self.stderr.open("wb") as output:
            self.process = lab.popen(
                "gw", "unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh",
                str(folder), str(SBIN / "sallyportd"), "-I", lab.name, *options,
                stdout=output, stderr=output,
                env={**os.environ, "NOTIFY_SOCKET": str(self.manager.path),
                     "WATCHDOG_USEC": "400000"},
            )

    def ready(self):
        self.manager.wait("READY=1")
        return self

    def end(self):
        if self.ended:
            return
        self.ended = True
        pid = self.lab.daemon_pid()
        if pid:
            os.kill(pid, signal.SIGTERM)
        self.process.wait(60)
        for listener in (self.journal, self.syslog, self.manager):
            listener.close()

    def everything(self):
        return "\n".join([self.stderr.read_text(encoding="utf-8"), *self.journal.texts,
                          *self.syslog.texts, *self.manager.texts])


@pytest.fixture(scope="module", autouse=True)
def place_of_the_journal():
    """Where a mount can hide what is there; a machine without systemd has no such folder."""
    made = []
    for folder in (Path("/run/systemd"), Path("/run/systemd/journal")):
        if not folder.exists():
            folder.mkdir()
            made.insert(0, folder)
    yield
    for folder in made:
        with contextlib.suppress(OSError):  # another run may use it
            folder.rmdir()


@pytest.fixture
def start(hosts, tmp_path):
    """start(section, options): a daemon that serves, with that section [log]."""
    started = []

    def begin(section, *options):
        started.append(Daemon(hosts, tmp_path, section, *options))
        return started[-1].ready()

    yield begin
    for daemon in started:
        daemon.end()
    hosts.forget()


def fields(entry):
    """Of an entry of the journal."""
    return dict(line.split("=", 1) for line in entry.splitlines() if "=" in line)


def sign_in(lab, name, password):
    """The status of the answer to a device that logs in."""
    return lab.run(
        "client", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert",
        lab.certificate, "-u", f"{name}:{password}", "-H", f"Cookie: id={SECRETS['cookie']}", LOGIN,
    ).stdout


def be_a_client(lab):
    """Everything that a client can do; returns the code of the voucher."""
    lab.tool("ctl", lab.name, "user", "add", "anna", "--password-stdin",
             typed=SECRETS["password"] + "\n")
    code = lab.ctl("voucher", "create", "--for", "1h", check=True).stdout.split()[-1]
    lab.curl(INTERNET[4], "-H", f"Host: {SECRETS['host']}", "-H",
             f"Cookie: id={SECRETS['cookie']}", path=f"/{SECRETS['path']}?q={SECRETS['path']}")
    assert sign_in(lab, "anna", SECRETS["wrong"]) == "401"
    assert sign_in(lab, SECRETS["stranger"], SECRETS["wrong"]) == "401"
    assert sign_in(lab, "anna", SECRETS["password"]) == "200"
    lab.forget()
    assert sign_in(lab, code, "") == "200"
    lab.run("client", "curl", "-s", "--cacert", lab.certificate, "-X", "POST",
            LOGIN.replace("login", "logout"))
    lab.allow("--for", "1s")
    time.sleep(1.1)
    return code


def test_journal(hosts, start):
    daemon = start("to = journal\nnames = on\n", "--verbose")
    code = be_a_client(hosts)
    login = fields(daemon.journal.wait("logged in (user anna)"))
    assert login["PRIORITY"] == "5" and login["SYSLOG_IDENTIFIER"] == "sallyportd"
    assert login["SALLYPORT_INSTANCE"] == hosts.name
    assert login["SALLYPORT_CLIENT"] == CLIENT_MAC
    assert login["SALLYPORT_METHOD"] == "user" and login["SALLYPORT_USER"] == "anna"
    assert int(login["SALLYPORT_SESSION"]) > 0
    assert login["CODE_FILE"].endswith("keeper/grant.c") and int(login["CODE_LINE"]) > 0
    assert "SALLYPORT_USER" not in fields(daemon.journal.wait("wrong credentials (user)"))
    daemon.journal.wait("logged in (voucher")
    daemon.journal.wait("logged out")

    # What a child says is told from what the daemon says, and so is its death.
    portal = pids(hosts, "sallyport-porta")[0]
    os.kill(portal, signal.SIGKILL)
    daemon.journal.wait("portal (pid", "died of signal 9")

    daemon.end()
    daemon.journal.wait("session ended: time", f"SALLYPORT_CLIENT={CLIENT_MAC}")
    assert daemon.stderr.read_text(encoding="utf-8") == ""
    text = daemon.everything()
    found = [what for what, secret in SECRETS.items() if secret in text]
    assert not found and code not in text and code.replace("-", "") not in text
    hosts.ctl("user", "remove", "anna", check=True)


def is_stopped(pid):
    return "State:\tT" in Path(f"/proc/{pid}/status").read_text(encoding="ascii")


def test_service_manager(hosts, start):
    daemon = start("level = warning\n")
    assert "STATUS=Serving" in daemon.manager.wait("READY=1")

    def signs():
        return sum("WATCHDOG=1" in text for text in daemon.manager.texts)

    wait_until(lambda: signs() >= 3, 60, "signs of life")
    # Only a loop that goes round gives them.
    pid = hosts.daemon_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: is_stopped(pid), 30, "it to stand still")
        daemon.manager.catch_up()
        before = signs()
        time.sleep(0.6)
        daemon.manager.catch_up()
        assert signs() == before
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: signs() > before, 60, "signs of life")
    os.kill(hosts.daemon_pid(), signal.SIGHUP)
    assert "MONOTONIC_USEC=" in daemon.manager.wait("RELOADING=1")
    at = next(i for i, text in enumerate(daemon.manager.texts) if "RELOADING=1" in text)
    wait_until(lambda: any("READY=1" in text for text in daemon.manager.texts[at + 1:]), 60, "READY")
    daemon.end()
    daemon.manager.wait("STOPPING=1")
    # Nothing happened that is worse than a notice.
    assert daemon.stderr.read_text(encoding="utf-8") == ""


def test_syslog(start):
    daemon = start("to = syslog\n")
    # Facility 3 (daemon), severity 5.
    assert daemon.syslog.wait("serving instance").startswith("<29>")


def test_json(hosts, start):
    daemon = start("format = json\n")
    hosts.curl(INTERNET[4])
    daemon.end()
    said = [json.loads(line) for line in daemon.stderr.read_text(encoding="utf-8").splitlines()]
    assert any(one["message"].startswith("serving instance") for one in said)
    assert {one["instance"] for one in said} == {hosts.name}


def test_level_is_checked(hosts):
    refused = hosts.ctl("run", "--log-level", "loud")
    assert refused.returncode == 2 and "--log-level: expected error" in refused.stderr
    refused = hosts.ctl("run", "--log-level", "debug", "-v")
    assert refused.returncode == 2
