# SPDX-License-Identifier: GPL-2.0-or-later
"""Client interfaces that go and come back while the datapath is loaded."""

import os
import signal
import subprocess
import time

import pytest

from lab import (
    CLIENT, CLIENT_MAC, GATEWAY, GATEWAY_MAC, PLAIN_PORTAL, PORTAL_PORT, SBIN, Sniffer,
    foreign_program, gateway_state, processes, wait_until,
)

MODES = [("native", "tcx"), ("generic", "clsact"), ("tc", "tcx")]


def configuration(folder, **gateway):
    keys = "".join(f"{key} = {value}\n" for key, value in gateway.items())
    path = folder / "sallyport.conf"
    path.write_text(PLAIN_PORTAL + f"[gateway]\nclient = lan0\n{keys}")
    return path


def batch(lab, role, *lines):
    """Several ip commands in one process."""
    subprocess.run(
        ["nsenter", f"--net=/run/netns/{lab.host(role)}", "--", "ip", "-batch", "-"],
        input="\n".join(lines) + "\n", text=True, check=True,
    )


def remove(lab):
    batch(lab, "gw", "link delete lan0")


def make(lab, state="up"):
    """The wire between client and gateway as tools/lab makes it; lan0 is left in that state."""
    batch(
        lab, "gw",
        f"link add lan0 address {GATEWAY_MAC} type veth "
        f"peer name client0 netns {lab.host('client')} address {CLIENT_MAC}",
        f"link set lan0 {state}",
        f"address add {GATEWAY[4]}/24 dev lan0",
        f"address add {GATEWAY[6]}/64 dev lan0 nodad",
    )
    batch(
        lab, "client",
        "link set client0 up",
        f"address add {CLIENT[4]}/24 dev client0",
        f"address add {CLIENT[6]}/64 dev client0 nodad",
        f"route add default via {GATEWAY[4]}",
        f"route add default via {GATEWAY[6]}",
    )
    lab.run("client", "ethtool", "-K", "client0", "gro", "on")


def interface(lab, number=0):
    """What status shows of the client interface, or of the others by number."""
    return lab.json("status")[0]["interfaces"][number]


def wait_for(lab, state, number=0):
    def now():
        found = interface(lab, number)
        return found if found["state"] == state else None

    return wait_until(now, 10, state)


def log(lab):
    with open(f"/run/sallyport-lab/{lab.name}/sallyportd.log", encoding="utf-8") as file:
        return file.read()


def pins(lab):
    return sorted(os.listdir(f"/sys/fs/bpf/{lab.name}/links"))


@pytest.fixture
def bare(hosts):
    """The hosts without a gate and with their wire, before and after."""
    yield hosts
    hosts.ctl("down")
    if hosts.run("gw", "ip", "link", "show", "lan0", check=False).returncode:
        make(hosts)
    # One that was set down has lost it.
    batch(hosts, "gw", f"address replace {GATEWAY[6]}/64 dev lan0 nodad")


@pytest.fixture
def gate(bare, tmp_path):
    bare.gate(configuration(tmp_path))
    return bare


@pytest.mark.parametrize("attach, tc", MODES)
def test_comes_back(bare, tmp_path, attach, tc):
    """Reported as missing, attached again as before, and no session is lost."""
    bare.gate(configuration(tmp_path, attach=attach, tc=tc))
    bare.allow("--note", "stays")
    assert bare.status(4) == 200
    before = bare.client()
    first = interface(bare)

    remove(bare)
    gone = wait_for(bare, "missing")
    assert (gone["ifindex"], gone["mode"], gone["tc_hook"]) == (None, "none", "none")
    text = bare.ctl("status", check=True).stdout
    assert "lan0: missing" in text and "when it is back" in text

    make(bare)
    back = wait_for(bare, "attached")
    assert (back["mode"], back["tc_hook"]) == (attach, tc) == (first["mode"], first["tc_hook"])
    assert (back["why"], back["changed"]) == (first["why"], "")
    assert back["ifindex"] != first["ifindex"]
    assert bare.status(4) == bare.status(6) == 200
    after = bare.client()
    assert (after["note"], after["since"]) == ("stays", before["since"])
    assert after["up_packets"] > before["up_packets"]
    said = log(bare)
    assert "interface lan0 is gone" in said and "interface lan0 is attached" in said

    bare.forget()
    assert bare.status(4) == bare.status(6) == 511
    # The portal knows the new interface: it tells clients by where they come from.
    wait_until(lambda: answer_of_portal(bare) == 200, 5, "the portal's page")


