# SPDX-License-Identifier: GPL-2.0-or-later
"""Many clients: export and import on a running gateway, and many commands at the same time."""

import json
import os
import pty
import resource
import subprocess
import threading
import time

import pytest

from lab import CLIENT_MAC, CONFIGURATION, INTERNET, SBIN, soak, url
from test_ledger import rows
from test_login import log_in

SALLYPORT = str(SBIN / "sallyport")
CROWD = 25  # commands that change; as many again look
# What an import makes anew, and what it cannot know.
FRESH = ("since", "expires", "seconds_left", "first_seen", "last_seen", "up_packets", "up_bytes",
         "down_packets", "down_bytes", "bound", "ipv4", "ipv6", "quota")


def command(lab, *arguments):
    return [SALLYPORT, "-I", lab.name, *arguments]


def mac(number):
    return f"02:b0:00:00:{number >> 8:02x}:{number & 255:02x}"


def known(lab):
    return {client["mac"]: client for client in lab.json("client", "list")}


def forget_all(lab):
    for client in lab.json("client", "list"):
        subprocess.run(command(lab, "client", "remove", client["mac"], "--vlan", str(client["vlan"])),
                       stdout=subprocess.DEVNULL, check=True)


@pytest.fixture
def empty(lab):
    forget_all(lab)
    yield lab
    forget_all(lab)


def lasting(client):
    return {name: value for name, value in client.items() if name not in FRESH}


