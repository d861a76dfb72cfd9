# SPDX-License-Identifier: Apache-2.0
"""What somebody learns of a vault who has its files and no key, after the documents alone.

    disk_observer.py DIRECTORY

Prints one JSON object: what stands in the clear. `records` by their blinded key, `fences`, and the
numbers of flows, events and batches; and of SLOTS, which slots are taken, and for which key.
"""

import argparse
import json
import os
import struct

import lmdb

import vault_format as form


def entries(store, name):
    database = store.open_db(name, create=False)
    with store.begin(db=database) as transaction:
        return [(bytes(key), bytes(value)) for key, value in transaction.cursor()]


def clear(record):
    return {"type": form.TYPE_NAMES.get(record.type), "bytes": len(record.raw),
            "slot": record.slot, "term": record.term, "generation": record.generation}


def slots(directory):
    with open(os.path.join(directory, "SLOTS"), "rb") as file:
        raw = file.read()
    taken = {}
    for number in range(len(raw) // form.SLOT_BYTES):
        window = raw[form.SLOT_BYTES * number:form.SLOT_BYTES * (number + 1)]
        if any(window):
            slot = form.parse_slot(window)
            taken[number] = {"record": slot.record_key.hex(), "generation": slot.generation}
    return taken


def observe(directory):
    path = os.path.join(directory, "db")
    with lmdb.open(path, readonly=True, lock=False, create=False, max_dbs=4) as store:
        records = {key.hex(): clear(form.parse_record(value))
                   for key, value in entries(store, b"records")}
        meta = entries(store, b"meta")
        flows = entries(store, b"flows")
        events = entries(store, b"events")
    return {
        "records": records,
        "fences": [key[1:].hex() for key, _ in meta if key[:1] == b"F"],
        "batches": [struct.unpack(">Q", key[1:])[0] for key, _ in meta if key[:1] == b"W"],
        "flows": len(flows),
        "events": [int.from_bytes(key, "big") for key, _ in events],
        "slots": slots(directory),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory")
    print(json.dumps(observe(parser.parse_args().directory), indent=2))


if __name__ == "__main__":
    main()
