// SPDX-License-Identifier: Apache-2.0
// The floor of a token read, on a vault that the library made: keyed BLAKE2b of the id, LMDB get in
// a renewed snapshot, the slot opened, the record opened. Nothing is looked for in the plaintext
// and nothing is wiped.
//
//   token_read <home> <connections> <threads> <reads>
#include "floor.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const struct vault *vault;
    char (*names)[24];
    int start, connections, reads;
};

static void read_one(
    const struct vault *vault, MDB_txn *snapshot, const char *name, uint8_t *plaintext) {
    uint8_t key[32];
    vault_key(vault, name, key);
    require(mdb_txn_renew(snapshot) == 0, "a snapshot");
    MDB_val entry = {sizeof key, key}, value;
    require(mdb_get(snapshot, vault->records, &entry, &value) == 0, "no such connection");
    vault_open_value(vault, key, &value, plaintext);
    mdb_txn_reset(snapshot);
}

static void *read_many(void *context) {
    struct reader *reader = context;
    static _Thread_local uint8_t plaintext[65536];
    MDB_txn *snapshot;
    int result = mdb_txn_begin(reader->vault->environment, NULL, MDB_RDONLY, &snapshot);
    require(result == 0, mdb_strerror(result));
    mdb_txn_reset(snapshot);
    for (int read = 0; read < reader->reads; read++) {
        const char *name = reader->names[(reader->start + read) % reader->connections];
        read_one(reader->vault, snapshot, name, plaintext);
        // Field 1 is the id: what was opened is what was asked for.
        require(memcmp(plaintext + 6, name, strlen(name)) == 0, "another connection's record");
    }
    mdb_txn_abort(snapshot);
    return NULL;
}

static void run(struct reader *readers, int threads, int reads) {
    pthread_t handles[16];
    for (int index = 0; index < threads; index++) {
        readers[index].reads = reads / threads;
        require(
            pthread_create(&handles[index], NULL, read_many, &readers[index]) == 0, "a thread");
    }
    for (int index = 0; index < threads; index++) pthread_join(handles[index], NULL);
}

// Random ids, shuffled before and walked in order: the caller's ids are in the cache, the vault's
// records are not.
static void name_all(char (*names)[24], int connections) {
    int *numbers = shuffled_numbers(connections);
    for (int index = 0; index < connections; index++)
        snprintf(names[index], sizeof names[index], "connection-%d", numbers[index]);
    free(numbers);
}

int main(int count, char **arguments) {
    require(count == 5, "usage: token_read <home> <connections> <threads> <reads>");
    int connections = atoi(arguments[2]), threads = atoi(arguments[3]), reads = atoi(arguments[4]);
    require(connections > 0 && threads > 0 && threads <= 16 && reads > 0, "numbers above zero");
    struct vault vault;
    vault_open(&vault, arguments[1], 0);
    char(*names)[24] = malloc(sizeof *names * (size_t)connections);
    name_all(names, connections);
    struct reader readers[16];
    for (int index = 0; index < threads; index++)
        readers[index] =
            (struct reader){&vault, names, connections / threads * index, connections, 0};
    run(readers, threads, reads / 4);
    struct stopwatch since = stopwatch_start();
    run(readers, threads, reads);
    stopwatch_print(since, reads / threads * threads);
    return 0;
}
