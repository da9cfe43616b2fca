# SPDX-License-Identifier: GPL-2.0-or-later
"""The walled garden: prefixes, and names learnt from what the resolvers answer to captive clients."""

import os
import signal
import socket
import struct
import subprocess
import time

import pytest
from scapy.layers.dns import DNS, DNSQR, DNSRR

from lab import CLIENT, GATEWAY, INTERNET, SBIN, wait_until
from resolver import RESOLVER, Resolver

# The lab's dnsmasq gives no time to live; an address is open for at least this long.
LEAST_TTL = 2

CONFIGURATION = """
[portal]
plain_port = 8080

[gateway]
client = lan0

[captive]
resolvers = 10.85.0.1 fd85::1 10.86.0.3

[garden]
allow = 203.0.113.0/24 tcp/443
allow = 2001:db8:1::/48
allow = configured.test   # a name
addresses = 20
"""


@pytest.fixture(scope="module")
def gated(hosts, tmp_path_factory):
    configuration = tmp_path_factory.mktemp("garden") / "garden.conf"
    configuration.write_text(CONFIGURATION)
    hosts.run("net", "ip", "address", "add", f"{RESOLVER}/24", "dev", "net0")
    hosts.gate(configuration)
    hosts.configuration = configuration
    return hosts


@pytest.fixture
def garden(lab):
    """The lab, with the garden as configured before and after."""
    clear(lab)
    yield lab
    clear(lab)


@pytest.fixture
def resolver(garden):
    server = Resolver(garden)
    yield server
    server.close()


def clear(lab):
    for entry in {e["entry"] for e in lab.json("garden", "list") if e["source"] == "cli"}:
        assert lab.ctl("garden", "remove", entry).returncode in (0, 3)


def add(lab, *words):
    lab.ctl("garden", "add", *words, check=True)


def learnt(lab):
    """Address to (name, seconds left) of what was learnt."""
    return {
        e["entry"]: (e["name"], e["seconds_left"])
        for e in lab.json("garden", "list")
        if e["source"] == "learnt"
    }


def visit(lab, host, family, *options):
    """Status of the site of that name, asked for by that family."""
    result = lab.run(
        "client", "curl", f"-s{family}", "--max-time", "5", "-o", "/dev/null", "-w",
        "%{http_code}", *options, f"http://{host}/", check=False,
    )
    return int(result.stdout)


def ask(lab, name, kind="A", server=RESOLVER, check=True):
    """Ask a resolver; the answer must have come."""
    result = lab.run(
        "client", "dig", "+tries=1", f"+time={10 if check else 2}", "+ignore", "+noall", "+answer", f"@{server}", kind,
        name, check=False,
    )
    assert result.returncode == 0 or not check, result.stdout + result.stderr
    return result.returncode == 0


def settle():
    """For what must not happen: as long as learning takes, many times over."""
    time.sleep(0.3)


# --- names ---


def test_name_is_open_and_closes_when_its_time_is_over(garden, family):
    assert visit(garden, "example.test", family) == 511
    add(garden, "example.test")
    assert visit(garden, "example.test", family) == 200
    assert garden.status(family) == 200
    assert learnt(garden)[INTERNET[family]][0] == "example.test"
    time.sleep(LEAST_TTL + 1.2)
    assert garden.status(family) == 511
    assert visit(garden, "example.test", family) == 200


def test_name_stays_open_while_it_is_used(garden):
    add(garden, "example.test")
    assert visit(garden, "example.test", 4) == 200
    end = time.monotonic() + 3 * LEAST_TTL
    while time.monotonic() < end:
        assert garden.status(4) == 200
        time.sleep(0.5)
    time.sleep(LEAST_TTL + 1.2)
    assert garden.status(4) == 511


def test_other_names_teach_nothing(garden):
    add(garden, "*.example.test")
    assert visit(garden, "www.example.test", 4) == 200
    garden.ctl("garden", "remove", "*.example.test", check=True)
    assert garden.status(4) == 511
    add(garden, "*.example.test")
    for host in ("example.test", "badexample.test", "example.test.evil", "test"):
        assert visit(garden, host, 4) == 511
    assert not learnt(garden)
    assert visit(garden, "a.b.EXAMPLE.test", 4) == 200