def answer_of_portal(lab):
    answer = lab.curl(GATEWAY[4], port=PORTAL_PORT)
    return answer and answer.status


def test_uplink_comes_back(bare, tmp_path):
    """With the route fast path: what is forwarded past the stack goes to the new interface."""
    bare.gate(configuration(tmp_path, forward="route", uplink="wan0"))
    bare.allow()
    batch(bare, "gw", "link delete wan0")
    wait_for(bare, "missing", 1)
    batch(
        bare, "gw",
        "link add wan0 address 02:86:00:00:00:01 type veth peer name net0 "
        f"netns {bare.host('net')} address 02:86:00:00:00:02",
        "link set wan0 up", "address add 10.86.0.1/24 dev wan0",
        "address add fd86::1/64 dev wan0 nodad",
    )
    batch(
        bare, "net", "link set net0 up", "address add 10.86.0.2/24 dev net0",
        "address add fd86::2/64 dev net0 nodad", "route add default via 10.86.0.1",
        "route add default via fd86::1",
    )
    bare.run("net", "ethtool", "-K", "net0", "gro", "on", "tx", "off")
    assert wait_for(bare, "attached", 1)["mode"] == "native"
    before = bare.reasons()

    def past_the_stack():
        assert bare.status(4) == bare.status(6) == 200
        after = bare.reasons()
        return all(
            after.get(name, 0) > before.get(name, 0) for name in ("routed", "down_routed")
        )

    # Of what ethtool does no message comes: seen with the next look.
    wait_until(past_the_stack, 10, "the route fast path")


def test_fifty_times_in_a_row(gate):
    gate.allow()
    for _ in range(50):
        remove(gate)
        make(gate)
    wait_for(gate, "attached")
    assert gate.status(4) == gate.status(6) == 200
    assert pins(gate) == ["tc-in-lan0", "tc-out-lan0", "xdp-lan0"]
    gate.forget()
    assert gate.status(4) == 511
    wait_until(lambda: answer_of_portal(gate) == 200, 5, "the portal's page")


def sender(lab):
    """Datagrams from a captive client, one a millisecond, until it is terminated."""
    return lab.popen(
        "client", "/usr/bin/python3", "-c",
        "import socket, time\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "while True:\n"
        " try: s.sendto(b'too early', ('10.86.0.2', 9))\n"
        " except OSError: pass\n"
        " time.sleep(0.001)",
    )


def refused(lab):
    """Datagrams that were refused, with or without an answer."""
    reasons = lab.reasons()
    return sum(reasons.get(name, 0) for name in ("udp", "unreachable", "budget_refusal"))


def test_what_is_made_up_is_soon_judged(gate):
    """Nothing can be attached before an interface is there; then it takes a moment only."""
    remove(gate)
    process = sender(gate)
    try:
        with Sniffer(gate.host("net"), "net0") as network:
            make(gate)
            wait_for(gate, "attached")
            time.sleep(0.3)
    finally:
        process.terminate()
        process.wait()
    assert len(network.with_address(CLIENT[4])) < 500
    with Sniffer(gate.host("net"), "net0") as network:
        assert gate.udp_echo(4, seconds=0.2) is None
    assert network.with_address(CLIENT[4]) == []


def test_what_is_made_down_is_judged_from_the_first_packet(gate):
    """What the manual page advises."""
    remove(gate)
    process = sender(gate)
    try:
        with Sniffer(gate.host("net"), "net0") as network:
            make(gate, "down")
            wait_for(gate, "attached")
            gate.run("gw", "ip", "link", "set", "lan0", "up")
            wait_until(lambda: refused(gate) > 20, 5, "packets of the sender")
    finally:
        process.terminate()
        process.wait()
    assert network.with_address(CLIENT[4]) == []


