# SPDX-License-Identifier: Apache-2.0
"""A vault with a history, made by the programs themselves, and copies of its directory from many
days: what the hostile hand works with, and what is compared with afterwards.

    copy             what was going on
    empty            just made
    young            three applications, seven connections
    eve-live         eve was connected
    eve-flow         and somebody began to connect her again
    eve-fenced       in the middle of her disconnect
    eve-gone         after it; frank got her slot then
    hugo-fenced      in the middle of hugo's; hugo-gone: after it. He came back into the same slot
    ida-fenced       in the middle of ida's; ida-gone. jack got her slot, and she another
    app-live         there was an application oldapp; app-gone: removed; newapp got its slot
    ben-old          before ben was refreshed twice
    batch            in the middle of such a refresh
    late             before kate was connected, and fay's second flow was used
    zoe-live         zoe was connected, last of all
    zoe-fenced       in the middle of her disconnect; nobody has her slot
    now              what is attacked
    tip              the same, and luke's connect had just begun: the last commit
    killed           the same, and the process was killed while it disconnected gus
    killed-zeroed    the same, killed after his slot was zeroed
    killed-random    the same, killed between the random bytes and the zeros
    rotated          the same as now, with another vault key and every slot sealed anew
    stranger         another vault with the same root key
"""

import contextlib
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import tempfile

from hand import SLOT, Copies
from practice import REDIRECT, Practice

import vault_format as form
from vault_reader import Reader

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FILES = ("HEADER", "SLOTS", "LOCK", "db/data.mdb")
QUIET = ("cara", "dora", "fay", "frank", "jack", "kate", "luke")


def programs():
    """The folder with `tokenvault` and `provider-simulator`."""
    built = os.path.join(ROOT, ".build", "debug")
    return os.path.abspath(os.environ.get("TOKENVAULT_PROGRAMS", built))


def temporary_folder():
    """In memory where possible: thousands of tries sync, and none of them means it."""
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    return tempfile.mkdtemp(prefix="attacks-", dir=memory)


def copy_vault(source, target):
    """The files of a vault, closed or not, and nothing else that lies there."""
    os.makedirs(os.path.join(target, "db"), mode=0o700)
    os.chmod(target, 0o700)
    for name in FILES:
        if os.path.exists(os.path.join(source, name)):
            shutil.copy2(os.path.join(source, name), os.path.join(target, name))


