# SPDX-License-Identifier: GPL-2.0-or-later
"""Killed at any moment, daemon and commands: whoever was let in is in ledger and map, and nobody else."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing

from lab import CLIENT_MAC, INTERNET, SBIN, soak, url, wait_until
from test_ledger import ledger_of, rows
from test_login import log_in

WANTED = url(INTERNET[4])
MACS = [f"02:85:00:00:01:{number:02x}" for number in range(8)]


def start(lab, *arguments):
    return subprocess.Popen([str(SBIN / "sallyport"), "-I", lab.name, *arguments],
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def in_map(lab):
    return {one["mac"] for one in lab.json("client", "list") if one["state"] == "authorized"}


def in_ledger(lab):
    return {mac for (mac,) in rows(lab, "SELECT mac FROM session WHERE ended = 0")}


def change(lab, let_in):
    """One command, killed or not. What it has said that it did holds."""
    mac = random.choice(MACS)
    wanted = random.random() < 0.6
    command = start(lab, *(("client", "allow", mac, "--for", "1h") if wanted
                           else ("client", "remove", mac)))
    time.sleep(random.uniform(0, 0.04))
    command.kill()
    said = command.communicate()[1]
    if command.returncode == -signal.SIGKILL:
        let_in.pop(mac, None)  # nobody knows
        return
    expected = (0, 3) if mac not in let_in else (0,) if let_in[mac] else (3,)
    assert command.returncode in ((0,) if wanted else expected), said
    let_in[mac] = wanted


def check(lab, let_in):
    known = {mac for mac, wanted in let_in.items() if wanted}
    unknown = {mac for mac, wanted in let_in.items() if not wanted}
    assert known <= in_map(lab) and known <= in_ledger(lab)
    assert not unknown & in_map(lab)


def restart(lab):
    os.kill(lab.daemon_pid(), signal.SIGKILL)
    wait_until(lambda: not lab.daemon_pid(), 20, "the end of the daemon")
    lab.gate()


def copy_now(lab, mac, folder):
    """The files as a power failure would leave them: in the middle of what a command and the daemon do."""
    command = start(lab, "client", "allow", mac)
    daemon = lab.daemon_pid()
    time.sleep(random.uniform(0, 0.03))
    for pid in (command.pid, daemon):
        os.kill(pid, signal.SIGSTOP)
    try:
        for end in ("", "-wal", "-shm"):
            shutil.copy(f"{ledger_of(lab)}{end}", folder / f"copy.db{end}")
    finally:
        for pid in (daemon, command.pid):
            os.kill(pid, signal.SIGCONT)
    command.communicate()
    assert command.returncode == 0


def test_killed_commands_and_daemons(lab):
    let_in = {}
    for number in range(soak(30, 1000)):
        change(lab, let_in)
        if number % 30 == 29:
            restart(lab)
            assert in_map(lab) == in_ledger(lab)
        if number % 5 == 4:
            check(lab, let_in)
    for mac in MACS:
        lab.forget(mac)
    assert rows(lab, "PRAGMA integrity_check") == [("ok",)]


def test_login_while_the_daemon_is_killed(lab):
    """Who was told to be let in is let in."""
    for _ in range(soak(1, 100)):
        daemon = lab.daemon_pid()
        killer = subprocess.Popen(["sh", "-c", f"sleep {random.uniform(0, 0.3):.3f}; kill -9 {daemon}"])
        try:
            told = log_in(lab, 4, WANTED).status == 303
        except (AttributeError, AssertionError):  # no answer, or no page
            told = False
        killer.wait()
        wait_until(lambda: not lab.daemon_pid(), 20, "the end of the daemon")
        assert not told or CLIENT_MAC in in_map(lab)
        lab.gate()
        assert in_map(lab) == in_ledger(lab)
        lab.forget()


def test_copy_at_any_moment(lab, tmp_path):
    let_in = {}
    for _ in range(soak(5, 200)):
        change(lab, let_in)
        mac = random.choice(MACS)
        let_in.pop(mac, None)
        copy_now(lab, mac, tmp_path)
        with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
            assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            there = {mac for (mac,) in copy.execute("SELECT mac FROM session WHERE ended = 0")}
        assert {one for one, wanted in let_in.items() if wanted} <= there
        let_in[mac] = True
    for mac in MACS:
        lab.forget(mac)
