#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The Internet of the lab: a web server on port 80 and an echo on port 7 (TCP and UDP), both families.

Every path answers 200 with a small page, except /generate_204 (204, as a connectivity probe
expects) and /stream (a download without end).
"""

import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!doctype html>
<html lang="en">
<head><title>The Internet</title></head>
<body><h1>This is the Internet</h1>
<p>You asked for {path} and came from {client}.</p></body>
</html>
"""


class Web(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/generate_204":
            self.send_response(204)
            self.end_headers()
        elif self.path == "/stream":
            self.stream()
        else:
            self.page()

    do_HEAD = do_GET

    def page(self):
        path = self.path.replace("&", "&amp;").replace("<", "&lt;")
        body = PAGE.format(path=path, client=self.client()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.end_headers()
        # Slow enough to leave the processor to others: about 3 MB/s.
        pause = threading.Event()
        try:
            while not pause.wait(0.01):
                self.wfile.write(bytes(32768))
        except OSError:
            self.close_connection = True

    def log_message(self, format, *args):
        print(self.client(), format % args, flush=True)

    def client(self):
        """The client's address; IPv4 arrives mapped on a socket of both families."""
        return self.client_address[0].removeprefix("::ffff:")


class EchoTcp(socketserver.StreamRequestHandler):
    def handle(self):
        while data := self.request.recv(65536):
            self.request.sendall(data)


class EchoUdp(socketserver.DatagramRequestHandler):
    def handle(self):
        self.wfile.write(self.rfile.read())


class DualStack:
    """For IPv4 and IPv6 on one socket."""

    address_family = socket.AF_INET6
    daemon_threads = True
    allow_reuse_address = True

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


class WebServer(DualStack, ThreadingHTTPServer):
    # Many clients may come at once.
    request_queue_size = 1024


class TcpServer(DualStack, socketserver.ThreadingTCPServer):
    pass


class UdpServer(DualStack, socketserver.ThreadingUDPServer):
    max_packet_size = 65535


def main():
    echoes = [TcpServer(("::", 7), EchoTcp), UdpServer(("::", 7), EchoUdp)]
    for echo in echoes:
        threading.Thread(target=echo.serve_forever, daemon=True).start()
    WebServer(("::", 80), Web).serve_forever()


if __name__ == "__main__":
    main()
