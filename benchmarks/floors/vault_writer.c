// SPDX-License-Identifier: Apache-2.0
#include "vault_writer.h"
#include "memory_hygiene.h"

#include <endian.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NO_SLOT UINT32_MAX
#define NONCE_BYTES 24
#define NONCES_DRAWN 32
#define EVENTS_MAX 100000
#define BATCHES_MAX 64
#define SLOTS_PER_WRITE 32

enum { CONNECTION = 1, ROOT = 3, EVENT = 5, BATCH = 6, FENCE = 7 };

static struct vault vault;
static struct root root;
static MDB_txn *transaction;
static int slots_file;
// How many attempts of a batch have not ended.
static int attempts_left[BATCHES_MAX];
// Nonces drawn from the system many at a time, in the transaction that uses them.
static uint8_t nonces[NONCES_DRAWN][NONCE_BYTES];
static int nonces_used = NONCES_DRAWN;

int64_t unix_milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return time.tv_sec * INT64_C(1000) + time.tv_nsec / 1000000;
}

void vault_writer_open(const char *home) {
    vault_open(&vault, home, 1);
    MDB_txn *snapshot = vault_writer_snapshot();
    vault_open_root(&vault, snapshot, &root);
    mdb_txn_abort(snapshot);
    char path[4096];
    snprintf(path, sizeof path, "%s/vault/SLOTS", home);
    slots_file = open(path, O_RDWR);
    require(slots_file >= 0, path);
}

void *vault_writer_memory(size_t count) {
    int kind;
    void *memory = tv_arena_map((count + 4095) / 4096 * 4096, false, &kind);
    require(memory != NULL, "memory");
    return memory;
}

MDB_txn *vault_writer_snapshot(void) {
    MDB_txn *snapshot;
    int result = mdb_txn_begin(vault.environment, NULL, MDB_RDONLY, &snapshot);
    require(result == 0, mdb_strerror(result));
    return snapshot;
}

static uint64_t generation_of(const MDB_val *value) {
    uint64_t generation;
    memcpy(&generation, (const uint8_t *)value->mv_data + 16, sizeof generation);
    return generation;
}

void vault_writer_read(struct connection *connection, MDB_txn *reading) {
    char name[24];
    snprintf(name, sizeof name, "connection-%d", connection->number);
    vault_key(&vault, name, connection->key);
    MDB_val key = {32, connection->key}, value;
    int result = mdb_get(reading != NULL ? reading : transaction, vault.records, &key, &value);
    require(result == 0, "no such connection");
    require(value.mv_size <= FIELDS_MAX + OVERHEAD_BYTES, "a record that is too long");
    vault_data_key(&vault, connection->key, &value, connection->data_key);
    size_t count = vault_open_record(
        &vault, connection->key, &value, connection->data_key, connection->fields);
    while (count > 0 && connection->fields[count - 1] == 0) count--;
    require(count > 0 && connection->fields[count - 1] == 0x80, "a record without padding");
    connection->count = count - 1;
    connection->generation = generation_of(&value);
    memcpy(&connection->slot, (const uint8_t *)value.mv_data + 8, 4);
}

void vault_writer_change(struct connection *connection, const struct change *changes, int count) {
    uint8_t changed[FIELDS_MAX];
    size_t length =
        fields_change(connection->fields, connection->count, changes, count, changed);
    if (connection->count > length) sodium_memzero(connection->fields, connection->count);
    memcpy(connection->fields, changed, length);
    connection->count = length;
    sodium_memzero(changed, length);
}

void vault_writer_wipe(struct connection *connection) {
    sodium_memzero(connection->data_key, sizeof connection->data_key);
    sodium_memzero(connection->fields, connection->count);
}

void vault_writer_begin(void) {
    require(mdb_txn_begin(vault.environment, NULL, 0, &transaction) == 0, "a transaction");
    nonces_used = NONCES_DRAWN;
}

