# SPDX-License-Identifier: Apache-2.0
"""Disks that are full or cannot be written. Needs root, for a small file system in memory."""

import os
import subprocess

from desk import NotStaged
from provider import MARK, tokens

CASES = []
PAGE = 4096
# The database grows by a mebibyte at a time, which is less than their tokens take.
NAMES = [f"user-{number}" for number in range(80)]


def case(title):
    """Lists a function as a case of this group."""
    return lambda function: CASES.append((title, function)) or function


def mounted(desk, size):
    """The vault lies on a small file system in memory of its own."""
    os.mkdir(desk.path("disk"))
    options = ["-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs"]
    subprocess.run(["mount", *options, desk.path("disk")], check=True)
    desk.later(lambda: subprocess.run(["umount", "-l", desk.path("disk")], check=True))


def filled(desk):
    """Not a byte is free on that file system."""
    with open(desk.path("disk/filler"), "wb", buffering=0) as file:
        try:
            while file.write(b"\0" * PAGE):
                pass
        except OSError:
            pass


def staged(desk):
    """A vault with a connection on a small disk."""
    mounted(desk, "16m")
    desk.vault_path = "disk/v"
    desk.ready()


def long_tokens():
    """An answer whose record takes eight pages and more."""
    return tokens(1, access_token=MARK + "a" * 16000, refresh_token=MARK + "r" * 16000)


def until_full(desk, command):
    """Runs a command for one connection after another until there is no room for its tokens."""
    filled(desk)
    desk.provider.token = long_tokens()
    for name in NAMES:
        if command(name).status != 0:
            desk.log_of = desk.status_of = [name]
            return
    raise NotStaged("the disk is never full")


@case("init on a disk that is full")
def full_init(desk):
    mounted(desk, "1m")
    desk.vault_path = "disk/v"
    filled(desk)
    desk.fail("init", "--generate-key", options=False)
    desk.log_of = desk.status_of = []


@case("the disk is full: connect")
def full_connect(desk):
    staged(desk)
    until_full(desk, lambda name: desk.connect(name, run=True))


@case("the disk is full: refresh")
def full_refresh(desk):
    staged(desk)
    for name in NAMES:
        desk.connect(name)
    until_full(desk, lambda name: desk.fail("refresh", name))


@case("the disk is full while serve runs: refresh")
def full_serve(desk):
    staged(desk)
    desk.serve()
    for name in NAMES:
        desk.connect(name)
    until_full(desk, lambda name: desk.fail("refresh", name))


@case("the vault is on a file system that is read-only")
def read_only(desk):
    staged(desk)
    subprocess.run(["mount", "-o", "remount,ro", desk.path("disk")], check=True)
    desk.fail("token", "anna")
