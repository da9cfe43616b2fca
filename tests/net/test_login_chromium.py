# SPDX-License-Identifier: GPL-2.0-or-later
"""A real browser: what its pages see of the 511, and the way through the login and back."""

import pytest

from browser import Browser
from lab import GATEWAY, INTERNET, PORTAL_PORT, PORTAL_URL, url, wait_until

BUTTON = "form button, form input[type=submit]"


@pytest.fixture(scope="module")
def chromium(gated):
    with Browser(gated, trusting=True) as browser:
        yield browser


def at_portal(browser):
    return browser.url().startswith(PORTAL_URL)


def test_refresh_leads_to_the_login_and_back(lab, chromium, family):
    wanted = url(INTERNET[family], "/first/wanted?page=1&of=2")
    chromium.go(wanted)
    wait_until(lambda: at_portal(chromium), 10, "the meta refresh")
    assert "I accept the terms" in chromium.text()

    chromium.click(BUTTON)
    wait_until(lambda: chromium.url() == wanted, 10, "the way back")
    assert "This is the Internet" in chromium.text()
    assert lab.client()["state"] == "authorized"


def test_fetch_of_a_page_sees_511(lab, chromium, family):
    """A page that was loaded before the session ended: its own requests see the status."""
    lab.allow()
    chromium.go(url(INTERNET[family], "/application"))
    assert "This is the Internet" in chromium.text()
    lab.forget()
    seen = chromium.script(
        "const answer = await fetch('/data', {cache: 'no-store'});"
        "return [answer.status, answer.headers.get('content-type'), await answer.text()];"
    )
    assert seen[0] == 511
    assert seen[1] == "text/html; charset=utf-8"
    assert PORTAL_URL in seen[2]


def test_name_of_a_site(lab, chromium):
    """By name, with DNS asked as a phone does, whichever family the browser takes."""
    wanted = "http://www.example.org/by/name"
    chromium.go(wanted)
    wait_until(lambda: at_portal(chromium), 10, "the meta refresh")
    chromium.click(BUTTON)
    wait_until(lambda: chromium.url() == wanted, 10, "the way back")
    assert "This is the Internet" in chromium.text()


def test_browser_in_french(lab):
    with Browser(lab, language="fr", trusting=True) as browser:
        browser.go(url(INTERNET[4]))
        wait_until(lambda: at_portal(browser), 10, "the meta refresh")
        assert "accepte les conditions" in browser.text()


def test_page_fits_a_small_phone(lab, chromium):
    """Nothing to scroll sideways at 320 pixels, and a button that a thumb can hit."""
    chromium.phone(320, 568)
    chromium.go(url(GATEWAY[4], "/", PORTAL_PORT))
    width, height = chromium.script(
        f"const button = document.querySelector('{BUTTON}');"
        "return [document.documentElement.scrollWidth, button.getBoundingClientRect().height];"
    )
    assert width <= 320
    assert height >= 40
