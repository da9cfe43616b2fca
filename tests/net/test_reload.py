# SPDX-License-Identifier: GPL-2.0-or-later
"""A changed configuration, and a daemon that starts again: by difference, and nobody notices."""

import json
import os
import signal
import socket
import subprocess
import threading

import pytest

from lab import (
    CLIENT_MAC, GATEWAY, INTERNET, PORTAL_PORT, SBIN, children_serve, pids, processes, wait_until,
)
from test_login import log_in
from test_upgrade import Echo


def file_of(lab):
    return f"/run/sallyport-lab/{lab.name}/sallyport.conf"


def change(lab, *pairs):
    """Replace texts in the configuration file; returns what it was."""
    with open(file_of(lab), encoding="utf-8") as file:
        before = text = file.read()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    with open(file_of(lab), "w", encoding="utf-8") as file:
        file.write(text)
    return before


@pytest.fixture
def served(lab):
    """With its configuration as it was, afterwards."""
    before = change(lab)
    yield lab
    changed = change(lab) != before
    with open(file_of(lab), "w", encoding="utf-8") as file:
        file.write(before)
    if not lab.daemon_pid():
        lab.gate()
    elif changed:
        lab.ctl("reload", check=True)
    wait_until(lambda: children_serve(lab), 10, "the daemon's children")


def reload(lab):
    return lab.json("reload")[0]


def settings(lab):
    return lab.ctl("-j", "status", check=True).stdout


def children(lab):
    return sorted(set(pids(lab, "sallyport")) - {lab.daemon_pid()})


class Captive:
    """Captured requests, one after the other: each is to be answered."""

    def __init__(self, lab):
        self.lab = lab
        self.statuses = []
        self.over = False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.over:
            answer = self.lab.curl(INTERNET[4], role="client1", seconds=15)
            self.statuses.append(answer and answer.status)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over = True
        self.thread.join()


@pytest.fixture(scope="module")
def second(gated):
    gated.tool("client", gated.name, "1")


def test_what_a_login_is_given(served):
    """Holds for the next one; nothing is started again."""
    before = children(served)
    change(served, ("session = 8h", "session = 1h\nidle = 10m"))
    said = reload(served)
    assert said["changes"] == [
        {"section": "portal", "key": "session", "from": "8h", "to": "1h"},
        {"section": "portal", "key": "idle", "from": None, "to": "10m"},
    ]
    assert said["daemon"] == served.daemon_pid()
    assert children(served) == before
    assert log_in(served, 4, f"http://{INTERNET[4]}/").status == 303
    session = served.client()
    assert 3500 < session["seconds_left"] <= 3600
    assert reload(served)["changes"] == []
    assert served.client()["since"] == session["since"]


def test_another_port(served, second):
    """The daemon begins anew in its process: no packet of a session and no captured request is lost."""
    served.allow()
    daemon = served.daemon_pid()
    change(served, (f"plain_port = {PORTAL_PORT}", "plain_port = 8099"))
    with Echo(served) as echo, Captive(served) as captive:
        wait_until(lambda: captive.statuses, 10, "an answer")
        assert [one["key"] for one in reload(served)["changes"]] == ["plain_port"]
        answered = len(captive.statuses)
        wait_until(lambda: len(captive.statuses) > answered + 1, 20, "answers of the new children")
    assert echo.back == echo.sent
    assert set(captive.statuses) == {511}
    assert served.daemon_pid() == daemon
    assert served.curl(GATEWAY[4], port=8099).status == 200
    assert not served.tcp_connects(GATEWAY[4], PORTAL_PORT, 1)
    assert served.client()["state"] == "authorized"


def test_signal_alone(served):
    """As of somebody who does not know the command: the daemon's part."""
    def said():
        log = f"/run/sallyport-lab/{served.name}/sallyportd.log"
        with open(log, encoding="utf-8") as file:
            return file.read().count("what a login is given has changed")

    before = said()
    change(served, ("session = 8h", "session = 2h"))
    os.kill(served.daemon_pid(), signal.SIGHUP)
    wait_until(lambda: said() > before, 5, "the daemon's word")
    assert log_in(served, 4, f"http://{INTERNET[4]}/").status == 303
    assert 7000 < served.client()["seconds_left"] <= 7200


