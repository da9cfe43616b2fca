# SPDX-License-Identifier: GPL-2.0-or-later
"""Vouchers on the command line: made all or none, shown once, listed, revoked; sheets that a real
decoder reads."""

import contextlib
import csv
import io
import json
import os
import re
import sqlite3
import subprocess
import time

import pytest

from instance import DONE, FAILED, NOT_FOUND, PERMISSION, USAGE, Instance

URL = "https://portal.test/"
CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}")


@pytest.fixture
def instance():
    made = Instance()
    yield made
    made.remove()


def decoded(image):
    """What a real decoder finds in an image."""
    result = subprocess.run(["zbarimg", "-q", "--raw", "--nodbus", str(image)], capture_output=True,
                            text=True, check=True)
    return set(result.stdout.split())


def test_codes_are_shown_once(instance):
    codes = instance.done("voucher", "create", "--count", "100").splitlines()
    assert len(set(codes)) == 100
    assert all(CODE.fullmatch(code) for code in codes)
    kept = instance.bytes()
    for code in codes:
        assert code.encode() not in kept and code.replace("-", "").encode() not in kept
    assert not CODE.search(instance.done("voucher", "list"))
    assert len(instance.json("voucher", "list")) == 100


def test_formats_say_the_same(instance):
    options = ("--for", "8h", "--quota", "2G", "--down", "20M", "--devices", "3", "--batch", 'a,"b"',
               "--note", "room 12, left", "--until", "2100-01-01")
    text = instance.done("voucher", "create", *options, "--count", "2", "--format", "csv")
    first, second = csv.DictReader(io.StringIO(text))
    assert CODE.fullmatch(first["code"]) and first["code"] != second["code"]
    assert (first["id"], second["id"]) == ("1", "2")
    assert (first["seconds"], first["quota"], first["rate_down"]) == ("28800", "2000000000", "20000000")
    assert (first["devices"], first["quota_up"]) == ("3", "")
    assert (first["batch"], first["note"]) == ('a,"b"', "room 12, left")

    for asked in ("-j",), ("--format", "json"):
        made = json.loads(instance.done("voucher", "create", *options, *asked))
        assert CODE.fullmatch(made.pop("code"))
        listed = instance.json("voucher", "list")[-1]
        assert made == listed
        assert (listed["state"], listed["devices"], listed["taken"]) == ("new", 3, 0)
        assert (listed["seconds"], listed["quota"], listed["idle_limit"]) == (28800, 2 * 10**9, None)
        # To the end of that day.
        assert listed["until"] == int(time.mktime((2100, 1, 2, 0, 0, 0, 0, 0, -1)))
        assert listed["first_used"] is None


def test_dates_are_of_the_gateway(instance):
    environment = {**os.environ, "TZ": "America/New_York"}
    made, = instance.json("voucher", "create", "--from", "2099-07-01", "--until", "2099-07-01 14:30",
                          env=environment)
    assert made["from"] == 4086561600  # 2099-07-01 00:00 at UTC-4
    assert made["until"] == made["from"] + 14 * 3600 + 1800


@pytest.mark.parametrize(
    "arguments, words",
    [
        ("--count 0", "--count"),
        ("--count 100001", "100000"),
        ("--count many", "many"),
        ("--devices 0", "--devices"),
        ("--for 8", "--for"),
        ("--quota -1", "--quota"),
        ("--burst-up 64K", "--up"),
        ("--bind 10.0.0.1", "auto"),
        ("--from 2026-02-30", "2026-02-30"),
        ("--from tomorrow", "tomorrow"),
        ("--from 2099-01-02 --until 2099-01-01", "after --from"),
        ("--until 2020-01-01", "time to come"),
        ("--until 2099-01-01T25:00", "--until"),
        ("--batch " + "x" * 32, "31 bytes"),
        ("--note " + "x" * 64, "63 bytes"),
        ("--format xml", "csv"),
        ("--sheet codes.pdf --url https://x/", ".svg or .png"),
        ("--sheet codes.svg --url ftp://x/", "https://"),
        ("--sheet codes.svg --count 3000 --url https://x/", "2100"),
        ("--sheet codes.svg -c /nonexistent.conf", "/nonexistent.conf"),
        ("--url https://x/", "--sheet"),
        ("--colour red", "--colour"),
        ("extra", "extra"),
    ],
)
def test_bad_input_makes_nothing(instance, tmp_path, arguments, words):
    instance.refused(USAGE, words, "voucher", "create", *arguments.split(" "), cwd=tmp_path)
    assert not instance.state.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments, code, words",
    [
        ("", USAGE, "VOUCHER"),
        ("1 --batch x", USAGE, "one of them alone"),
        ("nonsense", USAGE, "nonsense"),
        ("0", USAGE, "0"),
        ("7", NOT_FOUND, "no voucher"),
        ("0000000000", NOT_FOUND, "voucher"),
        ("--batch nosuch", NOT_FOUND, "nosuch"),
    ],
)
def test_what_cannot_be_revoked(instance, arguments, code, words):
    words = words if words != "no voucher" else "no such voucher"
    instance.done("voucher", "create")
    instance.refused(code, words, "voucher", "revoke", *arguments.split())
    assert [one["state"] for one in instance.json("voucher", "list")] == ["new"]


