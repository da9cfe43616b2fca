# SPDX-License-Identifier: GPL-2.0-or-later
"""The captive portal API and the login for programs, as devices and scripts use them over TLS."""

import json
import re
import subprocess

import pytest

from lab import CLIENT_MAC, GATEWAY, PORTAL_PORT, PORTAL_URL, TOOL, Answer, url, wait_until

API = PORTAL_URL + "captive-portal/api"
LOGIN = PORTAL_URL + "captive-portal/login"
LOGOUT = PORTAL_URL + "captive-portal/logout"
TYPE = "application/captive+json"
DEVICE = ("-H", f"Accept: {TYPE}")
BROWSER = ("-H", "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
PASSWORD = "open sesame: \u00e9"
CONFIGURATION = """[gateway]
client = lan0
[portal]
host = portal.test
certificate = portal.crt
key = portal.key
plain_port = 8080
session = 8h
methods = click user voucher
venue_info = https://venue.test/rooms?floor=2
can_extend = on
"""


@pytest.fixture(scope="module")
def gated(hosts, tmp_path_factory):
    """A gate with the methods that a program can use, and a user."""
    file = tmp_path_factory.mktemp("api") / "sallyport.conf"
    file.write_text(CONFIGURATION)
    hosts.gate(file)
    subprocess.run(
        [str(TOOL), "ctl", hosts.name, "user", "add", "ada", "--password-stdin"],
        input=PASSWORD + "\n", text=True, check=True, capture_output=True,
    )
    return hosts


def fetch(lab, address, *options, role="client"):
    return Answer(
        lab.run(
            role, "curl", "-si", "--max-time", "20", "--cacert", lab.certificate, *options, address,
            timeout=40,
        ).stdout
    )


def state(lab, *options):
    """What the API says, checked for its form."""
    answer = fetch(lab, API, *DEVICE, *options)
    assert (answer.status, answer.headers["content-type"]) == (200, TYPE)
    assert answer.headers["cache-control"] == "private, no-store"
    assert len(answer.body) <= 4096
    return json.loads(answer.body)


def log_in(lab, *options, name="ada", password=PASSWORD):
    return fetch(lab, LOGIN, "-u", f"{name}:{password}", *options)


def voucher(lab, *options):
    return lab.json("voucher", "create", *options)[0]["code"]


# --- the API ---


def test_captive(lab, family):
    assert state(lab, f"-{family}") == {
        "captive": True,
        "user-portal-url": PORTAL_URL,
        "venue-info-url": "https://venue.test/rooms?floor=2",
        "can-extend-session": True,
    }


def test_what_remains(lab):
    lab.allow()
    assert not {"seconds-remaining", "bytes-remaining"} & state(lab).keys()
    lab.allow("--for", "1h", "--quota", "1M")
    before = state(lab)
    assert before["captive"] is False and before["user-portal-url"] == PORTAL_URL
    assert 3500 < before["seconds-remaining"] <= 3600
    assert 900_000 < before["bytes-remaining"] <= 1_000_000
    assert lab.status(4) == 200
    assert state(lab)["bytes-remaining"] < before["bytes-remaining"]


def test_removal_is_told_at_once(lab):
    lab.allow("--for", "1h")
    assert state(lab)["captive"] is False
    lab.ctl("client", "remove", CLIENT_MAC, check=True)
    assert state(lab)["captive"] is True
    assert lab.status(4) == 511


def traffic(lab):
    """Whether the client is captive, by what becomes of its packets."""
    status = lab.status(4)
    assert status in (200, 511)
    return status == 511


def test_expiry_is_told_when_it_is_enforced(lab):
    """Traffic, API, traffic, ...: once one of them has seen the end, all of them do."""
    lab.allow("--for", "3s")
    seen = []

    def ended():
        seen.extend([traffic(lab), state(lab)["captive"]])
        return seen[-1]

    wait_until(ended, 30, "the end of the session")
    seen.append(traffic(lab))
    assert seen == sorted(seen), seen
    assert seen[0] is False


@pytest.mark.parametrize("options", [BROWSER, (), ("-H", f"Accept: {TYPE};q=0")])
def test_browsers_are_led_to_the_page(lab, options):
    answer = fetch(lab, API, *options)
    assert (answer.status, answer.headers["location"], answer.headers["vary"]) == (302, "/", "Accept")
    page = fetch(lab, API, "-L", *options)
    assert "<html" in page.body


def test_head(lab):
    answer = fetch(lab, API, "--head", *DEVICE)
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, TYPE, "")
    length = len(fetch(lab, API, *DEVICE).body)
    assert answer.headers["content-length"] == str(length)


