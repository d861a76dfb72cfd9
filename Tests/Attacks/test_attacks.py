# SPDX-License-Identifier: Apache-2.0
"""A hostile hand on the vault's directory, attack by attack.

    Tests/Forensics/prepare && .build/forensics-venv/bin/python -m unittest discover Tests/Attacks

Also pytest collects it. TOKENVAULT_PROGRAMS is the folder of the programs, `.build/debug` without
it. Each attack of `attacks.py` is a test: a few of its cases, each with commands in turn.
ATTACKS=some tries more of them with every command, ATTACKS=all every case with every command.
"""

import contextlib
import fcntl
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
import unittest
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import hand as hands  # noqa: E402
from attacks import (  # noqa: E402
    CATALOGUE, HARMLESS, KILLED, SEEN, TOLD, header_altered)
from judge import (  # noqa: E402
    COMMANDS, LONGEST_SECONDS, TARGETS, Fault, Judge, patience, state_of)
from stage import Stage  # noqa: E402
from survey import tries  # noqa: E402

CHOICE = os.environ.get("ATTACKS") or "few"
STAGE = JUDGE = None


def setUpModule():
    global STAGE, JUDGE
    STAGE = Stage()
    JUDGE = Judge(STAGE)


def tearDownModule():
    STAGE.end()
    shutil.rmtree(STAGE.folder, ignore_errors=True)


class Case(unittest.TestCase):
    def check(self, found):
        """Fails with what was found, the worst first, each with how it came about."""
        if found:
            kinds = {}
            for attempt, fault in found:
                kinds.setdefault(fault.kind, []).append((attempt, fault.text))
            lines = [f"{kind} ({len(list_)} tries): {list_[0]}" for kind, list_ in kinds.items()]
            self.fail("\n".join(lines))

    def attempt(self, name, case, base, command):
        attack = CATALOGUE[name]
        _, faults = JUDGE.attempt(attack, case, base, command)
        return [((name, case, base, command, attack.expectation(case)), fault) for fault in faults]


class Catalogue(Case):
    """A test for each attack, made below."""


def enter(name, attack):
    def test(self):
        found = []
        for base, case, command in tries(attack, CHOICE):
            found += self.attempt(name, case, base, command)
        self.check(found)
    test.__doc__ = attack.what
    setattr(Catalogue, f"test_{attack.group}_{name.replace('-', '_')}", test)


for _name, _attack in CATALOGUE.items():
    enter(_name, _attack)


class Healthy(Case):
    """Where nothing was done every command answers, or the rest proves nothing."""

    def test_every_command(self):
        commands = list(COMMANDS)
        for number, base in enumerate(("now", "tip", "rotated", *KILLED)):
            # Of the other states each gets some, and each command comes on one of them.
            part = slice(None) if base == "now" or CHOICE != "few" else slice(number - 1, None, 5)
            for command in commands[part]:
                with self.subTest(base=base, command=command):
                    JUDGE.reset(base)
                    outcome, faults = JUDGE.command(command, HARMLESS, base)
                    self.assertEqual(faults, [], outcome)
                    refreshed = command.split()[1] if command.startswith("refresh") else None
                    self.assertEqual(JUDGE.unhealed(base, TARGETS.get(command, refreshed)), "")

    def test_a_disconnect_cut_short_is_finished(self):
        for base in KILLED:
            JUDGE.reset(base)
            JUDGE.command("list", HARMLESS, base)
            number = JUDGE.facts["gus"]["slot"]
            self.assertEqual(JUDGE.hand().slot_bytes(number), bytes(hands.SLOT), base)


class Seen(Case):
    """One test for each of those that were found first."""


def enter_seen(number, title, name, case, base, command):
    def test(self):
        self.check(self.attempt(name, case, base, command))
    test.__doc__ = title
    words = "".join(letter if letter.isalnum() else "_" for letter in title.lower())
    setattr(Seen, f"test_{number:02}_{words}", test)


for _number, _seen in enumerate(SEEN):
    enter_seen(_number, *_seen)


