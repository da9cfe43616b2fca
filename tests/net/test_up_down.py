# SPDX-License-Identifier: GPL-2.0-or-later
"""Attachment on real interfaces in a namespace of its own: every mode, every failure, no trace left."""

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab import foreign_program, wait_until

TOP = Path(__file__).resolve().parents[2]
SALLYPORT = Path(os.environ.get("SALLYPORT", TOP / ".output/sbin/sallyport"))
BPFFS = Path("/sys/fs/bpf")
RUN = Path("/run")


def call(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


class Gateway:
    """A network namespace with veth lan0 and lan1, and a name for an instance."""

    def __init__(self, folder):
        self.name = "spt" + secrets.token_hex(4)
        self.folder = folder
        self.instances = [self.name]
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self.sh("ip link set lo up")
        for lan in ("lan0", "lan1"):
            self.sh(f"ip link add {lan} type veth peer name peer-{lan}")
            self.sh(f"ip link set {lan} up")
        self.sh("ip address add 10.9.0.1/24 dev lan0")
        self.sh("ip -6 address add fd09::1/64 dev lan0 nodad")
        # The kernel adds its route from a work queue.
        wait_until(lambda: "fd09::1" in self.sh("ip -6 route show table local"), 5, "the route")

    def close(self):
        for instance in self.instances:
            self.run("down", instance=instance)
        subprocess.run(["ip", "netns", "delete", self.name], check=False)

    def inside(self, *command):
        """nsenter keeps /sys/fs/bpf; `ip netns exec` does not."""
        return call("nsenter", f"--net=/run/netns/{self.name}", *command)

    def start_up(self, config):
        """An `up` that runs while the test goes on."""
        command = ["nsenter", f"--net=/run/netns/{self.name}", SALLYPORT, "-I", self.name, "up", "-c", config]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def sh(self, line):
        done = self.inside(*line.split())
        assert done.returncode == 0, (line, done.stderr)
        return done.stdout

    def config(self, clients="lan0", **keys):
        path = self.folder / f"{secrets.token_hex(4)}.conf"
        lines = ["[portal]", "plain_port = 8080"]
        lines += ["[gateway]", f"client = {clients}", "max_clients = 1000"]
        path.write_text("\n".join(lines + [f"{key} = {value}" for key, value in keys.items()]) + "\n")
        return str(path)

    def run(self, *arguments, instance=None):
        return self.inside(str(SALLYPORT), "-I", instance or self.name, "-j", *arguments)

    def ok(self, *arguments, **options):
        done = self.run(*arguments, **options)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def up(self, clients="lan0", instance=None, **keys):
        return self.ok("up", "-c", self.config(clients, **keys), instance=instance)

    def fails(self, code, *arguments, **options):
        """The error's text."""
        done = self.run(*arguments, **options)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        error = json.loads(done.stderr)
        assert error["exit_code"] == code
        return error["error"]

    def modes(self):
        return {one["interface"]: (one["mode"], one["tc_hook"]) for one in self.ok("status")["interfaces"]}

    def traces(self):
        """Everything in the namespace and on the machine that an `up` may leave."""
        return {
            "rules": self.sh("ip rule") + self.sh("ip -6 rule"),
            # The kernel notes a moment later that a wire ends nowhere.
            "routes": sorted(
                line.replace(" linkdown", "")
                for family in ("-4", "-6")
                for line in self.sh(f"ip {family} route show table all").splitlines()
            ),
            "qdiscs": self.sh("tc qdisc"),
            "xdp": [line for line in self.sh("ip link").splitlines() if "xdp" in line],
            "pins": [str(path) for path in (BPFFS / self.name, RUN / self.name) if path.exists()],
        }

    def program_ids(self):
        return {link: self.pinned_program(link) for link in sorted(os.listdir(BPFFS / self.name / "links"))}

    def load_of(self, program):
        """The load-time configuration of a pinned program."""
        shown = self.sh(f"bpftool -j prog show pinned {BPFFS / self.name / 'programs' / program}")
        for number in json.loads(shown)["map_ids"]:
            (entry, *more) = json.loads(self.sh(f"bpftool -j map dump id {number}")) or [{}]
            for variable in entry.get("formatted", {}).get("value", {}).get(".rodata", []):
                if "sp_load" in variable:
                    return variable["sp_load"]
        raise AssertionError(f"{program} has no load-time configuration")

    def settings(self):
        (entry,) = json.loads(self.sh(f"bpftool -j map dump pinned {BPFFS / self.name / 'settings'}"))
        return entry["formatted"]["value"]

    def pinned_program(self, link):
        shown = self.sh(f"bpftool -j link show pinned {BPFFS / self.name / 'links' / link}")
        return json.loads(shown)["prog_id"]


@pytest.fixture
def gateway(tmp_path):
    one = Gateway(tmp_path)
    try:
        yield one
    finally:
        one.close()


@pytest.fixture
def traceless(gateway):
    """What the test did is gone at its end."""
    before = gateway.traces()
    yield gateway
    gateway.run("down")
    assert gateway.traces() == before


def foreign_xdp(gateway, tmp_path, interface):
    with foreign_program("xdp") as pin:
        gateway.sh(f"ip link set dev {interface} xdp pinned {pin}")


@pytest.mark.parametrize(
    "keys, expected",
    [
        ({}, ("native", "tcx")),
        ({"attach": "native"}, ("native", "tcx")),
        ({"attach": "generic"}, ("generic", "tcx")),
        ({"attach": "tc"}, ("tc", "tcx")),
        ({"tc": "clsact"}, ("native", "clsact")),
        ({"attach": "tc", "tc": "clsact"}, ("tc", "clsact")),
    ],
)
def test_modes(traceless, keys, expected):
    traceless.up("lan0 lan1", **keys)
    assert traceless.modes() == {"lan0": expected, "lan1": expected}
    flags = traceless.sh("ip link show lan0")
    assert ("xdpgeneric" in flags) == (expected[0] == "generic")
    assert ("prog/xdp" in flags) == (expected[0] != "tc")
    assert ("clsact" in traceless.sh("tc qdisc show dev lan0")) == (expected[1] == "clsact")


def test_fallback_is_explained(traceless):
    """A bridge has no native XDP."""
    traceless.sh("ip link add br0 type bridge")
    try:
        traceless.up("br0")
        (one,) = traceless.ok("status")["interfaces"]
        assert (one["mode"], one["tc_hook"]) == ("generic", "tcx")
        assert "no native XDP" in one["why"]
        traceless.ok("down")
        error = traceless.fails(1, "up", "-c", traceless.config("br0", attach="native"))
        assert "br0" in error and "attach = native" in error
    finally:
        traceless.sh("ip link delete br0")


def test_drivers_own_words(traceless):
    """veth refuses native XDP when its peer has more queues, and says so."""
    traceless.sh("ip link add q1 numtxqueues 4 type veth peer name q0")
    traceless.sh("ip link set q0 up")
    traceless.sh("ip link set q1 up")
    try:
        traceless.up("q0")
        (one,) = traceless.ok("status")["interfaces"]
        assert one["mode"] == "generic"
        assert "queues" in one["why"]
        traceless.ok("down")
    finally:
        traceless.sh("ip link delete q0")


def test_interface_with_dots(traceless):
    traceless.sh("ip link add lan0.5 type veth peer name peer5")
    try:
        traceless.up("lan0.5")
        assert traceless.modes() == {"lan0.5": ("native", "tcx")}
        traceless.ok("down")
    finally:
        traceless.sh("ip link delete lan0.5")


def test_no_rule_and_no_route(traceless):
    """Any rule besides the usual ones would cost every packet that the gateway forwards."""
    before = traceless.traces()
    traceless.up()
    during = traceless.traces()
    assert during["rules"] == before["rules"]
    assert during["routes"] == before["routes"]


def words(text):
    """An address as the datapath has it."""
    octets = socket.inet_pton(socket.AF_INET6, text)
    return [int.from_bytes(octets[at : at + 4], sys.byteorder) for at in range(0, 16, 4)]


@pytest.mark.parametrize(
    "clients, captures",
    [
        ("lan0 lan2", ("::ffff:10.9.0.1", "fd09::1")),
        ("lan2 lan0", ("::ffff:10.9.2.1", "fd09::1")),
        ("lan3", ("::", "::")),
    ],
)
def test_where_captured_connections_end(traceless, clients, captures):
    """At the first address of each family that is not link-local."""
    for lan in ("lan2", "lan3"):
        traceless.sh(f"ip link add {lan} type veth peer name peer-{lan}")
        traceless.sh(f"ip link set {lan} up")
    traceless.sh("ip address add 10.9.2.1/24 dev lan2")
    traceless.sh("ip address add 10.9.2.2/24 dev lan2")
    traceless.sh("ip -6 address add fe80::5/64 dev lan2 nodad")
    try:
        traceless.up(clients)
        load = traceless.load_of("sallyport_in")
        ends = tuple(load[key]["word"] for key in ("capture4", "capture6"))
        assert ends == tuple(map(words, captures))
        traceless.ok("down")
    finally:
        for lan in ("lan2", "lan3"):
            traceless.sh(f"ip link delete {lan}")


def test_second_up_keeps_sessions_and_links(traceless):
    traceless.up()
    traceless.ok("client", "allow", "02:00:00:00:00:07")
    programs = traceless.program_ids()
    loaded = traceless.ok("status")["loaded_since"]
    traceless.up()
    assert traceless.ok("client", "show", "02:00:00:00:00:07")["state"] == "authorized"
    assert traceless.ok("status")["loaded_since"] == loaded
    updated = traceless.program_ids()
    assert updated.keys() == programs.keys()
    assert all(updated[link] != programs[link] for link in updated)


def test_second_up_follows_the_configuration(traceless):
    traceless.up("lan0")
    traceless.up("lan0 lan1")
    assert set(traceless.modes()) == {"lan0", "lan1"}
    traceless.up("lan1", attach="generic")
    assert traceless.modes() == {"lan1": ("generic", "tcx")}
    assert "xdp" not in traceless.sh("ip link show lan0")
    traceless.up("lan1", tc="clsact")
    assert traceless.modes() == {"lan1": ("native", "clsact")}
    traceless.up("lan1")
    assert traceless.modes() == {"lan1": ("native", "tcx")}
    assert "clsact" not in traceless.sh("tc qdisc")


def test_second_up_follows_the_settings(traceless, tmp_path):
    """What the datapath reads at run time; with one that fails they stay."""
    path = Path(traceless.config())
    text = path.read_text()

    def refusals():
        settings = traceless.settings()
        return settings["refuse_tcp"], settings["refuse_udp"]

    answer, drop = "SP_REFUSE_ANSWER", "SP_REFUSE_DROP"
    traceless.ok("up", "-c", str(path))
    assert refusals() == (answer, answer)
    path.write_text(text + "[captive]\nrefuse = drop\nrefuse_udp = drop\n")
    traceless.ok("up", "-c", str(path))
    assert refusals() == (drop, drop)
    foreign_xdp(traceless, tmp_path, "lan1")
    path.write_text(text.replace("lan0", "lan0 lan1") + "[captive]\nrefuse = reset\n")
    assert "lan1" in traceless.fails(1, "up", "-c", str(path))
    assert refusals() == (drop, drop)
    traceless.sh("ip link set dev lan1 xdp off")
    path.write_text(text + "[captive]\nrefuse_udp = unreachable\nrefuse = reset\n")
    traceless.ok("up", "-c", str(path))
    assert refusals() == (answer, answer)


def test_second_up_that_fails_changes_nothing(traceless, tmp_path):
    traceless.up("lan0")
    for last in (7, 8):
        traceless.ok("client", "allow", f"02:00:00:00:00:0{last}")
    before = traceless.traces(), traceless.program_ids(), traceless.ok("status")
    # In the first one the maps would be new ones; the second clients do not fit.
    foreign_xdp(traceless, tmp_path, "lan1")
    traceless.fails(1, "up", "-c", limited(traceless, 2000, "lan0 lan1"))
    traceless.sh("ip link set dev lan1 xdp off")
    assert "max_clients" in traceless.fails(1, "up", "-c", limited(traceless, 1))
    foreign_xdp(traceless, tmp_path, "lan1")
    error = traceless.fails(1, "up", "-c", traceless.config("lan0 lan1", attach="generic"))
    assert "lan1" in error and "other_prog" in error
    traceless.sh("ip link set dev lan1 xdp off")
    programs = traceless.program_ids()
    assert traceless.traces() == before[0]
    assert programs.keys() == before[1].keys()
    assert programs == before[1]
    assert traceless.ok("status") == before[2]
    assert traceless.ok("client", "show", "02:00:00:00:00:07")["state"] == "authorized"


def limited(gateway, max_clients, clients="lan0"):
    path = Path(gateway.config(clients))
    path.write_text(path.read_text().replace("1000", str(max_clients)))
    return str(path)


def test_second_up_makes_room(traceless):
    """More room and less, as long as the clients fit: their slots then are others."""
    traceless.up()
    macs = [f"02:00:00:00:01:{number:02x}" for number in range(16)]
    for mac in macs:
        traceless.ok("client", "allow", mac)
    traceless.ok("client", "block", macs[5])
    for mac in macs[:5] + macs[10:]:
        traceless.ok("client", "remove", mac)
    for room in (2000, 7, 70):  # of the slots 5 to 9, three are beyond the end of seven
        traceless.ok("up", "-c", limited(traceless, room))
        assert traceless.ok("status")["max_clients"] == room
        states = {mac: traceless.ok("client", "show", mac)["state"] for mac in macs[5:10]}
        assert [state for mac, state in states.items()] == ["blocked"] + ["authorized"] * 4
    traceless.ok("client", "allow", macs[0])
    error = traceless.fails(1, "up", "-c", limited(traceless, 5))
    assert "max_clients is 5" in error and "6 clients" in error
    slots = {entry["formatted"]["value"]["slot"] for entry in json.loads(traceless.sh(
        f"bpftool -j map dump pinned {BPFFS / traceless.name / 'clients'}"))}
    assert len(slots) == 6 and max(slots) < 70


def test_missing_interface(traceless):
    """All of them are; where some are there, the others are waited for."""
    error = traceless.fails(3, "up", "-c", traceless.config("lan9"))
    assert "lan9" in error and "lan1" in error


def test_interface_twice(traceless):
    assert "lan0" in traceless.fails(2, "up", "-c", traceless.config("lan0 lan0"))


def test_foreign_xdp_is_left_alone(traceless, tmp_path):
    foreign_xdp(traceless, tmp_path, "lan1")
    shown = traceless.sh("ip link show lan1")
    before = traceless.traces()
    error = traceless.fails(1, "up", "-c", traceless.config("lan0 lan1"))
    assert "lan1" in error and "other_prog" in error and "attach = tc" in error
    assert traceless.sh("ip link show lan1") == shown
    assert traceless.traces() == before
    traceless.up("lan0 lan1", attach="tc")
    assert traceless.sh("ip link show lan1") == shown
    traceless.ok("down")
    assert traceless.sh("ip link show lan1") == shown
    traceless.sh("ip link set dev lan1 xdp off")


def test_filters_of_others_stay(traceless, tmp_path):
    with foreign_program("tc") as pin:
        filters_of_others(traceless, pin)


def filters_of_others(traceless, pin):
    add = f"tc filter add dev lan0 ingress priority 9 bpf direct-action object-pinned {pin}"
    traceless.sh("tc qdisc add dev lan0 clsact")
    traceless.sh(add)
    traceless.up(tc="clsact")
    traceless.ok("down")
    assert pin.name in traceless.sh("tc filter show dev lan0 ingress")
    traceless.sh("tc qdisc delete dev lan0 clsact")
    traceless.up(tc="clsact")
    traceless.sh(add)
    traceless.ok("down")
    shown = traceless.sh("tc filter show dev lan0 ingress")
    assert pin.name in shown and "sallyport" not in shown
    traceless.sh("tc qdisc delete dev lan0 clsact")


def test_priority_of_the_filter_taken(traceless, tmp_path):
    traceless.sh("tc qdisc add dev lan0 clsact")
    with foreign_program("tc") as pin:
        traceless.sh(
            "tc filter add dev lan0 egress protocol all priority 21328 handle 0x5350 bpf "
            f"direct-action object-pinned {pin}"
        )
    before = traceless.traces(), traceless.sh("tc filter show dev lan0 egress")
    assert "left alone" in traceless.fails(1, "up", "-c", traceless.config(tc="clsact"))
    assert (traceless.traces(), traceless.sh("tc filter show dev lan0 egress")) == before
    traceless.sh("tc qdisc delete dev lan0 clsact")


@pytest.mark.parametrize("keys", [{}, {"attach": "generic", "tc": "clsact"}])
def test_down_frees_programs_and_maps(gateway, keys):
    gateway.up("lan0 lan1", **keys)
    pins = BPFFS / gateway.name
    used = [("prog", pin) for pin in (pins / "programs").iterdir()]
    assert len(used) == 7
    used += [("map", pins / "clients"), ("map", pins / "usage")]
    used = [(kind, json.loads(gateway.sh(f"bpftool -j {kind} show pinned {pin}"))["id"]) for kind, pin in used]
    assert all(exists(*one) for one in used)
    gateway.ok("down")
    deadline = time.monotonic() + 30  # the kernel frees them after a grace period
    while time.monotonic() < deadline and any(exists(*one) for one in used):
        time.sleep(0.05)
    assert not [one for one in used if exists(*one)]


def exists(kind, number):
    return call("bpftool", kind, "show", "id", str(number)).returncode == 0


def test_two_instances_in_one_namespace(traceless):
    other = traceless.name + "-b"
    traceless.instances.append(other)
    traceless.up("lan0")
    traceless.up("lan1", instance=other)
    error = traceless.fails(1, "up", "-c", traceless.config("lan0"), instance=other)
    assert "lan0" in error and "sallyport_xdp" in error
    traceless.ok("down", instance=other)
    assert traceless.modes() == {"lan0": ("native", "tcx")}


def test_name_of_somebody_else(traceless):
    error = traceless.fails(1, "up", "-c", traceless.config(), instance="netns")
    assert "/run/netns" in error and "-I" in error
    assert (RUN / "netns" / traceless.name).exists()
    assert not (BPFFS / "netns").exists()


def test_interface_removed_and_made_again(traceless):
    traceless.sh("ip link add tmp0 type veth peer name tmp1")
    traceless.up("lan0 tmp0")
    traceless.sh("ip link delete tmp0")
    gone = {one["interface"]: one for one in traceless.ok("status")["interfaces"]}["tmp0"]
    assert gone["ifindex"] is None and gone["mode"] == "none" and "removed" in gone["why"]
    traceless.up("lan0 tmp0")
    assert traceless.modes()["tmp0"] == ("none", "none")
    traceless.sh("ip link add tmp0 type veth peer name tmp1")
    traceless.up("lan0 tmp0")
    assert traceless.modes()["tmp0"] == ("native", "tcx")
    traceless.sh("ip link delete tmp0")
    traceless.up("lan0")
    assert sorted(os.listdir(BPFFS / traceless.name / "links")) == ["tc-in-lan0", "tc-out-lan0", "xdp-lan0"]


def test_other_namespace_is_said(traceless):
    traceless.up()
    for command in ("status", "down"):
        done = call(SALLYPORT, "-I", traceless.name, command)
        assert done.returncode == 1
        assert f"/run/netns/{traceless.name}" in done.stderr
    done = call("ip", "netns", "exec", traceless.name, SALLYPORT, "-I", traceless.name, "status")
    assert done.returncode == 1
    assert "nsenter" in done.stderr


def test_namespace_is_gone(gateway):
    gateway.up("lan0", tc="clsact")
    subprocess.run(["ip", "netns", "delete", gateway.name], check=True)
    done = call(SALLYPORT, "-I", gateway.name, "status")
    assert done.returncode == 1 and "is gone" in done.stderr and "down" in done.stderr
    deadline = time.monotonic() + 30
    while True:
        done = call(SALLYPORT, "-I", gateway.name, "down")
        if done.returncode == 0 or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    assert done.returncode == 0, done.stderr
    assert not (BPFFS / gateway.name).exists()
    assert not (RUN / gateway.name).exists()


def test_not_loaded(traceless):
    for command in (["down"], ["status"], ["stats"], ["client", "list"]):
        assert traceless.name in traceless.fails(4, *command)


def test_killed_up_is_cleaned(traceless):
    """Wherever SIGKILL hits: `down` clears what is left, and so does the next `up`."""
    config = traceless.config("lan0 lan1", tc="clsact")
    before = traceless.traces()
    for step in range(24):
        process = traceless.start_up(config)
        time.sleep(step * 0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if step % 2:
            traceless.up("lan0 lan1")
            assert traceless.modes() == {"lan0": ("native", "tcx"), "lan1": ("native", "tcx")}
        traceless.run("down")
        assert traceless.traces() == before


def test_concurrent_ups(traceless):
    config = traceless.config("lan0 lan1")
    several = [traceless.start_up(config) for _ in range(4)]
    assert [one.wait(60) for one in several] == [0] * 4
    assert traceless.modes() == {"lan0": ("native", "tcx"), "lan1": ("native", "tcx")}


def start_daemon(gateway, ignore_term=False):
    """Somebody that holds the pid file as the keeper does."""
    path = RUN / gateway.name / "sallyportd.pid"
    child = os.fork()
    if child:
        deadline = time.monotonic() + 30
        while not path.exists() or not path.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return child
    if ignore_term:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with open(path, "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(f"{os.getpid()}\n")
        file.flush()
        signal.pause()
        time.sleep(60)
    os._exit(0)


@pytest.mark.parametrize("ignore_term", [False, True])
def test_down_stops_the_daemon(traceless, ignore_term):
    traceless.up()
    child = start_daemon(traceless, ignore_term)
    assert traceless.ok("status")["daemon"] == child
    traceless.ok("down")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) in (-signal.SIGTERM, -signal.SIGKILL)


def test_recycled_pid_is_not_killed(traceless):
    traceless.up()
    innocent = subprocess.Popen(["sleep", "60"])
    (RUN / traceless.name / "sallyportd.pid").write_text(f"{innocent.pid}\n")
    assert traceless.ok("status")["daemon"] is None
    traceless.ok("down")
    assert innocent.poll() is None
    innocent.terminate()
    innocent.wait()
