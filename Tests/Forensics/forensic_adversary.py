# SPDX-License-Identifier: Apache-2.0
"""Somebody who holds the root key, every file of the vault and this source: what can he still read?

    forensic_adversary.py DIRECTORY --root-key-file FILE [--root-key-file OLD ...]
        [--thorough] [--find NAME=MASKHEX:MASKEDHEX ...]

Looks at every byte offset of every file for copies of HEADER, of slots and of records, opens what
he can and prints one JSON object: which connections, in how many versions. Exit status 0 whatever
was found (the caller judges), 2 where he could not work at all.

Nothing here trusts a file's name or layout: a slot in data.mdb or a record in SPILL is found too.
"""

import argparse
import ctypes
import ctypes.util
import json
import multiprocessing
import os
import re
import struct
import sys
import time
from collections import defaultdict

import nacl._sodium

import vault_format as form
from vault_reader import read_root_key

PRIME = (1 << 130) - 5
CLAMP = 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
HIGH_BIT = 1 << 128
WINDOW = 16
PLACES_SHOWN = 8

# The sizes that values without padding can have; a batch is tried by the size of its node as well.
FIXED_SIZES = {
    form.ROOT: (128,), form.EVENT: (120,), form.FENCE: (80,),
    form.BATCH: tuple(72 + 40 * n for n in range(form.ATTEMPTS_IN_A_BATCH + 1)),
}
# Lengths of the LMDB keys that stand before a value in its node.
KEY_LENGTHS = {
    form.CONNECTION: 32, form.APPLICATION: 32, form.FLOW: 32, form.ROOT: 4, form.EVENT: 8,
    form.BATCH: 9, form.FENCE: 33, form.WEBHOOK: 32,
}


# Poly1305 backwards: which slot number makes the tag of a window right?


def load_sodium():
    """The two primitives inside XChaCha20 that PyNaCl has but does not pass on."""
    for path in (nacl._sodium.__file__, ctypes.util.find_library("sodium"), "libsodium.so.23"):
        try:
            library = ctypes.CDLL(path)
            return library.crypto_core_hchacha20, library.crypto_stream_chacha20_ietf
        except (AttributeError, OSError, TypeError):
            continue
    raise OSError("neither PyNaCl's nor the system's libsodium can be called")


HCHACHA20, CHACHA20_STREAM = load_sodium()


def authentication_key(key, nonce):
    """r (clamped) and s of the one-time Poly1305 key."""
    inner, stream = ctypes.create_string_buffer(32), ctypes.create_string_buffer(32)
    HCHACHA20(inner, nonce[:16], key, None)
    CHACHA20_STREAM(stream, ctypes.c_ulonglong(32), bytes(4) + nonce[16:24], inner)
    both = int.from_bytes(stream.raw, "little")
    return both & CLAMP, both >> 128


def slot_number_of(window, vault_id, slot_key):
    """The number under which 128 bytes open as a slot, out of all 2^32, or None.

    The number stands in the associated data, so trying would take an opening for each number. But
    a Poly1305 tag is a polynomial of its blocks and the number is part of one block only, so it can
    be solved for: tag - s = known + number * 2^64 * r^7 modulo 2^130 - 5, where the tag has lost
    the top two bits. RFC 8439, sections 2.5 and 2.8.
    """
    r, s = authentication_key(slot_key, window[48:72])
    if r == 0:
        return None
    message = form.slot_associated(vault_id, 0, window) + bytes(4) + window[72:104]
    message += struct.pack("<QQ", 76, 32)
    known = 0
    for i in range(0, 128, 16):
        known = (known + int.from_bytes(message[i:i + 16], "little") + HIGH_BIT) * r % PRIME
    wanted = (int.from_bytes(window[104:120], "little") - s) % HIGH_BIT
    factor = pow(pow(r, 7, PRIME) << 64, -1, PRIME)
    for lost in range(0, PRIME, HIGH_BIT):
        number = (wanted + lost - known) * factor % PRIME
        if number < 1 << 32:
            return number
    return None


# What is in the files.


def read_files(directory):
    """Every regular file below the directory. Links are not followed out of it."""
    files = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    files[os.path.relpath(path, directory)] = file.read()
    return files


def offsets_of(pattern, content):
    """Every offset, overlapping ones too, at which the pattern starts."""
    return (match.start() for match in re.finditer(b"(?s)(?=" + pattern + b")", content))