class Stage:
    """Builds the history. `end` stops the practice server; `folder` is the caller's to remove."""

    def __init__(self, folder=None):
        self.folder = folder or temporary_folder()
        self.program = os.path.join(programs(), "tokenvault")
        self.vault = os.path.join(self.folder, "v")
        self.key_file = os.path.join(self.folder, "root.key")
        self.copies_folder = os.path.join(self.folder, "copies")
        os.makedirs(self.copies_folder)
        self.practice = None
        try:
            self.practice = Practice(os.path.join(programs(), "provider-simulator"), self.folder)
            self.build()
        except BaseException:
            self.end()
            shutil.rmtree(self.folder)
            raise

    def end(self):
        if self.practice is not None:
            self.practice.end()

    # The program.

    def words(self, *words, vault=None):
        return [self.program, *words, "--vault", vault or self.vault, "--key-file", self.key_file,
                "--allow-loopback-http"]

    def run(self, *words, vault=None, text=None):
        command = self.words(*words, vault=vault)
        if words[0] == "init":
            command.remove("--allow-loopback-http")
        result = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120,
                                check=False)
        if result.returncode:
            raise RuntimeError(f"{' '.join(words)}: {result.returncode}: {result.stderr}")
        return result.stdout

    @contextlib.contextmanager
    def connecting(self, name, app, vault=None):
        """In the middle of a connect. Yields what completes it; without that it is killed."""
        process = subprocess.Popen(
            self.words("connect", name, "--app", app, "--paste", vault=vault),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        url = process.stdout.readline().strip()

        def complete():
            _, errors = process.communicate(self.practice.approve(url) + "\n", timeout=120)
            if process.returncode:
                raise RuntimeError(f"connect {name}: {errors}")

        try:
            yield complete
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.communicate()

    def connect(self, name, app=None, vault=None):
        with self.connecting(name, app or ("quiet" if name in QUIET else "practice"),
                             vault) as complete:
            complete()

    def held(self, path, copy, *words, kill=False, vault=None):
        """Runs a command, copies the directory while a request of its waits, and lets it go on."""
        with self.practice.gate.holding(path) as wait:
            process = subprocess.Popen(self.words(*words, vault=vault), stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, text=True)
            if not wait():
                process.kill()
                raise RuntimeError(f"{words} sent nothing: {process.communicate()[1]}")
            if kill:
                process.send_signal(signal.SIGKILL)
                process.wait()
            self.copy(copy, vault)
        _, errors = process.communicate(timeout=120)
        if process.returncode and not kill:
            raise RuntimeError(f"{' '.join(words)}: {errors}")

    def copy(self, name, vault=None):
        copy_vault(vault or self.vault, os.path.join(self.copies_folder, name))

    def add_application(self, name, vault=None, revoke=False):
        url = self.practice.gate.url
        more = ["--revoke-url", url + "/revoke"] if revoke else []
        self.run("app", "add", name, "--authorize-url", self.practice.url + "/authorize",
                 "--token-url", url + "/token", "--client-id", Practice.CLIENT,
                 "--client-secret-file", self.practice.secret_file, "--redirect-uri", REDIRECT,
                 *more, vault=vault)

    # The history.

    def build(self):
        self.run("init", "--generate-key")
        self.copy("empty")
        self.add_application("practice", revoke=True)
        self.add_application("quiet")
        self.add_application("spare")
        for name in ("anna", "ben", "cara", "dora", "emil", "fay", "gus"):
            self.connect(name)
        self.copy("young")
        self.disconnects()
        self.add_application("oldapp")
        self.copy("app-live")
        self.run("app", "remove", "oldapp")
        self.copy("app-gone")
        self.add_application("newapp")
        self.copy("ben-old")
        self.held("/token", "batch", "refresh", "ben")
        self.run("refresh", "ben")
        with self.connecting("fay", "quiet") as complete:
            self.copy("late")
            complete()
        self.connect("kate")
        self.connect("zoe")
        self.copy("zoe-live")
        self.held("/revoke", "zoe-fenced", "disconnect", "zoe", "--yes")
        with self.connecting("anna", "practice"):
            pass
        self.copy("now")
        self.others()
        self.take_notes()

    def disconnects(self):
        self.connect("eve")
        self.copy("eve-live")
        with self.connecting("eve", "practice"):
            self.copy("eve-flow")
        self.held("/revoke", "eve-fenced", "disconnect", "eve", "--yes")
        self.copy("eve-gone")
        self.connect("frank")
        for name in ("hugo", "ida"):
            self.connect(name)
            self.held("/revoke", f"{name}-fenced", "disconnect", name, "--yes")
            self.copy(f"{name}-gone")
            if name == "ida":
                self.connect("jack")
            self.connect(name)

    def others(self):
        copies = self.copies_folder
        work = os.path.join(self.folder, "w")
        copy_vault(os.path.join(copies, "now"), work)
        with self.connecting("luke", "quiet", vault=work):
            pass
        self.copy("tip", work)
        shutil.rmtree(work)
        copy_vault(os.path.join(copies, "now"), work)
        self.held("/revoke", "killed", "disconnect", "gus", "--yes", kill=True, vault=work)
        shutil.rmtree(work)
        self.run("init", vault=work)
        self.add_application("practice", vault=work)
        self.connect("anna", "practice", vault=work)
        self.connect("xaver", "practice", vault=work)
        self.copy("stranger", work)
        shutil.rmtree(work)
        self.rotate(os.path.join(copies, "now"), os.path.join(copies, "rotated"))
        number = self.report("now", "gus")["slot"]
        for how, content in (("zeroed", bytes(SLOT)), ("random", random.Random(1).randbytes(SLOT))):
            copy_vault(os.path.join(copies, "killed"), os.path.join(copies, "killed-" + how))
            with open(os.path.join(copies, "killed-" + how, "SLOTS"), "r+b") as file:
                file.seek(SLOT * number)
                file.write(content)

    # What only the holder of the root key knows: the judge's notes.

    @property
    def root_key(self):
        with open(self.key_file, "rb") as file:
            return file.read()

    def records(self, copy):
        """{id: record} after the independent reader."""
        report = Reader(os.path.join(self.copies_folder, copy), self.root_key, reveal=True).read()
        return {record["id"]: record for record in report["records"] if "id" in record}

    def report(self, copy, name):
        return self.records(copy)[name]

    def rotate(self, source, target):
        """A new term, after the document, since no command does that: every slot sealed anew."""
        copy_vault(source, target)
        reader = Reader(target, self.root_key)
        reader.open_header()
        reader.read_slots()
        old, page = reader.keys, reader.page
        new = form.TermKeys(old.number + 1, os.urandom(32), old.blinding, old.store_mac, old.event,
                            old.flow)
        nonce = os.urandom(24)
        sealed = form.seal(form.wrap_key(self.root_key), nonce, new.vault + new.blinding
                           + new.store_mac + new.event + new.flow,
                           form.term_associated(page.vault_id, new.number))
        term = struct.pack("<II", new.number, 0) + nonce + sealed + bytes(48)
        with open(os.path.join(target, "SLOTS"), "r+b") as file:
            for number, (slot, key) in reader.slots.items():
                head = slot.raw[:4] + struct.pack("<I", new.number) + slot.raw[8:48]
                nonce = os.urandom(24)
                sealed = form.seal(new.slot, nonce, key,
                                   form.slot_associated(page.vault_id, number, head))
                file.seek(SLOT * number)
                file.write(head + nonce + sealed + bytes(8))
        with open(os.path.join(target, "HEADER"), "r+b") as file:
            for number in (page.number + 1, page.number + 2):
                raw = page.raw[:16] + struct.pack("<Q", number) + page.raw[24:112]
                raw += struct.pack("<II", new.number, 1) + term
                raw += bytes(4032 - len(raw))
                raw += form.keyed_hash(form.wrap_key(self.root_key), raw)
                file.seek(number % 2 * form.PAGE_BYTES)
                file.write(raw + form.plain_hash(raw))

    def take_notes(self):
        """Who owns which key and slot, and what right answers are."""
        live = self.records("now")
        gone = {"eve": self.report("eve-live", "eve"), "zoe": self.report("zoe-live", "zoe"),
                "oldapp": self.report("app-live", "oldapp"),
                "luke": self.report("tip", "luke")}
        self.facts = {
            name: {"key": record["key"], "slot": record["slot"], "live": name in live,
                   "kind": 1 if record["type"] == "connection" else 2}
            for name, record in {**gone, **live}.items()}
        old = {name: self.report(f"{name}-fenced", name)["slot"] for name in ("hugo", "ida")}
        if not (self.facts["eve"]["slot"] == self.facts["frank"]["slot"]
                and old["hugo"] == self.facts["hugo"]["slot"]
                and old["ida"] == self.facts["jack"]["slot"] != self.facts["ida"]["slot"]):
            raise RuntimeError(f"slots were given out in another way than thought: {self.facts}")
        self.tokens = {}
        for name, record in live.items():
            values = dict((field, value) for field, value in record["values"])
            if record["type"] == "connection":
                self.tokens[name] = values["access token"]
        with open(os.path.join(self.folder, "facts.json"), "w", encoding="ascii") as file:
            json.dump({"facts": self.facts, "tokens": self.tokens}, file, indent=1)

    @property
    def copies(self):
        return Copies(self.copies_folder)
