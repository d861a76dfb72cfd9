# SPDX-License-Identifier: Apache-2.0
"""Says of a copy in a process's memory where it lies: in which mapping, near which thread's stack
pointer, and between which bytes."""

import contextlib
import os

# How many bytes before and behind a copy are shown, in lines of so many.
AROUND = 64
LINE = 16
# What the scanner compares at a time, in bytes.
WINDOW = 16


def describe(process, hit):
    """A hit of the scanner's in words, the copy itself masked."""
    text = f"{hit['needle']} {hit['form']} {hit['where']}+{hit['offset']} ({hit['windows']})"
    if "address" not in hit:
        return text
    # Who may run the scanner as root need not be root, and then sees no more than this.
    with contextlib.suppress(PermissionError):
        text += place(process, int(hit["address"], 16), hit["windows"] + WINDOW - 1)
    return text


def place(process, address, length):
    text = f", 0x{address:x}"
    mapping = mapping_of(process, address)
    if mapping is None:
        return text + " in a mapping that is gone"
    start, end, line = mapping
    text += f" in {line}"
    for name, pointer in stack_pointers(process):
        if start <= pointer < end:
            side = "below" if address < pointer else "above"
            text += f", {abs(pointer - address)} bytes {side} the stack pointer of {name}"
    return text + surroundings(process, address, length)


def mapping_of(process, address):
    """Start, end and line of the mapping that an address lies in."""
    with open(f"/proc/{process}/maps", encoding="utf-8") as file:
        for line in file:
            start, end = (int(text, 16) for text in line.split()[0].split("-"))
            if start <= address < end:
                return start, end, " ".join(line.split())
    return None


def stack_pointers(process):
    """Name and stack pointer of every thread that waits in the kernel."""
    for task in os.listdir(f"/proc/{process}/task"):
        folder = f"/proc/{process}/task/{task}"
        # A thread that runs has none to show, and one that has ended has no folder.
        with contextlib.suppress(OSError, ValueError, IndexError):
            with open(f"{folder}/syscall", encoding="ascii") as file:
                pointer = int(file.read().split()[-2], 16)
            with open(f"{folder}/comm", encoding="ascii") as file:
                yield file.read().strip(), pointer


def surroundings(process, address, length):
    """The bytes before and behind a copy, a line for each 16, it itself as asterisks."""
    first = address - AROUND - (address - AROUND) % LINE
    last = address + length + AROUND
    with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        text = ""
        for line in range(first, last, LINE):
            try:
                memory.seek(line)
                content = memory.read(LINE)
            except OSError:
                continue
            shown = ["**" if address <= line + i < address + length else f"{byte:02x}"
                     for i, byte in enumerate(content)]
            letters = ["*" if pair == "**" else chr(byte) if 32 <= byte < 127 else " "
                       for pair, byte in zip(shown, content)]
            text += f"\n    {line - address:+5d}  {' '.join(shown)}  {''.join(letters)}"
    return text
