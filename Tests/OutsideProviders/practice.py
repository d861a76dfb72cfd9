# SPDX-License-Identifier: Apache-2.0
"""What two practice providers have in common: TLS under a private CA, requests and answers."""

import http.server
import json
import pathlib
import secrets
import socket
import ssl
import subprocess
import threading
import urllib.parse


def make_certificates(directory, hosts):
    """Makes a CA, and a certificate for `hosts`; answers with the CA's file."""
    directory = pathlib.Path(directory)
    names = ",".join(f"DNS:{host}" for host in hosts)
    extensions = directory / "server.ext"
    extensions.write_text(f"subjectAltName={names}\nbasicConstraints=CA:FALSE\n")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=Practice CA", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", *curve, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=practice")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-extfile", "server.ext", "-out", "server.pem")
    return directory / "ca.pem"


class Request:
    """One request as the provider sees it."""

    def __init__(self, method, host, target, headers, body):
        self.method, self.host, self.headers, self.body = method, host, headers, body
        parts = urllib.parse.urlsplit(target)
        self.path = parts.path
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))

    def kind(self):
        """What the body says that it is."""
        return self.headers.get("Content-Type", "").partition(";")[0]

    def form(self):
        """The form in the body; None where the body says to be something else."""
        if self.kind() != "application/x-www-form-urlencoded":
            return None
        return dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))

    def json(self):
        """The JSON in the body; None where the body says to be something else."""
        return json.loads(self.body) if self.kind() == "application/json" else None

    def bearer(self):
        """The token of `Authorization: Bearer`; empty where there is none."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        return token if scheme == "Bearer" else ""


class Answer:
    """One answer."""

    def __init__(self, status, body=b"", content_type=None, headers=None):
        self.status, self.body, self.headers = status, body, dict(headers or {})
        if content_type:
            self.headers["Content-Type"] = content_type

    @staticmethod
    def json(status, value):
        return Answer(status, json.dumps(value).encode(), "application/json; charset=utf-8")

    @staticmethod
    def form(status, members):
        body = urllib.parse.urlencode(members).encode()
        return Answer(status, body, "application/x-www-form-urlencoded")

    @staticmethod
    def redirect(target, **members):
        separator = "&" if urllib.parse.urlsplit(target).query else "?"
        return Answer(302, headers={"Location": target + separator
                                    + urllib.parse.urlencode(members)})


class PracticeProvider:
    """A TLS server on 127.0.0.1 that keeps every request. Subclasses have `answer(request)`."""

    def __init__(self, directory):
        self.requests = []
        self.lock = threading.Lock()
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                host = self.headers.get("Host", "").partition(":")[0]
                request = Request(self.command, host, self.path, self.headers,
                                  self.rfile.read(length))
                with provider.lock:
                    provider.requests.append(request)
                    answer = provider.answer(request)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.status != 204:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_DELETE = handle_any

            def log_message(self, format, *arguments):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{directory}/server.pem", f"{directory}/server.key")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request):
        raise NotImplementedError

    def seen(self, method, path):
        """The requests of this method whose path begins so, oldest first."""
        with self.lock:
            return [r for r in self.requests if r.method == method and r.path.startswith(path)]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def fresh(prefix, size=18):
    """A new token, code or id."""
    return prefix + secrets.token_urlsafe(size)



def free_port():
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
