# SPDX-License-Identifier: GPL-2.0-or-later
"""What the clients of probes.json send, and what must be true of the answers that they get."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

PROBES = json.loads(Path(__file__).with_name("probes.json").read_text())
# The captive portal API is the portal's; the slow client has tests of its own.
PLAIN = [probe for probe in PROBES if probe.get("scheme") != "https"
         and probe["id"] != "proto-slowloris"]


def request_of(probe):
    if "raw" in probe:
        return probe["raw"].encode("latin-1")
    fields = "".join(f"{name}: {value}\r\n" for name, value in probe["headers"].items())
    return (f"{probe['method']} {probe['path']} HTTP/{probe['http_version']}\r\n"
            f"Host: {probe['host']}\r\n{fields}\r\n").encode()


class Page(HTMLParser):
    """Fails on anything that is not closed; keeps what matters."""

    VOID = {"meta"}

    def __init__(self, text):
        super().__init__()
        self.open, self.title, self.links, self.refresh, self.tags = [], "", [], None, set()
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "a":
            self.links.append(attrs["href"])
        if attrs.get("http-equiv") == "refresh":
            seconds, self.refresh = re.fullmatch(r"(\d+);url=(.*)", attrs["content"]).groups()
            assert seconds == "0"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "title":
            self.title += data


def check_always(answer, method="GET"):
    """What is true of every answer whatever was asked."""
    assert answer.version == "HTTP/1.1"
    assert answer.fields["connection"] == "close"
    assert answer.fields["cache-control"] == "no-store"
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", answer.fields["date"])
    length = int(answer.fields["content-length"])
    assert length < 1200
    assert len(answer.body) == (0 if method == "HEAD" else length)
    for name in ("set-cookie", "www-authenticate", "transfer-encoding", "x-connman-status",
                 "x-networkmanager-status", "x-organization", "upgrade"):
        assert name not in answer.fields


def check_page(answer, login):
    text = answer.body.decode("utf-8")
    assert text.startswith("<!doctype html>") and text.endswith("</html>\n")
    page = Page(text)
    assert page.title not in ("", "Success")
    assert page.links == [answer.fields["location"]] == [page.refresh]
    assert page.refresh.startswith(login)
    assert not page.tags & {"form", "input", "script"}


def check_login(answer, login, status):
    """A 511 or a 302 whose wanted URL is not too long for the page."""
    assert answer.status == status
    assert answer.reason == {302: "Found", 511: "Network Authentication Required"}[status]
    assert answer.fields["location"].startswith(login)
    assert answer.fields["referrer-policy"] == "no-referrer"
    assert answer.fields["content-language"] == "en"
    kind = answer.fields["content-type"]
    assert answer.fields["vary"] == ("Accept-Language" if status == 302
                                     else "Accept, Accept-Language")
    if kind == "text/html; charset=utf-8" and answer.body:
        check_page(answer, login)
    elif kind == "application/json":
        assert json.loads(answer.body)["login"] == answer.fields["location"]


# How each need of probes.json is checked; true of every answer: connection_close, cache_control, ...
NEEDS = {
    "status_any_of": lambda answer, value: answer.status in value,
    "must_not_status": lambda answer, value: answer.status not in value,
    "location": lambda answer, value: answer.status == 511 or re.match(
        r"https?://", answer.fields["location"]),
    "body": lambda answer, value: bool(answer.body) == (value != "none"),
    "body_max_bytes": lambda answer, value: len(answer.body) <= value,
    "body_must_not_contain": lambda answer, value: value.encode() not in answer.body,
    "body_must_not_start_with": lambda answer, value: not answer.body.startswith(value.encode()),
    "title_must_not_equal": lambda answer, value: Page(answer.body.decode()).title != value,
    "must_not_headers": lambda answer, value: not {n.lower() for n in value} & set(answer.fields),
    "must_not_echo": lambda answer, value: not any(
        secret in str(answer.fields) + answer.body.decode() for secret in value),
    "exactly_one_response": lambda answer, value: b"HTTP/1.1" not in answer.body,
    "effective_host": lambda answer, value: f"?u=http://{value}/" in answer.fields["location"],
    "no_chunked": lambda answer, value: "transfer-encoding" not in answer.fields,
    "content_length": lambda answer, value: int(answer.fields["content-length"]) > 0,
}
ALWAYS = {"connection_close", "cache_control", "content_length_exact", "no_set_cookie",
          "no_www_authenticate", "closes", "status_511_sufficient", "why", "deadline_ms"}


def check_probe(probe, answer, login):
    """Everything that this probe needs of its answer."""
    check_always(answer, probe["method"])
    if answer.status in (302, 511):
        check_login(answer, login, answer.status)
    for need, value in probe["needs_when_captive"].items():
        assert need in NEEDS or need in ALWAYS, f"no check for {need}"
        if need in NEEDS:
            assert NEEDS[need](answer, value), f"{need}: {value}"
