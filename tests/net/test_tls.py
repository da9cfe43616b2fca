# SPDX-License-Identifier: GPL-2.0-or-later
"""The portal over HTTPS: the certificate, its renewal while connections go on, bad ones, idlers."""

import contextlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from lab import GATEWAY, PORTAL_URL, wait_until

HOST = "portal.test"
REQUEST = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


@pytest.fixture
def folder(gated):
    """The lab's certificate and key, put back afterwards."""
    path = Path(gated.certificate).parent
    kept = {name: (path / name).read_bytes() for name in ("portal.crt", "portal.key")}
    yield path
    for name, text in kept.items():
        (path / name).write_bytes(text)
    reload(gated, "read again")


def log_of(lab):
    return Path(f"/run/sallyport-lab/{lab.name}/sallyportd.log").read_text(encoding="utf-8")


def reload(lab, words):
    """SIGHUP, until the daemon has said so once more."""
    before = log_of(lab).count(words)
    os.kill(lab.daemon_pid(), signal.SIGHUP)
    wait_until(lambda: log_of(lab).count(words) > before, 10, words)


def renew(lab, folder, *options):
    lab.ctl("cert", "self-signed", "--host", HOST, "--out", str(folder), "--force", *options,
            check=True)


def context(**versions):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    for name, version in versions.items():
        setattr(made, name, version)
    return made


def connect(lab, family=4, seconds=30):
    raw = lab.socket("client", family)
    raw.settimeout(seconds)
    raw.connect((GATEWAY[family], 443))
    return raw


def secure(lab, family=4, made=None):
    return (made or context()).wrap_socket(connect(lab, family), server_hostname=HOST)


def shown(lab):
    """The certificate that a new connection meets."""
    with secure(lab) as connection:
        return connection.getpeercert(True)


def ask(connection):
    """The status of a whole answer on a connection that is kept."""
    connection.sendall(REQUEST)
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(re.search(rb"content-length: (\d+)", head.lower())[1])
    while len(body) < length:
        body += connection.recv(65536)
    return int(head.split()[1])


def der(path):
    return ssl.PEM_cert_to_DER_cert(Path(path).read_text(encoding="ascii"))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions(lab, family, version):
    with secure(lab, family, context(minimum_version=version, maximum_version=version)) as one:
        assert one.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
        assert one.cipher()[0].startswith(("TLS_", "ECDHE"))
        assert ask(one) == 200
        assert one.getpeercert(True) == der(lab.certificate)


@pytest.mark.parametrize("options", [["-tls1_1"], ["-tls1"], ["-tls1_2", "-cipher", "AES128-SHA"]],
                         ids=["TLS 1.1", "TLS 1.0", "no forward secrecy"])
def test_old_ways_are_refused(lab, options):
    result = lab.run(
        "client", "openssl", "s_client", "-connect", f"{GATEWAY[4]}:443", "-cipher",
        "ALL:@SECLEVEL=0", *options, check=False,
    )
    assert result.returncode != 0
    assert "Cipher is (NONE)" in result.stdout


def test_renewed_while_connections_go_on(lab, folder):
    """Of three connections: one is kept, one is in its handshake, one comes later."""
    old, pid = der(lab.certificate), lab.daemon_pid()
    with secure(lab) as kept, connect(lab) as begun:
        assert ask(kept) == 200
        renew(lab, folder)
        reload(lab, "read again")
        new = der(lab.certificate)
        assert new != old
        wait_until(lambda: shown(lab) == new, 10, "the new certificate")
        assert kept.getpeercert(True) == old
        assert ask(kept) == 200
        with context().wrap_socket(begun, server_hostname=HOST) as finished:
            assert ask(finished) == 200
    assert lab.daemon_pid() == pid
    status = lab.json("status")[0]["certificate"]
    assert status["state"] == "good" and status["names"] == [HOST]
    assert lab.run("client", "curl", "-s", "--cacert", lab.certificate, PORTAL_URL).returncode == 0


def spoil_key(lab, folder):
    (folder / "portal.key").write_text("no key at all\n")


def encrypt_key(lab, folder):
    subprocess.run(
        ["openssl", "pkey", "-in", folder / "portal.key", "-aes256", "-passout", "pass:secret",
         "-out", folder / "encrypted"], check=True, capture_output=True,
    )
    shutil.move(folder / "encrypted", folder / "portal.key")


def other_key(lab, folder):
    kept = (folder / "portal.crt").read_bytes()
    renew(lab, folder)
    (folder / "portal.crt").write_bytes(kept)


def no_certificate(lab, folder):
    (folder / "portal.crt").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n")


def remove_certificate(lab, folder):
    (folder / "portal.crt").unlink()


BAD = {
    "no key": (spoil_key, "portal.key: no private key can be read"),
    "encrypted": (encrypt_key, "portal.key: the key is encrypted"),
    "of another": (other_key, "portal.key: this key is not the key of the certificate in"),
    "garbage": (no_certificate, "portal.crt: no certificate can be read"),
    "absent": (remove_certificate, "portal.crt: No such file or directory"),
}