@pytest.mark.parametrize("old, new, code, words", [
    ("session = 8h", "session = 8h\nsesion = 1h", 2, "sesion"),
    ("key = portal.key", "key = no.key", 2, "no.key"),
    # The daemon has given up the right to it; what the datapath was told is taken back.
    (f"plain_port = {PORTAL_PORT}", "plain_port = 53", 5, "nothing was changed"),
])
def test_bad_configuration_changes_nothing(served, old, new, code, words):
    before = children(served), settings(served)
    change(served, (old, new))
    result = served.ctl("-j", "reload")
    error = json.loads(result.stderr)
    assert (result.returncode, error["exit_code"]) == (code, code), result
    assert words in error["error"]
    assert (children(served), settings(served)) == before
    assert served.curl(GATEWAY[4], port=PORTAL_PORT).status == 200
    assert served.status(4) == 511


def test_without_daemon(served):
    os.kill(served.daemon_pid(), signal.SIGTERM)
    wait_until(lambda: not processes(served), 10, "its end")
    change(served, ("[gateway]", "[gateway]\nguard = off"))
    said = reload(served)
    assert said["daemon"] is None
    assert [(one["key"], one["to"]) for one in said["changes"]] == [("guard", "off")]


def test_not_loaded(served):
    result = served.run("gw", str(SBIN / "sallyport"), "-I", served.name + "x", "-j", "reload",
                        "-c", file_of(served), check=False)
    assert result.returncode == 4
    assert "not loaded" in json.loads(result.stderr)["error"]


def test_daemon_stops_and_starts(served, second):
    """In the middle of a download and of captured requests, of which none is answered by half."""
    served.allow()
    with Echo(served) as echo, Captive(served) as captive:
        wait_until(lambda: captive.statuses, 10, "an answer")
        os.kill(served.daemon_pid(), signal.SIGTERM)
        wait_until(lambda: not processes(served), 10, "its end")
        served.gate()
        answered = len(captive.statuses)
        wait_until(lambda: len(captive.statuses) > answered + 1, 20, "answers of the new daemon")
    assert echo.back == echo.sent
    assert set(captive.statuses) == {511}
    assert served.client(CLIENT_MAC)["state"] == "authorized"


class Manager:
    """What systemd is to a service that is started again: it keeps the sockets."""

    def __init__(self, lab, folder):
        self.lab = lab
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.kept = []

    def start(self):
        """Returns when the daemon is ready; what it gives to be kept is kept."""
        kept, self.kept = self.kept, []
        before = [f"LISTEN_FDS={len(kept)}", "LISTEN_FDNAMES=" + ":".join(name for name, _ in kept)]
        # The first of them becomes descriptor 3.
        moves = " ".join(f"{3 + i}<&{fd}" for i, (_, fd) in enumerate(kept))
        script = f'exec {moves}; export LISTEN_PID=$$; exec "$@"'
        process = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.lab.host('gw')}", "env", *before,
             f"NOTIFY_SOCKET={self.path}", "bash", "-c", script, "bash", str(SBIN / "sallyportd"), "-I",
             self.lab.name],
            pass_fds=[fd for _, fd in kept], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.socket.settimeout(15)
        text = ""
        while "READY=1" not in text:
            text, fds, _, _ = socket.recv_fds(self.socket, 4096, 4)
            text = text.decode()
            if "FDSTORE=1" in text:
                self.kept += [(text.split("FDNAME=")[1].split()[0], fd) for fd in fds]
        for _, fd in kept:
            os.close(fd)
        return process

    def close(self):
        for _, fd in self.kept:
            os.close(fd)
        self.socket.close()


def test_sockets_are_kept(served, tmp_path):
    """Between two daemons connections are accepted, captured ones too, and answered by the next."""
    os.kill(served.daemon_pid(), signal.SIGTERM)
    wait_until(lambda: not processes(served), 10, "its end")
    manager = Manager(served, tmp_path)
    try:
        first = manager.start()
        assert served.status(4) == 511
        first.terminate()
        first.wait(10)
        assert served.tcp_connects(GATEWAY[4], PORTAL_PORT)
        with served.socket("client", 4) as captured:
            captured.settimeout(20)
            captured.connect((INTERNET[4], 80))
            captured.sendall(b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n")
            second = manager.start()
            assert captured.recv(12) == b"HTTP/1.1 511"
        assert served.curl(GATEWAY[4], port=PORTAL_PORT).status == 200
        second.terminate()
        second.wait(10)
    finally:
        manager.close()
