// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <lmdb.h>
#include <stddef.h>

// Bytes of the file up to its last page.
static inline size_t tv_mdb_used_bytes(MDB_env *environment, size_t page_bytes) {
    MDB_envinfo info;
    if (mdb_env_info(environment, &info) != MDB_SUCCESS) return 0;
    return (info.me_last_pgno + 1) * page_bytes;
}

// Bytes of pages that were freed and can be used by the next write transaction. Asked of a read
// transaction: LMDB shows its own list to no other.
static inline size_t tv_mdb_freed_bytes(MDB_txn *transaction, size_t page_bytes) {
    MDB_cursor *cursor;
    // Database 0 is LMDB's own list: transaction id to a count and as many page numbers.
    if (mdb_cursor_open(transaction, 0, &cursor) != MDB_SUCCESS) return 0;
    size_t pages = 0;
    MDB_val key, value;
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS) {
        // What the last one freed belongs to readers of the one before.
        if (*(size_t *)key.mv_data >= mdb_txn_id(transaction)) break;
        pages += *(size_t *)value.mv_data;
    }
    mdb_cursor_close(cursor);
    return pages * page_bytes;
}

// The data file's descriptor.
static inline int tv_mdb_file(MDB_env *environment) {
    int file = -1;
    mdb_env_get_fd(environment, &file);
    return file;
}
