# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's hosts as the tests use them: tools/lab, sockets inside a host, what came over a wire."""

import contextlib
import ctypes
import json
import os
import secrets
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
TOOL = TOP / "tools" / "lab"
SBIN = TOP / ".output" / "sbin"
CONFIGURATION = TOP / "tools" / "lab.conf"

CLIENT_MAC = "02:85:00:00:00:02"
GATEWAY_MAC = "02:85:00:00:00:01"
CLIENT = {4: "10.85.0.2", 6: "fd85::2"}
GATEWAY = {4: "10.85.0.1", 6: "fd85::1"}
INTERNET = {4: "10.86.0.2", 6: "fd86::2"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
PORTAL_PORT = 8080
PORTAL_URL = "https://portal.test/"  # to the first address of either family
# What each configuration must say; other sections may follow.
PLAIN_PORTAL = f"[portal]\nplain_port = {PORTAL_PORT}\n"

# Seconds in the tests are those of an idle machine. What must come is waited for so many times
# longer: it costs nothing when all is well.
PATIENCE = 6

# Whether this kernel makes sockets of SYN cookies that it has not sent (Linux 6.9). Else each
# connection has one from the beginning, and all that is promised to clients holds as well.
COOKIES = " bpf_sk_assign_tcp_reqsk" in Path("/proc/kallsyms").read_text(encoding="ascii")

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
SO_RCVBUFFORCE = 33  # whatever net.core.rmem_max says
libc = ctypes.CDLL(None, use_errno=True)


def soak(small, full):
    """How often: a few times in each run of the tests, as often as the promise says in a long one."""
    return full if os.environ.get("SALLYPORT_SOAK") else small


def url(address, path="/", port=80):
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}{path}" if port == 80 else f"http://{host}:{port}{path}"


