// SPDX-License-Identifier: Apache-2.0
// The floor of a durable put that promises what the library does, on a vault that the library made:
// the old record opened under the key in its slot, the tokens merged into it, an event written for
// each and the oldest one dropped, ROOT and store MAC with each commit, whatever held plaintext
// wiped; in LMDB commits of 256, all on one thread.
//
//   durable_put_promises <home> <connections> <puts>
#include "sealed_store.h"
#include "vault_writer.h"

#include <sodium.h>
#include <stdlib.h>

#define ACCESS_TOKEN_BYTES 704
#define REFRESH_TOKEN_BYTES 96
#define TOKENS_PUT 4

static const uint8_t *tokens;

static void put(struct connection *connection) {
    uint8_t active = 2, by_caller = 6;
    int64_t now = unix_milliseconds(), expiry = now + INT64_C(365) * 86400000;
    // The tags of RecordFormat; those that go are of the tokens before.
    const struct change changes[] = {
        {2, 1, &active}, {3, ACCESS_TOKEN_BYTES, tokens},
        {4, REFRESH_TOKEN_BYTES, tokens + ACCESS_TOKEN_BYTES}, {5, 6, "Bearer"},
        {8, 8, &expiry}, {9, 1, &by_caller}, {10, 0, NULL}, {11, 9, "benchmark"}, {13, 8, &now},
        {14, 0, NULL}, {30, 8, &now}, {31, 0, NULL}, {39, 0, NULL},
    };
    vault_writer_read(connection, NULL);
    vault_writer_change(connection, changes, sizeof changes / sizeof *changes);
    vault_writer_put(connection);
    vault_writer_event(connection, TOKENS_PUT, 0);
    vault_writer_wipe(connection);
}

int main(int count, char **arguments) {
    require(count == 4, "usage: durable_put_promises <home> <connections> <puts>");
    int connections = atoi(arguments[2]), puts = atoi(arguments[3]);
    require(connections > 0 && puts > 0 && puts <= connections, "numbers above zero");
    vault_writer_open(arguments[1]);
    int *numbers = shuffled_numbers(connections);
    struct connection *connection = vault_writer_memory(sizeof *connection);
    uint8_t *drawn = vault_writer_memory(ACCESS_TOKEN_BYTES + REFRESH_TOKEN_BYTES);
    for (int index = 0; index < ACCESS_TOKEN_BYTES + REFRESH_TOKEN_BYTES; index++)
        drawn[index] = (uint8_t)('a' + randombytes_uniform(26));
    tokens = drawn;

    struct stopwatch since = stopwatch_start();
    for (int done = 0; done < puts;) {
        vault_writer_begin();
        for (int left = COMMIT_COUNT; left > 0 && done < puts; left--, done++) {
            connection->number = numbers[done];
            put(connection);
        }
        vault_writer_commit();
    }
    stopwatch_print(since, puts);
    return 0;
}
