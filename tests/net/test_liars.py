# SPDX-License-Identifier: GPL-2.0-or-later
"""A child that does not keep to the protocol is ended, started again, and has touched nothing."""

import os
import re
import signal
from pathlib import Path

import pytest

from lab import GATEWAY, PLAIN_PORTAL, PORTAL_PORT, wait_until
from planted import plant, real_path

BROKE, FULL, CLOSED = (
    "it broke the protocol", "it does not take its answers", "it closed its socket and did not exit",
)
# What each child says (tests/net/liar.py), in its order, and why the keeper ends it.
LIES = {
    "responder": [("a byte", BROKE), ("twice", BROKE), ("closed", CLOSED), ("for nothing", BROKE),
                  ("long", BROKE), ("no ready", BROKE)],
    "portal": [("nothing", BROKE), ("multicast", BROKE), ("flood", FULL), ("unended", BROKE),
               ("method", BROKE), ("for nothing", BROKE)],
    "garden": [("unended name", BROKE), ("no zone", BROKE), ("magic", BROKE), ("multicast", BROKE), ("long", BROKE),
               ("closed", CLOSED)],
    "verifier": [("unasked", BROKE), ("vlan", BROKE), ("a file", BROKE), ("a byte", BROKE)],
    "accounting": [("unasked", BROKE), ("twice", BROKE), ("magic", BROKE), ("closed", CLOSED)],
    "authority": [("unasked", BROKE), ("a byte", BROKE), ("long", BROKE), ("no ready", BROKE)],
}
PROGRAMS = ("responder", "portal", "garden", "verifier")
# So that there are those that speak RADIUS.
RADIUS = """
[radius]
server = 10.86.0.2
secret_file = {secret}
accounting = 10.86.0.2
coa = on
"""


def plant_liars(tree):
    children = plant(tree, {name: "liar.py" for name in PROGRAMS})
    for name in PROGRAMS:
        (children / f"sallyport-{name}.real").write_text(str(real_path(name)))
    for role, lies in LIES.items():
        (children / f"{role}.lies").write_text("".join(f"{lie}\n" for lie, _ in lies))


def configure(folder):
    """A gate by plain HTTP, with RADIUS."""
    secret, configuration = folder / "secret", folder / "sallyport.conf"
    secret.write_text("a secret that nobody else has\n")
    secret.chmod(0o600)
    configuration.write_text(PLAIN_PORTAL + "[gateway]\nclient = lan0\n" + RADIUS.format(secret=secret))
    return configuration


@pytest.fixture
def lying(hosts, tmp_path, monkeypatch):
    plant_liars(tmp_path)
    monkeypatch.setenv("SALLYPORT_SBIN", str(tmp_path / "sbin"))
    hosts.ctl("up", "-c", str(configure(tmp_path)), check=True)
    hosts.allow("--note", "untouched")
    log = Path(f"/run/sallyport-lab/{hosts.name}/sallyportd.log")
    with log.open("ab") as output:
        daemon = hosts.popen("gw", str(tmp_path / "sbin/sallyportd"), "-I", hosts.name,
                             stdout=output, stderr=output)
    yield hosts, log
    os.kill(hosts.daemon_pid(), signal.SIGTERM)
    assert daemon.wait(10) == 0


def ended(log):
    """Who was ended, and why, of the log."""
    return re.findall(r"error: (\w+)(?: \d+)? \(pid \d+\) was ended: (.*); starting it again",
                      log.read_text(encoding="utf-8"))


def test_liars_are_ended_and_replaced(lying):
    lab, log = lying
    told = sum(len(lies) for lies in LIES.values())
    wait_until(lambda: len(ended(log)) >= told, 60, "the last lie to be told")
    for name, lies in LIES.items():
        assert sorted(why for who, why in ended(log) if who == name) == sorted(
            why for _, why in lies), name
    # What the portal's place asked for in between was answered, but let nobody in.
    assert [client["note"] for client in lab.json("client", "list")] == ["untouched"]
    assert lab.status(4) == lab.status(6) == 200
    lab.forget()
    # The programs that come last find the sockets as they were.
    wait_until(lambda: lab.status(4) == 511, 15, "a responder")
    wait_until(lambda: lab.status(6) == 511, 15, "a responder")
    wait_until(lambda: lab.curl(GATEWAY[4], port=PORTAL_PORT), 15, "the portal")
    assert len(ended(log)) == told
