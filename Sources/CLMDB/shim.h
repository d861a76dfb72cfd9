// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <lmdb.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// Bytes of the file up to its last page; as many as there can be where the file says more.
static inline size_t tv_mdb_used_bytes(MDB_env *environment, size_t page_bytes) {
    MDB_envinfo info;
    if (mdb_env_info(environment, &info) != MDB_SUCCESS) return 0;
    size_t pages_max = PTRDIFF_MAX / 2 / page_bytes;
    return (info.me_last_pgno < pages_max ? info.me_last_pgno + 1 : pages_max) * page_bytes;
}

// Takes a line of mdb_reader_list: process, thread, and the transaction whose snapshot is read or
// "-". It is all that LMDB tells about its readers.
static inline int tv_mdb_note_reader(const char *line, void *oldest) {
    const char *last = strrchr(line, ' ');
    if (last == NULL || last[1] < '0' || last[1] > '9') return 0;
    size_t number = strtoull(last + 1, NULL, 10);
    if (number < *(size_t *)oldest) *(size_t *)oldest = number;
    return 0;
}

// Bytes of pages that were freed and can be used by the next write transaction. Asked of a read
// transaction: LMDB shows its own list to no other. Pages that an older reader may see are not
// free, whoever it is.
static inline size_t tv_mdb_freed_bytes(
    MDB_env *environment, MDB_txn *transaction, size_t page_bytes) {
    // What the last one freed belongs to readers of the one before.
    size_t oldest = mdb_txn_id(transaction);
    if (mdb_reader_list(environment, tv_mdb_note_reader, &oldest) < 0) return 0;
    MDB_cursor *cursor;
    // Database 0 is LMDB's own list: transaction id to a count and as many page numbers.
    if (mdb_cursor_open(transaction, 0, &cursor) != MDB_SUCCESS) return 0;
    size_t pages = 0;
    MDB_val key, value;
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS) {
        size_t number, count;
        if (key.mv_size != sizeof number || value.mv_size < sizeof count) break;
        memcpy(&number, key.mv_data, sizeof number);
        memcpy(&count, value.mv_data, sizeof count);
        if (number >= oldest || count >= value.mv_size / sizeof(size_t)) break;
        pages += count;
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