class Judged(Case):
    """The judge finds each fault: in place of the program a script that does it."""

    FREE = ("free-slot-forged", ("copy",))       # SLOTS is altered, and nothing else; TOLD
    DELETED = ("record-deleted", ("anna",))      # data.mdb is; TOLD
    FLOW = ("flow-changed", ("deleted",))        # the same; NOTICED
    LINK = ("file-replaced", ("db/data.mdb", "link to a canary"))  # REFUSED
    TOLD = 'echo "the vault was altered" >&2; exit 65'
    RECEIPT = """echo '{"erased_slots":1}'"""

    def found(self, script, attack, command):
        """The kinds of fault that the script is found to commit."""
        path = os.path.join(STAGE.folder, "script")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o700), "w",
                  encoding="ascii") as file:
            file.write(f"#!/bin/bash\ncd '{JUDGE.directory}'\n{script}\n")
        with mock.patch.object(STAGE, "program", path):
            return {fault.kind for _, fault in self.attempt(*attack, "now", command)}

    def check_kinds(self, script, attack, command, *kinds):
        self.assertEqual(self.found(script, attack, command), set(kinds), script)

    def over(self, who):
        """Words that overwrite somebody's slot."""
        return (f"dd if=/dev/zero of=SLOTS bs={hands.SLOT} count=1 seek={JUDGE.facts[who]['slot']} "
                "conv=notrunc 2>/dev/null")

    def test_nothing(self):
        self.check_kinds(self.TOLD, self.DELETED, "list")

    def test_erased(self):
        # Also where the command fails as it should, and where somebody else was to be erased.
        self.check_kinds(f"{self.over('frank')}; {self.TOLD}", self.DELETED, "list",
                         "erased", "written")
        self.check_kinds(f"{self.over('frank')}; {self.over('dora')}; {self.RECEIPT}", self.FLOW,
                         "disconnect dora", "erased")

    def test_kept(self):
        self.check_kinds(self.RECEIPT, self.FLOW, "disconnect dora", "kept")

    def test_crashed(self):
        self.check_kinds("kill -SEGV $$", self.DELETED, "list", "crashed")

    def test_hung(self):
        with mock.patch("judge.patience", lambda: 0.5):
            self.check_kinds("exec sleep 20", self.DELETED, "list", "hung")

    def test_grew(self):
        self.check_kinds(f"truncate -s 1G db/lock.mdb; {self.TOLD}", self.DELETED, "list", "grew")

    def test_silent(self):
        token = JUDGE.tokens["anna"]
        self.check_kinds(f"echo {token}", self.DELETED, "token anna", "silent")
        self.check_kinds(f"echo {token}", self.FLOW, "token anna")
        self.check_kinds("echo another", self.FLOW, "token anna", "silent")
        self.check_kinds('echo "no such connection (notFound, vault)" >&2; exit 66', self.FLOW,
                         "token anna", "silent")

    def test_untold(self):
        self.check_kinds('echo "the disk is full" >&2; exit 74', self.DELETED, "list", "untold")
        self.check_kinds("exit 65", self.DELETED, "list", "untold")

    def test_written(self):
        self.check_kinds(f"echo -n x >> db/data.mdb; {self.TOLD}", self.DELETED, "list")
        self.check_kinds(f"echo -n x 1<> db/data.mdb; {self.TOLD}", self.DELETED, "list", "written")

    def test_sent(self):
        server = f"/dev/tcp/127.0.0.1/{STAGE.practice.gate.server_port}"
        request = "POST /token HTTP/1.0\\r\\n\\r\\n"
        self.check_kinds(f"exec 3<>{server}; printf '{request}' >&3; cat <&3 >/dev/null; "
                         f"{self.TOLD}", self.DELETED, "list", "sent")

    def test_outside(self):
        self.check_kinds(f"echo mine > db/data.mdb; {self.TOLD}", self.LINK, "list", "outside")

    def test_unhealed(self):
        self.check_kinds(f"truncate -s 100 HEADER; {self.TOLD}", self.FREE, "list",
                         "written", "unhealed")


