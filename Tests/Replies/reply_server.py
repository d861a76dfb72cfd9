# SPDX-License-Identifier: Apache-2.0
"""An authorization server on loopback that answers as it is told: whole, late, cut or odd.

Every case has a grant per account. Refresh tokens rotate strictly: one that was replaced, or that
nobody issued, ends its grant for good, as RFC 9700 section 4.14.2 wants it. So what a client does
after an answer that it could not use shows in whether the grant is still alive.
"""

import base64
import dataclasses
import json
import secrets
import socket
import threading
import time
import urllib.parse

REQUEST_BYTES_MAX = 1 << 20
SECONDS_MAX = 120


@dataclasses.dataclass
class Grant:
    """What one consent gave, and what became of it."""

    case: str
    refresh_token: str = ""
    access_token: str = ""
    alive: bool = True
    replaced: set = dataclasses.field(default_factory=set)
    presented: list = dataclasses.field(default_factory=list)
    revoked: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Answer:
    """How one request is answered: bytes, and what the socket does with them."""

    body: bytes = b""
    status: int = 200
    headers: tuple = (("Content-Type", "application/json"),)
    wait: float = 0.0
    # Waits until the process that asked is stopped.
    held: bool = False
    # Sent as it is, instead of a head and a body.
    raw: bytes | None = None
    # Bytes behind the declared end of the body.
    tail: bytes = b""
    # The length that is declared where it is not the body's.
    length: int | None = None
    chunked_cut: bool = False
    close: bool = False
    # The server does what was asked, but the connection breaks before the answer.
    drop: bool = False
    reset: bool = False

    def encoded(self):
        """The answer as it goes over the wire."""
        if self.raw is not None:
            return self.raw
        head = f"HTTP/1.1 {self.status} Answer\r\n"
        for name, value in self.headers:
            head += f"{name}: {value}\r\n"
        if self.close:
            head += "Connection: close\r\n"
        if self.chunked_cut:
            chunk = b"%x\r\n" % len(self.body) + self.body + b"\r\n"
            return (head + "Transfer-Encoding: chunked\r\n\r\n").encode() + chunk
        length = len(self.body) if self.length is None else self.length
        return (head + f"Content-Length: {length}\r\n\r\n").encode() + self.body + self.tail


def members(grant, **others):
    """The members of a plain success; None takes one out."""
    found = {
        "access_token": grant.access_token,
        "token_type": "Bearer",
        "expires_in": 3600,
        "refresh_token": grant.refresh_token,
    } | {name: _moment(value) for name, value in others.items()}
    return {name: value for name, value in found.items() if value is not None}


def _moment(value):
    """An hour from now, where a case says so: it was written down before it runs."""
    if value == "MOMENT":
        return int(time.time()) + 3600
    if value == "RFC3339":
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    return value


def success(grant, **others):
    """A plain success (RFC 6749 section 5.1)."""
    return Answer(json.dumps(members(grant, **others)).encode())


def refusal(error, status=400):
    """A plain refusal (RFC 6749 section 5.2)."""
    return Answer(json.dumps({"error": error}).encode(), status=status)


class Script:
    """What the server does in one case."""

    def __init__(self, connect=success, refreshes=(), secret_check=None):
        self.connect = connect
        self.refreshes = list(refreshes)
        self.secret_check = secret_check