// Makes a value of `size` bytes in `value`, whose plaintext lies behind its header and nonce, and
// puts it.
static void seal_and_put(
    MDB_dbi database, MDB_val *key, uint8_t kind, uint32_t slot, uint64_t generation,
    const uint8_t seal_key[32], uint8_t *value, size_t size) {
    uint8_t header[24] = {1, 1, kind}, associated[ASSOCIATED_BYTES];
    memcpy(header + 4, &vault.term, 4);
    memcpy(header + 8, &slot, 4);
    memcpy(header + 16, &generation, 8);
    memcpy(value, header, sizeof header);
    if (nonces_used == NONCES_DRAWN) {
        randombytes_buf(nonces, sizeof nonces);
        nonces_used = 0;
    }
    memcpy(value + 24, nonces[nonces_used++], NONCE_BYTES);
    size_t count = vault_associate(&vault, key, value, associated);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        value + 48, NULL, value + 48, size - OVERHEAD_BYTES, associated, count, NULL, value + 24,
        seal_key);
    MDB_val bytes = {size, value};
    require(mdb_put(transaction, database, key, &bytes, 0) == 0, "a put");
}

// What has no padding and no slot.
static void put_plain(
    MDB_dbi database, MDB_val *key, uint8_t kind, uint64_t generation, const uint8_t seal_key[32],
    const void *plaintext, size_t count) {
    uint8_t value[OVERHEAD_BYTES + 8 + 40 * BATCH_MAX];
    require(count + OVERHEAD_BYTES <= sizeof value, "a plaintext that is too long");
    memcpy(value + 48, plaintext, count);
    seal_and_put(
        database, key, kind, NO_SLOT, generation, seal_key, value, count + OVERHEAD_BYTES);
}

void vault_writer_commit(void) {
    MDB_val key = {4, "ROOT"};
    put_plain(
        vault.meta, &key, ROOT, root.generation, vault.root_seal_key, &root, sizeof root);
    require(mdb_txn_commit(transaction) == 0, "a commit");
    tv_scrub_small();
}

static void put_record(struct connection *connection, size_t size) {
    uint8_t value[FIELDS_MAX + OVERHEAD_BYTES];
    require(connection->count + OVERHEAD_BYTES < size, "a record that grows");
    memcpy(value + 48, connection->fields, connection->count);
    value[48 + connection->count] = 0x80;
    memset(value + 49 + connection->count, 0, size - OVERHEAD_BYTES - 1 - connection->count);
    connection->generation = ++root.generation;
    MDB_val key = {32, connection->key}, bytes = {size, value};
    seal_and_put(
        vault.records, &key, CONNECTION, connection->slot, connection->generation,
        connection->data_key, value, size);
    vault_toggle(&vault, &key, &bytes, root.mac);
}

// Takes a record that is replaced or removed out of the store MAC. Returns the size of its value.
static size_t forget(const struct connection *connection) {
    MDB_val key = {32, (void *)connection->key}, old;
    require(mdb_get(transaction, vault.records, &key, &old) == 0, "no such connection");
    require(generation_of(&old) == connection->generation, "a record that somebody changed");
    vault_toggle(&vault, &key, &old, root.mac);
    return old.mv_size;
}

void vault_writer_put(struct connection *connection) {
    put_record(connection, forget(connection));
}

void vault_writer_event(const struct connection *connection, uint16_t code, int64_t number) {
    uint8_t plaintext[56] = {0};
    int64_t now = unix_milliseconds();
    memcpy(plaintext, &now, 8);
    memcpy(plaintext + 8, connection->key, 32);
    memcpy(plaintext + 40, &code, 2);
    memcpy(plaintext + 48, &number, 8);
    uint64_t event = root.event++, label = htobe64(event);
    MDB_val key = {sizeof label, &label};
    put_plain(
        vault.events, &key, EVENT, event, vault.event_seal_key, plaintext, sizeof plaintext);
    if (event <= EVENTS_MAX) return;
    label = htobe64(event - EVENTS_MAX);
    int result = mdb_del(transaction, vault.events, &key, NULL);
    require(result == 0 || result == MDB_NOTFOUND, "the oldest event");
}

static MDB_val batch_key(uint8_t label[9], uint64_t batch) {
    uint64_t digits = htobe64(batch);
    label[0] = 'W';
    memcpy(label + 1, &digits, sizeof digits);
    return (MDB_val){9, label};
}

