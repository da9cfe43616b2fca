# SPDX-License-Identifier: GPL-2.0-or-later
"""What real clients get on the network of a captive portal: their probes over a real socket, every
corner of HTTP, and programs that must fail cleanly where they expected something else."""

import shutil
import socket
import sys
import time

import pytest

from lab import CONFIGURATION, INTERNET, PORTAL_URL, TOP

sys.path.insert(0, str(TOP / "tests" / "unit"))

from probes import PLAIN, check_always, check_probe, request_of  # noqa: E402
from responder import Answer, read_all  # noqa: E402

HOST = b"Host: example.org\r\n"


@pytest.fixture(scope="module")
def gated(hosts, tmp_path_factory):
    """More connections in a row than a client may have."""
    path = tmp_path_factory.mktemp("clients") / "sallyport.conf"
    path.write_text(CONFIGURATION.read_text() + "[budgets]\nhttp = 1000 5000\n")
    hosts.gate(path)
    return hosts


def ask(lab, family, request, seconds=60):
    """All bytes of the answer to these bytes; the connection was closed in order."""
    with lab.socket("client", family) as connection:
        connection.settimeout(seconds)
        connection.connect((INTERNET[family], 80))
        connection.sendall(request)
        return read_all(connection)


@pytest.mark.parametrize("probe", PLAIN, ids=lambda probe: probe["id"])
def test_probe(lab, family, probe):
    check_probe(probe, Answer(ask(lab, family, request_of(probe))), PORTAL_URL)


@pytest.mark.parametrize("host, path, agent", [
    ("connectivitycheck.gstatic.com", "/generate_204_d7b8", "Dalvik/2.1.0"),
    ("edge-http.microsoft.com", "/captiveportal/generate_204", "Mozilla/5.0"),
    ("WWW.MSFTConnectTest.com.", "/redirect", "Mozilla/5.0"),
    ("elementary.io", "/generate_204", "elementary"),
    ("capnet.elementary.io", "/", "Mozilla/5.0"),
    ("204.ecloud.global", "/", "Mozilla/5.0"),
    ("captiveportal.kuketz.de", "/", "Mozilla/5.0"),
    ("ping.manjaro.org", "/check_network_status.txt", ""),
    ("ipv4.jolla.com", "/online/status.html", "Mozilla/5.0"),
    ("www.airport.us", "/library/test/success.html", "CaptiveNetworkSupport-355.30.1 wispr"),
    ("www.msftncsi.com:80", "/ncsi.txt", "Microsoft NCSI"),
])
def test_relatives_of_the_probes(lab, host, path, agent):
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\n\r\n"
    answer = Answer(ask(lab, 4, request.encode()))
    check_always(answer)
    assert answer.status == 302 and answer.fields["location"].startswith(PORTAL_URL)


@pytest.mark.parametrize("host, path, agent", [
    ("www.apple.com", "/", "Mozilla/5.0"),
    ("fedoraproject.org", "/", "Mozilla/5.0"),
    ("example.org", "/generate_2040", "Mozilla/5.0"),
    ("www.gstatic.com.example.org", "/", "Mozilla/5.0"),
    ("www.gstatic.com:8080", "/", "Mozilla/5.0"),
    ("example.org", "/?/generate_204", "Mozilla/5.0 ConnMan/1.0"),
])
def test_no_relatives_of_the_probes(lab, host, path, agent):
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\n\r\n"
    assert Answer(ask(lab, 4, request.encode())).status == 511


