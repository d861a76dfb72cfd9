# SPDX-License-Identifier: Apache-2.0
"""Uses the program `tokenvault` as somebody at a shell would."""

import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from servers import PATIENCE, REDIRECT, over, until

PROGRAMS = Path(
    os.environ.get("TOKENVAULT_PROGRAMS", Path(__file__).parents[2] / ".build" / "debug")
).absolute()
PROGRAM = str(PROGRAMS / "tokenvault")

DONE, UNREACHABLE, BUSY, APPLICATION_WRONG, NO_GRANT = 0, 69, 75, 78, 79


@dataclass
class Said:
    """What a command said."""

    status: int
    out: str
    error: str
    seconds: float

    def __str__(self):
        """Exit status and first line, never a token."""
        lines = self.error.strip().splitlines()
        return f"{self.status}" + (f" {lines[0]}" if lines else "")


class Running:
    """A command that runs."""

    def __init__(self, arguments, environment):
        self.start = time.monotonic()
        self.process = subprocess.Popen(
            # It does not outlive the thread that started it, and so not the tests either.
            ["setpriv", "--pdeathsig", "KILL", PROGRAM, *arguments],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.out, self.error = [], []
        self.threads = [
            threading.Thread(target=lambda s=stream, k=kept: k.extend(s), daemon=True)
            for stream, kept in ((self.process.stdout, self.out), (self.process.stderr, self.error))
        ]
        for thread in self.threads:
            thread.start()

    def ended(self, seconds=PATIENCE):
        """Waits for its end. What runs too long is ended and says so."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.error.insert(0, f"still ran after {seconds} s\n")
        for thread in self.threads:
            thread.join(10)
        seconds = time.monotonic() - self.start
        return Said(self.process.returncode, "".join(self.out), "".join(self.error), seconds)

    def state(self):
        """The letter that Linux has for what the process does."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0]

    def freeze(self):
        """SIGSTOP, and waits until it stands."""
        self.process.send_signal(signal.SIGSTOP)
        until(lambda: self.state() == "T", "the process stands")

    def thaw(self):
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)


class Vault:
    """A vault in a folder, and the one application in it."""

    def __init__(self, folder, authority):
        self.folder, self.authority = folder, authority
        folder.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TOKENVAULT_PATH": str(folder / "v"),
        }
        self.key = ["--key-file", str(folder / "v.key")]
        self.server = None
        self.said = []  # what was asked and answered, for the table
        self.started = []
        self.command("init", "--generate-key", open=False)

    def run(self, *arguments, open=True):
        """Starts a command."""
        assert not over.is_set(), "the trials were ended"
        key = self.key if self.server is None else []
        trust = ["--ca-file", str(self.authority), "--allow-loopback-http"] if open else []
        running = Running([*arguments, *key, *trust], self.environment)
        self.started.append(running)
        return running

    def command(self, *arguments, open=True, expect=DONE):
        """Runs a command that has to succeed."""
        said = self.run(*arguments, open=open).ended()
        assert said.status == expect, (
            f"tokenvault {' '.join(arguments)}: {said.status} {said.error}"
        )
        return said

    def ask(self, *arguments, seconds=PATIENCE):
        """Runs a command of which the trial is about."""
        return self.noted(arguments, self.run(*arguments).ended(seconds))

    def noted(self, arguments, said):
        """Keeps for the table what was said."""
        self.said.append(f"{' '.join(arguments)}: {said} ({said.seconds:.0f} s)")
        return said

    def add_application(self, definition, client, secret, replace=False):
        """`app add`, with a definition and a secret."""
        provider, kept = self.folder / "provider.json", self.folder / "app.secret"
        provider.write_text(json.dumps(definition))
        kept.write_text(secret)
        kept.chmod(0o600)
        self.command(
            *("app", "add", "app", "--provider", str(provider), "--client-id", client),
            *("--client-secret-file", str(kept), "--redirect-uri", REDIRECT, "--scope", "read"),
            *(["--replace"] if replace else []),
        )

    def connect(self, who, authorize):
        """`connect --paste`, with a user who approves."""
        running = self.run("connect", who, "--app", "app", "--paste")

        def link():
            assert running.process.poll() is None, running.ended().error
            texts = "".join(running.out + running.error).split()
            return next((text for text in texts if text.startswith("https://")), None)

        url = until(link, "connect prints a URL")
        running.process.stdin.write(authorize(who, url) + "\n")
        running.process.stdin.flush()
        said = running.ended()
        assert said.status == DONE, said.error

    def serve(self, *options):
        """Starts `serve` and waits until it is ready."""
        server = self.run("serve", *options)
        until(lambda: server.out or server.process.poll() is not None, "serve is ready")
        assert server.process.poll() is None, server.ended().error
        self.server = server
        return server

    def stop_serving(self, number=signal.SIGTERM):
        """Ends `serve`."""
        server, self.server = self.server, None
        server.process.send_signal(number)
        return server.ended()

    def status(self, who):
        """`status --json`."""
        return json.loads(self.command("status", who, "--json").out)

    def log(self, who):
        """The events of a connection, oldest first."""
        lines = self.command("log", who, "--json").out.splitlines()
        return [json.loads(line) for line in lines]

    def close(self):
        """Ends whatever still runs."""
        for running in self.started:
            if running.process.poll() is None:
                running.thaw()
                running.process.kill()
                running.ended()
