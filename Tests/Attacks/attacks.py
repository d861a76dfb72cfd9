# SPDX-License-Identifier: Apache-2.0
"""The catalogue: what a hostile hand does to the directory, and what has to come of it.

An attack is a function with cases. What is expected is data beside it:

    TOLD      every command that opens the vault ends with 65 and says what is wrong
    REFUSED   every command that opens the vault fails and says why, by whatever exit status
    NOTICED   told, refused, or without any effect: every answer is the right one
    HARMLESS  every command answers as if nothing had been done
    OLDER     a consistent older state, which alone nobody can tell from the whole directory put
              back; what was stored since must still survive it, and be there again afterwards

Whatever is expected: no healthy slot is overwritten, no crash, no hang, no file that grows.
"""

import itertools
import os
import random
import struct
from dataclasses import dataclass

import pages
from hand import (
    NO_SLOT, PARTS, RECORD, SLOT, SLOT_FIELDS, SLOT_PARTS, altered, field_of, flipped)

import vault_format as form

TOLD, REFUSED, NOTICED, HARMLESS, OLDER = "TOLD", "REFUSED", "NOTICED", "HARMLESS", "OLDER"


@dataclass(frozen=True)
class Attack:
    name: str
    group: str
    does: object
    cases: tuple
    expected: str
    otherwise: dict
    bases: tuple
    finishes: tuple  # cases with a fence whose record opens: that disconnect may be finished

    def expectation(self, case):
        return self.otherwise.get(case, self.expected)

    @property
    def what(self):
        return " ".join(self.does.__doc__.split())


CATALOGUE = {}

# LMDB itself dies of some pages, or runs in circles: to be dealt with later, all at once. Until
# then these are no failures, there and only there.
LATER = {"pages": ("crashed", "hung", "grew")}


def attack(group, expected, cases=((),), otherwise=None, bases=("now",), finishes=()):
    """Enters a function into the catalogue. `cases` are its arguments; what is expected of some of
    them alone is in `otherwise`; `bases` are the states it is tried on, one by one."""
    def enter(function):
        name = function.__name__.replace("_", "-")
        listed = tuple(case if isinstance(case, tuple) else (case,) for case in cases)
        CATALOGUE[name] = Attack(name, group, function, listed, expected, otherwise or {}, bases,
                                 finishes)
        return function
    return enter


def product(*parts):
    return tuple(itertools.product(*parts))


# Lengths that have no business there; 511 bytes is LMDB's longest key.
SHORT = tuple(range(64))
KEY_LENGTHS = (1, 2, 3, 4, 5, 8, 9, 10, 16, 31, 32, 33, 34, 64, 255, 511)
KILLED = ("killed", "killed-zeroed", "killed-random")
# Who was disconnected, with the copy that was made in the middle of it: eve's slot is frank's now,
# hugo is in a second life in the same slot, ida in another, and her old one is jack's; zoe's is
# free.
FENCED = {"eve": "eve-fenced", "hugo": "hugo-fenced", "ida": "ida-fenced", "zoe": "zoe-fenced"}


def fence_of(hand, who, copy):
    return hand.copies.store(copy)["meta"][b"F" + hand.key(who)]


def record_of(hand, who, copy):
    return hand.copies.store(copy)["records"][hand.key(who)]


# Fences and the records of disconnects.


# Of zoe, whose slot is free, all three are the store of a disconnect cut short after the slot.
@attack("fences", TOLD, product(FENCED, ("fence", "record", "fence+record", "fence+record+root")),
        {("zoe", "fence+record+root"): OLDER})
def fence_put_back(hand, who, parts):
    """An old fence, the record that it fenced, and ROOT of that day, in every combination."""
    with hand.edit() as store:
        if "fence" in parts:
            store.put("meta", b"F" + hand.key(who), fence_of(hand, who, FENCED[who]))
        if "record" in parts:
            store.put("records", hand.key(who), record_of(hand, who, FENCED[who]))
        if "root" in parts:
            store.put("meta", b"ROOT", hand.copies.store(FENCED[who])["meta"][b"ROOT"])


@attack("fences", TOLD, product(FENCED, ("anna", "jack", "frank", "quiet"),
                                ("slot", "generation", "both")))
def fenced_record_points_elsewhere(hand, who, target, what):
    """An old fence and its record, with the slot or generation in the record's header altered to
    those of a healthy one."""
    record = record_of(hand, who, FENCED[who])
    if what != "generation":
        record = altered(record, RECORD, "slot", hand.slot(target))
    with hand.edit() as store:
        if what != "slot":
            live = store.get("records", hand.key(target))
            record = altered(record, RECORD, "generation", field_of(live, RECORD, "generation"))
        store.put("meta", b"F" + hand.key(who), fence_of(hand, who, FENCED[who]))
        store.put("records", hand.key(who), record)


@attack("fences", TOLD, product(FENCED, ("anna", "frank", "jack", "hugo", "practice")))
def fence_under_another_key(hand, who, target):
    """An old fence under the key of a healthy record."""
    with hand.edit() as store:
        store.put("meta", b"F" + hand.key(target), fence_of(hand, who, FENCED[who]))


@attack("fences", TOLD, product(FENCED, ("anna", "frank", "jack"), (False, True)))
def fenced_record_under_another_key(hand, who, target, fence):
    """A record that was being disconnected in a healthy record's place."""
    with hand.edit() as store:
        store.put("records", hand.key(target), record_of(hand, who, FENCED[who]))
        if fence:
            store.put("meta", b"F" + hand.key(target), fence_of(hand, who, FENCED[who]))


@attack("fences", TOLD, product(("anna", "frank", "practice", "nobody"),
                                SHORT + (64, 79, 80, 81, 500)))
def fence_of_length(hand, target, length):
    """A fence for a healthy record, or for none, of every length."""
    key = hand.bytes(32) if target == "nobody" else hand.key(target)
    value = struct.pack("<BBBBIIIQ", 1, 1, form.FENCE, 0, 1, NO_SLOT, 0, 7) + hand.bytes(600)
    with hand.edit() as store:
        store.put("meta", b"F" + key, value[:length])


@attack("fences", TOLD, (("eve", "hugo"), ("hugo", "ida"), ("ida", "eve"), ("zoe", "eve"),
                           ("eve", "hugo", "ida", "zoe")))
def fences_together(hand, *who):
    """Several old fences and records at once."""
    with hand.edit() as store:
        for name in who:
            store.put("meta", b"F" + hand.key(name), fence_of(hand, name, FENCED[name]))
            store.put("records", hand.key(name), record_of(hand, name, FENCED[name]))


