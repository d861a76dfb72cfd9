# SPDX-License-Identifier: Apache-2.0
"""The practice server, its user who approves everything, and a gate between it and the vault.

The gate counts what a vault sends, and holds requests back, so that a copy of the directory can be
made, or a process killed, in the middle of a disconnect or of a refresh.
"""

import contextlib
import http.client
import http.server
import os
import socket
import subprocess
import threading
import urllib.parse

REDIRECT = "http://127.0.0.1:8017/callback"
MONTH = 30 * 86_400


class Gate(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = upstream
        self.lock = threading.Lock()
        self.requests = 0
        self.held = None
        self.arrived, self.open = threading.Event(), threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    @contextlib.contextmanager
    def holding(self, path):
        """Requests to a path wait until the block ends. Yields what waits for the first of them."""
        self.arrived.clear()
        self.open.clear()
        self.held = path
        try:
            yield lambda: self.arrived.wait(30)
        finally:
            self.held = None
            self.open.set()

    def handle_error(self, *_):
        # A process that was killed in the middle hangs up.
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.lock:
            self.server.requests += 1
        if self.path == self.server.held:
            self.server.arrived.set()
            self.server.open.wait(60)
        headers = {name: self.headers[name] for name in ("Authorization", "Content-Type", "Accept")
                   if name in self.headers}
        upstream = http.client.HTTPConnection(*self.server.upstream, timeout=60)
        with contextlib.closing(upstream):
            upstream.request("POST", self.path, body, headers)
            answer = upstream.getresponse()
            content = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type", "text/plain"))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Practice:
    CLIENT = "practice-client"

    def __init__(self, program, folder):
        self.secret_file = os.path.join(folder, "client.secret")
        with open(os.open(self.secret_file, os.O_WRONLY | os.O_CREAT, 0o600), "w",
                  encoding="ascii") as file:
            file.write("a secret of the client")
        # Refresh tokens stay: a refresh in one try must not end the grant of the next.
        self.process = subprocess.Popen(
            [program, "--client-id", self.CLIENT, "--client-secret-file", self.secret_file,
             "--redirect-uri", REDIRECT, "--rotation", "none", "--access-lifetime", str(MONTH)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        words = self.process.stdout.readline().decode().split()
        address = urllib.parse.urlsplit(words[-1])
        self.address = (address.hostname, address.port)
        self.url = words[-1]
        self.gate = Gate(self.address)

    def approve(self, url):
        """The address to which the browser of a user who approves is sent back."""
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        with contextlib.closing(connection):
            form = urllib.parse.urlsplit(url).query + "&decision=approve&user=ada"
            connection.request("POST", "/authorize", form,
                               {"Content-Type": "application/x-www-form-urlencoded"})
            location = connection.getresponse().getheader("Location")
        if location is None or "code=" not in location:
            raise RuntimeError("the practice server did not approve")
        return location

    def end(self):
        self.gate.shutdown()
        with contextlib.suppress(OSError):
            self.gate.socket.shutdown(socket.SHUT_RDWR)
        self.gate.server_close()
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
