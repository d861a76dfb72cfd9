# SPDX-License-Identifier: Apache-2.0
"""A scripted authorization server on 127.0.0.1: it answers exactly as a case tells it to.

There is no consent page: a case plays the browser and makes up the callback itself. Every token
and code that the server knows holds `MARK`, so that one that shows up in an output is found.
"""

import dataclasses
import http.server
import json
import socket
import socketserver
import ssl
import threading

MARK = "sEcReT"
ANSWER_SECONDS_MAX = 60


@dataclasses.dataclass
class Answer:
    """How a request is answered."""

    status: int = 200
    body: bytes | str | dict = b""
    kind: str = "application/json"
    headers: dict = dataclasses.field(default_factory=dict)
    # The connection is closed without a byte.
    cut: bool = False
    # Nothing is said until the case is over.
    silent: bool = False

    def encoded(self):
        """The body's bytes."""
        if isinstance(self.body, dict):
            return json.dumps(self.body).encode()
        return self.body.encode() if isinstance(self.body, str) else self.body


def tokens(number=0, **others):
    """A success with the tokens of this number; a member that is None is left out."""
    found = {
        "access_token": f"at-{MARK}-{number}",
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": f"rt-{MARK}-{number}",
    } | others
    return Answer(body={name: value for name, value in found.items() if value is not None})


def error(code, status=400, **others):
    """An error as RFC 6749 section 5.2 words it."""
    return Answer(status=status, body={"error": code} | others)


class Provider:
    """The server. `token` and `revoke` are the answers from now on; `asked` is what came.

    `at` holds the answers of any other paths.
    """

    def __init__(self, certificate=None):
        self.token = tokens()
        self.revoke = Answer()
        self.at = {}
        self.asked = []
        self.over = threading.Event()
        self._context = None
        if certificate:
            self.certify(certificate)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.provider = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.port = self._server.server_address[1]
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}"

    def certify(self, certificate):
        """Speaks TLS with this pair of files from the next connection on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self._context = context

    def wrapped(self, connection):
        """The connection, over TLS where the provider has a certificate."""
        if self._context is None:
            return connection
        return self._context.wrap_socket(connection, server_side=True)

    def wait_asked(self, count, seconds=20):
        """Waits until so many requests have come."""
        with self._server.came:
            return self._server.came.wait_for(lambda: len(self.asked) >= count, seconds)

    def stop(self):
        """No more connections are taken; whoever waits is let go. Can be called again."""
        self.over.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    # Not http.server's own: that asks the name service for its name.
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, *arguments):
        self.came = threading.Condition()
        super().__init__(*arguments)

    def finish_request(self, request, client_address):
        # The handshake belongs to the connection's own thread, and may fail as the case wants it.
        request.settimeout(ANSWER_SECONDS_MAX)
        try:
            super().finish_request(self.provider.wrapped(request), client_address)
        except (OSError, ssl.SSLError):
            pass

    def handle_error(self, request, client_address):
        """A broken connection is what many cases are about."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        form = self.rfile.read(length).decode()
        provider = self.server.provider
        with self.server.came:
            provider.asked.append((self.path, form))
            self.server.came.notify_all()
        usual = provider.revoke if self.path == "/revoke" else provider.token
        self._send(provider.at.get(self.path, usual))

    def do_GET(self):
        page = Answer(body="a page", kind="text/html")
        self._send(self.server.provider.at.get(self.path, page))

    def _send(self, answer):
        if answer.silent:
            self.server.provider.over.wait(ANSWER_SECONDS_MAX)
        if answer.silent or answer.cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        body = answer.encoded()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Nothing is printed."""


class Proxy:
    """An HTTP proxy on 127.0.0.1 that connects nobody: it answers with this status."""

    def __init__(self, status):
        line = f"HTTP/1.1 {status} no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        self._answer = line.encode()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(ANSWER_SECONDS_MAX)
                try:
                    while b"\r\n\r\n" not in connection.recv(65536):
                        pass
                    connection.sendall(self._answer)
                except OSError:
                    pass

    def stop(self):
        """No more connections are taken."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def free_port():
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
