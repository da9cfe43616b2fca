# SPDX-License-Identifier: GPL-2.0-or-later
"""Every language: the catalogues as they are shipped, and the answers of a real responder in each."""

import json
import re
import socket
import unicodedata

import pytest

from responder import LOGIN, TREE, Answer, Responder
from test_probes import Page

FILES = sorted((TREE / "user/portal/pages").glob("*.conf"))
TAGS = [file.stem for file in FILES]
EVERY_LANGUAGE = pytest.mark.parametrize("tag", TAGS)
RIGHT_TO_LEFT = {"ar"}
MAX_BODY = 1200
# What may be written as in English: signs, units, a word that two languages share.
SHARED = {"times", "sizes", "decimal", "logo"}
HTTP4 = LOGIN[socket.AF_INET]


def entries(tag):
    """key -> text of a catalogue."""
    text = (TREE / f"user/portal/pages/{tag}.conf").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith(";")]
    pairs = [line.split(" = ", 1) for line in lines]
    assert len({key for key, _ in pairs}) == len(pairs)
    return dict(pairs)


def texts(tag):
    return {key: text for key, text in entries(tag).items() if key not in ("direction", "aliases")}


@EVERY_LANGUAGE
def test_catalogue_is_complete(tag):
    assert list(texts(tag)) == list(texts("en"))
    assert entries(tag)["direction"] == ("rtl" if tag in RIGHT_TO_LEFT else "ltr")


@EVERY_LANGUAGE
def test_catalogue_is_translated(tag):
    """Nothing was left in English, nor copied from another language of another name."""
    ours = {key: text for key, text in texts(tag).items() if key not in SHARED}
    for other in TAGS:
        if other == tag:
            continue
        theirs = texts(other)
        same = [key for key, text in ours.items() if text == theirs[key]]
        # Sister languages share short texts, the two of one language longer ones too.
        assert len(same) <= (12 if other.split("-")[0] == tag.split("-")[0] else 3), (other, same)


@EVERY_LANGUAGE
def test_typography(tag):
    for key, text in texts(tag).items():
        assert unicodedata.normalize("NFC", text) == text, key
        assert not re.search(r"'|\"|\.\.\.|  | $", text), (key, text)
        if key.startswith("error_") and key != "error_title":
            assert text[-1] in ".。", (key, text)
        if key in ("title", "login", "accept", "continue", "sign_out", "retry") or "_title" in key:
            assert text[-1] not in ".。!！", (key, text)
        if tag == "fr":
            assert not re.search(r"[^\u00a0\u202f][:;!?]", text), (key, text)
        if tag in ("ja", "zh-hans", "zh-hant") and key not in SHARED:
            assert not re.search(r"[\u3040-\u9fff][,.:;!?()]", text), (key, text)
        if tag not in RIGHT_TO_LEFT:
            assert not any(unicodedata.bidirectional(char) in ("R", "AL") for char in text), key


@pytest.fixture(scope="module")
def responder():
    ours = Responder()
    try:
        yield ours.ready()
    finally:
        code, log = ours.stop()
    assert (code, log) == (0, "")


def ask(responder, language, path="/", accept="text/html", host="example.org"):
    """The answer as soon as it is there; the responder itself waits before it closes."""
    with responder.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\n"
                           f"Accept-Language: {language}\r\n\r\n".encode())
        raw = b""
        while True:
            part = connection.recv(65536)
            assert part, f"cut short: {raw!r}"
            raw += part
            if b"\r\n\r\n" not in raw:
                continue
            answer = Answer(raw)
            if len(answer.body) == int(answer.fields["content-length"]):
                return answer


def check_page(answer, tag, words):
    assert len(answer.body) < MAX_BODY
    assert answer.fields["content-language"] == tag
    assert "Accept-Language" in answer.fields["vary"]
    text = answer.body.decode("utf-8")
    page = Page(text)
    assert page.open == []
    assert page.title == words["title"]
    assert f'<html lang="{tag}" dir="{entries(tag)["direction"]}">' in text
    assert f"<h1>{words['title']}</h1>" in text
    assert words["explain"] in text and words["login"] in text
    # The link to the login, and nothing that is loaded or run.
    assert page.links and all(link.startswith(HTTP4) for link in page.links)
    assert not page.tags & {"script", "link", "img", "iframe", "form", "input"}
    assert not re.search(r"\b(src|on\w+)=|url\(|@import", text)


@EVERY_LANGUAGE
def test_511_page(responder, tag):
    answer = ask(responder, tag)
    assert answer.status == 511
    check_page(answer, tag, texts(tag))
    # What is wanted makes the link long; at last it is left out of the page.
    for length in (60, 200, 480):
        answer = ask(responder, tag, "/" + "%3d" * (length // 3))
        check_page(answer, tag, texts(tag))


@EVERY_LANGUAGE
def test_302_page(responder, tag):
    answer = ask(responder, tag, "/generate_204", host="connectivitycheck.gstatic.com")
    assert answer.status == 302
    check_page(answer, tag, texts(tag))


@EVERY_LANGUAGE
def test_other_representations(responder, tag):
    words = texts(tag)
    answer = ask(responder, tag, accept="application/problem+json")
    problem = json.loads(answer.body)
    assert (problem["title"], problem["detail"]) == (words["title"], words["explain"])
    answer = ask(responder, tag, accept="text/plain")
    assert answer.body.decode("utf-8").startswith(words["title"] + " - " + HTTP4)


def test_regions(responder):
    for asked, tag in [("zh-TW, en;q=0.5", "zh-hant"), ("zh-CN", "zh-hans"), ("pt-BR", "pt-br"),
                       ("de-CH, fr;q=0.9", "de"), ("fr-CA", "fr"), ("sw", "en")]:
        assert ask(responder, asked).fields["content-language"] == tag


@pytest.fixture
def with_pages(tmp_path):
    """Start a responder with these files as the operator's own pages."""
    started = []

    def start(**files):
        for name, text in files.items():
            (tmp_path / f"{name}.conf").write_text(text, "utf-8")
        started.append(Responder(pages=tmp_path))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.stop()


def test_pages_of_the_operator(with_pages):
    """A language of its own, and one text of a shipped language."""
    hebrew = "direction = rtl\naliases = iw\ntitle = נדרש אימות ברשת\n"
    responder = with_pages(he=hebrew, fr="explain = Bienvenue à l’hôtel\n").ready()
    body = ask(responder, "iw-IL").body.decode()
    assert '<html lang="he" dir="rtl">' in body
    assert "<h1>נדרש אימות ברשת</h1>" in body
    assert texts("en")["login"] in body
    body = ask(responder, "fr").body.decode()
    assert "<p>Bienvenue à l’hôtel</p>" in body
    assert f"<h1>{texts('fr')['title']}</h1>" in body


def test_bad_page_of_the_operator(with_pages, tmp_path):
    responder = with_pages(he="direction = rtl\ntitel = a\n")
    try:
        assert responder.keeper.recv(100) == b""
    except ConnectionResetError:
        pass
    code, log = responder.stop()
    assert code == 1
    assert f"{tmp_path}/he.conf:2: `titel`: no such text" in log