@attack("fences", TOLD, product(FENCED, (False, True)))
def old_life_altered_to_fit(hand, who, live_header):
    """The record of a life that is over with the clear header of the present one, beside its
    fence: what recovery compares in the clear agrees."""
    with hand.edit() as store:
        live = store.get("records", hand.key(who)) or record_of(hand, "frank", "now")
        old = record_of(hand, who, FENCED[who])
        if live_header:
            old = live[:24] + old[24:]
        store.put("records", hand.key(who), old)
        store.put("meta", b"F" + hand.key(who), fence_of(hand, who, FENCED[who]))


# A disconnect that kill -9 cut short: gus's, with his fence and his record.


@attack("killed", HARMLESS, ("nothing",), bases=KILLED)
def disconnect_cut_short(hand, what):
    """Nothing at all: the next open finishes what a killed process began, of gus alone."""


@attack("killed", HARMLESS, (("fence",),), bases=("killed",))
def killed_fence_deleted(hand, what):
    """The fence of a disconnect cut short deleted; its record says disconnecting by itself."""
    with hand.edit() as store:
        store.delete("meta", b"F" + hand.key("gus"))


@attack("killed", TOLD, (("fence",),), bases=("killed-zeroed", "killed-random"))
def killed_fence_deleted_late(hand, what):
    """The fence deleted when the slot is already gone: the record opens under nothing."""
    with hand.edit() as store:
        store.delete("meta", b"F" + hand.key("gus"))


@attack("killed", TOLD, product(("anna", "frank", "practice"), ("slot", "generation", "both")),
        bases=KILLED)
def killed_record_points_elsewhere(hand, target, what):
    """The record being disconnected with a healthy one's slot or generation in its header."""
    with hand.edit() as store:
        live = store.get("records", hand.key(target))
        record = store.get("records", hand.key("gus"))
        for field in ("slot", "generation"):
            if what in (field, "both"):
                record = altered(record, RECORD, field, field_of(live, RECORD, field))
        store.put("records", hand.key("gus"), record)


@attack("killed", TOLD, (("record",), ("record+fence",), ("healthy instead",)), bases=KILLED)
def killed_record_deleted(hand, what):
    """The record being disconnected deleted, with its fence or not, or put back as it was."""
    with hand.edit() as store:
        if what == "healthy instead":
            store.put("records", hand.key("gus"), record_of(hand, "gus", "now"))
            store.delete("meta", b"F" + hand.key("gus"))
            return
        store.delete("records", hand.key("gus"))
        if "fence" in what:
            store.delete("meta", b"F" + hand.key("gus"))


@attack("killed", TOLD, product(("anna", "frank", "practice")), bases=KILLED)
def killed_fence_moved(hand, target):
    """The fence of gus under the key of a healthy record."""
    with hand.edit() as store:
        fence = store.get("meta", b"F" + hand.key("gus"))
        store.delete("meta", b"F" + hand.key("gus"))
        store.put("meta", b"F" + hand.key(target), fence)


@attack("killed", TOLD, product(("anna", "frank", "practice")), bases=KILLED)
def killed_records_swapped(hand, target):
    """The record of gus and a healthy one, each under the other's key."""
    with hand.edit() as store:
        one, other = (store.get("records", hand.key(who)) for who in ("gus", target))
        store.put("records", hand.key("gus"), other)
        store.put("records", hand.key(target), one)


@attack("killed", TOLD, product(("anna", "frank", "practice"), ("swapped", "copied")),
        bases=KILLED)
def killed_slots_mixed(hand, target, how):
    """The bytes of a healthy slot in the slot of gus, where no crash leaves such, and the other way
    round or not."""
    one, other = hand.slot_bytes(hand.slot("gus")), hand.slot_bytes(hand.slot(target))
    hand.put_slot(hand.slot("gus"), other)
    if how == "swapped":
        hand.put_slot(hand.slot(target), one)


# The whole of data.mdb, SLOTS and HEADER of different days.

COPIES = ("empty", "young", "eve-live", "eve-fenced", "eve-gone", "hugo-fenced", "hugo-gone",
          "ida-fenced", "ida-gone", "app-live", "app-gone", "ben-old", "late", "batch", "zoe-live",
          "zoe-fenced")
# Of these days every record opens under today's SLOTS, and ROOT agrees: only slots without a
# record, of those who came later, tell them from a whole directory put back. So it is with the
# day of zoe's disconnect: the fence says why her slot is free.
CONSISTENT = ("empty", "young", "eve-gone", "app-gone", "hugo-gone", "ida-gone", "ben-old", "late",
              "batch")


@attack("copies", TOLD, product(COPIES),
        {(name,): OLDER for name in CONSISTENT + ("zoe-fenced",)})
def store_put_back(hand, copy):
    """data.mdb of another day under today's SLOTS, and the current one again afterwards."""
    hand.put_back(copy, "db/data.mdb")


@attack("copies", TOLD, product(COPIES, ("records", "meta", "root", "events", "flows",
                                         "records+meta", "records+root", "fences")),
        {**{(copy, what): NOTICED for copy in COPIES
            for what in ("events", "flows", "fences", "records+meta", "records+root")},
         **{(copy, what): OLDER for copy in CONSISTENT
            for what in ("records+meta", "records+root")},
         ("zoe-fenced", "records+meta"): OLDER})
def databases_put_back(hand, copy, what):
    """Some of the databases of another day among today's."""
    old = hand.copies.store(copy)
    with hand.edit() as store:
        for name in what.split("+"):
            if name == "root":
                store.put("meta", b"ROOT", old["meta"][b"ROOT"])
            elif name == "fences":
                for key, value in old["meta"].items():
                    if key[:1] == b"F":
                        store.put("meta", key, value)
            else:
                store.replace(name, old[name])


@attack("copies", NOTICED, product(COPIES))
def slots_put_back(hand, copy):
    """SLOTS of another day under today's data.mdb."""
    hand.put_back(copy, "SLOTS")