class Unverified(Case):
    """With --read-unverified a damaged vault may be read: warned, and nothing else comes of it."""

    COMMANDS = ("list", "apps", "status anna", "token anna", "token ben", "log anna")

    def read(self, name, case, command):
        JUDGE.reset("now")
        CATALOGUE[name].does(JUDGE.hand(), *case)
        before, sent = state_of(JUDGE.directory), STAGE.practice.gate.requests
        outcome = JUDGE.run(command, "--read-unverified")
        where = f"{name} {case}: {outcome}"
        self.assertFalse(outcome.hung, where)
        self.assertGreaterEqual(outcome.status, 0, where)
        self.assertNotEqual(outcome.status, 64, where)
        self.assertNotEqual(outcome.errors.strip(), "", f"without a warning: {where}")
        self.assertEqual(STAGE.practice.gate.requests, sent, where)
        after = state_of(JUDGE.directory)
        for file in ("HEADER", "SLOTS"):
            self.assertTrue(before[file] == after[file], f"{file} was changed: {where}")
        old, new = before["db/data.mdb"], after["db/data.mdb"]
        self.assertTrue(old[2] == new[2][:len(old[2])], f"data.mdb was changed: {where}")

    def test_reading_what_was_altered(self):
        for number, (_, name, case, base, _) in enumerate(SEEN):
            attack = CATALOGUE[name]
            if attack.expectation(case) == TOLD and base == "now":
                command = self.COMMANDS[number % len(self.COMMANDS)]
                with self.subTest(attack=name, case=case, command=command):
                    self.read(name, case, command)


class KeyFile(Case):
    """What is no file with 32 bytes in place of the root key."""

    def refused(self, path):
        words = STAGE.words("list", vault=JUDGE.directory)
        words[words.index("--key-file") + 1] = path
        JUDGE.reset("now")
        try:
            result = subprocess.run(words, capture_output=True, text=True, check=False,
                                    stdin=subprocess.DEVNULL, timeout=patience())
        except subprocess.TimeoutExpired:
            self.fail(f"it hangs on {path}")
        self.assertGreater(result.returncode, 0)
        self.assertNotEqual(result.stderr.strip(), "")

    def test_fifo(self):
        path = os.path.join(JUDGE.folder, "fifo.key")
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path, 0o600)
        self.refused(path)

    def test_directory(self):
        path = os.path.join(JUDGE.folder, "folder.key")
        os.makedirs(path, mode=0o700, exist_ok=True)
        self.refused(path)

    def test_device(self):
        self.refused("/dev/zero")

    def test_terminal_of_nobody(self):
        self.refused("/dev/null")

    def test_large_file(self):
        path = os.path.join(JUDGE.folder, "large.key")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.truncate(1 << 40)
        self.refused(path)


class Impostor(Case):
    """Somebody listens at `control` in the owner's place, with LOCK held or not, and is silent,
    talks without end, or says what no owner says. Another process of the same user could read the
    root key: of that one only noise must be survived. Another user must not be believed at all."""

    ANSWERS = {"silence": b"", "noise": bytes(range(256)) * 4096,
               "a huge frame": b"M\xff\xff\xff\x7f" + b"{" * 65536,
               "an end": b"E\0\0\0\0", "a secret": b"S\4\0\0\0evil" + b"E\0\0\0\0"}

    # A user who is nobody else's.
    NOBODY = 65534

    def listen(self, answer, user):
        """In a process of its own; as another user where one is given."""
        wire = socket.socket(socket.AF_UNIX)
        with hands.working_in(JUDGE.directory):
            wire.bind("control")
        os.chmod(os.path.join(JUDGE.directory, "control"), 0o666)
        child = os.fork()
        if child:
            wire.close()
            return child
        try:
            if user is not None:
                os.setuid(user)
            wire.listen(8)
            wire.settimeout(0.1)
            kept = []
            while True:
                with contextlib.suppress(OSError):
                    kept.append(wire.accept()[0])
                    kept[-1].setblocking(False)
                for other in kept:
                    with contextlib.suppress(OSError):
                        other.send(answer)
        finally:
            os._exit(0)

    def impostor(self, answer, held, user=None):
        JUDGE.reset("now")
        with open(os.path.join(JUDGE.directory, "LOCK"), "rb") as lock:
            child = self.listen(self.ANSWERS[answer], user)
            if held:
                fcntl.flock(lock, fcntl.LOCK_EX)
            time.sleep(0.2)
            try:
                outcome = JUDGE.run("token anna")
            finally:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        where = f"{answer}, LOCK {'held' if held else 'free'}: {outcome}"
        self.assertFalse(outcome.hung, where)
        self.assertGreaterEqual(outcome.status, 0, where)
        if user is not None:
            self.assertTrue(outcome.status > 0 or JUDGE.right(outcome, "now"), where)

    def test_the_same_user(self):
        for answer in self.ANSWERS:
            if answer != "silence":
                for held in (False, True):
                    with self.subTest(answer=answer, held=held):
                        self.impostor(answer, held)

    def test_another_user(self):
        if os.geteuid() != 0:
            self.skipTest("listening as another user takes root")
        for answer in self.ANSWERS:
            for held in (False, True):
                with self.subTest(answer=answer, held=held):
                    self.impostor(answer, held, self.NOBODY)


