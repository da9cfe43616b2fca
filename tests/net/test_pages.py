# SPDX-License-Identifier: GPL-2.0-or-later
"""The operator's own pages, and every page in every language as a browser shows it."""

import contextlib
import os
import signal
import sqlite3
from pathlib import Path

import pytest

from browser import Browser
from lab import GATEWAY, INTERNET, PLAIN_PORTAL, PORTAL_PORT, TOP, url, wait_until

SHIPPED = TOP / "user/portal/pages"
TAGS = sorted(file.stem for file in SHIPPED.glob("*.conf"))
RIGHT_TO_LEFT = {"ar", "he"}
LEAST_CONTRAST = 4.5  # WCAG 2.2, success criterion 1.4.3
LOGO = '<svg xmlns="http://www.w3.org/2000/svg" width="640" height="160"><rect width="640" height="160"/></svg>'
HEBREW = "direction = rtl\naliases = iw\nwelcome = ברוכים הבאים\nlogo = המלון שלנו\n"
PORTAL = url(GATEWAY[4], "/", PORTAL_PORT)

# What is wrong with the page as it is shown: widths, and the contrast of each piece of text.
LOOK = """
const parse = text => text.match(/[\\d.]+/g).map(Number);
const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
};
const canvas = document.createElement('div');
canvas.style.backgroundColor = 'Canvas';
document.body.append(canvas);
const ground = element => {
    for (; element; element = element.parentElement) {
        const color = parse(getComputedStyle(element).backgroundColor);
        if (color.length === 3 || color[3] === 1) return color;
        if (color[3] !== 0) throw new Error('half transparent');
    }
    return parse(getComputedStyle(canvas).backgroundColor);
};
const texts = [...document.body.querySelectorAll('*')].filter(element =>
    [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
const found = {
    lang: document.documentElement.lang,
    direction: getComputedStyle(document.body).direction,
    width: document.documentElement.scrollWidth,
    cut: texts.filter(e => e.scrollWidth > e.clientWidth && getComputedStyle(e).display !== 'inline')
        .map(e => e.textContent),
    contrast: Math.min(...texts.map(e => contrast(parse(getComputedStyle(e).color), ground(e)))),
    dark: luminance(ground(document.body)) < 0.5,
    from: [...new Set(performance.getEntriesByType('resource').map(e => new URL(e.name).origin))],
    headings: [...document.querySelectorAll('h1, h2, h3')].map(e => e.tagName).join(' '),
    text: document.body.innerText,
};
canvas.remove();
return found;
"""


def texts_of(tag):
    lines = (SHIPPED / f"{tag}.conf").read_text("utf-8").splitlines()
    return dict(line.split(" = ", 1) for line in lines if " = " in line and line[0] != ";")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A logo and a language that is not shipped, and for the rest the shipped pages."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "logo.svg").write_text(LOGO)
    (folder / "he.conf").write_text(HEBREW, "utf-8")
    return folder


@pytest.fixture(scope="module")
def gated(hosts, folder):
    configuration = folder / "gate"  # not .conf, which would be a language
    configuration.write_text(
        "[gateway]\nclient = lan0\n[captive]\nrefresh = 3600\nworkers = 1\n"
        f"{PLAIN_PORTAL}session = 259000s\nquota = 2G\npages = {folder}\n"
        "methods = click voucher user\n"
    )
    hosts.gate(configuration)
    return hosts


# --- the operator's files ---


def portal(lab, path="/", language="en"):
    return lab.curl(GATEWAY[4], "-H", f"Accept-Language: {language}", path=path, port=PORTAL_PORT)


def body(lab, path="/", language="en"):
    """Empty when the portal ended before it had answered, as it does when it is renewed."""
    answer = portal(lab, path, language)
    return answer.body if answer else ""


def log(lab):
    return Path(f"/run/sallyport-lab/{lab.name}/sallyportd.log").read_text("utf-8")


def reload(lab, check, what):
    os.kill(lab.daemon_pid(), signal.SIGHUP)
    wait_until(check, 10, what)


def test_logo(lab):
    answer = portal(lab, "/logo")
    assert answer.status == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["x-content-type-options"] == "nosniff"
    # Opened by itself, a logo with a script in it runs nothing.
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.body == LOGO


def test_language_that_is_not_shipped(lab):
    for asked in ("he", "iw-IL"):
        page = portal(lab, language=asked)
        assert page.headers["content-language"] == "he"
        assert '<html lang="he" dir="rtl">' in page.body
        assert "<h1>ברוכים הבאים</h1>" in page.body
        assert 'alt="המלון שלנו"' in page.body
        assert texts_of("en")["accept"] in page.body


def test_nothing_from_elsewhere(lab):
    policy = portal(lab).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "style-src 'self'" in policy
    assert "img-src 'self' data:" in policy


