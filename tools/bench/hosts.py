# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's hosts, one lab for each variant, so that taking turns costs nothing."""

import concurrent.futures
import contextlib
import ipaddress
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAB = os.path.join(TOP, "tools/lab")
HERE = os.path.join(TOP, "tools/bench")
BUILT = os.path.join(TOP, ".output/bench")
SALLYPORT = os.path.join(TOP, ".output/sbin/sallyport")

CLIENT_MAC = "02:85:00:00:00:02"
# Clients that exist only as addresses: the first of many, and the first of those never let in.
MANY = "02:5b:00:00:00:00"
STRANGERS = "02:5c:00:00:00:00"
# The addresses of both, from the first one on; the gateway has them on the client side.
MANY_ADDRESS = {4: "10.96.0.0", 6: "fd96::"}


class Failed(Exception):
    """Something did not work; the sentence is for the operator."""


def command(*arguments, **options):
    """Run a program to its end and return what it wrote."""
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          stdin=None if "input" in options else subprocess.DEVNULL, **options)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise Failed(f"{' '.join(arguments)[:200]}: exit code {done.returncode}: {' '.join(said)}")
    return done.stdout


def contents(path):
    """Of a file, empty if it cannot be read."""
    try:
        with open(path, encoding="utf-8") as text:
            return text.read()
    except OSError:
        return ""


def mac(first, number):
    """The MAC of a numbered client: as traffic.bpf.c and fill.c count them."""
    value = int(first.replace(":", ""), 16) + number
    return ":".join(f"{value >> shift & 255:02x}" for shift in range(40, -8, -8))


def address(number):
    """The IPv4 address of a numbered client: as traffic.bpf.c counts them."""
    return str(ipaddress.IPv4Address(MANY_ADDRESS[4]) + number)


