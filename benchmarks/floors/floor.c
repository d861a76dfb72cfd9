// SPDX-License-Identifier: Apache-2.0
#include "floor.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PAGE_BYTES 4096

void require(int condition, const char *what) {
    if (condition) return;
    fprintf(stderr, "floor: %s\n", what);
    exit(1);
}

static int64_t nanoseconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

struct stopwatch stopwatch_start(void) {
    return (struct stopwatch){nanoseconds(CLOCK_PROCESS_CPUTIME_ID), nanoseconds(CLOCK_MONOTONIC)};
}

void stopwatch_print(struct stopwatch since, int64_t operations) {
    struct stopwatch now = stopwatch_start();
    printf(
        "%.1f %.1f\n", (double)(now.cpu - since.cpu) / (double)operations,
        (double)(now.wall - since.wall) / (double)operations);
}

int *shuffled_numbers(int count) {
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    int *numbers = malloc(sizeof *numbers * (size_t)count);
    require(numbers != NULL, "memory");
    for (int index = 0; index < count; index++) numbers[index] = index;
    for (int last = count - 1; last > 0; last--) {
        int other = (int)(next_random(&state) % (uint64_t)(last + 1)), held = numbers[last];
        numbers[last] = numbers[other];
        numbers[other] = held;
    }
    return numbers;
}

static uint32_t integer32(const uint8_t *bytes) {
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static uint64_t integer64(const uint8_t *bytes) {
    uint64_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static size_t read_file(const char *home, const char *name, uint8_t *bytes, size_t room) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", home, name);
    FILE *file = fopen(path, "rb");
    require(file != NULL, path);
    size_t count = fread(bytes, 1, room, file);
    fclose(file);
    return count;
}

// An intact page is one whose unkeyed sum holds.
static int page_is_intact(const uint8_t *page) {
    uint8_t sum[32];
    crypto_generichash(sum, sizeof sum, page, 4064, NULL, 0);
    return memcmp(page, "TKVAULT1", 8) == 0 && memcmp(sum, page + 4064, 32) == 0;
}

// HEADER: the intact page with the higher number; the keys of its current term, unwrapped.
static void unwrap(struct vault *vault, const uint8_t *root_key, const uint8_t *header) {
    const uint8_t *page = NULL;
    for (int index = 0; index < 2; index++) {
        const uint8_t *candidate = header + index * PAGE_BYTES;
        if (!page_is_intact(candidate)) continue;
        if (page == NULL || integer64(candidate + 16) > integer64(page + 16)) page = candidate;
    }
    require(page != NULL, "no page of HEADER is intact");
    uint8_t wrap_key[32], derived[32], keys[160];
    crypto_kdf_derive_from_key(wrap_key, 32, 1, "tkv1wrap", root_key);
    crypto_kdf_derive_from_key(derived, 32, 2, "tkv1comt", root_key);
    require(page[40] == 0 && memcmp(derived, page + 80, 32) == 0, "not the root key");
    crypto_generichash(derived, sizeof derived, page, 4032, wrap_key, sizeof wrap_key);
    require(memcmp(derived, page + 4032, 32) == 0, "the MAC of HEADER does not hold");
    memcpy(vault->id, page + 24, 16);
    vault->term = integer32(page + 112);
    const uint8_t *term = page + 120;
    for (uint32_t left = integer32(page + 116); integer32(term) != vault->term; term += 256)
        require(--left > 0, "HEADER lacks its current term");
    uint8_t associated[28] = "tkv1term";
    memcpy(associated + 8, vault->id, 16);
    memcpy(associated + 24, term, 4);
    int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
        keys, NULL, NULL, term + 32, 176, associated, sizeof associated, term + 8, wrap_key);
    require(!failed, "the keys of the term do not open");
    crypto_kdf_derive_from_key(vault->slot_key, 32, 1, "tkv1slot", keys);
    memcpy(vault->blinding_key, keys + 32, 32);
    memcpy(vault->store_mac_key, keys + 64, 32);
    crypto_kdf_derive_from_key(vault->root_seal_key, 32, 1, "tkv1root", keys + 64);
    crypto_kdf_derive_from_key(vault->event_seal_key, 32, 1, "tkv1evnt", keys + 96);
    crypto_kdf_derive_from_key(vault->batch_seal_key, 32, 2, "tkv1wave", keys + 96);
}

static void open_database(struct vault *vault, const char *home, int writes) {
    char path[4096];
    snprintf(path, sizeof path, "%s/vault/db", home);
    require(mdb_env_create(&vault->environment) == 0, "LMDB");
    mdb_env_set_maxdbs(vault->environment, 8);
    if (writes) mdb_env_set_mapsize(vault->environment, (size_t)16 << 30);
    unsigned flags = writes ? MDB_NOTLS : MDB_RDONLY | MDB_NOTLS;
    int result = mdb_env_open(vault->environment, path, flags, 0600);
    require(result == 0, mdb_strerror(result));
    MDB_txn *transaction;
    require(mdb_txn_begin(vault->environment, NULL, MDB_RDONLY, &transaction) == 0, "a snapshot");
    require(mdb_dbi_open(transaction, "records", 0, &vault->records) == 0, "records");
    require(mdb_dbi_open(transaction, "meta", 0, &vault->meta) == 0, "meta");
    require(mdb_dbi_open(transaction, "events", 0, &vault->events) == 0, "events");
    require(mdb_txn_commit(transaction) == 0, "records");
}

