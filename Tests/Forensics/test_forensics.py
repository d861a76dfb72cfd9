# SPDX-License-Identifier: Apache-2.0
"""The forensic tools must find what is there, or their silence proves nothing.

    Tests/Forensics/prepare && .build/forensics-venv/bin/python -m unittest discover Tests/Forensics
"""

import base64
import ctypes
import ctypes.util
import json
import os
import random
import secrets
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

import lmdb

import go_between
import vault_format as form
from vault_writer import VaultWriter
from whereabouts import describe

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.join(HERE, "..", "..", ".build", "forensics")


def masked(content):
    mask = os.urandom(len(content))
    return mask.hex(), bytes(a ^ b for a, b in zip(mask, content)).hex()


def run(tool, *arguments, content=b""):
    result = subprocess.run([sys.executable, os.path.join(HERE, tool), *arguments],
                            input=content, capture_output=True, timeout=600, check=False)
    return result.returncode, json.loads(result.stdout or b"null"), result.stderr.decode()


class VaultCase(unittest.TestCase):
    """A vault with two connections, an application and one of everything else."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.vault = os.path.join(self.folder, "vault")
        self.key_file = os.path.join(self.folder, "root.key")
        self.root_key = os.urandom(32)
        with open(self.key_file, "wb") as file:
            file.write(self.root_key)
        self.writer = VaultWriter(self.vault, self.root_key)
        self.first = self.writer.connect(b"first", b"access-token-of-first", b"refresh-of-first")
        self.second = self.writer.connect(b"second", b"access-token-of-second")
        self.application = self.writer.register(b"an application")
        self.writer.event(self.first, 3, 401)
        self.writer.event(bytes(32), 1, -5)
        self.writer.batch([(self.first, 1), (self.second, 2)])
        self.writer.flow(b"state", b"second", b"verifier" * 6)

    def finish(self):
        self.writer.close()

    def edit(self, name="records"):
        """A write transaction on one database, by which somebody without the key tampers."""
        return self.writer.store.begin(write=True, db=self.writer.databases[name])

    def path(self, name):
        return os.path.join(self.vault, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def overwrite(self, name, offset, content):
        with open(self.path(name), "r+b") as file:
            file.seek(offset)
            file.write(content)

    def flip(self, name, offset):
        self.overwrite(name, offset, bytes([self.read(name)[offset] ^ 4]))

    def slot(self, number):
        return self.read("SLOTS")[128 * number:128 * (number + 1)]

    def read_vault(self, *options):
        return run("vault_reader.py", self.vault, "--root-key-file", self.key_file, *options)

    def expect(self, *classes, status=1):
        """Closes the vault, reads it, and wants exactly these classes of problems."""
        self.finish()
        code, report, errors = self.read_vault()
        self.assertEqual(errors, "")
        self.assertEqual({p["class"] for p in report["problems"]}, set(classes))
        self.assertEqual(code, status)
        return report


class ReaderOpens(VaultCase):
    def test_intact(self):
        report = self.expect(status=0)
        self.assertEqual(report["notes"], [])
        self.assertEqual(report["counts"], {
            "connections": 2, "applications": 1, "flows": 1, "events": 2, "batches": 1, "fences": 0,
            "slots": 32, "slots_used": 3})
        records = {record["id"]: record for record in report["records"]}
        self.assertEqual(records["first"]["key"], self.first.hex())
        self.assertEqual(records["first"]["state"], "active")
        self.assertEqual(records["first"]["application"], "an application")
        self.assertEqual(report["flows"][0]["connection"], "second")
        self.assertEqual(report["events"][0]["event"], "connect failed")
        self.assertEqual(report["events"][1]["number"], -5)

    def test_tokens_are_shown_only_when_asked(self):
        self.finish()
        _, hidden, _ = self.read_vault()
        _, shown, _ = self.read_vault("--reveal")
        for secret in ("access-token-of-first", "refresh-of", "client secret of", "verifierv"):
            self.assertIn(secret, json.dumps(shown))
            self.assertNotIn(secret, json.dumps(hidden))

    def test_every_bucket(self):
        for i, size in enumerate(form.BUCKETS):
            self.writer.connect(b"sized %d" % i, b"t" * (size - 64 - 300))
        report = self.expect(status=0)
        self.assertEqual({r["bytes"] for r in report["records"]}, set(form.BUCKETS))

    def test_after_rotation(self):
        self.writer.rotate()
        self.writer.connect(b"first", b"a newer token")
        report = self.expect(status=0)
        self.assertEqual(report["header"]["terms"], [2])
        self.assertEqual({r["term"] for r in report["records"]}, {1, 2})

    def test_during_rotation(self):
        old = self.writer.keys
        self.writer.rotate()
        self.writer.write_header([old, self.writer.keys])
        self.writer.write_header([old, self.writer.keys])
        self.assertEqual(self.expect(status=0)["header"]["terms"], [1, 2])

    def test_slot_left_over_from_a_crash_is_no_damage(self):
        self.writer.write_slot(9, self.writer.slot_bytes(9, os.urandom(32), 99, os.urandom(32)))
        self.writer.write_slot(10, os.urandom(128))
        report = self.expect(status=0)
        self.assertEqual([n["class"] for n in report["notes"]], ["slot.unclaimed"] * 2)

    def test_disconnect_cut_short_is_no_damage(self):
        """Before the slot was overwritten, after its random bytes, after its zeros."""
        self.writer.fence(self.first)
        self.writer.store.sync(True)
        for content, notes in ((None, set()),
                               (os.urandom(128), {"record.erased", "slot.unclaimed"}),
                               (bytes(128), {"record.erased"})):
            if content is not None:
                self.writer.write_slot(0, content)
            code, report, _ = self.read_vault()
            self.assertEqual((code, {n["class"] for n in report["notes"]}), (0, notes))

    def test_flow_outlives_its_connection_unread(self):
        """Also where another connection has the slot by now."""
        self.writer.disconnect(b"second")
        self.writer.store.sync(True)
        for _ in range(2):
            code, report, _ = self.read_vault()
            self.assertEqual((code, report["flows"]), (0, []))
            self.assertEqual([n["class"] for n in report["notes"]], ["flow.erased"])
            self.writer.connect(b"third", b"a token of the third")
            self.writer.store.sync(True)

    def test_unknown_event_is_named(self):
        self.writer.event(self.first, 99, 0)
        report = self.expect(status=0)
        self.assertEqual([n["class"] for n in report["notes"]], ["event.unknown"])

    def test_passphrase(self):
        salt, folder = os.urandom(16), os.path.join(self.folder, "by passphrase")
        root_key = form.root_key_of_passphrase(b"correct horse", 3, 256 << 20, salt)
        VaultWriter(folder, root_key, salt=salt, operations=3, memory_bytes=256 << 20).close()
        code, report, _ = run("vault_reader.py", folder, "--passphrase", content=b"correct horse\n")
        self.assertEqual((code, report["header"]["derivation"]), (0, "argon2id"))
        code, report, _ = run("vault_reader.py", folder, "--passphrase", content=b"wrong")
        self.assertEqual((code, report["error"]), (2, "wrong root key"))


class ReaderRefuses(VaultCase):
    def refused(self, *arguments, content=b""):
        code, report, _ = run("vault_reader.py", *arguments, content=content)
        self.assertEqual((code, report["opened"]), (2, False))
        return report["error"]

    def test_wrong_root_key(self):
        self.finish()
        with open(self.key_file, "wb") as file:
            file.write(os.urandom(32))
        self.assertEqual(self.refused(self.vault, "--root-key-file", self.key_file),
                         "wrong root key")

    def test_no_vault(self):
        self.assertIn("HEADER", self.refused(self.folder, "--root-key-file", self.key_file))

    def test_unknown_format(self):
        for page in (0, 4096):
            raw = bytearray(self.read("HEADER")[page:page + 4096])
            raw[8:12] = struct.pack("<HH", 2, 2)
            raw[4064:] = form.plain_hash(bytes(raw[:4064]))
            self.overwrite("HEADER", page, bytes(raw))
        self.assertIn("format 2", self.refused(self.vault, "--root-key-file", self.key_file))

    def test_passphrase_made_cheap_to_guess(self):
        folder = os.path.join(self.folder, "cheap")
        VaultWriter(folder, bytes(32), salt=bytes(16), operations=1, memory_bytes=8 << 20).close()
        self.assertIn("refused", self.refused(folder, "--passphrase", content=b"any"))


class ReaderFindsDamage(VaultCase):
    def test_header_page_a_flipped(self):
        self.flip("HEADER", 300)
        self.assertTrue(self.expect("header.damaged")["opened"])

    def test_header_page_b_flipped(self):
        self.flip("HEADER", 4096 + 300)
        self.assertTrue(self.expect("header.damaged")["opened"])

    def test_both_header_pages_flipped(self):
        self.flip("HEADER", 300)
        self.flip("HEADER", 4096 + 4070)
        self.assertFalse(self.expect("header.damaged")["opened"])

    def test_header_altered_with_a_right_sum(self):
        raw = bytearray(self.read("HEADER")[:4096])
        raw[16] ^= 0x40
        raw[4064:] = form.plain_hash(bytes(raw[:4064]))
        self.overwrite("HEADER", 0, bytes(raw))
        self.assertTrue(self.expect("header.altered")["opened"])

    def test_header_page_of_another_root_key(self):
        self.writer.root_key = os.urandom(32)
        older = self.writer.page_number
        self.writer.page_number = 0
        self.writer.write_file("HEADER", (older + 1) % 2 * 4096, self.writer.header_page())
        self.expect("header.otherRootKey")

    def test_slots_swapped(self):
        first, second = self.slot(0), self.slot(1)
        self.writer.write_slot(0, second)
        self.writer.write_slot(1, first)
        self.expect("slot.authentication", "record.noSlot")

    def test_slot_flipped(self):
        self.flip("SLOTS", 80)
        self.expect("slot.authentication", "record.noSlot")

    def test_slot_of_unknown_version(self):
        self.overwrite("SLOTS", 0, b"\x02")
        self.expect("slot.malformed", "record.noSlot")

    def test_slot_zeroed_without_a_fence(self):
        self.writer.write_slot(1, bytes(128))
        self.expect("record.noSlot")

    def test_slot_that_is_another_records_under_a_fence(self):
        """A slot is given again only after the record is gone: the database is an older one."""
        self.writer.fence(self.first)
        self.writer.store.sync(True)
        self.writer.write_slot(0, self.writer.slot_bytes(
            0, os.urandom(32), 9, os.urandom(32)))
        self.expect("record.otherSlot")

    def test_slot_that_is_too_new_for_a_crash(self):
        self.writer.write_slot(9, self.writer.slot_bytes(9, os.urandom(32), 999, os.urandom(32)))
        self.expect("slot.tooNew")

    def test_slot_from_another_place(self):
        """A slot that nobody names has the form of one and does not open where it lies."""
        self.writer.write_slot(10, self.writer.slot_bytes(9, os.urandom(32), 1, os.urandom(32)))
        self.expect("slot.authentication")

    def test_slot_altered_that_nobody_names(self):
        window = self.writer.slot_bytes(9, os.urandom(32), 1, os.urandom(32))
        self.writer.write_slot(9, window[:80] + b"altered" + window[87:])
        self.expect("slot.authentication")

    def test_slot_of_a_term_that_header_does_not_hold(self):
        window = self.writer.slot_bytes(9, os.urandom(32), 1, os.urandom(32))
        self.writer.write_slot(9, window[:4] + struct.pack("<I", 7) + window[8:])
        self.expect("slot.malformed")

    def test_slot_of_unknown_state(self):
        self.writer.write_slot(1, self.writer.slot_bytes(
            1, self.second, 1, os.urandom(32), state=2))
        self.expect("slot.malformed", "record.noSlot")

    def test_slot_sealed_for_another_record(self):
        self.writer.write_slot(0, self.writer.slot_bytes(
            0, self.second, 1, self.writer.data_keys[0]))
        self.expect("record.otherSlot")

    def test_record_flipped(self):
        value = bytearray(self.writer.records[self.first])
        for offset in (2, 16, 30, 60):
            with self.subTest(offset=offset), self.edit() as transaction:
                value[offset] ^= 4
                transaction.put(self.first, bytes(value))
        self.finish()
        _, report, _ = self.read_vault()
        self.assertIn("record.malformed", {p["class"] for p in report["problems"]})

    def test_ciphertext_flipped(self):
        value = bytearray(self.writer.records[self.first])
        value[60] ^= 4
        with self.edit() as transaction:
            transaction.put(self.first, bytes(value))
        self.expect("record.authentication")

    def test_generation_raised(self):
        value = bytearray(self.writer.records[self.first])
        value[16:24] = struct.pack("<Q", 1000)
        with self.edit() as transaction:
            transaction.put(self.first, bytes(value))
        self.expect("record.authentication", "record.generation", "root.mac")

    def test_record_shortened(self):
        with self.edit() as transaction:
            transaction.put(self.first, self.writer.records[self.first][:-1])
        self.expect("record.size", "root.mac")

    def test_record_moved_to_another_key(self):
        with self.edit() as transaction:
            transaction.put(self.second, self.writer.records[self.first])
        self.expect("record.otherSlot", "root.mac")

    def test_records_swapped(self):
        with self.edit() as transaction:
            transaction.put(self.first, self.writer.records[self.second])
            transaction.put(self.second, self.writer.records[self.first])
        self.expect("record.otherSlot", "root.mac")

    def test_record_copied_to_a_new_key(self):
        with self.edit() as transaction:
            transaction.put(os.urandom(32), self.writer.records[self.first])
        self.expect("record.otherSlot", "root.mac", "root.count")

    def test_older_record_replayed(self):
        older = self.writer.records[self.first]
        self.writer.connect(b"first", b"a newer token")
        with self.edit() as transaction:
            transaction.put(self.first, older)
        self.expect("root.mac")

    def test_record_deleted(self):
        with self.edit() as transaction:
            transaction.delete(self.first)
        report = self.expect("root.mac", "root.count")
        self.assertEqual([n["class"] for n in report["notes"]], ["slot.unclaimed"])

    def test_record_resurrected(self):
        older = self.writer.records[self.first]
        self.writer.disconnect(b"first")
        with self.edit() as transaction:
            transaction.put(self.first, older)
        self.expect("record.noSlot", "root.mac", "root.count")

    def test_record_and_slot_resurrected(self):
        older, slot = self.writer.records[self.first], self.slot(0)
        self.writer.disconnect(b"first")
        self.writer.write_slot(0, slot)
        with self.edit() as transaction:
            transaction.put(self.first, older)
        self.expect("root.mac", "root.count")

    def test_earlier_life_resurrected_after_a_reconnect(self):
        older, slot = self.writer.records[self.first], self.slot(0)
        self.writer.disconnect(b"first")
        self.writer.connect(b"first", b"the new life's token")
        self.writer.write_slot(0, slot)
        with self.edit() as transaction:
            transaction.put(self.first, older)
        self.expect("root.mac")

    def test_root_stale(self):
        with self.edit("meta") as transaction:
            older = transaction.get(b"ROOT")
        self.writer.connect(b"first", b"a newer token")
        with self.edit("meta") as transaction:
            transaction.put(b"ROOT", older)
        self.expect("root.mac", "record.generation")

    def test_root_flipped_or_missing(self):
        with self.edit("meta") as transaction:
            root = bytearray(transaction.get(b"ROOT"))
            root[70] ^= 1
            transaction.put(b"ROOT", bytes(root))
        self.expect("root.authentication")

    def test_root_missing(self):
        with self.edit("meta") as transaction:
            transaction.delete(b"ROOT")
        self.expect("root.missing")

    def test_event_moved(self):
        with self.edit("events") as transaction:
            transaction.put(struct.pack(">Q", 1), transaction.get(struct.pack(">Q", 2)))
        self.expect("event.authentication")

    def test_event_deleted_is_noted(self):
        with self.edit("events") as transaction:
            transaction.delete(struct.pack(">Q", 1))
        self.assertEqual([n["class"] for n in self.expect(status=0)["notes"]], ["event.missing"])

    def test_event_under_a_number_not_given_out(self):
        self.writer.put_without_slot("events", form.EVENT, struct.pack(">Q", 77), bytes(56), 77)
        self.expect("event.number")

    def test_batch_of_another_number(self):
        with self.edit("meta") as transaction:
            transaction.put(b"W" + struct.pack(">Q", 9),
                            transaction.get(b"W" + struct.pack(">Q", 1)))
        self.expect("batch.authentication")

    def test_fence_for_another_record(self):
        key = self.writer.fence(self.first)
        with self.edit("meta") as transaction:
            transaction.put(b"F" + self.second, transaction.get(key))
        self.expect("fence.authentication")

    def test_fence_of_another_version(self):
        record = form.parse_record(self.writer.records[self.first])
        self.writer.put_without_slot(
            "meta", form.FENCE, b"F" + self.first,
            struct.pack("<I4xQ", record.slot, record.generation + 1), self.writer.generation)
        self.expect("fence.otherVersion")

    def test_fence_without_a_record(self):
        self.writer.put_without_slot(
            "meta", form.FENCE, b"F" + bytes(32), struct.pack("<I4xQ", 0, 1),
            self.writer.generation)
        self.expect("fence.noRecord")

    def test_flow_under_another_state(self):
        with self.edit("flows") as transaction:
            (_, value), = transaction.cursor()
            transaction.put(os.urandom(32), bytes(value))
        self.expect("flow.authentication")

    def test_flow_of_another_connection(self):
        """Sealed rightly, but under the slot of a connection that it does not name."""
        connections = self.writer.records
        self.writer.records = {**connections, self.second: connections[self.first]}
        self.writer.flow(b"forged", b"second", b"verifier" * 6)
        self.writer.records = connections
        self.expect("flow.otherSlot")

    def test_flow_flipped(self):
        with self.edit("flows") as transaction:
            (key, value), = transaction.cursor()
            key, value = bytes(key), bytearray(value)
            value[100] ^= 1
            transaction.put(key, bytes(value))
        self.expect("flow.authentication")

    def test_connection_without_a_state(self):
        self.writer.put(form.CONNECTION, b"first", [])
        self.expect("record.fields")

    def test_record_of_another_vault_with_the_same_keys(self):
        vault_id, self.writer.vault_id = self.writer.vault_id, os.urandom(16)
        value = self.writer.record(
            form.CONNECTION, self.first, bytes(404), self.writer.data_keys[0], 0, 1)
        self.writer.vault_id = vault_id
        with self.edit() as transaction:
            transaction.put(self.first, value)
        self.expect("record.authentication", "root.mac")

    def test_wrong_padding_and_wrong_fields(self):
        overrun = b"\x01\x00\xff\xff\x00\x00a\x80".ljust(404, b"\0")
        for content, kind in ((bytes(404), "record.padding"), (overrun, "record.fields")):
            value = self.writer.record(
                form.CONNECTION, self.first, content, self.writer.data_keys[0], 0, 1)
            with self.subTest(kind=kind):
                self.writer.records[self.first] = value
                with self.edit() as transaction:
                    transaction.put(self.first, value)
                    self.writer.put_root(transaction)
                self.writer.store.sync(True)
                _, report, _ = self.read_vault()
                self.assertEqual([p["class"] for p in report["problems"]], [kind])

    def test_unknown_key_in_meta(self):
        with self.edit("meta") as transaction:
            transaction.put(b"X", b"y")
        self.expect("meta.unknown")

    def test_database_cut_off(self):
        for i in range(29):
            self.writer.connect(b"%d" % i, b"token" * 100)
        self.finish()
        os.truncate(self.path("db/data.mdb"), 5 * 4096)
        code, report, _ = self.read_vault()
        self.assertEqual(code, 1)
        self.assertIn("lmdb.damaged", {p["class"] for p in report["problems"]})


class FormatIsTheDocuments(unittest.TestCase):
    """The tables of the tools know every tag and every code that the document lists."""

    @classmethod
    def setUpClass(cls):
        path = os.path.join(HERE, "..", "..", "Sources", "TokenVault", "TokenVault.docc",
                            "RecordFormat.md")
        with open(path, encoding="utf-8") as file:
            cls.lines = file.read().splitlines()

    def listed(self):
        """Of each kind the tags and their sentences."""
        start = self.lines.index(
            "| connection | | application | | pending authorization | |") + 2
        kinds = (form.CONNECTION, form.APPLICATION, form.FLOW)
        tags = {kind: {} for kind in kinds}
        for line in self.lines[start:]:
            cells = [cell.strip() for cell in line.split("|")[1:-1]]
            if len(cells) != 6:
                break
            for kind, tag, sentence in zip(kinds, cells[::2], cells[1::2]):
                if tag:
                    tags[kind][int(tag)] = sentence
        for kind, head in ((form.WEBHOOK, "| webhook | |"), (form.API_KEY, "| API key | |")):
            tags[kind] = {}
            for line in self.lines[self.lines.index(head) + 2:]:
                cells = [cell.strip() for cell in line.split("|")[1:-1]]
                if len(cells) != 2:
                    break
                tags[kind][int(cells[0])] = cells[1]
        return tags

    def test_every_field(self):
        for kind, tags in self.listed().items():
            self.assertEqual(set(form.FIELDS[kind]), set(tags))
            self.assertGreater(len(tags), 6)
            for tag, sentence in tags.items():
                with self.subTest(kind=form.TYPE_NAMES[kind], tag=tag):
                    self.assertIn(form.FIELDS[kind][tag][1], self.forms(sentence))

    @staticmethod
    def forms(sentence):
        """The forms that a field may have by its sentence."""
        star = "*" if sentence.endswith("repeats") else ""
        for word, kind in ((", u64", "u64"), (", u32", "u32"), (", i64", "i64"), (", pair", "pair"),
                           ("event code (2)", "failure"), ("form of a failure", "failure"),
                           (", flag", "u8"), ("H without a key", "hash")):
            if word in sentence:
                return {kind + star}
        if sentence.endswith(", time"):
            return {"time"}
        return {kind + star for kind in ("text", "u8", "bytes")}

    def test_every_event(self):
        row = next(line for line in self.lines if line.startswith("| 40 | 2 | code: "))
        codes = dict(code.split(" ", 1) for code in row.split(": ")[1].rstrip(" |").split(", "))
        self.assertEqual(form.EVENT_CODES, {int(code): name for code, name in codes.items()})

    def test_what_the_platform_said(self):
        case = VaultCase()
        case.setUp()
        self.addCleanup(case.doCleanups)
        said = struct.pack("<Hiq", 20, -7, 1_760_000_000_000)
        case.writer.connect(b"third", b"token", extra=[
            (40, said), (41, struct.pack("<Q", 3)), (42, said)])
        case.finish()
        _, report, _ = case.read_vault("--reveal")
        self.assertEqual(report["problems"], [])
        third = next(record for record in report["records"] if record["id"] == "third")
        values = dict(third["values"])
        self.assertEqual(values["oldest generation with this trouble"], 3)
        for name in ("why the last refresh brought nothing",
                     "what the platform said of a use that did not work"):
            self.assertEqual(values[name]["code"], 20)
            self.assertEqual(values[name]["status"], -7)


class FormatIsLibsodiums(unittest.TestCase):
    def test_derivation(self):
        library = ctypes.util.find_library("sodium")
        if library is None:
            self.skipTest("no libsodium on this machine")
        derive = ctypes.CDLL(library).crypto_kdf_derive_from_key
        key, out = os.urandom(32), ctypes.create_string_buffer(32)
        derive(out, ctypes.c_size_t(32), ctypes.c_uint64(2), b"tkv1evnt", key)
        self.assertEqual(out.raw, form.derive(key, 2, b"tkv1evnt"))


class Adversary(VaultCase):
    def attack(self, *options):
        code, report, errors = run("forensic_adversary.py", self.vault, "--root-key-file",
                                   self.key_file, *options)
        self.assertEqual((code, errors), (0, ""))
        return report

    def test_opens_all_that_lives(self):
        self.finish()
        report = self.attack()
        self.assertEqual(set(report["connections"]), {"first", "second"})
        self.assertEqual(set(report["applications"]), {"an application"})
        self.assertEqual(set(report["flows"]), {"second"})
        self.assertEqual([s["number"] for s in report["slots"]], [0, 1, 2])

    def test_opens_every_bucket(self):
        """The five largest lie on overflow pages, without their key before them."""
        for i, size in enumerate(form.BUCKETS):
            self.writer.connect(b"sized %d" % i, b"t" * (size - 64 - 300))
        self.finish()
        found = self.attack()["connections"]
        self.assertEqual({f"sized {i}" for i in range(8)} - set(found), set())

    def test_opens_none_whose_slot_was_zeroed(self):
        for i in range(40):
            self.writer.connect(b"gone %d" % (i % 10), b"token " * (10 + i))
        for i in range(10):
            self.writer.disconnect(b"gone %d" % i)
        self.finish()
        for options in ((), ("--thorough",)):
            self.assertEqual(set(self.attack(*options)["connections"]), {"first", "second"})

    def test_flows_go_with_their_connection(self):
        self.writer.flow(b"another state", b"first", b"verifier" * 6)
        slot = self.slot(1)
        self.writer.disconnect(b"second")
        self.finish()
        self.assertEqual(set(self.attack()["flows"]), {"first"})
        with open(self.path("copy"), "wb") as file:
            file.write(slot)
        self.assertEqual(set(self.attack()["flows"]), {"first", "second"})

    def test_opens_what_a_copy_of_a_slot_gives_away(self):
        """Wherever the copy lies: in another file at an odd offset, in the database, in a gap."""
        copies = [self.slot(0), self.slot(1)]
        self.writer.disconnect(b"first")
        self.writer.disconnect(b"second")
        self.finish()
        os.mkdir(self.path("crash"))
        with open(self.path("crash/SPILL"), "wb") as file:
            file.write(os.urandom(1001) + copies[0] + os.urandom(77))
        with open(self.path("db/data.mdb"), "ab") as file:
            file.write(bytes(4099) + copies[1][:120])
        for options in ((), ("--thorough",)):
            report = self.attack(*options)
            self.assertEqual(set(report["connections"]), {"first", "second"})
            self.assertEqual([s["places"] for s in report["slots"]][0], ["crash/SPILL:1001"])

    def test_opens_a_slot_with_an_old_number(self):
        """A slot moved to another place opens under the number it was sealed for."""
        copy = self.slot(1)
        self.writer.disconnect(b"second")
        self.writer.write_slot(20, copy)
        self.finish()
        report = self.attack()
        self.assertIn("second", report["connections"])
        self.assertIn({"number": 1, "places": ["SLOTS:2560"]},
                      [{k: s[k] for k in ("number", "places")} for s in report["slots"]])

    def test_opens_with_an_old_header_page(self):
        """A vault key that rotation should have destroyed still opens the slots it sealed."""
        header, slot = self.read("HEADER")[:4096], self.slot(0)
        self.writer.disconnect(b"first")
        self.writer.rotate()
        with open(self.path("notes"), "wb") as file:
            file.write(b"?" + slot)
        self.finish()
        self.assertNotIn("first", self.attack()["connections"])
        with open(self.path("notes"), "ab") as file:
            file.write(header)
        self.assertIn("first", self.attack()["connections"])

    def test_reads_a_record_that_was_half_overwritten(self):
        value = self.writer.records[self.first]
        self.finish()
        with open(self.path("SPILL"), "wb") as file:
            file.write(bytes(333) + value[:200] + os.urandom(400))
        needle = "token=" + ":".join(masked(b"access-token-of-first"))
        os.remove(self.path("db/data.mdb"))
        report = self.attack("--find", needle)
        self.assertEqual(report["connections"], {})
        self.assertEqual(report["torn"], [{"type": "connection", "slot": 0, "copies": 1,
                                           "seems": ["first"], "places": ["SPILL:333"]}])
        self.assertEqual(report["needles"]["token"]["windows"], 6)

    def test_finds_needles_in_plaintext(self):
        self.finish()
        needles = {"there": b"access-token-of-first", "absent": os.urandom(24)}
        options = [part for name, needle in needles.items()
                   for part in ("--find", f"{name}=" + ":".join(masked(needle)))]
        found = self.attack(*options)["needles"]
        self.assertEqual((found["there"]["windows"], found["absent"]["windows"]), (6, 0))

    def test_without_the_root_key(self):
        self.finish()
        with open(self.key_file, "wb") as file:
            file.write(os.urandom(32))
        code, report, _ = run("forensic_adversary.py", self.vault, "--root-key-file", self.key_file)
        self.assertEqual(code, 2)
        self.assertIn("opens nothing", report["error"])

    def test_a_thousand_connections(self):
        folder = os.path.join(self.folder, "large")
        writer = VaultWriter(folder, self.root_key, slots=1024)
        for i in range(1000):
            writer.connect(b"%d" % i, os.urandom(40).hex().encode() * (1 + i % 30))
        for i in range(0, 1000, 2):
            writer.disconnect(b"%d" % i)
        writer.close()
        self.vault = folder
        report = self.attack()
        self.assertEqual(set(report["connections"]), {str(i) for i in range(1, 1000, 2)})
        self.assertLess(report["seconds"], 60)


class Scanner(unittest.TestCase):
    """Every form in every place, once held and once wiped."""

    def setUp(self):
        # Bytes of every sort that forms treat differently, and random ones around them.
        middle = b'A/b+c d~e*f-g_h.i"j\\k%&=' + bytes(range(250, 256))
        self.needle = os.urandom(24) + bytes(random.sample(middle, len(middle))) + os.urandom(24)
        self.holder = None

    def tearDown(self):
        if self.holder is not None:
            self.holder.stdin.close()
            self.holder.wait()
            self.holder.stdout.close()

    def scan(self, *arguments, needle=None, lines=None):
        if lines is None:
            lines = " ".join(("needle", *masked(needle or self.needle))) + "\n"
        result = subprocess.run([os.path.join(TOOLS, "residue_scanner"), *arguments],
                                input=lines.encode(), capture_output=True, check=False)
        report = json.loads(result.stdout) if result.stdout else result.stderr.decode()
        return result.returncode, report

    def hold(self, place, content):
        if self.holder is None:
            self.holder = subprocess.Popen([os.path.join(TOOLS, "residue_holder")],
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self.tell(" ".join((place, *masked(content))))

    def tell(self, line):
        self.holder.stdin.write(line.encode() + b"\n")
        self.holder.stdin.flush()
        return self.holder.stdout.readline() == b"ok\n"

    def forms(self):
        needle, latin = self.needle, self.needle.decode("latin-1")
        every = "".join(f"%{byte:02X}" for byte in needle)
        yield "raw", needle
        for before in range(3):
            text = base64.b64encode(b"x" * before + needle + b"yz")
            yield "base64", text
            yield "base64url", text.translate(bytes.maketrans(b"+/", b"-_"))
        yield "percent-upper", every.encode()
        yield "percent-lower", every.lower().encode()
        yield "percent-reserved-upper", urllib.parse.quote(needle, safe="").encode()
        yield "form-upper", urllib.parse.quote_plus(needle, safe="*").replace("~", "%7E").encode()
        yield "utf16le", latin.encode("utf-16-le")
        yield "utf16be", latin.encode("utf-16-be")
        yield "hex-upper", needle.hex().upper().encode()
        yield "hex-lower", needle.hex().encode()
        escaped = needle.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"/", b"\\/")
        yield "json", escaped

    def test_every_form_in_the_heap_of_a_process(self):
        for name, content in self.forms():
            with self.subTest(form=name):
                self.assertTrue(self.hold("heap", b"before" + content + b"after"))
                code, report = self.scan("--pid", str(self.holder.pid))
                self.assertEqual(code, 1)
                self.assertIn((name, "heap"), {(h["form"], h["where"]) for h in report["hits"]})
                self.assertTrue(self.tell("wipe"))
                code, report = self.scan("--pid", str(self.holder.pid))
                self.assertEqual((code, report["hit_count"]), (0, 0))

    def test_every_form_in_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "below"))
            for name, content in self.forms():
                # Across the end of the first read of 1 MiB.
                with open(os.path.join(folder, "below", "file"), "wb") as file:
                    file.write(bytes((1 << 20) - 9) + content + b"after")
                code, report = self.scan("--directory", folder)
                self.assertEqual((name, code), (name, 1))
                self.assertIn(name, {h["form"] for h in report["hits"]})
            os.truncate(os.path.join(folder, "below", "file"), 1 << 19)
            self.assertEqual(self.scan("--directory", folder)[0], 0)

    def test_every_window_counts_and_fewer_bytes_do_not(self):
        for length, hits in ((15, 0), (16, 1), (20, 5)):
            with tempfile.TemporaryDirectory() as folder:
                with open(os.path.join(folder, "file"), "wb") as file:
                    file.write(os.urandom(77) + self.needle[3:3 + length] + os.urandom(33))
                code, report = self.scan("--directory", folder)
                self.assertEqual((code, report["hit_count"]), (1 if hits else 0, hits))
                if hits:
                    self.assertEqual((report["hits"][0]["offset"], report["hits"][0]["window"],
                                      report["hits"][0]["windows"]), (77, 3, hits))

    def test_every_place(self):
        for place, where in (("stack", "stack"), ("map", "anonymous"), ("hidden", "anonymous")):
            with self.subTest(place=place):
                self.assertTrue(self.hold(place, self.needle))
                code, report = self.scan("--pid", str(self.holder.pid))
                self.assertEqual((code, {h["where"] for h in report["hits"]}), (1, {where}))
                self.assertEqual(report["copies"], 1)
                self.tell("wipe")
                self.assertEqual(self.scan("--pid", str(self.holder.pid))[0], 0)

    def test_secret_memory_is_named_as_unreadable(self):
        if not self.hold("secret", self.needle):
            self.skipTest("the kernel has no memfd_secret")
        code, report = self.scan("--pid", str(self.holder.pid))
        self.assertEqual(code, 0)
        self.assertTrue(any("secretmem" in u["where"] for u in report["unreadable"]), report)

    def test_the_scanner_itself_holds_nothing(self):
        with subprocess.Popen([os.path.join(TOOLS, "residue_scanner"), "--pid", "1"],
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as first:
            first.stdin.write((" ".join(("needle", *masked(self.needle))) + "\n").encode())
            first.stdin.flush()
            # Once it sleeps in its next read it has made all windows of the line.
            while True:
                with open(f"/proc/{first.pid}/syscall", encoding="ascii") as file:
                    if file.read().startswith(("0 ", "63 ")):  # read, on x86-64 and aarch64
                        break
            code, report = self.scan("--pid", str(first.pid))
            first.kill()
        self.assertEqual((code, report["hits"]), (0, []))

    def test_a_name_of_a_file_counts(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, self.needle.hex()), "wb"):
                pass
            code, report = self.scan("--directory", folder)
            self.assertEqual((code, report["hits"][0]["where"]), (1, folder))
            self.assertNotIn(self.needle.hex()[:16], json.dumps(report))

    def test_what_could_not_be_scanned_is_never_clean(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        for lines, arguments in (
                (None, ()), (None, ("--pid", str(gone.pid))), (None, ("--directory", "/nowhere")),
                (None, ("--pid", "x")), ("", ("--pid", str(os.getpid()))),
                ("name 00\n", ("--pid", str(os.getpid()))),
                ("name 0011 00\n", ("--pid", str(os.getpid()))),
                ("name zz zz\n", ("--pid", str(os.getpid())))):
            with self.subTest(arguments=arguments, lines=lines):
                self.assertEqual(self.scan(*arguments, lines=lines)[0], 2)

    def test_plain_and_short_needles_are_refused(self):
        for needle in (bytes(40), b"ab" * 20, os.urandom(20) + b"=" * 20, os.urandom(15)):
            with tempfile.TemporaryDirectory() as folder:
                code, report = self.scan("--directory", folder, needle=needle)
                self.assertEqual(code, 2)
                self.assertRegex(report, "too plain|must have")

    def test_a_library_s_words_are_no_leftovers(self):
        code = "proof-code-nor" + secrets.token_urlsafe(40)
        memory = go_between.Memory()
        memory.keep_fields([("code", code)])
        (needle,) = memory.names().values()
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "file"), "wb") as file:
                file.write("sortera med Unicode-normalisering".encode("utf-16-le"))
            self.assertEqual(self.scan("--directory", folder, needle=needle)[0], 0)
            self.assertEqual(self.scan("--directory", folder, needle=code.encode())[0], 1)
            with open(os.path.join(folder, "file"), "ab") as file:
                file.write(code[-8:].encode("utf-16-le"))
            self.assertEqual(self.scan("--directory", folder, needle=needle)[0], 1)

    def test_where_a_copy_lies(self):
        needle = secrets.token_bytes(40)
        for place, beside in (("map", "rw-p"), ("stack", "stack pointer of residue_holder")):
            with self.subTest(place=place):
                self.assertTrue(self.hold(place, needle + b"what is behind"))
                _, report = self.scan("--pid", str(self.holder.pid), needle=needle)
                text = describe(self.holder.pid, report["hits"][0])
                self.assertIn(report["hits"][0]["address"], text)
                self.assertIn(beside, text)
                lines = text.splitlines()[1:]
                pairs = [pair for line in lines for pair in line.split()[1:17]]
                self.assertEqual(pairs.count("**"), len(needle))
                self.assertIn("what is behind", "".join(line[-16:] for line in lines))
                self.tell("wipe")

    def test_many_needles_at_speed(self):
        lines = "".join(" ".join((f"n{i}", *masked(os.urandom(48)))) + "\n" for i in range(300))
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "file"), "wb") as file:
                for _ in range(64):
                    file.write(os.urandom(1 << 20))
            code, report = self.scan("--directory", folder, lines=lines)
            self.assertEqual((code, report["bytes"], report["needles"]), (0, 64 << 20, 300))


class ToolsAreReadOnly(VaultCase):
    def test_a_vault_is_unchanged(self):
        self.finish()
        names = ("HEADER", "SLOTS", "db/data.mdb")
        before = {name: self.read(name) for name in names}
        self.read_vault()
        run("forensic_adversary.py", self.vault, "--root-key-file", self.key_file)
        self.assertEqual(before, {name: self.read(name) for name in names})


if __name__ == "__main__":
    print(f"LMDB {'.'.join(map(str, lmdb.version()))}", file=sys.stderr)
    unittest.main()
