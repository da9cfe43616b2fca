# SPDX-License-Identifier: GPL-2.0-or-later
"""What the probes of real clients, and their relatives, get from a real responder process."""

import os
import socket
import time
from pathlib import Path

import pytest

from probes import PLAIN, Page, check_always, check_login, check_page, check_probe, request_of
from responder import ADDRESS, LOGIN, NOBODY, Answer, Responder, read_all

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


@FAMILIES
@pytest.mark.parametrize("probe", PLAIN, ids=lambda probe: probe["id"])
def test_probe(responder, probe, family):
    most = probe["needs_when_captive"].get("deadline_ms", 1000) / 1000
    # The best of three: other work on the machine is not what is measured.
    for _ in range(3):
        start = time.monotonic()
        answer = Answer(responder.ask(request_of(probe), family))
        seconds = time.monotonic() - start
        if seconds < most:
            break
    assert seconds < most
    check_probe(probe, answer, LOGIN[family])


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
        assert 8 < time.monotonic() - start < 18


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
