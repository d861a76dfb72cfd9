// SPDX-License-Identifier: Apache-2.0
// The floor of opening a vault: HEADER, then every slot and every record opened and the store MAC
// summed, which must be what ROOT says. No schedule is built, and nothing is wiped.
//
//   store_scan <home> <connections>
#include "floor.h"

#include <stdlib.h>
#include <string.h>

<<<<<<< HEAD
struct root {
    uint64_t count, generation, event, batch;
    uint8_t mac[32];
};

static void open_root(const struct vault *vault, MDB_txn *transaction, struct root *root) {
    MDB_val entry = {4, "ROOT"}, value;
    require(mdb_get(transaction, vault->meta, &entry, &value) == 0, "no ROOT");
    require(value.mv_size == sizeof *root + OVERHEAD_BYTES, "a ROOT of another size");
    const uint8_t *record = value.mv_data;
    uint8_t key[32], associated[52] = "tkv1recd";
    crypto_kdf_derive_from_key(key, sizeof key, 1, "tkv1root", vault->store_mac_key);
    memcpy(associated + 8, vault->id, 16);
    memcpy(associated + 24, "ROOT", 4);
    memcpy(associated + 28, record, 24);
    int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
        (uint8_t *)root, NULL, NULL, record + 48, value.mv_size - 48, associated,
        sizeof associated, record + 24, key);
    require(!failed, "ROOT does not open");
}

// What one record adds to the store MAC: of its key, its generation and its tag.
static void add(const struct vault *vault, const MDB_val *key, const MDB_val *value, uint8_t *sum) {
    const uint8_t *record = value->mv_data;
    uint8_t part[32 + 8 + 16], element[32];
    memcpy(part, key->mv_data, 32);
    memcpy(part + 32, record + 16, 8);
    memcpy(part + 40, record + value->mv_size - 16, 16);
    crypto_generichash(
        element, sizeof element, part, sizeof part, vault->store_mac_key,
        sizeof vault->store_mac_key);
    for (size_t index = 0; index < sizeof element; index++) sum[index] ^= element[index];
}

=======
>>>>>>> 634acea32b114146771b7e7e66ce5ed7bfd13010
int main(int count, char **arguments) {
    require(count == 3, "usage: store_scan <home> <connections>");
    int64_t connections = atoll(arguments[2]);
    static uint8_t plaintext[65536];
    struct stopwatch since = stopwatch_start();
    struct vault vault;
    vault_open(&vault, arguments[1], 0);
    MDB_txn *transaction;
    MDB_cursor *cursor;
    int result = mdb_txn_begin(vault.environment, NULL, MDB_RDONLY, &transaction);
    require(result == 0, mdb_strerror(result));
    struct root root;
    vault_open_root(&vault, transaction, &root);
    require(mdb_cursor_open(transaction, vault.records, &cursor) == 0, "a cursor");
    uint8_t sum[32] = {0};
    uint64_t found = 0;
    MDB_val key, value;
    while ((result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        require(key.mv_size == 32, "a key of another size");
        vault_open_value(&vault, key.mv_data, &value, plaintext);
        vault_toggle(&vault, &key, &value, sum);
        found++;
    }
    require(result == MDB_NOTFOUND, mdb_strerror(result));
    require(found == root.count && memcmp(sum, root.mac, 32) == 0, "the store MAC does not match");
    stopwatch_print(since, connections);
    // All connections, and their application.
    require(found == (uint64_t)connections + 1, "not as many connections");
    return 0;
}
