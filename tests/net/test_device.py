# SPDX-License-Identifier: GPL-2.0-or-later
"""A device from its DHCP lease to the network and back, with nothing but what it is told."""

import json

from lab import CLIENT_MAC, GATEWAY, INTERNET, PORTAL_URL, url
from test_announce import dnsmasq, leased, silence
from test_login import fetch, log_in

API = PORTAL_URL + "captive-portal/api"


def asked(lab, uri, family):
    """What the API at the URI says."""
    answer = fetch(lab, uri, f"-{family}", "-H", "Accept: application/captive+json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/captive+json")
    return json.loads(answer.body)


def test_from_the_lease_to_the_network_and_back(lab, family, tmp_path):
    """The snippet is that of the configuration which the gate has."""
    silence(lab)
    snippet = lab.ctl("dhcp-snippet", "dnsmasq", check=True).stdout
    with dnsmasq(lab, tmp_path, family, snippet):
        uri = leased(lab, tmp_path, family)
        assert uri == API
        assert asked(lab, uri, family) == {"captive": True, "user-portal-url": PORTAL_URL}
        assert log_in(lab, family, url(INTERNET[family])).status == 303
        told = asked(lab, uri, family)
        assert told["captive"] is False and 7 * 3600 < told["seconds-remaining"] <= 8 * 3600
        assert lab.status(family) == 200
        lab.ctl("client", "remove", CLIENT_MAC, check=True)
        assert asked(lab, uri, family)["captive"] is True
        assert lab.status(family) == 511


def test_browser_at_the_uri_of_the_api(lab):
    """Somebody who types it in, or a device that shows it, sees the page."""
    page = fetch(lab, API, "-L", "-H", "Accept: text/html", "--resolve", f"portal.test:443:{GATEWAY[4]}")
    assert "I accept the terms" in page.body
