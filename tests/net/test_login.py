# SPDX-License-Identifier: GPL-2.0-or-later
"""The login as a browser without script does it: follow the link, send the form, come back."""

import html
import re
from urllib.parse import quote, urljoin

import pytest

from lab import CLIENT_MAC, GATEWAY, INTERNET, PORTAL_PORT, PORTAL_URL, Answer, url


def fetch(lab, address, *options, role="client"):
    """An Answer for a whole URL."""
    return Answer(lab.run(
        role, "curl", "-si", "--max-time", "5", "--cacert", lab.certificate, *options, address
    ).stdout)


def hidden_fields(page):
    """The form's fields as options for curl."""
    options = []
    for tag in re.findall(r"<input\b[^>]*>", page):
        attributes = dict(re.findall(r'(\w+)="?([^" >]*)"?', tag))
        if attributes.get("type") == "hidden":
            value = html.unescape(attributes["value"])
            options += ["--data-urlencode", f"{attributes['name']}={value}"]
    return options or ["--data", ""]


def form_action(page):
    """Where the form leads, and that it is sent by POST."""
    form = re.search(r"<form\b[^>]*>", page)[0]
    assert re.search(r'method="?post"?', form, re.I)
    return re.search(r'action="?([^" >]*)', form)[1]


def portal(family, path="/"):
    """By plain HTTP."""
    return url(GATEWAY[family], path, PORTAL_PORT)


def log_in(lab, family, wanted, *options):
    """The answer to the form that the link of the 511 leads to, over HTTPS."""
    captive = fetch(lab, wanted)
    assert captive.status == 511
    link = captive.headers["location"]
    assert link.startswith(PORTAL_URL)
    page = fetch(lab, link, f"-{family}", *options)
    assert page.status == 200
    action = urljoin(link, form_action(page.body))
    return fetch(lab, action, f"-{family}", *hidden_fields(page.body), *options)


def test_login_ends_where_the_browser_wanted_to_go(lab, family):
    wanted = url(INTERNET[family], "/news?id=5&page=2")
    answer = log_in(lab, family, wanted)
    assert (answer.status, answer.headers["location"]) == (303, wanted)
    site = fetch(lab, wanted)
    assert site.status == 200 and "This is the Internet" in site.body
    client = lab.client()
    assert client["state"] == "authorized"
    assert 8 * 3600 - 60 <= client["seconds_left"] <= 8 * 3600


def test_login_ends_what_was_opened_before(lab, family):
    """Browsers connect ahead of need; the next request must not go to the responder."""
    with lab.socket("client", family) as unused:
        unused.settimeout(30)
        unused.connect((INTERNET[family], 80))
        log_in(lab, family, url(INTERNET[family]))
        with pytest.raises(ConnectionResetError):
            unused.recv(1)
    assert lab.status(family) == 200


def test_login_opens_both_families(lab, family):
    log_in(lab, family, url(INTERNET[family]))
    assert lab.status(4) == 200
    assert lab.status(6) == 200


def test_page_speaks_the_browsers_language(lab, family):
    assert "I accept the terms" in fetch(lab, portal(family)).body
    french = fetch(lab, portal(family), "-H", "Accept-Language: fr")
    assert "accepte les conditions" in html.unescape(french.body)
    assert re.search(r'<html\b[^>]*lang="?fr', french.body)


def test_forged_destination_is_not_followed(lab, family):
    """A link that no responder wrote logs in, and leads nowhere else: no open redirect."""
    elsewhere = quote("http://evil.example/", safe="")
    for tag in ("0123456789abcdef", ""):
        page = fetch(lab, portal(family, f"/?u={elsewhere}&t={tag}"))
        assert page.status == 200
        assert "evil.example" not in page.body
        answer = fetch(
            lab, portal(family, form_action(page.body)), *hidden_fields(page.body),
            "--data", f"u={elsewhere}&t={tag}",
        )
        assert answer.status == 303
        assert "evil.example" not in answer.headers["location"]
        lab.forget()


def test_sign_out(lab, family):
    log_in(lab, family, url(INTERNET[family]))
    assert lab.status(family) == 200
    page = fetch(lab, portal(family))
    assert page.status == 200
    answer = fetch(lab, portal(family, form_action(page.body)), *hidden_fields(page.body))
    assert answer.status in (200, 303)
    assert lab.status(family) == 511


def test_login_from_another_site_is_refused(lab, family):
    page = fetch(lab, portal(family))
    answer = fetch(
        lab, portal(family, form_action(page.body)),
        *hidden_fields(page.body), "-H", "Origin: http://evil.example",
    )
    assert answer.status == 403
    assert lab.status(family) == 511


@pytest.mark.parametrize(
    "options, status",
    [
        (["-X", "DELETE"], 405),
        (["--data", "a=" + "x" * 20000], 413),
    ],
    ids=["method", "huge form"],
)
def test_nonsense_is_answered(lab, options, status):
    assert fetch(lab, portal(4, "/accept"), *options).status == status
    assert fetch(lab, portal(4, "/nothing/here")).status == 404
    assert lab.status(4) == 511


def test_blocked_client_cannot_log_in(lab):
    """Blocked after the page was shown: its form is not even answered."""
    page = fetch(lab, portal(4))
    lab.ctl("client", "block", CLIENT_MAC, check=True)
    assert lab.curl(
        GATEWAY[4], *hidden_fields(page.body), path=form_action(page.body), port=PORTAL_PORT,
        seconds=1,
    ) is None
    assert lab.client()["state"] == "blocked"