def test_another_gateway_takes_over(empty, tmp_path):
    lab = empty
    assert log_in(lab, 4, url(INTERNET[4])).status == 303
    assert lab.status(4) == 200
    lab.allow("--for", "8h", "--idle", "30m", "--quota", "1M", "--up", "5M", "--bind", "10.85.0.9",
              "--note", 'lobby "TV" é', "--vlan", "12", mac=mac(1))
    lab.ctl("client", "block", mac(2), "--note", "see ticket 12", check=True)
    lab.ctl("client", "allow", CLIENT_MAC, "--quota", "1M", check=True)
    before = known(lab)
    used = before[CLIENT_MAC]["up_bytes"] + before[CLIENT_MAC]["down_bytes"]
    assert used > 0
    path = tmp_path / "sessions.json"
    lab.ctl("export", str(path), check=True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert lab.ctl("export", str(path)).returncode == 1  # it is there
    forget_all(lab)
    assert lab.status(4) == 511
    assert lab.json("import", str(path), "--dry-run")[0]["added"] == 3
    assert known(lab) == {}
    assert lab.json("import", str(path)) == [
        {"added": 3, "replaced": 0, "kept": 0, "ended": 0, "dry_run": False}]
    after = known(lab)
    assert {one: lasting(after[one]) for one in after} == {one: lasting(before[one]) for one in before}
    assert after[CLIENT_MAC]["quota"] == 1000000 - used
    assert abs(after[mac(1)]["expires"] - before[mac(1)]["expires"]) <= 1
    assert lab.status(4) == 200
    # Those who are in are left as they are.
    assert lab.json("import", str(path))[0]["kept"] == 3
    assert lab.json("import", str(path), "--replace")[0]["replaced"] == 3
    assert rows(lab, "SELECT count(*) FROM session WHERE ended = 0") == [(2,)]


def test_bad_lines_change_nothing(empty, tmp_path):
    lab = empty
    path = tmp_path / "list"
    path.write_text(f"{mac(1)}\n{mac(2)} --for soon\nnonsense\n{mac(1)}\n")
    refused = lab.ctl("import", str(path))
    assert refused.returncode == 2
    for line in (2, 3, 4):
        assert f"{path}:{line}: " in refused.stderr
    assert "3 wrong lines; nothing was changed" in refused.stderr
    told = [json.loads(line) for line in lab.ctl("-j", "import", str(path)).stderr.splitlines()]
    assert len(told) == 4 and {one["exit_code"] for one in told} == {2}
    assert known(lab) == {}
    assert lab.ctl("import", str(tmp_path / "nosuch")).returncode == 2
    assert lab.tool("ctl", lab.name, "import", "-", typed=f"{mac(3)} --for 1h\n").stdout.startswith("1 new")
    assert list(known(lab)) == [mac(3)]


def test_progress_on_a_terminal(empty, tmp_path):
    path = tmp_path / "list"
    path.write_text("".join(f"{mac(number)}\n" for number in range(3)))
    ours, theirs = pty.openpty()
    subprocess.run(command(empty, "import", str(path)), stderr=theirs, stdout=subprocess.DEVNULL, check=True)
    os.close(theirs)
    shown = os.read(ours, 65536)
    os.close(ours)
    assert b"%" in shown
    silent = subprocess.run(command(empty, "import", str(path)), capture_output=True, check=True)
    assert silent.stderr == b""


def start(lab, *arguments):
    return subprocess.Popen(command(lab, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)


def check_books(lab, authorized, blocked):
    """Map and ledger say the same, and just that."""
    states = {address: client["state"] for address, client in known(lab).items() if address != CLIENT_MAC}
    assert states == {**{one: "authorized" for one in authorized}, **{one: "blocked" for one in blocked}}
    assert {row[0] for row in rows(lab, "SELECT mac FROM session WHERE ended = 0")} - {CLIENT_MAC} == set(authorized)
    assert {row[0] for row in rows(lab, "SELECT mac FROM block")} == set(blocked)


@pytest.fixture
def logins(lab):
    """The client signs in and is put out, again and again."""
    done, failed, count = threading.Event(), [], [0]

    def work():
        while not done.is_set():
            status = log_in(lab, 4, url(INTERNET[4])).status
            if status != 303:
                failed.append(status)
            lab.forget()
            count[0] += 1

    thread = threading.Thread(target=work)
    thread.start()
    yield
    done.set()
    thread.join()
    assert count[0] > 0 and not failed


@pytest.mark.parametrize("turn", range(soak(1, 50)))
def test_fifty_commands_at_once(empty, tmp_path, logins, turn):
    lab = empty
    allowed = [mac(number) for number in range(CROWD)]
    listed = [mac(1000 + number) for number in range(30)]
    path = tmp_path / "list"
    path.write_text("".join(f"{one} --for 1h\n" for one in listed))

    def together(changes):
        running = [start(lab, *change) for change in changes]
        running += [start(lab, "-j", "client", "list") for _ in range(CROWD)]
        outputs = [process.communicate(timeout=120) for process in running]
        for process, (_, stderr) in zip(running, outputs):
            assert (process.returncode, stderr) == (0, ""), (process.args, stderr)
        for stdout, _ in outputs[len(changes):]:
            addresses = [json.loads(line)["mac"] for line in stdout.splitlines()]
            assert len(addresses) == len(set(addresses))

    together([["client", "allow", one, "--for", "1h"] for one in allowed[1:]] + [["import", str(path)]])
    check_books(lab, allowed[1:] + listed, [])
    together([["client", "block", one] for one in allowed[1:10]]
             + [["client", "allow", one, "--for", "2h"] for one in allowed[10:20]]
             + [["client", "remove", one] for one in allowed[20:]])
    check_books(lab, allowed[10:20] + listed, allowed[1:10])


def test_all_change_the_same_client(empty):
    """Whoever is last is right, in map and ledger alike."""
    lab = empty
    running = [start(lab, "client", *change) for change in
               [["allow", mac(1), "--for", f"{hours}h"] for hours in range(1, 20)] + [["block", mac(1)]] * 5]
    for process in running:
        _, stderr = process.communicate(timeout=120)
        assert (process.returncode, stderr) == (0, "")
    state = lab.client(mac(1))["state"]
    check_books(lab, [mac(1)] if state == "authorized" else [], [mac(1)] if state == "blocked" else [])


def test_readers_do_not_hold_up_writers(empty):
    """A list that nobody reads on, of more clients than fit into a pipe, and a change beside it."""
    lab = empty
    with subprocess.Popen(command(lab, "import", "-"), stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, text=True) as process:
        process.communicate("".join(f"{mac(number)}\n" for number in range(400)))
    stuck = start(lab, "-j", "client", "list")
    assert stuck.stdout.readline()
    try:
        lab.ctl("client", "allow", mac(2000), check=True, timeout=60)
        assert lab.client(mac(2000))["state"] == "authorized"
        assert stuck.poll() is None
    finally:
        stuck.communicate()
    assert stuck.returncode == 0


# Run a command without its output, and print what it used. In a small process: what a process used
# before exec counts, and that would be the memory of all these tests.
USED = """
import os, sys
pid = os.fork()
if pid == 0:
    os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
    os.execv(sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(pid, 0)
print(used.ru_maxrss / 1024, used.ru_utime + used.ru_stime)
sys.exit(status != 0)
"""


def peak(lab, *arguments):
    """Megabytes and seconds of a processor that a command takes."""
    result = subprocess.run(
        ["/usr/bin/python3", "-I", "-S", "-c", USED, *command(lab, *arguments)],
        stdout=subprocess.PIPE, check=True,
    )
    return tuple(float(number) for number in result.stdout.split())


@pytest.mark.alone
def test_a_crowd(hosts, tmp_path):
    """As the last test: the gate of the module is made anew, with room for them."""
    count = soak(20_000, 1_000_000)
    configuration = tmp_path / "sallyport.conf"
    configuration.write_text(CONFIGURATION.read_text().replace(
        "[gateway]\n", f"[gateway]\nmax_clients = {count + 1000}\n", 1))
    hosts.ctl("down")
    hosts.gate(configuration)
    path = tmp_path / "list"
    path.write_text("".join(f"02:c0:00:{n >> 16:02x}:{n >> 8 & 255:02x}:{n & 255:02x} --for 8h\n"
                            for n in range(count)))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    hosts.ctl("import", str(path), check=True, timeout=120)
    taken = time.monotonic() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"import of {count}: {taken:.2f} s, of a processor "
          f"{after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime:.2f}")
    for options in ([], ["-j"]):
        memory, seconds = peak(hosts, *options, "client", "list")
        print(f"list {options}: {seconds:.2f} s of a processor, {memory:.0f} MB")
        assert memory < 50
    # What one more costs does not depend on them; waiting for the disk and for others is not counted.
    assert min(peak(hosts, "client", "allow", mac(number))[1] for number in range(20)) < 0.010