def test_only_what_is_asked_of_a_name_is_open(garden, family):
    add(garden, "example.test", "tcp/80")
    assert visit(garden, "example.test", family) == 200
    assert not garden.tcp_connects(INTERNET[family], 7)
    assert not garden.ping(INTERNET[family], seconds=1)
    add(garden, "example.test", "icmp", "tcp/7")
    assert visit(garden, "example.test", family) == 200
    assert garden.tcp_connects(INTERNET[family], 7)
    assert garden.ping(INTERNET[family])


def test_names_of_the_configuration(garden):
    assert visit(garden, "configured.test", 4) == 200
    garden.ctl("garden", "remove", "configured.test", check=True)
    assert garden.status(4) == 511
    garden.ctl("up", "-c", str(garden.configuration), check=True)
    assert visit(garden, "configured.test", 4) == 200
    garden.ctl("garden", "remove", "configured.test", check=True)
    garden.ctl("up", "-c", str(garden.configuration), check=True)


def test_closes_without_the_daemon(gated, tmp_path):
    """And a new daemon goes on where the old one was."""
    lab = gated
    clear(lab)
    add(lab, "example.test")
    daemon = lab.daemon_pid()
    assert visit(lab, "example.test", 4) == 200
    os.kill(daemon, signal.SIGKILL)
    wait_until(lambda: not lab.daemon_pid(), 5, "the end of the daemon")
    assert learnt(lab)
    time.sleep(LEAST_TTL + 0.2)
    assert not lab.tcp_connects(INTERNET[4], 7, seconds=0.5)
    with open(tmp_path / "log", "wb") as log:
        again = lab.popen("gw", str(SBIN / "sallyportd"), "-I", lab.name, stdout=log, stderr=log)
    wait_until(lambda: lab.status(4) == 511, 10, "the daemon")
    assert visit(lab, "example.test", 4) == 200
    clear(lab)
    assert again.poll() is None


def reader_pid(lab):
    inside = subprocess.run(
        ["ip", "netns", "pids", lab.host("gw")], capture_output=True, text=True, check=True
    ).stdout.split()
    for pid in inside:
        with open(f"/proc/{pid}/comm", encoding="ascii") as file:
            if file.read().startswith("sallyport-garde"):
                return int(pid)
    return None


def test_the_reader_has_no_privileges_and_is_replaced(garden):
    reader = reader_pid(garden)
    with open(f"/proc/{reader}/status", encoding="ascii") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file)
    assert "0" not in status["Uid"].split() + status["Gid"].split()
    assert status["NoNewPrivs"] == "1"
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    assert os.listdir(f"/proc/{reader}/root/") == []
    os.kill(reader, signal.SIGKILL)
    wait_until(lambda: reader_pid(garden) not in (None, reader), 5, "another reader")
    add(garden, "example.test")
    wait_until(lambda: visit(garden, "example.test", 4) == 200, 5, "the site")


# --- what resolvers say ---


def test_chain_and_time_to_live(garden, resolver):
    add(garden, "www.example.test")
    resolver.records = [
        DNSRR(rrname="www.example.test", type="CNAME", ttl=900, rdata="web.cdn.test"),
        DNSRR(rrname="web.cdn.test", type="A", ttl=90, rdata="198.51.100.1"),
        DNSRR(rrname="web.cdn.test", type="A", ttl=200000, rdata="198.51.100.2"),
        DNSRR(rrname="other.test", type="A", ttl=90, rdata="198.51.100.66"),
    ]
    ask(garden, "www.example.test")
    wait_until(lambda: len(learnt(garden)) == 2, 5, "two addresses")
    found = learnt(garden)
    assert set(found) == {"198.51.100.1", "198.51.100.2"}
    assert 80 <= found["198.51.100.1"][1] <= 90
    assert 890 <= found["198.51.100.2"][1] <= 900
    resolver.records = [DNSRR(rrname="www.example.test", type="A", ttl=200000, rdata="198.51.100.3")]
    ask(garden, "www.example.test")
    wait_until(lambda: "198.51.100.3" in learnt(garden), 5, "the third")
    assert 86000 <= learnt(garden)["198.51.100.3"][1] <= 86400