def test_without_the_daemon(gate, tmp_path):
    """Said by status, put right by `up`."""
    gate.allow()
    os.kill(gate.daemon_pid(), signal.SIGKILL)
    wait_until(lambda: not processes(gate), 5, "the daemon's children to end too")
    remove(gate)
    gone = interface(gate)
    assert gone["state"] == "missing" and "`sallyport up` when it is back" in gone["why"]
    refused = gate.ctl("up", "-c", str(tmp_path / "sallyport.conf"))
    assert refused.returncode == 3
    assert "lan0" in refused.stderr and "wan0" in refused.stderr

    make(gate)
    back = interface(gate)
    assert back["state"] == "detached"
    assert "not judged" in back["why"] and "sallyport up" in back["why"]
    assert "lan0: detached" in gate.ctl("status", check=True).stdout
    gate.ctl("up", "-c", str(tmp_path / "sallyport.conf"), check=True)
    assert interface(gate)["state"] == "attached"
    assert gate.status(4) == 200
    gate.forget()
    with Sniffer(gate.host("net"), "net0") as network:
        assert gate.udp_echo(4, seconds=0.2) is None
    assert network.with_address(CLIENT[4]) == []


def test_daemon_starts_while_it_is_missing(gate, tmp_path):
    """With a portal at an address of its own; without one there is nothing to listen at."""
    path = tmp_path / "sallyport.conf"
    path.write_text(path.read_text() + "[portal]\nlisten = 10.86.0.1\n")
    os.kill(gate.daemon_pid(), signal.SIGKILL)
    wait_until(lambda: not processes(gate), 5, "the daemon's children to end too")
    gate.ctl("up", "-c", str(path), check=True)
    remove(gate)
    with gate.popen("gw", str(SBIN / "sallyportd"), "-I", gate.name, stderr=subprocess.DEVNULL) as run:
        try:
            wait_until(gate.daemon_pid, 5, "the daemon")
            make(gate)
            wait_for(gate, "attached")
            wait_until(lambda: gate.status(4) == 511, 5, "the responder")
        finally:
            run.terminate()


def test_down_while_it_is_missing(bare, tmp_path):
    before = gateway_state(bare)
    bare.gate(configuration(tmp_path, tc="clsact"))
    remove(bare)
    wait_for(bare, "missing")
    bare.ctl("down", check=True)
    make(bare)
    after = gateway_state(bare)
    for kind in ("rules", "queueing", "filters", "folders", "processes"):
        assert after[kind] == before[kind]
    assert bare.status(4) == 200


def test_renamed(gate):
    """Judged on, said so, and right again with its old name."""
    batch(gate, "gw", "link set lan0 down", "link set lan0 name other0", "link set other0 up")
    renamed = wait_for(gate, "renamed")
    assert "other0" in renamed["why"] and renamed["mode"] == "native"
    wait_until(lambda: "called other0 now" in log(gate), 2, "the log")
    with Sniffer(gate.host("net"), "net0") as network:
        assert gate.udp_echo(4, seconds=0.2) is None
    assert network.with_address(CLIENT[4]) == []
    batch(gate, "gw", "link set other0 down", "link set other0 name lan0", "link set lan0 up")
    wait_for(gate, "attached")
    assert gate.status(4) == 511


@pytest.mark.parametrize("tc", ["tcx", "clsact"])
def test_up_follows_a_new_name(bare, tmp_path, tc):
    """The configuration has the new name too: the same programs, no moment without them."""
    path = configuration(tmp_path, tc=tc)
    bare.gate(path)
    bare.allow()
    batch(bare, "gw", "link set lan0 down", "link set lan0 name other0", "link set other0 up")
    path.write_text(path.read_text().replace("lan0", "other0"))
    try:
        bare.ctl("up", "-c", str(path), check=True)
        after = interface(bare)
        assert (after["interface"], after["state"], after["mode"]) == ("other0", "attached", "native")
        assert all(pin.endswith("-other0") for pin in pins(bare))
        assert bare.status(4) == 200
        bare.ctl("down", check=True)
        assert "clsact" not in bare.run("gw", "tc", "qdisc", "show", "dev", "other0").stdout
    finally:
        batch(bare, "gw", "link set other0 down", "link set other0 name lan0", "link set lan0 up")


@pytest.mark.parametrize("tc", ["tcx", "clsact"])
def test_another_takes_its_name(bare, tmp_path, tc):
    """The configuration names lan0: the new one is judged, the renamed one is let go."""
    bare.gate(configuration(tmp_path, tc=tc))
    batch(bare, "gw", "link set lan0 down", "link set lan0 name other0")
    wait_for(bare, "renamed")
    batch(bare, "gw", "link add lan0 address 02:85:00:00:00:77 type veth peer name peer0")
    assert "MAC 02:85:00:00:00:77 is new" in wait_for(bare, "attached")["changed"]
    assert "xdp" not in bare.run("gw", "ip", "link", "show", "other0").stdout
    assert "clsact" not in bare.run("gw", "tc", "qdisc", "show", "dev", "other0").stdout
    assert "xdp" in bare.run("gw", "ip", "link", "show", "lan0").stdout
    batch(bare, "gw", "link delete lan0", "link set other0 name lan0", "link set lan0 up")
    wait_for(bare, "attached")
    assert bare.status(4) == 511


