// SPDX-License-Identifier: Apache-2.0
#include "sealed_store.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static MDB_env *environment;
static MDB_dbi records;
static MDB_txn *transaction;
static uint8_t data_key[32], name_key[32];

static void blind(int connection, uint8_t key[32]) {
    crypto_generichash(
        key, 32, (const uint8_t *)&connection, sizeof connection, name_key, sizeof name_key);
}

void sealed_store_begin(void) {
    require(mdb_txn_begin(environment, NULL, 0, &transaction) == 0, "a transaction");
}

void sealed_store_put(int connection, uint8_t value[VALUE_BYTES]) {
    uint8_t key[32];
    blind(connection, key);
    MDB_val entry = {sizeof key, key}, bytes = {VALUE_BYTES, value};
    require(mdb_put(transaction, records, &entry, &bytes, 0) == 0, "a put");
}

void sealed_store_remove(int connection) {
    uint8_t key[32];
    blind(connection, key);
    MDB_val entry = {sizeof key, key};
    require(mdb_del(transaction, records, &entry, NULL) == 0, "a removal");
}

void sealed_store_commit(void) { require(mdb_txn_commit(transaction) == 0, "a commit"); }

void sealed_store_seal(const uint8_t plaintext[PLAINTEXT_BYTES], uint8_t value[VALUE_BYTES]) {
    uint8_t associated[80] = "tkv1recd";
    memcpy(value, associated, 24);
    randombytes_buf(value + 24, 24);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        value + 48, NULL, plaintext, PLAINTEXT_BYTES, associated, sizeof associated, NULL,
        value + 24, data_key);
}

void sealed_store_open(const char *home, int count) {
    require(sodium_init() >= 0, "libsodium does not initialise");
    char path[4096];
    snprintf(path, sizeof path, "%s/floor", home);
    mkdir(path, 0700);
    require(mdb_env_create(&environment) == 0, "LMDB");
    mdb_env_set_mapsize(environment, (size_t)16 << 30);
    int result = mdb_env_open(environment, path, MDB_NOTLS, 0600);
    require(result == 0, mdb_strerror(result));
    sealed_store_begin();
    require(mdb_dbi_open(transaction, NULL, 0, &records) == 0, "a database");
    MDB_stat statistics;
    mdb_stat(transaction, records, &statistics);
    sealed_store_commit();
    if (statistics.ms_entries >= (size_t)count) return;
    uint8_t value[VALUE_BYTES] = {0};
    for (int first = 0; first < count; first += COMMIT_COUNT) {
        sealed_store_begin();
        for (int index = first; index < count && index < first + COMMIT_COUNT; index++)
            sealed_store_put(index, value);
        sealed_store_commit();
    }
}