def a_day_later(lab):
    """The end of a session is no news to the portal any more, which would begin with that."""
    path = f"/var/lib/{lab.name}/ledger.db"
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as database, database:
        database.execute("UPDATE session SET ended = ended - 90000 WHERE ended")


def test_reload(lab, folder):
    """A new text, a new style; and what is wrong leaves the pages as they are."""
    lab.allow()
    before = lab.client()
    shipped = (SHIPPED / "style.css").read_text()
    (folder / "fr.conf").write_text("welcome = Bienvenue à l’hôtel\n", "utf-8")
    (folder / "style.css").write_text(":root { --main: #7a1f5c; }\n")
    try:
        reload(lab, lambda: "#7a1f5c" in body(lab, "/style.css"), "the new style")
        style = portal(lab, "/style.css")
        assert style.headers["content-type"] == "text/css; charset=utf-8"
        assert style.body == shipped + ":root { --main: #7a1f5c; }\n"
        assert texts_of("fr")["connected"] in body(lab, language="fr")
        assert lab.client()["expires"] == before["expires"]
        lab.forget()
        a_day_later(lab)
        assert "<h1>Bienvenue à l’hôtel</h1>" in portal(lab, language="fr").body

        (folder / "fr.conf").write_text("welcome = a\nwelcome = b\n", "utf-8")
        daemon = lab.daemon_pid()
        wrong = f"{folder}/fr.conf:2: `welcome`: given twice; remove one"
        reload(lab, lambda: wrong in log(lab), "the error in the log")
        assert "the pages stay as they are" in log(lab)
        assert "<h1>Bienvenue à l’hôtel</h1>" in portal(lab, language="fr").body
        assert lab.daemon_pid() == daemon

        check = lab.ctl("config", "check", "-c", str(folder / "gate"))
        assert check.returncode == 2
        assert wrong in check.stderr
    finally:
        (folder / "fr.conf").unlink()
        (folder / "style.css").unlink()
        reload(lab, lambda: body(lab, "/style.css") == shipped, "the old style")
    assert lab.ctl("config", "check", "-c", str(folder / "gate")).returncode == 0


def test_frame(lab, folder):
    """A frame of the operator's own; with an error in it the old page stays."""
    frame = "<!DOCTYPE html>\n<html lang={{language}}><title>{{title}}</title>{{content}}<p>Hotel"
    try:
        (folder / "page.html").write_text(frame)
        reload(lab, lambda: body(lab).endswith("<p>Hotel"), "the new frame")
        assert '<html lang=de><title>' in portal(lab, language="de").body

        (folder / "page.html").write_text(frame + "\n\n{{hotel}}")
        wrong = f"{folder}/page.html:4: `{{{{hotel}}}}`: no such place"
        reload(lab, lambda: wrong in log(lab), "the error in the log")
        assert portal(lab).body.endswith("<p>Hotel")
        check = lab.ctl("config", "check", "-c", str(folder / "gate"))
        assert (check.returncode, wrong in check.stderr) == (2, True), check.stderr
    finally:
        (folder / "page.html").unlink()
        reload(lab, lambda: "<main>" in body(lab), "the old frame")


def test_bad_pages_at_the_start(lab, folder, tmp_path):
    path = tmp_path / "bad"
    path.write_text(f"[gateway]\nclient = lan0\n{PLAIN_PORTAL}pages = {tmp_path}/nowhere\n")
    wrong = f"{tmp_path}/nowhere: No such file or directory"
    check = lab.ctl("config", "check", "-c", str(path))
    assert (check.returncode, wrong in check.stderr) == (2, True), check.stderr

    os.kill(lab.daemon_pid(), signal.SIGTERM)
    wait_until(lambda: not lab.daemon_pid(), 5, "the end of the daemon")
    daemon = lab.ctl("run", "-c", str(path))
    assert (daemon.returncode, wrong in daemon.stderr) == (2, True), daemon.stderr
    lab.gate(folder / "gate")


# --- as a browser shows them ---


@pytest.fixture(scope="module")
def chromium(gated):
    with Browser(gated) as browser:
        browser.phone(*PHONE)
        yield browser


def labels(browser, selector):
    """Role and accessible name of each such element, as a screen reader is told."""
    found = browser.command("POST", "/elements", {"using": "css selector", "value": selector})
    paths = [f"/element/{next(iter(one.values()))}" for one in found]
    return [(browser.command("GET", path + "/computedrole"),
             browser.command("GET", path + "/computedlabel")) for path in paths]


def shows(browser, text):
    try:
        return text in browser.text()
    except AssertionError:  # the page went away between two questions
        return False


PHONE, DESKTOP = (320, 568), (1280, 800)
PICTURES = ("en", "ar")  # the languages of which pictures are kept below .output/screenshots