def test_revoking(instance):
    codes = instance.done("voucher", "create", "--count", "3", "--batch", "x").splitlines()
    instance.done("voucher", "create", "--batch", "y")
    assert "1 voucher revoked, 0 sessions ended" in instance.done("voucher", "revoke", "1")
    # As somebody types it from paper.
    typed = codes[1].lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert instance.json("voucher", "revoke", typed) == [{"revoked": 1, "sessions_ended": 0}]
    assert [one["state"] for one in instance.json("voucher", "list")] == [
        "revoked", "revoked", "new", "new"]
    assert "3 vouchers revoked" in instance.done("voucher", "revoke", "--batch", "x")
    assert [one["state"] for one in instance.json("voucher", "list", "--batch", "y")] == ["new"]


def test_states(instance):
    instance.done("voucher", "create", "--count", "4", "--devices", "2", "--for", "1h")
    with contextlib.closing(sqlite3.connect(instance.ledger)) as database:
        now = int(time.time())
        database.execute("UPDATE voucher SET first = ? WHERE id IN (2, 3)", (now,))
        database.execute("UPDATE voucher SET first = ? WHERE id = 4", (now - 3600,))
        for voucher, mac in ((2, "a"), (3, "a"), (3, "b"), (4, "a")):
            database.execute("INSERT INTO place (voucher, mac, vlan, since) VALUES (?, ?, 0, ?)", (voucher, mac, now))
        database.commit()
    assert [(one["state"], one["taken"]) for one in instance.json("voucher", "list")] == [
        ("new", 0), ("used", 1), ("full", 2), ("expired", 1)]


# --- sheets ---


def test_png_sheet_is_read_by_a_decoder(instance, tmp_path):
    sheet = tmp_path / "desk.png"
    codes = instance.done("voucher", "create", "--count", "25", "--for", "2h", "--sheet", str(sheet),
                          "--url", URL).splitlines()
    pages = [sheet, tmp_path / "desk-2.png"]
    assert sorted(tmp_path.iterdir()) == sorted(pages)
    assert all(page.stat().st_mode & 0o777 == 0o600 for page in pages)
    found = [decoded(page) for page in pages]
    assert [len(codes_of) for codes_of in found] == [21, 4]
    assert found[0] | found[1] == {f"{URL}?voucher={code}" for code in codes}


def test_svg_sheet_is_read_by_a_decoder(instance, tmp_path):
    sheet, image = tmp_path / "desk.svg", tmp_path / "desk.png"
    codes = instance.done("voucher", "create", "--count", "3", "--for", "8h", "--quota", "2G", "--note",
                          "Café <&> 'x'", "--sheet", str(sheet), "--url", URL + "?a=b").splitlines()
    subprocess.run(["rsvg-convert", "-d", "300", "-p", "300", str(sheet), "-o", str(image)],
                   check=True)
    assert decoded(image) == {f"{URL}?a=b&voucher={code}" for code in codes}
    text = sheet.read_text(encoding="utf-8")
    assert "8h, 2.0 GB" in text and "Café &lt;&amp;> 'x'" in text
    assert all(code in text for code in codes)