def in_namespace(host, function):
    """Run function in a thread of that network namespace; sockets made there stay there."""
    result = []

    def work():
        try:
            with open(f"/run/netns/{host}", "rb") as namespace:
                if libc.setns(namespace.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            result.append((function(), None))
        except BaseException as error:  # handed to the caller, whatever it is
            result.append((None, error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    value, error = result[0]
    if error:
        raise error
    return value


def wait_until(condition, seconds=5.0, what="condition"):
    """The first true value of condition(); fails the test after that many seconds (see PATIENCE)."""
    seconds *= PATIENCE
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.02)


class Answer:
    """What curl -i printed."""

    def __init__(self, text):
        head, _, self.body = text.partition("\r\n\r\n")
        lines = head.split("\r\n")
        self.status = int(lines[0].split()[1])
        self.reason = lines[0].split(None, 2)[2] if len(lines[0].split(None, 2)) > 2 else ""
        self.fields = [line.split(": ", 1) for line in lines[1:]]
        self.headers = {name.lower(): value for name, value in self.fields}


class Sniffer:
    """Every frame an interface sees while the `with` block runs, in both directions."""

    def __init__(self, host, interface):
        def make():
            sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            sniffer.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
            sniffer.bind((interface, 0))
            return sniffer

        self.socket = in_namespace(host, make)
        self.frames = []

    def __enter__(self):
        return self

    def wait(self, wanted, seconds=5):
        """Go on when a frame was seen for which wanted(frame) is true."""
        seconds *= PATIENCE
        end = time.monotonic() + seconds
        while True:
            self.socket.settimeout(max(end - time.monotonic(), 0.01))
            try:
                self.frames.append(self.socket.recv(65536))
            except TimeoutError:
                raise AssertionError(f"no such frame within {seconds} s") from None
            if wanted(self.frames[-1]):
                return

    def __exit__(self, *_):
        # What was sent last may still be on its way through the other processor's queue.
        time.sleep(0.1)
        self.socket.setblocking(False)
        try:
            while True:
                self.frames.append(self.socket.recv(65536))
        except BlockingIOError:
            pass
        self.socket.close()

    def with_address(self, *addresses):
        """The frames that hold one of these IP addresses in an IP header."""
        wanted = [
            socket.inet_pton(FAMILY[6 if ":" in address else 4], address) for address in addresses
        ]
        found = []
        for frame in self.frames:
            head = {b"\x08\x00": frame[26:34], b"\x86\xdd": frame[22:54]}.get(frame[12:14], b"")
            if any(address in head for address in wanted):
                found.append(frame)
        return found


class Lab:
    def __init__(self):
        self.name = "t" + secrets.token_hex(4)
        self.gate_is_up = False
        # What curl must be told to trust, for https.
        self.certificate = f"/run/sallyport-lab/{self.name}/portal.crt"
        self.offends = False  # its processes are made to do what is forbidden to them

    # --- the tool ---

    def tool(self, *arguments, check=True, timeout=120, typed="", **options):
        result = subprocess.run(
            [str(TOOL), *arguments],
            input=typed.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=timeout,
            check=False,
            **options,
        )
        # Not text=True, which would make "\n" of the "\r\n" of HTTP.
        result.stdout, result.stderr = result.stdout.decode(), result.stderr.decode()
        if check:
            assert result.returncode == 0, f"tools/lab {arguments}: {result.stdout}{result.stderr}"
        return result

    def up(self):
        self.tool("up", self.name)

    def down(self):
        self.record_reasons()
        killed = self.forbidden_calls()
        self.tool("down", self.name)
        assert self.offends or not killed, f"the sandbox lacks something (see dmesg): {killed}"

    def forbidden_calls(self):
        """What the log says of processes that the sandbox has ended."""
        log = Path(f"/run/sallyport-lab/{self.name}/sallyportd.log")
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        return [line for line in text.splitlines() if "forbidden system call" in line]

    def record_reasons(self):
        """For tools/test, which knows whether every reason was provoked by some test."""
        path = os.environ.get("SALLYPORT_REASONS")
        shown = self.ctl("-j", "stats") if path else None
        if shown and shown.returncode == 0:
            counted = [json.loads(line) for line in shown.stdout.splitlines()]
            with open(path, "a", encoding="utf-8") as file:
                file.writelines(one["name"] + "\n" for one in counted if one["packets"])

    def gate(self, configuration=CONFIGURATION):
        result = self.tool("gate", self.name, "-c", str(configuration))
        wait_until(lambda: children_serve(self), 10, "the daemon's children")
        self.gate_is_up = True
        return result

    def host(self, role):
        return f"{self.name}-{role}"

    def has(self, role):
        return Path(f"/run/netns/{self.host(role)}").exists()

    def run(self, role, *command, check=True, timeout=120):
        """Run a command in a host."""
        return self.tool("exec", self.host(role), *command, check=check, timeout=timeout)

    def popen(self, role, *command, **options):
        return subprocess.Popen([str(TOOL), "exec", self.host(role), *command], **options)

    # --- the command line of Sallyport ---

    def ctl(self, *arguments, check=False, timeout=120):
        return self.tool("ctl", self.name, *arguments, check=check, timeout=timeout)

    def json(self, *arguments):
        """The objects a command prints, one per line or one in all."""
        text = self.ctl("-j", *arguments, check=True).stdout
        decoder, objects, at = json.JSONDecoder(), [], 0
        while text[at:].strip():
            at += len(text[at:]) - len(text[at:].lstrip())
            value, at = decoder.raw_decode(text, at)
            objects.append(value)
        return objects

    def allow(self, *options, mac=CLIENT_MAC):
        self.ctl("client", "allow", mac, *options, check=True)

    def forget(self, mac=CLIENT_MAC):
        """Captive again, whatever it was."""
        assert self.ctl("client", "remove", mac).returncode in (0, 3)

    def client(self, mac=CLIENT_MAC):
        return self.json("client", "show", mac)[0]

    def reasons(self):
        """Packets by reason name."""
        return {entry["name"].lower(): entry["packets"] for entry in self.json("stats")}

    def daemon_pid(self):
        return self.json("status")[0]["daemon"]

    # --- traffic ---

    def fix_neighbours(self):
        """No ARP or ND between client and gateway: nothing but the test's packets is counted."""
        for role, device, mac, addresses in (
            ("client", "client0", GATEWAY_MAC, (GATEWAY[4], GATEWAY[6], "fe80::85:ff:fe00:1")),
            ("gw", "lan0", CLIENT_MAC, (CLIENT[4], CLIENT[6], "fe80::85:ff:fe00:2")),
        ):
            for address in addresses:
                self.run(role, "ip", "neigh", "replace", address, "lladdr", mac, "dev", device,
                         "nud", "permanent")

    def curl(self, address, *options, path="/", port=80, role="client", seconds=20):
        """An Answer, or None when there was none in that time."""
        result = self.run(
            role, "curl", "-si", "--max-time", str(seconds), *options,
            url(address, path, port), check=False,
        )
        return Answer(result.stdout) if result.stdout else None

    def status(self, family, **options):
        answer = self.curl(INTERNET[family], **options)
        return answer.status if answer else None

    def socket(self, role, family, kind=socket.SOCK_STREAM, protocol=0):
        return in_namespace(
            self.host(role), lambda: socket.socket(FAMILY[family], kind, protocol)
        )

    def ping(self, address, role="client", seconds=10):
        result = self.run(role, "ping", "-n", "-c", "1", "-W", str(seconds), address, check=False)
        return result.returncode == 0

    def udp_echo(self, family, data=b"marco", port=7, seconds=10.0, role="client"):
        """What the Internet's echo sent back, or None."""
        with self.socket(role, family, socket.SOCK_DGRAM) as sender:
            sender.settimeout(seconds)
            sender.sendto(data, (INTERNET[family], port))
            try:
                return sender.recv(65536)
            except OSError:
                return None

    def tcp_connects(self, address, port, seconds=30.0):
        family = 6 if ":" in address else 4
        with self.socket("client", family) as connection:
            connection.settimeout(seconds)
            return connection.connect_ex((address, port)) == 0


@contextlib.contextmanager
def running():
    """A lab of its own, taken down in any case."""
    lab = Lab()
    try:
        lab.up()
        yield lab
    finally:
        lab.down()


def lines(*command):
    """What a command prints, sorted."""
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return sorted(result.stdout.splitlines())


def bpftool(*arguments):
    """The JSON that bpftool prints; None when there is no such object."""
    result = subprocess.run(
        ["bpftool", "-j", *arguments], capture_output=True, text=True, check=False
    )
    return json.loads(result.stdout) if result.returncode == 0 else None


@contextlib.contextmanager
def foreign_program(section):
    """The pin of a program that lets everything on: XDP_PASS is 2, TC_ACT_UNSPEC is -1. Pinned by
    bpftool, because iproute2 leaves folders of its own in /sys/fs/bpf when it loads an object."""
    verdict = {"xdp": 2, "tc": -1}[section]
    source = (
        f'__attribute__((section("{section}"), used)) int other_prog(void *c) {{ return {verdict}; }}\n'
        'char LICENSE[] __attribute__((section("license"), used)) = "GPL";\n'
    )
    pin = Path("/sys/fs/bpf") / f"foreign-{secrets.token_hex(4)}"
    with tempfile.NamedTemporaryFile(suffix=".o") as built:
        subprocess.run(
            ["clang", "-target", "bpf", "-O2", "-g", "-x", "c", "-c", "-", "-o", built.name],
            input=source, text=True, check=True,
        )
        subprocess.run(["bpftool", "prog", "load", built.name, pin], check=True)
    try:
        yield pin
    finally:
        pin.unlink()


def gateway_state(lab):
    """What `up` could leave behind in the gateway's namespace and for its instance."""
    here = ["nsenter", f"--net=/run/netns/{lab.host('gw')}", "--"]
    return {
        "links": lines(*here, "ip", "-o", "link", "show"),
        "rules": lines(*here, "ip", "rule") + lines(*here, "ip", "-6", "rule"),
        # The kernel notes a moment later what became of a carrier.
        "routes": [
            route.replace(" linkdown", "")
            for family in ("-4", "-6")
            for route in lines(*here, "ip", family, "route", "show", "table", "all")
        ],
        "queueing": lines(*here, "tc", "qdisc", "show"),
        "filters": lines(*here, "tc", "filter", "show", "dev", "lan0", "ingress")
        + lines(*here, "tc", "filter", "show", "dev", "lan0", "egress"),
        "folders": [
            folder
            for folder in (f"/sys/fs/bpf/{lab.name}", f"/run/{lab.name}")
            if os.path.exists(folder)
        ],
        "processes": processes(lab),
    }


def pids(lab, name):
    """The processes of the gateway whose command begins with that name."""
    found = []
    for pid in lines("ip", "netns", "pids", lab.host("gw")):
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as comm:
                if comm.read().startswith(name):
                    found.append(int(pid))
        except OSError:
            continue
    return found


def children_serve(lab):
    """Whether all children of the daemon are what they are to be: their sandbox is closed."""
    names, daemon = set(), lab.daemon_pid()
    for pid in pids(lab, "sallyport"):
        try:
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        except OSError:
            return False
        if fields["PPid"] != str(daemon):
            continue
        if fields["Seccomp"] != "2":
            return False
        names.add(fields["Name"])
    return names >= {"sallyport-respo", "sallyport-porta"}


def processes(lab):
    """The programs of Sallyport that run in the gateway's namespace or name the instance."""
    inside = lines("ip", "netns", "pids", lab.host("gw"))
    found = []
    for entry in lines("ps", "-eo", "pid=,stat=,comm=,args="):
        pid, state, command = entry.split()[:3]
        ours = pid in inside or f"-I {lab.name}" in entry
        if ours and command.startswith("sallyport") and not state.startswith("Z"):
            found.append(command)
    return sorted(found)


def bpf_objects(lab):
    """Kind and id of every BPF object that the instance holds, found from its pins."""
    found = set()
    for folder, _, names in os.walk(f"/sys/fs/bpf/{lab.name}"):
        for name in names:
            for kind in ("map", "prog", "link"):
                entry = bpftool(kind, "show", "pinned", os.path.join(folder, name))
                if not entry:
                    continue
                found.add((kind, entry["id"]))
                found.update(("map", number) for number in entry.get("map_ids", []))
                if kind == "link":
                    found.add(("prog", entry["prog_id"]))
    return found


def alive(objects):
    return {(kind, number) for kind, number in objects if bpftool(kind, "show", "id", str(number))}