class Lab:
    """Three hosts: client -> gw -> net."""

    def __init__(self):
        self.name = "b" + secrets.token_hex(6)
        self.folder = tempfile.mkdtemp(prefix=f"sallyport-bench-{self.name}-")
        self.background = []

    def inside(self, host, *arguments, **options):
        """Run a command in a host."""
        namespace = f"--net=/run/netns/{self.name}-{host}"
        return command("nsenter", namespace, "--", *arguments, **options)

    def up(self):
        command(LAB, "up", self.name)
        # What ends the traffic ends ARP as well.
        self.inside("gw", "ip", "neigh", "replace", "10.86.0.2", "lladdr", "02:86:00:00:00:02",
                    "dev", "wan0", "nud", "permanent")
        self.inside("gw", "ip", "neigh", "replace", "10.85.0.2", "lladdr", CLIENT_MAC,
                    "dev", "lan0", "nud", "permanent")
        self.inside("gw", "ip", "-6", "neigh", "replace", "fd86::2", "lladdr", "02:86:00:00:00:02",
                    "dev", "wan0", "nud", "permanent")
        self.inside("gw", "ip", "-6", "neigh", "replace", "fd85::2", "lladdr", CLIENT_MAC,
                    "dev", "lan0", "nud", "permanent")
        self.inside("gw", "ip", "route", "add", f"{MANY_ADDRESS[4]}/11", "dev", "lan0")
        self.inside("gw", "ip", "-6", "route", "add", f"{MANY_ADDRESS[6]}/64", "dev", "lan0")
        for interface in "lan0", "wan0":
            # A veth without XDP takes redirected frames only when it has GRO.
            self.inside("gw", "ethtool", "-K", interface, "gro", "on")

    def sink(self):
        """End and count the traffic of both directions where it arrives."""
        self.fixed("net", "net0", "sink")
        self.fixed("client", "client0", "sink")

    def fixed(self, host, interface, program):
        # Not loaded by ip, which leaves folders of its own in /sys/fs/bpf.
        pins = f"/sys/fs/bpf/{self.name}-fixed"
        command("bpftool", "prog", "loadall", os.path.join(BUILT, "fixed.bpf.o"), pins)
        try:
            self.inside(host, "ip", "link", "set", "dev", interface, "xdp", "pinned",
                        os.path.join(pins, program))
        finally:
            shutil.rmtree(pins)

    def gate(self, gateway="", captive="", more=""):
        """Sallyport, with further lines for two sections of its configuration, and further ones."""
        path = os.path.join(self.folder, "sallyport.conf")
        with open(path, "w", encoding="ascii") as out:
            out.write("[portal]\nplain_port = 8080\n"
                      f"[gateway]\nclient = lan0\n{gateway}\n[captive]\n{captive}\n{more}\n")
        command(LAB, "gate", self.name, "-c", path)

    def mode(self):
        """How Sallyport is attached."""
        status = json.loads(command(LAB, "ctl", self.name, "-j", "status"))
        there = status["interfaces"][0]
        return f"{there['mode']}, {there['tc_hook']}"

    def allow(self, address=CLIENT_MAC):
        command(LAB, "ctl", self.name, "client", "allow", address)

    def fill(self, count):
        command(os.path.join(BUILT, "fill"), self.name, MANY, str(count))

    def neighbours(self, count, family=4):
        """Let the gateway know where so many clients are: what ends their traffic ends ARP too."""
        self.inside("gw", os.path.join(BUILT, "neighbours"), "lan0", MANY, MANY_ADDRESS[family],
                    str(count))

    def nft(self, rules):
        self.inside("gw", "nft", "-f", "-", input=rules)

    def portal(self, count, *files, stateless=False):
        """The rules of a set-based portal, with `count` clients let in."""
        for name in "portal.nft", *files:
            rules = contents(os.path.join(HERE, name)).splitlines(keepends=True)
            # Where a rule asks for it, connections are followed.
            self.nft("".join(line for line in rules if not stateless or "ct state" not in line))
        many = (mac(MANY, number) for number in range(count))
        # In one go: nft reads the whole set each time it is started.
        self.nft(f"add element inet portal allowed {{ {', '.join(many)} }}")

    def serve(self, *arguments):
        """Start a server on the gateway that lives until the lab goes."""
        namespace = f"--net=/run/netns/{self.name}-gw"
        self.background.append(subprocess.Popen(
            ["nsenter", namespace, "--", *arguments], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def wait_for(self, path):
        """Until a process that was started here has made that file."""
        end = time.monotonic() + 30
        while not os.path.exists(path):
            if self.background[-1].poll() is not None or time.monotonic() > end:
                raise Failed(f"{' '.join(self.background[-1].args)[:200]}: did not do its work; "
                             "try it by hand in a network namespace")
            time.sleep(0.02)

    def received(self, host, interface):
        """Packets that an interface has received, those its XDP program dropped included."""
        for line in self.inside(host, "cat", "/proc/net/dev").splitlines():
            name, _, counters = line.partition(":")
            if name.strip() == interface:
                return int(counters.split()[1])
        raise Failed(f"{self.name}-{host} has no interface {interface}")

    def down(self):
        try:
            # Nobody asks for these sessions again: a million need not be written down.
            shutil.rmtree(f"/sys/fs/bpf/{self.name}", ignore_errors=True)
            # In a session of its own, which a second ^C does not reach.
            command(LAB, "down", self.name, start_new_session=True)
        finally:
            for process in self.background:
                process.wait()
            for name in os.listdir(self.folder):
                path = os.path.join(self.folder, name)
                os.rmdir(path) if os.path.isdir(path) else os.unlink(path)
            os.rmdir(self.folder)


@contextlib.contextmanager
def labs(makers):
    """A lab for each name of `makers`, whose function completes it. All go in the end."""
    made = {name: Lab() for name in makers}

    def make(name):
        made[name].up()
        makers[name](made[name])

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        making = [pool.submit(make, name) for name in makers]
        try:
            for one in making:
                one.result()
            yield made
        finally:
            for one in making:
                one.cancel()
            concurrent.futures.wait(making)
            going = [pool.submit(lab.down) for lab in made.values()]
            concurrent.futures.wait(going)
            for one in going:
                one.result()
