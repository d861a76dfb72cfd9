# SPDX-License-Identifier: Apache-2.0
"""Takes connections through their lives in a vault's process and looks for what is left of them.

    memory_proof.py --server FILE (--subject FILE | --command FILE) [--https] [--lives N]
        [--parallel N] [--late-answer] [--leaky] [--readable-arena]

Four processes: the vault's (the library's host, or the command that serves), the practice server,
the scanner, and this one, which stands between the first two and so knows what to look for. Prints
one JSON object: what the scanner found at each stage.
"""

import argparse
import contextlib
import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse

import go_between
from vault_processes import LibraryHost, ServingCommand
from whereabouts import describe

HERE = os.path.dirname(os.path.abspath(__file__))
SCANNER = os.path.join(HERE, "..", "..", ".build", "forensics", "residue_scanner")
REDIRECT = "https://platform.example/callback/practice"
REFRESHES = 2
# Lives that are led at the same time where their number is what counts.
AT_ONCE = 20
# How long the practice server takes for an answer where many shall be under way at once.
OVERLAP_MILLISECONDS = 500
# How long it takes where the vault shall listen beyond its deadline, and when it does, in seconds.
LATE_MILLISECONDS = 25000
OVERDUE_SECONDS = 17


class Practice:
    """The practice server, and a browser's user who approves."""

    def __init__(self, program, folder, client_secret, *words,
                 option="--client-secret-file"):
        self.control_key = secrets.token_hex(16)
        files = {"control.key": self.control_key, "server.secret": client_secret}
        for name, text in files.items():
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(text)
        self.process = subprocess.Popen(
            [program, "--client-id", "practice-client", option,
             os.path.join(folder, "server.secret"), "--control-key-file",
             os.path.join(folder, "control.key"), "--redirect-uri", REDIRECT,
             "--rotation", "strict", "--token-marker", "proof", *words],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        words = self.process.stdout.readline().decode().split()
        address = urllib.parse.urlsplit(words[-1])
        self.address = (address.hostname, address.port)

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(*self.address, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location"), answer.read()

    def approve(self, url):
        """The address to which the browser of a user who approves is sent back."""
        form = urllib.parse.urlsplit(url).query + "&decision=approve&user=ada"
        status, location, _ = self.request(
            "POST", "/authorize", form, {"Content-Type": "application/x-www-form-urlencoded"})
        if status not in (302, 303) or "code=" not in location:
            raise RuntimeError(f"the practice server did not approve: {status}")
        return location

    def fault(self, kind, **details):
        status, _, body = self.request(
            "POST", "/control/fault", json.dumps({"kind": kind, **details}),
            {"X-Control-Key": self.control_key, "Content-Type": "application/json"})
        if status != 204:
            raise RuntimeError(f"the practice server refused a fault: {status} {body}")

    def counters(self):
        _, _, body = self.request(
            "GET", "/control/counters", headers={"X-Control-Key": self.control_key})
        return json.loads(body)

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def scan(process, directory, needles):
    """What the scanner finds in the process and in the vault's directory."""
    lines = []
    for name, needle in needles.items():
        mask = os.urandom(len(needle))
        masked = bytes(a ^ b for a, b in zip(mask, needle))
        lines.append(f"{name} {mask.hex()} {masked.hex()}\n")
    command = [SCANNER, "--pid", str(process), "--directory", directory]
    # The command forbids that others of its own user look into it.
    if os.geteuid() != 0:
        if subprocess.run("sudo -n true", shell=True, capture_output=True, check=False).returncode:
            sys.exit("memory_proof.py: reading the memory of a process that forbids it takes root, "
                     "or a sudo that asks for no password")
        command = ["sudo", "-n", *command]
    began = time.monotonic()
    result = subprocess.run(command, input="".join(lines).encode(), capture_output=True,
                            check=False)
    if result.returncode == 2 or not result.stdout:
        raise RuntimeError(f"the scanner could not scan: {result.stderr.decode()}")
    report = json.loads(result.stdout)
    kinds = {}
    for hit in report["hits"]:
        kind = hit["needle"].partition("-")[0]
        kinds[kind] = kinds.get(kind, 0) + 1
    return {"needles": report["needles"], "windows": report["windows"], "bytes": report["bytes"],
            "hit_count": report["hit_count"], "copies": report["copies"], "kinds": kinds,
            "hits": [describe(process, hit) for hit in report["hits"][:10]],
            "seconds": round(time.monotonic() - began, 2)}


class Proof:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        # With bytes that every form writes differently.
        self.client_secret = "s3cret:+%/ " + secrets.token_urlsafe(32)
        self.memory = go_between.Memory()
        self.stages = {}
        self.lives = 0

    def run(self):
        certificate = authority = None
        if self.options.https:
            certificate, authority = go_between.make_certificate(self.folder)
        practice = Practice(self.options.server, self.folder, self.client_secret)
        wire = go_between.GoBetween(practice.address, self.memory, certificate)
        self.practice, self.wire = practice, wire
        try:
            start = LibraryHost if self.options.subject else ServingCommand
            self.vault = start(
                self.options.subject or self.options.command, self.folder, wire.url, authority,
                "practice-client", self.client_secret, REDIRECT, self.options)
            try:
                self.stage_all()
                state = self.vault.state()
            finally:
                self.vault.end()
        finally:
            wire.shutdown()
            practice.end()
        return {"stages": self.stages, "state": state, "lives": self.lives,
                "peak": self.memory.peak, "counters": practice_counters(self.last_counters)}

    def stage_all(self):
        self.memory.keep("client", self.client_secret)
        self.one_life()
        if self.options.late_answer:
            self.late_answer()
        while self.lives < self.options.lives:
            self.live(min(AT_ONCE, self.options.lives - self.lives), refreshes=1)
        if self.options.lives > 1:
            self.look("after_many_lives")
        if self.options.parallel:
            self.live(self.options.parallel, refreshes=1, overlap=True)
            self.look("after_parallel_transfers")
        for self.wire.coding in go_between.CODINGS:
            self.live(1, refreshes=REFRESHES)
        self.wire.coding = None
        self.look("after_coded_answers")
        if self.options.https:
            self.wire.is_untidy = True
            names = self.connect(1)
            self.vault.refresh(names)
            self.look("after_untidy_answers")
            self.disconnect(names)
        self.last_counters = self.practice.counters()

    def one_life(self):
        names = self.connect(1)
        if self.options.subject:
            with self.vault.lent(names[0]):
                self.look("while_lent")
        self.vault.use(names)
        for _ in range(REFRESHES):
            self.vault.refresh(names)
        self.vault.use(names)
        self.look("while_connected")
        self.disconnect(names)
        self.look("after_disconnect")

    def late_answer(self):
        names = self.connect(1)
        self.practice.fault("delay_before", milliseconds=LATE_MILLISECONDS)
        with self.vault.refreshing(names[0]):
            self.practice.fault("none")
            time.sleep(OVERDUE_SECONDS)
            self.look("while_outstanding")
        self.look("after_late_answer")
        self.disconnect(names)

    def connect(self, count):
        names = [f"life-{self.lives + i}-{secrets.token_urlsafe(24)}" for i in range(count)]
        self.lives += count
        self.vault.connect(names, self.practice.approve)
        return names

    def live(self, count, refreshes, overlap=False):
        names = self.connect(count)
        if overlap:
            self.practice.fault("delay_before", milliseconds=OVERLAP_MILLISECONDS)
        for _ in range(refreshes):
            self.vault.refresh(names)
        if overlap:
            self.practice.fault("none")
        self.vault.use(names)
        self.disconnect(names)

    def disconnect(self, names):
        self.vault.disconnect(names)
        # The command must forget who was connected, too. A host of the library knows it anyway.
        if self.options.command:
            for name in names:
                self.memory.keep("id", go_between.random_part(name))

    def look(self, stage):
        # What was answered last is wiped by a thread that may be a moment behind.
        time.sleep(0.2)
        self.stages[stage] = scan(
            self.vault.process.pid, self.vault.directory, self.memory.names())


def practice_counters(counters):
    return {name: value for name, value in counters.items() if isinstance(value, int)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", required=True, help="the practice server's program")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--subject", help="a host of the library")
    which.add_argument("--command", help="the tokenvault command, or one like it")
    parser.add_argument("--https", action="store_true")
    parser.add_argument("--lives", type=int, default=1)
    parser.add_argument("--parallel", type=int, default=0)
    parser.add_argument("--late-answer", action="store_true",
                        help="of a host: look while an answer is overdue, too")
    parser.add_argument("--leaky", action="store_true", help="of a host: without its care")
    parser.add_argument("--readable-arena", action="store_true", help="of a host: no memfd_secret")
    options = parser.parse_args()
    # Whoever started this may have signals blocked, and the processes started here must end by one.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    folder = tempfile.mkdtemp(prefix="tokenvault-proof-")
    try:
        print(json.dumps(Proof(options, folder).run(), indent=1))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
