# SPDX-License-Identifier: Apache-2.0
"""A vault that is served, with its API and its front, and a practice provider."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

TREE = Path(__file__).parents[2]
PROGRAMS = Path(os.environ.get("TOKENVAULT_PROGRAMS", TREE / ".build" / "debug")).absolute()
SCOPES = ("applications:read", "applications:write", "connections:read", "connections:write",
          "tokens:read", "usage:write", "events:read", "flows:write")
# How long anything may take to come up, in seconds.
PATIENCE = 60


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class House:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.front, self.api = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self.processes = []

    def __enter__(self):
        self.write("provider.secret", "s3cret")
        port = self.folder / "provider.port"
        self.start(
            "provider-simulator", "--client-id", "demo", "--client-secret-file",
            self.folder / "provider.secret", "--redirect-uri", self.front + "/callback/demo",
            "--port-file", port)
        self.wait(lambda: port.exists() and port.read_text().strip())
        self.provider = f"http://127.0.0.1:{port.read_text().strip()}"
        self.write("practice.yaml", "".join(
            f"{name}: {value}\n" for name, value in {
                "name": "practice",
                "authorization_endpoint": self.provider + "/authorize",
                "token_endpoint": self.provider + "/token",
                "revocation_endpoint": self.provider + "/revoke"}.items()))
        key = ("--key-file", self.folder / "root.key")
        self.run("init", *key, "--generate-key")
        self.run(
            "app", "add", "demo", "--provider", self.folder / "practice.yaml", "--client-id",
            "demo", "--client-secret-file", self.folder / "provider.secret", "--redirect-uri",
            self.front + "/callback/demo", "--allow-loopback-http", *key)
        self.start(
            "tokenvault", "serve", "--vault", self.folder / "vault", *key,
            "--allow-loopback-http", "--listen", self.front.removeprefix("http://"),
            "--api", self.api.removeprefix("http://"))
        ready = self.folder / "tokenvault.out"
        self.wait(lambda: "ready" in ready.read_text())
        made = self.run("key", "create", "--name", "test",
                        *(word for scope in SCOPES for word in ("--scope", scope)))
        self.key_file = self.write("api.key", made)
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def write(self, name, text):
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def run(self, *words):
        ended = subprocess.run(
            [PROGRAMS / "tokenvault", *words], capture_output=True, text=True, timeout=PATIENCE,
            env={**os.environ, "TOKENVAULT_PATH": str(self.folder / "vault")})
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def start(self, program, *words):
        with (open(self.folder / f"{program}.out", "w") as out,
              open(self.folder / f"{program}.err", "w") as errors):
            self.processes.append(subprocess.Popen(
                # It does not outlive the tests.
                ["setpriv", "--pdeathsig", "KILL", PROGRAMS / program, *words],
                stdout=out, stderr=errors))

    def wait(self, is_so):
        end = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < end, "it did not come up"
            time.sleep(0.05)

    def log(self, program):
        return (self.folder / f"{program}.err").read_text()

    def ask(self, method, path, body=None):
        """Status and answer of the API."""
        request = urllib.request.Request(
            self.api + path, None if body is None else json.dumps(body).encode(), method=method)
        request.add_header("Authorization", "Bearer " + self.key_file.read_text())
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read() or b"null")
