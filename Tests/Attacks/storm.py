# SPDX-License-Identifier: Apache-2.0
"""Thousands of random combinations of the attacks, one command on each.

    storm.py [--tries N] [--seed S] [--workers N] [--keep-going]
    storm.py --seed S --only I          one try again, with what it printed

Ends with status 1 at the first healthy slot that is erased, crash, hang, file that grows, or silent
acceptance, and says how to see it again; --keep-going lists and counts them instead. What is
expected of a combination is asked of the independent reader, which has the root key, before the
command runs.
"""

import argparse
import collections
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time

from attacks import CATALOGUE, FENCED, HARMLESS, NOTICED, OLDER, REFUSED, TOLD
from judge import ANY_MOMENT, COMMANDS, Judge, not_later
from stage import Stage
from survey import near

BASES = ("now",) * 6 + ("killed", "killed-zeroed", "killed-random", "tip", "rotated", ANY_MOMENT)
# LMDB's own calls come before its pages are bent, and files are replaced last of all.
LATE = {"databases": 1, "pages": 1, "files": 2}
# These take seconds each, and the tests have them.
SLOW = ("many-strange-keys",)
# What the reader finds and a vault may pass over: none of it is in the store MAC.
TOLERABLE = ("flow.", "event.", "header.")
TOLERABLE_PLACES = ("flow ", "event ", "HEADER")
FATAL = ("erased", "crashed", "hung", "grew", "silent", "kept", "outside", "sent")


def chosen(dice):
    """One to three attacks with their cases, in an order in which they can be done."""
    names = [name for name in CATALOGUE if name not in SLOW]
    out = []
    for _ in range(dice.choice((1, 1, 2, 2, 3))):
        # Groups first: the long lists of lengths must not crowd out the rest.
        group = dice.choice(sorted({attack.group for attack in CATALOGUE.values()}))
        attack = CATALOGUE[dice.choice([n for n in names if CATALOGUE[n].group == group])]
        # Who bends pages bends them once: our own search must find its way in them.
        if attack.group in LATE and any(other.group in LATE for other, _ in out):
            continue
        out.append((attack, dice.choice(attack.cases)))
    return sorted(out, key=lambda pair: LATE.get(pair[0].group, 0))


def command_for(dice, attacks):
    """Often one that concerns whoever was attacked."""
    close = [name for _, case in attacks for name in near(case)]
    return dice.choice(close if close and dice.random() < 0.5 else list(COMMANDS))


