# SPDX-License-Identifier: GPL-2.0-or-later
"""Differences between ledger, maps, programs and listeners, made behind Sallyport's back with
bpftool, sqlite3 and ip: each is found, named and repaired, and bpftool is asked what is there."""

import contextlib
import json
import sqlite3
import struct
import threading
from pathlib import Path

import pytest

from lab import CLIENT_MAC, bpftool, soak, wait_until

OTHER_MAC = "02:85:00:00:00:77"
# Of struct sp_client_policy (include/sallyport/abi.h).
STATE, SLOT, QUOTA = (0, "I"), (4, "I"), (40, "Q")
# Of struct sp_settings.
GENERATION, GARDEN4 = (12, "I"), (40, "I")


def pin(lab, name):
    return f"/sys/fs/bpf/{lab.name}/{name}"


def entries(lab, name):
    """Key and value of each entry of a map, as bytes."""
    return {
        bytes(int(byte, 16) for byte in one["key"]): bytes(int(byte, 16) for byte in one["value"])
        for one in bpftool("map", "dump", "pinned", pin(lab, name))
    }


def words(data):
    return ["hex", *(f"{byte:02x}" for byte in data)]


def update(lab, name, key, value):
    lab.run("gw", "bpftool", "map", "update", "pinned", pin(lab, name), "key", *words(key),
            "value", *words(value))


def delete(lab, name, key):
    lab.run("gw", "bpftool", "map", "delete", "pinned", pin(lab, name), "key", *words(key))


def field(value, where):
    return struct.unpack_from("<" + where[1], value, where[0])[0]


def change(lab, name, key, where, number):
    value = bytearray(entries(lab, name)[key])
    struct.pack_into("<" + where[1], value, where[0], number)
    update(lab, name, key, value)


def key_of(mac):
    return bytes.fromhex(mac.replace(":", "")) + b"\0\0"


@contextlib.contextmanager
def ledger(lab):
    with contextlib.closing(sqlite3.connect(f"/var/lib/{lab.name}/ledger.db", timeout=10)) as base:
        yield base
        base.commit()


def running(lab):
    with ledger(lab) as base:
        return base.execute("SELECT mac, cause, ended FROM session WHERE ended = 0").fetchall()


def verify(lab, *options):
    """The exit code and what is said, with the differences as pairs."""
    result = lab.ctl("-j", "verify", *options)
    assert result.stderr == ""
    report = json.loads(result.stdout)
    assert result.returncode == (1 if report["left"] else 0)
    assert report["found"] >= len(report["differences"])
    return report


def found(report):
    return {(one["difference"], one["about"]) for one in report["differences"]}


def repaired(lab, *expected):
    """Exactly these are found, and none is left after the repair."""
    report = verify(lab)
    assert found(report) == set(expected)
    assert report["left"] == report["found"] and all(one["what"] for one in report["differences"])
    report = verify(lab, "--repair")
    assert found(report) == set(expected) and report["left"] == 0
    assert not any(one["left"] for one in report["differences"])
    assert verify(lab)["found"] == 0


@pytest.fixture
def two(lab):
    """A lab with two sessions, which nothing is wrong with, before and after."""
    lab.ctl("client", "remove", OTHER_MAC)
    lab.allow("--quota", "1G", "--for", "1h")
    lab.allow(mac=OTHER_MAC)
    assert verify(lab)["found"] == 0
    yield lab
    assert lab.ctl("verify", "--repair").returncode == 0
    lab.forget(OTHER_MAC)


def test_nothing_is_wrong(two):
    text = two.ctl("verify", check=True).stdout
    assert text == "2 clients, 2 sessions of the ledger: no difference\n"


def test_session_that_only_the_ledger_has(two):
    delete(two, "clients", key_of(CLIENT_MAC))
    slot = verify(two)["differences"][0]["about"]
    repaired(two, ("session_lost", CLIENT_MAC), ("slot_leaked", slot))
    assert two.status(4) == 511
    assert [row[0] for row in running(two)] == [OTHER_MAC]


def test_session_that_only_the_map_has(two):
    with ledger(two) as base:
        base.execute("DELETE FROM session WHERE mac = ? AND ended = 0", (CLIENT_MAC,))
    repaired(two, ("session_unknown", CLIENT_MAC))
    # It goes on, and whoever asks is told of it.
    assert two.status(4) == 200
    assert CLIENT_MAC in [row[0] for row in running(two)]


def test_slots(two):
    before = entries(two, "clients")
    slots = {mac: field(before[key_of(mac)], SLOT) for mac in (CLIENT_MAC, OTHER_MAC)}
    # The first one's slot is in use: it keeps it.
    assert two.status(4) == 200
    used = two.client()["up_bytes"]
    change(two, "clients", key_of(OTHER_MAC), SLOT, slots[CLIENT_MAC])
    report = verify(two)
    assert {one["difference"] for one in report["differences"]} == {"slot", "slot_leaked"}
    assert verify(two, "--repair")["left"] == 0
    after = entries(two, "clients")
    assert field(after[key_of(CLIENT_MAC)], SLOT) == slots[CLIENT_MAC]
    assert field(after[key_of(OTHER_MAC)], SLOT) != slots[CLIENT_MAC]
    assert two.client()["up_bytes"] >= used > 0
    change(two, "clients", key_of(OTHER_MAC), SLOT, 0xFFFFFFF0)
    assert ("slot", OTHER_MAC) in found(verify(two, "--repair"))
    assert verify(two)["found"] == 0


