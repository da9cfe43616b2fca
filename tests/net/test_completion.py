# SPDX-License-Identifier: GPL-2.0-or-later
"""bash and zsh offer every command and every option, and what can be given to them."""

import os
import re
import subprocess

import pytest

from lab import CLIENT_MAC, SBIN, TOP

FOLDER = TOP / "user" / "completion"


def said(*arguments):
    return subprocess.run([str(SBIN / "sallyport"), *arguments], capture_output=True, text=True, check=True).stdout


def commands():
    """Their words."""
    text = said("--help").split("\nCommands:\n")[1].split("\n\n")[0]
    names = {line.split()[0] for line in text.splitlines()}
    found = []
    for line in text.splitlines():
        words = line.split()
        second = words[1] if re.fullmatch("[a-z-]+", words[1]) else ""
        # `client allow MAC  authorize ...` against `up  load ...`: two blanks end the name.
        name = re.match(r" *(\S+( \S+)*?)(  |$| [A-Z\[<])", line)[1].split()
        found.append([word for word in name if re.fullmatch("[a-z-]+", word)][:2] if second else words[:1])
    assert names and found
    return found


COMMANDS = commands()


def options(command):
    """Name of each option, and whether it takes a value."""
    text = said("help", *command).split("\nOptions:\n")[1].split("\n\n")[0]
    return {match[1]: bool(match[2]) for match in
            (re.match(r"  .{0,4}(--[a-z-]+)( [A-Z]+\b)?", line) for line in text.splitlines()) if match}


def bash(line, **environment):
    script = (f'. {FOLDER}/sallyport.bash; COMP_LINE=$LINE; COMP_POINT=${{#LINE}}; read -ra COMP_WORDS <<<"$LINE"; '
              '_sallyport; printf "%s\\n" "${COMPREPLY[@]}"')
    return run(["bash", "-c", script], line, environment)


# What zsh's own functions would show is printed in their place.
ZSH = r"""
compadd() { shift; print -rl -- "$@" }
_describe() { [[ $1 != -o ]] || shift; print -rl -- "${${(P)2}[@]%%%%:*}" }
_files() { print -r -- files }
_message() { print -r -- "message $1" }
words=(${(z)LINE})
[[ $LINE != *' ' ]] || words+=('')
CURRENT=$#words
. %s/_sallyport
""" % FOLDER


def zsh(line, **environment):
    return run(["zsh", "-f", "-c", ZSH], line, environment)


def run(program, line, environment):
    result = subprocess.run(
        program, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": f"{SBIN}:{os.environ['PATH']}", "LINE": line, **environment})
    assert result.stderr == "", result.stderr
    return result.stdout.split()


@pytest.fixture(params=[bash, zsh], ids=["bash", "zsh"])
def shell(request):
    return request.param


def test_every_command(shell):
    assert set(shell("sallyport ")) == {command[0] for command in COMMANDS} | {"help"}
    for group in {command[0] for command in COMMANDS if len(command) == 2}:
        assert set(shell(f"sallyport {group} ")) == {command[1] for command in COMMANDS if command[0] == group}


def test_every_option(shell):
    for command in COMMANDS:
        assert set(shell(f"sallyport {' '.join(command)} --")) >= set(options(command)), command
    assert "--config" in shell("sallyportd --")


def test_values_are_no_operands(shell):
    """Behind an option and its value the command is still known: each option once."""
    seen = set()
    for command in COMMANDS:
        for option, takes in options(command).items():
            if takes and option not in seen:
                seen.add(option)
                line = f"sallyport {' '.join(command)} {option} x --json --"
                assert option in shell(line), line
    assert len(seen) > 20


def test_values(shell):
    assert "8h" in shell("sallyport client allow 02:00:00:00:00:07 --for ")
    assert "json" in shell("sallyport voucher create --format ")
    assert "flood" in shell("sallyport events --kind ")
    assert set(shell("sallyport bypass ")) == {"on", "off"}
    assert set(shell("sallyport forward ")) == {"stack", "route"}
    assert "kea" in shell("sallyport dhcp-snippet ")


def test_clients_of_the_instance(shell, lab):
    lab.allow()
    assert CLIENT_MAC in shell("sallyport client show ", SALLYPORT_INSTANCE=lab.name)
    # bash takes the colons for ends of words.
    assert shell(f"sallyport -I {lab.name} client remove 02:85:0")[-1].endswith("00:00:00:02")
