// SPDX-License-Identifier: Apache-2.0
// The floor of a disconnect that promises what the library does, on a vault that the library made:
// the record opened under the key in its slot, rewritten as disconnecting and fenced; what it holds
// known, for the receipt; the slot overwritten with random bytes and synced, then with zeros and
// synced; record and fence deleted; two events, ROOT and store MAC with both commits; whatever held
// plaintext wiped. So many at a time. Every connection is put back afterwards, untimed.
//
//   disconnect_promises <home> <disconnects> <at a time>
#include "vault_writer.h"

#include <stdlib.h>
#include <string.h>

enum { DISCONNECT_STARTED = 13, DISCONNECTED = 14 };

static void begin(struct connection *connection) {
    uint8_t disconnecting = 4;
    uint32_t length;
    vault_writer_read(connection, NULL);
    vault_writer_change(connection, &(struct change){2, 1, &disconnecting}, 1);
    // Both tokens, when they expire, and whose they are.
    const uint16_t held[] = {3, 4, 8, 11};
    for (int index = 0; index < 4; index++)
        require(
            fields_find(connection->fields, connection->count, held[index], &length) != NULL,
            "a connection without its tokens");
    vault_writer_put(connection);
    vault_writer_fence(connection);
    vault_writer_event(connection, DISCONNECT_STARTED, 0);
    vault_writer_wipe(connection);
}

static void disconnect_all(struct connection *const *connections, int count) {
    vault_writer_begin();
    for (int index = 0; index < count; index++) begin(connections[index]);
    vault_writer_commit();
    vault_writer_begin();
    vault_writer_erase_slots(connections, count);
    for (int index = 0; index < count; index++) {
        vault_writer_remove(connections[index]);
        vault_writer_event(connections[index], DISCONNECTED, 1);
    }
    vault_writer_commit();
}

int main(int count, char **arguments) {
    require(count == 4, "usage: disconnect_promises <home> <disconnects> <at a time>");
    int total = atoi(arguments[2]), group = atoi(arguments[3]);
    require(total > 0 && group > 0, "numbers above zero");
    vault_writer_open(arguments[1]);
    struct connection *all = vault_writer_memory((size_t)total * sizeof *all);
    struct connection *kept = vault_writer_memory((size_t)total * sizeof *all);
    struct connection **connections = calloc((size_t)total, sizeof *connections);
    require(connections != NULL, "memory");
    MDB_txn *snapshot = vault_writer_snapshot();
    for (int index = 0; index < total; index++) {
        connections[index] = &all[index];
        all[index].number = kept[index].number = index;
        vault_writer_read(&kept[index], snapshot);
    }
    mdb_txn_abort(snapshot);

    struct stopwatch since = stopwatch_start();
    for (int done = 0; done < total; done += group)
        disconnect_all(connections + done, total - done < group ? total - done : group);
    stopwatch_print(since, total);
    vault_writer_begin();
    for (int index = 0; index < total; index++) vault_writer_insert(&kept[index]);
    vault_writer_sync_slots();
    vault_writer_commit();
    return 0;
}
