# SPDX-License-Identifier: Apache-2.0
"""Import and export: lines that are refused, files that are not what they should be."""

import json
import os

from provider import MARK

CASES = []
PASS = ("--passphrase-file", "moved.pass")
EXPORT = ("export", "moved.tkx", *PASS)


def case(title):
    """Lists a function as a case of this group, of a vault with a connection."""

    def listed(function):
        def play(desk):
            desk.log_of, desk.status_of = [], []
            desk.write("moved.pass", f"a long word {MARK}\n")
            desk.ready()
            function(desk)

        CASES.append((title, play))
        return function

    return listed


def line(**members):
    """One line of a file of connections; a member that is None is left out."""
    found = {
        "id": "bert",
        "application": "crm",
        "access_token": f"at-{MARK}-b",
        "refresh_token": f"rt-{MARK}-b",
        "expires_at": "2039-01-01T00:00:00Z",
    } | members
    return json.dumps({name: value for name, value in found.items() if value is not None}) + "\n"


def lines(title, *texts):
    """A case in which a file of these lines is imported."""

    @case(title)
    def play(desk):
        desk.write("tokens.jsonl", "".join(texts))
        desk.fail("import", "tokens.jsonl")


lines("import: lines that are refused", line(access_token=None), line(id="carl", scop="read"),
      line(id="dora", application="shop"), line(id="emil"), line(id="emil"), "no object\n")
lines("import: the vault has other tokens of the connection", line(id="anna"))
lines("import: the file is empty", "")


@case("import: the file can be read by others")
def open_file(desk):
    desk.write("tokens.jsonl", line(), 0o644)
    desk.fail("import", "tokens.jsonl")


@case("import: the file is not there")
def no_file(desk):
    desk.fail("import", "tokens.jsonl")


@case("export without a key to seal it with")
def no_key(desk):
    desk.fail("export", "moved.tkx")


@case("export: the recipient's key is cut short")
def short_recipient(desk):
    desk.fail("export", "moved.tkx", "--recipient", "5f1c")


@case("export: the passphrase is short")
def short_passphrase(desk):
    desk.write("moved.pass", "word\n")
    desk.fail(*EXPORT)


@case("export: the file is there already")
def target_exists(desk):
    desk.write("moved.tkx", "mine")
    desk.fail(*EXPORT)


@case("export while serve runs")
def served(desk):
    desk.serve()
    desk.fail(*EXPORT, *desk.key, key=False)


@case("import of an export without its passphrase")
def no_passphrase(desk):
    desk.must(*EXPORT)
    desk.fail("import", "moved.tkx")


@case("import of an export: the passphrase is wrong")
def wrong_passphrase(desk):
    desk.must(*EXPORT)
    desk.write("moved.pass", "another long word\n")
    desk.fail("import", "moved.tkx", *PASS)


@case("import of an export: the private key is another's")
def wrong_private_key(desk):
    public = desk.must("export", "--keygen", "mine.private", key=False).out.strip()
    desk.must("export", "--keygen", "other.private", key=False)
    desk.must("export", "moved.tkx", "--recipient", public)
    desk.fail("import", "moved.tkx", "--private-key-file", "other.private")


@case("import of an export that is cut short")
def cut_short(desk):
    desk.must(*EXPORT)
    os.truncate(desk.path("moved.tkx"), os.path.getsize(desk.path("moved.tkx")) - 1)
    desk.fail("import", "moved.tkx", *PASS)


@case("import of an export that was altered")
def altered(desk):
    desk.must(*EXPORT)
    with open(desk.path("moved.tkx"), "r+b") as file:
        file.seek(-40, os.SEEK_END)
        file.write(b"\0" * 8)
    desk.fail("import", "moved.tkx", *PASS)