def test_addresses_that_are_not_opened(garden, resolver):
    add(garden, "example.test")
    resolver.records = [
        DNSRR(rrname="example.test", type="A", ttl=90, rdata=address)
        for address in (
            GATEWAY[4], "10.86.0.1", "127.0.0.1", "0.0.0.0", "224.0.0.251", "255.255.255.255",
            "169.254.169.254", RESOLVER,
        )
    ]
    ask(garden, "example.test")
    settle()
    assert not learnt(garden)
    for address in (GATEWAY[6], "fe80::1", "::1", "::", "ff02::fb", "::ffff:10.85.0.1"):
        resolver.records = [DNSRR(rrname="example.test", type="AAAA", ttl=90, rdata=address)]
        ask(garden, "example.test", "AAAA")
    settle()
    assert not learnt(garden)
    resolver.records.append(DNSRR(rrname="example.test", type="AAAA", ttl=90, rdata="2001:db8::1"))
    ask(garden, "example.test", "AAAA")
    wait_until(lambda: "2001:db8::1" in learnt(garden), 5, "the good one")


def test_names_have_so_many_addresses(garden, resolver):
    """10,000 of them, 80 in an answer; the configuration allows 20."""
    add(garden, "example.test")
    with garden.socket("client", 4, socket.SOCK_DGRAM) as asker:
        asker.settimeout(30)
        asker.connect((RESOLVER, 53))
        for answer in range(125):
            # Each with its name compressed, as a resolver would.
            resolver.records = [
                b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 90, 4) + bytes([198, 18, answer, number])
                for number in range(1, 81)
            ]
            asker.send(bytes(DNS(id=answer, rd=1, qd=DNSQR(qname="example.test"))))
            assert asker.recv(4096)[:2] == answer.to_bytes(2, "big")
    wait_until(lambda: len(learnt(garden)) >= 20, 5, "as many as there may be")
    settle()
    assert len(learnt(garden)) == 20
    assert garden.daemon_pid()
    garden.ctl("garden", "remove", "example.test", check=True)
    assert not learnt(garden)


@pytest.mark.parametrize(
    "header, records",
    [
        ({}, [b"\xc0\x1e" + bytes.fromhex("0001000100000009 0004 c6336401")]),
        ({"rcode": 3}, [DNSRR(rrname="example.test", type="A", ttl=90, rdata="198.51.100.1")]),
        ({"qr": 0}, [DNSRR(rrname="example.test", type="A", ttl=90, rdata="198.51.100.1")]),
        ({}, [DNSRR(rrname="other.test", type="CNAME", ttl=9, rdata="evil.test"),
              DNSRR(rrname="evil.test", type="A", ttl=90, rdata="198.51.100.1")]),
        ({}, [DNSRR(rrname="example.test", type="CNAME", ttl=9, rdata="example.test")] * 20),
        ({}, [bytes(DNSRR(rrname="example.test", type="A", ttl=90, rdata="198.51.100.1"))[:-1]]),
    ],
    ids=["loop", "no such name", "a question", "another's chain", "chain in a loop", "cut"],
)
def test_broken_answers_teach_nothing(garden, resolver, header, records):
    add(garden, "example.test")
    resolver.header, resolver.records = header, records
    ask(garden, "example.test", check=False)
    settle()
    assert not learnt(garden)
    resolver.header, resolver.records = {}, [
        DNSRR(rrname="example.test", type="A", ttl=90, rdata="198.51.100.7")
    ]
    ask(garden, "example.test")
    wait_until(lambda: set(learnt(garden)) == {"198.51.100.7"}, 5, "the good answer")


def test_what_nobody_asked_for_teaches_nothing(garden, resolver):
    add(garden, "example.test")
    resolver.records = [DNSRR(rrname="example.test", type="A", ttl=90, rdata="198.51.100.1")]
    question = DNS(id=7, rd=1)
    question.qd = DNS(bytes(DNS(rd=1)))[DNS].qd
    answer = resolver.answer(question)
    with garden.socket("client", 4, socket.SOCK_DGRAM) as listener:
        listener.bind((CLIENT[4], 5353))
        listener.settimeout(30)
        resolver.socket.sendto(answer, (CLIENT[4], 5353))
        assert listener.recv(4096) == answer
    settle()
    assert not learnt(garden)


def test_authorized_clients_need_no_garden(garden):
    add(garden, "example.test")
    garden.allow()
    assert visit(garden, "example.test", 4) == 200
    settle()
    assert not learnt(garden)


# --- prefixes ---