@attack("copies", NOTICED, product(COPIES, (16, 64, 128, 256, 512, 1000)))
def slots_mixed(hand, copy, stride):
    """SLOTS of two days in alternating stripes, also across slots."""
    now, old = hand.read("SLOTS"), hand.copies.file(copy, "SLOTS")
    mixed = b"".join(
        (old if i // stride % 2 else now)[i:i + stride] for i in range(0, len(now), stride))
    hand.write("SLOTS", mixed)


@attack("copies", OLDER, tuple(
    (store, slots) for store in COPIES for slots in COPIES if store != slots))
def files_of_two_days(hand, store, slots):
    """data.mdb of one day and SLOTS of another, neither of them today's."""
    hand.put_back(store, "db/data.mdb")
    hand.put_back(slots, "SLOTS")


@attack("copies", TOLD, (("HEADER",), ("SLOTS",), ("db/data.mdb",), ("HEADER", "SLOTS"),
                         ("SLOTS", "db/data.mdb"), ("HEADER", "db/data.mdb")))
def files_of_another_vault(hand, *names):
    """Files of another vault that has the same root key."""
    hand.put_back("stranger", *names)


@attack("copies", TOLD, (("HEADER",), ("SLOTS",), ("db/data.mdb",), ("HEADER", "SLOTS"),
                         ("SLOTS", "db/data.mdb")),
        {("HEADER", "SLOTS"): OLDER, ("db/data.mdb",): HARMLESS}, bases=("rotated",))
def files_before_a_rotation(hand, *names):
    """Files of the day before the vault key was changed."""
    hand.put_back("now", *names)


@attack("copies", TOLD, product(COPIES), bases=("rotated",))
def store_and_header_before_a_rotation(hand, copy):
    """data.mdb of another day, and HEADER of before the vault key was changed: today's slots are of
    a term that it does not know."""
    hand.put_back(copy, "db/data.mdb", "HEADER")


@attack("copies", OLDER, (("zero",), ("magic",), ("transaction",), ("version",)),
        bases=("now", "tip", "killed"))
def newest_meta_page_lost(hand, how):
    """LMDB's newest meta page made invalid or old: it falls back by one transaction."""
    with hand.pages() as page:
        at = page.meta
        if how == "zero":
            page.raw[at:at + pages.PAGE] = bytes(pages.PAGE)
        elif how == "magic":
            page.put("I", at + 16, 0)
        elif how == "version":
            page.put("I", at + pages.META_VERSION, 2)
        else:
            page.put("Q", at + pages.META_TRANSACTION, 0)


# Records: their clear headers, their bodies, their lengths, their places.

SLOT_NUMBERS = (0, 1, 2, 3, 8, 20, 31, 32, 33, 63, 64, 1000, 0xFFFFF, 0x1FFFFFF, 0x2000000,
                0x7FFFFFFF, 0x80000000, 0xFFFFFF00, 0xFFFFFFFE, NO_SLOT)
VICTIMS = ("anna", "frank", "dora", "spare", "quiet")


@attack("records", TOLD, product(VICTIMS, ("anna", "cara", "jack", "practice")
                                 + SLOT_NUMBERS))
def record_names_another_slot(hand, who, target):
    """The slot number in a record's header: another's, a free one's, one far outside of SLOTS."""
    number = hand.slot(target) if isinstance(target, str) else target
    with hand.edit() as store:
        record = store.get("records", hand.key(who))
        changed = altered(record, RECORD, "slot", number)
        if changed == record:
            changed = altered(record, RECORD, "slot", number + 1)
        store.put("records", hand.key(who), changed)


@attack("records", TOLD, product(VICTIMS, (
    ("type", 0), ("type", 1), ("type", 2), ("type", 3), ("type", 4), ("type", 5), ("type", 6),
    ("type", 7), ("type", 8), ("type", 255), ("version", 0), ("version", 2), ("version", 255),
    ("algorithm", 0), ("algorithm", 2), ("reserved", 1), ("reserved too", 1), ("term", 0),
    ("term", 2), ("term", 0xFFFFFFFF), ("generation", 0), ("generation", 1),
    ("generation", 1000), ("generation", (1 << 64) - 1), ("generation", 1 << 63))))
def record_header_altered(hand, who, change):
    """Any other field of a record's clear header."""
    with hand.edit() as store:
        record = store.get("records", hand.key(who))
        changed = altered(record, RECORD, *change)
        if changed == record:  # a connection's kind byte 1 becomes 2, an application's 2 becomes 1
            changed = altered(record, RECORD, change[0], change[1] ^ 3)
        store.put("records", hand.key(who), changed)


@attack("records", TOLD, product(VICTIMS, PARTS))
def record_body_altered(hand, who, part):
    """One bit of a record's nonce, ciphertext or tag."""
    with hand.edit() as store:
        record = store.get("records", hand.key(who))
        store.put("records", hand.key(who), flipped(record, PARTS[part]))


@attack("records", TOLD, product(("anna", "spare"), SHORT + (
    64, 467, 469, 977, 979, 1998, 4080, 8176, 65519, 65520, 65521, 1 << 20)))
def record_of_length(hand, who, length):
    """A record cut or stretched."""
    with hand.edit() as store:
        record = store.get("records", hand.key(who))
        if len(record) == length:
            length += 1
        store.put("records", hand.key(who), (record + bytes(max(0, length - len(record))))[:length])


@attack("records", TOLD, product(KEY_LENGTHS, ("anna", "spare", "short", "nothing")))
def record_key_of_length(hand, length, value):
    """An entry in `records` under a key of every length, holding a healthy record's copy or not."""
    content = {"short": b"\1", "nothing": b""}.get(value)
    with hand.edit() as store:
        if content is None:
            content = store.get("records", hand.key(value))
        store.put("records", hand.bytes(length), content)


@attack("records", TOLD, product(VICTIMS + ("ben", "hugo", "practice")))
def record_deleted(hand, who):
    """A record taken away."""
    with hand.edit() as store:
        store.delete("records", hand.key(who))


@attack("records", TOLD, product(VICTIMS, ("another", "random")))
def record_moved(hand, who, where):
    """A record under another key instead of its own."""
    with hand.edit() as store:
        record = store.get("records", hand.key(who))
        store.delete("records", hand.key(who))
        store.put("records", hand.key("eve") if where == "another" else hand.bytes(32), record)


@attack("records", TOLD, product(VICTIMS, ("eve", "random", "32 zeros", "32 ones")))
def record_doubled(hand, who, where):
    """A second copy of a record under a key that nobody has."""
    key = {"eve": hand.key("eve"), "random": hand.bytes(32), "32 zeros": bytes(32),
           "32 ones": b"\xff" * 32}[where]
    with hand.edit() as store:
        store.put("records", key, store.get("records", hand.key(who)))


PAIRS = (("anna", "ben"), ("dora", "cara"), ("frank", "jack"), ("spare", "dora"),
         ("spare", "quiet"), ("practice", "anna"))


@attack("records", TOLD, PAIRS)
def records_swapped(hand, one, other):
    """Two records, each under the other's key."""
    with hand.edit() as store:
        first, second = (store.get("records", hand.key(who)) for who in (one, other))
        store.put("records", hand.key(one), second)
        store.put("records", hand.key(other), first)


@attack("records", TOLD, PAIRS)
def record_over_another(hand, one, other):
    """A record over another: the second is gone."""
    with hand.edit() as store:
        store.put("records", hand.key(other), store.get("records", hand.key(one)))


@attack("records", TOLD, (("ben", "ben-old"), ("ben", "young"), ("ben", "batch"),
                          ("hugo", "hugo-fenced"), ("ida", "ida-fenced")))
def record_replayed(hand, who, copy):
    """An older version of a record: an old token."""
    with hand.edit() as store:
        store.put("records", hand.key(who), record_of(hand, who, copy))


@attack("records", TOLD, (("eve", "eve-live"), ("eve", "eve-fenced"), ("oldapp", "app-live"),
                          ("zoe", "zoe-live"), ("zoe", "zoe-fenced")))
def record_brought_back(hand, who, copy):
    """A record that was disconnected or removed, back from a copy."""
    with hand.edit() as store:
        store.put("records", hand.key(who), record_of(hand, who, copy))


@attack("records", TOLD, product((("eve", "eve-live"), ("eve", "eve-fenced"),
                                  ("hugo", "hugo-fenced"), ("oldapp", "app-live"),
                                  ("zoe", "zoe-live"), ("zoe", "zoe-fenced")), (False, True)),
        finishes=tuple(((who, f"{who}-fenced"), True) for who in ("eve", "hugo", "zoe")))
def record_and_slot_brought_back(hand, what, fence):
    """The same with its slot, over the one who owns that now or where it is free; and with its
    fence, where there is one."""
    who, copy = what
    with hand.edit() as store:
        store.put("records", hand.key(who), record_of(hand, who, copy))
        if fence and copy.endswith("fenced"):
            store.put("meta", b"F" + hand.key(who), fence_of(hand, who, copy))
    number = hand.slot(who)
    hand.put_slot(number, hand.copies.file(copy, "SLOTS")[SLOT * number:SLOT * (number + 1)])


# `meta`: ROOT, batches, keys of every length.


@attack("meta", TOLD, product(COPIES))
def root_put_back(hand, copy):
    """ROOT of another day."""
    with hand.edit() as store:
        store.put("meta", b"ROOT", hand.copies.store(copy)["meta"][b"ROOT"])


@attack("meta", TOLD, ("deleted", "under another name", "twice"))
def root_moved(hand, how):
    """ROOT deleted, renamed, doubled under another name."""
    with hand.edit() as store:
        root = store.get("meta", b"ROOT")
        if how != "twice":
            store.delete("meta", b"ROOT")
        if how != "deleted":
            store.put("meta", b"ROOT2", root)


@attack("meta", TOLD, SHORT + (64, 100, 127, 129, 500, 1 << 20))
def root_of_length(hand, length):
    """ROOT cut or stretched."""
    with hand.edit() as store:
        root = store.get("meta", b"ROOT")
        store.put("meta", b"ROOT", (root + bytes(max(0, length - len(root))))[:length])


@attack("meta", TOLD, (("type", 7), ("type", 1), ("slot", 0), ("slot", 5), ("term", 2),
                       ("generation", 0), ("generation", (1 << 64) - 1), ("reserved", 1),
                       ("reserved too", 1), ("version", 2), ("algorithm", 2)))
def root_header_altered(hand, field, value):
    """A field of ROOT's clear header."""
    with hand.edit() as store:
        store.put("meta", b"ROOT", altered(store.get("meta", b"ROOT"), RECORD, field, value))


@attack("meta", TOLD, product(KEY_LENGTHS, (b"F", b"W", b"R", b"X", b"\0", b"\xff"),
                                 ("nothing", "short", "ROOT")))
def meta_key_of_length(hand, length, first, value):
    """A key in `meta` of every length and kind, with a value or without."""
    with hand.edit() as store:
        content = {"nothing": b"", "short": b"\1", "ROOT": store.get("meta", b"ROOT")}[value]
        store.put("meta", (first + hand.bytes(length))[:length], content)


@attack("meta", TOLD, product(("records", "meta", "flows", "events")), {("events",): NOTICED})
def empty_key(hand, database):
    """A key of length 0, which LMDB would not write: the field in the page is altered."""
    with hand.edit() as store:
        store.put(database, b"\0", b"\1\1\1\1" + bytes(100))
    with hand.pages() as page:
        _, node = page.find(page.root(database), b"\0")
        page.put("H", node + 6, 0)


@attack("meta", TOLD, product((0, 1, 2, 1 << 62, (1 << 64) - 1), SHORT + (64, 72, 112, 500)))
def batch_of_length(hand, number, length):
    """A batch of every length and a number that was never given out."""
    value = struct.pack("<BBBBIIIQ", 1, 1, form.BATCH, 0, 1, NO_SLOT, 0, 7) + hand.bytes(600)
    with hand.edit() as store:
        store.put("meta", b"W" + struct.pack(">Q", number), value[:length])


@attack("meta", NOTICED, ("as it was", "under another number", "under a fence's key"),
        {("under another number",): TOLD, ("under a fence's key",): TOLD})
def batch_put_back(hand, how):
    """A batch of attempts that ended long ago: its request must not go out twice."""
    old = {key: value for key, value in hand.copies.store("batch")["meta"].items()
           if key[:1] == b"W"}
    key, value = next(iter(old.items()))
    if how == "under another number":
        key = key[:-1] + bytes([key[-1] ^ 0x80])
    elif how == "under a fence's key":
        key = b"F" + hand.key("anna")
    with hand.edit() as store:
        store.put("meta", key, value)


@attack("meta", TOLD, (0, 1, 5))
def many_strange_keys(hand, length):
    """20,000 keys nobody knows."""
    with hand.edit() as store:
        for i in range(20_000):
            store.put("meta", b"Z" + struct.pack(">I", i) + bytes(length), b"")


# Flows and events.


@attack("flows", TOLD, product(KEY_LENGTHS, ("nothing", "short", "flow", "record")),
        {(32, value): NOTICED for value in ("nothing", "short", "flow", "record")})
def flow_key_of_length(hand, length, value):
    """A key in `flows` of every length."""
    with hand.edit() as store:
        flow = next(iter(hand.copies.store("now")["flows"].values()))
        content = {"nothing": b"", "short": b"\1", "flow": flow,
                   "record": store.get("records", hand.key("anna"))}[value]
        store.put("flows", hand.bytes(length), content)


@attack("flows", NOTICED, SHORT + (64, 467, 469, 977, 979, 65521))
def flow_of_length(hand, length):
    """The pending authorization cut or stretched."""
    with hand.edit() as store:
        key, flow = store.items("flows")[0]
        store.put("flows", key, (flow + bytes(max(0, length - len(flow))))[:length])


@attack("flows", NOTICED, (
    *(("slot", number) for number in SLOT_NUMBERS), ("type", 1), ("type", 7), ("generation", 0),
    ("generation", (1 << 64) - 1), ("term", 9), ("version", 2), ("algorithm", 0), ("reserved", 1)))
def flow_header_altered(hand, field, value):
    """A field of the pending authorization's clear header."""
    with hand.edit() as store:
        key, flow = store.items("flows")[0]
        store.put("flows", key, altered(flow, RECORD, field, value))


@attack("flows", NOTICED, product(("eve-flow", "late")))
def flow_put_back(hand, copy):
    """A pending authorization of a connection that is gone, or that was used."""
    with hand.edit() as store:
        for key, value in hand.copies.store(copy)["flows"].items():
            store.put("flows", key, value)


@attack("flows", NOTICED, ("deleted", "moved", "body"))
def flow_changed(hand, how):
    """The pending authorization deleted, under another key, or with one bit altered."""
    with hand.edit() as store:
        key, flow = store.items("flows")[0]
        if how == "body":
            store.put("flows", key, flipped(flow, 60))
        else:
            store.delete("flows", key)
        if how == "moved":
            store.put("flows", hand.bytes(32), flow)


@attack("events", NOTICED, product(KEY_LENGTHS, ("nothing", "short", "event")))
def event_key_of_length(hand, length, value):
    """A key in `events` of every length."""
    with hand.edit() as store:
        event = store.items("events")[0][1]
        store.put("events", hand.bytes(length), {"nothing": b"", "short": b"\1"}.get(value, event))


@attack("events", NOTICED, product(("first", "last"), SHORT + (64, 119, 121, 500, 1 << 20)))
def event_of_length(hand, which, length):
    """An event cut or stretched."""
    with hand.edit() as store:
        key, event = store.items("events")[0 if which == "first" else -1]
        store.put("events", key, (event + bytes(max(0, length - len(event))))[:length])


@attack("events", NOTICED, product((0, 10**6, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)))
def event_of_the_future(hand, number):
    """An event under a number that was not given out."""
    with hand.edit() as store:
        store.put("events", struct.pack(">Q", number), store.items("events")[-1][1])


@attack("events", NOTICED, ("first", "last", "middle", "all", "swapped", "body", "type", "slot"))
def event_changed(hand, how):
    """Events deleted, swapped, altered."""
    with hand.edit() as store:
        events = store.items("events")
        chosen = {"first": events[:1], "last": events[-1:], "all": events,
                  "middle": events[len(events) // 2:][:1]}.get(how, [])
        for key, _ in chosen:
            store.delete("events", key)
        (one, first), (other, second) = events[0], events[-1]
        if how == "swapped":
            store.put("events", one, second)
            store.put("events", other, first)
        elif how == "body":
            store.put("events", other, flipped(second, 60))
        elif how in ("type", "slot"):
            store.put("events", other, altered(second, RECORD, how, 1))


# SLOTS.


@attack("slots", TOLD, product(VICTIMS, SLOT_PARTS))
def slot_altered(hand, who, part):
    """One bit of a healthy slot."""
    number = hand.slot(who)
    hand.put_slot(number, flipped(hand.slot_bytes(number), SLOT_PARTS[part]))


@attack("slots", TOLD, product(VICTIMS, (
    ("version", 0), ("version", 2), ("algorithm", 0), ("state", 0), ("state", 2), ("state", 3),
    ("state", 255), ("reserved", 1), ("term", 0), ("term", 2), ("term", 0xFFFFFFFF),
    ("generation", 0), ("generation", 1000), ("generation", (1 << 64) - 1), ("tail", 1))),
    {(who, ("tail", 1)): NOTICED for who in VICTIMS})
def slot_header_altered(hand, who, change):
    """A field of a healthy slot's clear part; its last 8 bytes nothing vouches for."""
    number = hand.slot(who)
    hand.put_slot(number, altered(hand.slot_bytes(number), SLOT_FIELDS, *change))


@attack("slots", TOLD, product(VICTIMS, ("zeros", "random", "random head", "random half")))
def slot_overwritten(hand, who, how):
    """A healthy slot overwritten, as an erasure would: nothing else is lost with it."""
    number = hand.slot(who)
    old = hand.slot_bytes(number)
    hand.put_slot(number, {
        "zeros": bytes(SLOT), "random": hand.bytes(SLOT), "random head": hand.bytes(16) + old[16:],
        "random half": old[:64] + hand.bytes(64)}[how])


@attack("slots", TOLD, PAIRS)
def slots_swapped(hand, one, other):
    """Two slots in each other's place."""
    first, second = hand.slot_bytes(hand.slot(one)), hand.slot_bytes(hand.slot(other))
    hand.put_slot(hand.slot(one), second)
    hand.put_slot(hand.slot(other), first)


@attack("slots", HARMLESS, ("random", "live head", "state 2", "ones", "her own"))
def free_slot_filled(hand, how):
    """Something in a slot that nobody has: what a crash may leave, and zoe's of an earlier day."""
    anna, number = hand.slot_bytes(hand.slot("anna")), hand.free_slot()
    if how == "her own":
        number = hand.slot("zoe")
    hand.put_slot(number, {
        "random": hand.bytes(SLOT), "live head": anna[:48] + hand.bytes(80),
        "state 2": altered(anna, SLOT_FIELDS, "state", 2), "ones": b"\xff" * SLOT,
        "her own": hand.copies.file("zoe-live", "SLOTS")[SLOT * number:SLOT * (number + 1)]}[how])


@attack("slots", TOLD, ("copy", "another vault's", "another term's", "altered"))
def free_slot_forged(hand, how):
    """What has the form of a slot, and does not open, in one that nobody has: no crash leaves
    that."""
    anna, number = hand.slot_bytes(hand.slot("anna")), hand.free_slot()
    there = SLOT * hand.slot("anna")
    hand.put_slot(number, {
        "copy": anna, "another vault's": hand.copies.file("stranger", "SLOTS")[:SLOT],
        "another term's": hand.copies.file("rotated", "SLOTS")[there:there + SLOT],
        "altered": anna[:16] + hand.bytes(104) + bytes(8)}[how])


@attack("slots", TOLD, (0, 1, 127, 128, 129, 256, 1024, 2048, 3000, 4095),
        {(3000,): NOTICED, (4095,): NOTICED, (2048,): NOTICED})
def slots_cut(hand, length):
    """SLOTS truncated."""
    with open(hand.path("SLOTS"), "r+b") as file:
        file.truncate(length)


@attack("slots", TOLD, product((1, 127, 128, 4096, 1 << 20), ("zeros", "random", "copies")))
def slots_stretched(hand, more, what):
    """SLOTS with something behind its end."""
    old = hand.read("SLOTS")
    with open(hand.path("SLOTS"), "ab") as file:
        file.write({"zeros": bytes(more), "random": hand.bytes(more),
                    "copies": (old * (more // len(old) + 1))[:more]}[what])


@attack("slots", TOLD, (1 << 30, 1 << 34, 1 << 40, (1 << 40) + 1))
def slots_sparse(hand, length):
    """SLOTS as a sparse file of a gigabyte and more."""
    os.truncate(hand.path("SLOTS"), length)


# HEADER. Its unkeyed sum anybody can make.

HEADER_FIELDS = {
    "magic": ("8s", 0), "format": ("H", 8), "lowest format": ("H", 10), "reserved": ("I", 12),
    "page number": ("Q", 16), "vault id": ("16s", 24), "derivation": ("B", 40),
    "reserved too": ("7s", 41), "operations": ("Q", 48), "memory": ("Q", 56), "salt": ("16s", 64),
    "commitment": ("32s", 80), "current term": ("I", 112), "terms": ("I", 116),
    "term's number": ("I", 120), "term's nonce": ("24s", 128), "term's keys": ("160s", 152),
    "mac": ("32s", 4032)}
LARGEST = {"H": 0xFFFF, "I": 0xFFFFFFFF, "Q": (1 << 64) - 1, "B": 255}


def summed(page):
    return page[:4064] + form.plain_hash(page[:4064])


def header_changes():
    for field, (shape, _) in HEADER_FIELDS.items():
        if shape.endswith("s"):
            yield field, "random"
        else:
            yield from ((field, value) for value in (0, 1, 2, 3, 255, LARGEST[shape])
                        if value <= LARGEST[shape])


def header_altered(hand, which, field, value):
    shape, at = HEADER_FIELDS[field]
    for page in (0, 1):
        if which not in ("both", page):
            continue
        old = hand.read("HEADER")[4096 * page:4096 * (page + 1)]
        new = hand.bytes(struct.calcsize(shape)) if value == "random" else value
        changed = bytearray(old)
        struct.pack_into("<" + shape, changed, at, new)
        if bytes(changed) == old:
            changed[at] ^= 0x40
        hand.patch("HEADER", 4096 * page, summed(bytes(changed)))


@attack("header", REFUSED, tuple(header_changes()))
def header_field_altered(hand, field, value):
    """A field of both pages of HEADER, each with a sum that holds."""
    header_altered(hand, "both", field, value)


@attack("header", NOTICED, tuple((page, *change) for page in (0, 1) for change in header_changes()))
def header_page_altered(hand, page, field, value):
    """A field of one of the pages, with a sum that holds."""
    header_altered(hand, page, field, value)


@attack("header", HARMLESS, product((0, 1), ("zeros", "random", "bit", "sum")))
def header_page_damaged(hand, page, how):
    """One page without a sum that holds: what a power cut leaves. The other one serves."""
    old = hand.read("HEADER")[4096 * page:4096 * (page + 1)]
    hand.patch("HEADER", 4096 * page, {
        "zeros": bytes(4096), "random": hand.bytes(4096), "bit": flipped(old, 100),
        "sum": flipped(old, 4095)}[how])


@attack("header", REFUSED, ("zeros", "random", "bit"))
def header_pages_damaged(hand, how):
    """Both pages damaged."""
    for page in (0, 1):
        header_page_damaged(hand, page, how)


@attack("header", NOTICED, ("swapped", "first twice", "second twice"))
def header_pages_moved(hand, how):
    """Pages in each other's place, or one of them in both."""
    old = hand.read("HEADER")
    first, second = old[:4096], old[4096:]
    hand.write("HEADER", {"swapped": second + first, "first twice": first * 2,
                          "second twice": second * 2}[how])


@attack("header", NOTICED, product((0, 1), (0, 1), ("now", "stranger")),
        bases=("rotated",))
def header_pages_mixed(hand, to, page, copy):
    """A page of the day before the vault key was changed, or of another vault."""
    old = hand.copies.file(copy, "HEADER")[4096 * page:4096 * (page + 1)]
    hand.patch("HEADER", 4096 * to, old)


@attack("header", REFUSED, (0, 1, 120, 4095, 4096, 4097, 8191, 8193, 12288, 1 << 20, 1 << 40),
        {(4096,): NOTICED, (4097,): NOTICED, (8191,): NOTICED, (8193,): NOTICED,
         (12288,): NOTICED, (1 << 20,): NOTICED, (1 << 40,): NOTICED, (4095,): REFUSED})
def header_of_length(hand, length):
    """HEADER cut or stretched, also sparse."""
    os.truncate(hand.path("HEADER"), length)


# What is no file of the vault's.

KINDS = ("nothing", "empty", "directory", "fifo", "socket", "zero device", "link to it",
         "link to a zero device", "link to nothing", "link to a canary", "hard link")
HARD = {(name, "hard link"): NOTICED for name in ("HEADER", "SLOTS", "db/data.mdb", "LOCK")}


@attack("files", REFUSED, product(("HEADER", "SLOTS", "db/data.mdb"), KINDS), HARD)
def file_replaced(hand, name, kind):
    """A FIFO, a device, a directory, a link, or nothing in place of a file."""
    hand.replace(name, kind)


@attack("files", NOTICED, product(("LOCK", "db/lock.mdb", "control"), KINDS))
def helper_replaced(hand, name, kind):
    """The same in place of LOCK, of LMDB's lock file and of the control socket."""
    hand.replace(name, kind)


@attack("files", NOTICED, tuple(
    case for case in product(("LOCK", "db/lock.mdb", "control", "SLOTS", "db/data.mdb", "HEADER"),
                             ("HEADER", "SLOTS", "db/data.mdb", "LOCK"),
                             ("hard link", "symbolic link")) if case[0] != case[1]))
def two_names_of_a_file(hand, name, other, how):
    """A link to another of the vault's files: what is written to the one destroys the other."""
    hand.remove(name)
    if how == "hard link":
        os.link(hand.path(other), hand.path(name))
    else:
        os.symlink(hand.path(other), hand.path(name))


@attack("files", REFUSED, product(("nothing", "empty", "fifo", "directory", "link to it")))
def folder_replaced(hand, kind):
    """Something else in place of db/."""
    hand.replace("db", kind)


@attack("files", NOTICED, product(("", "HEADER", "SLOTS", "db", "db/data.mdb", "LOCK"),
                                  (0o000, 0o400, 0o644, 0o666, 0o755, 0o777, 0o4600)))
def mode_altered(hand, name, mode):
    """Other modes than 0700 and 0600."""
    os.chmod(hand.path(name), mode)


@attack("files", NOTICED, product((0, 1, 100, 4096, 1 << 20), ("zeros", "random")))
def lock_table_forged(hand, length, how):
    """LMDB's lock file with anything in it."""
    hand.write("db/lock.mdb", bytes(length) if how == "zeros" else hand.bytes(length))


@attack("files", NOTICED, ("HEADER.tmp", "SLOTS.tmp", "HEADER.new", "db/data.mdb.tmp", ".tmp",
                           "db/data.mdb-journal"))
def strange_file(hand, name):
    """A FIFO under a name that a program may use for something."""
    hand.replace(name, "fifo")


# What LMDB keeps of databases, and its pages.


@attack("databases", TOLD, product(("records", "meta", "flows", "events"), ("dropped", "emptied")),
        {("flows", "emptied"): NOTICED, ("events", "emptied"): NOTICED,
         ("flows", "dropped"): NOTICED, ("events", "dropped"): NOTICED})
def database_lost(hand, name, how):
    """A whole database dropped or emptied."""
    with hand.edit() as store:
        store.transaction.drop(store.databases[name], delete=how == "dropped")


@attack("databases", TOLD, product(
    ("records", "meta", "flows", "events"),
    (pages.REVERSE_KEY, pages.DUPLICATES, pages.INTEGER_KEY,
     pages.DUPLICATES | pages.DUPLICATES_FIXED, 0x7F, 0x8000)),
        {("events", 0x8000): NOTICED})
def database_flags(hand, name, flags):
    """Flags of a database: keys compared backwards are not found, though a scan sees them all."""
    with hand.pages() as page:
        page.put("H", page.database(name) + pages.DB_FLAGS, flags)


# Events are in no sum: what is left of them is shown, or the command fails.
@attack("pages", TOLD, product(
    ("records", "meta", "events"),
    (("root", 0), ("root", 1), ("root", 2), ("root", 10**6), ("root", pages.NO_PAGE),
     ("entries", 0), ("entries", 1), ("entries", 1 << 60), ("depth", 0), ("depth", 1),
     ("depth", 9), ("depth", 0xFFFF), ("leaves", 0), ("leaves", 1 << 60), ("branches", 77),
     ("overflows", 1 << 40))),
    {**{(name, ("root", 10**6)): REFUSED for name in ("records", "meta")},
     **{(name, change): NOTICED for name in ("records", "meta", "events")
        for change in (("entries", 0), ("entries", 1), ("entries", 1 << 60), ("depth", 0),
                       ("depth", 1), ("depth", 9), ("depth", 0xFFFF), ("leaves", 0),
                       ("leaves", 1 << 60), ("branches", 77), ("overflows", 1 << 40))},
     **{("events", ("root", page)): NOTICED for page in (0, 1, 2, 10**6, pages.NO_PAGE)}})
def database_description(hand, name, change):
    """A field of what describes a database in LMDB's main tree."""
    field, value = change
    at = {"root": pages.DB_ROOT, "entries": pages.DB_ENTRIES, "depth": pages.DB_DEPTH,
          "leaves": pages.DB_LEAVES, "branches": pages.DB_BRANCHES,
          "overflows": pages.DB_OVERFLOWS}[field]
    with hand.pages() as page:
        at += page.database(name)
        shape = "H" if field == "depth" else "Q"
        if (page.u16(at) if shape == "H" else page.u64(at)) == value:
            value += 1
        page.put(shape, at, value)


@attack("databases", TOLD, product(("records", "events"), ("first", "last", "reversed")),
        {("events", how): NOTICED for how in ("first", "last", "reversed")})
def keys_out_of_order(hand, name, how):
    """Nodes of a leaf in another order: a scan sees them all, and a search misses some."""
    with hand.pages() as page:
        leaf = page.leaves(page.root(name))[0]
        at = leaf * pages.PAGE + pages.HEAD
        count = len(page.nodes(leaf))
        order = [page.u16(at + 2 * i) for i in range(count)]
        if how == "reversed":
            order.reverse()
        else:
            i = 0 if how == "first" else count - 2
            order[i], order[i + 1] = order[i + 1], order[i]
        page.put(f"{count}H", at, *order)


@attack("pages", TOLD, product(("records", "events"), ("doubled", "dropped")),
        {("events", how): NOTICED for how in ("doubled", "dropped")})
def nodes_of_a_leaf(hand, name, how):
    """A node that is listed twice, or no more, without LMDB's counts being changed."""
    with hand.pages() as page:
        base = page.leaves(page.root(name))[0] * pages.PAGE
        if how == "doubled":
            page.put("H", base + pages.HEAD + 2, page.u16(base + pages.HEAD))
        else:
            page.put("H", base + 12, page.u16(base + 12) - 2)


@attack("databases", TOLD, product(("records", "events"), ("low", "high", "same child")),
        {("events", how): NOTICED for how in ("low", "high", "same child")})
def branch_misleads(hand, name, how):
    """A branch page's separator moved, so that a search goes into the wrong leaf."""
    with hand.pages() as page:
        root = page.root(name)
        if page.is_leaf(root):
            keys_out_of_order(hand, name, "first")
            return
        nodes = page.nodes(root)
        last = nodes[-1]
        size = page.key_size(last)
        if how == "same child":
            page.raw[last:last + 6] = page.raw[nodes[0]:nodes[0] + 6]
        else:
            page.raw[last + 8:last + 8 + size] = (b"\0" if how == "low" else b"\xff") * size


@attack("pages", NOTICED, ("records", "meta", "all"))
def pages_in_use_called_free(hand, name):
    """LMDB's list of free pages names those in use: the next commit would overwrite them."""
    with hand.pages() as page:
        used = page.leaves(page.root("records" if name == "all" else name))
        for at in page.free_lists():
            count = page.u64(at)
            for i, number in zip(range(count), itertools.cycle(used)):
                page.put("Q", at + 8 + 8 * i, number)


@attack("pages", NOTICED, (0, 1, 2, 5, 20, 10**4, 10**6, 1 << 40, (1 << 52) - 1, (1 << 64) - 1))
def last_page_number(hand, value):
    """The number of the last page: too low, and new pages overwrite those in use; too high, and
    the file grows to terabytes."""
    with hand.pages() as page:
        page.put("Q", page.meta + pages.META_LAST_PAGE, value)


@attack("pages", NOTICED, ((1 << 64) - 1, (1 << 64) - 2, 1 << 63, (1 << 63) - 1, 1 << 40))
def transaction_number(hand, value):
    """The newest transaction's number near its end: what comes after it would be lost."""
    with hand.pages() as page:
        newest = page.newest
        page.put("Q", newest * pages.PAGE + pages.META_TRANSACTION, value)


@attack("pages", NOTICED, ((1 << 64) - 1,))
def transaction_numbers(hand, value):
    """Both transactions' numbers at their end: the next commit's is 0, and it is lost."""
    with hand.pages() as page:
        newest = page.newest
        page.put("Q", newest * pages.PAGE + pages.META_TRANSACTION, value)
        page.put("Q", (1 - newest) * pages.PAGE + pages.META_TRANSACTION, value - 1)


@attack("pages", NOTICED, product(("map size", "page size", "free flags", "free root"),
                                      (0, 1, 4096, 8192, 32768, 65535)))
def meta_page_altered(hand, field, value):
    """Sizes that LMDB takes from its meta page."""
    with hand.pages() as page:
        at = page.meta
        if field == "map size":
            page.put("Q", at + pages.META_MAPSIZE, value)
        elif field == "page size":
            page.put("I", at + pages.META_PAGE_SIZE, value)
        elif field == "free flags":
            page.put("H", at + pages.META_FREE + pages.DB_FLAGS, value)
        else:
            page.put("Q", at + pages.META_FREE + pages.DB_ROOT, value)


@attack("pages", REFUSED, product((0, 1, 4095, 4096, 8191, 8192, 12288, "half", "less a page")),
        {("half",): NOTICED, ("less a page",): NOTICED})
def store_cut(hand, length):
    """data.mdb truncated."""
    size = os.path.getsize(hand.path("db/data.mdb"))
    length = {"half": size // 2, "less a page": size - pages.PAGE}.get(length, length)
    os.truncate(hand.path("db/data.mdb"), length)


@attack("pages", NOTICED, (1, 4095, 4096, 1 << 20, 1 << 40))
def store_stretched(hand, more):
    """data.mdb with zeros behind its end, also sparse."""
    os.truncate(hand.path("db/data.mdb"), os.path.getsize(hand.path("db/data.mdb")) + more)


@attack("pages", NOTICED, tuple(range(40)))
def page_bits(hand, seed):
    """A few bits anywhere in the first bytes of pages of LMDB."""
    dice = random.Random(seed)
    with hand.pages() as page:
        for _ in range(dice.randrange(1, 4)):
            number = dice.randrange(len(page.raw) // pages.PAGE)
            page.raw[number * pages.PAGE + dice.randrange(64)] ^= 1 << dice.randrange(8)


# What was seen to succeed first, each with the command that did the harm.
SEEN = (
    ("old fence and record put back", "fence-put-back", ("eve", "fence+record"), "now", "list"),
    ("the same of an old life of the same id", "fence-put-back", ("hugo", "fence+record"), "now",
     "list"),
    ("data.mdb of the middle of a disconnect", "store-put-back", ("eve-fenced",), "now", "list"),
    ("data.mdb of the first day", "store-put-back", ("empty",), "now", "list"),
    ("data.mdb of yesterday", "store-put-back", ("late",), "now", "list"),
    ("data.mdb of yesterday, then a connect", "store-put-back", ("late",), "now", "connect nora"),
    ("an application's record names a connection's slot", "record-names-another-slot",
     ("spare", "anna"), "now", "remove spare"),
    ("a connection's record names another's slot", "record-names-another-slot", ("dora", "anna"),
     "now", "disconnect dora"),
    ("a slot number far outside", "record-names-another-slot", ("spare", 0xFFFFFF00), "now",
     "remove spare"),
    ("a slot number a little outside", "record-names-another-slot", ("spare", 0xFFFFF), "now",
     "remove spare"),
    ("a connection's kind byte flipped", "record-header-altered", ("dora", ("type", 2)), "now",
     "disconnect dora"),
    ("an application's kind byte flipped", "record-header-altered", ("spare", ("type", 1)), "now",
     "remove spare"),
    ("an old token replayed", "record-replayed", ("ben", "ben-old"), "now", "token ben"),
    ("a connection brought back", "record-and-slot-brought-back", (("eve", "eve-live"), False),
     "now", "list"),
    ("the same where her slot is free", "record-and-slot-brought-back",
     (("zoe", "zoe-live"), False), "now", "token zoe"),
    ("a deleted record", "record-deleted", ("anna",), "now", "token anna"),
    ("a write beside damage", "record-replayed", ("ben", "ben-old"), "now", "disconnect dora"),
    ("a request beside damage", "record-replayed", ("ben", "ben-old"), "now", "refresh emil"),
    ("a key of length 0 in meta", "empty-key", ("meta",), "now", "list"),
    ("a key of length 0 in records", "empty-key", ("records",), "now", "list"),
    ("a short key in records", "record-key-of-length", (1, "anna"), "now", "list"),
    ("a record of a few bytes", "record-of-length", ("anna", 3), "now", "list"),
    ("slot state 2", "slot-header-altered", ("anna", ("state", 2)), "now", "list"),
    ("keys compared backwards", "database-flags", ("records", pages.REVERSE_KEY), "now",
     "token ben"),
    ("keys out of order", "keys-out-of-order", ("records", "reversed"), "now", "token anna"),
    ("the log emptied", "database-lost", ("events", "emptied"), "now", "log anna"),
    ("a branch that misleads", "branch-misleads", ("records", "high"), "now", "token anna"),
)
