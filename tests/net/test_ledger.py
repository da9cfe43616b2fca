# SPDX-License-Identifier: GPL-2.0-or-later
"""What the ledger says of sessions on a running gateway, and what happens when it cannot be used."""

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest

from lab import CLIENT_MAC, INTERNET, url, wait_until
from test_login import fetch, log_in

OTHER_MAC = "02:85:00:00:00:99"
WANTED = url(INTERNET[4])


def ledger_of(lab):
    return Path("/var/lib") / lab.name / "ledger.db"


def rows(lab, sql, *values):
    with contextlib.closing(sqlite3.connect(ledger_of(lab), timeout=10)) as database:
        return database.execute(sql, values).fetchall()


def last(lab, columns, mac=CLIENT_MAC):
    return rows(lab, f"SELECT {columns} FROM session WHERE mac = ? ORDER BY id DESC LIMIT 1", mac)[0]


def click(lab):
    return log_in(lab, 4, WANTED).status


def test_list_and_show_say_whose_it_is(lab):
    assert click(lab) == 303
    client = lab.client()
    assert (client["method"], client["who"]) == ("click", None)
    lab.allow(mac=OTHER_MAC)
    by_mac = {one["mac"]: one for one in lab.json("client", "list")}
    assert by_mac[CLIENT_MAC]["method"] == "click"
    assert by_mac[OTHER_MAC]["method"] == "operator"
    assert re.search(r"^By: +click$", lab.ctl("client", "show", CLIENT_MAC).stdout, re.M)
    lab.ctl("client", "block", OTHER_MAC, check=True)
    assert lab.client(OTHER_MAC)["method"] is None
    lab.forget(OTHER_MAC)


def test_what_was_used_and_why_it_ended(lab):
    lab.allow("--for", "1h")
    assert lab.status(4) == 200
    # The daemon writes every ten seconds.
    wait_until(lambda: last(lab, "up_bytes")[0] > 0, 30, "counters in the ledger")
    assert last(lab, "ipv4, ended, cause") == ("10.85.0.2", 0, 0)
    lab.forget()
    used = last(lab, "up_bytes, down_bytes, cause")
    assert used[0] > 0 and used[1] > 0 and used[2] == 5
    lab.allow("--for", "1s")
    wait_until(lambda: last(lab, "cause")[0], 30, "the end in the ledger")
    assert last(lab, "cause, ended - begun") in ((1, 1), (1, 2))


def test_daemon_that_starts_ends_what_is_lost(lab):
    lab.allow(mac=OTHER_MAC)
    subprocess.run(["bpftool", "map", "delete", "pinned", f"/sys/fs/bpf/{lab.name}/clients", "key",
                    *(f"0x{byte}" for byte in OTHER_MAC.split(":")), "0", "0"], check=True)
    os.kill(lab.daemon_pid(), signal.SIGKILL)
    wait_until(lambda: not lab.daemon_pid(), 20, "the end of the daemon")
    lab.gate()
    wait_until(lambda: last(lab, "cause", OTHER_MAC) == (7,), 20, "the end in the ledger")


@pytest.fixture
def damaged(lab):
    """A session of another client, and then a ledger that is none."""
    lab.allow("--for", "1h", mac=OTHER_MAC)
    path = ledger_of(lab)
    away = path.with_name("away.db")
    path.rename(away)
    for end in ("-wal", "-shm"):
        path.with_name("ledger.db" + end).rename(away.with_name("away.db" + end))
    path.write_bytes(b"nonsense " * 1000)
    path.chmod(0o600)
    yield lab
    path.unlink(missing_ok=True)
    for end in ("-wal", "-shm"):
        path.with_name("ledger.db" + end).unlink(missing_ok=True)
        away.with_name("away.db" + end).rename(path.with_name("ledger.db" + end))
    away.rename(path)
    lab.forget(OTHER_MAC)


def test_damaged_ledger_lets_nobody_in_and_puts_nobody_out(damaged):
    lab = damaged
    assert click(lab) != 303
    assert lab.client(OTHER_MAC)["state"] == "authorized"
    assert lab.ctl("client", "show", CLIENT_MAC).returncode == 3
    refused = lab.ctl("client", "allow", CLIENT_MAC)
    assert refused.returncode == 1 and "ledger.db" in refused.stderr
    # Sessions and the daemon go on; who is to be put out is put out, and that it is not written
    # down is said.
    assert lab.daemon_pid()
    removed = lab.ctl("client", "remove", OTHER_MAC)
    assert removed.returncode == 0 and "ledger" in removed.stderr
    assert lab.ctl("client", "show", OTHER_MAC).returncode == 3


def test_mended_ledger_lets_in_again_without_a_restart(lab):
    """After the test before, or at any other time: the daemon is the same."""
    before = lab.daemon_pid()
    path = ledger_of(lab)
    for end in ("", "-wal", "-shm"):
        path.with_name("ledger.db" + end).unlink(missing_ok=True)
    path.write_bytes(b"nonsense " * 1000)
    path.chmod(0o600)
    assert click(lab) != 303
    path.unlink()
    assert click(lab) == 303
    assert last(lab, "method, cause") == (1, 0)
    assert fetch(lab, WANTED).status == 200
    assert lab.daemon_pid() == before


def test_down_ends_all(hosts):
    """The last test: the gate of the module is down behind it."""
    hosts.gate()
    hosts.allow("--for", "1h")
    assert hosts.status(4) == 200
    hosts.ctl("down", check=True)
    cause, ended, used = last(hosts, "cause, ended >= begun, up_bytes")
    assert (cause, ended) == (7, 1) and used > 0
    hosts.gate()
    assert rows(hosts, "SELECT count(*) FROM session WHERE ended = 0") == [(0,)]
