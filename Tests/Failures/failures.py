#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Provokes failures that a user can meet, and prints what the user is shown as a Markdown table.

    Tests/Failures/failures.py --program .build/release/tokenvault > table.md
    Tests/Failures/failures.py --only certificate --full
    Tests/Failures/failures.py --page > Sources/TokenVault/TokenVault.docc/Failures.md

Each row has the command, its message and exit status, the newest line of the connection's log, and
its light with reason and next step; `--full` has the whole log and status, `--page` is the page of
the documentation: fewer failures, and nothing that differs from run to run. Whether cause and next
step are plain is for the reader. The script itself ends with 1 where a command hung, crashed or
ended with 70 (a fault of the program), where a secret was in an output, or where a case
could not be staged.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile

import cases_application
import cases_discovery
import cases_disk
import cases_flow
import cases_grants
import cases_move
import cases_network
import cases_provider
import cases_serve
import cases_shell
import cases_signing
import cases_store
import documentation
from certificates import Certificates
from desk import APP, Desk

PROGRAM = pathlib.Path(__file__).parents[2] / ".build/debug/tokenvault"
GROUPS = (
    ("The provider, no serve running", cases_provider.CASES),
    ("While serve runs", cases_serve.CASES),
    ("The user's way through the provider", cases_flow.CASES),
    ("Device authorization, client credentials, second connections", cases_grants.CASES),
    ("The application", cases_application.CASES),
    ("The signing key", cases_signing.CASES),
    ("Discovery", cases_discovery.CASES),
    ("The ways out", cases_network.CASES),
    ("The vault's files", cases_store.CASES),
    ("Import and export", cases_move.CASES),
    ("The disk", cases_disk.CASES),
    ("The command line", cases_shell.CASES),
)
COLUMNS = ("#", "failure", "command", "message", "exit", "log", "light, reason, next step")
FAULT = 70
CRASHES = [-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGILL, -signal.SIGABRT, -signal.SIGTRAP]


def cell(text):
    """Text in a cell of a Markdown table."""
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", lambda found: repr(found[0])[1:-1], text.strip())
    return text.replace("|", "\\|").replace("\n", "<br>") or "-"


def shortened(command):
    """A command without what is the same everywhere."""
    command = re.sub(r" --(client-id|redirect-uri|client-secret-file) \S+", "", command)
    return re.sub(r" --(authorize|token|revoke)-url http://127\.0\.0\.1:\d+/\w+", "", command)


def afterwards(desk, full):
    """The log and the lights after the failure."""
    logs, lights = [], []
    for name in desk.log_of:
        words = ["--app", name] if name == APP else [name]
        seen = desk.run("log", *words, *desk.after)
        lines = (seen.out or seen.err).splitlines()
        logs += lines if full else lines[-1:]
    for name in desk.status_of:
        seen = desk.run("status", name, *desk.after)
        lines = (seen.out or seen.err).splitlines()
        if not full:
            kept = ("reason", "next step", "problem", "trouble", "error", "again", "next try",
                    "token rejected")
            lines = lines[:1] + [line for line in lines[1:] if line.strip().startswith(kept)]
        lights += [" ".join(line.split()) for line in lines]
    undated = [re.sub(r"^\S+T\S+Z\s+", "", line) for line in logs]
    return "\n".join(undated), "\n".join(lights)


def played(title, case, arguments, certificates):
    """One row, and what is wrong with it whatever it says."""
    folder = tempfile.mkdtemp(prefix="failure-")
    desk = Desk(arguments.program, folder, certificates)
    wrong = []
    message = status = command = log = light = ""
    try:
        case(desk)
        log, light = afterwards(desk, arguments.full)
    except Exception as error:  # One case that cannot be staged does not end the others.
        wrong.append(f"not staged: {error!r}")
    finally:
        desk.clear()
        shutil.rmtree(folder)
    if desk.failure is not None:
        command = shortened(desk.failure.command)
        message = "\n".join([desk.failure.err.strip(), *desk.notes]).strip()
        if desk.failure.out and not desk.failure.command.startswith("tokenvault token"):
            message = f"{message}\nstdout: {desk.failure.out.strip()[:1000]}".strip()
        status = str(desk.failure.status)
    for seen in desk.seen:
        if seen.hung:
            wrong.append(f"hung: {seen.command}")
        elif seen.status in CRASHES or seen.status == FAULT:
            wrong.append(f"ended with {seen.status}: {seen.command}")
    wrong += [f"a secret in the output: {leak}" for leak in desk.leaks]
    log, light = ("(the same)" if text == message else text for text in (log, light))
    return (title, command, message.replace(folder, "~"), status, log, light), wrong


def page(arguments, pool, certificates):
    """Prints the page of the documentation; what is wrong comes back."""
    troubles, found = [], set()
    print(documentation.HEAD)
    for group, cases in GROUPS:
        chosen = [each for each in cases if each[0] in documentation.TITLES]
        found |= {title for title, _ in chosen}
        print(f"\n## {group}\n\n{documentation.TABLE}")
        calls = [pool.submit(played, *each, arguments, certificates) for each in chosen]
        for (title, _), call in zip(chosen, calls):
            row, wrong = call.result()
            print(documentation.line(row), flush=True)
            troubles += [f"{title}: {each}" for each in wrong]
    return troubles + [f"no such failure: {title}" for title in documentation.TITLES - found]


def table(arguments, pool, certificates):
    """Prints a table for each group; what is wrong comes back."""
    number, troubles = 0, []
    for group, cases in GROUPS:
        chosen = [each for each in cases if (arguments.only or "") in each[0]]
        if not chosen or (arguments.group or "") not in group:
            continue
        print(f"\n## {group}\n\n| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
        calls = [pool.submit(played, *each, arguments, certificates) for each in chosen]
        for (title, _), call in zip(chosen, calls):
            row, wrong = call.result()
            number += 1
            cells = (cell(text) for text in (str(number), *row))
            print(f"| {' | '.join(cells)} |", flush=True)
            troubles += [f"{number}, {title}: {each}" for each in wrong]
    return troubles


def main():
    """Plays the cases and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=PROGRAM, help="the tokenvault executable")
    parser.add_argument("--only", metavar="WORD", help="only failures with this in their title")
    parser.add_argument("--group", metavar="WORD", help="only groups with this in their title")
    parser.add_argument("--jobs", type=int, default=4, help="how many are played at a time")
    parser.add_argument("--full", action="store_true", help="the whole log and status")
    parser.add_argument("--page", action="store_true", help="the page of the documentation")
    arguments = parser.parse_args()
    os.umask(0o077)
    if os.geteuid() != 0:
        print("failures.py: this is not root. A disk of their own (mount), files of another user's "
              "(chown) and no right to lock memory (setpriv) take it: those failures will be "
              "\"not staged\"", file=sys.stderr)
    # Ended from outside, too, what is being played is cleared away, and no more begins.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    pool = concurrent.futures.ThreadPoolExecutor(arguments.jobs)
    with tempfile.TemporaryDirectory(prefix="certificates-") as folder:
        try:
            made = page if arguments.page else table
            troubles = made(arguments, pool, Certificates(folder))
        finally:
            pool.shutdown(cancel_futures=True)
    if troubles:
        stream = sys.stderr if arguments.page else sys.stdout
        print("\n## What is wrong whatever the messages say\n", file=stream)
        print("\n".join(f"- {cell(trouble)}" for trouble in troubles), file=stream)
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
