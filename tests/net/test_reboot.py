# SPDX-License-Identifier: GPL-2.0-or-later
"""A reboot, played by taking away all that does not outlive one: what was pinned, /run, processes."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from lab import CLIENT_MAC, INTERNET, SBIN, pids, wait_until
from test_ledger import last, rows

OTHER_MAC = "02:85:00:00:00:99"
THIRD_MAC = "02:85:00:00:00:98"


def switch_off(lab):
    """Nothing is ended or written first."""
    for pid in pids(lab, "sallyport"):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    wait_until(lambda: not pids(lab, "sallyport"), 20, "the end of the processes")
    shutil.rmtree(f"/sys/fs/bpf/{lab.name}")
    shutil.rmtree(f"/run/{lab.name}")


def at_time(lab, when, *arguments):
    """A command whose clock is set: FAKETIME's form, "+2h"."""
    done = subprocess.run(
        ["nsenter", f"--net=/run/netns/{lab.name}-gw", "env", f"LD_PRELOAD={faketime()}",
         f"FAKETIME={when}", "DONT_FAKE_MONOTONIC=1", str(SBIN / "sallyport"), "-I", lab.name,
         *arguments],
        capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def faketime():
    (path,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    return path


def configuration(lab):
    return f"/run/sallyport-lab/{lab.name}/sallyport.conf"


def test_sessions_and_blocks_come_back(lab):
    lab.allow("--for", "1h", "--idle", "30m", "--quota", "1G", "--down", "20M", "--note", "room 7")
    lab.ctl("client", "block", OTHER_MAC, "--note", "ticket 12", check=True)
    lab.allow("--for", "1s", mac=THIRD_MAC)
    assert lab.status(4) == 200
    wait_until(lambda: last(lab, "up_bytes")[0] > 0, 30, "counters in the ledger")
    wait_until(lambda: last(lab, "cause", THIRD_MAC)[0], 30, "the end of the short one")
    before, used = lab.client(), last(lab, "id, up_bytes + down_bytes")
    (use,) = lab.json("log", "--ip", "10.85.0.2", "--at", "1s")
    assert (use["mac"], use["method"], use["address"]) == (CLIENT_MAC, "operator", "10.85.0.2")
    assert use["session"] == used[0] and not use["ended"]
    switch_off(lab)
    # Without Sallyport everybody gets through; with it, whoever may. Nobody waits in between.
    with lab.popen("client", "ping", "-n", "-q", "-i", "0.01", "-w", "60", INTERNET[4],
                   stdout=subprocess.PIPE, text=True) as ping:
        lab.gate()
        ping.send_signal(signal.SIGINT)
        told = ping.communicate()[0]
    assert " 0% packet loss" in told, told
    after = lab.client()
    verified = lab.ctl("verify")
    assert verified.returncode == 0, verified.stdout
    for key in ("state", "method", "note", "idle_limit", "rate_down", "since"):
        assert after[key] == before[key], key
    assert 0 < after["seconds_left"] <= before["seconds_left"]
    assert after["quota"] == before["quota"] - used[1]
    assert last(lab, "id, cause") == (used[0], 0)
    assert lab.status(4) == 200
    lab.forget()
    assert last(lab, "id, up_bytes + down_bytes > ?".replace("?", str(used[1]))) == (used[0], 1)
    blocked = lab.client(OTHER_MAC)
    assert (blocked["state"], blocked["note"]) == ("blocked", "ticket 12")
    assert lab.ctl("client", "show", THIRD_MAC).returncode == 3
    events = [line["event"] for line in lab.json("log", "--mac", CLIENT_MAC)
              if line["session"] == used[0]]
    assert events == ["begin", "address", "restored", "end"]


def test_down_ends_sessions_and_keeps_blocks(lab):
    lab.allow("--for", "1h")
    lab.ctl("client", "block", OTHER_MAC, check=True)
    lab.ctl("down", check=True)
    assert rows(lab, "SELECT count(*) FROM session WHERE ended = 0") == [(0,)]
    lab.gate()
    assert lab.client(OTHER_MAC)["state"] == "blocked"
    assert lab.ctl("client", "show", CLIENT_MAC).returncode == 3
    lab.forget(OTHER_MAC)


def test_clock_that_was_set_meanwhile(lab):
    """Back gives nothing; in a running kernel it changes nothing; forward is time that has passed."""
    lab.allow("--for", "1h")
    before = lab.client()["seconds_left"]
    switch_off(lab)
    at_time(lab, "-5h", "up", "-c", configuration(lab))
    assert 0 < lab.client()["seconds_left"] <= before
    at_time(lab, "+90d", "up", "-c", configuration(lab))
    at_time(lab, "-90d", "up", "-c", configuration(lab))
    assert before - 60 < lab.client()["seconds_left"] <= before
    switch_off(lab)
    at_time(lab, "+2h", "up", "-c", configuration(lab))
    assert lab.ctl("client", "show", CLIENT_MAC).returncode == 3
    assert last(lab, "cause")[0] == 1


def test_log(lab):
    lab.gate()
    lab.allow("--for", "1h", "--note", "room 7")
    text = lab.ctl("log", "--mac", CLIENT_MAC, "--limit", "1", check=True).stdout.splitlines()
    assert text[0].startswith("TIME") and "begin" in text[1] and "1h; room 7" in text[1]
    assert lab.json("log", "--user", "nobody") == []
    assert lab.json("log", "--since", "5d", "--until", "4d") == []
    for option, words in (("--since", "2h"), ("--mac", "02:00"), ("--ip", "10.0.0.7"), ("--limit", "1")):
        wrong = lab.ctl("log", option, "yesterday")
        assert wrong.returncode == 2 and option in wrong.stderr and words in wrong.stderr
    lab.forget()


def test_log_is_followed(lab):
    with lab.popen("gw", str(SBIN / "sallyport"), "-I", lab.name, "-j", "log", "--follow", "--mac",
                   OTHER_MAC, stdout=subprocess.PIPE, text=True) as follower:
        lab.allow(mac=OTHER_MAC)
        while '"event":"begin"' not in follower.stdout.readline():
            pass
        lab.forget(OTHER_MAC)
        assert '"event":"end"' in follower.stdout.readline()
        follower.kill()


def test_copies_and_what_is_old(lab, tmp_path):
    copy = tmp_path / "copy.db"
    lab.ctl("ledger", "backup", str(copy), check=True)
    assert copy.stat().st_mode & 0o7777 == 0o600
    again = lab.ctl("ledger", "backup", str(copy))
    assert again.returncode == 1 and str(copy) in again.stderr
    assert lab.json("ledger", "check") == [{"ok": True, "damage": []}]
    assert lab.json("ledger", "prune") == [{"deleted": 0}]
    lab.allow()
    assert lab.json("ledger", "prune", "--before", "2100-01-01")[0]["deleted"] > 0
    assert lab.json("log") == []
    assert rows(lab, "SELECT mac FROM session") == [(CLIENT_MAC,)]
    lab.forget()