def killed_at_any_moment(judge, dice):
    """A state: gus was being disconnected when kill -9 came."""
    judge.reset("now")
    process = subprocess.Popen(
        judge.stage.words("disconnect", "gus", "--yes", vault=judge.directory),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(dice.uniform(0.005, 0.12))
    process.send_signal(signal.SIGKILL)
    process.wait()
    judge.keep_as(ANY_MOMENT)


def oracle(judge, base, attacks):
    """What to expect of a combination."""
    expected = [attack.expectation(case) for attack, case in attacks]
    # Files that do not fit today's may fit those of another state.
    if OLDER in expected or any(attack.group == "copies" and base not in attack.bases
                                for attack, _ in attacks):
        return OLDER
    if len(expected) == 1:
        return expected[0]
    if any(attack.group in LATE for attack, _ in attacks):
        return NOTICED
    report = judge.read()
    if "error" in report:
        # The reader is stricter with HEADER: the vault may pass over a page, or what is behind.
        header = any(attack.group == "header" for attack, _ in attacks)
        return NOTICED if header and not {TOLD, REFUSED} & set(expected) else REFUSED
    grave = any(not problem["class"].startswith(TOLERABLE)
                and not problem["where"].startswith(TOLERABLE_PLACES)
                for problem in report["problems"])
    return REFUSED if grave else NOTICED


def attempt(judge, seed, index):
    """One try. Returns its description, the outcome and the faults."""
    dice = random.Random(f"{seed}/{index}")
    base = dice.choice(BASES)
    attacks = chosen(dice)
    # A case that only fits one state is tried on that one where it comes alone.
    if len(attacks) == 1 and base not in attacks[0][0].bases and base != ANY_MOMENT:
        base = dice.choice(attacks[0][0].bases)
    if base == ANY_MOMENT:
        killed_at_any_moment(judge, dice)
    judge.reset(base)
    done = []
    for attack, case in attacks:
        try:
            attack.does(judge.hand(f"{seed}/{index}"), *case)
            done.append((attack, case))
        except Exception:  # What an earlier one took away cannot be altered any more.
            continue
    command = command_for(dice, attacks)
    alone = len(done) == 1 and len(attacks) == 1 and base in done[0][0].bases
    if not done:
        expected = HARMLESS if not attacks else NOTICED
    else:
        expected = oracle(judge, base, done)
        if expected in (TOLD, HARMLESS) and not alone:
            expected = REFUSED if expected == TOLD and base != ANY_MOMENT else NOTICED
    # What a crash may leave is put in order although events, say, are damaged.
    finishes = brings_back(done) or any(
        case in attack.finishes or attack.expectation(case) == HARMLESS for attack, case in done)
    outcome, faults = judge.command(command, expected, base, index % 10 == 0, finishes)
    faults = not_later(faults, [attack for attack, _ in done])
    told = " + ".join(f"{attack.name}{list(case)}" for attack, case in done) or "nothing"
    return f"{base}: {told}: {command} (expected {expected})", outcome, faults


def brings_back(done):
    """Whether a fence with its record came from one attack, and its slot from another: together
    they are a disconnect that was cut short, and an open finishes it."""
    fenced = {part for attack, case in done if attack.group == "fences" for part in case}
    slots = {copy.split("-")[0] for attack, (copy, *_) in done if attack.name == "slots-put-back"}
    slots |= {case[0][0] for attack, case in done
              if attack.name == "record-and-slot-brought-back"}
    slots |= {case[0].split("-")[0] for attack, case in done if attack.name == "slots-mixed"}
    return bool(FENCED.keys() & fenced & slots)


def work(stage, options, worker, results, stop):
    judge = Judge(stage, os.path.join(stage.folder, f"tries-{worker}"))
    for index in range(worker, options.tries, options.workers):
        if stop.is_set():
            break
        try:
            results.put((index, *attempt(judge, options.seed, index)))
        except Exception as error:
            results.put((index, f"the storm itself: {error!r}", None, ()))
    results.put(None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tries", type=int, default=10_000)
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10**9)))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep-going", action="store_true")
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    stage = Stage()
    try:
        if options.only is not None:
            what, outcome, faults = attempt(Judge(stage), options.seed, options.only)
            print(what, outcome, *faults, sep="\n")
            sys.exit(1 if faults else 0)
        sys.exit(run(stage, options))
    finally:
        stage.end()
        shutil.rmtree(stage.folder, ignore_errors=True)


def run(stage, options):
    began, context = time.monotonic(), multiprocessing.get_context("fork")
    results, stop = context.Queue(), context.Event()
    workers = [context.Process(target=work, args=(stage, options, number, results, stop))
               for number in range(options.workers)]
    for worker in workers:
        worker.start()
    count, running, failed = 0, len(workers), 0
    kinds, statuses, first = collections.Counter(), collections.Counter(), {}
    while running:
        result = results.get()
        if result is None:
            running -= 1
            continue
        index, what, outcome, faults = result
        count += 1
        if outcome is None:
            print(f"try {index}: {what}", flush=True)
            kinds["storm"] += 1
            continue
        statuses[outcome.status] += 1
        kinds.update({fault.kind for fault in faults})
        for fault in faults:
            first.setdefault(fault.kind, (index, what, fault.text))
        fatal = [fault for fault in faults if fault.kind in FATAL]
        failed += bool(fatal)
        if faults and (options.keep_going or fatal and not stop.is_set()):
            worst = (fatal or faults)[0]
            print(f"try {index}: {what}\n  {worst.kind}: {worst.text}", flush=True)
            if not options.keep_going:
                stop.set()
                print(f"  again: storm.py --seed {options.seed} --only {index}", flush=True)
        if count % 1000 == 0:
            print(f"{count} tries, {time.monotonic() - began:.0f} s, {dict(kinds)}", flush=True)
    for worker in workers:
        worker.join()
    seconds = time.monotonic() - began
    print(f"{count} tries in {seconds:.0f} s ({count / seconds:.0f} a second), exit statuses "
          f"{dict(sorted(statuses.items()))}")
    for kind, number in kinds.most_common():
        print(f"  {kind}: {number} ({100 * number / count:.2f} %)  first: {first.get(kind)}")
    print(f"{failed} tries failed" if failed else "none failed")
    return 1 if failed or kinds["storm"] else 0


if __name__ == "__main__":
    main()
