// SPDX-License-Identifier: Apache-2.0
// SQLCipher as a store of tokens: one row a connection, write-ahead log, every commit synced, the
// page size and the cache as they come. The key is raw, so that nothing is derived from it.
//
//   tokens put <home> <connections> <puts>                256 upserts a transaction
//   tokens read <home> <connections> <threads> <reads>    a select by id; one thread
//
// Every page is encrypted and authenticated. Nothing read is wiped, and a deleted row stays
// readable for whoever has the key.
#include "floor.h"

#include <sqlcipher/sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define COMMIT_COUNT 256
#define ACCESS_BYTES 704
#define REFRESH_BYTES 96

static sqlite3 *database;

static void run(const char *statement) {
    char *message = NULL;
    int result = sqlite3_exec(database, statement, NULL, NULL, &message);
    require(result == SQLITE_OK, message == NULL ? statement : message);
}

static sqlite3_stmt *prepared(const char *text) {
    sqlite3_stmt *statement;
    int result = sqlite3_prepare_v2(database, text, -1, &statement, NULL);
    require(result == SQLITE_OK, sqlite3_errmsg(database));
    return statement;
}

static void put(sqlite3_stmt *statement, int number, const char *access, const char *refresh) {
    char id[24];
    int count = snprintf(id, sizeof id, "connection-%d", number);
    sqlite3_bind_text(statement, 1, id, count, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 2, access, ACCESS_BYTES, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 3, refresh, REFRESH_BYTES, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 4, (sqlite3_int64)time(NULL) + 86400);
    require(sqlite3_step(statement) == SQLITE_DONE, sqlite3_errmsg(database));
    sqlite3_reset(statement);
}

static void put_all(const int *numbers, int count) {
    char access[ACCESS_BYTES], refresh[REFRESH_BYTES];
    sqlite3_randomness(sizeof access, access);
    sqlite3_randomness(sizeof refresh, refresh);
    sqlite3_stmt *statement = prepared("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?, ?)");
    for (int done = 0; done < count;) {
        run("BEGIN IMMEDIATE");
        for (int left = COMMIT_COUNT; left > 0 && done < count; left--, done++)
            put(statement, numbers[done], access, refresh);
        run("COMMIT");
    }
    sqlite3_finalize(statement);
}

static void read_all(const int *numbers, int connections, int reads) {
    sqlite3_stmt *statement = prepared("SELECT access, expiry FROM tokens WHERE id = ?");
    for (int done = 0; done < reads; done++) {
        char id[24];
        int count = snprintf(id, sizeof id, "connection-%d", numbers[done % connections]);
        sqlite3_bind_text(statement, 1, id, count, SQLITE_STATIC);
        require(sqlite3_step(statement) == SQLITE_ROW, "no such connection");
        require(sqlite3_column_bytes(statement, 0) == ACCESS_BYTES, "not the token");
        require(sqlite3_column_int64(statement, 1) > (sqlite3_int64)time(NULL), "an expired token");
        sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
}

static void open_tokens(const char *home, const int *numbers, int connections) {
    char path[4096];
    snprintf(path, sizeof path, "%s/sqlcipher", home);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/sqlcipher/tokens.db", home);
    require(sqlite3_open(path, &database) == SQLITE_OK, path);
    run("PRAGMA key = \"x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'\"");
    run("PRAGMA journal_mode = WAL");
    run("PRAGMA synchronous = FULL");
    run("CREATE TABLE IF NOT EXISTS tokens"
        " (id TEXT PRIMARY KEY, access BLOB, refresh BLOB, expiry INTEGER)");
    sqlite3_stmt *statement = prepared("SELECT count(*) FROM tokens");
    require(sqlite3_step(statement) == SQLITE_ROW, "a count");
    int present = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    if (present < connections) put_all(numbers, connections);
}

int main(int count, char **arguments) {
    int reading = count == 6 && strcmp(arguments[1], "read") == 0;
    require(reading || (count == 5 && strcmp(arguments[1], "put") == 0), "usage: see tokens.c");
    int connections = atoi(arguments[3]), operations = atoi(arguments[count - 1]);
    require(connections > 0 && operations > 0, "numbers above zero");
    require(!reading || atoi(arguments[4]) == 1, "one thread");
    require(reading || operations <= connections, "one put a connection");
    int *numbers = shuffled_numbers(connections);
    open_tokens(arguments[2], numbers, connections);
    if (reading) read_all(numbers, connections, operations / 4);
    struct stopwatch since = stopwatch_start();
    if (reading) read_all(numbers, connections, operations);
    else put_all(numbers, operations);
    stopwatch_print(since, operations);
    require(sqlite3_close(database) == SQLITE_OK, "a close");
    return 0;
}
