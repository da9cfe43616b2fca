# SPDX-License-Identifier: GPL-2.0-or-later
"""What is wrong is refused with the documented exit code and a sentence, and changes nothing."""

import json
import os
import shutil
import subprocess

import pytest

from lab import CLIENT_MAC, PLAIN_PORTAL, SBIN, bpftool, gateway_state
from test_login import fetch, form_action, hidden_fields, portal

OTHER_MAC = "02:85:00:00:00:99"
DONE, FAILED, USAGE, NOT_FOUND, NOT_LOADED, PERMISSION = range(6)


@pytest.mark.parametrize(
    "arguments, code, words",
    [
        ("client allow nonsense", USAGE, "nonsense"),
        ("client allow 02:85:00:00:00", USAGE, "02:85:00:00:00"),
        ("client allow 02:85:00:00:00:02:03", USAGE, "02:85:00:00:00:02:03"),
        ("client allow 00:00:00:00:00:00", USAGE, "00:00:00:00:00:00"),
        ("client allow 01:00:5e:00:00:01", USAGE, "multicast"),
        ("client allow ff:ff:ff:ff:ff:ff", USAGE, "ff:ff:ff:ff:ff:ff"),
        ("client allow", USAGE, "MAC"),
        (f"client allow {OTHER_MAC} --vlan 4095", USAGE, "4094"),
        (f"client allow {OTHER_MAC} --vlan -1", USAGE, "-1"),
        (f"client allow {OTHER_MAC} --vlan x", USAGE, "x"),
        (f"client allow {OTHER_MAC} --for -8h", USAGE, "-8h"),
        (f"client allow {OTHER_MAC} --for 8x", USAGE, "8x"),
        (f"client allow {OTHER_MAC} --for 99999999999999999999d", USAGE, "99999999999999999999d"),
        (f"client allow {OTHER_MAC} --for 999999999999999d", USAGE, "999999999999999d"),
        (f"client allow {OTHER_MAC} --for", USAGE, "--for"),
        (f"client allow {OTHER_MAC} --for 1h --for 2h", USAGE, "--for"),
        (f"client allow {OTHER_MAC} --quota -2G", USAGE, "-2G"),
        (f"client allow {OTHER_MAC} --quota-up 0", USAGE, "--quota-up"),
        (f"client allow {OTHER_MAC} --quota-down x", USAGE, "--quota-down"),
        (f"client allow {OTHER_MAC} --up fast", USAGE, "fast"),
        (f"client allow {OTHER_MAC} --up 0", USAGE, "from 8K to 400G"),
        (f"client allow {OTHER_MAC} --down 401G", USAGE, "from 8K to 400G"),
        (f"client allow {OTHER_MAC} --burst-up 64K", USAGE, "--up"),
        (f"client allow {OTHER_MAC} --down 1M --burst-down 1K", USAGE, "from 1500 to 1G"),
        (f"client allow {OTHER_MAC} --bind fd85::2", USAGE, "IPv4"),
        (f"client allow {OTHER_MAC} --bind 10.85.0", USAGE, "auto"),
        (f"client allow {OTHER_MAC} --bind 224.0.0.1", USAGE, "not the address of a host"),
        (f"client allow {OTHER_MAC} --colour red", USAGE, "--colour"),
        (f"client allow {OTHER_MAC} --note {'x' * 64}", USAGE, "note"),
        (f"client show {OTHER_MAC}", NOT_FOUND, OTHER_MAC),
        (f"client remove {OTHER_MAC}", NOT_FOUND, OTHER_MAC),
        ("client lsit", USAGE, "list"),
        ("stauts", USAGE, "status"),
        ("-I ../etc status", USAGE, "../etc"),
        ("-I nobody-made-this status", NOT_LOADED, "up"),
        ("-I nobody-made-this client list", NOT_LOADED, "up"),
        ("-I nobody-made-this down", NOT_LOADED, "nobody-made-this"),
    ],
)
def test_command_line(lab, arguments, code, words):
    def sallyport(*words):
        # Not `ctl`, which names the instance itself.
        instance = [] if "-I" in words else ["-I", lab.name]
        return lab.run("gw", str(SBIN / "sallyport"), *instance, *words, check=False)

    before = lab.json("client", "list")
    result = sallyport(*arguments.split())
    assert (result.returncode, result.stdout) == (code, "")
    assert words in result.stderr
    assert result.stderr.startswith("sallyport: ")
    assert lab.json("client", "list") == before

    result = sallyport("-j", *arguments.split())
    assert result.returncode == code
    error = json.loads(result.stderr)
    assert words in error["error"] and error["exit_code"] == code


