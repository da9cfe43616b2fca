# SPDX-License-Identifier: GPL-2.0-or-later
"""Logins as the keeper and the verifiers settle them, asked for by a portal that is played here."""

import os
import signal
import socket
import sqlite3
import statistics
import struct
import subprocess

import pytest

from lab import pids, wait_until
from origins import Origins
from planted import plant

MAGIC, LOGIN, LOGOUT, QUERY, ANSWER = 0x53504D31, 4, 5, 6, 7
CLICK, VOUCHER, USER = 1, 2, 3
DONE, REFUSED, FULL, FAILED, WRONG, BUSY, SILENT, USED, OVER, EARLY, DISABLED, INSECURE = range(12)
ENDED_TIME, ENDED_IDLE, ENDED_QUOTA, ENDED_OPERATOR, ENDED_CLIENT = range(1, 6)

CONFIGURATION = """
[gateway]
client = lan0
[portal]
plain_port = 8080
methods = click voucher user
verifiers = 2
attempts = 3 1h
account_attempts = 6 1h
session = 8h
[zone hall]
vlan = 7
methods = click
session = 5m
quota = 3M
"""
PASSWORD = "right päss"
# As struct sp_ipc_request and sp_ipc_answer of ipc/ipc.h.
REQUEST = struct.Struct("<2IQ6sHII16s40s256s1024s")
REPLY = struct.Struct("<2IQ2I2Q2I256s")


class Answer:
    def __init__(self, message):
        (_, kind, self.id, self.result, self.authorized, self.seconds, self.bytes,
         self.retry_after, self.ended, _) = REPLY.unpack(message)
        assert kind == ANSWER


def mac(number):
    return bytes((0x02, 0xAA, 0, 0, number >> 8, number & 255))


def text(number):
    return mac(number).hex(":")


class Portal:
    """Asks the keeper, as the portal does."""

    def __init__(self, path, instance):
        self.origins = Origins(instance)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(30)
        wait_until(path.exists, 10, "the played portal")
        self.socket.connect(str(path))
        self.last = 0

    def send(self, kind, client, method=0, name="", secret="", secure=1, zone=0, origin=None):
        """Of a connection of that client's in that zone, unless @origin is another one."""
        self.last += 1
        if kind != LOGIN:
            secure = 0
        origin = origin or self.origins.write(mac(client), zone=zone)
        self.socket.send(REQUEST.pack(MAGIC, kind, self.last, mac(client), 0, method, secure,
                                      bytes(16), origin, name.encode(), secret.encode()))
        return self.last

    def receive(self):
        return Answer(self.socket.recv(1 << 16))

    def ask(self, *arguments, **options):
        asked = self.send(*arguments, **options)
        answer = self.receive()
        assert answer.id == asked
        return answer

    def log_in(self, client, name, password=PASSWORD, **options):
        return self.ask(LOGIN, client, USER, name, password, **options)


@pytest.fixture(scope="module")
def gate(hosts, tmp_path_factory):
    """The lab with a gate whose portal is played; hosts.portal asks for it."""
    tree = tmp_path_factory.mktemp("tree")
    for folder in (tree, tree.parent):
        folder.chmod(0o755)
    children = plant(tree, {"portal": "played_portal.py"})
    file = tree / "sallyport.conf"
    file.write_text(CONFIGURATION)
    before = os.environ.get("SALLYPORT_SBIN")
    os.environ["SALLYPORT_SBIN"] = str(tree / "sbin")
    try:
        # Not hosts.gate(), which waits for the portal itself.
        hosts.tool("gate", hosts.name, "-c", str(file))
        hosts.portal = Portal(children / "portal", hosts.name)
        yield hosts
        hosts.portal.origins.close()
    finally:
        if before is None:
            del os.environ["SALLYPORT_SBIN"]
        else:
            os.environ["SALLYPORT_SBIN"] = before


numbers = iter(range(1, 60000))


@pytest.fixture
def client():
    """The number of a client that nobody has heard of."""
    return next(numbers)


def new_names():
    for number in range(1, 60000):
        yield f"guest-{number}"


names = new_names()


CHEAP = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, text=True,
                       capture_output=True, check=True).stdout.strip()