def test_free_slot_of_a_client(two):
    slot = field(entries(two, "clients")[key_of(CLIENT_MAC)], SLOT)
    word = struct.pack("<I", slot // 64)
    taken = struct.unpack("<Q", entries(two, "slots")[word])[0]
    update(two, "slots", word, struct.pack("<Q", taken & ~(1 << slot % 64)))
    repaired(two, ("slot_free", f"slot {slot}"))
    assert struct.unpack("<Q", entries(two, "slots")[word])[0] == taken


def test_entry_that_cannot_be(two):
    change(two, "clients", key_of(CLIENT_MAC), STATE, 7)
    assert ("entry", CLIENT_MAC) in found(verify(two, "--repair"))
    assert verify(two)["found"] == 0
    assert key_of(CLIENT_MAC) not in entries(two, "clients")
    assert two.status(4) == 511


def test_limits_are_those_that_were_granted(two):
    change(two, "clients", key_of(CLIENT_MAC), QUOTA, 10**15)
    repaired(two, ("limits", CLIENT_MAC))
    assert field(entries(two, "clients")[key_of(CLIENT_MAC)], QUOTA) == 10**9


def test_entry_that_somebody_forged(two):
    """The map is believed; the ledger says from then on that somebody was let in by nobody."""
    value = bytearray(entries(two, "clients")[key_of(OTHER_MAC)])
    struct.pack_into("<I", value, SLOT[0], 90)
    update(two, "clients", key_of("02:85:00:00:00:99"), value)
    repaired(two, ("session_unknown", "02:85:00:00:00:99"), ("slot_free", "slot 90"))
    two.forget("02:85:00:00:00:99")


def test_blocks(two):
    two.ctl("client", "block", CLIENT_MAC, check=True)
    assert verify(two)["found"] == 0
    with ledger(two) as base:
        base.execute("DELETE FROM block")
    repaired(two, ("block_unknown", CLIENT_MAC))
    with ledger(two) as base:
        assert base.execute("SELECT mac FROM block").fetchall() == [(CLIENT_MAC,)]
    delete(two, "clients", key_of(CLIENT_MAC))
    assert {one["difference"] for one in verify(two)["differences"]} == {
        "block_lost", "slot_leaked"
    }
    assert verify(two, "--repair")["left"] == 0
    with ledger(two) as base:
        assert base.execute("SELECT mac FROM block").fetchall() == []


def test_the_end_is_the_kernel_s(two):
    with ledger(two) as base:
        base.execute("UPDATE session SET until = until + 7200 WHERE mac = ? AND ended = 0",
                     (CLIENT_MAC,))
    repaired(two, ("session_end", CLIENT_MAC))
    assert 3500 < two.client()["seconds_left"] <= 3600


def test_what_changes_meanwhile_is_no_difference(two):
    """Sessions come and go while ledger and map are compared."""
    over = threading.Event()

    def churn(number):
        while not over.is_set():
            mac = f"02:86:00:00:00:{number:02x}"
            two.ctl("client", "allow", mac, "--for", "1h", "--quota", "1G", check=True)
            two.ctl("client", "block", mac, check=True)
            two.ctl("client", "remove", mac, check=True)

    threads = [threading.Thread(target=churn, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        reports = [verify(two) for _ in range(soak(10, 300))]
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert [report["differences"] for report in reports if report["found"]] == []


def test_settings(two):
    zero = bytes(4)
    newest = field(entries(two, "settings")[zero], GENERATION)
    change(two, "settings", zero, GENERATION, 0)
    change(two, "settings", zero, GARDEN4, 5)
    repaired(two, ("settings", "generation"), ("garden", "garden4"))
    assert field(entries(two, "settings")[zero], GENERATION) == newest


def test_programs(two):
    lost = Path(pin(two, "links/xdp-lan0"))
    lost.unlink()
    two.run("gw", "sh", "-c",
            f"bpftool link detach pinned {pin(two, 'links/tc-out-lan0')} || tc qdisc del dev lan0 clsact")
    two.ctl("verify", "--repair", check=True)
    assert verify(two)["found"] == 0
    assert lost.exists()
    assert bpftool("link", "show", "pinned", str(lost))["prog_id"] == bpftool(
        "prog", "show", "pinned", pin(two, "programs/sallyport_xdp_veth"))["id"]
    two.forget()
    assert two.status(4) == 511


def test_listeners_and_ports(two):
    two.run("gw", "bpftool", "map", "delete", "pinned", pin(two, "listeners"), "key",
            *words(bytes(4)))
    report = verify(two, "--repair")
    assert found(report) == {("listener", "listener 0")} and report["left"] == 1
    assert "restart" in report["differences"][0]["command"]
    text = two.ctl("verify")
    assert text.returncode == 1 and "listener 0" in text.stdout and text.stderr == ""
    two.run("gw", "kill", str(two.daemon_pid()))
    wait_until(lambda: not two.daemon_pid(), 10, "the end of the daemon")
    # Without the daemon nobody is to listen.
    assert verify(two)["found"] == 0
    # Nor does anybody else put these right, as it does whenever something happens to an interface.
    for key in entries(two, "egress"):
        delete(two, "egress", key)
    repaired(two, ("ports", "ports"))
    update(two, "zone_names", struct.pack("<I", 1), b"nobody".ljust(16, b"\0"))
    repaired(two, ("ports", "zones"))
    two.ctl("down", check=True)
    assert two.ctl("verify").returncode == 4
    two.gate()
    two.allow()
    two.allow(mac=OTHER_MAC)
