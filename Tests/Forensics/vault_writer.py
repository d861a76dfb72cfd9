# SPDX-License-Identifier: Apache-2.0
"""Writes small vaults after the document RecordFormat alone, for the tests of the forensic tools.

It keeps all keys in the clear, syncs nothing and guards against nothing: never use it for a vault.
"""

import os
import struct

import lmdb

import vault_format as form

TIME = 1_760_000_000_000


def fields(*pairs):
    return b"".join(struct.pack("<HI", tag, len(value)) + value for tag, value in pairs)


def pair(name, value):
    return struct.pack("<H", len(name)) + name + value


def time(value):
    return struct.pack("<q", value)


def pad(plaintext, least=0):
    for size in form.BUCKETS:
        room = size - form.RECORD_OVERHEAD
        if len(plaintext) < room and size >= least:
            return plaintext + b"\x80" + bytes(room - len(plaintext) - 1)
    raise ValueError("too long for a record")


class VaultWriter:
    def __init__(self, directory, root_key, slots=32, salt=None, operations=0, memory_bytes=0):
        self.directory = directory
        self.root_key = root_key
        self.vault_id = os.urandom(16)
        self.keys = form.TermKeys(1, *(os.urandom(32) for _ in range(5)))
        self.derivation = (operations, memory_bytes, salt)
        self.page_number = 0
        self.next_event = self.next_batch = 1
        self.generation = 0
        self.data_keys = {}  # slot -> data key
        self.first = {}      # slot -> generation of the first commit in this life
        self.records = {}    # LMDB key -> value
        os.makedirs(os.path.join(directory, "db"), mode=0o700)
        self.write_file("SLOTS", 0, bytes(slots * form.SLOT_BYTES))
        self.write_file("LOCK", 0, b"")
        self.slot_count = slots
        self.write_header()
        self.write_header()
        self.store = lmdb.open(os.path.join(directory, "db"), max_dbs=4, map_size=64 << 20,
                               sync=False)
        self.databases = {
            name: self.store.open_db(name.encode())
            for name in ("records", "meta", "flows", "events")}
        with self.store.begin(write=True) as transaction:
            self.put_root(transaction)

    def close(self):
        self.store.sync(True)
        self.store.close()

    def path(self, name):
        return os.path.join(self.directory, name)

    def write_file(self, name, offset, content):
        flags = os.O_RDWR | os.O_CREAT
        file = os.open(self.path(name), flags, 0o600)
        os.pwrite(file, content, offset)
        os.close(file)

    # HEADER and SLOTS.

    def term(self, keys):
        nonce = os.urandom(24)
        content = keys.vault + keys.blinding + keys.store_mac + keys.event + keys.flow
        sealed = form.seal(form.wrap_key(self.root_key), nonce, content,
                           form.term_associated(self.vault_id, keys.number))
        return struct.pack("<II", keys.number, 0) + nonce + sealed + bytes(48)

    def header_page(self, terms=None):
        terms = terms or [self.keys]
        operations, memory_bytes, salt = self.derivation
        page = form.MAGIC + struct.pack("<HHIQ", 1, 1, 0, self.page_number) + self.vault_id
        page += bytes([1 if salt else 0]) + bytes(7)
        page += struct.pack("<QQ", operations, memory_bytes) + (salt or bytes(16))
        page += form.commitment(self.root_key)
        page += struct.pack("<II", self.keys.number, len(terms))
        page += b"".join(self.term(keys) for keys in terms)
        page += bytes(4032 - len(page))
        page += form.keyed_hash(form.wrap_key(self.root_key), page)
        return page + form.plain_hash(page)

    def write_header(self, terms=None):
        self.page_number += 1
        self.write_file("HEADER", self.page_number % 2 * form.PAGE_BYTES, self.header_page(terms))

    def slot_bytes(self, number, record_key, generation, data_key, state=1):
        head = struct.pack("<BBBBIQ", 1, 1, state, 0, self.keys.number, generation) + record_key
        nonce = os.urandom(24)
        sealed = form.seal(self.keys.slot, nonce, data_key,
                           form.slot_associated(self.vault_id, number, head))
        return head + nonce + sealed + bytes(8)

    def write_slot(self, number, content):
        self.write_file("SLOTS", number * form.SLOT_BYTES, content)

    def free_slot(self):
        return next(n for n in range(self.slot_count) if n not in self.data_keys)

    # Records.

    def record(self, kind, lmdb_key, plaintext, key, slot=form.NO_SLOT, generation=0):
        nonce = os.urandom(24)
        raw = struct.pack("<BBBBIIIQ", 1, 1, kind, 0, self.keys.number, slot, 0, generation) + nonce
        return raw + form.seal(key, nonce, plaintext,
                               form.record_associated(self.vault_id, lmdb_key, raw))

    def put_root(self, transaction):
        mac = 0
        for key, value in self.records.items():
            record = form.parse_record(value)
            mac ^= int.from_bytes(
                self.keys.mac_element(key, record.generation, record.tag), "little")
        content = struct.pack("<QQQQ", len(self.records), self.generation, self.next_event,
                              self.next_batch) + mac.to_bytes(32, "little")
        transaction.put(b"ROOT", self.record(
            form.ROOT, b"ROOT", content, self.keys.sealing(form.ROOT),
            generation=self.generation), db=self.databases["meta"])

    def put(self, kind, identifier, content):
        """Connects, or writes a new version of a record that has a slot."""
        key = self.keys.record_key(kind, identifier)
        old = self.records.get(key)
        self.generation += 1
        if old is None:
            slot = self.free_slot()
            self.data_keys[slot] = os.urandom(32)
            self.first[slot] = self.generation
            self.write_slot(slot, self.slot_bytes(slot, key, self.generation, self.data_keys[slot]))
        else:
            slot = form.parse_record(old).slot
        plaintext = pad(fields((1, identifier), *content), least=len(old or b""))
        self.records[key] = self.record(kind, key, plaintext, self.data_keys[slot], slot,
                                        self.generation)
        with self.store.begin(write=True) as transaction:
            transaction.put(key, self.records[key], db=self.databases["records"])
            self.put_root(transaction)
        return key

    def connect(self, identifier, token, refresh=b"", extra=()):
        return self.put(form.CONNECTION, identifier, [
            (2, b"\x02"), (3, token), (4, refresh), (5, b"Bearer"), (8, time(TIME + 3_600_000)),
            (11, b"an application"), (12, time(TIME)), (18, pair(b"region", b"eu")), *extra])

    def register(self, identifier):
        return self.put(form.APPLICATION, identifier, [
            (2, b"example"), (7, b"\x01"), (14, b"client"), (15, b"client secret of " + identifier),
            (17, b"read"), (17, b"write")])

    def disconnect(self, identifier):
        key = self.keys.record_key(form.CONNECTION, identifier)
        slot = form.parse_record(self.records.pop(key)).slot
        self.write_slot(slot, os.urandom(form.SLOT_BYTES))
        self.write_slot(slot, bytes(form.SLOT_BYTES))
        del self.data_keys[slot]
        with self.store.begin(write=True) as transaction:
            transaction.delete(key, db=self.databases["records"])
            self.put_root(transaction)
        return slot

    # The others.

    def put_without_slot(self, database, kind, key, plaintext, generation):
        with self.store.begin(write=True) as transaction:
            transaction.put(key, self.record(kind, key, plaintext, self.keys.sealing(kind),
                                             generation=generation), db=self.databases[database])
            self.put_root(transaction)
        return key

    def event(self, record_key, code, number):
        sequence = self.next_event
        self.next_event += 1
        return self.put_without_slot(
            "events", form.EVENT, struct.pack(">Q", sequence),
            struct.pack("<q32sH6xq", TIME, record_key, code, number), sequence)

    def batch(self, attempts):
        number = self.next_batch
        self.next_batch += 1
        content = time(TIME) + b"".join(
            key + struct.pack("<Q", generation) for key, generation in attempts)
        return self.put_without_slot(
            "meta", form.BATCH, b"W" + struct.pack(">Q", number), content, self.generation)

    def fence(self, record_key):
        record = form.parse_record(self.records[record_key])
        content = struct.pack("<I4xQ", record.slot, record.generation)
        return self.put_without_slot(
            "meta", form.FENCE, b"F" + record_key, content, self.generation)

    def flow(self, state, connection, verifier):
        """A pending authorization of a connection that is there."""
        record = form.parse_record(self.records[self.keys.record_key(form.CONNECTION, connection)])
        key = self.keys.flow_key(state)
        content = pad(fields((1, connection), (2, b"an application"), (3, verifier),
                             (4, form.plain_hash(b"browser")), (5, time(TIME)),
                             (6, time(TIME + 600_000))))
        with self.store.begin(write=True) as transaction:
            transaction.put(key, self.record(
                form.FLOW, key, content, form.flow_sealing(self.data_keys[record.slot]),
                record.slot, self.generation), db=self.databases["flows"])
        return key

    def rotate(self):
        """A new vault key: a new term, and every slot sealed again under it, in place."""
        old = self.keys
        self.keys = form.TermKeys(old.number + 1, os.urandom(32), old.blinding, old.store_mac,
                                  old.event, old.flow)
        self.write_header([old, self.keys])
        for key, value in self.records.items():
            record = form.parse_record(value)
            self.write_slot(record.slot, self.slot_bytes(
                record.slot, key, self.first[record.slot], self.data_keys[record.slot]))
        self.write_header()
        self.write_header()