def set_cheap_hash(lab, name):
    """So that many can be judged in a moment."""
    with sqlite3.connect(f"/var/lib/{lab.name}/ledger.db", timeout=10) as ledger:
        ledger.execute("UPDATE user SET hash = ? WHERE name = ?", (CHEAP, name))


def add_user(lab, *options, cheap=True):
    name = next(names)
    lab.tool("ctl", lab.name, "user", "add", name, "--password-stdin", *options,
             typed=PASSWORD + "\n")
    if cheap:
        set_cheap_hash(lab, name)
    return name


def is_authorized(lab, client):
    shown = lab.ctl("-j", "client", "show", text(client))
    return '"authorized"' in shown.stdout


# --- passwords ---


def test_right_password(gate, client):
    name = add_user(gate, "--for", "2h", "--quota", "5M", cheap=False)
    answer = gate.portal.log_in(client, name)
    assert (answer.result, answer.authorized) == (DONE, 1)
    assert 7190 <= answer.seconds <= 7200 and answer.bytes == 5000000
    assert is_authorized(gate, client)
    shown = gate.client(text(client))
    assert (shown["method"], shown["who"]) == ("user", name)


def test_wrong_passwords(gate, client):
    name = add_user(gate)
    assert gate.portal.log_in(client, name, "wrong").result == WRONG
    assert gate.portal.log_in(client, name, PASSWORD + "x").result == WRONG
    assert gate.portal.log_in(client, name, "").result == WRONG
    assert not is_authorized(gate, client)


def test_nobody(gate, client):
    assert gate.portal.log_in(client, "nobody-at-all").result == WRONG


@pytest.mark.parametrize("how", ["disabled", "over"])
def test_account_that_is_not_good(gate, client, how):
    """Whoever knows the password is told no more than who does not."""
    name = add_user(gate)
    assert gate.portal.log_in(client, name).result == DONE
    gate.forget(text(client))
    if how == "disabled":
        gate.ctl("user", "disable", name, check=True)
    else:
        with sqlite3.connect(f"/var/lib/{gate.name}/ledger.db", timeout=10) as ledger:
            ledger.execute("UPDATE user SET until = 1 WHERE name = ?", (name,))
    assert gate.portal.log_in(client, name).result == WRONG
    assert not is_authorized(gate, client)


def test_not_over_plain_http(gate, client):
    name = add_user(gate)
    assert gate.portal.log_in(client, name, secure=0).result == INSECURE
    assert not is_authorized(gate, client)


def test_method_that_is_not_enabled(gate, client):
    assert gate.portal.ask(LOGIN, client, 5, "", "a.b").result == DISABLED  # external
    assert gate.portal.ask(LOGIN, client, 4, "a", "b").result == DISABLED  # RADIUS


def test_blocked_client(gate, client):
    name = add_user(gate)
    gate.ctl("client", "block", text(client), check=True)
    assert gate.portal.log_in(client, name).result == REFUSED
    assert gate.portal.log_in(client, name, "wrong").result == REFUSED
    assert gate.portal.ask(LOGIN, client, CLICK).result == REFUSED


def test_number_of_devices(gate, client):
    name = add_user(gate, "--devices", "2")
    others = [next(numbers), next(numbers)]
    assert gate.portal.log_in(client, name).result == DONE
    assert gate.portal.log_in(others[0], name).result == DONE
    assert gate.portal.log_in(others[1], name).result == USED
    assert not is_authorized(gate, others[1])
    # One that is in already takes no further place; one that is gone leaves its own.
    assert gate.portal.log_in(client, name).result == DONE
    assert gate.portal.ask(LOGOUT, client).result == DONE
    assert gate.portal.log_in(others[1], name).result == DONE


# --- connections and zones ---


