# SPDX-License-Identifier: Apache-2.0
"""Runs inside gdb, for refresh_trace.py: says when a function is first entered, and by whom.

Reads from the file that TRACE_SYMBOLS names one symbol a line, and appends to the one that
TRACE_HITS names `ready`, and then a line for each: its number, and the name of the thread. What is
entered before the first of them is not counted.
"""

import os

import gdb


class FirstEntry(gdb.Breakpoint):
    """A place that is passed without a stop, and told once."""

    started = False

    def __init__(self, place, symbol, hits):
        super().__init__(function=symbol, internal=True)
        self.place, self.hits, self.told = place, hits, False

    def stop(self):
        FirstEntry.started = FirstEntry.started or self.place == 0
        if FirstEntry.started and not self.told:
            self.told = True
            print(self.place, gdb.selected_thread().name, file=self.hits, flush=True)
        return False


with open(os.environ["TRACE_SYMBOLS"], encoding="ascii") as file:
    symbols = file.read().split()
hits = open(os.environ["TRACE_HITS"], "a", encoding="ascii")
gdb.execute("set pagination off")
for place, symbol in enumerate(symbols):
    FirstEntry(place, symbol, hits)
print("ready", file=hits, flush=True)
gdb.execute("continue")
