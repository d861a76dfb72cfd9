# SPDX-License-Identifier: Apache-2.0
"""Opens a vault with nothing but the root key and the document RecordFormat, and checks all of it.

    vault_reader.py DIRECTORY --root-key-file FILE [--reveal]
    vault_reader.py DIRECTORY --passphrase [--reveal]      the passphrase comes on stdin

Prints one JSON object. Exit status: 0 intact, 1 damaged, 2 cannot be opened (wrong root key,
unknown format, no vault). Token values are printed with --reveal only. The vault must be closed, or
a copy.
"""

import argparse
import json
import os
import signal
import struct
import sys
import traceback

import lmdb

import vault_format as form
from vault_format import CannotOpen, Damage

DATABASES = (b"records", b"meta", b"flows", b"events")


class Reader:
    """One vault. `read` fills the report; nothing is ever written."""

    def __init__(self, directory, root_key=None, passphrase=None, reveal=False):
        self.directory = directory
        self.root_key = root_key
        self.passphrase = passphrase
        self.reveal = reveal
        self.problems = []
        self.notes = []
        self.slots = {}      # number -> (Slot, data key)
        self.bad_slots = {}  # number -> (kind, text)
        self.fences = {}     # record key -> fence

    def read(self):
        """The report. Raises CannotOpen."""
        report = {"opened": False, "problems": self.problems, "notes": self.notes}
        try:
            self.open_header()
            report["opened"] = True
            self.read_slots()
            self.read_databases(report)
            report["header"] = {
                "vault": self.page.vault_id.hex(), "page": self.page.number,
                "format": self.page.format, "current_term": self.page.current_term,
                "terms": sorted(self.terms),
                "derivation": {0: "none", 1: "argon2id"}.get(self.page.derivation)}
        except Damage as damage:
            self.problem(damage.kind, "HEADER", damage)
        report["intact"] = not self.problems
        return report

    def problem(self, kind, where, text):
        self.problems.append({"class": kind, "where": where, "what": str(text)})

    def note(self, kind, where, text):
        self.notes.append({"class": kind, "where": where, "what": str(text)})

    def file(self, name):
        try:
            with open(os.path.join(self.directory, name), "rb") as file:
                return file.read()
        except OSError as error:
            raise CannotOpen(f"{name}: {error.strerror}") from None

    # HEADER.

    def open_header(self):
        """Takes the intact page with the higher number. Raises Damage where no page can be used."""
        raw = self.file("HEADER")
        if len(raw) != 2 * form.PAGE_BYTES:
            self.problem("header.damaged", "HEADER", f"has {len(raw)} bytes instead of 8192")
        pages = []
        for name, start in (("A", 0), ("B", form.PAGE_BYTES)):
            try:
                page = form.parse_header_page(raw[start:start + form.PAGE_BYTES])
                pages.append((page.number, name, page))
            except Damage as damage:
                self.problem(damage.kind, f"HEADER page {name}", damage)
        if not pages:
            raise Damage("header.damaged", "no page is intact")
        pages.sort(reverse=True)
        if len(pages) == 2 and pages[0][0] == pages[1][0]:
            self.problem("header.malformed", "HEADER", "both pages have the same number")
        self.choose_page(pages)

    def choose_page(self, pages):
        wrong_keys, chosen = 0, None
        for number, name, page in pages:
            root_key = self.root_key_for(page)
            where = f"HEADER page {name}"
            if form.commitment(root_key) != page.commitment:
                # The page that holds decides; an older one may be left from before a new root key.
                if chosen is None and wrong_keys == 0 and number == pages[0][0]:
                    raise CannotOpen("wrong root key")
                wrong_keys += 1
                self.problem("header.otherRootKey", where, "is of another root key")
            elif not form.header_mac_holds(page, root_key):
                self.problem("header.altered", where, "its sum holds and its MAC does not")
            else:
                try:
                    terms = form.terms_of_page(page, root_key)
                    chosen = chosen or (page, terms, root_key)
                except Damage as damage:
                    self.problem(damage.kind, where, damage)
        if chosen is None:
            raise Damage("header.altered", "no page can be used")
        self.page, self.terms, self.root_key = chosen
        # Everything but the vault key is the same in every term.
        self.keys = self.terms[self.page.current_term]
        for term in self.terms.values():
            if (term.blinding, term.store_mac, term.event, term.flow) != (
                    self.keys.blinding, self.keys.store_mac, self.keys.event, self.keys.flow):
                self.problem("header.malformed", "HEADER", "terms differ in more than a vault key")

    def root_key_for(self, page):
        if self.root_key is not None:
            return self.root_key
        if page.derivation == 0:
            raise CannotOpen("this vault's root key does not come from a passphrase")
        if page.derivation != 1:
            raise CannotOpen(f"unknown key derivation {page.derivation}")
        if not hasattr(self, "derived"):
            self.derived = {}
        parameters = (page.operations, page.memory_bytes, page.salt)
        if parameters not in self.derived:
            self.derived[parameters] = form.root_key_of_passphrase(self.passphrase, *parameters)
        return self.derived[parameters]

    # SLOTS.

    def read_slots(self):
        raw = self.raw_slots = self.file("SLOTS")
        self.slot_count = len(raw) // form.SLOT_BYTES
        if len(raw) % (32 * form.SLOT_BYTES):
            self.problem("slots.damaged", "SLOTS", f"{len(raw)} bytes are no multiple of 4096")
        for number in range(self.slot_count):
            window = raw[form.SLOT_BYTES * number:form.SLOT_BYTES * (number + 1)]
            if not any(window):
                continue
            slot = form.parse_slot(window)
            text = self.fault_of_slot(slot)
            if text is not None:
                self.bad_slots[number] = ("slot.malformed", text)
                continue
            key = form.open_slot(window, number, self.page.vault_id, self.terms[slot.term].slot)
            if key is None:
                self.bad_slots[number] = ("slot.authentication", "does not open")
            else:
                self.slots[number] = (slot, key)

    def fault_of_slot(self, slot):
        if (slot.version, slot.algorithm) != (1, 1):
            return f"has version {slot.version} and algorithm {slot.algorithm}"
        if slot.state not in form.SLOT_STATES:
            return f"has state {slot.state}"
        if slot.term not in self.terms:
            return f"is of term {slot.term}, which HEADER does not hold"
        return None

    def has_form_of_slot(self, number):
        """Random bytes of an erasure that was cut short have not."""
        raw = self.raw_slots[form.SLOT_BYTES * number:form.SLOT_BYTES * (number + 1)]
        return raw[:3] == b"\x01\x01\x01" and not any(raw[120:])

    def judge_slots(self, entries, root):
        """Slots that no record names are left over from a crash, unless they are too new for
        that. A record under a fence names none: its erasure may have come as far as the slot."""
        named = {record.slot for key, record in entries.items()
                 if record is not None and key not in self.fences}
        for number, (kind, text) in self.bad_slots.items():
            if number in named or self.has_form_of_slot(number):
                self.problem(kind, f"slot {number}", text)
            else:
                self.note("slot.unclaimed", f"slot {number}", f"no record names it, and it {text}")
        for number, (slot, _) in self.slots.items():
            record = entries.get(slot.record_key)
            if record is None or record.slot != number:
                self.note("slot.unclaimed", f"slot {number}", "its record does not name it")
                if root is not None and \
                        slot.generation > root.generation + form.GENERATIONS_OF_A_GROUP:
                    self.problem("slot.tooNew", f"slot {number}",
                                 f"is of generation {slot.generation}, ROOT only of "
                                 f"{root.generation}: the database is an older one")

    def read_databases(self, report):
        path = os.path.join(self.directory, "db")
        if not os.path.exists(os.path.join(path, "data.mdb")):
            raise CannotOpen("db/data.mdb: no such file")
        try:
            with lmdb.open(path, readonly=True, lock=False, create=False, max_dbs=4) as store:
                content = {name: self.entries(store, name) for name in DATABASES}
        except lmdb.Error as error:
            self.problem("lmdb.damaged", "db/data.mdb", error)
            return
        root = self.read_root(content[b"meta"])
        report["root"] = root and {
            "count": root.count, "generation": root.generation, "next_event": root.next_event,
            "next_batch": root.next_batch}
        report["batches"], report["fences"] = self.read_meta(content[b"meta"], root)
        report["records"] = self.read_records(content[b"records"], root)
        report["flows"] = self.read_flows(content[b"flows"])
        report["events"] = self.read_events(content[b"events"], root)
        report["counts"] = {
            "connections": sum(r["type"] == "connection" for r in report["records"]),
            "applications": sum(r["type"] == "application" for r in report["records"]),
            "flows": len(report["flows"]), "events": len(report["events"]),
            "batches": len(report["batches"]), "fences": len(report["fences"]),
            "slots": self.slot_count, "slots_used": len(self.slots)}

    def entries(self, store, name):
        try:
            database = store.open_db(name, create=False)
        except lmdb.NotFoundError:
            self.problem("lmdb.damaged", "db/data.mdb", f"has no database {name.decode()}")
            return []
        with store.begin(db=database) as transaction:
            return [(bytes(key), bytes(value)) for key, value in transaction.cursor()]

    def parse(self, kind, value, where):
        """The header of a record that must be of this type. Raises Damage."""
        record = form.parse_record(value)
        name = form.TYPE_NAMES[kind]
        if (record.version, record.algorithm) != (1, 1):
            raise Damage(f"{name}.malformed", f"{where} has an unknown version or algorithm")
        if record.type != kind:
            raise Damage(f"{name}.malformed", f"{where} has type {record.type}")
        return record

    def open_without_slot(self, kind, key, value, where):
        """The header and plaintext of a record that has no slot. Raises Damage."""
        record = self.parse(kind, value, where)
        name = form.TYPE_NAMES[kind]
        if record.slot != form.NO_SLOT:
            raise Damage(f"{name}.malformed", f"{where} names slot {record.slot}")
        plaintext = form.open_record(value, key, self.page.vault_id, self.keys.sealing(kind))
        if plaintext is None:
            raise Damage(f"{name}.authentication", f"{where} does not open")
        return record, plaintext

    def read_root(self, meta):
        value = dict(meta).get(b"ROOT")
        if value is None:
            self.problem("root.missing", "meta ROOT", "there is none")
            return None
        try:
            _, plaintext = self.open_without_slot(form.ROOT, b"ROOT", value, "ROOT")
            return form.parse_root(plaintext)
        except Damage as damage:
            self.problem(damage.kind, "meta ROOT", damage)
            return None

    def read_meta(self, meta, root):
        batches, fences = [], []
        for key, value in meta:
            if key == b"ROOT":
                continue
            where = f"meta {key[:1].decode(errors='replace')} {key[1:].hex()}"
            try:
                if key[:1] == b"W" and len(key) == 9:
                    batches.append(self.read_batch(key, value, where, root))
                elif key[:1] == b"F" and len(key) == 33:
                    _, plaintext = self.open_without_slot(form.FENCE, key, value, where)
                    fence = form.parse_fence(plaintext)
                    self.fences[key[1:]] = fence
                    fences.append({"record": key[1:].hex(), **fence})
                else:
                    raise Damage("meta.unknown", f"unknown key {key.hex()}")
            except Damage as damage:
                self.problem(damage.kind, where, damage)
        return batches, fences

    def read_batch(self, key, value, where, root):
        _, plaintext = self.open_without_slot(form.BATCH, key, value, where)
        number = struct.unpack(">Q", key[1:])[0]
        if root is not None and number >= root.next_batch:
            self.problem("batch.number", where, f"ROOT gives out {root.next_batch} next")
        return {"number": number, **form.parse_batch(plaintext)}

    def open_flow(self, key, value, where):
        """The plaintext of a flow; None where its connection is gone. Raises Damage."""
        record = self.parse(form.FLOW, value, where)
        if record.slot not in self.slots:
            return None
        slot, data_key = self.slots[record.slot]
        plaintext = form.open_record(
            value, key, self.page.vault_id, form.flow_sealing(data_key))
        if plaintext is not None:
            return slot, plaintext
        # Slots are used again: whatever is older than the slot belongs to the life before.
        if record.generation < slot.generation:
            return None
        raise Damage("flow.authentication", f"{where} does not open")

    def read_flows(self, flows):
        out = []
        for key, value in flows:
            where = f"flow {key.hex()}"
            try:
                if len(value) not in form.BUCKETS:
                    raise Damage("record.size", f"has {len(value)} bytes, which is no bucket")
                opened = self.open_flow(key, value, where)
                if opened is None:
                    self.note("flow.erased", where, "its connection is gone: nobody can open it")
                    continue
                slot, padded = opened
                flow = self.describe(form.FLOW, padded)
                connection = self.keys.record_key(form.CONNECTION, flow["connection"].encode())
                if connection != slot.record_key:
                    raise Damage("flow.otherSlot", "its slot is not its connection's")
                out.append({"key": key.hex(), **flow})
            except Damage as damage:
                self.problem(damage.kind, where, damage)
        return out

    def read_events(self, events, root):
        out = []
        for key, value in events:
            where = f"event {key.hex()}"
            try:
                record, plaintext = self.open_without_slot(form.EVENT, key, value, where)
                number = int.from_bytes(key, "big")
                if len(key) != 8 or record.generation != number:
                    raise Damage("event.number", f"its header says {record.generation}")
                if root is not None and number >= root.next_event:
                    raise Damage("event.number", f"ROOT gives out {root.next_event} next")
                out.append({"number": number, **form.parse_event(plaintext)})
                if out[-1]["event"] is None:
                    self.note("event.unknown", where, f"code {out[-1]['code']} is not known")
            except Damage as damage:
                self.problem(damage.kind, where, damage)
        self.note_missing_events([int.from_bytes(key, "big") for key, _ in events], root)
        return out

    def note_missing_events(self, numbers, root):
        """The last 100,000 are kept without a gap. The store MAC does not cover them: a note."""
        if root is None:
            return
        first = min(numbers, default=root.next_event)
        first = min(first, max(1, root.next_event - form.EVENTS_KEPT))
        missing = root.next_event - first - len(set(numbers))
        if missing > 0:
            self.note("event.missing", "events", f"{missing} of those that are kept are missing")

    # Connections and applications.

    def read_records(self, records, root):
        parsed, out, mac = {}, [], 0
        for key, value in records:
            try:
                parsed[key] = form.parse_record(value)
            except Damage as damage:
                parsed[key] = None
                self.problem(damage.kind, f"record {key.hex()}", damage)
        self.judge_slots(parsed, root)
        for key, record in parsed.items():
            if record is None:
                continue
            element = self.keys.mac_element(key, record.generation, record.tag)
            mac ^= int.from_bytes(element, "little")
            try:
                self.judge_fence(key, record)
                out.append(self.read_record(key, record, root))
            except Damage as damage:
                self.problem(damage.kind, f"record {key.hex()}", damage)
        for key in self.fences.keys() - parsed.keys():
            self.problem("fence.noRecord", f"fence {key.hex()}", "there is no such record")
        if root is not None and mac.to_bytes(32, "little") != root.store_mac:
            self.problem("root.mac", "records", "the store MAC does not match: an entry was "
                         "swapped, replayed, deleted or brought back, or ROOT is an older one")
        if root is not None and len(records) != root.count:
            self.problem("root.count", "records",
                         f"there are {len(records)} entries, ROOT says {root.count}")
        return out

    def judge_fence(self, key, record):
        """Raises Damage where a fence names another version than the record's."""
        fence = self.fences.get(key)
        if fence is not None and fence != {"slot": record.slot, "generation": record.generation}:
            raise Damage("fence.otherVersion",
                         f"its fence is of generation {fence['generation']}")

    def read_record(self, key, record, root):
        """One entry, described. Raises Damage."""
        if (record.version, record.algorithm) != (1, 1):
            raise Damage("record.malformed",
                         f"has version {record.version} and algorithm {record.algorithm}")
        if record.type not in form.KINDS_WITH_SLOTS:
            raise Damage("record.malformed", f"has type {record.type}")
        if len(record.raw) not in form.BUCKETS:
            raise Damage("record.size", f"has {len(record.raw)} bytes, which is no bucket")
        summary = {
            "key": key.hex(), "type": form.TYPE_NAMES[record.type], "slot": record.slot,
            "generation": record.generation, "term": record.term, "bytes": len(record.raw)}
        if root is not None and record.generation > root.generation:
            self.problem("record.generation", f"record {key.hex()}",
                         f"{record.generation} was not given out yet, only {root.generation}")
        slot, data_key = self.slots.get(record.slot, (None, None))
        if key in self.fences and slot is None:
            # Erased, and the entry not yet deleted: the next open finishes it.
            self.note("record.erased", f"record {key.hex()}", "a disconnect was cut short")
            return {**summary, "state": "erased"}
        if slot is None:
            raise Damage("record.noSlot", f"slot {record.slot} holds no key for it")
        if slot.record_key != key:
            raise Damage("record.otherSlot", f"slot {record.slot} is for {slot.record_key.hex()}")
        if record.generation < slot.generation:
            raise Damage("record.generation",
                         f"is of generation {record.generation}, before its slot's "
                         f"{slot.generation}")
        padded = form.open_record(record.raw, key, self.page.vault_id, data_key)
        if padded is None:
            raise Damage("record.authentication", "does not open")
        description = self.describe(record.type, padded)
        if self.keys.record_key(record.type, description["id"].encode()) != key:
            raise Damage("record.otherKey", "its id does not lead to its key")
        return {**summary, "slot_generation": slot.generation,
                "slot_state": form.SLOT_STATES[slot.state], **description}

    def describe(self, kind, padded):
        """What may be shown of fields: names of all, values of a few, of all with `reveal`."""
        fields = form.parse_fields(form.unpad(padded))
        form.check_fields(kind, fields)
        names = form.FIELDS[kind]
        values = {}
        for tag, value in fields:
            values.setdefault(tag, form.field_value(kind, tag, value))
        if 1 not in values:
            raise Damage("record.fields", f"has no {names[1][0]}")
        if kind == form.CONNECTION and 2 not in values:
            raise Damage("record.fields", "has no state")
        if kind == form.FLOW:
            out = {"connection": values[1], "application": values.get(2),
                   "expires": values.get(6)}
        elif kind in (form.APPLICATION, form.API_KEY, form.WEBHOOK):
            out = {"id": values[1]}
        else:
            out = {"id": values[1], "application": values.get(11), "expiry": values.get(8),
                   "state": form.CONNECTION_STATES.get(values.get(2), values.get(2))}
        out["fields"] = [names.get(tag, (f"field {tag}",))[0] for tag in sorted(values)]
        if self.reveal:
            out["values"] = [
                [names.get(tag, (f"field {tag}",))[0], form.field_value(kind, tag, value)]
                for tag, value in fields]
        return out