MEBIBYTE = 1 << 20
# (operations, memory) in both pages of HEADER. What init writes has a second or so in it.
HUGE = ((1000, 256 * MEBIBYTE), (3, 8 << 30), (20, 4 << 30), (0xFFFFFFFF, 256 * MEBIBYTE),
        (1 << 63, 256 * MEBIBYTE), (3, (1 << 64) - 1), ((1 << 64) - 1, (1 << 64) - 1),
        (3, 3 << 30), (40, 1 << 30))
SMALL = ((1, 8192), (0, 0), (2, 256 * MEBIBYTE), (3, 8 * MEBIBYTE), (3, 256 * MEBIBYTE - 1))


class Passphrase(Case):
    """HEADER's limits of the key derivation are used before anything vouches for them."""

    PASSPHRASE = b"correct horse battery staple\n"
    MOST_MEMORY = 2 << 30
    MOST_SECONDS = 15

    @classmethod
    def setUpClass(cls):
        cls.vault = os.path.join(STAGE.folder, "passphrase")
        status, errors, cls.seconds, cls.memory = cls.run_with_passphrase("init")
        if status != 0:
            raise RuntimeError(errors)
        with open(os.path.join(cls.vault, "HEADER"), "rb") as file:
            cls.header = file.read()

    @classmethod
    def run_with_passphrase(cls, *words):
        """Exit status, errors, seconds, of processor time unless it hung, and most memory."""
        read, write = os.pipe()
        os.write(write, cls.PASSPHRASE)
        os.close(write)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process = subprocess.Popen(
            [STAGE.program, *words, "--vault", cls.vault, "--passphrase-fd", str(read)],
            pass_fds=(read,), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE)
        os.close(read)
        began, most, hung = time.monotonic(), 0, False
        while process.poll() is None:
            if time.monotonic() > began + 3 * patience():
                process.kill()
                hung = True
                break
            with contextlib.suppress(OSError, IndexError, ValueError):
                with open(f"/proc/{process.pid}/statm", encoding="ascii") as file:
                    most = max(most, int(file.read().split()[1]) * 4096)
            if most > cls.MOST_MEMORY:
                # It must not take the machine with it.
                process.kill()
                break
            time.sleep(0.01)
        errors = process.communicate()[1].decode(errors="replace")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return process.returncode, errors, 3 * LONGEST_SECONDS if hung else seconds, most

    def judge(self, operations, memory, pages):
        with open(os.path.join(self.vault, "HEADER"), "wb") as file:
            file.write(self.header)
        hand = hands.Hand(self.vault, None, {})
        for field, value in (("operations", operations), ("memory", memory)):
            header_altered(hand, pages, field, value)
        status, errors, seconds, most = self.run_with_passphrase("list")
        where = f"{operations} operations, {memory} bytes, page {pages}"
        found = []
        if seconds > self.MOST_SECONDS:
            found.append(Fault("hung", "list", f"{where}: {seconds:.0f} s of processor time"))
        if most > self.MOST_MEMORY:
            found.append(Fault("grew", "list", f"{where}: {most >> 20} MiB"))
        if not found and status < 0:
            found.append(Fault("crashed", "list", f"{where}: signal {-status}: {errors[-200:]}"))
        if not found and pages == "both" and (status <= 0 or not errors.strip()):
            found.append(Fault("silent", "list", f"{where}: {status}: {errors}"))
        return [((operations, memory, pages), fault) for fault in found]

    def tearDown(self):
        """The attack undone: all is well."""
        with open(os.path.join(self.vault, "HEADER"), "wb") as file:
            file.write(self.header)
        status, errors, _, _ = self.run_with_passphrase("list")
        self.assertEqual(status, 0, errors)

    def test_huge_limits(self):
        self.check([found for pair in HUGE for found in self.judge(*pair, "both")])

    def test_huge_limits_in_one_page(self):
        self.check([found for pair in HUGE for page in (0, 1) for found in self.judge(*pair, page)])

    def test_lowered_limits(self):
        self.check([found for pair in SMALL for found in self.judge(*pair, "both")])


if __name__ == "__main__":
    unittest.main()
