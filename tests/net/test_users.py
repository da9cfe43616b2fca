# SPDX-License-Identifier: GPL-2.0-or-later
"""Users on the command line: passwords by stdin and on a terminal, never as an argument."""

import os
import pty
import re
import select
import signal

import pytest

from instance import DONE, FAILED, NOT_FOUND, USAGE, Instance


@pytest.fixture
def instance():
    made = Instance()
    yield made
    made.remove()


def add(instance, name, *options, password="correct horse"):
    return instance.done("user", "add", name, "--password-stdin", *options, input=password + "\n")


def hash_of(instance, name):
    return dict(instance.rows("SELECT name, hash FROM user"))[name]


def test_user_is_added_and_listed(instance):
    assert add(instance, "anna", "--devices", "2", "--down", "20M", "--note", "room 12") == \
        "user anna is added\n"
    add(instance, "zoë b@example.org")
    anna, zoe = instance.json("user", "list")
    assert (anna["name"], anna["state"], anna["devices"]) == ("anna", "enabled", 2)
    assert (anna["rate_down"], anna["seconds"], anna["note"]) == (20_000_000, None, "room 12")
    assert (zoe["name"], zoe["devices"], zoe["until"]) == ("zoë b@example.org", None, None)
    assert re.search(r"^anna +enabled +2 ", instance.done("user", "list"), re.M)


def test_only_a_hash_is_kept(instance):
    add(instance, "anna")
    assert hash_of(instance, "anna").startswith("$y$")
    assert b"correct horse" not in instance.bytes()
    assert "hash" not in instance.json("user", "list")[0]
    assert "$y$" not in instance.done("user", "list")


def test_passwd(instance):
    add(instance, "anna")
    before = hash_of(instance, "anna")
    instance.done("user", "passwd", "anna", "--password-stdin", input="other one\n")
    assert hash_of(instance, "anna") not in (before, "")
    instance.refused(NOT_FOUND, "bert", "user", "passwd", "bert", "--password-stdin", input="x\n")


def test_disable_enable_remove(instance):
    add(instance, "anna")
    assert instance.done("user", "disable", "anna") == "user anna is disabled, 0 sessions ended\n"
    assert instance.json("user", "list")[0]["state"] == "disabled"
    assert instance.json("user", "enable", "anna")[0]["state"] == "enabled"
    assert instance.json("user", "remove", "anna") == [
        {"name": "anna", "state": "removed", "sessions_ended": 0}]
    for verb in ("disable", "enable", "remove"):
        instance.refused(NOT_FOUND, "anna", "user", verb, "anna")
    assert instance.json("user", "list") == []


def test_the_same_name_twice(instance):
    add(instance, "anna")
    before = hash_of(instance, "anna")
    instance.refused(FAILED, "already", "user", "add", "anna", "--password-stdin", input="new\n")
    assert hash_of(instance, "anna") == before
    add(instance, "Anna")
    assert [user["name"] for user in instance.json("user", "list")] == ["Anna", "anna"]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["add"], "NAME"),
        (["add", ""], "NAME"),
        (["add", "x" * 254], "253"),
        (["add", "an\nna"], "control"),
        (["add", b"\xff\xfe"], "UTF-8"),
        (["add", " anna"], "blank"),
        (["add", "anna", "--devices", "0"], "--devices"),
        (["add", "anna", "--until", "2020-01-01"], "--until"),
        (["add", "anna", "--for", "soon"], "soon"),
        (["add", "anna", "--note", "x" * 64], "63"),
        (["add", "anna", "--password-stdin=x"], "takes no value"),
        (["add", "anna", "--password", "x"], "--password"),
        (["add", "anna", "secret"], "secret"),
        (["add", "anna", "--batch", "x"], "--batch"),
    ],
)
def test_bad_input_adds_nothing(instance, arguments, words):
    instance.refused(USAGE, words, "user", *arguments, "--password-stdin", input="secret\n")
    assert not instance.state.exists()


@pytest.mark.parametrize("password, words", [
    ("", "none"), ("\n", "empty"), ("x" * 129 + "\n", "128"), ("a\tb\n", "control")])
def test_bad_passwords(instance, password, words):
    instance.refused(USAGE, words, "user", "add", "anna", "--password-stdin", input=password)
    assert instance.json("user", "list") == []


def test_longest_password(instance):
    add(instance, "anna", password="x" * 128)
    add(instance, "bert", password="x" * 127 + "\r")


def test_without_a_terminal(instance):
    instance.refused(USAGE, "--password-stdin", "user", "add", "anna", start_new_session=True)
    assert instance.json("user", "list") == []


def on_terminal(instance, *typed):
    """Exit code and what the terminal showed, typing after each prompt."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(instance.command()[0], instance.command("user", "add", "anna"))
    shown, answers = b"", list(typed)
    try:
        while select.select([terminal], [], [], 20)[0]:
            shown += os.read(terminal, 1024)
            if shown.endswith(b": ") and answers:
                os.write(terminal, answers.pop(0).encode() + b"\n")
        os.kill(child, signal.SIGKILL)
    except OSError:  # the other side is closed
        pass
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def test_terminal_does_not_show_it(instance):
    code, shown = on_terminal(instance, "correct horse", "correct horse")
    assert code == DONE and "user anna is added" in shown
    assert shown.count(": ") == 2 and "horse" not in shown
    assert hash_of(instance, "anna").startswith("$y$")


def test_typed_differently(instance):
    code, shown = on_terminal(instance, "correct horse", "correct house")
    assert code == USAGE and "not the same" in shown
    assert instance.json("user", "list") == []
