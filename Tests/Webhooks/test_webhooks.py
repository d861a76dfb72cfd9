# SPDX-License-Identifier: Apache-2.0
"""Webhooks as people set them up: the executable, a receiver in a process of its own that fails
half of the time, and `serve` killed while it delivers."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAM = os.environ.get("TOKENVAULT", str(ROOT / ".build" / "debug" / "tokenvault"))
CONNECTIONS = 12
KILLS = 3
ATTEMPTS = 8
PATIENCE_SECONDS = 240


class Vault:
    """A vault in a folder, driven by the executable."""

    options = ("--key-file", "v.key", "--allow-loopback-http")

    def __init__(self, folder):
        self.folder = folder
        self.environment = dict(os.environ, TOKENVAULT_PATH=str(folder / "v"))
        self.server = None
        self.run("init", "--key-file", "v.key", "--generate-key", opens=False)

    def run(self, *arguments, opens=True, status=0):
        if opens and self.server is None:
            arguments += self.options
        done = subprocess.run([PROGRAM, *arguments], cwd=self.folder, env=self.environment,
                              capture_output=True, text=True, timeout=60, check=False,
                              stdin=subprocess.DEVNULL)
        assert done.returncode == status, (arguments, done.stdout, done.stderr)
        return done.stdout

    def serve(self):
        self.server = subprocess.Popen([PROGRAM, "serve", *self.options], cwd=self.folder,
                                       env=self.environment, stdout=subprocess.PIPE, text=True)
        assert self.server.stdout.readline() == "ready\n"

    def end(self, how):
        self.server.send_signal(how)
        self.server.wait(timeout=60)
        self.server.stdout.close()
        self.server = None

    def put(self, names):
        """Makes connections with tokens, without a provider."""
        lines = "".join(
            json.dumps({"id": name, "access_token": f"secret-token-{name}"}) + "\n"
            for name in names)
        file = self.folder / "tokens.jsonl"
        file.write_text(lines)
        file.chmod(0o600)
        self.run("import", "tokens.jsonl")

    def webhooks(self):
        return [json.loads(line) for line in self.run("webhook", "list", "--json").splitlines()]


@pytest.fixture
def receiver(tmp_path):
    log = tmp_path / "received.jsonl"
    log.touch()
    process = subprocess.Popen(
        [sys.executable, str(HERE / "receiver.py"), str(tmp_path / "webhook.secret"), str(log),
         "20"], stdout=subprocess.PIPE, text=True)
    port = int(process.stdout.readline())
    yield port, lambda: [json.loads(line) for line in log.read_text().splitlines()]
    process.kill()
    process.wait()
    process.stdout.close()


def wait(what, is_so):
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < end, f"it did not come about: {what}"
        time.sleep(0.2)


def test_each_event_arrives_verified_and_in_order_though_half_fail_and_serve_is_killed(
        tmp_path, receiver):
    port, received = receiver
    vault = Vault(tmp_path)
    names = [f"customer-{number}" for number in range(CONNECTIONS)]
    vault.put(names)
    url = f"http://127.0.0.1:{port}/events"
    key = vault.run("webhook", "add", url, "--type", "connection.use_failed",
                    "--type", "connection.disconnected")
    (tmp_path / "webhook.secret").write_text(key)
    assert key.startswith("whsec_") and len(key.strip()) == 6 + 44
    (webhook,) = vault.webhooks()
    assert webhook["url"] == url and "secret" not in json.dumps(webhook)

    vault.serve()
    for round_number, name in enumerate(names):
        vault.run("failed", name, "--code", str(round_number))
        if round_number % (CONNECTIONS // KILLS) == 2:
            wait("something arrived", lambda n=round_number: len(received()) > n // 2)
            vault.end(signal.SIGKILL)
            vault.serve()
    for name in names[::2]:
        # No provider is there to revoke anything.
        vault.run("disconnect", name, status=69)
    wait("nothing is left", lambda: vault.webhooks()[0]["pending"] == 0)
    (webhook,) = vault.webhooks()
    assert webhook["attempts"] == 0 and webhook["missed"] == 0 and "stopped" not in webhook

    logged = [json.loads(line) for line in vault.run("log", "--all", "--json").splitlines()]
    expected = [event for event in logged if event["event"] in ("useFailed", "disconnected")]
    assert len(expected) == CONNECTIONS + CONNECTIONS // 2
    requests = received()
    assert all(request["signed"] for request in requests)
    assert all(request["path"] == "/events" for request in requests)
    assert any(request["how"] != "taken" for request in requests)
    # The log's order, and each until it is taken: only then comes the next.
    order = []
    for request in requests:
        if not order or order[-1] != request["id"]:
            order.append(request["id"])
    assert len(order) == len(set(order)) == len(expected)
    first = {}
    for request in requests:
        first.setdefault(request["id"], request["body"])
    for event, body in zip(expected, first.values()):
        assert body["data"]["reference"] == event["reference"]
        assert body["data"]["event"] == event["event"]
        assert body["timestamp"] == event["time"]
        assert body["data"]["number"] == event.get("number", 0)
    assert "secret-token" not in json.dumps(requests)
    vault.end(signal.SIGTERM)


def test_a_webhook_is_tested_changed_and_removed(tmp_path, receiver):
    port, received = receiver
    vault = Vault(tmp_path)
    secret = tmp_path / "webhook.secret"
    for serves in (False, True):
        if serves:
            vault.serve()
        secret.write_text(vault.run("webhook", "add", f"http://127.0.0.1:{port}/events"))
        identifier = vault.webhooks()[0]["id"]
        before = len(received())
        statuses = set()
        for _ in range(ATTEMPTS):
            done = subprocess.run(
                [PROGRAM, "webhook", "test", identifier, *(() if serves else vault.options)],
                cwd=tmp_path, env=vault.environment, capture_output=True, text=True, timeout=60,
                check=False)
            statuses.add(done.returncode)
        assert statuses == {0, 69}
        assert len(received()) == before + ATTEMPTS
        old = secret.read_text()
        secret.write_text(vault.run("webhook", "rotate", identifier))
        assert secret.read_text() != old
        vault.run("webhook", "resume", identifier)
        vault.run("webhook", "remove", identifier)
        vault.run("webhook", "remove", identifier, status=66)
        assert vault.webhooks() == []
    assert all(request["signed"] for request in received())
    vault.run("webhook", "add", "http://127.0.0.1/", "--type", "connection.nothing", status=64)
    vault.end(signal.SIGTERM)
