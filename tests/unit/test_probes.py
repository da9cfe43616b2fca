# SPDX-License-Identifier: GPL-2.0-or-later
"""What the probes of real clients, and their relatives, get from a real responder process."""

import json
import os
import re
import socket
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from responder import ADDRESS, LOGIN, NOBODY, Answer, Responder, read_all

PROBES = json.loads(Path(__file__).with_name("probes.json").read_text())
# The captive portal API is the portal's; the slow client has a test of its own.
PLAIN = [probe for probe in PROBES if probe.get("scheme") != "https"
         and probe["id"] != "proto-slowloris"]
FAMILIES = pytest.mark.parametrize("family", ADDRESS, ids=["IPv4", "IPv6"])


@pytest.fixture(scope="module")
def responder():
    with_redirects = Responder()
    try:
        yield with_redirects.ready()
    finally:
        code, log = with_redirects.stop()
    assert (code, log) == (0, "")


@pytest.fixture(scope="module")
def without_redirects():
    responder = Responder(probe_status=511)
    try:
        yield responder.ready()
    finally:
        code, log = responder.stop()
    assert (code, log) == (0, "")


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


@FAMILIES
@pytest.mark.parametrize("probe", PLAIN, ids=lambda probe: probe["id"])
def test_probe(responder, probe, family):
    needs = probe["needs_when_captive"]
    start = time.monotonic()
    answer = Answer(responder.ask(request_of(probe), family))
    assert time.monotonic() - start < needs.get("deadline_ms", 1000) / 1000
    check_always(answer, probe["method"])
    if answer.status in (302, 511):
        check_login(answer, LOGIN[family], answer.status)
    for need, value in needs.items():
        assert need in NEEDS or need in ALWAYS, f"no check for {need}"
        if need in NEEDS:
            assert NEEDS[need](answer, value), f"{need}: {value}"


@pytest.mark.parametrize("probe", [probe for probe in PLAIN if not probe["id"].startswith(
    ("agent", "proto"))], ids=lambda probe: probe["id"])
def test_probe_by_status(responder, without_redirects, probe):
    """Every known probe is redirected, unless the operator wants 511 for all."""
    request = request_of(probe)
    check_login(Answer(responder.ask(request)), LOGIN[socket.AF_INET], 302)
    check_login(Answer(without_redirects.ask(request)), LOGIN[socket.AF_INET], 511)


def test_probes_come_back(responder):
    """After the login Apple's probe must be asked again: only that gives it its "Success"."""
    answer = Answer(responder.ask(b"GET /hotspot-detect.html HTTP/1.1\r\n"
                                  b"Host: captive.apple.com\r\n\r\n"))
    assert "?u=http://captive.apple.com/hotspot-detect.html&t=" in answer.fields["location"]


def test_slow_client(responder):
    with responder.connect() as connection:
        start = time.monotonic()
        connection.sendall(b"G")
        assert read_all(connection) == b""
        assert 8 < time.monotonic() - start < 13


def test_head_is_get_without_body(responder):
    get = Answer(responder.ask(b"GET /<> HTTP/1.1\r\nHost: a.example\r\n\r\n"))
    head = Answer(responder.ask(b"HEAD /<> HTTP/1.1\r\nHost: a.example\r\n\r\n"))
    del get.fields["date"], head.fields["date"]
    assert head.fields == get.fields and head.body == b"" and get.body


def test_french(responder):
    answer = Answer(responder.ask(b"GET / HTTP/1.1\r\nHost: a.example\r\n"
                                  b"Accept-Language: fr-FR,fr;q=0.9,en;q=0.8\r\n\r\n"))
    assert answer.fields["content-language"] == "fr"
    check_page(answer, LOGIN[socket.AF_INET])
    assert Page(answer.body.decode()).title == "Authentification réseau requise"


@pytest.mark.parametrize("kind", ["application/json", "application/problem+json", "text/plain"])
def test_other_representations(responder, kind):
    answer = Answer(responder.ask(b"GET /p HTTP/1.1\r\nHost: a.example\r\nAccept: "
                                  + kind.encode() + b"\r\n\r\n"))
    check_always(answer)
    assert answer.status == 511 and answer.fields["content-type"].startswith(kind)
    assert answer.fields["location"] in answer.body.decode()
    assert answer.body.count(b"\n") == 1


def test_many_at_once(responder):
    """As apt and browsers do: many quick connections of one client."""
    connections = [responder.connect() for _ in range(200)]
    for connection in connections:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
    for connection in connections:
        with connection:
            assert Answer(read_all(connection)).status == 511


def test_pipelined_answer_survives(responder):
    """What follows the first request must not destroy its answer by a reset."""
    request = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"
    with responder.connect() as connection:
        for _ in range(100):
            connection.sendall(request)
        time.sleep(0.2)
        connection.sendall(request)
        assert Answer(read_all(connection)).status == 511


def test_upload_gets_its_answer(responder):
    """An upload that does not wait: the answer is there as soon as the client looks for it."""
    with responder.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 50000\r\n\r\n")
        for _ in range(50):
            connection.sendall(b"x" * 1000)
            time.sleep(0.001)
        assert Answer(read_all(connection)).status == 511


def test_split_request(responder):
    request = b"GET /a/b HTTP/1.1\r\nHost: a.example\r\nX: " + b"y" * 5000 + b"\r\n\r\n"
    with responder.connect() as connection:
        for i in range(0, len(request), 97):
            connection.sendall(request[i:i + 97])
            time.sleep(0.001)
        assert Answer(read_all(connection)).status == 511


def status_fields(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, value in (line.split(":", 1) for line in lines)}


def test_no_privilege_left(responder):
    pid = responder.process.pid
    fields = status_fields(pid)
    assert fields["Uid"] == fields["Gid"] == [str(NOBODY)] * 4
    assert fields["Groups"] == []
    assert fields["NoNewPrivs"] == ["1"]
    assert fields["CapPrm"] == fields["CapEff"] == ["0" * 16]
    assert os.path.samefile(f"/proc/{pid}/root", responder.root.name)


def fails(responder):
    """The one line that a responder that could not start leaves in the log."""
    try:
        assert responder.keeper.recv(100) == b""
    except ConnectionResetError:  # it left without reading its setup
        pass
    code, log = responder.stop()
    assert code == 1 and log.count("\n") == 1 and log.startswith("sallyport-responder: ")
    return log


def test_bad_list_of_probes(tmp_path):
    (tmp_path / "pages").mkdir()
    source = Path(__file__).parents[2] / "user/portal/pages/en.conf"
    (tmp_path / "pages/en.conf").write_bytes(source.read_bytes())
    (tmp_path / "probes.conf").write_text("[Mine]\nhost = a\nhots = b\n")
    assert f"{tmp_path}/probes.conf:3: `hots = b`: unknown key" in fails(Responder(data=tmp_path))


def test_bad_setup():
    assert "probe_status: expected 302 or 511" in fails(Responder(probe_status=200))


def test_no_data(tmp_path):
    assert f"{tmp_path}/pages/en.conf: No such file" in fails(Responder(data=tmp_path))
