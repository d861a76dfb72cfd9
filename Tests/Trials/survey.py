# SPDX-License-Identifier: Apache-2.0
"""The table of the trials: `survey.py [--before] [WORD...]`, of those whose names hold the words.

--before leaves out what older versions did not know of a provider.
"""

import sys
import tempfile
import time
from concurrent.futures import as_completed
from pathlib import Path

from trials import House, all_trials
from vault import PROGRAM


def cell(text):
    """Text that does not end the cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def main(arguments):
    """Runs them and prints the table."""
    words = [argument for argument in arguments if argument != "--before"]
    wanted = [trial for trial in all_trials() if all(word in trial.id for word in words)]
    start = time.monotonic()
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        with House(Path(folder), before="--before" in arguments) as house:
            for future in as_completed([house.start(trial) for trial in wanted]):
                result = future.result()
                rows[result.trial.id] = result
                print(f"{len(rows)} of {len(wanted)}: {result.trial.id}", file=sys.stderr)
    print(f"{PROGRAM}\n")
    print("| trial | server | rotation | the server saw | the vault said | grants | faults |")
    print("|---|---|---|---|---|---|---|")
    for trial in wanted:
        result = rows[trial.id]
        grants = ", ".join(f"{who} {what}" for who, what in result.grants.items())
        cells = [
            *(trial.name, trial.server, trial.rotation, result.saw, "; ".join(result.said)),
            *(grants, "; ".join(result.faults)),
        ]
        print("| " + " | ".join(cell(text) for text in cells) + " |")
    faulty = sum(1 for result in rows.values() if result.faults)
    lost = sum(what == "lost" for result in rows.values() for what in result.grants.values())
    seconds = time.monotonic() - start
    print(f"\n{len(rows)} trials, {faulty} with faults, {lost} grants lost, {seconds:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
