// SPDX-License-Identifier: Apache-2.0
// What the floors with the library's promises share: a writer of a vault that the library made, by
// nothing but RecordFormat. The library opens the vault afterwards and verifies it: ROOT, the store
// MAC, every slot and every record. Whatever held plaintext is wiped.
#pragma once
#include "fields.h"
#include "floor.h"

#define BATCH_MAX 256

// A record that has opened. `number` and `key` say whose it is.
struct connection {
    int number;
    uint8_t key[32];
    uint32_t slot;
    uint64_t generation;
    // The batch that its attempt is recorded in.
    uint64_t batch;
    uint8_t data_key[32];
    size_t count;
    uint8_t fields[FIELDS_MAX];
};

// Opens the vault in `home`, and locks it.
void vault_writer_open(const char *home);

// Locked memory for so many bytes, which no core file has.
void *vault_writer_memory(size_t count);

// A transaction that reads, for any thread; to be renewed and reset.
MDB_txn *vault_writer_snapshot(void);
// Opens the record of `connection->number` in a transaction, the one that writes where it is NULL.
void vault_writer_read(struct connection *connection, MDB_txn *transaction);
// Changes its fields in memory.
void vault_writer_change(struct connection *connection, const struct change *changes, int count);
void vault_writer_wipe(struct connection *connection);

// Begin, what follows as often as wanted, commit: one transaction at a time, and ROOT at its end.
void vault_writer_begin(void);
void vault_writer_commit(void);
// Seals a record and puts it over the one that it was read from; ends the process where another has
// taken its place.
void vault_writer_put(struct connection *connection);
void vault_writer_event(const struct connection *connection, uint16_t code, int64_t number);
// Records attempts; their record goes with the last of them.
void vault_writer_begin_batch(struct connection *const *attempts, int count);
void vault_writer_end_attempt(const struct connection *attempt);

// The end of a record, in this order: its fence, its slot overwritten twice, its removal. The slots
// are synced here, so that all of a group have to be overwritten at once.
void vault_writer_fence(const struct connection *connection);
void vault_writer_erase_slots(struct connection *const *connections, int count);
void vault_writer_remove(const struct connection *connection);
// Puts a record that was removed back, with a new data key in its old slot; durable after a sync.
void vault_writer_insert(struct connection *connection);
void vault_writer_sync_slots(void);

// Milliseconds since 1970.
int64_t unix_milliseconds(void);