void vault_writer_begin_batch(struct connection *const *attempts, int count) {
    uint8_t plaintext[8 + 40 * BATCH_MAX], label[9];
    int64_t now = unix_milliseconds();
    uint64_t batch = root.batch++;
    memcpy(plaintext, &now, 8);
    for (int index = 0; index < count; index++) {
        memcpy(plaintext + 8 + 40 * index, attempts[index]->key, 32);
        memcpy(plaintext + 40 + 40 * index, &attempts[index]->generation, 8);
        attempts[index]->batch = batch;
    }
    MDB_val key = batch_key(label, batch);
    put_plain(
        vault.meta, &key, BATCH, root.generation, vault.batch_seal_key, plaintext,
        8 + 40 * (size_t)count);
    require(attempts_left[batch % BATCHES_MAX] == 0, "too many batches");
    attempts_left[batch % BATCHES_MAX] = count;
}

void vault_writer_end_attempt(const struct connection *attempt) {
    if (--attempts_left[attempt->batch % BATCHES_MAX] > 0) return;
    uint8_t label[9];
    MDB_val key = batch_key(label, attempt->batch);
    require(mdb_del(transaction, vault.meta, &key, NULL) == 0, "no such batch");
}

static MDB_val fence_key(uint8_t label[33], const struct connection *connection) {
    label[0] = 'F';
    memcpy(label + 1, connection->key, 32);
    return (MDB_val){33, label};
}

void vault_writer_fence(const struct connection *connection) {
    uint8_t plaintext[16] = {0}, label[33];
    memcpy(plaintext, &connection->slot, 4);
    memcpy(plaintext + 8, &connection->generation, 8);
    MDB_val key = fence_key(label, connection);
    put_plain(
        vault.meta, &key, FENCE, root.generation, vault.batch_seal_key, plaintext,
        sizeof plaintext);
}

static int ascending(const void *left, const void *right) {
    uint32_t first = *(const uint32_t *)left, second = *(const uint32_t *)right;
    return (first > second) - (first < second);
}

// Neighbours by one call.
static void overwrite(const uint32_t *numbers, int count, const uint8_t *bytes) {
    for (int first = 0, end; first < count; first = end) {
        for (end = first + 1; end < count && end - first < SLOTS_PER_WRITE &&
                              numbers[end] == numbers[end - 1] + 1;)
            end++;
        size_t length = (size_t)(end - first) * SLOT_BYTES;
        off_t offset = (off_t)numbers[first] * SLOT_BYTES;
        require(pwrite(slots_file, bytes, length, offset) == (ssize_t)length, "a slot");
    }
    vault_writer_sync_slots();
}

void vault_writer_erase_slots(struct connection *const *connections, int count) {
    uint8_t random[SLOTS_PER_WRITE * SLOT_BYTES], zeros[sizeof random] = {0};
    uint32_t *numbers = calloc((size_t)count, sizeof *numbers);
    require(numbers != NULL, "memory");
    for (int index = 0; index < count; index++) numbers[index] = connections[index]->slot;
    qsort(numbers, (size_t)count, sizeof *numbers, ascending);
    randombytes_buf(random, sizeof random);
    overwrite(numbers, count, random);
    overwrite(numbers, count, zeros);
    free(numbers);
}

void vault_writer_remove(const struct connection *connection) {
    uint8_t label[33];
    forget(connection);
    root.count--;
    MDB_val key = {32, (void *)connection->key}, fence = fence_key(label, connection);
    require(mdb_del(transaction, vault.records, &key, NULL) == 0, "a removal");
    require(mdb_del(transaction, vault.meta, &fence, NULL) == 0, "a fence");
}

void vault_writer_insert(struct connection *connection) {
    uint8_t slot[SLOT_BYTES] = {1, 1, 1}, associated[SLOT_ASSOCIATED_BYTES];
    uint64_t life = root.generation + 1;
    randombytes_buf(connection->data_key, sizeof connection->data_key);
    memcpy(slot + 4, &vault.term, 4);
    memcpy(slot + 8, &life, 8);
    memcpy(slot + 16, connection->key, 32);
    randombytes_buf(slot + 48, NONCE_BYTES);
    vault_associate_slot(&vault, connection->slot, slot, associated);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        slot + 72, NULL, connection->data_key, 32, associated, sizeof associated, NULL, slot + 48,
        vault.slot_key);
    off_t offset = (off_t)connection->slot * SLOT_BYTES;
    require(pwrite(slots_file, slot, sizeof slot, offset) == sizeof slot, "a slot");
    put_record(connection, VALUE_BYTES);
    root.count++;
}

void vault_writer_sync_slots(void) { require(fdatasync(slots_file) == 0, "a sync"); }
