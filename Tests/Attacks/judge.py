# SPDX-License-Identifier: Apache-2.0
"""Runs a command on an attacked directory and says what it did wrong.

The judge knows what the hand does not: the root key, which slots are healthy, every right answer.

    erased   a healthy slot was overwritten that nobody asked to erase
    crashed  a signal
    hung     more than 20 seconds, more on a machine that has much else to do
    grew     a file became more than twice as large
    silent   an answer as if nothing were wrong, although something is, or a wrong answer
    untold   a failure, but not by the status or with the word that the attack deserves
    written  data.mdb, SLOTS or HEADER was changed although the command says 65
    sent     a request left for the provider although the command says 65
    kept     what was disconnected is still there although the command says that it is erased
    outside  a file outside of the vault was changed
    unhealed the attack was undone, and the vault is not what it was
"""

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import time
from dataclasses import dataclass

from attacks import HARMLESS, LATER, NOTICED, OLDER, REFUSED, TOLD
from hand import SLOT, Hand
from stage import FILES, copy_vault

from vault_format import CannotOpen
from vault_reader import Reader

DAMAGED = 65
LONGEST_SECONDS = 20
# What one may grow by whatever its size: LMDB's reserve, or room for a first slot.
ALLOWANCE = 2 << 20

# A process was killed at any moment of disconnecting gus.
ANY_MOMENT = "killed-at-any-moment"

# Who is asked to be erased by which command.
TARGETS = {"disconnect dora": "dora", "disconnect kate": "kate", "remove spare": "spare",
           "disconnect frank": "frank", "disconnect gus": "gus", "remove newapp": "newapp"}
# The program's own account of a crash takes it ten seconds.
ENVIRONMENT = {**os.environ, "SWIFT_BACKTRACE": "enable=no"}
COMMANDS = {
    "list": ("list", "--json"),
    "apps": ("app", "list", "--json"),
    "status anna": ("status", "anna", "--json"),
    "token anna": ("token", "anna"),
    "token ben": ("token", "ben"),
    "token frank": ("token", "frank"),
    "token ida": ("token", "ida"),
    "token zoe": ("token", "zoe"),
    "log anna": ("log", "anna", "--json"),
    "refresh ben": ("refresh", "ben"),
    "refresh emil": ("refresh", "emil"),
    "connect nora": ("connect", "nora", "--app", "quiet", "--paste"),
    "disconnect dora": ("disconnect", "dora", "--yes", "--json"),
    "disconnect kate": ("disconnect", "kate", "--yes", "--json"),
    "disconnect frank": ("disconnect", "frank", "--yes", "--json"),
    "disconnect gus": ("disconnect", "gus", "--yes", "--json"),
    "remove spare": ("app", "remove", "spare"),
    "remove newapp": ("app", "remove", "newapp"),
    "serve": ("serve",),
}
READS = ("list", "apps", "status anna", "token anna", "token ben", "token frank", "token ida",
         "log anna")
WRITES = tuple(name for name in COMMANDS if name not in READS)


def patience():
    """How long a command may take: longer where many others want the processor too."""
    return LONGEST_SECONDS * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@dataclass
class Outcome:
    command: str
    status: int  # negative: the signal
    output: str
    errors: str
    seconds: float
    hung: bool = False


@dataclass(frozen=True)
class Fault:
    kind: str
    command: str
    text: str


def state_of(directory):
    """What each of the vault's files is: its bytes, or what it is instead."""
    out = {}
    for name in FILES:
        path = os.path.join(directory, name)
        try:
            facts = os.lstat(path)
        except OSError:
            out[name] = None
            continue
        if stat.S_ISREG(facts.st_mode):
            try:
                # Sparse ones of a terabyte are compared by their first megabytes.
                with open(path, "rb") as file:
                    out[name] = (facts.st_mode, facts.st_size, file.read(4 << 20))
            except OSError:
                out[name] = (facts.st_mode, facts.st_size, b"")
        else:
            out[name] = (facts.st_mode, 0, b"")
    return out


def sizes_of(directory):
    """(length, blocks) of everything below the directory."""
    out = {}
    for folder, _, files in os.walk(directory):
        for name in files:
            path = os.path.join(folder, name)
            with contextlib.suppress(OSError):
                facts = os.lstat(path)
                out[os.path.relpath(path, directory)] = facts.st_size, 512 * facts.st_blocks
    return out


def slots_of(state):
    return state["SLOTS"][2] if state["SLOTS"] else b""


def slot(content, number):
    return content[SLOT * number:SLOT * (number + 1)]