@pytest.mark.parametrize("spoil, words", BAD.values(), ids=BAD)
def test_bad_one_changes_nothing(lab, folder, spoil, words):
    """The daemon keeps the one it has, `config check` says what is wrong, a new daemon refuses."""
    good = der(lab.certificate)
    spoil(lab, folder)
    reload(lab, "the certificate stays as it is")
    assert words in log_of(lab)
    assert shown(lab) == good
    checked = lab.ctl("config", "check", "-c", str(folder / "sallyport.conf"))
    assert checked.returncode == 2 and words in checked.stderr


def test_expired_one_is_shown_and_told(lab, folder):
    """Better than no portal at all; loud in log and status, and `config check` fails."""
    config = str(folder / "sallyport.conf")
    subprocess.run(
        ["openssl", "x509", "-in", folder / "portal.crt", "-signkey", folder / "portal.key",
         "-days", "-1", "-out", folder / "expired"], check=True, capture_output=True,
    )
    shutil.move(folder / "expired", folder / "portal.crt")
    reload(lab, "the certificate expired on")
    wait_until(lambda: shown(lab) == der(lab.certificate), 10, "the expired certificate")
    assert lab.json("status")[0]["certificate"]["state"] == "expired"
    assert "EXPIRED" in lab.ctl("status").stdout
    checked = lab.ctl("config", "check", "-c", config)
    assert checked.returncode == 2 and "expired on" in checked.stderr
    lab.ctl("cert", "self-signed", "--host", "elsewhere.test", "--out", str(folder), "--force",
            check=True)
    checked = lab.ctl("config", "check", "-c", config)
    assert checked.returncode == 2 and f"is not one of {HOST}" in checked.stderr


def test_nonsense_in_place_of_a_hello(lab):
    for data in (b"GET / HTTP/1.0\r\n\r\n", os.urandom(4000), b"\x16\x03\x01\xff\xff" + bytes(300),
                 b"\x16\x03\x01\x00\x00", b"\x80\x2e\x01\x00\x02", b""):
        with connect(lab) as connection:
            # It may be refused before it is sent to its end.
            with contextlib.suppress(OSError):
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass
    with secure(lab) as connection:
        assert ask(connection) == 200


def test_idlers_do_not_stop_others(lab):
    """Connections without a handshake: one client may have so many, the next one gets in."""
    lab.tool("client", lab.name, "1")
    with contextlib.ExitStack() as idlers:
        for _ in range(500):
            idlers.enter_context(connect(lab))
        answer = lab.run(
            "client1", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "30",
            "--cacert", lab.certificate, PORTAL_URL,
        )
        assert answer.stdout == "200"
        memory = Path(f"/proc/{portal_pid(lab)}/status").read_text(encoding="ascii")
        assert int(re.search(r"VmRSS:\s+(\d+) kB", memory)[1]) < 65536


def portal_pid(lab):
    found = subprocess.run(
        ["pgrep", "-P", str(lab.daemon_pid()), "-f", "sallyport-portal"], capture_output=True,
        text=True, check=True,
    )
    return int(found.stdout)


@pytest.mark.parametrize("options, code, words", [
    (["--host", "not a host!"], 2, "expected a DNS name"),
    (["--host", ","], 2, "--host: expected the names"),
    (["--days", "0"], 2, "--days: expected a number from 1 to 3650"),
    (["--days", "soon"], 2, "--days: expected a number"),
    (["--out", "/nowhere/at/all"], 1, "No such file or directory"),
    ([], 1, "is there already; --force replaces it"),
])
def test_cert_self_signed_refuses(lab, tmp_path, options, code, words):
    (tmp_path / "portal.key").write_text("precious\n")
    given = dict(zip(options[::2], options[1::2]))
    arguments = {"--host": HOST, "--out": str(tmp_path)} | given
    result = lab.ctl("cert", "self-signed", *(word for pair in arguments.items() for word in pair))
    assert result.returncode == code
    assert words in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["portal.key"]
    assert (tmp_path / "portal.key").read_text() == "precious\n"


def test_cert_self_signed(lab, tmp_path):
    names = [HOST, "10.85.0.1", "fd85::1"]
    made = lab.json("cert", "self-signed", "--host", ",".join(names), "--days", "30",
                    "--out", str(tmp_path))[0]
    assert made["names"] == names and made["days_left"] in (29, 30)
    assert (tmp_path / "portal.key").stat().st_mode & 0o777 == 0o600
    result = subprocess.run(
        ["openssl", "x509", "-in", tmp_path / "portal.crt", "-noout", "-fingerprint", "-sha256"],
        capture_output=True, text=True, check=True,
    )
    assert made["fingerprint"] in result.stdout
    shown_again = lab.json("cert", "show", made["certificate"])[0]
    assert shown_again["fingerprint"] == made["fingerprint"]
