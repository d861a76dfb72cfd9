# SPDX-License-Identifier: Apache-2.0
"""Stands between a vault and a practice server, and remembers every secret that passes.

The vault under proof gets its tokens through OAuth and in no other way; what they are is learnt on
the wire, here. Over HTTPS this is also where TLS ends, since the practice server has none.
"""

import base64
import gzip
import http.client
import http.server
import json
import os
import secrets
import socket
import ssl
import subprocess
import threading
import urllib.parse
import zlib

SECRET_FIELDS = {"code": "code", "code_verifier": "verifier", "refresh_token": "refresh",
                 "access_token": "access", "client_secret": "client"}
# What the practice server makes, as "marker-kind-random".
MARKED = {"code", "refresh", "access"}


def deflate_raw(content):
    coder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return coder.compress(content) + coder.flush()


# What an answer may be coded with though nobody asked: its header and how.
CODINGS = {"gzip": ("gzip", gzip.compress), "deflate": ("deflate", zlib.compress),
           "deflate without its header": ("deflate", deflate_raw), "nothing": (None, bytes)}
# How long the id_token of a coded answer is, in bytes: longer than a vault's largest block.
ID_TOKEN_BYTES = 100_000
# How much an untidy answer is longer than what a vault may read at a time, in bytes.
UNTIDY_BYTES = 5000


def random_part(text):
    """What is random of "word-word-random". Of the rest and a few random letters a library may
    have a word in UTF-16, eight letters in 16 bytes: ICU's is "Unicode-normalisering"."""
    return text.split("-", 2)[2]


class Memory:
    """Secrets by a name, in the order in which they came."""

    def __init__(self):
        self.lock = threading.Lock()
        self.secrets = {}  # bytes -> name
        self.open = self.peak = 0

    def keep(self, kind, text):
        secret = text.encode()
        with self.lock:
            if secret not in self.secrets:
                self.secrets[secret] = f"{kind}-{len(self.secrets)}"

    def names(self):
        """Each secret by its name; a copy."""
        with self.lock:
            return {name: secret for secret, name in self.secrets.items()}

    def count(self, step):
        with self.lock:
            self.open += step
            self.peak = max(self.peak, self.open)

    def keep_fields(self, pairs):
        for name, text in pairs:
            # A revocation calls the token just "token", and it is known by then.
            if name in SECRET_FIELDS and text:
                kind = SECRET_FIELDS[name]
                self.keep(kind, random_part(text) if kind in MARKED else text)

    def keep_request(self, body, authorization):
        self.keep_fields(urllib.parse.parse_qsl(body.decode()))
        if authorization and authorization.startswith("Basic "):
            # The id and the secret, each percent-encoded: another text than the secret itself.
            pair = base64.b64decode(authorization[6:]).decode()
            self.keep("client", urllib.parse.unquote_plus(pair.partition(":")[2]))
            self.keep("credentials", pair)

    def keep_answer(self, body):
        try:
            self.keep_fields(json.loads(body).items())
        except (ValueError, AttributeError):
            pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Small answers must not wait for each other.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self):
        memory = self.server.memory
        memory.count(1)
        try:
            self.relay(memory)
        finally:
            memory.count(-1)

    def relay(self, memory):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        memory.keep_request(body, self.headers.get("Authorization"))
        headers = {name: self.headers[name] for name in ("Authorization", "Content-Type", "Accept")
                   if name in self.headers}
        upstream = http.client.HTTPConnection(*self.server.upstream, timeout=60)
        try:
            upstream.request("POST", self.path, body, headers)
            answer = upstream.getresponse()
            content = answer.read()
        finally:
            upstream.close()
        memory.keep_answer(content)
        coding = None
        if self.server.coding is not None:
            content, coding = self.code(content, memory)
        more = b""
        if self.server.is_untidy:
            content += b" " * UNTIDY_BYTES
            more = b"\r\n"
            # The end comes with the answer, which says nothing of it.
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            self.close_connection = True
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type", "text/plain"))
        if coding is not None:
            self.send_header("Content-Encoding", coding)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content + more)

    def code(self, content, memory):
        """The answer as the server codes it at the moment, with a large member in front."""
        try:
            members = json.loads(content)
        except ValueError:
            members = {}
        if "access_token" in members:
            text = secrets.token_urlsafe(30)
            memory.keep("identity", text)
            large = (text + ".") * (ID_TOKEN_BYTES // (len(text) + 1))
            content = json.dumps({"id_token": large, **members}).encode()
        name, encode = CODINGS[self.server.coding]
        return encode(content), name

    def log_message(self, *_):
        pass


class GoBetween(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, upstream, memory, certificate=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = upstream
        self.memory = memory
        # Whether answers are long, and more comes than they announce: the record is not read to
        # its end, and the connection is kept.
        self.is_untidy = False
        # One of CODINGS; then answers with tokens are large, too.
        self.coding = None
        self.context = None
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        scheme = "http" if certificate is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):
        # On the request's own thread, so that a slow handshake holds up nobody else.
        if self.context is not None:
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def shutdown_request(self, request):
        try:
            request.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        self.close_request(request)

    def handle_error(self, *_):
        # The vault ends connections as it likes. What goes wrong shows at the vault.
        pass


def make_certificate(folder):
    """A certificate of an authority of its own. Returns (certificate, key) and the authority."""
    def path(name):
        return os.path.join(folder, name)

    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)

    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *new_key, "-keyout", path("ca.key"), "-out", path("ca.pem"),
            "-days", "2", "-subj", "/CN=Practice Authority")
    openssl("req", "-new", *new_key, "-keyout", path("leaf.key"), "-out", path("leaf.csr"),
            "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    openssl("x509", "-req", "-in", path("leaf.csr"), "-CA", path("ca.pem"), "-CAkey",
            path("ca.key"), "-CAcreateserial", "-copy_extensions", "copy", "-days", "2",
            "-out", path("leaf.pem"))
    return (path("leaf.pem"), path("leaf.key")), path("ca.pem")