@pytest.mark.parametrize("whose", ["nobody's", "another's"])
def test_connection_that_is_not_the_clients(gate, client, whose):
    """A portal that lies lets nobody in, puts nobody out, and learns nothing."""
    other = next(numbers)
    origin = bytes(40) if whose == "nobody's" else gate.portal.origins.write(mac(other))
    assert gate.portal.ask(LOGIN, client, CLICK, origin=origin).result == FAILED
    assert not is_authorized(gate, client) and not is_authorized(gate, other)
    assert gate.portal.ask(LOGIN, client, CLICK).result == DONE
    for kind in (QUERY, LOGOUT):
        answer = gate.portal.ask(kind, client, origin=origin)
        assert (answer.result, answer.authorized, answer.seconds) == (FAILED, 0, 0)
    assert is_authorized(gate, client)


def test_zone(gate, client):
    """Methods and limits are those of where the connection came from."""
    name, code = add_user(gate), gate.ctl("voucher", "create", "--for", "1h", check=True).stdout.strip()
    assert gate.portal.log_in(client, name, zone=1).result == DISABLED
    assert gate.portal.ask(LOGIN, client, VOUCHER, code.replace("-", ""), zone=1).result == DISABLED
    assert not is_authorized(gate, client)
    answer = gate.portal.ask(LOGIN, client, CLICK, zone=1)
    assert (answer.result, answer.authorized, answer.bytes) == (DONE, 1, 3000000)
    assert 290 <= answer.seconds <= 300
    # One that this daemon has not heard of is no zone of its own.
    other = next(numbers)
    answer = gate.portal.log_in(other, name, zone=9)
    assert (answer.result, answer.authorized) == (DONE, 1) and answer.seconds > 28700


# --- vouchers ---


def test_voucher(gate, client):
    code = gate.ctl("voucher", "create", "--for", "1h", check=True).stdout.strip().replace("-", "")
    for wrong in ("00000" * 2, "not a code", ""):
        assert gate.portal.ask(LOGIN, client, VOUCHER, wrong).result == WRONG
    other = next(numbers)
    answer = gate.portal.ask(LOGIN, other, VOUCHER, code, secure=0)
    assert (answer.result, answer.authorized) == (DONE, 1)
    assert 3590 <= answer.seconds <= 3600
    assert gate.portal.ask(LOGIN, next(numbers), VOUCHER, code).result == USED


# --- attempts ---


def test_a_client_has_to_wait(gate, client):
    name = add_user(gate)
    for _ in range(3):
        assert gate.portal.log_in(client, name, "wrong").result == WRONG
    answer = gate.portal.log_in(client, name)
    assert answer.result == BUSY and 1 <= answer.retry_after <= 1200
    assert not is_authorized(gate, client)
    # By whatever method, but for what takes no guessing.
    assert gate.portal.ask(LOGIN, client, VOUCHER, "00000" * 2).result == BUSY
    assert gate.portal.ask(LOGIN, client, CLICK).result == DONE
    # Others do not have to.
    assert gate.portal.log_in(next(numbers), name).result == DONE


def test_many_at_once_are_no_way_around(gate, client):
    name = add_user(gate)
    results = []
    for _ in range(12):
        gate.portal.send(LOGIN, client, USER, name, "wrong")
    for _ in range(12):
        results.append(gate.portal.receive().result)
    assert results.count(WRONG) <= 3
    assert set(results) <= {WRONG, BUSY}


def test_right_passwords_are_not_counted(gate, client):
    name = add_user(gate)
    for _ in range(10):
        assert gate.portal.log_in(client, name).result == DONE


def test_an_account_is_guessed_by_many_clients(gate, client):
    """After a while a new client has to wait; one that was its user's lately has not."""
    name = add_user(gate)
    assert gate.portal.log_in(client, name).result == DONE
    assert gate.portal.ask(LOGOUT, client).result == DONE
    results = [gate.portal.log_in(next(numbers), name, "wrong").result for _ in range(8)]
    assert results == [WRONG] * 6 + [BUSY] * 2
    answer = gate.portal.log_in(next(numbers), name)
    assert answer.result == BUSY and answer.retry_after <= 600
    assert gate.portal.log_in(client, name).result == DONE


# --- many, and accidents ---


def verifiers(lab):
    return sorted(pids(lab, "sallyport-verif"))


