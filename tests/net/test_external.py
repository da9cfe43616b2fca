# SPDX-License-Identifier: GPL-2.0-or-later
"""Logins by another portal, which is the README's own example."""

import base64
import hashlib
import hmac
import json
import os
import re
import signal
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from lab import (
    CLIENT_MAC, GATEWAY, INTERNET, PORTAL_PORT, TOP, Answer, processes, url, wait_until,
)

README = (TOP / "README.md").read_text(encoding="utf-8")
EXAMPLE = re.search(r"^```python\n(.*?)^```", README, re.M | re.S)[1]
SECRET = b"0123456789abcdef0123456789abcdef"
PORTAL = "https://login.example.org/in?shop=7"

example = {}
exec(compile(EXAMPLE, "README.md", "exec"), example)  # pylint: disable=exec-used


@pytest.fixture(scope="module")
def gated(hosts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("external")
    secret = folder / "secret"
    secret.write_bytes(SECRET + b"\n")
    secret.chmod(0o600)
    file = folder / "sallyport.conf"
    file.write_text(
        f"[gateway]\nclient = lan0\n[portal]\nplain_port = {PORTAL_PORT}\n"
        "methods = click external\nattempts = none\n"
        f"[external]\nurl = {PORTAL}\nsecret_file = {secret}\n"
    )
    hosts.gate(file)
    hosts.configuration = file
    return hosts


def fetch(lab, address):
    return Answer(lab.run("client", "curl", "-si", "--max-time", "25", address).stdout)


def hand_over(lab, family=4):
    """The query that the other portal is given."""
    wanted = url(INTERNET[family], "/news?id=5&page=2")
    captive = fetch(lab, wanted)
    assert captive.status == 511
    answer = fetch(lab, captive.headers["location"].replace("/?", "/external?"))
    assert answer.status in (302, 303)
    link = answer.headers["location"]
    assert link.startswith(PORTAL + "&client=")
    return urlsplit(link).query


def way_back(query, **limits):
    return example["way_back"](query, SECRET, **limits)


def put(query, **changed):
    """The query with other values, signed or not."""
    for name, value in changed.items():
        query = re.sub(rf"(&|^){name}=[^&]*", rf"\g<1>{name}={value}", query)
    return query


def test_there_and_back(lab, family):
    query = hand_over(lab, family)
    back = way_back(query, user="room 12", seconds=3600, down=20_000_000, quota=1_000_000)
    answer = fetch(lab, back)
    assert (answer.status, answer.headers["location"]) == (
        303, url(INTERNET[family], "/news?id=5&page=2"))
    client = lab.client()
    assert (client["state"], client["method"], client["who"]) == (
        "authorized", "external", "room 12")
    assert 3590 <= client["seconds_left"] <= 3600
    assert (client["rate_down"], client["quota"]) == (20_000_000, 1_000_000)
    assert lab.status(family) == 200


def test_what_is_handed_over(lab):
    query = hand_over(lab)
    asked = {name: values[0] for name, values in parse_qs(query).items()}
    assert asked["shop"] == "7"
    assert (asked["client"], asked["vlan"], asked["address"]) == (CLIENT_MAC, "0", "10.85.0.2")
    assert abs(int(asked["expires"]) - time.time() - 1800) < 60
    assert asked["return"].startswith(url(GATEWAY[4], "/external?", PORTAL_PORT))
    # As the manual says it.
    key = hmac.digest(SECRET, b"sallyport hand-over", hashlib.sha256)
    signed, _, signature = query.rpartition("&sig=")
    expected = base64.urlsafe_b64encode(hmac.digest(key, signed.encode(), "sha256"))
    assert signature == expected.rstrip(b"=").decode()


def refused(lab, address):
    answer = fetch(lab, address)
    assert "location" not in answer.headers
    assert 400 <= answer.status < 500
    return lab.ctl("client", "show", CLIENT_MAC).returncode == 3


def test_a_token_is_good_once(lab):
    back = way_back(hand_over(lab))
    assert fetch(lab, back).status == 303
    lab.forget()
    assert refused(lab, back)
    # The same nonce in another token.
    assert refused(lab, back.split("token=")[0] + "token="
                   + way_back(hand_over_of(back), seconds=5).split("token=")[1])


def hand_over_of(back):
    """What its token was made of, as a query."""
    payload = back.split("token=")[1].split(".")[0]
    asked = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return "&".join(f"{name}={value}" for name, value in asked.items()) + "&return=token%3D"


def test_restart_forgets_no_token(lab):
    back = way_back(hand_over(lab))
    assert fetch(lab, back).status == 303
    lab.forget()
    os.kill(lab.daemon_pid(), signal.SIGKILL)
    wait_until(lambda: not processes(lab), 5, "its children to end too")
    lab.gate(lab.configuration)
    assert refused(lab, back)
    # What was handed over before it is as good as ever.
    assert fetch(lab, way_back(hand_over(lab))).status == 303


@pytest.mark.parametrize(
    "changed",
    [
        {"client": "02:85:00:00:00:03"},
        {"vlan": "7"},
        {"expires": "1"},
        {"expires": "99999999999"},
        {"nonce": "0" * 32},
    ],
    ids=lambda changed: "-".join(changed),
)
def test_signed_and_wrong(lab, changed):
    assert refused(lab, way_back(put(hand_over(lab), **changed)))


def test_not_signed_by_the_other_portal(lab):
    query = hand_over(lab)
    assert refused(lab, example["way_back"](query, b"f" * 32))
    assert refused(lab, way_back(query)[:-1])
    assert refused(lab, way_back(query).rpartition(".")[0])
    assert refused(lab, way_back(query, second=5))  # misspelt
    assert refused(lab, way_back(query, seconds=0))
    assert refused(lab, parse_qs(query)["return"][0] + "x" * 2000)
    # None of them has used the nonce up.
    assert fetch(lab, way_back(query)).status == 303