class ReplyServer:
    """Serves all cases, each under a path of its own, until `close`."""

    def __init__(self, scripts, client="client", secret="a client secret"):
        self.scripts = dict(scripts)
        self.client, self.secret = client, secret
        self.codes, self.grants, self.asked = {}, [], []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.open = True
        # Answers of frozen cases wait for this, until the process that asked is stopped.
        self.hold = threading.Event()
        self.hold.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, case, endpoint):
        """Where an endpoint of a case is."""
        return f"http://127.0.0.1:{self.port}/{case}/{endpoint}"

    def close(self):
        """Takes no further connection."""
        self.open = False
        self.listener.close()

    def grants_of(self, case):
        """The grants of a case, in the order of their consents."""
        with self.lock:
            return [grant for grant in self.grants if grant.case == case]

    def wait_for_requests(self, case, count, seconds=20):
        """Waits until the token endpoint of a case has been asked so often."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with self.lock:
                if sum(1 for asked in self.asked if asked == case) >= count:
                    return True
            time.sleep(0.01)
        return False

    def consent(self, authorization_url):
        """A user approves: the address that the browser ends at."""
        parts = urllib.parse.urlsplit(authorization_url)
        case = parts.path.strip("/").split("/")[0]
        query = dict(urllib.parse.parse_qsl(parts.query))
        code = secrets.token_urlsafe(12)
        with self.lock:
            self.codes[code] = case
        back = urllib.parse.urlencode({"code": code, "state": query["state"]})
        return f"{query['redirect_uri']}?{back}"

    def _accept(self):
        while self.open:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.settimeout(SECONDS_MAX)
        with connection:
            try:
                while self._serve_one(connection):
                    pass
            except (OSError, ValueError):
                return

    def _serve_one(self, connection):
        """One request and its answer; False where the connection ends."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece or len(data) > REQUEST_BYTES_MAX:
                return False
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        while len(body) < int(headers.get("content-length", 0)):
            piece = connection.recv(65536)
            if not piece:
                return False
            body += piece
        _, case, endpoint = lines[0].split(" ")[1].split("?")[0].split("/")[:3]
        form = dict(urllib.parse.parse_qsl(body.decode("latin-1"), keep_blank_values=True))
        answer = self._answer(case, endpoint, form, headers)
        if answer.wait:
            time.sleep(answer.wait)
        if answer.held:
            self.hold.wait(SECONDS_MAX)
        if answer.reset:
            # With a linger of 0 the socket ends with RST instead of FIN.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return False
        if answer.drop:
            return False
        connection.sendall(answer.encoded())
        return not (answer.close or answer.chunked_cut or answer.length is not None)

    def _answer(self, case, endpoint, form, headers):
        script = self.scripts[case]
        with self.lock:
            if endpoint == "revoke":
                return self._revoke(form)
            self.asked.append(case)
            if script.secret_check and not self._is_let_in(headers):
                return script.secret_check(self, self._grant_of(form.get("refresh_token")))
            if form.get("grant_type") == "authorization_code":
                return self._exchange(case, script, form)
            return self._refresh(script, form)

    def _is_let_in(self, headers):
        kind, _, value = headers.get("authorization", "").partition(" ")
        if kind != "Basic":
            return False
        name, _, secret = base64.b64decode(value).decode().partition(":")
        unquote = urllib.parse.unquote_plus
        return (unquote(name), unquote(secret)) == (self.client, self.secret)

    def _exchange(self, case, script, form):
        if self.codes.pop(form.get("code"), None) != case:
            return refusal("invalid_grant")
        grant = Grant(case)
        self.grants.append(grant)
        self._issue(grant)
        return script.connect(grant)

    def _grant_of(self, token):
        for grant in self.grants:
            if token and (token == grant.refresh_token or token in grant.replaced):
                return grant
        return None

    def _refresh(self, script, form):
        token = form.get("refresh_token", "")
        grant = self._grant_of(token)
        if grant is None:
            return refusal("invalid_grant")
        grant.presented.append(token)
        if token in grant.replaced:
            grant.alive = False
        if not grant.alive:
            return getattr(script, "dead", lambda: refusal("invalid_grant"))()
        respond = script.refreshes.pop(0) if script.refreshes else success
        if not getattr(respond, "keeps_tokens", False):
            self._issue(grant)
        return respond(grant)

    @staticmethod
    def _issue(grant):
        if grant.refresh_token:
            grant.replaced.add(grant.refresh_token)
        grant.refresh_token = "rt-" + secrets.token_urlsafe(24)
        grant.access_token = "at-" + secrets.token_urlsafe(24)

    def _revoke(self, form):
        token = form.get("token")
        for grant in self.grants:
            if token == grant.access_token:
                grant.revoked.append("access_token")
            if token == grant.refresh_token or token in grant.replaced:
                grant.revoked.append("refresh_token")
                grant.alive = False
        return Answer(b"")


def keeps_tokens(respond):
    """Marks an answer to a refresh with which the server issues nothing."""
    respond.keeps_tokens = True
    return respond