void vault_open(struct vault *vault, const char *home, int writes) {
    require(sodium_init() >= 0, "libsodium does not initialise");
    uint8_t root_key[33], header[2 * PAGE_BYTES];
    require(read_file(home, "root.key", root_key, sizeof root_key) == 32, "root.key: 32 bytes");
    require(read_file(home, "vault/HEADER", header, sizeof header) == sizeof header, "HEADER");
    unwrap(vault, root_key, header);

    char path[4096];
    snprintf(path, sizeof path, "%s/vault/LOCK", home);
    // Held until the process ends.
    int lock = open(path, O_RDONLY);
    require(lock >= 0 && flock(lock, (writes ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0, path);
    snprintf(path, sizeof path, "%s/vault/SLOTS", home);
    int file = open(path, O_RDONLY);
    struct stat status;
    require(file >= 0 && fstat(file, &status) == 0, "SLOTS");
    vault->slot_count = (size_t)status.st_size / SLOT_BYTES;
    void *slots = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, file, 0);
    require(slots != MAP_FAILED, "SLOTS cannot be mapped");
    vault->slots = slots;
    close(file);

    open_database(vault, home, writes);
}

void vault_key(const struct vault *vault, const char *connection, uint8_t key[32]) {
    uint8_t part[256] = {1};
    size_t count = strnlen(connection, sizeof part - 1);
    memcpy(part + 1, connection, count);
    crypto_generichash(key, 32, part, count + 1, vault->blinding_key, 32);
}

void vault_associate_slot(
    const struct vault *vault, uint32_t number, const uint8_t slot[SLOT_BYTES],
    uint8_t associated[SLOT_ASSOCIATED_BYTES]) {
    memcpy(associated, "tkv1slot", 8);
    memcpy(associated + 8, vault->id, 16);
    memcpy(associated + 24, &number, 4);
    memcpy(associated + 28, slot, 48);
}

size_t vault_associate(
    const struct vault *vault, const MDB_val *key, const uint8_t header[24],
    uint8_t associated[ASSOCIATED_BYTES]) {
    memcpy(associated, "tkv1recd", 8);
    memcpy(associated + 8, vault->id, 16);
    memcpy(associated + 24, key->mv_data, key->mv_size);
    memcpy(associated + 24 + key->mv_size, header, 24);
    return 48 + key->mv_size;
}

void vault_data_key(
    const struct vault *vault, const uint8_t key[32], const MDB_val *value, uint8_t data_key[32]) {
    const uint8_t *record = value->mv_data;
    require(value->mv_size >= OVERHEAD_BYTES, "a value that is too short");
    require(record[0] == 1 && record[1] == 1, "no record of this format");
    require(record[2] == 1 || record[2] == 2, "neither a connection nor an application");
    uint32_t number = integer32(record + 8);
    require(number < vault->slot_count, "no such slot");
    const uint8_t *slot = vault->slots + (size_t)number * SLOT_BYTES;
    require(memcmp(slot + 16, key, 32) == 0, "a slot of another record");
    require(integer32(slot + 4) == vault->term, "a slot of another term");
    uint8_t associated[SLOT_ASSOCIATED_BYTES];
    vault_associate_slot(vault, number, slot, associated);
    int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
        data_key, NULL, NULL, slot + 72, 48, associated, sizeof associated, slot + 48,
        vault->slot_key);
    require(!failed, "a slot does not open");
}

static size_t open_sealed(
    const struct vault *vault, const MDB_val *key, const MDB_val *value,
    const uint8_t seal_key[32], uint8_t *plaintext) {
    const uint8_t *record = value->mv_data;
    uint8_t associated[ASSOCIATED_BYTES];
    size_t count = vault_associate(vault, key, record, associated);
    int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
        plaintext, NULL, NULL, record + 48, value->mv_size - 48, associated, count, record + 24,
        seal_key);
    require(!failed, "a record does not open");
    return value->mv_size - OVERHEAD_BYTES;
}

size_t vault_open_record(
    const struct vault *vault, const uint8_t key[32], const MDB_val *value,
    const uint8_t data_key[32], uint8_t *plaintext) {
    MDB_val entry = {32, (void *)key};
    return open_sealed(vault, &entry, value, data_key, plaintext);
}

size_t vault_open_value(
    const struct vault *vault, const uint8_t key[32], const MDB_val *value, uint8_t *plaintext) {
    uint8_t data_key[32];
    vault_data_key(vault, key, value, data_key);
    return vault_open_record(vault, key, value, data_key, plaintext);
}

void vault_open_root(const struct vault *vault, MDB_txn *transaction, struct root *root) {
    MDB_val entry = {4, "ROOT"}, value;
    require(mdb_get(transaction, vault->meta, &entry, &value) == 0, "no ROOT");
    require(value.mv_size == sizeof *root + OVERHEAD_BYTES, "a ROOT of another size");
    open_sealed(vault, &entry, &value, vault->root_seal_key, (uint8_t *)root);
}

void vault_toggle(
    const struct vault *vault, const MDB_val *key, const MDB_val *value, uint8_t mac[32]) {
    const uint8_t *record = value->mv_data;
    uint8_t part[32 + 8 + 16], element[32];
    memcpy(part, key->mv_data, 32);
    memcpy(part + 32, record + 16, 8);
    memcpy(part + 40, record + value->mv_size - 16, 16);
    crypto_generichash(
        element, sizeof element, part, sizeof part, vault->store_mac_key,
        sizeof vault->store_mac_key);
    for (size_t index = 0; index < sizeof element; index++) mac[index] ^= element[index];
}
