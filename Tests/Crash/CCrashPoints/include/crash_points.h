// SPDX-License-Identifier: Apache-2.0
// Sees every durable write of this process, and can end the process between two of them.
#pragma once
#include <stdint.h>

// Shared with the process that watches; it outlives a SIGKILL.
struct tv_progress {
    uint32_t operation;  // what is being done, as the subject numbers it; 0 between operations
    uint32_t writes;     // durable writes that this operation has completed
    uint32_t aim;        // the operation to die in; 0 for none
    uint32_t aim_writes; // how many of its durable writes are completed before that
    uint32_t aim_skips;  // how many operations of that kind pass unharmed before
};

// Maps the file that both processes share; the caller of `create` makes it anew. NULL on failure.
struct tv_progress *tv_progress_open(const char *path, int create);
void tv_progress_close(struct tv_progress *progress);

// From here on durable writes are counted there.
void tv_progress_watch(struct tv_progress *progress);
// An operation begins, or ends (0). Returns how many durable writes the one before had.
uint32_t tv_progress_begin(uint32_t operation);