def test_two_hundred_at_once(gate):
    """Each gets its answer, and a question does not wait for them."""
    name = add_user(gate)
    clients = [next(numbers) for _ in range(200)]
    asked = {gate.portal.send(LOGIN, client, USER, name, PASSWORD): client for client in clients}
    question = gate.portal.send(QUERY, next(numbers))
    order = []
    for _ in range(201):
        answer = gate.portal.receive()
        order.append(answer.id)
        assert answer.result == DONE
    assert set(order) == set(asked) | {question}
    assert all(is_authorized(gate, client) for client in clients[::20])


def test_question_does_not_wait_for_judgement(gate, client):
    name = add_user(gate)
    workers = verifiers(gate)
    assert len(workers) == 2
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    try:
        for _ in range(50):
            gate.portal.send(LOGIN, next(numbers), USER, name, PASSWORD)
        assert gate.portal.ask(QUERY, client).result == DONE
        assert gate.portal.ask(LOGIN, client, CLICK).result == DONE
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)
    assert {gate.portal.receive().result for _ in range(50)} == {DONE}


def test_verifier_dies_of_nothing_we_know(gate, client):
    """With a login in its hands: another one judges it."""
    name = add_user(gate)
    workers = verifiers(gate)
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    gate.portal.send(LOGIN, client, USER, name, PASSWORD)
    gate.portal.send(LOGIN, next(numbers), USER, name, PASSWORD)
    # Both have something now: a question is answered after what came before it.
    question = gate.portal.send(QUERY, client)
    assert gate.portal.receive().id == question
    os.kill(workers[0], signal.SIGKILL)
    wait_until(lambda: workers[0] not in verifiers(gate), 10, "its end")
    os.kill(workers[1], signal.SIGCONT)
    assert [gate.portal.receive().result for _ in range(2)] == [DONE, DONE]
    wait_until(lambda: len(verifiers(gate)) == 2, 10, "its successor")


def test_login_that_kills_every_verifier(gate, client):
    """It is given up after the second, and the others go on."""
    name = add_user(gate)
    for worker in verifiers(gate):
        os.kill(worker, signal.SIGSTOP)
    gate.portal.send(LOGIN, client, USER, name, PASSWORD)
    assert gate.portal.ask(QUERY, client).result == DONE
    for worker in verifiers(gate):
        os.kill(worker, signal.SIGKILL)
    answer = gate.portal.receive()
    # A successor may have been there before the second of them had died.
    assert answer.result in (FAILED, DONE)
    wait_until(lambda: len(verifiers(gate)) == 2, 20, "their successors")
    assert gate.portal.log_in(client, name).result == DONE


# --- why a session ended ---


def test_why_it_ended(gate, client):
    assert gate.portal.ask(QUERY, client).ended == 0
    assert gate.portal.ask(LOGIN, client, CLICK).result == DONE
    assert gate.portal.ask(QUERY, client).ended == 0
    assert gate.portal.ask(LOGOUT, client).ended == ENDED_CLIENT
    assert gate.portal.ask(LOGIN, client, CLICK).result == DONE
    gate.forget(text(client))
    assert gate.portal.ask(QUERY, client).ended == ENDED_OPERATOR
    gate.ctl("client", "allow", text(client), "--for", "1s", check=True)
    wait_until(lambda: not gate.portal.ask(QUERY, client).authorized, 5, "its end")
    assert gate.portal.ask(QUERY, client).ended == ENDED_TIME


# --- what time tells ---


def run_time(pid):
    """ns on a CPU, whatever else the machine does."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0])


def cost(lab, *arguments):
    before = sum(run_time(pid) for pid in verifiers(lab))
    assert lab.portal.log_in(*arguments).result == WRONG
    return sum(run_time(pid) for pid in verifiers(lab)) - before


def test_time_does_not_tell_whether_a_user_exists(gate):
    some, none = [], []
    # Five tries on each account, which may have six.
    for name in [add_user(gate, cheap=False) for _ in range(6)] * 5:
        some.append(cost(gate, next(numbers), name, "wrong"))
        none.append(cost(gate, next(numbers), next(names), "wrong"))
    some, none = statistics.median(some), statistics.median(none)
    print(f"# CPU time of a wrong password: {some / 1e6:.1f} ms, of no user: {none / 1e6:.1f} ms")
    assert 0.8 < some / none < 1.25
