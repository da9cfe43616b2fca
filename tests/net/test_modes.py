# SPDX-License-Identifier: GPL-2.0-or-later
"""Every way of attaching does the same job, says which one it is, and leaves nothing behind."""

import os

import pytest

from lab import (
    CLIENT, CLIENT_MAC, INTERNET, PLAIN_PORTAL, Lab, Sniffer, alive, bpf_objects, gateway_state,
    wait_until,
)

KERNEL = tuple(int(part) for part in os.uname().release.split(".")[:2])

MODES = [
    ("native", "tcx"),
    ("native", "clsact"),
    ("generic", "tcx"),
    ("generic", "clsact"),
    ("tc", "tcx"),
    ("tc", "clsact"),
]


def configuration(folder, **gateway):
    keys = "".join(f"{key} = {value}\n" for key, value in gateway.items())
    path = folder / "sallyport.conf"
    path.write_text(PLAIN_PORTAL + f"[gateway]\nclient = lan0\n{keys}")
    return path


def attachment(lab):
    """Mode and TC hook of the client interface, as status shows them."""
    interface = lab.json("status")[0]["interfaces"][0]
    return interface["mode"], interface["tc_hook"]


@pytest.fixture
def bare(hosts):
    """The hosts without a gate, before and after."""
    yield hosts
    hosts.ctl("down")


@pytest.mark.parametrize("attach, tc", MODES)
def test_mode(bare, tmp_path, attach, tc):
    if tc == "tcx" and KERNEL < (6, 6):
        pytest.skip("tcx came with Linux 6.6")
    before = gateway_state(bare)
    bare.gate(configuration(tmp_path, attach=attach, tc=tc))
    assert attachment(bare) == (attach, tc)

    for family in (4, 6):
        with Sniffer(bare.host("net"), "net0") as network:
            assert bare.status(family) == 511
            assert bare.udp_echo(family, seconds=0.2) is None
            assert not bare.tcp_connects(INTERNET[family], 443, 0.2)
        assert network.with_address(CLIENT[family]) == []
        bare.allow()
        assert bare.status(family) == 200
        assert bare.udp_echo(family, bytes(1000)) == bytes(1000)
        client = bare.client()
        assert min(client["up_bytes"], client["down_bytes"]) > 1000
        bare.ctl("client", "remove", CLIENT_MAC, check=True)
        assert bare.status(family) == 511

    objects = bpf_objects(bare)
    assert {kind for kind, _ in objects} >= {"map", "prog"}
    bare.ctl("down", check=True)
    assert gateway_state(bare) == before
    # The kernel frees what nobody holds a moment later.
    wait_until(lambda: not alive(objects), 10, "the kernel to free the BPF objects")


def test_auto_takes_the_best(bare, tmp_path):
    bare.gate(configuration(tmp_path))
    assert attachment(bare) == ("native", "tcx" if KERNEL >= (6, 6) else "clsact")


def test_auto_falls_back_and_says_why(bare, tmp_path):
    """A bridge takes no native XDP."""
    bare.run("gw", "ip", "link", "add", "spbr0", "type", "bridge")
    bare.run("gw", "ip", "link", "set", "spbr0", "up")
    try:
        path = configuration(tmp_path)
        path.write_text(PLAIN_PORTAL + "[gateway]\nclient = spbr0\n")
        bare.ctl("up", "-c", str(path), check=True)
        interface = bare.json("status")[0]["interfaces"][0]
        assert interface["mode"] == "generic"
        assert interface["why"]
        bare.ctl("down", check=True)
        path.write_text(PLAIN_PORTAL + "[gateway]\nclient = spbr0\nattach = native\n")
        refused = bare.ctl("up", "-c", str(path))
        assert refused.returncode == 1
        assert "spbr0" in refused.stderr and "attach" in refused.stderr
    finally:
        bare.run("gw", "ip", "link", "delete", "spbr0")


def test_a_port_of_a_bridge_says_its_mode(bare, tmp_path):
    """What the bridge cannot do its ports can, which are attached one by one."""
    bare.run("gw", "ip", "link", "add", "spbr0", "type", "bridge")
    bare.run("gw", "ip", "link", "add", "spport0", "type", "veth", "peer", "name", "spport1")
    try:
        bare.run("gw", "ip", "link", "set", "spport0", "up", "master", "spbr0")
        path = configuration(tmp_path)
        path.write_text(PLAIN_PORTAL + "[gateway]\nclient = spport0 spbr0\n")
        bare.ctl("up", "-c", str(path), check=True)
        port, bridge = bare.json("status")[0]["interfaces"]
        assert (port["interface"], port["mode"], port["why"]) == ("spport0", "native", "")
        assert (bridge["interface"], bridge["mode"]) == ("spbr0", "generic") and bridge["why"]
        bare.ctl("down", check=True)
    finally:
        bare.run("gw", "ip", "link", "delete", "spport0")
        bare.run("gw", "ip", "link", "delete", "spbr0")


def test_lab_down_leaves_nothing(bare, tmp_path):
    """The same through tools/lab, with the daemon running and a client on the network."""
    other = Lab()
    other.up()
    try:
        other.gate(configuration(tmp_path))
        other.allow()
        assert other.status(4) == 200
        objects = bpf_objects(other)
    finally:
        other.down()
    wait_until(lambda: not alive(objects), 10, "the kernel to free the BPF objects")
    for path in ("/sys/fs/bpf", "/run", "/run/netns", "/run/sallyport-lab", "/var/lib"):
        assert not [name for name in os.listdir(path) if name.startswith(other.name)]
    assert other.tool("down", other.name).stdout == ""