def test_prefix(garden, family):
    prefix = {4: "10.86.0.0/24", 6: "fd86::/64"}[family]
    before = garden.reasons()
    assert garden.status(family) == 511
    add(garden, prefix, "tcp/80", "udp/7")
    assert garden.status(family) == 200
    assert garden.udp_echo(family) == b"marco"
    assert not garden.tcp_connects(INTERNET[family], 7)
    after = garden.reasons()
    assert after["garden"] > before.get("garden", 0)
    assert after["down_garden"] > before.get("down_garden", 0)
    (entry,) = [e for e in garden.json("garden", "list") if e["entry"] == prefix]
    assert entry["open"] == ["tcp/80", "udp/7"] and entry["packets"] > 0 and entry["last_use"]
    garden.ctl("garden", "remove", prefix, "tcp/80", check=True)
    assert garden.status(family) == 511
    assert garden.udp_echo(family) == b"marco"
    garden.ctl("garden", "remove", prefix, check=True)
    assert garden.udp_echo(family, seconds=0.3) is None


def test_up_applies_the_difference(garden, tmp_path):
    def sources():
        return {e["entry"]: e["source"] for e in garden.json("garden", "list")}

    add(garden, "198.51.100.0/24")
    assert sources() == {
        "203.0.113.0/24": "config", "2001:db8:1::/48": "config", "configured.test": "config",
        "198.51.100.0/24": "cli",
    }
    other = tmp_path / "other.conf"
    other.write_text(CONFIGURATION.replace("203.0.113.0/24 tcp/443", "203.0.113.0/25 tcp/443"))
    garden.ctl("up", "-c", str(other), check=True)
    assert sources() == {
        "203.0.113.0/25": "config", "2001:db8:1::/48": "config", "configured.test": "config",
        "198.51.100.0/24": "cli",
    }
    garden.ctl("up", "-c", str(garden.configuration), check=True)
    assert "203.0.113.0/24" in sources()


def test_test_explains(garden):
    def tested(*words):
        result = garden.ctl("garden", "test", *words)
        return result.returncode, result.stdout + result.stderr

    assert tested("203.0.113.9")[0] == 0
    code, text = tested("203.0.113.9", "tcp/80")
    assert code == 1 and "203.0.113.0/24" in text and "tcp/80: closed" in text
    assert tested("203.0.113.9", "tcp/443")[0] == 0
    code, text = tested("192.0.2.1")
    assert code == 1 and "no prefix of the garden holds it" in text
    code, text = tested("configured.test")
    assert code == 0 and "no captive client has asked" in text
    assert visit(garden, "configured.test", 4) == 200
    assert INTERNET[4] in tested("configured.test")[1]
    code, text = tested(INTERNET[4])
    assert code == 0 and "learnt for configured.test" in text
    code, text = tested("other.test")
    assert code == 1 and "no name of the garden fits" in text
    (answer,) = garden.json("garden", "test", "203.0.113.9")
    assert answer["open"] is True and answer["entry"] == "203.0.113.0/24"


@pytest.mark.parametrize(
    "words, code, said",
    [
        (["add", "192.0.2.1/24"], 2, "expected 192.0.2.0/24"),
        (["add", "foo/24"], 2, "is no prefix"),
        (["add", "example.org", "http"], 2, "'http': expected tcp"),
        (["add", "example.org", "tcp/99999"], 2, "'tcp/99999'"),
        (["add", "203.0.113.7", "tcp/443"], 1, "lies in 203.0.113.0/24 (tcp/443)"),
        (["add", "203.0.0.0/16"], 1, "covers 203.0.113.0/24 (tcp/443)"),
        (["add", "configured.test"], 1, "is in the garden already"),
        (["add"], 2, "needs an ENTRY"),
        (["remove", "192.0.2.0/24"], 3, "no entry of the garden"),
        (["remove", "203.0.113.0/24", "udp"], 3, "no rule udp"),
    ],
)
def test_bad_input(garden, words, code, said):
    def entries():
        # What another test has learnt may be ageing.
        return [
            (e["entry"], e["open"]) for e in garden.json("garden", "list")
            if e["source"] != "learnt"
        ]

    before = entries()
    result = garden.ctl("garden", *words)
    assert (result.returncode, said in result.stderr) == (code, True), result.stderr
    assert entries() == before