def test_plain_http_has_no_api(lab):
    address = url(GATEWAY[4], "/captive-portal/api", PORTAL_PORT)
    assert fetch(lab, address, *DEVICE).status == 404


# --- the login ---


def test_login(lab, family):
    answer = log_in(lab, f"-{family}")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    body = json.loads(answer.body)
    assert body["captive"] is False and 0 < body["seconds-remaining"] <= 8 * 3600
    assert lab.status(family) == 200
    assert state(lab)["captive"] is False
    assert fetch(lab, LOGOUT, "-X", "POST").status == 200
    assert state(lab)["captive"] is True
    assert lab.status(family) == 511


def test_login_by_post(lab):
    assert log_in(lab, "-X", "POST", "-d", "").status == 200
    assert lab.status(4) == 200


def test_login_with_wget(lab):
    """It sends what it knows only to a challenge, as browsers and many libraries do."""
    result = lab.run(
        "client", "wget", "-q", "-O", "-", "-t", "1", "-T", "20", f"--ca-certificate={lab.certificate}",
        "--user=ada", f"--password={PASSWORD}", LOGIN, timeout=40,
    )
    assert json.loads(result.stdout)["captive"] is False
    assert lab.status(4) == 200


@pytest.mark.parametrize(
    "options",
    [(), ("-u", "ada:wrong"), ("-u", "eve:" + PASSWORD), ("-u", "ada:"), ("-u", ":"),
     ("-H", "Authorization: Basic !"), ("-H", "Authorization: Bearer abc")],
    ids=["nothing", "wrong password", "unknown user", "no password", "empty", "nonsense", "other scheme"],
)
def test_challenge(lab, options):
    answer = fetch(lab, LOGIN, *options)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="portal.test", charset="UTF-8"'
    assert answer.headers["content-type"] == "application/problem+json"
    problem = json.loads(answer.body)
    assert (problem["status"], problem["title"]) == (401, "Unauthorized") and problem["detail"]
    assert lab.status(4) == 511


def test_challenge_for_a_person(lab):
    answer = fetch(lab, LOGIN, *BROWSER, "-H", "Accept-Language: fr")
    assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Basic realm=")
    assert re.search(r'<html\b[^>]*lang="?fr', answer.body)
    page = log_in(lab, *BROWSER)
    assert page.status == 200 and "You are connected" in page.body


def test_voucher(lab):
    """The code alone, as it is printed or as somebody typed it; or as name and password."""
    code = voucher(lab, "--for", "1h", "--devices", "1")
    typed = code.lower().replace("-", " ")
    for name, password in ((code, ""), (typed, ""), (code, code)):
        assert log_in(lab, name=name, password=password).status == 200
        assert 3500 < lab.client()["seconds_left"] <= 3600
        lab.forget()


def test_used_voucher(lab):
    code = voucher(lab, "--for", "1h", "--devices", "1")
    lab.tool("client", lab.name, "1")
    assert fetch(lab, LOGIN, "-u", f"{code}:", role="client1").status == 200
    answer = log_in(lab, name=code, password="")
    assert (answer.status, "www-authenticate" in answer.headers) == (403, False)
    assert lab.status(4) == 511


def test_login_over_plain_http(lab):
    """Not even asked for: what came would have been read by everybody."""
    address = url(GATEWAY[4], "/captive-portal/login", PORTAL_PORT)
    for options in ((), ("-u", f"ada:{PASSWORD}")):
        answer = fetch(lab, address, *options)
        assert (answer.status, "www-authenticate" in answer.headers) == (403, False)
        assert "encrypted" in json.loads(answer.body)["detail"]
    assert lab.status(4) == 511


def test_login_from_another_site(lab):
    """A page elsewhere cannot use what the browser remembers."""
    for field in ("Sec-Fetch-Site: cross-site", "Origin: https://evil.example", "Origin: null"):
        assert log_in(lab, "-H", field).status == 403
    lab.allow()
    assert fetch(lab, LOGOUT, "-X", "POST", "-H", "Origin: https://evil.example").status == 403
    assert fetch(lab, LOGOUT).status == 405
    assert lab.status(4) == 200


def test_guessing_is_slowed_down(lab):
    """The last test: this client has to wait now."""

    def tried():
        answer = log_in(lab, password="guess")
        assert answer.status in (401, 429)
        return answer if answer.status == 429 else None

    answer = wait_until(tried, 60, "429")
    assert int(answer.headers["retry-after"]) > 0
    assert "www-authenticate" not in answer.headers
    assert json.loads(answer.body)["status"] == 429
    assert lab.status(4) == 511
