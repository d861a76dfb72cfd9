# SPDX-License-Identifier: Apache-2.0
"""A user's desk: a vault of its own, the program, a provider, and what was written down.

A case gets a fresh desk, brings about one failure, and names with `fail` the command at which the
user meets it. What `fail` saw, the log and the status afterwards are the row of the table.
"""

import dataclasses
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.parse

from certificates import Certificates
from provider import MARK, Provider, free_port

SECONDS_MAX = 90
APP = "crm"
ID = "anna"


@dataclasses.dataclass
class Seen:
    """What a command showed."""

    command: str
    status: int | None
    out: str
    err: str

    @property
    def hung(self):
        """Whether it had to be killed."""
        return self.status is None


class NotStaged(Exception):
    """Something went wrong before the failure that the case is about."""


class Desk:
    """Everything that one case needs; nothing of it outlives `clear`."""

    def __init__(self, program, folder, certificates: Certificates):
        self.program = os.path.abspath(program)
        self.folder = str(folder)
        self.certificates = certificates
        self.options = ["--allow-loopback-http"]
        self.key = ["--key-file", "v.key"]
        self.redirect = f"http://127.0.0.1:{free_port()}/callback"
        self.vault_path = "v"
        self.failure = None
        self.seen = []
        self.leaks = []
        self.log_of = [ID]
        self.status_of = [ID]
        self.notes = []
        # Further options of `log` and `status` afterwards.
        self.after = []
        self.serving = None
        self._provider = None
        self._children = []
        self._cleanups = []
        self.write("crm.secret", f"cs-{MARK}")

    # Files and the provider

    def path(self, name):
        """The path of a file on the desk."""
        return os.path.join(self.folder, name)

    def write(self, name, data, mode=0o600):
        """Makes a file."""
        with open(self.path(name), "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        os.chmod(self.path(name), mode)

    def openssl(self, *words):
        """Runs the `openssl` command on the desk, such as for a key; what it makes is its own."""
        subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, check=True)

    def later(self, call):
        """Is called at the end, last one first."""
        self._cleanups.append(call)

    @property
    def provider(self):
        """The provider; a plain one over HTTP unless the case has chosen another."""
        if self._provider is None:
            self._provider = Provider()
        return self._provider

    def use_tls(self, certificate):
        """The provider speaks TLS, with this certificate of `Certificates`."""
        self._provider = Provider(certificate)

    # Commands

    def start(self, *words, key=None, options=True, **popen):
        """Starts a command in the background."""
        line = [self.program, *words]
        if key is None:
            key = not self.serving
        if key:
            line += self.key
        if options and words[0] not in ("init", "audit"):
            line += self.options
        child = subprocess.Popen(
            popen.pop("prefix", []) + line,
            cwd=self.folder,
            env=os.environ | {"TOKENVAULT_PATH": self.vault_path} | popen.pop("env", {}),
            stdin=subprocess.PIPE,
            stdout=popen.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
            text=True,
            errors="backslashreplace",
            **popen,
        )
        self._children.append(child)
        return child

    def end(self, child, words, text=None, shows_token=False):
        """Waits for a command; one that hangs is killed, with status None."""
        try:
            out, err = child.communicate(text, SECONDS_MAX)
            status = child.returncode
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            status = None
        seen = Seen("tokenvault " + " ".join(words), status, out, err)
        self.seen.append(seen)
        for name, output in ("stdout", out), ("stderr", err):
            if MARK in (output or "") and not (shows_token and name == "stdout"):
                self.leaks.append(f"{seen.command}: {name}")
        return seen

    def run(self, *words, text=None, **start):
        """Runs a command and says what it showed."""
        child = self.start(*words, **start)
        return self.end(child, words, text, words[0] == "token")

    def must(self, *words, status=0, **start):
        """Runs a command that has to end with this status, or the case is not staged."""
        seen = self.run(*words, **start)
        if seen.status != status:
            raise NotStaged(f"{seen.command}: {seen.status}, {seen.err.strip()}")
        return seen

    def fail(self, *words, **start):
        """Runs the command at which the user meets the failure."""
        self.failure = self.run(*words, **start)
        return self.failure

    # Staging

    def vault(self):
        """A new vault."""
        self.must("init", "--generate-key", options=False)

    def app(self, *more, name=APP, run=None, endpoints=True, secret=True):
        """Adds the application, with further options; `run` is `fail` where that is the point."""
        words = ["app", "add", name, "--client-id", "demo", "--redirect-uri", self.redirect]
        if endpoints:
            for option in "authorize", "token", "revoke":
                words += [f"--{option}-url", f"{self.provider.url}/{option}"]
        if secret:
            words += ["--client-secret-file", "crm.secret"]
        return (run or self.must)(*words, *more)

    def define(self, **settings):
        """Writes a definition of the provider to crm.yaml (JSON is YAML)."""
        url = self.provider.url
        found = {
            "name": "crm",
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}/token",
            "revocation_endpoint": f"{url}/revoke",
        } | settings
        found = {name: value for name, value in found.items() if value is not None}
        lines = [f"{name}: {json.dumps(value)}\n" for name, value in found.items()]
        self.write("crm.yaml", "".join(lines))

    def app_defined(self, run=None, more=(), **settings):
        """Adds the application by a definition with these settings."""
        self.define(**settings)
        return self.app("--provider", "crm.yaml", *more, endpoints=False, run=run)

    def connect(self, name=ID, callback=None, run=None, app=APP, more=()):
        """Connects by --paste; `callback` makes the query out of the state."""
        words = ["connect", name, "--app", app, "--paste", *more]
        child = self.start(*words)
        try:
            state = self.state(child)
        except NotStaged:
            if run is not None:
                self.failure = self.end(child, words)
                return self.failure
            raise
        query = callback(state) if callback else f"code=co-{MARK}&state={state}"
        seen = self.end(child, words, f"{self.redirect}?{query}\n")
        if run is None and seen.status != 0:
            raise NotStaged(f"{seen.command}: {seen.status}, {seen.err.strip()}")
        if run is not None:
            self.failure = seen
        return seen

    def state(self, child):
        """The state in the URL that `connect` prints."""
        line = self.line(child, r"state=")
        return urllib.parse.parse_qs(urllib.parse.urlsplit(line.strip()).query)["state"][0]

    @staticmethod
    def line(child, pattern, stream=None):
        """The first line of a stream that holds the pattern; a child that hangs is killed."""
        clock = threading.Timer(SECONDS_MAX, child.kill)
        clock.start()
        try:
            for line in stream or child.stdout:
                if re.search(pattern, line):
                    return line
        finally:
            clock.cancel()
        raise NotStaged(f"no line with {pattern}")

    def ready(self, **app):
        """A vault, the application and one connection."""
        self.vault()
        self.app(**app)
        self.connect()

    def serve(self, *more, **start):
        """Starts `serve` and waits until it is ready."""
        child = self.start("serve", *more, **start)
        self.line(child, "ready")
        self.serving = child
        return child

    def status(self, name=ID):
        """`status` as data."""
        seen = self.run("status", name, "--json")
        return json.loads(seen.out) if seen.status == 0 else {}

    def until(self, test, what):
        """Waits until a test of the status is true."""
        end = time.monotonic() + SECONDS_MAX
        while time.monotonic() < end:
            if test(self.status()):
                return
            time.sleep(0.1)
        raise NotStaged(f"never {what}")

    def clear(self):
        """Ends everything that the case started."""
        if self._provider is not None:
            self._provider.stop()
        for child in self._children:
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)
                child.wait()
            for stream in filter(None, (child.stdin, child.stdout, child.stderr)):
                stream.close()
        for call in reversed(self._cleanups):
            call()