def find_terms(files, root_keys):
    """Term keys in anything that starts like a HEADER page, however old. (vault id, TermKeys)"""
    found = {}
    for content in files.values():
        for at in offsets_of(re.escape(form.MAGIC), content):
            vault_id = content[at + 24:at + 40]
            for start in (at + 120, at + 376):
                raw = content[start:start + 256]
                for root_key in root_keys if len(raw) == 256 else ():
                    term = form.unwrap_term(raw, vault_id, root_key)
                    if term is not None:
                        found[vault_id, term.vault] = (vault_id, term)
    return list(found.values())


class SlotFound:
    def __init__(self, number, vault_id, window, data_key):
        self.number = number
        self.vault_id = vault_id
        self.slot = form.parse_slot(window)
        self.data_key = data_key
        self.flow_key = form.flow_sealing(data_key)
        self.places = []


def offsets_like_slots(content, terms):
    """Offsets that can be a slot. Sound: these bytes are associated data of the slot's sealing, so
    a window in which they differ was never sealed. The zeros at its end are not, and not used."""
    numbers = b"|".join(re.escape(struct.pack("<I", number)) for number in
                        sorted({term.number for _, term in terms}))
    return offsets_of(b"\x01\x01\x01.(?:" + numbers + b")", content)


def slots_at(content, offsets, terms, any_term):
    """(offset, number, vault id, data key) of the windows that open as a slot."""
    keys = [(vault_id, term.number, term.slot) for vault_id, term in terms]
    found = []
    for at in offsets:
        window = content[at:at + form.SLOT_BYTES]
        # The first byte of a slot is 1, so that zeros are none.
        if len(window) < 120 or not any(window):
            continue
        window = window.ljust(form.SLOT_BYTES, b"\0")
        term = int.from_bytes(window[4:8], "little")
        for vault_id, number_of_term, slot_key in keys:
            if not any_term and number_of_term != term:
                continue
            number = slot_number_of(window, vault_id, slot_key)
            if number is None:
                continue
            data_key = form.open_slot(window, number, vault_id, slot_key)
            if data_key is not None:
                found.append((at, number, vault_id, data_key))
    return found


def search_piece(piece):
    content, start, terms = piece
    count = len(content) - 119
    return [(start + at, *rest) for at, *rest in
            slots_at(content, range(max(count, 0)), terms, any_term=True)]


def find_slots(files, terms, thorough):
    """Every slot that opens, wherever it lies, by (vault id, number, data key)."""
    found = {}
    for name, content in files.items():
        if thorough:
            step = 1 << 15
            pieces = [(content[i:i + step + 127], i, terms) for i in range(0, len(content), step)]
            pool = multiprocessing.Pool()
            hits = {hit for hits in pool.imap_unordered(search_piece, pieces) for hit in hits}
            # Not ended by a signal: whoever started this may have had it blocked.
            pool.close()
            pool.join()
        else:
            hits = slots_at(content, offsets_like_slots(content, terms), terms, any_term=False)
        for at, number, vault_id, data_key in sorted(hits):
            window = content[at:at + form.SLOT_BYTES].ljust(form.SLOT_BYTES, b"\0")
            slot = found.setdefault((vault_id, number, data_key),
                                    SlotFound(number, vault_id, window, data_key))
            slot.places.append(f"{name}:{at}")
    return list(found.values())


# Records.