def test_moved_to_another_namespace_and_back(gate):
    """TC programs do not come along: they are attached again."""
    batch(gate, "gw", f"link set lan0 netns {gate.host('net')}")
    wait_for(gate, "missing")
    batch(gate, "net", f"link set lan0 netns {gate.host('gw')}")
    back = wait_for(gate, "attached")
    assert (back["mode"], back["tc_hook"]) == ("native", "tcx")
    batch(
        gate, "gw", "link set lan0 up", f"address add {GATEWAY[4]}/24 dev lan0",
        f"address add {GATEWAY[6]}/64 dev lan0 nodad",
    )
    for family in (4, 6):
        # The client's side tells of its carrier a moment later.
        wait_until(lambda: gate.status(family, seconds=1) == 511, 5, "the responder")


def test_lost_messages(gate):
    """More than the daemon's socket holds while it does not read."""
    daemon = gate.daemon_pid()
    os.kill(daemon, signal.SIGSTOP)
    try:
        for number in range(3):
            names = [f"dummy{number}x{index}" for index in range(60)]
            batch(gate, "gw", *[f"link add {name} type bridge" for name in names])
            batch(gate, "gw", *[f"link delete {name}" for name in names])
        remove(gate)
        make(gate)
    finally:
        os.kill(daemon, signal.SIGCONT)
    wait_for(gate, "attached")
    assert gate.status(4) == 511


def test_program_that_was_taken_away(gate):
    """Of a detached link no message comes: found within seconds, for it is looked for."""
    links = [f"/sys/fs/bpf/{gate.name}/links/{name}" for name in ("tc-in-lan0", "xdp-lan0")]
    for link in links:
        subprocess.run(["bpftool", "link", "detach", "pinned", link], check=True)
    assert interface(gate)["state"] == "detached"
    wait_for(gate, "attached")
    # TC comes first; with XDP missing it is attached already.
    wait_until(lambda: interface(gate)["mode"] == "native", 5, "XDP to come back too")
    assert interface(gate)["tc_hook"] == "tcx"
    assert gate.status(4) == 511


def test_somebody_else_was_faster(gate):
    """Another's XDP program on the new interface stays; TC judges, and both are told."""
    daemon = gate.daemon_pid()
    os.kill(daemon, signal.SIGSTOP)
    try:
        remove(gate)
        make(gate)
        with foreign_program("xdp") as pin:
            batch(gate, "gw", f"link set dev lan0 xdp pinned {pin}")
    finally:
        os.kill(daemon, signal.SIGCONT)
    try:
        wait_for(gate, "attached")
        # TC comes first, and XDP is tried then.
        wait_until(lambda: "already has an XDP program" in interface(gate)["why"], 5, "the reason")
        assert interface(gate)["mode"] == "tc"
        # The daemon may not look at programs that are not its own: it names the id.
        wait_until(lambda: "bpftool prog show id" in log(gate), 2, "the log")
        with Sniffer(gate.host("net"), "net0") as network:
            assert gate.status(4) == 511
            assert gate.udp_echo(4, seconds=0.2) is None
        assert network.with_address(CLIENT[4]) == []
    finally:
        batch(gate, "gw", "link set dev lan0 xdp off")


def test_changed_addresses(gate, tmp_path):
    batch(gate, "gw", "address add 10.85.0.77/24 dev lan0", "address delete fd85::1/64 dev lan0")
    changed = interface(gate)["changed"]
    assert "10.85.0.77 is new" in changed and "fd85::1 is gone" in changed
    assert f"({changed}): run `sallyport up`" in gate.ctl("status", check=True).stdout
    wait_until(lambda: f"({changed})" in log(gate), 8, "the log")
    try:
        gate.ctl("up", "-c", str(tmp_path / "sallyport.conf"), check=True)
        assert interface(gate)["changed"] == ""
        assert gate.ping("10.85.0.77")
    finally:
        batch(
            gate, "gw", "address delete 10.85.0.77/24 dev lan0",
            "address add fd85::1/64 dev lan0 nodad",
        )
