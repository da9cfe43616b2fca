# SPDX-License-Identifier: GPL-2.0-or-later
"""Another portal, as sallyport.conf(5) describes it: over TLS, in a host of the lab."""

import base64
import hashlib
import hmac
import html
import http.server
import json
import ssl
import subprocess
import tempfile
import threading
from urllib.parse import parse_qs, urlsplit

from lab import in_namespace


def encode(data):
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(secret, payload):
    return encode(hmac.digest(secret, payload.encode(), hashlib.sha256))


def token(secret, link, **limits):
    """The token for a client that came by that link."""
    asked = {key: values[0] for key, values in parse_qs(urlsplit(link).query).items()}
    payload = encode(json.dumps({
        "nonce": asked["nonce"], "client": asked["client"], "vlan": int(asked["vlan"]),
        "expires": int(asked["expires"]), **limits,
    }).encode())
    return f"{payload}.{sign(secret, payload)}"


def is_signed(secret, link):
    query, _, signature = urlsplit(link).query.rpartition("&sig=")
    key = hmac.digest(secret, b"sallyport hand-over", hashlib.sha256)
    return hmac.compare_digest(sign(key, query), signature)


class Portal(http.server.BaseHTTPRequestHandler):
    """A page with a link back, which has the token."""

    def do_GET(self):
        server = self.server
        server.links.append(self.path)
        back = parse_qs(urlsplit(self.path).query).get("return")
        good = back and is_signed(server.secret, self.path)
        target = back[0] + token(server.secret, self.path, **server.limits) if good else ""
        page = (f'<!DOCTYPE html><title>Elsewhere</title><link rel="icon" href="data:,">'
                f'<h1>Elsewhere</h1><a id="back" href="{html.escape(target)}">Go on</a>').encode()
        self.send_response(200 if good else 400)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_):
        pass


def make_certificate(folder, names):
    """certificate.pem, signed by its own key.pem, for names as "IP:10.0.0.1,DNS:a.example"."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-subj", "/CN=test", "-addext", f"subjectAltName={names}", "-days", "2",
         "-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem"],
        check=True, capture_output=True,
    )


class External:
    """That portal, while the `with` block runs."""

    def __init__(self, lab, address, secret, limits):
        self.lab, self.address, self.secret, self.limits = lab, address, secret, limits

    def __enter__(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory(prefix="sallyport-external-") as folder:
            make_certificate(folder, f"IP:{self.address}")
            context.load_cert_chain(f"{folder}/certificate.pem", f"{folder}/key.pem")
        self.server = in_namespace(
            self.lab.host("net"),
            lambda: http.server.ThreadingHTTPServer((self.address, 443), Portal),
        )
        self.server.daemon_threads = True
        # In the thread of the connection: a browser that only connects keeps nobody waiting.
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True, do_handshake_on_connect=False
        )
        self.server.secret, self.server.limits, self.server.links = self.secret, self.limits, []
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
