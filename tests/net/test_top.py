# SPDX-License-Identifier: GPL-2.0-or-later
"""sallyport top: the screen of a terminal while clients move something."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

import pyte
import pytest

from lab import CLIENT_MAC, INTERNET, SBIN, wait_until

SALLYPORT = str(SBIN / "sallyport")


class Screen:
    """`sallyport top` in a terminal while the `with` block runs: one whose sequences pyte knows all."""

    def __init__(self, lab, lines=24, columns=80, options=(), terminal="linux"):
        self.command = [SALLYPORT, "-I", lab.name, "top", *options]
        self.lines, self.columns, self.terminal = lines, columns, terminal

    def resize(self, lines, columns):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    def __enter__(self):
        self.ours, theirs = pty.openpty()
        self.screen = pyte.Screen(self.columns, self.lines)
        self.stream = pyte.ByteStream(self.screen)
        self.resize(self.lines, self.columns)
        self.process = subprocess.Popen(
            self.command, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE,
            env={**os.environ, "TERM": self.terminal, "LC_ALL": "C.UTF-8"},
            preexec_fn=lambda: (os.setsid(), fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)))
        os.close(theirs)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.communicate()
        os.close(self.ours)

    def read(self):
        while select.select([self.ours], [], [], 0)[0]:
            try:
                self.stream.feed(os.read(self.ours, 65536))
            except OSError:  # it has ended
                return

    def press(self, keys):
        os.write(self.ours, keys.encode())

    def wait(self, wanted, seconds=10):
        """The lines when wanted(lines) is true."""
        def look():
            self.read()
            return wanted(self.screen.display)
        try:
            wait_until(look, seconds, "the screen")
        except AssertionError:
            raise AssertionError("\n".join(self.screen.display)) from None
        return self.screen.display

    def wait_text(self, *texts):
        return self.wait(lambda lines: all(text in "\n".join(lines) for text in texts))


@pytest.fixture
def busy(lab):
    """The client sends 1000 bytes 50 times a second; others have sessions too."""
    others = [f"02:d0:00:00:00:{number:02x}" for number in range(30)]
    lab.allow("--for", "8h", "--note", "the busy one")
    listed = subprocess.run([SALLYPORT, "-I", lab.name, "import", "-"], text=True, check=True,
                            stdout=subprocess.PIPE, input="".join(f"{one} --for 2h\n" for one in others))
    assert "30 new" in listed.stdout
    lab.ctl("client", "block", others[0], check=True)
    sending = lab.popen("client", "bash", "-c", "while sleep 0.02; do printf '%01000d' 0 "
                        f">/dev/udp/{INTERNET[4]}/9; done", start_new_session=True)
    yield lab
    os.killpg(sending.pid, signal.SIGKILL)
    sending.wait()
    for one in others:
        subprocess.run([SALLYPORT, "-I", lab.name, "client", "remove", one], check=True,
                       stdout=subprocess.DEVNULL)


def rate_of(lines):
    """What the first client sends, in bit/s, or 0."""
    words = lines[3].split()
    if len(words) < 4 or words[1] != CLIENT_MAC:
        return 0
    number = words[3]
    return float(number.rstrip("kMG")) * {"k": 1e3, "M": 1e6, "G": 1e9}.get(number[-1], 1)


def test_who_moves_most_comes_first(busy):
    with Screen(busy) as top:
        lines = top.wait(lambda lines: 8e3 < rate_of(lines) < 800e3)
        assert "30 authorized, 0 ended, 1 blocked" in lines[1]
        assert lines[2].split() == ["STATE", "MAC", "VLAN", "ADDRESS", "UP/s", "DOWN/s", "BYTES", "LEFT", "USER"]
        assert lines[3].startswith("auth") and "10.85.0.2" in lines[3] and "operator" in lines[3]
        assert lines[-1].startswith("q quit  s sort: rate  / filter")
        assert all(len(line.rstrip()) <= 80 for line in lines)
        assert sum("02:d0:" in line for line in lines) == 19
        top.press("q")
        assert top.process.wait(5) == 0


def test_keys(busy):
    with Screen(busy) as top:
        top.wait(lambda lines: rate_of(lines) > 0)
        # The ones that end first.
        top.press("ssss")
        top.wait(lambda lines: "sort: left" in lines[-1] and "02:d0:" in lines[3])
        top.press("s")
        top.wait(lambda lines: "sort: rate" in lines[-1] and CLIENT_MAC in lines[3])
        top.press("\x1b[B")
        top.wait(lambda lines: CLIENT_MAC not in "".join(lines))
        top.press("\x1b[A")
        top.wait(lambda lines: CLIENT_MAC in lines[3])
        top.press("\x1b[6~")
        top.wait(lambda lines: sum("02:d0:" in line for line in lines) == 11)
        top.press("\x1b[5~")
        top.wait(lambda lines: CLIENT_MAC in lines[3])
        top.press("/00:1D")
        top.wait_text("filter: 00:1D_")
        top.press("\n")
        top.wait(lambda lines: "02:d0:00:00:00:1d" in lines[3] and not lines[4].strip())
        top.press("/\x1b")
        top.wait(lambda lines: "filter:" not in lines[1] and CLIENT_MAC in lines[3])
        top.press("/busy\n")
        top.wait(lambda lines: CLIENT_MAC in lines[3] and not lines[4].strip())
        top.press("r")
        top.wait_text("PACKETS/s", "authorized client, upload")
        top.press("r ")
        top.wait_text("PAUSED")
        top.press(" ")
        top.wait(lambda lines: "PAUSED" not in lines[0])


def test_size_of_the_terminal(busy):
    with Screen(busy, lines=10, columns=132) as top:
        top.wait(lambda lines: CLIENT_MAC in lines[3] and lines[9].startswith("q quit"))
        top.resize(30, 100)
        top.wait(lambda lines: lines[29].startswith("q quit"))
        top.resize(4, 20)
        top.wait_text("too small: 20x4")
        top.resize(24, 80)
        top.wait(lambda lines: CLIENT_MAC in lines[3] and lines[23].startswith("q quit"))


def test_without_a_terminal(busy):
    result = busy.ctl("top")
    assert result.returncode == 1 and "client list" in result.stderr and result.stdout == ""
    with Screen(busy, terminal="nonsense") as top:
        assert top.process.wait(10) == 1
        assert b'the terminal "nonsense"' in top.process.stderr.read()
    assert busy.ctl("top", "--interval", "0s").returncode == 2
    assert busy.ctl("-j", "top", "--count", "0").returncode == 2
    assert busy.ctl("top", "--count", "1").returncode == 2


def test_snapshots(busy):
    begin = time.monotonic()
    first, second = busy.json("top", "--count", "2")
    assert time.monotonic() - begin >= 2
    for one in (first, second):
        assert one["clients"] == {"authorized": 30, "ended": 0, "blocked": 1}
        assert len(one["top"]) == 20 and one["top"][0]["mac"] == CLIENT_MAC
        assert 8e3 < one["top"][0]["rate_up"] < 800e3
        assert one["rate_up"] >= one["top"][0]["rate_up"]
        assert one["packets_per_second"]["AUTHORIZED"] > 0
    assert second["top"][0]["up_bytes"] > first["top"][0]["up_bytes"]
    json.dumps(first)


def test_the_end_of_the_instance(busy):
    with Screen(busy) as top:
        top.wait(lambda lines: rate_of(lines) > 0)
        busy.ctl("down", check=True)
        assert top.process.wait(10) == 4
        assert b"was taken down" in top.process.stderr.read()
    busy.gate()
    # What the fixture takes away.
    subprocess.run([SALLYPORT, "-I", busy.name, "import", "-"], text=True, check=True, stdout=subprocess.DEVNULL,
                   input="".join(f"02:d0:00:00:00:{number:02x}\n" for number in range(30)))
