# SPDX-License-Identifier: GPL-2.0-or-later
"""Zones as their clients meet them: texts, login links, methods and limits by interface. The second
interface is made when the gate is up already."""

import re
import secrets

import pytest

from lab import GATEWAY, INTERNET, PLAIN_PORTAL, PORTAL_PORT, wait_until
from test_zone_datapath import OTHER_GATEWAY, OTHER_MAC, add_second_interface

CONFIGURATION = PLAIN_PORTAL + """
session = 8h
[gateway]
client = lan0
[zone hall]
client = lan1
methods = voucher
quota = 3M
host = hall.test
pages = {pages}
"""
HALL = ("--interface", "client1")


def interface(lab, name):
    return next(one for one in lab.json("status")[0]["interfaces"] if one["interface"] == name)


def wait_for(lab, state):
    return wait_until(lambda: (found := interface(lab, "lan1"))["state"] == state and found, 10, state)


@pytest.fixture(scope="module")
def gated(hosts, tmp_path_factory):
    """The gate is up, and lan1 comes behind it."""
    folder = tmp_path_factory.mktemp("zones")
    pages = folder / "pages"
    pages.mkdir()
    for path in (pages, folder, folder.parent):
        path.chmod(0o755)
    (pages / "en.conf").write_text("title = The hall is closed\nwelcome = Welcome to the hall\n")
    configuration = folder / "zones.conf"
    configuration.write_text(CONFIGURATION.format(pages=pages))
    hosts.said = hosts.gate(configuration)
    hosts.before = interface(hosts, "lan1")
    add_second_interface(hosts)
    hosts.after = wait_for(hosts, "attached")
    for family in (4, 6):
        hosts.run("client", "ip", f"-{family}", "route", "replace", "default", "via", OTHER_GATEWAY[family],
                  "dev", "client1", "metric", "9999")
    hosts.configuration = configuration
    return hosts


def test_interface_that_comes_later(gated):
    assert "there is no interface lan1 yet" in gated.said.stderr + gated.said.stdout
    assert (gated.before["state"], gated.before["mode"]) == ("missing", "none")
    assert gated.before["why"] == "the interface is not there; sallyportd attaches it when it is back"
    assert (gated.after["mode"], gated.after["tc_hook"]) == ("native", "tcx")
    assert [zone["zone"] for zone in gated.after["zones"]] == ["hall"]
    assert gated.udp_echo(4, seconds=0.2) is None


def test_first_page(gated, family):
    """Text and login link are those of where the client is."""
    here = wait_until(lambda: gated.curl(INTERNET[family]), 10, "a responder")
    there = wait_until(lambda: gated.curl(INTERNET[family], *HALL), 10, "a responder")
    assert here.status == there.status == 511
    own = GATEWAY[family] if family == 4 else f"[{GATEWAY[family]}]"
    assert here.headers["location"].startswith(f"http://{own}:{PORTAL_PORT}/")
    assert there.headers["location"].startswith(f"http://hall.test:{PORTAL_PORT}/")
    assert "The hall is closed" in there.body and "The hall" not in here.body
    # What the zone does not say otherwise is as everywhere.
    assert gated.curl(INTERNET[family], "-H", "Accept-Language: fr", *HALL).headers[
        "content-language"] == "fr"


def page(lab, *options, path="/"):
    return wait_until(lambda: lab.curl(GATEWAY[4], *options, port=PORTAL_PORT, path=path), 10, "the portal")


def form(lab, path, fields, *options):
    """The answer to a form of the page that is shown there."""
    token = re.search(r'name="c" value="([^"]+)"', page(lab, *options).body).group(1)
    return page(lab, *options, "-d", f"c={token}&{fields}", path=path)


def test_methods_and_limits(gated):
    """A method that is enabled elsewhere only is no way in, with or without a form for it."""
    here, there = page(gated), page(gated, *HALL)
    assert 'action="/accept"' in here.body and 'action="/voucher"' not in here.body
    assert 'action="/voucher"' in there.body and 'action="/accept"' not in there.body
    assert "Welcome to the hall" in there.body and "Welcome to the hall" not in here.body
    code = gated.ctl("voucher", "create", "--for", "1h", check=True).stdout.strip()
    assert form(gated, "/accept", "", *HALL).status == 403
    assert form(gated, "/voucher", f"code={code}").status == 403
    assert gated.json("client", "list") == []

    assert form(gated, "/voucher", f"code={code}", *HALL).status == 303
    session = gated.client(OTHER_MAC)
    assert (session["state"], session["method"], session["zone"]) == ("authorized", "voucher", "hall")
    assert session["quota"] == 3000000
    assert gated.curl(INTERNET[4], *HALL).status == 200
    assert gated.status(4) == 511
    assert form(gated, "/accept", "").status == 303
    session = gated.client()
    assert (session["method"], session["zone"], session["quota"]) == ("click", None, None)
    assert gated.status(4) == 200
    shown = gated.ctl("client", "list", check=True).stdout
    assert re.search(rf"{OTHER_MAC}.* in hall\b", shown)
    assert re.search(r"^Zone: +hall$", gated.ctl("client", "show", OTHER_MAC, check=True).stdout, re.M)
    gated.forget()
    gated.forget(OTHER_MAC)


def test_it_goes_and_nobody_else_is_touched(gated):
    gated.allow()
    gated.run("gw", "ip", "link", "delete", "lan1")
    wait_for(gated, "missing")
    assert gated.status(4) == 200
    gated.forget()
    assert gated.status(4) == 511


def test_without_the_daemon(gated):
    """`up` attaches what has come; none of the interfaces is an error that changes nothing."""
    other = gated.configuration.with_name("none.conf")
    other.write_text(CONFIGURATION.format(pages="/nonexistent").replace(
        "client = lan0", f"client = x{secrets.token_hex(4)}").replace("lan1", "lan2"))
    refused = gated.ctl("up", "-c", str(other))
    assert refused.returncode == 3 and "there is no interface" in refused.stderr
    assert interface(gated, "lan0")["state"] == "attached"
