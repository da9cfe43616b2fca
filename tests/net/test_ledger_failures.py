# SPDX-License-Identifier: GPL-2.0-or-later
"""The ledger on a disk that is full, and on one that cannot be written at all: on a gateway that runs."""

import errno
import os
import subprocess
from pathlib import Path

import pytest

from lab import CLIENT_MAC, INTERNET, url, wait_until
from test_ledger import last, rows
from test_login import log_in

OTHER_MAC = "02:85:00:00:00:99"
WANTED = url(INTERNET[4])


def state(lab):
    return Path("/var/lib") / lab.name


@pytest.fixture(scope="module", name="small")
def small_disk(hosts):
    """The lab's gate with its ledger on a disk of its own."""
    state(hosts).mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", hosts.name, state(hosts)],
                   check=True)
    try:
        hosts.gate()
        yield hosts
    finally:
        hosts.ctl("down")
        subprocess.run(["umount", state(hosts)], check=True)


def fill(lab):
    """Until nothing more has room. Returns the file to remove."""
    filler = state(lab) / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC
    return filler


def events(lab):
    """What was told lately."""
    listener = lab.popen("gw", "timeout", "1", str(Path(__file__).resolve().parents[2] /
                                                   ".output/sbin/sallyport"),
                         "-I", lab.name, "-j", "events", stdout=subprocess.PIPE, text=True)
    return listener.communicate()[0]


def test_full_disk(small):
    lab = small
    lab.allow("--for", "1h", mac=OTHER_MAC)
    assert lab.json("status")[0]["ledger"] == {"ok": True, "error": None}
    filler = fill(lab)
    try:
        refused = lab.ctl("client", "allow", CLIENT_MAC)
        assert refused.returncode == 1 and "make room on that disk" in refused.stderr
        page = log_in(lab, 4, WANTED)
        assert page.status == 503 and "network is full" not in page.body
        assert lab.ctl("client", "show", CLIENT_MAC).returncode == 3
        # Sessions go on, and who is to be put out is put out.
        assert lab.client(OTHER_MAC)["state"] == "authorized"
        status = lab.json("status")[0]["ledger"]
        assert not status["ok"] and "make room on that disk" in status["error"]
        assert "CANNOT BE WRITTEN" in lab.ctl("status").stdout
        wait_until(lambda: '"event":"ledger"' in events(lab), 30, "the event")
        removed = lab.ctl("client", "remove", OTHER_MAC)
        assert removed.returncode == 0 and "ledger" in removed.stderr
        assert lab.ctl("client", "show", OTHER_MAC).returncode == 3
    finally:
        os.unlink(filler)
    # There is room again, and nobody had to do anything else.
    assert log_in(lab, 4, WANTED).status == 303
    assert last(lab, "method, cause") == (1, 0)
    assert lab.json("status")[0]["ledger"]["ok"]
    wait_until(lambda: '"event":"ledger-fine"' in events(lab), 30, "the event")
    lab.forget()


def remount(lab, how):
    subprocess.run(["mount", "-o", f"remount,{how}", state(lab)], check=True)


def test_disk_that_cannot_be_written(small):
    lab = small
    lab.allow("--for", "1h")
    subprocess.run(["mount", "--bind", state(lab), state(lab)], check=True)
    try:
        remount(lab, "bind,ro")
        refused = lab.ctl("client", "allow", OTHER_MAC)
        assert refused.returncode == 1 and "ledger.db" in refused.stderr
        assert not lab.json("status")[0]["ledger"]["ok"]
        assert lab.ctl("client", "remove", CLIENT_MAC).returncode == 0
        assert lab.ctl("client", "show", CLIENT_MAC).returncode == 3
        remount(lab, "bind,rw")
        lab.allow("--for", "1h", mac=OTHER_MAC)
    finally:
        subprocess.run(["umount", state(lab)], check=True)
    assert last(lab, "cause", OTHER_MAC) == (0,)
    assert rows(lab, "SELECT count(*) FROM block") == [(0,)]
    lab.forget(OTHER_MAC)
