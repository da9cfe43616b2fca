# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command of README.md is run, in its order, on a gateway of the lab.

What a reader would do to his own machine is done elsewhere: the instance has the lab's name, the
configuration is the README's own but in a folder of the test, and `make install` goes to another
one. A command that this test does not know fails it.
"""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from lab import SBIN, TOP, Lab, pids, wait_until

README = (TOP / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"^```sh\n(.*?)^```", README, re.M | re.S)
    for line in block.splitlines()
    if line and not line.startswith("#")
]
CONFIGURATION = re.search(r"^```ini\n(.*?)^```", README, re.M | re.S)[1]


class Reader:
    """Someone who follows the README."""

    def __init__(self, lab, folder):
        self.lab = lab
        self.folder = folder
        self.configuration = folder / "sallyport.conf"
        self.configuration.write_text(CONFIGURATION)
        self.daemon = None
        self.captive = True
        self.own_lab = Lab().name

    def leave(self):
        self.lab.ctl("down")
        if self.daemon:
            self.daemon.wait(10)
        subprocess.run([str(TOP / "tools" / "lab"), "down", self.own_lab], check=True)

    def follow(self, command):
        words = shlex.split(command)
        if words[0] == "sudo":
            words = words[1:]
        run = getattr(self, words[0].replace("tools/", "tools_"), None)
        assert run, f"unknown command in README.md, teach this test: {command}"
        run(*words[1:])

    def here(self, *command):
        result = subprocess.run(
            command, cwd=TOP, capture_output=True, text=True, check=False, timeout=300
        )
        assert result.returncode == 0, f"{command}: {result.stdout[-2000:]}{result.stderr[-2000:]}"
        return result.stdout

    def tools_demo(self):
        self.here("tools/demo")

    def tools_test(self):
        # This is what runs us.
        assert "usage: tools/test" in self.here("tools/test", "--help")

    def make(self, target="all"):
        if target == "install":
            self.here("make", "install", f"DESTDIR={self.folder}/root")
            program = next(self.folder.glob("root/**/sbin/sallyport"))
            assert "sallyport" in self.here(str(program), "--help")
            return
        assert target in ("all", "deps", "deb"), f"unknown target of make in README.md: {target}"
        self.here("make", target)

    def sallyport(self, *arguments):
        if arguments == ("run",):
            self.daemon = self.lab.popen(
                "gw", str(SBIN / "sallyport"), "-I", self.lab.name, "run"
            )
            wait_until(lambda: self.lab.status(4) == 511, 10, "the responder")
            return
        arguments = [
            str(self.configuration) if word == "/etc/sallyport/sallyport.conf" else
            str(self.folder / Path(word).name) if word.endswith((".svg", ".crt", ".json")) else word
            for word in arguments
        ]
        if arguments[:2] in (["config", "check"], ["cert", "self-signed"]):
            arguments += ["-c", str(self.configuration)]
        if arguments == ["doctor"]:
            # Of what the machine of the tests is not, such as one whose clock is kept right, he warns.
            assert self.lab.ctl(*arguments).returncode in (0, 1)
            assert self.lab.ctl("-j", *arguments).stdout.find('"errors":0') > 0
            return
        self.lab.ctl(*arguments, check=True)

    def bpftool(self, *arguments):
        pins = f"/sys/fs/bpf/{self.lab.name}/"
        arguments = [word.replace("/sys/fs/bpf/sallyport/", pins) for word in arguments]
        assert any(word.startswith(pins) for word in arguments)
        assert self.here("bpftool", *arguments)

    def ps(self, *arguments):
        users = {line.split()[0] for line in self.here("ps", *arguments).splitlines()[1:]}
        assert len(users) >= 5 and "root" in users

    def grep(self, *arguments):
        # Of this gateway, not of another one on the machine.
        assert arguments[2:] == ("/proc/$(pgrep", "-o", "sallyport-porta)/status")
        portal = pids(self.lab, "sallyport-porta")[0]
        output = self.here("grep", *arguments[:2], f"/proc/{portal}/status")
        assert "Seccomp:\t2" in output and "NoNewPrivs:\t1" in output
        assert "CapEff:\t0000000000000000" in output

    def tools_lab(self, verb, *arguments):
        arguments = [re.sub(r"(^|/)sp\b", rf"\1{self.own_lab}", word) for word in arguments]
        if verb in ("up", "gate", "down") and not arguments:
            arguments = [self.own_lab]
        output = self.here("tools/lab", verb, *arguments)
        if verb == "exec" and arguments[-1].endswith("/captive-portal/api"):
            assert json.loads(output)["captive"] is self.captive
        elif verb == "exec" and arguments[1] == "curl":
            assert output.startswith("HTTP/1.1 511" if self.captive else "HTTP/1.0 200"), output
        elif verb == "ctl" and arguments[1:3] == ["client", "allow"]:
            self.captive = False
        elif verb == "ctl" and arguments[1:3] == ["client", "remove"]:
            self.captive = True


@pytest.fixture(scope="module")
def reader(hosts, tmp_path_factory):
    someone = Reader(hosts, tmp_path_factory.mktemp("readme"))
    yield someone
    someone.leave()


@pytest.mark.parametrize("command", COMMANDS)
def test_command(reader, command):
    reader.follow(command)


def test_there_are_commands():
    assert len(COMMANDS) > 10
