# SPDX-License-Identifier: Apache-2.0
"""Tries every attack and prints a table of what each one does, for people.

    survey.py [--all] [GROUP-OR-ATTACK ...]

A row says how many tries succeeded, out of how many, in which way; below it the first of each.
"""

import argparse
import collections
import re
import shutil
import sys
import time

from attacks import CATALOGUE, SEEN
from judge import COMMANDS, Judge
from stage import Stage

# The worst first.
ORDER = ("erased", "crashed", "hung", "kept", "outside", "silent", "sent", "written", "grew",
         "unhealed", "untold")
# Tries of one attack: some, at least one of every command; or a few of these.
SOME = 24
FEW = 3


def near(case):
    """The commands that concern whoever a case is about."""
    words = set(re.findall("[a-z]+", str(case)))
    return [name for name in COMMANDS if name.split()[-1] in words]


def tries(attack, choice="some"):
    """(base, case, command): all of them; some, an even choice in which every command comes; or a
    few, in which every state and everything that is expected comes, and every command somewhere in
    the catalogue."""
    if choice == "few":
        return few(attack)
    pairs = [(base, case) for base in attack.bases for case in attack.cases]
    if choice == "all":
        return [(base, case, command) for base, case in pairs for command in COMMANDS]
    count, commands, out = max(SOME, len(COMMANDS)), list(COMMANDS), []
    # Pairs and commands pass at different speeds, so that they meet in ever new ways.
    step = max(1, len(pairs) // count)
    for i in range(count):
        base, case = pairs[(i * step + i // len(pairs)) % len(pairs)]
        out.append((base, case, commands[i % len(commands)]))
        if i % 2 and near(case):
            out.append((base, case, near(case)[i // 2 % len(near(case))]))
    return out


def few(attack):
    listed = tries(attack)
    # Another beginning for each attack, or all would get the same commands.
    start = 5 * list(CATALOGUE).index(attack.name) % len(listed)
    listed = listed[start:] + listed[:start]
    out, met = [], set()
    for base, case, command in listed:
        facts = {base, attack.expectation(case)}
        if not facts <= met:
            out.append((base, case, command))
            met |= facts
    for i in range(FEW):
        if len(out) < FEW:
            out.append(listed[(i + 1) * len(listed) // (FEW + 1)])
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--all", action="store_true", help="every case with every command")
    options = parser.parse_args()
    stage = Stage()
    try:
        survey(Judge(stage), options)
    finally:
        stage.end()
        shutil.rmtree(stage.folder, ignore_errors=True)


def survey(judge, options):
    if not options.names:
        print("| seen first | command | what comes of it |\n|---|---|---|")
        for title, name, case, base, command in SEEN:
            _, faults = judge.attempt(CATALOGUE[name], case, base, command)
            what = "; ".join(f"{fault.kind}: {fault.text.splitlines()[0]}" for fault in faults)
            print(f"| {title} | {command} | {what or 'held'} |", flush=True)
        print()
    print("| attack | tries | succeeded | how |\n|---|---|---|---|")
    examples, began, total = [], time.monotonic(), 0
    for attack in CATALOGUE.values():
        if options.names and not {attack.name, attack.group} & set(options.names):
            continue
        kinds, succeeded, done = collections.Counter(), 0, 0
        for base, case, command in tries(attack, "all" if options.all else "some"):
            _, faults = judge.attempt(attack, case, base, command)
            done += 1
            succeeded += bool(faults)
            kinds.update({fault.kind for fault in faults})
            for fault in faults:
                if not any(e[:2] == (attack.name, fault.kind) for e in examples):
                    examples.append((attack.name, fault.kind, base, case, command,
                                     attack.expectation(case), fault.text))
        total += done
        how = ", ".join(f"{kind} {kinds[kind]}" for kind in ORDER if kinds[kind])
        print(f"| {attack.name} | {done} | {succeeded} | {how} |", flush=True)
    print(f"\n{total} tries in {time.monotonic() - began:.0f} s\n")
    for example in examples:
        print(*example, sep=" | ")
    sys.exit(1 if examples else 0)


if __name__ == "__main__":
    main()
