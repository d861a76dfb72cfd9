# SPDX-License-Identifier: Apache-2.0
"""Follows one refresh in a vault's process with a debugger: which function runs on which thread.

    refresh_trace.py --server FILE --subject FILE (--due | --asked) < functions

The functions are written as `swift demangle --simplified` does, one a line, the first of them the
one with which the refresh begins. Prints one JSON object: `missing`, those that the program does
not have, and `entered`, pairs of function and thread in the order in which they were first entered.
"""

import argparse
import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from memory_proof import REDIRECT, Practice
from vault_processes import LibraryHost

HERE = os.path.dirname(os.path.abspath(__file__))
# How long a refresh may take under the debugger, and the debugger to begin, in seconds.
SECONDS_MAX = 120


def symbols(program):
    """The program's own functions: what each is called in Swift, and the symbol of its entry."""
    listed = subprocess.run(["nm", "--defined-only", program], capture_output=True, check=True)
    mangled = [line.split()[-1] for line in listed.stdout.decode().splitlines()
               if line.split()[-2] in "tT" and line.split()[-1].startswith("$s10TokenVault")]
    named = subprocess.run(["swift", "demangle", "--simplified"], input="\n".join(mangled).encode(),
                           capture_output=True, check=True)
    # The parts into which a function is cut that may be suspended have longer symbols.
    names = [name.removeprefix("static ") for name in named.stdout.decode().splitlines()]
    pairs = sorted(zip(names, mangled), key=lambda pair: len(pair[1]), reverse=True)
    return dict(pairs)


class Debugger:
    def __init__(self, folder, subject, places):
        self.subject = subject
        environment = dict(os.environ)
        for name, text in (("TRACE_SYMBOLS", "\n".join(places)), ("TRACE_HITS", "")):
            environment[name] = os.path.join(folder, name)
            with open(environment[name], "w", encoding="ascii") as file:
                file.write(text)
        command = ["gdb", "-q", "-nx", "-batch", "-iex", "set complaints 0",
                   "-p", str(subject.pid), "-x", os.path.join(HERE, "refresh_breakpoints.py")]
        if os.geteuid() != 0:
            if subprocess.run("sudo -n true", shell=True, capture_output=True,
                              check=False).returncode:
                sys.exit("refresh_trace.py: debugging another process takes root, or a sudo that "
                         "asks for no password")
            command = ["sudo", "-n", "--preserve-env=TRACE_SYMBOLS,TRACE_HITS", *command]
        self.output = open(os.path.join(folder, "gdb"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            command, env=environment, stdout=self.output, stderr=subprocess.STDOUT)
        self.hits = open(environment["TRACE_HITS"], encoding="ascii")

    def lines(self, count):
        """So many lines, or as many as come in time."""
        end, found, part = time.monotonic() + SECONDS_MAX, [], ""
        while len(found) < count and time.monotonic() < end and self.process.poll() is None:
            part += self.hits.readline()
            if part.endswith("\n"):
                found.append(part.strip())
                part = ""
            else:
                time.sleep(0.05)
        return found

    def begin(self):
        if self.lines(1) != ["ready"]:
            self.output.seek(0)
            raise RuntimeError(f"gdb does not begin: {self.output.read()[-2000:]}")

    def end(self):
        # It ends with the process that it debugs.
        self.subject.kill()
        self.subject.wait()
        self.process.wait(SECONDS_MAX)
        self.hits.close()
        self.output.close()


def trace(options, functions, folder):
    known = symbols(options.subject)
    missing = [function for function in functions if function not in known]
    if missing:
        return {"missing": missing, "entered": []}
    client_secret = secrets.token_urlsafe(32)
    # A token that lives for a second is due at once.
    practice = Practice(options.server, folder, client_secret, "--access-lifetime", "1")
    with contextlib.ExitStack() as stack:
        stack.callback(practice.end)
        host = LibraryHost(
            options.subject, folder, "http://%s:%d" % practice.address, None, "practice-client",
            client_secret, REDIRECT, argparse.Namespace(leaky=False, readable_arena=False))
        stack.callback(host.process.wait)
        stack.callback(host.process.kill)
        host.connect(["ada"], practice.approve)
        debugger = Debugger(folder, host.process, [known[name] for name in functions])
        stack.callback(debugger.end)
        debugger.begin()
        host.tell("run" if options.due else "refresh ada")
        hits = [line.split(maxsplit=1) for line in debugger.lines(len(functions))]
        return {"missing": [],
                "entered": [[functions[int(number)], thread] for number, thread in hits]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--subject", required=True)
    kinds = parser.add_mutually_exclusive_group(required=True)
    kinds.add_argument("--due", action="store_true")
    kinds.add_argument("--asked", action="store_true")
    options = parser.parse_args()
    # Whoever started this may have blocked signals, as libdispatch does; gdb waits for one.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    functions = sys.stdin.read().splitlines()
    folder = tempfile.mkdtemp(prefix="refresh-trace-")
    try:
        print(json.dumps(trace(options, functions, folder)))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