class Judge:
    def __init__(self, stage, folder=None):
        self.stage = stage
        self.facts = stage.facts
        self.tokens = stage.tokens
        self.folder = folder or os.path.join(stage.folder, "tries")
        os.makedirs(self.folder, exist_ok=True)
        self.directory = os.path.join(self.folder, "v")
        self.copies = stage.copies
        self.base_states = {}
        self.own_bases = {}
        self.applications = sorted(n for n, f in self.facts.items() if f["live"] and f["kind"] == 2)

    # The directory.

    def base(self, base, name=""):
        return os.path.join(self.own_bases.get(base) or self.copies.path(base), name)

    def keep_as(self, base):
        """Makes the directory as it lies there a state to start from."""
        path = os.path.join(self.folder, base)
        shutil.rmtree(path, ignore_errors=True)
        copy_vault(self.directory, path)
        self.own_bases[base] = path
        self.base_states.pop(base, None)

    def reset(self, base):
        """A fresh copy of a state, and nothing of the last try."""
        for path in (self.directory, self.directory + ".outside"):
            if os.path.lexists(path):
                with contextlib.suppress(OSError):
                    os.chmod(path, 0o700)
                    os.chmod(os.path.join(path, "db"), 0o700)
                shutil.rmtree(path)
        copy_vault(self.base(base), self.directory)
        if base not in self.base_states:
            self.base_states[base] = state_of(self.directory)

    def hand(self, seed=0):
        return Hand(self.directory, self.copies, self.facts, seed)

    def healthy(self, base):
        """Who must not lose a slot in this state: {name: slot}."""
        out = {name: fact["slot"] for name, fact in self.facts.items() if fact["live"]}
        if base == "tip":
            out["luke"] = self.facts["luke"]["slot"]
        if base.startswith("killed"):
            del out["gus"]
        return out

    def names(self, base):
        """The connections that `list` has to show."""
        return sorted(n for n in self.healthy(base) if self.facts[n]["kind"] == 1)

    # Commands.

    def run(self, name, *options):
        words = self.stage.words(*COMMANDS[name], *options, vault=self.directory)
        began = time.monotonic()
        if name == "serve":
            return self.serve(words, began)
        # A group of its own, so that what hangs ends with whatever it has started.
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", start_new_session=True, env=ENVIRONMENT)
        hung = False
        try:
            output, errors = process.communicate(timeout=patience())
        except subprocess.TimeoutExpired:
            hung = True
            os.killpg(process.pid, signal.SIGKILL)
            output, errors = process.communicate()
        return Outcome(name, process.returncode, output, errors, time.monotonic() - began, hung)

    def serve(self, words, began):
        """Until it says that it is ready, or ends; then a token is asked for, and it is stopped."""
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace", start_new_session=True, env=ENVIRONMENT)
        killer = Killer(process, patience())
        try:
            output = process.stdout.readline()
            if output:
                process.send_signal(signal.SIGTERM)
            rest, errors = process.communicate()
        finally:
            killer.stop()
        return Outcome("serve", process.returncode, output + rest, errors,
                       time.monotonic() - began, killer.fired)

    # What it did.

    @staticmethod
    def succeeded(outcome):
        """Whether it says that it did what it was asked. A disconnect ends with 69 where nothing at
        the provider can revoke: here it has erased."""
        if outcome.status != 69 or not outcome.command.startswith("disconnect "):
            return outcome.status == 0
        try:
            return json.loads(outcome.output)["refresh_token"] == "unsupported"
        except (ValueError, KeyError):
            return False

    def right(self, outcome, base):
        """Whether the answer is the one of a healthy vault."""
        name, output = outcome.command, outcome.output
        lines = output.splitlines()
        try:
            if name == "connect nora":
                # Nobody comes back from the provider: it ends with a failure after the URL.
                return len(lines) > 0 and lines[0].startswith("http")
            if name == "disconnect gus" and base.startswith("killed") and outcome.status == 66:
                # The open finished what had begun.
                return True
            if name == "token zoe":
                # She is gone: nothing else is right.
                return outcome.status == 66 and not output
            if not self.succeeded(outcome):
                return False
            if name == "list":
                shown = {row["id"]: row["light"] for row in map(json.loads, lines)}
                # Whose disconnect is under way is shown red, until it is finished.
                if base == ANY_MOMENT or base.startswith("killed") and shown.get("gus") == "red":
                    shown.pop("gus", None)
                return sorted(shown) == self.names(base)
            if name == "apps":
                return sorted(json.loads(line)["id"] for line in lines) == self.applications
            if name == "status anna":
                return json.loads(output)["light"] in ("yellow", "green")
            if name.startswith("token "):
                return output == self.tokens[name.split()[1]] + "\n"
            if name == "log anna":
                return any(json.loads(line)["event"] == "connected" for line in lines)
            if name.startswith("disconnect "):
                return json.loads(output)["erased_slots"] == 1
            if name == "serve":
                return lines[:1] == ["ready"]
        except (ValueError, KeyError):
            return False
        return True

    def faults(self, outcome, expected, base, before, after, sizes, sent, finishes=False):
        """Everything that is wrong with one command on one attacked directory. `finishes`: a fence
        that opens is there, and its disconnect may be brought to its end."""
        out = []

        def fault(kind, text):
            out.append(Fault(kind, outcome.command, text))

        if outcome.hung:
            fault("hung", f"after {outcome.seconds:.0f} s it was killed")
        elif outcome.status < 0:
            fault("crashed", f"{signal.Signals(-outcome.status).name}: {outcome.errors[-200:]}")
        elif outcome.status > 128:
            fault("crashed", f"status {outcome.status}: {outcome.errors[-200:]}")
        for name, (length, blocks) in sizes_of(self.directory).items():
            old = sizes.get(name, (0, 0))
            # Length and blocks: a sparse file of terabytes breaks backups all the same.
            if length > 2 * old[0] + ALLOWANCE or blocks > 2 * old[1] + ALLOWANCE:
                fault("grew", f"{name}: {old} -> {(length, blocks)}")
        target = TARGETS.get(outcome.command)
        for name, number in self.healthy(base).items():
            mine = slot(slots_of(self.base_states[base]), number)
            if (name != target and slot(slots_of(before), number) == mine
                    and slot(slots_of(after), number) != mine):
                fault("erased", f"slot {number} of {name} (status {outcome.status})")
        self.judge_answer(outcome, expected, base, fault)
        if outcome.status == DAMAGED and outcome.command != "connect nora" and expected != OLDER:
            if not finishes and not base.startswith("killed"):
                self.judge_writes(before, after, fault)
            if sent:
                fault("sent", f"{sent} requests")
        number = self.healthy(base).get(target)
        if self.succeeded(outcome) and number is not None and expected != OLDER:
            if slot(slots_of(after), number) == slot(slots_of(self.base_states[base]), number):
                fault("kept", f"slot {number} of {target} is what it was")
        return out

    def judge_answer(self, outcome, expected, base, fault):
        said = (outcome.errors.strip().splitlines() or [""])[-1][:160]
        right = self.right(outcome, base)
        succeeded = (self.succeeded(outcome)
                     or (outcome.command == "connect nora" and right))
        if outcome.hung or outcome.status < 0 or expected == OLDER:
            return
        if expected == HARMLESS and not right:
            fault("untold", f"{outcome.status}, although nothing is wrong: {said}")
        elif expected in (TOLD, REFUSED) and succeeded:
            fault("silent", f"0: {outcome.output[:100]!r}")
        elif expected in (TOLD, NOTICED, REFUSED) and "notFound" in said and not right:
            # "No such connection", of one that is there.
            fault("silent", f"{outcome.status}: {said}")
        elif expected == TOLD and outcome.status != DAMAGED:
            fault("untold", f"{outcome.status} instead of {DAMAGED}: {said}")
        elif expected == NOTICED and succeeded and not right:
            fault("silent", f"a wrong answer: {outcome.output[:100]!r}")
        if outcome.status > 0 and not succeeded and len(said) < 10:
            fault("untold", f"{outcome.status} without a word: {said!r}")

    def judge_writes(self, before, after, fault):
        """After damage was found nothing is written, but for what a killed process had begun."""
        for name in ("HEADER", "SLOTS"):
            if before[name] != after[name]:
                fault("written", f"{name} was changed")
        old, new = before["db/data.mdb"], after["db/data.mdb"]
        # The file may be given its reserve of blocks; its pages are another matter.
        if old and new and old[2] != new[2][:len(old[2])]:
            fault("written", "db/data.mdb was changed")

    # Undoing.

    def undo(self, base, attacked):
        """Puts back what the attack had altered, and only that: the rest stays as the program left
        it."""
        fresh = self.base_states[base]
        # Only root gets past the mode of a folder.
        for folder in (self.directory, os.path.join(self.directory, "db")):
            if os.path.isdir(folder) and not os.path.islink(folder):
                os.chmod(folder, 0o700)
        now = state_of(self.directory)
        for name in FILES:
            if attacked[name] == fresh[name] and now[name] == fresh[name]:
                continue
            if attacked[name] != fresh[name]:
                path = os.path.join(self.directory, name)
                if os.path.isdir(path) and not os.path.islink(path):
                    shutil.rmtree(path)
                elif os.path.lexists(path):
                    os.unlink(path)
                if not os.path.isdir(os.path.dirname(path)):
                    with contextlib.suppress(OSError):
                        os.unlink(os.path.dirname(path))
                    os.mkdir(os.path.dirname(path), 0o700)
                shutil.copy2(self.base(base, name), path)
        os.chmod(self.directory, 0o700)
        os.chmod(os.path.join(self.directory, "db"), 0o700)

    def unhealed(self, base, target=None):
        """What is not as it was, after the independent reader. Empty where all is well."""
        state = state_of(self.directory)
        for name, number in self.healthy(base).items():
            if name != target and slot(slots_of(state), number) != slot(
                    slots_of(self.base_states[base]), number):
                return f"slot {number} of {name}"
        report = self.read()
        if "error" in report:
            return report["error"]
        if report["problems"]:
            return str(report["problems"][0])
        found = {record["id"]: dict(map(tuple, record["values"])).get("access token")
                 for record in report["records"] if "id" in record and "values" in record}
        for name in self.healthy(base):
            if name != target and (name not in found or (
                    self.facts[name]["kind"] == 1 and name != "luke"
                    and name != "emil" and found[name] != self.tokens[name])):
                return f"the record of {name}"
        return ""

    def read(self):
        """The independent reader's report, or {"error": why not}. In a process of its own: LMDB may
        die of a page, or never come back."""
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                signal.alarm(10)
                report = Reader(self.directory, self.stage.root_key, reveal=True).read()
                out = json.dumps({name: report.get(name, []) for name in ("problems", "records")})
            except (CannotOpen, OSError) as error:
                out = json.dumps({"error": str(error) or "cannot be opened"})
            except BaseException as error:
                out = json.dumps({"error": repr(error)})
            with contextlib.suppress(BaseException):
                with open(write, "w", encoding="utf-8") as file:
                    file.write(out)
            os._exit(0)
        os.close(write)
        with open(read, encoding="utf-8") as file:
            content = file.read()
        os.waitpid(child, 0)
        return json.loads(content) if content else {"error": "LMDB died of it"}

    # One try.

    def attempt(self, attack, case, base, command, seed=0, expected=None, heal=True):
        """One attack, one command, and the attack undone. Returns the outcome and its faults."""
        self.reset(base)
        attack.does(self.hand(seed), *case)
        outcome, faults = self.command(command, expected or attack.expectation(case), base, heal,
                                       case in attack.finishes)
        return outcome, not_later(faults, [attack])

    def command(self, command, expected, base, heal=True, finishes=False):
        before, sizes = state_of(self.directory), sizes_of(self.directory)
        outside = self.outside()
        sent = self.stage.practice.gate.requests
        outcome = self.run(command)
        after = state_of(self.directory)
        faults = self.faults(outcome, expected, base, before, after, sizes,
                             self.stage.practice.gate.requests - sent, finishes)
        if self.outside() != outside:
            faults.append(Fault("outside", command, "a file outside was changed"))
        # What a user asked to erase is no loss, also where it came to an end in the middle.
        target = TARGETS.get(command)
        done = target is not None and (
            slot(slots_of(before), self.facts[target]["slot"])
            != slot(slots_of(after), self.facts[target]["slot"]))
        # Nor is what was stored beside something that did no harm.
        stored = (before["db/data.mdb"] != after["db/data.mdb"]
                  and before["db/data.mdb"] == self.base_states[base]["db/data.mdb"])
        if heal and not done and not stored and expected != HARMLESS:
            self.undo(base, before)
            what = self.unhealed(base)
            if what and not any(fault.kind == "erased" for fault in faults):
                faults.append(Fault("unhealed", command, what))
        return outcome, faults

    def outside(self):
        """The bytes of the files outside of the vault to which links lead."""
        out = {}
        folder = self.directory + ".outside"
        if os.path.isdir(folder):
            for name in ("canary", "nothing"):
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    with open(path, "rb") as file:
                        out[name] = file.read()
        return out


def not_later(faults, attacks):
    """The faults without those that are to be dealt with later, unless all are wanted now."""
    if os.environ.get("ATTACKS_PAGES") == "strict":
        return faults
    later = {kind for attack in attacks for kind in LATER.get(attack.group, ())}
    return [fault for fault in faults if fault.kind not in later]


class Killer:
    """Ends a process that does not end by itself."""

    def __init__(self, process, seconds):
        import threading
        self.process, self.fired = process, False
        self.timer = threading.Timer(seconds, self.fire)
        self.timer.start()

    def fire(self):
        self.fired = True
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def stop(self):
        self.timer.cancel()
