#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the cases against `tokenvault` and says what came of each.

    trial.py [--program PATH] [--only WORDS] [--table]

The program is .build/debug/tokenvault unless TOKENVAULT or --program names another one. A case has
a vault of its own; a dozen run at a time, since most of their time is waiting.
"""

import argparse
import concurrent.futures
import dataclasses
import datetime
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cases import all_cases
from reply_server import ReplyServer

AT_A_TIME = 12
SECONDS_MAX = 150
FROZEN_SECONDS = 16
REDIRECT = "http://127.0.0.1:8017/callback"


@dataclasses.dataclass
class Result:
    """What one case came to."""

    name: str
    connect: int | None = None
    refresh: int | None = None
    again: int | None = None
    # Whether the vault held the server's newest access token after each step.
    connect_taken: bool = False
    refresh_taken: bool = False
    again_taken: bool = False
    alive: bool = False
    presented: int = 0
    lifetime: float | None = None
    message: str = ""

    def row(self):
        """A line of a table in Markdown."""

        def step(status, taken):
            return "-" if status is None else f"{status}{', taken' if taken else ''}"

        lifetime = "" if self.lifetime is None else f"; expires in {self.lifetime:.0f} s"
        return (
            f"| {self.name} | {step(self.connect, self.connect_taken)} "
            f"| {step(self.refresh, self.refresh_taken)}{lifetime} "
            f"| {step(self.again, self.again_taken)} | {'alive' if self.alive else 'ended'} |"
        )


class Trial:
    """One case on a vault of its own."""

    def __init__(self, program, server, key, case, folder, plain=False):
        self.program, self.server, self.key, self.case = program, server, key, case
        self.plain = plain
        self.folder = folder
        self.environment = dict(os.environ, TOKENVAULT_PATH=str(folder / "vault"))
        self.result = Result(case.name)

    def call(self, *words, text="", key=True):
        """Runs the program to its end."""
        options = ["--key-file", str(self.folder / "root.key")] if key else []
        ended = subprocess.run(
            [self.program, *words, *options],
            input=text.encode(),
            capture_output=True,
            timeout=SECONDS_MAX,
            env=self.environment,
            check=False,
        )
        return ended.returncode, ended.stdout.decode(), ended.stderr.decode()

    def must(self, *words, **others):
        """The same, where nothing can go wrong."""
        status, _, errors = self.call(*words, **others)
        if status != 0:
            raise RuntimeError(f"{self.case.name}: {words[0]} ended with {status}: {errors}")

    def prepare(self):
        """A vault, and in it the application of the case."""
        definition = {
            "name": self.key,
            "authorization_endpoint": self.server.url(self.key, "authorize"),
            "token_endpoint": self.server.url(self.key, "token"),
            "revocation_endpoint": self.server.url(self.key, "revoke"),
        } | ({} if self.plain else self.case.settings)
        (self.folder / "provider.yaml").write_text(json.dumps(definition))
        secret = self.folder / "client.secret"
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(self.server.secret)
        self.must("init", "--generate-key")
        words = ["--provider", str(self.folder / "provider.yaml"), "--client-id", "client"]
        words += ["--client-secret-file", str(secret), "--redirect-uri", REDIRECT]
        self.must("app", "add", "app", *words, "--allow-loopback-http")

    def run(self):
        """Connect, refresh, and refresh again."""
        self.prepare()
        self.result.connect = self.connect()
        self.result.connect_taken = self.holds_newest()
        if self.server.grants_of(self.key):
            self.result.refresh = self.refresh(frozen=self.case.frozen)
            self.result.refresh_taken = self.holds_newest()
            self.result.lifetime = self.lifetime() if self.case.lifetime else None
            if not self.case.doubt:
                self.result.again = self.refresh()
                self.result.again_taken = self.holds_newest()
            grant = self.server.grants_of(self.key)[-1]
            self.result.alive, self.result.presented = grant.alive, len(grant.presented)
        return self.result

    def connect(self):
        """Goes through the flow as a user with a terminal does."""
        words = ["connect", "anna", "--app", "app", "--paste", "--allow-loopback-http"]
        words += ["--key-file", str(self.folder / "root.key")]
        process = subprocess.Popen(
            [self.program, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
        )
        with process:
            url = process.stdout.readline().decode().strip()
            _, errors = process.communicate(
                (self.server.consent(url) + "\n").encode(), timeout=SECONDS_MAX
            )
        self.result.message = errors.decode().strip().splitlines()[-1]
        return process.returncode

    def refresh(self, frozen=False):
        """Refreshes once; stops the process after it has sent, where that is wanted."""
        words = ["refresh", "anna", "--allow-loopback-http"]
        if not frozen:
            status, _, errors = self.call(*words)
            self.result.message = errors.strip()
            return status
        asked = len(self.server.grants_of(self.key)[-1].presented) + 2
        self.server.hold.clear()
        process = subprocess.Popen(
            [self.program, *words, "--key-file", str(self.folder / "root.key")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self.environment,
        )
        with process:

            self.server.wait_for_requests(self.key, asked)
            process.send_signal(signal.SIGSTOP)
            self.server.hold.set()
            time.sleep(FROZEN_SECONDS)
            process.send_signal(signal.SIGCONT)
            return process.wait(SECONDS_MAX)

    def holds_newest(self):
        """Whether the vault lends what the server gave out last."""
        grants = self.server.grants_of(self.key)
        if not grants:
            return False
        newest = grants[-1].access_token
        presented = len(grants[-1].presented)
        status, output, _ = self.call("token", "anna", "--allow-loopback-http")
        # To look must change nothing.
        if len(grants[-1].presented) != presented:
            return False
        return status == 0 and output.strip() == newest

    def lifetime(self):
        """How long the access token lives as the vault sees it, in seconds."""
        _, output, _ = self.call("status", "anna", "--json", "--allow-loopback-http")
        expiry = json.loads(output.splitlines()[0]).get("expires")
        if expiry is None:
            return None
        return datetime.datetime.fromisoformat(expiry).timestamp() - time.time()


def judge(case, result):
    """What is wrong with a result; nothing where it is as expected."""
    faults = []
    if result.connect != case.connect:
        faults.append(f"connect ended with {result.connect}")
    for name in ["refresh", "again"]:
        wanted = getattr(case, name)
        if wanted is not None and getattr(result, name) != wanted:
            faults.append(f"{name} ended with {getattr(result, name)}, not {wanted}")
    if case.refresh == 0 and case.taken and not result.refresh_taken:
        faults.append("the tokens of the refresh were not taken")
    if result.alive != case.alive:
        faults.append(f"the grant is {'alive' if result.alive else 'ended'}")
    # Where nonsense was said the expiry is unknown, or the provider's default.
    lifetime = result.lifetime or 0
    if case.lifetime and not case.lifetime[0] <= lifetime <= case.lifetime[1]:
        faults.append(f"the token expires in {result.lifetime} s")
    return faults


def run_all(program, only=None, plain=False):
    """Every case whose name holds `only`: pairs of case and result."""
    cases = {key: case for key, case in all_cases().items() if not only or only in case.name}
    server = ReplyServer({key: case.script for key, case in cases.items()})

    def run(item):
        key, case = item
        with tempfile.TemporaryDirectory(prefix="replies-") as folder:
            os.chmod(folder, 0o700)
            return case, Trial(program, server, key, case, Path(folder), plain).run()

    try:
        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            return list(pool.map(run, cases.items()))
    finally:
        server.close()


def default_program():
    """The program under test."""
    package = Path(__file__).resolve().parents[2]
    return os.environ.get("TOKENVAULT", str(package / ".build/debug/tokenvault"))


def main():
    """Prints what is wrong, or a table of everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", default=default_program())
    parser.add_argument("--only")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--plain", action="store_true", help="definitions without settings")
    options = parser.parse_args()
    status = 0
    for case, result in run_all(options.program, options.only, options.plain):
        faults = judge(case, result)
        status = status or int(bool(faults))
        if options.table:
            print(result.row())
        elif faults:
            print(f"{case.name}: {'; '.join(faults)} ({result.message})")
    return status


if __name__ == "__main__":
    sys.exit(main())