@pytest.mark.parametrize(
    "text, code, words",
    [
        ("client = lan0\n", USAGE, ":1:"),
        ("[gateway]\nclient = lan0\nclinet = lan1\n", USAGE, ":3:"),
        ("[gateway]\nclient = lan0\nclient = lan0\n", USAGE, ":3:"),
        ("[gateway]\nclient = lan0 lan0\n", USAGE, ":2:"),
        ("[gateway]\nclient = lan0\nattach = hardware\n", USAGE, ":3:"),
        ("[gateway]\nclient = lan0\n\n[garage]\n", USAGE, "garage"),
        ("[gateway]\nclient = lan0\n[portal]\nplain_port = 80\n", USAGE, ":4:"),
        ("[gateway]\nclient = lan0\n[portal]\nsession = -1h\n", USAGE, ":4:"),
        ("[gateway]\nclient = lan0\n[portal]\nlisten = 10.85.0.300\n", USAGE, ":4:"),
        ("[gateway]\nclient = lan0\nmax_clients = 0\n", USAGE, ":3:"),
        (PLAIN_PORTAL + "[gateway]\nclient = nosuch0\n", NOT_FOUND, "lan0"),
        ("[gateway]\nclient =\n", USAGE, "client"),
        ("[gateway]\nclient = lan0\n", USAGE, "cert self-signed"),
        ("[gateway]\nclient = lan0\n[portal]\nport = 8080\n", USAGE, ":4:"),
        ("[gateway]\nclient = lan0\n[portal]\nkey = portal.key\n", USAGE, ":4:"),
        ("", USAGE, "client"),
    ],
)
def test_configuration(hosts, tmp_path, text, code, words):
    path = tmp_path / "sallyport.conf"
    path.write_text(text)
    before = gateway_state(hosts)
    result = hosts.ctl("up", "-c", str(path))
    assert result.returncode == code, result.stderr
    assert str(path) in result.stderr or code == NOT_FOUND
    assert words in result.stderr
    assert gateway_state(hosts) == before


def test_unreadable_configuration(hosts, tmp_path):
    before = gateway_state(hosts)
    result = hosts.ctl("up", "-c", str(tmp_path / "nosuch.conf"))
    assert result.returncode == USAGE
    assert "nosuch.conf" in result.stderr
    result = hosts.ctl("up", "-c", str(tmp_path))
    assert result.returncode == USAGE
    assert gateway_state(hosts) == before


def test_without_root(lab, tmp_path):
    """The exit code for permission, whatever is asked for."""
    program = tmp_path / "sallyport"
    for name in ("sallyport", "sallyportd"):
        shutil.copy(SBIN / name, tmp_path / name)
    for folder in (tmp_path, *tmp_path.parents):
        if str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    for arguments in (["status"], ["client", "list"], ["client", "allow", OTHER_MAC], ["down"]):
        result = lab.run(
            "gw", "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
            str(program), "-I", lab.name, *arguments, check=False,
        )
        assert result.returncode == PERMISSION, (arguments, result.stderr)
        assert "root" in result.stderr
    assert lab.status(4) == 511


def foreign_program(folder):
    source = folder / "foreign.c"
    source.write_text(
        '__attribute__((section("xdp"))) int stranger(void *context) { return 2; }\n'
        '__attribute__((section("license"))) char LICENSE[] = "GPL";\n'
    )
    target = folder / "foreign.o"
    subprocess.run(
        ["clang", "-O2", "-g", "-target", "bpf", "-c", str(source), "-o", str(target)], check=True
    )
    return str(target)


@pytest.fixture
def ungated(gated):
    """The module's lab with its gate down; it is up again afterwards."""
    gated.ctl("down", check=True)
    yield gated
    gated.gate()