class Findings:
    """What could be read, and whether a needle was in it."""

    def __init__(self, needles):
        self.windows = defaultdict(set)
        for name, needle in needles.items():
            for i in range(len(needle) - WINDOW + 1):
                self.windows[needle[i:i + WINDOW]].add(name)
        self.needles = {name: {"windows": set(), "places": []} for name in needles}
        self.owners = {kind: defaultdict(lambda: {
            "generations": set(), "copies": 0, "places": []})
            for kind in (*form.KINDS_WITH_SLOTS, form.FLOW)}
        self.torn = {}
        self.fixed = defaultdict(set)
        self.candidates = 0

    def add(self, kind, generation, place, plaintext):
        self.look_for_needles(plaintext, place)
        if kind not in self.owners:
            self.fixed[kind].add(plaintext)
            return
        owner = self.owners[kind][first_field(plaintext)]
        owner["copies"] += 1
        owner["generations"].add(generation)
        if len(owner["places"]) < PLACES_SHOWN:
            owner["places"].append(place)

    def add_torn(self, kind, slot, place, plaintext):
        """What no tag vouches for goes by its slot, because its id may be damaged as well."""
        self.look_for_needles(plaintext, place)
        owner = self.torn.setdefault((kind, slot), {
            "type": form.TYPE_NAMES[kind], "slot": slot, "copies": 0, "seems": set(), "places": []})
        owner["copies"] += 1
        owner["seems"].add(first_field(plaintext))
        if len(owner["places"]) < PLACES_SHOWN:
            owner["places"].append(place)

    def look_for_needles(self, plaintext, place):
        if not self.windows:
            return
        for i in range(len(plaintext) - WINDOW + 1):
            window = plaintext[i:i + WINDOW]
            for name in self.windows.get(window, ()):
                found = self.needles[name]
                found["windows"].add(window)
                if place not in found["places"] and len(found["places"]) < PLACES_SHOWN:
                    found["places"].append(place)

    def summary(self, kind):
        return {
            identifier: {**owner, "generations": sorted(owner["generations"]),
                         "versions": len(owner["generations"])}
            for identifier, owner in sorted(self.owners[kind].items())}

    def torn_summary(self):
        return [{**owner, "seems": sorted(owner["seems"])}
                for _, owner in sorted(self.torn.items())]


def first_field(plaintext):
    tag, length = struct.unpack_from("<HI", plaintext)
    return plaintext[6:6 + min(length, 255)].decode(errors="replace") if tag == 1 else "?"


def keystream_open(key, nonce, ciphertext):
    """Decrypts without asking the tag: what is left of a record that was half overwritten."""
    return form.seal(key, nonce, ciphertext, b"")[:-16]


def keys_of_overflow_pages(content):
    """By page number, the LMDB keys of nodes that say their value starts on that page.

    A node is: size (4), flags (2, 1 = the value is on overflow pages), length of the key (2), key,
    page number (8)."""
    keys = defaultdict(set)
    for at in offsets_of(b"\x01\x00[\x09\x20]\x00", content):
        length = content[at + 2]
        key, page = content[at + 4:at + 4 + length], content[at + 4 + length:at + 12 + length]
        if len(page) == 8:
            keys[int.from_bytes(page, "little")].add(key)
    return keys