# What it is, the bytes, the answer's status. Each is answered once, and closed.
CORNERS = [
    ("keep-alive", b"GET / HTTP/1.1\r\n" + HOST + b"Connection: keep-alive\r\n\r\n", 511),
    ("pipelined", (b"GET / HTTP/1.1\r\n" + HOST + b"\r\n") * 5, 511),
    ("expect", b"PUT / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n", 511),
    ("connect", b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n", 511),
    ("connect, port 0", b"CONNECT example.org:0 HTTP/1.1\r\nHost: example.org:0\r\n\r\n", 400),
    ("connect, port 65536", b"CONNECT example.org:65536 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("absolute form", b"GET http://example.net/ HTTP/1.1\r\n" + HOST + b"\r\n", 511),
    ("absolute form of https", b"GET https://example.net/ HTTP/1.1\r\n" + HOST + b"\r\n", 511),
    ("options of all", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 511),
    ("trace", b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n", 511),
    ("unknown method", b"BREW /pot HTTP/1.1\r\n" + HOST + b"\r\n", 511),
    ("no host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("empty host", b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    ("two hosts", b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
    ("host with markup", b"GET / HTTP/1.1\r\nHost: <b>\r\n\r\n", 400),
    ("host with control", b"GET / HTTP/1.1\r\nHost: a\x01b\r\n\r\n", 400),
    ("1.0 without host", b"GET / HTTP/1.0\r\n\r\n", 511),
    ("websocket", b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
     b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", 511),
    ("h2c", b"GET / HTTP/1.1\r\n" + HOST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
     b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", 511),
    ("lengths in conflict", b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nContent-Length: 2\r\n"
     b"\r\nxx", (400, 511)),
    ("length and encoding", b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n", (400, 511)),
    ("folded field", b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n", 400),
    ("bare CR", b"GET / HTTP/1.1\r\n" + HOST + b"X: a\rb\r\n\r\n", 400),
    ("NUL", b"GET / HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n", 400),
    ("blank before the colon", b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    ("leading CRLF", b"\r\nGET / HTTP/1.1\r\n" + HOST + b"\r\n", 511),
    ("conditional", b"GET / HTTP/1.1\r\n" + HOST + b'If-None-Match: "x"\r\nIf-Modified-Since: '
     b"Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n", 511),
    ("range", b"GET / HTTP/1.1\r\n" + HOST + b"Range: bytes=0-9\r\n\r\n", 511),
    ("long head", b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 17000 + b"\r\n\r\n", 431),
    ("many fields", b"GET / HTTP/1.1\r\n" + HOST + b"X: x\r\n" * 3000 + b"\r\n", 431),
    ("long target", b"GET /" + b"x" * 8200 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
    ("TLS", bytes.fromhex("16030100c8010000c40303") + bytes(197), 400),
    ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9), 400),
    ("HTTP/0.9", b"GET /\r\n", 400),
    ("something else", b"SSH-2.0-OpenSSH_9.2\r\n", 400),
]


@pytest.mark.parametrize("request_bytes, status", [corner[1:] for corner in CORNERS],
                         ids=[corner[0] for corner in CORNERS])
def test_corner(lab, family, request_bytes, status):
    raw = ask(lab, family, request_bytes)
    answer = Answer(raw)
    check_always(answer)
    assert answer.status in (status if isinstance(status, tuple) else (status,))
    assert raw.count(b"\r\nDate: ") == 1


def test_slow_request(lab, family):
    """A byte now and then is no request: the header deadline is 10 s."""
    with lab.socket("client", family) as connection:
        connection.settimeout(60)
        connection.connect((INTERNET[family], 80))
        begin = time.monotonic()
        for byte in b"GET /":
            connection.sendall(bytes([byte]))
            time.sleep(1)
        assert read_all(connection) == b""
        assert 8 < time.monotonic() - begin < 30


def test_an_upload_has_its_answer(lab, family):
    """Who looks for the answer only when all is sent finds it, and no reset in its place."""
    with lab.socket("client", family) as connection:
        connection.settimeout(60)
        connection.connect((INTERNET[family], 80))
        connection.sendall(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 40000\r\n\r\n")
        for _ in range(40):
            connection.sendall(b"x" * 1000)
        connection.shutdown(socket.SHUT_WR)
        time.sleep(0.5)
        assert Answer(read_all(connection)).status == 511


# --- programs ---


@pytest.fixture
def run(lab, tmp_path):
    """A program on the client: its exit code, and all that it said."""
    def work(*command):
        assert shutil.which(command[0]), f"{command[0]} is missing; run tools/install-deps"
        home = ["env", f"HOME={tmp_path}", "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", "no_proxy=*"]
        result = lab.run("client", *home, *command, check=False, timeout=120)
        return result.returncode, result.stdout + result.stderr
    return work


def test_curl(run):
    code, said = run("curl", "-fsSL", "http://www.example.org/install.sh")
    assert code == 22 and said.startswith("curl: (22)") and "511" in said
    code, said = run("curl", "-sSL", "-o", "/dev/null", "-w", "%{http_code} %{num_redirects}",
                     "http://www.example.org/install.sh")
    assert (code, said) == (0, "511 0")


def test_wget(run, tmp_path):
    target = tmp_path / "install.sh"
    code, said = run("wget", "-t", "2", "-O", str(target), "http://www.example.org/install.sh")
    assert code == 8 and "511 Network Authentication Required" in said
    assert target.read_bytes() == b""


def test_apt(run, tmp_path):
    for name in ("lists", "cache", "state", "parts", "empty"):
        (tmp_path / name / "partial").mkdir(parents=True)
    sources = tmp_path / "sources.list"
    sources.write_text("deb [trusted=yes] http://www.example.org/debian stable main\n")
    options = {
        "Dir::Etc::SourceList": sources, "Dir::Etc::SourceParts": tmp_path / "parts",
        "Dir::State": tmp_path / "state", "Dir::State::Lists": tmp_path / "lists",
        "Dir::Cache": tmp_path / "cache", "Dir::Etc::Parts": tmp_path / "empty",
        "Acquire::Retries": 0, "APT::Sandbox::User": "root", "Acquire::http::Proxy": "DIRECT",
        "APT::Update::Error-Mode": "any",
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    code, said = run("apt-get", "update", *words)
    assert code == 100 and "511  Network Authentication Required" in said
    assert [path.name for path in (tmp_path / "lists").iterdir() if path.is_file()
            and path.name != "lock"] == []


def test_git(run, tmp_path):
    code, said = run("git", "clone", "http://www.example.org/project.git", str(tmp_path / "project"))
    assert code == 128 and "The requested URL returned error: 511" in said
    assert not (tmp_path / "project").exists()


def test_python_requests(run):
    code, said = run("/usr/bin/python3", "-c", """
import requests
answer = requests.get("http://www.example.org/v1/items")
assert answer.status_code == 511 and not answer.history, answer
try:
    answer.raise_for_status()
except requests.HTTPError as error:
    print(error)
""")
    assert code == 0 and said.startswith("511 Server Error: Network Authentication Required")


def test_node(run):
    code, said = run("node", "-e", """
fetch("http://www.example.org/v1/items").then(async answer => {
    const text = await answer.text();
    console.log(answer.status, answer.ok, answer.redirected, text.endsWith("</html>\\n"));
});
""")
    assert code == 0 and said == "511 false false true\n", said