def up(lab):
    return lab.ctl("up", "-c", f"/run/sallyport-lab/{lab.name}/sallyport.conf")


def test_foreign_xdp_program_is_left_alone(ungated, tmp_path):
    # By bpftool: ip makes folders below /sys/fs/bpf that stay.
    pin = f"/sys/fs/bpf/{ungated.name}-foreign"
    ungated.run("gw", "bpftool", "prog", "load", foreign_program(tmp_path), pin, "type", "xdp")
    try:
        ungated.run("gw", "bpftool", "net", "attach", "xdp", "pinned", pin, "dev", "lan0")
        before = gateway_state(ungated)
        result = up(ungated)
        assert result.returncode == FAILED
        assert "lan0" in result.stderr and "stranger" in result.stderr
        assert gateway_state(ungated) == before
    finally:
        ungated.run("gw", "bpftool", "net", "detach", "xdp", "dev", "lan0", check=False)
        os.unlink(pin)


def test_private_mounts_are_explained(ungated):
    """With another /sys/fs/bpf than the machine's, pins would vanish with the command."""
    before = gateway_state(ungated)
    result = ungated.run(
        "gw", "unshare", "--mount", "sh", "-c",
        'umount -l /sys/fs/bpf; exec "$@"', "sh", str(SBIN / "sallyport"), "-I", ungated.name,
        "up", "-c", f"/run/sallyport-lab/{ungated.name}/sallyport.conf", check=False,
    )
    assert result.returncode == FAILED
    assert "nsenter" in result.stderr
    assert gateway_state(ungated) == before


def test_maps_of_another_version(lab):
    lab.allow()
    pin = f"/sys/fs/bpf/{lab.name}/settings"
    key = ["key", "0", "0", "0", "0"]
    octets = bpftool("map", "lookup", "pinned", pin, *key)["value"]
    other = ["0xe7", "0x03", "0x00", "0x00", *octets[4:]]
    subprocess.run(["bpftool", "map", "update", "pinned", pin, *key, "value", *other], check=True)
    for arguments in (["client", "list"], ["client", "remove", CLIENT_MAC], ["stats"]):
        result = lab.ctl(*arguments)
        assert result.returncode == FAILED, arguments
        assert "999" in result.stderr and "sallyport up" in result.stderr
    assert lab.status(4) == 200
    assert up(lab).returncode == DONE
    assert bpftool("map", "lookup", "pinned", pin, *key)["value"][:4] == octets[:4]
    assert lab.client()["state"] == "authorized" and lab.status(4) == 200


def test_full_client_table(ungated, tmp_path):
    path = tmp_path / "small.conf"
    path.write_text(PLAIN_PORTAL + "[gateway]\nclient = lan0\nmax_clients = 2\n")
    ungated.gate(path)
    try:
        ungated.allow(mac="02:85:00:00:00:98")
        ungated.allow(mac=OTHER_MAC)
        before = ungated.json("client", "list")
        result = ungated.ctl("client", "allow", CLIENT_MAC)
        assert result.returncode == FAILED
        assert "max_clients" in result.stderr
        assert sorted(entry["mac"] for entry in ungated.json("client", "list")) == sorted(
            entry["mac"] for entry in before
        )
        assert ungated.status(4) == 511
        page = fetch(ungated, portal(4))
        answer = fetch(ungated, portal(4, form_action(page.body)), *hidden_fields(page.body))
        assert answer.status == 503
        # It grows under the clients that it has, and does not shrink over them.
        path.write_text(PLAIN_PORTAL + "[gateway]\nclient = lan0\nmax_clients = 3\n")
        ungated.ctl("up", "-c", str(path), check=True)
        ungated.allow()
        assert ungated.status(4) == 200
        path.write_text(PLAIN_PORTAL + "[gateway]\nclient = lan0\nmax_clients = 2\n")
        result = ungated.ctl("up", "-c", str(path))
        assert result.returncode == FAILED
        assert "max_clients" in result.stderr
        assert ungated.status(4) == 200
    finally:
        ungated.ctl("down", check=True)