class RecordSearch:
    def __init__(self, files, terms, slots, findings):
        self.files = files
        self.findings = findings
        self.slots_by_number = defaultdict(list)
        for slot in slots:
            self.slots_by_number[slot.number].append(slot)
        self.sealing = [
            (vault_id, {kind: term.sealing(kind)
                        for kind in (form.ROOT, form.EVENT, form.BATCH, form.FENCE)})
            for vault_id, term in {(v, t.flow): (v, t) for v, t in terms}.values()]
        self.last_term = max(term.number for _, term in terms)

    def search(self):
        for name, content in self.files.items():
            overflow = keys_of_overflow_pages(content)
            # Sound for the same reason as with slots: the header is associated data.
            for at in offsets_of(b"\x01\x01[\x01-\x07\x09].", content):
                head = content[at:at + 48]
                if len(head) < 48:
                    continue
                record = form.parse_record(head.ljust(form.RECORD_OVERHEAD, b"\0"))
                if 1 <= record.term <= self.last_term:
                    self.findings.candidates += 1
                    self.try_candidate(name, content, at, record, overflow)

    def try_candidate(self, name, content, at, record, overflow):
        before = KEY_LENGTHS[record.type]
        keys = {content[at - before:at]} if at >= before else set()
        if (at - 16) % form.PAGE_BYTES == 0:
            keys |= overflow.get((at - 16) // form.PAGE_BYTES, set())
        if record.type in form.KINDS_WITH_SLOTS:
            # A record names the slot that its data key was sealed for, in this life or an old one.
            ways = [(slot.vault_id, slot.data_key, keys | {slot.slot.record_key})
                    for slot in self.slots_by_number.get(record.slot, ())]
        elif record.type == form.FLOW:
            ways = [(slot.vault_id, slot.flow_key, keys)
                    for slot in self.slots_by_number.get(record.slot, ())]
        else:
            if record.type == form.ROOT:
                keys = {b"ROOT"}
            ways = [(vault_id, sealing[record.type], keys) for vault_id, sealing in self.sealing]
        place = f"{name}:{at}"
        for vault_id, key, lmdb_keys in ways:
            if self.open_whole(content, at, record, vault_id, key, lmdb_keys, place):
                return
        if record.type in self.findings.owners:
            for _, key, _ in ways:
                self.open_torn(content, at, record, key, place)

    def sizes(self, content, at, kind):
        """The size in the node before the key comes first: it is nearly always right."""
        sizes = FIXED_SIZES.get(kind, form.BUCKETS)
        start = at - KEY_LENGTHS[kind] - 8
        if start >= 0:
            hint = int.from_bytes(content[start:start + 4], "little")
            if hint in sizes:
                return (hint, *(size for size in sizes if size != hint))
        return sizes

    def open_whole(self, content, at, record, vault_id, key, lmdb_keys, place):
        if record.type in self.findings.owners and not self.plausible(content, at, key):
            return False
        for size in self.sizes(content, at, record.type):
            raw = content[at:at + size]
            if len(raw) < size:
                continue
            for lmdb_key in lmdb_keys:
                plaintext = form.open_record(raw, lmdb_key, vault_id, key)
                if plaintext is not None:
                    self.findings.add(record.type, record.generation, place, plaintext)
                    return True
        return False

    def plausible(self, content, at, key):
        """Whether the first bytes decrypt to the head of a field. Other keys pass once in 2^26."""
        start = keystream_open(key, content[at + 24:at + 48], content[at + 48:at + 54])
        if len(start) < 6:
            return False
        tag, length = struct.unpack("<HI", start)
        return 1 <= tag <= 64 and length < form.BUCKETS[-1]

    def open_torn(self, content, at, record, key, place):
        if self.plausible(content, at, key):
            text = keystream_open(key, content[at + 24:at + 48],
                                  content[at + 48:at + form.BUCKETS[-1]])
            self.findings.add_torn(record.type, record.slot, place, text)


# The command.


def attack(directory, root_keys, needles, thorough):
    began = time.monotonic()
    files = read_files(directory)
    terms = find_terms(files, root_keys)
    if not terms:
        raise form.CannotOpen("the root key opens nothing that looks like a HEADER page")
    slots = find_slots(files, terms, thorough)
    findings = Findings(needles)
    RecordSearch(files, terms, slots, findings).search()
    return {
        "thorough": thorough,
        "files": {name: len(content) for name, content in sorted(files.items())},
        "terms": [{"vault": vault_id.hex(), "number": term.number} for vault_id, term in terms],
        "slots": [{"number": slot.number, "record": slot.slot.record_key.hex(),
                   "generation": slot.slot.generation, "copies": len(slot.places),
                   "places": slot.places[:PLACES_SHOWN]}
                  for slot in sorted(slots, key=lambda slot: slot.number)],
        "record_candidates": findings.candidates,
        "connections": findings.summary(form.CONNECTION),
        "applications": findings.summary(form.APPLICATION),
        "flows": findings.summary(form.FLOW),
        "torn": findings.torn_summary(),
        "other": {form.TYPE_NAMES[kind]: len(found) for kind, found in findings.fixed.items()},
        "needles": {name: {"windows": len(found["windows"]), "places": found["places"]}
                    for name, found in findings.needles.items()},
        "seconds": round(time.monotonic() - began, 2),
    }


def parse_needle(text):
    name, separator, masks = text.partition("=")
    mask, _, masked = masks.partition(":")
    mask, masked = bytes.fromhex(mask), bytes.fromhex(masked)
    if not separator or len(mask) != len(masked) or len(mask) < WINDOW:
        raise ValueError(f"a needle is NAME=MASKHEX:MASKEDHEX of at least {WINDOW} bytes")
    return name, bytes(a ^ b for a, b in zip(mask, masked))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory")
    parser.add_argument("--root-key-file", action="append", required=True)
    parser.add_argument("--thorough", action="store_true",
                        help="try every window of every file as a slot, whatever its bytes")
    parser.add_argument("--find", action="append", default=[], metavar="NAME=MASKHEX:MASKEDHEX")
    options = parser.parse_args()
    try:
        if not os.path.isdir(options.directory):
            raise form.CannotOpen(f"{options.directory}: no directory")
        root_keys = [read_root_key(path) for path in options.root_key_file]
        needles = dict(parse_needle(text) for text in options.find)
        report = attack(options.directory, root_keys, needles, options.thorough)
    except (form.CannotOpen, OSError, ValueError) as error:
        print(json.dumps({"error": str(error)}))
        sys.exit(2)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
