// SPDX-License-Identifier: Apache-2.0
// The floor of opening a vault: HEADER, then every slot and every record opened and the store MAC
// summed, which must be what ROOT says. No schedule is built, and nothing is wiped.
//
//   store_scan <home> <connections>
#include "floor.h"

#include <stdlib.h>
#include <string.h>

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
