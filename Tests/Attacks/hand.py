# SPDX-License-Identifier: Apache-2.0
"""The hostile hand: it can write to the vault's directory and has copies of it from earlier days.

It knows RecordFormat and no key. Which blinded key and which slot belong to whom it has seen by
comparing copies before and after somebody connected; here `facts` says so.
"""

import contextlib
import os
import random
import shutil
import socket
import stat
import struct
import sys

import lmdb

import pages

# The format's module, of the tools that were written from the document too.
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Forensics"))

DATABASES = ("records", "meta", "flows", "events")
SLOT = 128
NO_SLOT = 0xFFFFFFFF
# The clear part of a sealed record, and of a slot.
RECORD = {"version": ("B", 0), "algorithm": ("B", 1), "type": ("B", 2), "reserved": ("B", 3),
          "term": ("I", 4), "slot": ("I", 8), "reserved too": ("I", 12), "generation": ("Q", 16)}
SLOT_FIELDS = {"version": ("B", 0), "algorithm": ("B", 1), "state": ("B", 2), "reserved": ("B", 3),
               "term": ("I", 4), "generation": ("Q", 8), "tail": ("Q", 120)}
PARTS = {"nonce": 24, "ciphertext": 60, "tag": -1}
SLOT_PARTS = {"key of the record": 20, "nonce": 50, "data key": 80, "tag": 119}


def altered(value, fields, field, new):
    form, at = fields[field]
    return value[:at] + struct.pack("<" + form, new) + value[at + struct.calcsize(form):]


def flipped(value, at, bit=1):
    out = bytearray(value)
    out[at] ^= bit
    return bytes(out)


def field_of(value, fields, field):
    form, at = fields[field]
    return struct.unpack_from("<" + form, value, at)[0]


def map_size(path):
    """What the newest meta page says, so that an edit does not alter it."""
    with open(path, "rb") as file:
        head = pages.Pages(file.read(2 * pages.PAGE))
    return max(head.u64(head.meta + pages.META_MAPSIZE), os.path.getsize(path), 1 << 20)


def contents(directory):
    """Everything in LMDB: {database: {key: value}}."""
    path = os.path.join(directory, "db")
    size = map_size(os.path.join(path, "data.mdb"))
    with lmdb.open(path, readonly=True, lock=False, max_dbs=8, map_size=size) as store:
        out = {}
        for name in DATABASES:
            database = store.open_db(name.encode(), create=False)
            with store.begin(db=database) as transaction:
                out[name] = {bytes(key): bytes(value) for key, value in transaction.cursor()}
        return out


class Copies:
    """Copies of the directory from earlier days, read once."""

    def __init__(self, folder):
        self.folder = folder
        self.names = sorted(os.listdir(folder))
        self.known = {}

    def path(self, copy, name=""):
        return os.path.join(self.folder, copy, name)

    def file(self, copy, name):
        if (copy, name) not in self.known:
            with open(self.path(copy, name), "rb") as file:
                self.known[copy, name] = file.read()
        return self.known[copy, name]

    def store(self, copy):
        if (copy,) not in self.known:
            self.known[copy,] = contents(self.path(copy))
        return self.known[copy,]


class Hand:
    def __init__(self, directory, copies, facts, seed=0):
        self.directory = directory
        self.copies = copies
        self.facts = facts  # name -> {"key": hex, "slot": number, "kind": 1 or 2}
        self.random = random.Random(seed)

    def key(self, name):
        return bytes.fromhex(self.facts[name]["key"])

    def slot(self, name):
        return self.facts[name]["slot"]

    def owners(self):
        """The numbers of the slots in use."""
        return {fact["slot"] for fact in self.facts.values() if fact["live"]}

    def free_slot(self):
        return next(n for n in range(10_000) if n not in self.owners())

    def bytes(self, count):
        return self.random.randbytes(count)

    # Files.

    def path(self, name):
        return os.path.join(self.directory, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)

    def patch(self, name, offset, content):
        with open(self.path(name), "r+b") as file:
            file.seek(offset)
            file.write(content)

    def put_back(self, copy, *names):
        for name in names:
            self.write(name, self.copies.file(copy, name))

    def remove(self, name):
        path = self.path(name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)

    def replace(self, name, kind):
        """Something that is no file of the vault's, in its place; `outside` holds what it was."""
        path = self.path(name)
        outside = self.directory + ".outside"
        os.makedirs(outside, exist_ok=True)
        aside = os.path.join(outside, name.replace("/", "-"))
        if kind.startswith("link to it") or kind == "hard link":
            if not os.path.lexists(path):
                self.write(name, b"")
            shutil.move(path, aside)
        else:
            self.remove(name)
        if kind == "nothing":
            pass
        elif kind == "empty":
            self.write(name, b"")
        elif kind == "directory":
            os.mkdir(path, 0o700)
        elif kind == "fifo":
            os.mkfifo(path, 0o600)
        elif kind == "socket":
            # A path may have 108 bytes there: from within.
            with socket.socket(socket.AF_UNIX) as wire, working_in(os.path.dirname(path)):
                wire.bind(os.path.basename(path))
        elif kind == "zero device":
            try:
                os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))
            except PermissionError as error:
                raise PermissionError("making a device takes root (mknod)") from error
        elif kind == "link to it":
            os.symlink(aside, path)
        elif kind == "link to a zero device":
            os.symlink("/dev/zero", path)
        elif kind == "link to nothing":
            os.symlink(os.path.join(outside, "nothing"), path)
        elif kind == "link to a canary":
            # A file of somebody else's, whom a careless program would overwrite.
            canary = os.path.join(outside, "canary")
            with open(canary, "wb") as file:
                file.write(b"somebody else's" * 1000)
            os.symlink(canary, path)
        elif kind == "hard link":
            os.link(aside, path)
        else:
            raise ValueError(kind)

    # LMDB, by its own calls.

    @contextlib.contextmanager
    def edit(self):
        """Changes to the four databases: get(db, key), put(db, key, value), delete(db, key)."""
        path = self.path("db")
        size = map_size(os.path.join(path, "data.mdb"))
        store = lmdb.open(path, lock=False, sync=False, max_dbs=8, map_size=size)
        try:
            databases = {name: store.open_db(name.encode()) for name in DATABASES}
            with store.begin(write=True) as transaction:
                yield Editing(transaction, databases)
        finally:
            store.close()

    @contextlib.contextmanager
    def pages(self):
        """data.mdb as pages, written back afterwards."""
        out = pages.Pages(self.read("db/data.mdb"))
        yield out
        self.write("db/data.mdb", out.raw)

    # SLOTS and HEADER.

    def slot_bytes(self, number):
        content = self.read("SLOTS")
        return content[SLOT * number:SLOT * (number + 1)]

    def put_slot(self, number, content):
        self.patch("SLOTS", SLOT * number, content)


class Editing:
    def __init__(self, transaction, databases):
        self.transaction = transaction
        self.databases = databases

    def get(self, database, key):
        value = self.transaction.get(key, db=self.databases[database])
        return None if value is None else bytes(value)

    def put(self, database, key, value):
        self.transaction.put(key, value, db=self.databases[database])

    def delete(self, database, key):
        self.transaction.delete(key, db=self.databases[database])

    def items(self, database):
        with self.transaction.cursor(db=self.databases[database]) as cursor:
            return [(bytes(key), bytes(value)) for key, value in cursor]

    def replace(self, database, entries):
        """The whole content of a database."""
        self.transaction.drop(self.databases[database], delete=False)
        for key, value in entries.items():
            self.put(database, key, value)


@contextlib.contextmanager
def working_in(folder):
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