class Reader:
    """Looks at a page in both colour schemes, on a small phone; and what a screen reader is told."""

    def __init__(self, browser, tag):
        self.browser, self.tag = browser, tag
        browser.devtools("Emulation.setUserAgentOverride", userAgent="Tests", acceptLanguage=tag)
        browser.log("browser")
        browser.requested()

    def check(self, what, origin, words):
        for scheme in ("light", "dark"):
            self.browser.scheme(scheme)
            seen = self.browser.script(LOOK)
            assert isinstance(seen, dict), seen
            where = (self.tag, what, scheme, seen)
            assert seen["lang"] == self.tag, where
            assert seen["direction"] == ("rtl" if self.tag in RIGHT_TO_LEFT else "ltr"), where
            assert seen["width"] <= PHONE[0] and not seen["cut"], where
            assert seen["contrast"] >= LEAST_CONTRAST, where
            assert seen["dark"] == (scheme == "dark"), where
            assert set(seen["from"]) <= {origin}, where
            assert seen["headings"].split()[0] == "H1" and seen["headings"].count("H1") == 1, where
            assert [word for word in words if word not in seen["text"]] == [], where
            if self.tag in PICTURES:
                self.pictures(what, scheme)
        assert labels(self.browser, "h1") == [("heading", words[0])]
        for role, name in labels(self.browser, "button, a"):
            assert (role, name) in {("button", name), ("link", name)} and name in words, (role, name)

    def pictures(self, what, scheme):
        for name, size in (("desktop", DESKTOP), ("phone", PHONE)):
            self.browser.phone(*size)
            self.browser.screenshot(f"{self.tag}-{what.replace(' ', '-')}-{name}-{scheme}")

    def told(self, role):
        """What a screen reader is told of the elements of that role."""
        return [node for node in self.browser.accessibility() if node["role"] == role]

    def finish(self, *origins):
        """Nothing was asked for from elsewhere, and the console has no complaint but of statuses."""
        asked = self.browser.requested()
        assert asked
        assert [one for one in asked if not one.startswith((*origins, "data:"))] == []
        complaints = [entry["message"] for entry in self.browser.log("browser")]
        assert [one for one in complaints if "responded with a status of" not in one] == []


def submit(browser, form):
    browser.click(f'form[action="{form}"] button')


@pytest.mark.parametrize("tag", TAGS)
def test_every_page(lab, chromium, tag):
    words, reader = texts_of(tag), Reader(chromium, tag)
    a_day_later(lab)
    internet = url(INTERNET[4]).rstrip("/")
    ours = PORTAL.rstrip("/")
    methods = [words[key] for key in (
        "terms_title", "terms", "terms_privacy", "accept", "voucher_title", "voucher_code",
        "voucher_hint", "voucher_use", "user_title", "error_insecure")]

    chromium.go(internet + "/wanted")
    reader.check("511", internet, [words["title"], words["explain"], words["login"]])
    chromium.go(PORTAL + "nothing")
    reader.check("error", ours, [words["error_title"], words["error_not_found"], words["retry"]])
    chromium.go(PORTAL + "terms")
    reader.check("terms", ours, [words["terms_title"], words["terms"], words["terms_privacy"],
                                 words["retry"]])

    chromium.go(PORTAL)
    assert labels(chromium, "img") in ([("image", words["logo"])], [("img", words["logo"])])
    assert labels(chromium, "section") == [
        ("region", words[key]) for key in ("terms_title", "voucher_title", "user_title")]
    reader.check("sign in", ours, [words["welcome"], *methods])
    [field] = reader.told("textbox")
    assert field["name"] == words["voucher_code"]
    assert field["description"] == words["voucher_hint"]
    assert field["required"] and field["invalid"] == "false"
    assert reader.told("alert") == []

    # Too short for a code: the form again, with what was typed, and the cursor in it.
    chromium.type("#code", "k7f3m")
    submit(chromium, "/voucher")
    wait_until(lambda: shows(chromium, words["error_voucher"]), 10, "the answer")
    reader.check("wrong voucher", ours, [words["welcome"], words["error_voucher"], *methods])
    [field] = reader.told("textbox")
    assert field["description"] == f"{words['error_voucher']} {words['voucher_hint']}"
    assert field["invalid"] == "true" and field["focused"]
    assert len(reader.told("alert")) == 1
    assert chromium.value("#code") == "k7f3m"
    assert chromium.script("return document.title").startswith(words["error_title"])

    submit(chromium, "/accept")
    wait_until(lambda: shows(chromium, words["connected"]), 10, "the login")
    day, hour = (f"\u00a0{word}" for word in words["times"].split()[:2])
    reader.check("connected", ours, [words["connected_title"], words["connected"],
                                     words["time_left"], "2" + day, "23" + hour,
                                     words["data_left"], words["sizes"].split()[3],
                                     words["sign_out"]])
    submit(chromium, "/logout")
    wait_until(lambda: shows(chromium, words["signed_out"]), 10, "the logout")
    reader.check("signed out", ours, [words["signed_out_title"], words["signed_out"], words["retry"]])
    reader.finish(internet, ours)