def test_url_is_that_of_the_portal(instance, tmp_path):
    configuration, sheet = tmp_path / "gate.conf", tmp_path / "desk.png"
    configuration.write_text("[gateway]\nclient = lan0\n[portal]\nplain_port = 8080\n", encoding="ascii")
    instance.refused(USAGE, "host", "voucher", "create", "--sheet", str(sheet), "-c", str(configuration))
    configuration.write_text(
        "[gateway]\nclient = lan0\n[portal]\nplain_port = 8080\nhost = login.example.org\n",
        encoding="ascii")
    instance.done("voucher", "create", "--sheet", str(sheet), "-c", str(configuration))
    url, = decoded(sheet)
    assert re.fullmatch(r"https?://login\.example\.org(:8080)?/\?voucher=" + CODE.pattern, url)


def test_sheet_that_cannot_be_written_makes_no_voucher(instance, tmp_path):
    (tmp_path / "desk-2.svg").write_text("of somebody", encoding="ascii")
    create = ("voucher", "create", "--count", "30", "--url", URL, "--sheet")
    instance.refused(FAILED, "desk-2.svg", *create, str(tmp_path / "desk.svg"))
    instance.refused(FAILED, "nowhere", *create, str(tmp_path / "nowhere" / "desk.svg"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["desk-2.svg"]
    assert instance.json("voucher", "list") == []


# --- the ledger ---


def test_no_permission(instance):
    without_root = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    result = subprocess.run([*without_root, *instance.command("voucher", "create")],
                            capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (PERMISSION, "")
    assert "root" in result.stderr
    assert not instance.state.exists()


def test_full_disk_makes_none(instance):
    """On a disk of 300 kB of its own."""
    script = ('mkdir "$1" && mount -t tmpfs -o size=300k,mode=700 tmpfs "$1" && shift\n'
              '"$@" voucher create --count 20000\n'
              'echo $?\n'
              '"$@" -j voucher list | wc -l\n')
    try:
        result = subprocess.run(
            ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh",
             str(instance.state), *instance.command()],
            capture_output=True, text=True, check=True)
    finally:
        with contextlib.suppress(FileNotFoundError):
            instance.state.rmdir()
    assert result.stdout.split() == [str(FAILED), "0"]
    assert "make room" in result.stderr


def test_damaged_ledger(instance):
    instance.done("voucher", "create")
    for end in ("-wal", "-shm"):
        instance.ledger.with_name("ledger.db" + end).unlink()
    instance.ledger.write_bytes(b"nonsense " * 1000)
    instance.refused(FAILED, "ledger.db", "voucher", "list")
    assert instance.ledger.read_bytes() == b"nonsense " * 1000


def test_backup_at_any_moment_is_whole(instance, tmp_path):
    """While vouchers are made, 50 at a time."""
    instance.done("voucher", "create")
    writer = subprocess.Popen(
        ["sh", "-c", 'while "$@" voucher create --count 50; do :; done', "sh", *instance.command()],
        stdout=subprocess.DEVNULL)
    try:
        for number in range(10):
            with contextlib.closing(sqlite3.connect(instance.ledger)) as ledger, \
                    contextlib.closing(sqlite3.connect(tmp_path / f"{number}.db")) as copy:
                ledger.backup(copy)
                assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                assert copy.execute("SELECT count(*) % 50 FROM voucher").fetchone() == (1,)
            time.sleep(0.02)
    finally:
        writer.kill()
        writer.wait()
        # What it had started ends by itself, and uses the folder until then.
        deadline = time.monotonic() + 20
        while subprocess.run(["pgrep", "-f", f"-I {instance.name} voucher"], check=False,
                             stdout=subprocess.DEVNULL).returncode == 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_many_at_once(instance):
    """Eight processes that also make the ledger and its key."""
    processes = [subprocess.Popen(instance.command("voucher", "create", "--count", "5"), text=True,
                                  stdout=subprocess.PIPE) for _ in range(8)]
    codes = [code for process in processes for code in process.communicate()[0].splitlines()]
    assert [process.returncode for process in processes] == [DONE] * 8
    assert len(set(codes)) == 40
    for code in codes[::17]:
        instance.done("voucher", "revoke", code)