# The command.


def read_root_key(path):
    with open(path, "rb") as file:
        key = file.read()
    if len(key) != 32:
        raise CannotOpen(f"the root key file has {len(key)} bytes instead of 32")
    return key


def run(options):
    try:
        if options.passphrase:
            line = sys.stdin.buffer.read()
            secret = {"passphrase": line[:-1] if line.endswith(b"\n") else line}
        else:
            secret = {"root_key": read_root_key(options.root_key_file)}
        report = Reader(options.directory, reveal=options.reveal, **secret).read()
    except (CannotOpen, OSError) as error:
        print(json.dumps({"opened": False, "intact": False, "error": str(error)}))
        return 2
    print(json.dumps(report, indent=2))
    return 0 if report["intact"] else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--root-key-file")
    source.add_argument("--passphrase", action="store_true", help="read it from stdin")
    parser.add_argument("--reveal", action="store_true", help="print token values too")
    options = parser.parse_args()

    # LMDB trusts its pages: on a damaged file it may die of SIGBUS or SIGABRT. That is an answer.
    child = os.fork()
    if child == 0:
        status = 2
        try:
            status = run(options)
            sys.stdout.flush()
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        print(json.dumps({"opened": False, "intact": False, "notes": [], "problems": [
            {"class": "lmdb.damaged", "where": "db/data.mdb", "what": f"LMDB died of {name}"}]}))
        sys.exit(1)
    sys.exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    main()
